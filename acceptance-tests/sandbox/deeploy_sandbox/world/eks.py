"""Clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import Object, reader, shown


@reader("eks")
def _eks(backend: Any, account: str) -> Iterator[Object]:
    for cluster in list(backend.clusters.values()):
        yield shown("eks:cluster", cluster.name, cluster.arn, cluster.tags, cluster.status)
        for group in list(cluster.nodegroups.values()):
            yield shown("eks:nodegroup", f"{cluster.name}/{group.nodegroup_name}", group.arn, group.tags, group.status)
