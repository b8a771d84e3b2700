"""How an instance comes to be: what CreateDBInstance and the restores have in common."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError
from . import belongings, checks, classes, events, quotas, snapshots, versions
from .groups import SubnetGroup, default_subnet_group, find_parameter_group, parameter_group, subnet_group
from .instances import Instance, find_instance, instances, now, resource_id
from .store import Place, check_identifier, combination, place_of, present

# Members of DBInstance that a request sets under the same name, and what holds where it does not.
DEFAULTS: dict[str, Any] = {
    "MultiAZ": False,
    "BackupRetentionPeriod": 1,
    "AutoMinorVersionUpgrade": True,
    "CopyTagsToSnapshot": False,
    "DeletionProtection": False,
    "MonitoringInterval": 0,
    "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    "DatabaseInsightsMode": "standard",
    "EngineLifecycleSupport": "open-source-rds-extended-support",
    "NetworkType": "IPV4",
    "BackupTarget": "region",
    "LicenseModel": "postgresql-license",
    "DedicatedLogVolume": False,
    "Port": 5432,
}
# Named otherwise in requests than in answers.
REQUEST_NAMES = {
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "DBPortNumber": "Port",
}


def asked_of(call: AwsCall) -> dict[str, Any]:
    """The request by the names of the answer."""
    return {REQUEST_NAMES.get(name, name): value for name, value in call.params.items() if value is not None}


def new_name(call: AwsCall, parameter: str) -> str:
    name = check_identifier(parameter, call.text(parameter), 63)
    if find_instance(place_of(call), name) is not None:
        raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
    found = instances(place_of(call))
    quotas.require_room(place_of(call), "DBInstances", len(found) + 1)
    stored = sum(each.values["AllocatedStorage"] for each in found)
    quotas.require_room(place_of(call), "AllocatedStorage", stored + int(call.params.get("AllocatedStorage") or 0))
    return name


def windows(seed: str, asked: dict[str, Any]) -> tuple[str, str]:
    """RDS picks what is not given, at random from the region's eight hours; here by the instance's name."""
    number = int(hashlib.sha256(seed.encode()).hexdigest(), 16)
    backup = asked.get("PreferredBackupWindow") or f"0{number % 8}:00-0{number % 8}:30"
    hour = (int(backup[:2]) + 4) % 24 if backup[:2].isdigit() else 5
    maintenance = asked.get("PreferredMaintenanceWindow") or f"{checks.DAYS[number % 7]}:{hour:02}:00-{checks.DAYS[number % 7]}:{hour:02}:30"
    return backup, str(maintenance).lower()


def zones(group: SubnetGroup, values: dict[str, Any], wanted: str | None) -> None:
    """Where the servers stand: in the group's zones that have the class."""
    possible = classes.zones_of(values["DBInstanceClass"], group.zones)
    if wanted and values["MultiAZ"]:
        raise combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
    if wanted and wanted not in possible:
        raise AwsError("InvalidVPCNetworkStateFault", f"DB Subnet Group '{group.name}' doesn't cover the Availability Zone {wanted}.")
    if len(possible) < (2 if values["MultiAZ"] else 1):
        raise combination(f"{values['DBInstanceClass']} is not available in the Availability Zones {', '.join(group.zones)}.")
    values["AvailabilityZone"] = wanted or possible[0]
    values.pop("SecondaryAvailabilityZone", None)
    if values["MultiAZ"]:
        values["SecondaryAvailabilityZone"] = next(zone for zone in possible if zone != values["AvailabilityZone"])


def settle_storage(values: dict[str, Any], asked: dict[str, Any]) -> None:
    """gp3 brings IOPS and throughput along; the other types have no throughput of their own."""
    if values["StorageType"] == "gp3":
        iops, throughput = classes.gp3_base(values["AllocatedStorage"])
        kept = values["AllocatedStorage"] >= classes.GP3_STRIPED_GIB
        values["Iops"] = asked.get("Iops") or max(iops, (values.get("Iops") or 0) if kept else 0)
        values["StorageThroughput"] = asked.get("StorageThroughput") or max(throughput, (values.get("StorageThroughput") or 0) if kept else 0)
    else:
        values["StorageThroughput"] = 0
        if values["StorageType"] in ("gp2", "standard"):
            values.pop("Iops", None)


