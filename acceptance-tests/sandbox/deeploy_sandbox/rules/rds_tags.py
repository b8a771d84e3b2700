"""Tags of RDS's resources: user guide "Tagging Amazon RDS resources"."""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..rds import snapshots
from ..rds.instances import instances
from ..rds.store import MAX_TAGS, Place, Record, invalid, place_of, tags_of
from ..wire import AwsError
from . import before

NOT_FOUND = {
    "db": "DBInstanceNotFound",
    "pg": "DBParameterGroupNotFound",
    "subgrp": "DBSubnetGroupNotFoundFault",
    "snapshot": "DBSnapshotNotFound",
    "es": "SubscriptionNotFound",
    "auto-backup": "DBInstanceAutomatedBackupNotFound",
}


def tagged(call: AwsCall) -> Record:
    arn = call.text("ResourceName")
    parts = arn.split(":", 6)
    if len(parts) < 7 or parts[2] != "rds" or parts[3:5] != [call.region, call.account] or parts[5] not in NOT_FOUND:
        raise invalid(f"Invalid resource name: {arn}")
    found = _find(place_of(call), parts[5], parts[6])
    if found is None:
        raise AwsError(NOT_FOUND[parts[5]], f"{arn} not found.", 404)
    return found


def _find(place: Place, kind: str, name: str) -> Record | None:
    instances(place)
    if kind == "auto-backup":
        return next((each for each in snapshots.retained(place).values() if each.name == name), None)
    stores = {
        "db": place.moto.databases,
        "pg": place.moto.db_parameter_groups,
        "subgrp": place.moto.subnet_groups,
        "snapshot": place.moto.database_snapshots,
        "es": place.moto.event_subscriptions,
    }
    return stores[kind].get(name)


@before("rds", "ListTagsForResource")
def _list(call: AwsCall) -> dict[str, Any]:
    return {"TagList": tagged(call).tags}


@before("rds", "AddTagsToResource")
def _add(call: AwsCall) -> dict[str, Any]:
    found, tags = tagged(call), tags_of(call)
    keys = {tag["Key"] for tag in found.tags} | {tag["Key"] for tag in tags}
    if len(keys) > MAX_TAGS:
        raise invalid(f"A resource can have at most {MAX_TAGS} tags.")
    found.add_tags(tags)
    return {}


@before("rds", "RemoveTagsFromResource")
def _remove(call: AwsCall) -> dict[str, Any]:
    tagged(call).remove_tags([str(key) for key in call.params.get("TagKeys") or []])
    return {}
