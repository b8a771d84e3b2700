"""Databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import Object, reader, shown


@reader("rds")
def _rds(backend: Any, account: str) -> Iterator[Object]:
    for database in list(backend.databases.values()):
        yield shown("rds:db", database.db_instance_identifier, database.db_instance_arn, database.tags, database.status)
    for group in list(backend.subnet_groups.values()):
        yield shown("rds:subnet_group", group.name, group.arn, group.tags)
    for group in list(backend.db_parameter_groups.values()):
        if not group.name.startswith("default."):
            yield shown("rds:parameter_group", group.name, group.arn, group.tags)
