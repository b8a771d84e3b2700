"""DB snapshots: API reference of Create-, Describe-, Copy- and DeleteDBSnapshot(s)."""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..durations import begin
from ..rds import checks, events, snapshots
from ..rds.instances import instances
from ..rds.snapshots import Snapshot
from ..rds.store import combination, name_of, pages, place_of, tags_of
from ..wire import AwsError
from . import before
from .rds_instances import filtered, instance_of

FILTERS = {
    "db-instance-id": lambda each: (each.instance,),
    "db-snapshot-id": lambda each: (each.name, each.arn),
    "dbi-resource-id": lambda each: (each.values["DbiResourceId"],),
    "snapshot-type": lambda each: (each.snapshot_kind,),
    "engine": lambda each: ("postgres",),
}


def snapshot_of(call: AwsCall, parameter: str = "DBSnapshotIdentifier") -> Snapshot:
    place, name = place_of(call), name_of(call.text(parameter))
    instances(place)
    found = place.moto.database_snapshots.get(name)
    if found is None:
        raise AwsError("DBSnapshotNotFound", f"DBSnapshot {name} not found.", 404)
    return found


def require_key(call: AwsCall, key_arn: str | None) -> None:
    if key_arn:
        checks.key_arn(call, key_arn)


@before("rds", "CreateDBSnapshot")
def _create(call: AwsCall) -> dict[str, Any]:
    instance = instance_of(call)
    tags = tags_of(call)
    name = snapshots.check_new(instance.place, "DBSnapshotIdentifier", call.text("DBSnapshotIdentifier"))
    if instance.transition is not None or instance.seen_status() not in ("available", "storage-optimization"):
        raise AwsError("InvalidDBInstanceState", f"Cannot create a snapshot because the database instance {instance.name} is not currently in the available state.")
    require_key(call, instance.values.get("KmsKeyId"))
    if instance.values["CopyTagsToSnapshot"]:
        given = {tag["Key"] for tag in tags}
        tags = [tag for tag in instance.tags if tag["Key"] not in given] + tags
    return {"DBSnapshot": snapshots.take(instance, name, tags).shown() | {"Status": "creating", "PercentProgress": 0}}


@before("rds", "DescribeDBSnapshots")
def _describe(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    instances(place)
    rows = sorted(place.moto.database_snapshots.values(), key=lambda each: each.name)
    if call.text("DBSnapshotIdentifier"):
        rows = [snapshot_of(call)]
    if call.text("DBInstanceIdentifier"):
        rows = [each for each in rows if each.instance == name_of(call.text("DBInstanceIdentifier"))]
    if call.text("DbiResourceId"):
        rows = [each for each in rows if each.values["DbiResourceId"] == call.text("DbiResourceId")]
    kind = call.text("SnapshotType")
    if kind not in ("", "automated", "manual", "shared", "public", "awsbackup"):
        raise checks.invalid(f"Invalid snapshot type: {kind}")
    if kind:
        rows = [each for each in rows if each.snapshot_kind == kind]
    rows, more = pages(call, filtered(call, rows, FILTERS))
    return {"DBSnapshots": [each.shown() for each in rows], **more}


@before("rds", "CopyDBSnapshot")
def _copy(call: AwsCall) -> dict[str, Any]:
    """Within the region and the account."""
    place, source = place_of(call), snapshot_of(call, "SourceDBSnapshotIdentifier")
    name = snapshots.check_new(place, "TargetDBSnapshotIdentifier", call.text("TargetDBSnapshotIdentifier"))
    if source.status != "available":
        raise AwsError("InvalidDBSnapshotState", f"The snapshot {source.name} is not available.")
    values = dict(source.values)
    require_key(call, values.get("KmsKeyId"))
    if call.text("KmsKeyId"):
        values["KmsKeyId"], values["StorageEncrypted"] = checks.key_arn(call, call.text("KmsKeyId")), True
    tags = tags_of(call)
    if call.params.get("CopyTags"):
        if tags:
            raise combination("You can't specify both CopyTags and Tags.")
        tags = list(source.tags)
    made = Snapshot(
        place, name, instance=source.instance, values=values, vpc_id=source.vpc_id, snapshot_kind="manual",
        parameter_group=source.parameter_group, subnet_group=source.subnet_group, password=source.password, source_tags=source.source_tags, tags=tags,
    )  # fmt: skip
    made.span = begin(place.account, "rds:snapshot:create")
    place.moto.database_snapshots[name] = made
    return {"DBSnapshot": {**made.shown(), "SourceDBSnapshotIdentifier": source.arn, "Status": "creating"}}


@before("rds", "DeleteDBSnapshot")
def _delete(call: AwsCall) -> dict[str, Any]:
    found = snapshot_of(call)
    if found.snapshot_kind == "automated":
        raise AwsError("InvalidDBSnapshotState", "Only manual snapshots may be deleted.")
    if found.status != "available":
        raise AwsError("InvalidDBSnapshotState", f"Cannot delete the snapshot because it is not currently in the available or failed state: {found.name}.")
    found.place.moto.database_snapshots.pop(found.name)
    events.note(found, "deletion", "Deleted user snapshot")
    return {"DBSnapshot": found.shown() | {"Status": "deleted"}}
