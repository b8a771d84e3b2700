"""What RDS refuses in the settings of an instance: API reference of CreateDBInstance and ModifyDBInstance, user
guide "Settings for DB instances" and "Amazon RDS DB instance storage". The wording is AWS's where it is known.
"""

from __future__ import annotations

import re
from typing import Any

from .. import principals, resource_policies
from ..aws_call import AwsCall
from ..evaluate import evaluate_request
from ..rules.kms_keys import find_key
from ..wire import AwsError
from . import classes, key_rights, versions
from .store import Place, combination, invalid

RESERVED_USERS = {
    "admin", "rdsadmin", "rds_superuser", "rdsrepladmin", "rdstopmgr", "rds_iam", "rds_password", "rds_replication",
    "postgres_fdw", "pg_monitor", "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "authorization", "both", "case",
    "cast", "check", "collate", "column", "constraint", "create", "current_user", "default", "desc", "distinct", "do",
    "else", "end", "except", "false", "for", "foreign", "from", "grant", "group", "having", "in", "into", "limit", "not",
    "null", "on", "or", "order", "primary", "public", "references", "select", "session_user", "some", "table", "then",
    "to", "true", "union", "unique", "user", "using", "when", "where", "with",
}  # fmt: skip
RESERVED_DATABASES = {"db", "rdsadmin", "template0", "template1", "user", "table", "select", "all", "default", "database_name"}
INSIGHTS_DAYS = {7, 731} | {31 * month for month in range(1, 24)}
MONITORING_SECONDS = (0, 1, 5, 10, 15, 30, 60)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def engine_version(given: str | None) -> str:
    found = versions.resolve(given)
    if found is None:
        raise combination(f"Cannot find version {given} for postgres")
    return found


def instance_class(name: str, version: str) -> None:
    if not classes.is_known(name):
        raise invalid(f"Invalid DB Instance class: {name}")
    if not classes.is_orderable(name, version):
        raise combination(
            "RDS does not support creating a DB instance with the following combination: "
            f"DBInstanceClass={name}, Engine=postgres, EngineVersion={version}, LicenseModel=postgresql-license. "
            "For supported combinations of instance class and database engine version, see the documentation."
        )


def username(name: str) -> None:
    if not re.match(r"^[a-zA-Z][a-zA-Z0-9_]{0,62}$", name):
        raise invalid(f"The parameter MasterUsername is not a valid identifier: {name}. It must begin with a letter and contain only letters, digits and underscores.")
    if name.lower() in RESERVED_USERS or name.lower().startswith("pg_"):
        raise invalid(f"MasterUsername {name} cannot be used as it is a reserved word used by the engine")


