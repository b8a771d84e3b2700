"""ModifyDBInstance: API reference, user guide "Modifying an Amazon RDS DB instance" and "Upgrades of the RDS for
PostgreSQL DB engine".
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..rds import belongings, changes, checks, classes, making, versions
from ..rds.groups import find_subnet_group, parameter_group, subnet_group
from ..rds.instances import Instance, find_instance
from ..rds.store import check_identifier, combination
from ..wire import AwsError
from . import before
from .rds_instances import check_password_management, instance_of

# Applied at once, whatever ApplyImmediately says.
AT_ONCE = (
    "MaxAllocatedStorage", "PreferredBackupWindow", "PreferredMaintenanceWindow", "AutoMinorVersionUpgrade", "CopyTagsToSnapshot",
    "DeletionProtection", "MonitoringInterval", "MonitoringRoleArn", "PubliclyAccessible", "DatabaseInsightsMode",
    "PerformanceInsightsEnabled", "PerformanceInsightsRetentionPeriod", "CACertificateIdentifier", "NetworkType",
    "EngineLifecycleSupport",
)  # fmt: skip
MODIFIABLE = ("available", "storage-optimization", "storage-full", "incompatible-parameters", "incompatible-option-group")


@before("rds", "ModifyDBInstance")
def _modify(call: AwsCall) -> dict[str, Any]:
    instance = instance_of(call)
    if instance.seen_status() not in MODIFIABLE:
        raise AwsError("InvalidDBInstanceState", "Database instance is not in available state.")
    asked, immediate = _asked(call, instance), bool(call.params.get("ApplyImmediately"))
    planned = _planned(call, instance, asked)
    _check(call, instance, planned, asked)
    secret = _secret_change(call, instance, asked)
    group = _parameter_group(instance, planned, asked)
    security_groups = _security_groups(instance, planned, asked)
    # Nothing has changed until here: a refused call changes nothing.
    for name in AT_ONCE:
        if name in planned and planned.get(name) != instance.values.get(name):
            instance.values[name] = planned[name]
    if not planned["MonitoringInterval"]:
        instance.values.pop("MonitoringRoleArn", None)
    if "PerformanceInsightsEnabled" in planned and not planned["PerformanceInsightsEnabled"]:
        for name in ("PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod"):
            instance.values.pop(name, None)
    elif planned.get("PerformanceInsightsKMSKeyId"):
        instance.values["PerformanceInsightsKMSKeyId"] = planned["PerformanceInsightsKMSKeyId"]
    if instance.values.get("MaxAllocatedStorage") is not None and instance.values["MaxAllocatedStorage"] <= planned["AllocatedStorage"]:
        # Autoscaling is turned off so.
        instance.values.pop("MaxAllocatedStorage")
    if security_groups != instance.security_groups:
        instance.security_groups = security_groups
        belongings.renew_interfaces(instance)
    if group is not None:
        instance.parameter_group, instance.reboot_needed = group, True
    _let_wait(instance, asked, immediate, secret)
    return {"DBInstance": instance.shown()}


def _asked(call: AwsCall, instance: Instance) -> dict[str, Any]:
    asked = making.asked_of(call)
    asked.pop("DBInstanceIdentifier", None)
    if asked.get("NewDBInstanceIdentifier"):
        name = check_identifier("NewDBInstanceIdentifier", str(asked["NewDBInstanceIdentifier"]), 63)
        if name != instance.name and find_instance(instance.place, name) is not None:
            raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
        asked["DBInstanceIdentifier"] = name
    if asked.get("DBSubnetGroupName"):
        asked["DBSubnetGroupName"] = subnet_group(instance.place, str(asked["DBSubnetGroupName"])).name
    if "EngineVersion" in asked:
        asked["EngineVersion"] = _version(instance, asked)
    least = -(-instance.values["AllocatedStorage"] * 11 // 10)
    if instance.values["AllocatedStorage"] < (asked.get("AllocatedStorage") or 0) < least:
        # "Values that are not at least 10% greater than the existing value are rounded up."
        asked["AllocatedStorage"] = least
    if asked.get("PreferredMaintenanceWindow"):
        asked["PreferredMaintenanceWindow"] = str(asked["PreferredMaintenanceWindow"]).lower()
    return asked


def _version(instance: Instance, asked: dict[str, Any]) -> str:
    now = instance.values["EngineVersion"]
    if asked["EngineVersion"] == versions.major_of(now):
        return str(now)
    target = checks.engine_version(str(asked["EngineVersion"]))
    if target == now:
        return target
    if versions.major_of(target) != versions.major_of(now) and int(versions.major_of(target)) > int(versions.major_of(now)) and not asked.get("AllowMajorVersionUpgrade"):
        raise combination("The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
    if target not in versions.upgrade_targets(now):
        raise combination(f"Cannot upgrade postgres from {now} to {target}")
    return target


def _planned(call: AwsCall, instance: Instance, asked: dict[str, Any]) -> dict[str, Any]:
    """The settings as they will be once everything has been applied."""
    waiting = {name: value for name, value in instance.pending.items() if name in changes.WAIT}
    named = {name: asked[name] for name in changes.WAIT + AT_ONCE if name in asked}
    planned = {**instance.values, **waiting, **named}
    if "StorageType" in named and named["StorageType"] != instance.values["StorageType"] and "Iops" not in asked:
        planned.pop("Iops", None)
    return planned


def _check(call: AwsCall, instance: Instance, planned: dict[str, Any], asked: dict[str, Any]) -> None:
    values = instance.values
    if "DBInstanceClass" in asked or "EngineVersion" in asked:
        checks.instance_class(planned["DBInstanceClass"], planned["EngineVersion"])
    if any(name in asked and asked[name] != values.get(name) for name in changes.STORAGE):
        if instance.optimizing:
            raise combination("You can't currently modify the storage of this DB instance because the previous storage change is being optimized.")
    # A request may name the IOPS that the instance has anyway, also below 400 GiB.
    small = planned["StorageType"] == "gp3" and planned["AllocatedStorage"] < classes.GP3_STRIPED_GIB
    sized = {name: value for name, value in asked.items() if not small or name not in ("Iops", "StorageThroughput") or value != values.get(name)}
    if set(sized) & {*changes.STORAGE, "MaxAllocatedStorage"}:
        _check_gp3(planned, sized)
        checks.storage(planned, sized, values)
    checks.retention(planned["BackupRetentionPeriod"])
    if {"PreferredBackupWindow", "PreferredMaintenanceWindow"} & set(asked):
        checks.windows(planned)
    checks.certificate(planned["CACertificateIdentifier"])
    if not planned["MonitoringInterval"] and not asked.get("MonitoringRoleArn"):
        planned.pop("MonitoringRoleArn", None)
    checks.monitoring(instance.arn, planned, asked)
    making.insights(call, planned, asked)
    export = asked.get("CloudwatchLogsExportConfiguration") or {}
    checks.log_types([*(export.get("EnableLogTypes") or []), *(export.get("DisableLogTypes") or [])])
    checks.lifecycle_support(planned["EngineLifecycleSupport"])
    if "Port" in asked:
        checks.port(int(asked["Port"]))
    if asked.get("MultiAZ") or "DBSubnetGroupName" in asked:
        _check_network(instance, planned, asked)


def _check_gp3(planned: dict[str, Any], asked: dict[str, Any]) -> None:
    if planned["StorageType"] == "gp3" and planned["AllocatedStorage"] >= classes.GP3_STRIPED_GIB:
        iops, throughput = classes.gp3_base(planned["AllocatedStorage"])
        planned["Iops"] = max(int(planned.get("Iops") or 0), iops)
        planned["StorageThroughput"] = max(int(planned.get("StorageThroughput") or 0), throughput)


def _check_network(instance: Instance, planned: dict[str, Any], asked: dict[str, Any]) -> None:
    group = subnet_group(instance.place, str(asked.get("DBSubnetGroupName") or instance.subnet_group))
    present = find_subnet_group(instance.place, instance.subnet_group)
    if "DBSubnetGroupName" in asked and present is not None and group.name == present.name:
        raise AwsError("InvalidVPCNetworkStateFault", f"The specified DB instance is already in the target DB subnet group {group.name}.")
    if "DBSubnetGroupName" in asked and present is not None and group.vpc_id == present.vpc_id:
        raise AwsError("InvalidVPCNetworkStateFault", "The specified DB instance is already in the target DB subnet group's VPC. Choose a subnet group in a different VPC.")
    making.zones(group, dict(planned), None)


def _security_groups(instance: Instance, planned: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    given = [str(each) for each in asked.get("VpcSecurityGroupIds") or []]
    if not given:
        return instance.security_groups
    group = find_subnet_group(instance.place, str(asked.get("DBSubnetGroupName") or instance.subnet_group))
    return checks.security_groups(instance.place, given, group.vpc_id if group else "")


def _parameter_group(instance: Instance, planned: dict[str, Any], asked: dict[str, Any]) -> str | None:
    """The group to associate at once; with a new major version it comes along with that version."""
    version, now = planned["EngineVersion"], instance.values["EngineVersion"]
    given = asked.get("DBParameterGroupName")
    major = versions.major_of(version) != versions.major_of(now)
    if given is None:
        waits = instance.next_parameter_group
        if major and "EngineVersion" in asked and not waits and not instance.parameter_group.startswith("default."):
            raise combination(
                f"The current DB instance parameter group {instance.parameter_group} is custom. You must explicitly specify a new DB parameter group, "
                "either default or custom, for the engine version upgrade."
            )
        return None
    group = parameter_group(instance.place, str(given))
    checks.family(group.name, group.family, version if "EngineVersion" in asked else now)
    if major and "EngineVersion" in asked:
        instance.next_parameter_group = group.name
        return None
    return group.name if group.name != instance.parameter_group else None


def _secret_change(call: AwsCall, instance: Instance, asked: dict[str, Any]) -> str | None:
    """`make`, `drop`, `rotate` or none; user guide "Password management with Amazon RDS and AWS Secrets Manager"."""
    managed, wanted = instance.secret is not None, asked.get("ManageMasterUserPassword")
    check_password_management(asked, managed)
    if asked.get("MasterUserPassword"):
        if managed and wanted is not False:
            raise combination("You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.")
        checks.password(str(asked["MasterUserPassword"]))
    if wanted is False and managed and not asked.get("MasterUserPassword"):
        raise combination("You must specify MasterUserPassword when you turn off ManageMasterUserPassword.")
    if asked.get("RotateMasterUserPassword"):
        if not managed or wanted is False:
            raise combination("You can't rotate the master user password: it is not managed by RDS in AWS Secrets Manager.")
        if not call.params.get("ApplyImmediately"):
            raise combination("You must apply the change immediately when rotating the master user password.")
        return "rotate"
    if managed and asked.get("MasterUserSecretKmsKeyId"):
        key = checks.key_arn(call, str(asked["MasterUserSecretKmsKeyId"]), "alias/aws/secretsmanager")
        if key != (instance.secret or {}).get("KmsKeyId"):
            raise combination("You can't change the KMS key of a managed secret: turn ManageMasterUserPassword off and on again.")
    if wanted and not managed:
        asked["_secret_key"] = checks.key_arn(call, asked.get("MasterUserSecretKmsKeyId"), "alias/aws/secretsmanager")
        return "make"
    return "drop" if wanted is False and managed else None


def _let_wait(instance: Instance, asked: dict[str, Any], immediate: bool, secret: str | None) -> None:
    pending = instance.pending
    for name in changes.WAIT:
        if name in asked:
            pending.pop(name, None)
            if asked[name] != changes.current(instance, name):
                pending[name] = asked[name]
    now = {}
    days = pending.get("BackupRetentionPeriod")
    if days and instance.values["BackupRetentionPeriod"]:
        now["BackupRetentionPeriod"] = days
    if asked.get("MasterUserPassword"):
        pending["MasterUserPassword"] = now["MasterUserPassword"] = str(asked["MasterUserPassword"])
    if "Port" in asked and asked["Port"] != instance.values["Port"]:
        pending["Port"] = now["Port"] = int(asked["Port"])
    export = asked.get("CloudwatchLogsExportConfiguration")
    if export:
        on, off = list(export.get("EnableLogTypes") or []), list(export.get("DisableLogTypes") or [])
        pending["PendingCloudwatchLogsExports"] = now["PendingCloudwatchLogsExports"] = {"LogTypesToEnable": on, "LogTypesToDisable": off}
    if secret in ("make", "rotate") and instance.secret is None:
        belongings.make_secret(instance, asked.get("_secret_key"))
    elif secret == "drop":
        belongings.drop_secret(instance)
    elif secret == "rotate" and instance.secret is not None:
        instance.secret["SecretStatus"] = "rotating"
        belongings.rotate_secret(instance)
    due = dict(pending) if immediate else now
    if due or secret or asked.get("MonitoringInterval") is not None:
        changes.apply_soon(instance, due, lambda: _secret_ready(instance))


def _secret_ready(instance: Instance) -> None:
    if instance.secret is not None:
        instance.secret["SecretStatus"] = "active"
