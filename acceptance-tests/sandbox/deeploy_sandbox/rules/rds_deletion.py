"""DeleteDBInstance and DeleteDBInstanceAutomatedBackup: API reference, user guide "Deleting a DB instance"."""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..rds import belongings, checks, events, snapshots
from ..rds.instances import KEY_LOST, Instance, instances
from ..rds.store import combination, pages, place_of
from ..wire import AwsError
from . import before
from .kms_keys import find_key
from .rds_instances import filtered, instance_of


@before("rds", "DeleteDBInstance")
def _delete(call: AwsCall) -> dict[str, Any]:
    instance = instance_of(call)
    place, skip = instance.place, bool(call.params.get("SkipFinalSnapshot"))
    given = call.text("FinalDBSnapshotIdentifier")
    if instance.deleting:
        raise AwsError("InvalidDBInstanceState", f"Instance {instance.name} is already being deleted.")
    if instance.values["DeletionProtection"]:
        raise combination("Cannot delete protected DB Instance, please disable deletion protection and try again.")
    if skip and given:
        raise combination("FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is specified.")
    if not skip and not given:
        raise combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    final = None
    if given:
        final = snapshots.check_new(place, "FinalDBSnapshotIdentifier", given)
        status = instance.seen_status()
        if status in ("creating", "stopped", "stopping", KEY_LOST):
            raise AwsError("InvalidDBInstanceState", f"Instance {instance.name} is currently {status} - a final snapshot cannot be taken.")
        if instance.values.get("KmsKeyId"):
            _usable(call, instance)
        snapshots.take(instance, final, instance.tags if instance.values["CopyTagsToSnapshot"] else [])
    keep = call.params.get("DeleteAutomatedBackups") is False and instance.values["BackupRetentionPeriod"] > 0
    instance.start("rds:db:delete", "deleting", lambda: _gone(instance, keep))
    return {"DBInstance": instance.shown()}


def _usable(call: AwsCall, instance: Instance) -> None:
    """Without its key an instance goes to inaccessible-encryption-credentials, and no snapshot can be taken."""
    key = find_key(call, instance.values["KmsKeyId"])
    if key.key_state != "Enabled":
        raise checks.key_not_accessible(key.arn)


def _gone(instance: Instance, keep_backups: bool) -> None:
    place = instance.place
    if keep_backups:
        snapshots.retained(place)[instance.id] = snapshots.backup_of(instance)
    else:
        for each in snapshots.automated_of(place, instance.id):
            place.moto.database_snapshots.pop(each.name)
    place.moto.databases.pop(instance.name)
    belongings.drop_all(instance)
    events.note(instance, "deletion", "DB instance deleted")


BACKUP_FILTERS = {
    "status": lambda row: (row[1],),
    "db-instance-id": lambda row: (row[0].instance, row[0].instance_arn),
    "dbi-resource-id": lambda row: (row[0].id,),
}


@before("rds", "DescribeDBInstanceAutomatedBackups")
def _describe(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    rows = []
    for instance in instances(place):
        if instance.values["BackupRetentionPeriod"]:
            rows.append((snapshots.backup_of(instance), "creating" if instance.creating else "active"))
    rows += [(backup, "retained") for backup in snapshots.retained(place).values()]
    wanted = {"DbiResourceId": lambda each: each.id, "DBInstanceIdentifier": lambda each: each.instance, "DBInstanceAutomatedBackupsArn": lambda each: each.arn}
    for parameter, value in wanted.items():
        if call.text(parameter):
            asked = call.text(parameter)
            rows = [row for row in rows if value(row[0]).lower() == asked.lower()]
            if not rows and parameter != "DBInstanceIdentifier":
                raise _backup_not_found(asked)
    rows, more = pages(call, filtered(call, rows, BACKUP_FILTERS))
    return {"DBInstanceAutomatedBackups": [backup.shown(status) for backup, status in rows], **more}


def _backup_not_found(name: str) -> AwsError:
    return AwsError("DBInstanceAutomatedBackupNotFound", f"Automated backup {name} not found.", 404)


@before("rds", "DeleteDBInstanceAutomatedBackup")
def _delete_backup(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    resource, arn = call.text("DbiResourceId"), call.text("DBInstanceAutomatedBackupsArn")
    kept = snapshots.retained(place)
    found = next((each for each in kept.values() if resource in (each.id,) or arn == each.arn), None)
    if found is None:
        if any(each.id == resource or snapshots.backup_of(each).arn == arn for each in instances(place)):
            raise AwsError("InvalidDBInstanceAutomatedBackupState", "The automated backup is not in a valid state for this operation: it is active.")
        raise _backup_not_found(resource or arn)
    kept.pop(found.id)
    for each in snapshots.automated_of(place, found.id):
        place.moto.database_snapshots.pop(each.name)
    return {"DBInstanceAutomatedBackup": found.shown("deleting")}
