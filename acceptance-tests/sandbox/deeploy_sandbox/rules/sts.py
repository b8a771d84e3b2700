"""Rules to come."""
from types import SimpleNamespace
registry = SimpleNamespace(sessions=None)
