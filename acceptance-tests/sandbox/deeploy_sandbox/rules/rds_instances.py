"""DB instances: API reference of CreateDBInstance, DescribeDBInstances, RebootDBInstance, StopDBInstance and
StartDBInstance. Deletion, modification and restores have files of their own.
"""

from __future__ import annotations

from typing import Any

from .. import operations
from ..aws_call import AwsCall
from ..moto_bridge import Unsupported
from ..rds import belongings, checks, events, making, snapshots
from ..rds.groups import find_parameter_group
from ..rds.instances import KEY_LOST, Instance, find_instance, instances
from ..rds.store import Place, combination, invalid, name_of, pages, place_of, tags_of
from ..wire import AwsError
from . import before, has_rule
from .service_linked_roles import make_service_linked_role

# Members of a request that the instance simply shows.
TAKEN = (
    "AllocatedStorage", "MaxAllocatedStorage", "StorageType", "Iops", "MultiAZ", "BackupRetentionPeriod", "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot", "DeletionProtection", "MonitoringInterval", "MonitoringRoleArn", "CACertificateIdentifier", "DatabaseInsightsMode",
    "EngineLifecycleSupport", "NetworkType", "BackupTarget", "DedicatedLogVolume", "Port", "DBName", "MasterUsername", "StorageThroughput",
    "IAMDatabaseAuthenticationEnabled", "PerformanceInsightsEnabled", "PerformanceInsightsRetentionPeriod", "EnabledCloudwatchLogsExports",
    "PubliclyAccessible", "StorageEncrypted", "DBInstanceClass",
)  # fmt: skip


def not_found(name: str) -> AwsError:
    return AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)


def instance_of(call: AwsCall, parameter: str = "DBInstanceIdentifier") -> Instance:
    name = name_of(call.text(parameter))
    found = find_instance(place_of(call), name)
    if found is None:
        raise not_found(name)
    return found


def require_available(instance: Instance) -> None:
    """A change that is under way counts, also while the status does not show it yet."""
    if instance.transition is not None or instance.seen_status() not in ("available", "storage-optimization"):
        raise AwsError("InvalidDBInstanceState", f"Instance {instance.name} is not in available state.")


@before("rds", "CreateDBInstance")
def _create(call: AwsCall) -> dict[str, Any]:
    if call.text("Engine") != "postgres":
        raise Unsupported("NotImplementedBySandbox", f"The sandbox has no RDS engine {call.text('Engine')!r}, only postgres")
    place, asked = place_of(call), making.asked_of(call)
    name = making.new_name(call, "DBInstanceIdentifier")
    tags = tags_of(call)
    version = checks.engine_version(call.params.get("EngineVersion"))
    values = {**making.DEFAULTS, **{key: asked[key] for key in TAKEN if key in asked}, "EngineVersion": version}
    if "AllocatedStorage" not in asked:
        raise invalid("The parameter AllocatedStorage must be provided and must not be blank.")
    values.setdefault("StorageType", "io1" if "Iops" in asked else "gp3")
    values["PreferredBackupWindow"], values["PreferredMaintenanceWindow"] = making.windows(name, asked)
    checks.instance_class(values["DBInstanceClass"], version)
    _check_master(call, asked)
    if asked.get("DBName"):
        checks.database_name(str(asked["DBName"]))
    making.check(call, values, asked)
    group, security_groups = making.network(call, place, asked)
    parameters = making.group_for(place, version, asked.get("DBParameterGroupName"))
    making.settle_public(place, group.vpc_id, values)
    making.zones(group, values, asked.get("AvailabilityZone"))
    making.settle_storage(values, asked)
    _encrypt(call, values, asked)
    making.insights(call, values, asked)
    managed = bool(asked.get("ManageMasterUserPassword"))
    secret_key = checks.key_arn(call, asked.get("MasterUserSecretKmsKeyId"), "alias/aws/secretsmanager") if managed else None
    make_service_linked_role(call.account, call.region, "rds.amazonaws.com")
    instance = making.make(call, name, values, tags, group, security_groups, parameters, "rds:db:create")
    if managed:
        belongings.make_secret(instance, secret_key)
    else:
        instance.password = call.text("MasterUserPassword")
    return {"DBInstance": instance.shown()}


def _check_master(call: AwsCall, asked: dict[str, Any]) -> None:
    if not asked.get("MasterUsername"):
        raise invalid("The parameter MasterUsername must be provided and must not be blank.")
    checks.username(str(asked["MasterUsername"]))
    check_password_management(asked)
    if not asked.get("ManageMasterUserPassword"):
        if not asked.get("MasterUserPassword"):
            raise invalid("The parameter MasterUserPassword must be provided and must not be blank.")
        checks.password(str(asked["MasterUserPassword"]))


def check_password_management(asked: dict[str, Any], managed_already: bool = False) -> None:
    if asked.get("ManageMasterUserPassword") and asked.get("MasterUserPassword"):
        raise combination("You can't specify MasterUserPassword when ManageMasterUserPassword is turned on.")
    if asked.get("MasterUserSecretKmsKeyId") and not (asked.get("ManageMasterUserPassword") or managed_already):
        raise combination("You can't specify MasterUserSecretKmsKeyId unless ManageMasterUserPassword is turned on.")


