"""DB snapshots and automated backups: user guide "Creating a DB snapshot", "Retaining automated backups"."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..durations import Span, begin
from ..rules import memory
from ..wire import AwsError
from . import events, quotas
from .groups import find_subnet_group
from .instances import Instance, now
from .store import Place, Record, check_identifier, present
from .versions import major_of

# What a snapshot keeps of its instance, by the names of DBInstance.
KEPT = (
    "Engine", "EngineVersion", "AllocatedStorage", "StorageType", "Iops", "StorageThroughput", "MasterUsername", "DBName", "LicenseModel",
    "KmsKeyId", "StorageEncrypted", "IAMDatabaseAuthenticationEnabled", "Port", "DbiResourceId", "AvailabilityZone",
    "InstanceCreateTime", "DedicatedLogVolume", "DBInstanceClass", "BackupRetentionPeriod",
)  # fmt: skip
NOT_SHOWN = ("StorageEncrypted", "DBName", "DBInstanceClass", "BackupRetentionPeriod")


@dataclass
class Snapshot(Record):
    """Not shown: `StorageEncrypted` (it is `Encrypted`), and what only a restore needs."""

    instance: str
    values: dict[str, Any]
    vpc_id: str
    snapshot_kind: str
    parameter_group: str
    subnet_group: str
    password: str | None = None
    source_tags: list[dict[str, str]] = field(default_factory=list)
    taken: datetime = field(default_factory=now)
    span: Span | None = None

    def __post_init__(self) -> None:
        self.kind = "snapshot"

    @property
    def db_snapshot_arn(self) -> str:
        return self.arn

    @property
    def status(self) -> str:
        return "creating" if self.span is not None and not self.span.done() else "available"

    def shown(self) -> dict[str, Any]:
        values, ready = self.values, self.status == "available"
        return present(
            {
                "DBSnapshotIdentifier": self.name,
                "DBSnapshotArn": self.arn,
                "DBInstanceIdentifier": self.instance,
                "SnapshotCreateTime": self.taken if ready else None,
                "OriginalSnapshotCreateTime": self.taken if ready else None,
                "SnapshotDatabaseTime": self.taken if ready else None,
                "Status": self.status,
                "PercentProgress": 100 if ready else 0,
                "SnapshotType": self.snapshot_kind,
                "Encrypted": values["StorageEncrypted"],
                "VpcId": self.vpc_id,
                "OptionGroupName": f"default:postgres-{major_of(values['EngineVersion'])}",
                "SnapshotTarget": "region",
                "TagList": self.tags,
                "ProcessorFeatures": [],
                **{key: values.get(key) for key in KEPT if key not in NOT_SHOWN},
            }
        )


@dataclass
class Backup(Record):
    """The automated backups of one instance; they may stay when it goes."""

    instance: str
    instance_arn: str
    values: dict[str, Any]
    vpc_id: str
    parameter_group: str
    subnet_group: str
    window: dict[str, datetime]
    password: str | None = None

    def __post_init__(self) -> None:
        self.kind = "auto-backup"

    @property
    def id(self) -> str:
        return str(self.values["DbiResourceId"])

    def shown(self, status: str) -> dict[str, Any]:
        values = self.values
        return present(
            {
                "DBInstanceArn": self.instance_arn,
                "DBInstanceIdentifier": self.instance,
                "DBInstanceAutomatedBackupsArn": self.arn,
                "Region": self.place.region,
                "RestoreWindow": self.window,
                "Status": status,
                "VpcId": self.vpc_id,
                "Encrypted": values["StorageEncrypted"],
                "BackupRetentionPeriod": values["BackupRetentionPeriod"],
                "PreferredBackupWindow": values.get("PreferredBackupWindow"),
                "BackupTarget": "region",
                "OptionGroupName": f"default:postgres-{major_of(values['EngineVersion'])}",
                "TagList": self.tags,
                **{key: values.get(key) for key in KEPT if key not in NOT_SHOWN},
            }
        )


def kept_of(instance: Instance) -> dict[str, Any]:
    return {key: instance.values.get(key) for key in KEPT}


def check_new(place: Place, parameter: str, given: str) -> str:
    if given.startswith("rds:"):
        raise check_refused(parameter)
    name = check_identifier(parameter, given, 255)
    if name in place.moto.database_snapshots:
        raise AwsError("DBSnapshotAlreadyExists", f"Cannot create the snapshot because a snapshot with the identifier {name} already exists.")
    manual = sum(each.snapshot_kind == "manual" for each in place.moto.database_snapshots.values())
    quotas.require_room(place, "ManualSnapshots", manual + 1)
    return name


def check_refused(parameter: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"The parameter {parameter} is not a valid identifier. Names that begin with rds: are reserved.")


def take(instance: Instance, name: str, tags: list[dict[str, str]], kind: str = "manual") -> Snapshot:
    place, group = instance.place, find_subnet_group(instance.place, instance.subnet_group)
    snapshot = Snapshot(
        place, name, instance=instance.name, values=kept_of(instance), vpc_id=group.vpc_id if group else "",
        snapshot_kind=kind, parameter_group=instance.parameter_group, subnet_group=instance.subnet_group,
        password=instance.password, source_tags=list(instance.tags), tags=list(tags),
    )  # fmt: skip
    snapshot.span = begin(place.account, "rds:snapshot:create")
    place.moto.database_snapshots[name] = snapshot
    events.note(snapshot, "creation", f"{kind.capitalize()} snapshot created")
    return snapshot


def take_automated(instance: Instance) -> None:
    name = f"rds:{instance.name}-{now():%Y-%m-%d-%H-%M}"
    if name not in instance.place.moto.database_snapshots:
        taken = take(instance, name, instance.tags if instance.values["CopyTagsToSnapshot"] else [], "automated")
        taken.span = None


def automated_of(place: Place, resource: str) -> list[Snapshot]:
    return [each for each in place.moto.database_snapshots.values() if each.snapshot_kind == "automated" and each.values["DbiResourceId"] == resource]


def backup_of(instance: Instance) -> Backup:
    """What DescribeDBInstanceAutomatedBackups shows of a living instance."""
    group = find_subnet_group(instance.place, instance.subnet_group)
    values = {**kept_of(instance), "PreferredBackupWindow": instance.values["PreferredBackupWindow"]}
    name = "ab-" + hashlib.sha256(instance.id.encode()).hexdigest()[:32]
    earliest = max(instance.values["InstanceCreateTime"], now() - timedelta(days=instance.values["BackupRetentionPeriod"]))
    return Backup(
        instance.place, name, instance=instance.name, instance_arn=instance.arn, values=values, vpc_id=group.vpc_id if group else "",
        parameter_group=instance.parameter_group, subnet_group=instance.subnet_group,
        window={"EarliestTime": earliest, "LatestTime": instance.latest_restorable()}, password=instance.password, tags=list(instance.tags),
    )  # fmt: skip


def retained(place: Place) -> dict[str, Backup]:
    """Resource id → the backups that a deleted instance left."""
    return memory(place.account, "rds retained backups").setdefault(place.region, {})
