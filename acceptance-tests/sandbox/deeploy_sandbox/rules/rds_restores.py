"""RestoreDBInstanceFromDBSnapshot and RestoreDBInstanceToPointInTime: API reference ("most of the original
configuration", but one zone, the default security group, the default parameter group, and the default subnet group),
user guide "Restoring to a DB instance" and "Restoring a DB instance to a specified time".
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ..aws_call import AwsCall
from ..moto_bridge import Unsupported
from ..rds import checks, classes, events, making, snapshots
from ..rds.instances import find_instance, now
from ..rds.store import Place, combination, name_of, place_of, tags_of
from ..wire import AwsError
from . import before
from .rds_instances import not_found
from .rds_snapshots import require_key, snapshot_of

# Settings of a restore request.
TAKEN = (
    "MultiAZ", "AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "DeletionProtection", "CACertificateIdentifier", "EngineLifecycleSupport",
    "NetworkType", "BackupTarget", "DedicatedLogVolume", "Port", "PubliclyAccessible", "IAMDatabaseAuthenticationEnabled", "StorageType",
    "Iops", "StorageThroughput", "EnabledCloudwatchLogsExports", "AllocatedStorage", "MaxAllocatedStorage", "DBInstanceClass",
    "BackupRetentionPeriod",
)  # fmt: skip
# What is taken over from the source. The rest is as if the instance were new, but for the password.
FROM_SOURCE = (
    "EngineVersion", "AllocatedStorage", "StorageType", "Iops", "StorageThroughput", "MasterUsername", "LicenseModel", "KmsKeyId", "StorageEncrypted",
    "Port", "DBInstanceClass", "DBName", "DedicatedLogVolume", "BackupRetentionPeriod",
)  # fmt: skip


@before("rds", "RestoreDBInstanceFromDBSnapshot")
def _from_snapshot(call: AwsCall) -> dict[str, Any]:
    name = making.new_name(call, "DBInstanceIdentifier")
    source = snapshot_of(call)
    if source.status != "available":
        raise AwsError("InvalidDBSnapshotState", f"The snapshot {source.name} is not available.")
    # Without new tags, those of the snapshot's source are taken.
    living = find_instance(source.place, source.instance)
    tags = list(living.tags if living is not None else source.source_tags)
    return _restore(call, name, source, tags_of(call) or tags, "Restored from snapshot " + source.name)


@before("rds", "RestoreDBInstanceToPointInTime")
def _to_point_in_time(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    name = making.new_name(call, "TargetDBInstanceIdentifier")
    backup = _backup(call, place)
    latest, given = bool(call.params.get("UseLatestRestorableTime")), call.params.get("RestoreTime")
    if latest == (given is not None):
        raise combination("You must specify either RestoreTime or UseLatestRestorableTime, and not both.")
    if given is not None:
        when = given if isinstance(given, datetime) else datetime.fromisoformat(str(given).replace("Z", "+00:00"))
        when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
        window = backup.window
        if when < window["EarliestTime"] or when > now():
            raise AwsError("InvalidRestoreFault", f"The specified time {when.isoformat()} is not within the restorable window: {window['EarliestTime'].isoformat()} to {window['LatestTime'].isoformat()}.")
    return _restore(call, name, backup, tags_of(call), "Restored to a point in time of " + backup.instance)


def _backup(call: AwsCall, place: Place) -> snapshots.Backup:
    """The automated backups that are named: a living instance's, or those that one left."""
    name, resource, arn = call.text("SourceDBInstanceIdentifier"), call.text("SourceDbiResourceId"), call.text("SourceDBInstanceAutomatedBackupsArn")
    if not (name or resource or arn):
        raise combination("You must specify SourceDBInstanceIdentifier, SourceDbiResourceId or SourceDBInstanceAutomatedBackupsArn.")
    for instance in list(place.moto.databases.values()):
        instance.settle()
    for instance in list(place.moto.databases.values()):
        if name_of(name) == instance.name or resource == instance.id or (arn and arn == snapshots.backup_of(instance).arn):
            if not instance.values["BackupRetentionPeriod"]:
                raise AwsError("PointInTimeRestoreNotEnabled", f"Point-in-time recovery is not enabled for {instance.name}: its backup retention period is 0.")
            if instance.creating:
                raise AwsError("InvalidDBInstanceState", f"Instance {instance.name} is not in available state.")
            return snapshots.backup_of(instance)
    for backup in snapshots.retained(place).values():
        if resource == backup.id or arn == backup.arn:
            return backup
    if name:
        raise not_found(name)
    raise AwsError("DBInstanceAutomatedBackupNotFound", f"Automated backup {resource or arn} not found.", 404)


def _restore(call: AwsCall, name: str, source: Any, tags: list[dict[str, str]], told: str) -> dict[str, Any]:
    place, asked = place_of(call), making.asked_of(call)
    if asked.get("Engine") not in (None, "postgres"):
        raise Unsupported("NotImplementedBySandbox", f"The sandbox restores no RDS engine {asked['Engine']!r}")
    if asked.get("ManageMasterUserPassword") or asked.get("MasterUserSecretKmsKeyId"):
        raise combination("ManageMasterUserPassword applies to RDS for Oracle only when a DB instance is restored.")
    brought = {key: source.values[key] for key in FROM_SOURCE if source.values.get(key) is not None}
    values = {**making.DEFAULTS, **brought, **{key: asked[key] for key in TAKEN if key in asked}}
    # PostgreSQL restores the databases that are in the data, whatever a request names.
    values["PreferredBackupWindow"], values["PreferredMaintenanceWindow"] = making.windows(name, asked)
    if values["AllocatedStorage"] < brought["AllocatedStorage"]:
        raise checks.invalid(f"The allocated storage {values['AllocatedStorage']} is smaller than that of the backup: {brought['AllocatedStorage']}.")
    if values["StorageType"] in ("gp2", "standard") or values["StorageType"] != brought["StorageType"]:
        values = {**values, "Iops": asked.get("Iops"), "StorageThroughput": asked.get("StorageThroughput")}
    if values["StorageType"] == "gp3" and not values.get("Iops"):
        values["Iops"], values["StorageThroughput"] = classes.gp3_base(values["AllocatedStorage"])
    require_key(call, values.get("KmsKeyId"))
    making.check(call, values, asked)
    group, security_groups = making.network(call, place, asked)
    parameters = making.group_for(place, values["EngineVersion"], asked.get("DBParameterGroupName"))
    making.settle_public(place, group.vpc_id, values)
    making.zones(group, values, asked.get("AvailabilityZone"))
    making.settle_storage(values, {key: values.get(key) for key in ("Iops", "StorageThroughput")})
    values["PerformanceInsightsEnabled"] = False
    instance = making.make(call, name, values, tags, group, security_groups, parameters, "rds:db:restore")
    instance.password = source.password
    events.note(instance, "restoration", told)
    return {"DBInstance": instance.shown()}
