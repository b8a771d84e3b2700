"""Rules to come."""
from types import SimpleNamespace
settings = SimpleNamespace(name_busy_s=0.0)