def password(text: str) -> None:
    if len(text) < 8:
        raise invalid("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
    if len(text) > 128:
        raise invalid("The parameter MasterUserPassword is not a valid password because it is longer than 128 characters.")
    if not re.match(r"^[\x21-\x7e]+$", text) or set(text) & set("/@\""):
        raise invalid("The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.")


def database_name(name: str) -> None:
    if not re.match(r"^[a-zA-Z_][a-zA-Z0-9_]{0,62}$", name):
        raise invalid("DBName must begin with a letter and contain only alphanumeric characters.")
    if name.lower() in RESERVED_DATABASES:
        raise invalid(f"DBName {name} cannot be used. It is a reserved word for this engine.")


def storage(values: dict[str, Any], asked: dict[str, Any], before: dict[str, Any] | None = None) -> None:
    """`values`: as they would be. `asked`: what the request names. `before`: as they are."""
    kind, gib = values["StorageType"], values["AllocatedStorage"]
    if kind not in classes.STORAGE_TYPES:
        raise invalid(f"Invalid storage type: {kind}")
    if not classes.SMALLEST[kind] <= gib <= classes.LARGEST[kind]:
        raise invalid(f"Invalid storage size for engine name postgres and storage type {kind}: {gib}")
    if before is not None and gib < before["AllocatedStorage"]:
        raise combination("Requested storage cannot be smaller than the current storage: allocated storage can only be increased.")
    if before is not None:
        _size_with_iops(values, asked, before)
    iops, throughput = asked.get("Iops"), asked.get("StorageThroughput")
    if kind == "gp3":
        if gib < classes.GP3_STRIPED_GIB and (iops is not None or throughput is not None):
            raise combination(f"You can't specify IOPS or storage throughput for engine postgres and a storage size less than {classes.GP3_STRIPED_GIB}.")
        if iops is not None and not 12000 <= int(iops) <= 64000:
            raise combination(f"The IOPS {iops} for storage type gp3 must be between 12000 and 64000.")
        if throughput is not None and not 500 <= int(throughput) <= 4000:
            raise combination(f"The storage throughput {throughput} for storage type gp3 must be between 500 and 4000.")
        if throughput is not None and int(throughput) * 4 > int(values.get("Iops") or 12000):
            raise combination("The ratio of storage throughput to IOPS can be at most 0.25.")
    elif throughput is not None:
        raise combination(f"You can't specify storage throughput for storage type {kind}.")
    if kind in ("io1", "io2"):
        if values.get("Iops") is None:
            raise combination(f"You must specify both the storage size and the IOPS for storage type {kind}.")
        most = 256000 if kind == "io2" or gib >= 400 else 64000
        ratio = 1000 if kind == "io2" else 50
        if not 1000 <= values["Iops"] <= most or values["Iops"] > ratio * gib:
            raise combination(f"The IOPS to GiB ratio must be between 0.5 and {ratio}, with 1000 to {most} IOPS.")
    if kind in ("gp2", "standard") and iops:
        raise combination(f"You can't specify IOPS for storage type {kind}.")
    largest = values.get("MaxAllocatedStorage")
    if largest is not None and ("MaxAllocatedStorage" in asked or "AllocatedStorage" in asked):
        if largest > classes.LARGEST[kind]:
            raise invalid(f"Invalid max storage size for engine name postgres and storage type {kind}: {largest}")
        # On a modify, the same size as the storage turns autoscaling off.
        if largest < gib or (before is None and largest == gib):
            raise combination("Max storage size must be greater than storage size")
        if gib < largest < gib * 1.1:
            raise combination("The maximum allocated storage must be at least 10 percent above the allocated storage.")


def _size_with_iops(values: dict[str, Any], asked: dict[str, Any], before: dict[str, Any]) -> None:
    """Where IOPS are provisioned, a request names them together with the size."""
    kind = values["StorageType"]
    if kind != before["StorageType"] or not (kind in ("io1", "io2") or (kind == "gp3" and before["AllocatedStorage"] >= classes.GP3_STRIPED_GIB)):
        return
    grows = asked.get("AllocatedStorage", before["AllocatedStorage"]) != before["AllocatedStorage"]
    speeds = asked.get("Iops", before.get("Iops")) != before.get("Iops")
    if (grows and not asked.get("Iops")) or (speeds and not asked.get("AllocatedStorage")):
        raise combination("You must specify both the storage size and iops when modifying the storage size or iops on a DB instance that has iops.")


def windows(values: dict[str, Any]) -> None:
    backup, maintenance = values["PreferredBackupWindow"], values["PreferredMaintenanceWindow"]
    found = re.match(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$", backup)
    if not found:
        raise invalid(f"Invalid backup window format: {backup}. Should be specified as a range hh24:mi-hh24:mi (24H Clock UTC).")
    h1, m1, h2, m2 = map(int, found.groups())
    starts, length = h1 * 60 + m1, (h2 * 60 + m2 - h1 * 60 - m1) % 1440
    if length < 30:
        raise invalid("The backup window must be at least 30 minutes.")
    weekly = re.match(r"^([a-z]{3}):([01]\d|2[0-3]):([0-5]\d)-([a-z]{3}):([01]\d|2[0-3]):([0-5]\d)$", maintenance.lower())
    if not weekly or weekly.group(1) not in DAYS or weekly.group(4) not in DAYS:
        raise invalid(f"Invalid maintenance window format: {maintenance}. Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC).")
    d1, a, b, d2, c, d = weekly.groups()
    first = DAYS.index(d1) * 1440 + int(a) * 60 + int(b)
    lasts = (DAYS.index(d2) * 1440 + int(c) * 60 + int(d) - first) % 10080
    if lasts < 30:
        raise invalid("The maintenance window must be at least 30 minutes.")
    if lasts > 1440:
        raise invalid("The maintenance window must be less than 24 hours.")
    for day in range(-1, 8):
        since = day * 1440 + starts
        if since < first + lasts and first < since + length:
            raise invalid("The backup window and maintenance window must not overlap.")


def retention(days: int) -> None:
    if not 0 <= days <= 35:
        raise invalid(f"Invalid backup retention period: {days}. Must be between 0 and 35.")


def port(number: int) -> None:
    if not 1150 <= number <= 65535:
        raise invalid(f"The port {number} is not valid: it must be between 1150 and 65535.")


def key_arn(call: AwsCall, given: str | None, alias: str = "alias/aws/rds") -> str:
    """The key must be there, enabled, symmetric and the caller's to use: user guide "Encrypting Amazon RDS resources"."""
    try:
        key = find_key(call, given or alias)
    except AwsError:
        key = None
    usable = key is not None and key.key_state == "Enabled" and key.key_spec == "SYMMETRIC_DEFAULT"
    if not usable or not key_rights.may_use(call, key, alias == "alias/aws/secretsmanager"):
        named = key.arn if key is not None else given
        raise key_not_accessible(named)
    return str(key.arn)


def key_not_accessible(arn: Any) -> AwsError:
    return AwsError("KMSKeyNotAccessibleFault", f"The specified KMS key [{arn}] does not exist, is not enabled or you do not have permissions to access it.")


def security_groups(place: Place, ids: list[str], vpc_id: str) -> list[str]:
    for id in ids:
        group = place.ec2.get_security_group_from_id(id)
        if group is None:
            raise invalid(f"Invalid security group , groupId= {id}, groupName=.")
        if group.vpc_id != vpc_id:
            raise AwsError(
                "InvalidVPCNetworkStateFault",
                f"The DB instance and EC2 security group are in different VPCs. The DB instance is in {vpc_id} and the EC2 security group is in {group.vpc_id}",
            )
    return ids


def default_security_group(place: Place, vpc_id: str) -> list[str]:
    return [group.id for group in place.ec2.groups.get(vpc_id, {}).values() if group.name == "default"]


def monitoring(instance_arn: str, values: dict[str, Any], asked: dict[str, Any]) -> None:
    interval, role = values["MonitoringInterval"], values.get("MonitoringRoleArn")
    if interval not in MONITORING_SECONDS:
        raise invalid(f"Invalid monitoring interval: {interval}. Valid values: 0, 1, 5, 10, 15, 30, 60.")
    if interval and not role:
        raise combination("A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.")
    if not interval and asked.get("MonitoringRoleArn"):
        raise combination("You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value.")
    if interval and ("MonitoringRoleArn" in asked or "MonitoringInterval" in asked) and not _may_monitor(str(role), instance_arn):
        raise invalid("The IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING")


def _may_monitor(role: str, instance_arn: str) -> bool:
    """User guide "Setting up and enabling Enhanced Monitoring": a trust may name the instance (aws:SourceArn) and the account."""
    found = resource_policies.find(role)
    if found is None or found.kind != "trust" or principals.propagation.hides(role):
        return False
    account = role.split(":")[4]
    context = {"aws:SourceAccount": account, "aws:SourceArn": instance_arn}
    return evaluate_request({"trust_of": role, "service": "monitoring.rds.amazonaws.com", "context": context})["decision"] == "allowed"


def insights(values: dict[str, Any], asked: dict[str, Any]) -> None:
    days = asked.get("PerformanceInsightsRetentionPeriod")
    if not values["PerformanceInsightsEnabled"]:
        if days is not None or asked.get("PerformanceInsightsKMSKeyId"):
            raise combination("You can't specify PerformanceInsightsKMSKeyId or PerformanceInsightsRetentionPeriod while Performance Insights is turned off.")
        if values.get("DatabaseInsightsMode") == "advanced":
            raise combination("To use the advanced mode of Database Insights, enable Performance Insights with a retention period of at least 465 days.")
        return
    if days is not None and int(days) not in INSIGHTS_DAYS:
        raise invalid("Invalid Performance Insights retention period. Valid values are: 7, 731, or month * 31 where month is from 1 to 23.")
    if values.get("DatabaseInsightsMode") == "advanced" and int(values["PerformanceInsightsRetentionPeriod"]) < 465:
        raise combination("To use the advanced mode of Database Insights, the Performance Insights retention period must be at least 465 days.")


def log_types(names: list[str]) -> None:
    for name in names:
        if name not in versions.LOGS:
            raise combination(f"You cannot use the log types '{name}' with engine version postgres. For supported log types, see the documentation.")


def certificate(name: str) -> None:
    if name not in versions.CERTIFICATES:
        raise AwsError("CertificateNotFound", f"Certificate not found: {name}", 404)


def lifecycle_support(value: str) -> None:
    if value not in ("open-source-rds-extended-support", "open-source-rds-extended-support-disabled"):
        raise invalid(f"Invalid engine lifecycle support: {value}")


def family(group_name: str, group_family: str, version: str) -> None:
    if group_family != versions.family_of(version):
        raise combination(
            f"The Parameter Group {group_name} with DBParameterGroupFamily {group_family} cannot be used for this instance. "
            f"Please use a Parameter Group with DBParameterGroupFamily {versions.family_of(version)}"
        )