def _encrypt(call: AwsCall, values: dict[str, Any], asked: dict[str, Any]) -> None:
    if asked.get("KmsKeyId") and not values.get("StorageEncrypted"):
        raise combination("You can't specify a KMS key unless the storage is encrypted: set StorageEncrypted.")
    if values.get("StorageEncrypted"):
        values["KmsKeyId"] = checks.key_arn(call, asked.get("KmsKeyId"))


FILTERS = {
    "db-instance-id": lambda instance: (instance.name, instance.arn),
    "dbi-resource-id": lambda instance: (instance.id,),
    "engine": lambda instance: ("postgres",),
    "db-cluster-id": lambda instance: (),
    "domain": lambda instance: (),
}


def filtered(call: AwsCall, rows: list[Any], known: dict[str, Any]) -> list[Any]:
    for each in call.params.get("Filters") or []:
        name, wanted = str(each.get("Name")), {str(value).lower() for value in each.get("Values") or []}
        if name not in known:
            raise invalid(f"Unrecognized filter name: {name}")
        rows = [row for row in rows if wanted & {str(value).lower() for value in known[name](row)}]
    return rows


@before("rds", "DescribeDBInstances")
def _describe(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    if call.text("DBInstanceIdentifier"):
        rows = [instance_of(call)]
    else:
        rows = sorted(instances(place), key=lambda each: each.name)
    rows, more = pages(call, filtered(call, rows, FILTERS))
    shown = [instance.shown() for instance in rows]
    for instance in rows:
        if instance.transition is not None and instance.transition.unseen > 0:
            instance.transition.unseen -= 1
    return {"DBInstances": shown, **more}


@before("rds", "DescribeDBClusters")
def _describe_clusters(call: AwsCall) -> dict[str, Any]:
    """No cluster can be made here, so there is none."""
    if call.text("DBClusterIdentifier"):
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {call.text('DBClusterIdentifier')} not found.")
    return {"DBClusters": []}


@before("rds", "RebootDBInstance")
def _reboot(call: AwsCall) -> dict[str, Any]:
    instance = instance_of(call)
    require_available(instance)
    failover = bool(call.params.get("ForceFailover"))
    if failover and not instance.values["MultiAZ"]:
        raise combination("Cannot force a failover of a DB instance that is not Multi-AZ.")

    def finish() -> None:
        restart(instance)
        if failover:
            values = instance.values
            values["AvailabilityZone"], values["SecondaryAvailabilityZone"] = values["SecondaryAvailabilityZone"], values["AvailabilityZone"]
        events.note(instance, "availability", "DB instance restarted")

    instance.start("rds:db:reboot", "rebooting", finish)
    return {"DBInstance": instance.shown()}


def restart(instance: Instance) -> None:
    group = find_parameter_group(instance.place, instance.parameter_group)
    if group is not None:
        instance.restarted(group)


@before("rds", "StopDBInstance")
def _stop(call: AwsCall) -> dict[str, Any]:
    instance = instance_of(call)
    require_available(instance)
    if call.text("DBSnapshotIdentifier"):
        name = snapshots.check_new(instance.place, "DBSnapshotIdentifier", call.text("DBSnapshotIdentifier"))
        snapshots.take(instance, name, instance.tags if instance.values["CopyTagsToSnapshot"] else [])

    def finish() -> None:
        instance.status = "stopped"
        events.note(instance, "availability", "DB instance stopped")

    instance.start("rds:db:stop", "stopping", finish)
    return {"DBInstance": instance.shown()}


@before("rds", "StartDBInstance")
def _start(call: AwsCall) -> dict[str, Any]:
    instance = instance_of(call)
    if instance.seen_status() not in ("stopped", KEY_LOST):
        raise AwsError("InvalidDBInstanceState", f"Instance {instance.name} is not stopped or it is not in a state from which it can be started.")
    if instance.values.get("KmsKeyId"):
        checks.key_arn(call, instance.values["KmsKeyId"])

    def finish() -> None:
        instance.status = "available"
        restart(instance)
        events.note(instance, "availability", "DB instance started")

    instance.start("rds:db:start", "starting", finish)
    return {"DBInstance": instance.shown()}


def users_of_subnet_group(place: Place, name: str) -> list[Instance]:
    return [each for each in instances(place) if each.subnet_group == name or each.pending.get("DBSubnetGroupName") == name]


def users_of_parameter_group(place: Place, name: str) -> list[Instance]:
    return [each for each in instances(place) if name in (each.parameter_group, each.next_parameter_group)]


@before("rds", "*")
def _only_ours(call: AwsCall) -> None:
    """moto's own operations would meet objects that it does not know: what we lack is refused."""
    if not has_rule(call.name):
        raise Unsupported("NotImplementedBySandbox", f"The sandbox has no rds {call.operation}")
    model = operations.operation_model("rds", call.operation)
    for member in model.input_shape.required_members if model is not None and model.input_shape is not None else ():
        if call.params.get(member) is None:
            raise AwsError("MissingParameter", f"The request must contain the parameter {member}")
