"""Databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import moto.backends

from ..rds import snapshots
from ..rds.instances import instances
from ..rds.store import Place
from . import Object, reader, settlers, shown


def _settle(account: str) -> None:
    """An instance that is gone has taken its interfaces and its secret along."""
    for region in list(dict.get(moto.backends.get_backend("rds"), account) or {}):
        instances(Place(account, str(region)))


settlers.append(_settle)


@reader("rds")
def _rds(backend: Any, account: str) -> Iterator[Object]:
    """What AWS makes by itself is `managed`: it goes with an instance, or costs nothing and cannot be deleted."""
    place = Place(account, backend.region_name)
    for instance in instances(place):
        yield shown("rds:db", instance.name, instance.arn, instance.tags, instance.seen_status(), resource_id=instance.id)
        if instance.values["BackupRetentionPeriod"]:
            backup = snapshots.backup_of(instance)
            yield shown("rds:automated_backup", backup.name, backup.arn, backup.tags, "active", instance=instance.name, managed=True)
    for backup in snapshots.retained(place).values():
        yield shown("rds:automated_backup", backup.name, backup.arn, backup.tags, "retained", instance=backup.instance, managed=False)
    for snapshot in list(backend.database_snapshots.values()):
        automated = snapshot.snapshot_kind == "automated"
        yield shown("rds:snapshot", snapshot.name, snapshot.arn, snapshot.tags, snapshot.status, instance=snapshot.instance, managed=automated)
    for group in list(backend.subnet_groups.values()):
        yield shown("rds:subnet_group", group.name, group.arn, group.tags, "Complete", managed=group.name == "default")
    for group in list(backend.db_parameter_groups.values()):
        if not group.is_default:
            yield shown("rds:parameter_group", group.name, group.arn, group.tags)
    for subscription in [each for each in backend.event_subscriptions.values() if not each.gone]:
        yield shown("rds:event_subscription", subscription.name, subscription.arn, subscription.tags, subscription.status)
