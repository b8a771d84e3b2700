"""What RDS says happened: user guide "Amazon RDS event categories and event messages"."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ..rules import memory
from .store import Place, Record

SOURCES = {"db": "db-instance", "pg": "db-parameter-group", "snapshot": "db-snapshot"}
CATEGORIES = {
    "db-instance": ["availability", "backtrack", "backup", "configuration change", "creation", "deletion", "failover", "failure", "low storage", "maintenance", "notification", "read replica", "recovery", "restoration", "security", "security patching"],
    "db-snapshot": ["creation", "deletion", "notification", "restoration"],
    "db-parameter-group": ["configuration change"],
    "db-security-group": ["configuration change", "failure"],
    "db-cluster": ["configuration change", "creation", "deletion", "failover", "failure", "global-failover", "maintenance", "migration", "notification", "serverless"],
    "db-cluster-snapshot": ["backup", "notification"],
    "db-proxy": ["configuration change", "creation", "deletion", "failure"],
    "custom-engine-version": ["creation", "failure", "restoration"],
    "blue-green-deployment": ["creation", "deletion", "failure", "notification"],
    "zero-etl": ["creation", "deletion", "failure", "notification"],
}
KEPT_MAX = 1000


def of(place: Place) -> list[dict[str, Any]]:
    return memory(place.account, "rds events").setdefault(place.region, [])


def note(source: Record, category: str, text: str) -> None:
    found = of(source.place)
    found.append(
        {
            "SourceIdentifier": source.name,
            "SourceType": SOURCES[source.kind],
            "SourceArn": source.arn,
            "EventCategories": [category],
            "Message": text,
            "Date": datetime.now(timezone.utc),
        }
    )
    del found[:-KEPT_MAX]
