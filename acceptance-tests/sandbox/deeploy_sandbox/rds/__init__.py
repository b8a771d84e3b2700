"""Amazon RDS for PostgreSQL as its user guide and API reference describe it; `rules/rds_*.py` answer the calls.

The objects stand in moto's RDS store in place of moto's own, so that the tagging API and the world find them.
"""