def insights(call: AwsCall, values: dict[str, Any], asked: dict[str, Any]) -> None:
    values.setdefault("PerformanceInsightsEnabled", False)
    if values["PerformanceInsightsEnabled"]:
        values.setdefault("PerformanceInsightsRetentionPeriod", 7)
        given = asked.get("PerformanceInsightsKMSKeyId")
        if given or "PerformanceInsightsKMSKeyId" not in values:
            values["PerformanceInsightsKMSKeyId"] = checks.key_arn(call, given)
    checks.insights(values, asked)


def network(call: AwsCall, place: Place, asked: dict[str, Any]) -> tuple[SubnetGroup, list[str]]:
    name = asked.get("DBSubnetGroupName")
    group = subnet_group(place, str(name)) if name else default_subnet_group(place)
    given = [str(each) for each in asked.get("VpcSecurityGroupIds") or []]
    groups = checks.security_groups(place, given, group.vpc_id) or checks.default_security_group(place, group.vpc_id)
    return group, groups


def settle_public(place: Place, vpc_id: str, values: dict[str, Any]) -> None:
    """A request that says nothing makes a public instance where the VPC has an internet gateway, and a private one where
    it has none (CreateDBInstance, PubliclyAccessible).
    """
    gateways = place.ec2.internet_gateways.values()
    open_vpc = any(gateway.vpc is not None and gateway.vpc.id == vpc_id for gateway in gateways)
    if values.setdefault("PubliclyAccessible", open_vpc) and not open_vpc:
        raise AwsError(
            "InvalidVPCNetworkStateFault",
            "Cannot create a publicly accessible DBInstance. The specified VPC has no internet gateway attached. Update the VPC and then try again.",
        )


def check(call: AwsCall, values: dict[str, Any], asked: dict[str, Any]) -> None:
    """All that holds for a new instance, whether it is empty or restored."""
    checks.instance_class(values["DBInstanceClass"], values["EngineVersion"])
    checks.storage(values, asked)
    checks.retention(values["BackupRetentionPeriod"])
    checks.windows(values)
    checks.port(values["Port"])
    checks.certificate(values["CACertificateIdentifier"])
    checks.log_types(values.get("EnabledCloudwatchLogsExports") or [])
    name = asked.get("DBInstanceIdentifier") or asked.get("TargetDBInstanceIdentifier")
    checks.monitoring(place_of(call).arn("db", str(name).lower()), values, asked)
    checks.lifecycle_support(values["EngineLifecycleSupport"])


def group_for(place: Place, version: str, given: str | None) -> str:
    """The parameter group of an instance: the family's default where none is named."""
    if given:
        group = parameter_group(place, given)
        checks.family(group.name, group.family, version)
        return group.name
    default = f"default.{versions.family_of(version)}"
    find_parameter_group(place, default)
    return default


def make(
    call: AwsCall,
    name: str,
    values: dict[str, Any],
    tags: list[dict[str, str]],
    group: SubnetGroup,
    security_groups: list[str],
    parameters: str,
    what: str,
) -> Instance:
    place = place_of(call)
    values = {
        **values,
        "InstanceCreateTime": now(),
        "DbiResourceId": resource_id(f"{place.account}{place.region}{name}{uuid.uuid4()}"),
        "Engine": "postgres",
        "CustomerOwnedIpEnabled": False,
        "ActivityStreamStatus": "stopped",
        "IAMDatabaseAuthenticationEnabled": values.get("IAMDatabaseAuthenticationEnabled", False),
        "StorageEncrypted": values.get("StorageEncrypted", False),
        "IsStorageConfigUpgradeAvailable": False,
    }
    instance = Instance(place, name, values=present(values), tags=tags)
    instance.parameter_group, instance.subnet_group, instance.security_groups = parameters, group.name, security_groups
    instance.status = "creating"
    found = find_parameter_group(place, parameters)
    if found is not None:
        instance.restarted(found)
    belongings.make_interfaces(instance)
    place.moto.databases[name] = instance
    phases = [(0.0, "creating")]
    if values["BackupRetentionPeriod"]:
        phases.append((0.85, "backing-up"))
    if values["MonitoringInterval"]:
        phases.append((0.95, "configuring-enhanced-monitoring"))
    instance.start(what, tuple(phases), lambda: _made(instance))
    return instance


def _made(instance: Instance) -> None:
    instance.status = "available"
    if instance.secret is not None:
        instance.secret["SecretStatus"] = "active"
    belongings.make_log_groups(instance)
    if instance.values["BackupRetentionPeriod"]:
        snapshots.take_automated(instance)
        events.note(instance, "backup", "Finished DB Instance backup")
    events.note(instance, "creation", "DB instance created")
