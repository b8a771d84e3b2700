"""A DB instance: its settings, its states over time, and how DescribeDBInstances shows it.

User guide "Viewing Amazon RDS DB instance status"; API reference DBInstance and PendingModifiedValues.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ..durations import Span, begin
from ..moto_bridge import backend
from ..rules import memory
from . import parameters
from .groups import ParameterGroup, SubnetGroup, find_subnet_group
from .store import Place, Record, present
from .versions import major_of

KEY_LOST = "inaccessible-encryption-credentials-recoverable"
# A status that lasts from that share of the span on.
Phases = tuple[tuple[float, str], ...]


@dataclass
class Transition:
    """A status for a while, and what is true once it is over."""

    span: Span
    phases: Phases
    finish: Callable[[], None]
    begun: float = field(default_factory=lambda: time.monotonic())
    # ModifyDBInstance: so many describes still show `available`.
    unseen: int = 0

    def status(self) -> str:
        """Where nothing is waited for, the answer to the change itself still shows its first status."""
        length = self.span.ends - self.begun
        share = (time.monotonic() - self.begun) / length if length > 0.001 else 0.0
        return [status for since, status in self.phases if share >= since][-1]


def _key_works(place: Place, arn: str) -> bool:
    key = backend("kms", place.account, place.region).keys.get(arn.rpartition("/")[2])
    return key is not None and key.key_state == "Enabled"


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def resource_id(seed: str) -> str:
    digest = hashlib.sha256(seed.encode()).hexdigest().upper()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "db-" + "".join(letters[int(digest[2 * n : 2 * n + 2], 16) % 32] for n in range(26))


@dataclass
class Instance(Record):
    # DBInstance's members by AWS's names, as they are in effect.
    values: dict[str, Any]
    parameter_group: str = ""
    subnet_group: str = ""
    security_groups: list[str] = field(default_factory=list)
    # Changes that wait, by the names of PendingModifiedValues.
    pending: dict[str, Any] = field(default_factory=dict)
    # Those of them that are being applied.
    applying: dict[str, Any] = field(default_factory=dict)
    status: str = "available"
    transition: Transition | None = None
    # What the server runs with, as far as the parameter group says otherwise than the defaults.
    running: dict[str, str] = field(default_factory=dict)
    reboot_needed: bool = False
    secret: dict[str, Any] | None = None
    interfaces: list[str] = field(default_factory=list)
    password: str | None = None
    optimization: Span | None = None
    key_lost: Span | None = None
    # The parameter group that a waiting change of the version brings along.
    next_parameter_group: str | None = None

    def __post_init__(self) -> None:
        self.kind = "db"

    @property
    def id(self) -> str:
        return str(self.values["DbiResourceId"])

    @property
    def db_instance_identifier(self) -> str:
        return self.name

    @property
    def db_instance_arn(self) -> str:
        return self.arn

    def settle(self) -> None:
        """Lets all happen whose time has come."""
        while self.transition is not None and self.transition.span.done():
            done, self.transition = self.transition, None
            done.finish()
        self._look_at_key()

    def _look_at_key(self) -> None:
        """Without its key the storage cannot be read: a while later the instance is out of reach. User guide "Encrypting
        Amazon RDS resources": once the key is back, StartDBInstance brings the instance back.
        """
        if self.transition is not None or self.status not in ("available", "stopped") or not self.values.get("KmsKeyId"):
            return
        if _key_works(self.place, self.values["KmsKeyId"]):
            self.key_lost = None
            return
        if self.key_lost is None:
            self.key_lost = begin(self.place.account, "rds:db:key-lost")
        if self.key_lost.done():
            self.status, self.key_lost = KEY_LOST, None

    def start(self, what: str, phases: str | Phases, finish: Callable[[], None], unseen: int = 0) -> None:
        if isinstance(phases, str):
            phases = ((0.0, phases),)
        self.transition = Transition(begin(self.place.account, what), phases, finish, unseen=unseen)

    def seen_status(self) -> str:
        if self.transition is None:
            return "storage-optimization" if self.status == "available" and self.optimizing else self.status
        return self.status if self.transition.unseen > 0 else self.transition.status()

    @property
    def optimizing(self) -> bool:
        """After a change of storage the volume is rebuilt behind a working server."""
        return self.optimization is not None and not self.optimization.done()

    @property
    def deleting(self) -> bool:
        return self.transition is not None and self.transition.phases[-1][1] == "deleting"

    @property
    def creating(self) -> bool:
        return self.status == "creating"

    def latest_restorable(self) -> datetime:
        """Logs are shipped every five minutes; a moment ago at the least, so that a restore to it works at once."""
        return max(self.values["InstanceCreateTime"], now() - timedelta(minutes=5))

    def shown(self, subnet_group: SubnetGroup | None = None) -> dict[str, Any]:
        place, values, created = self.place, dict(self.values), not self.creating
        port = values.pop("Port")
        group = subnet_group or find_subnet_group(place, self.subnet_group)
        status = self.seen_status()
        shown = {
            **values,
            "DBInstanceIdentifier": self.name,
            "DBInstanceArn": self.arn,
            "DBInstanceStatus": status,
            "DbInstancePort": 0,
            "DBSecurityGroups": [],
            "VpcSecurityGroups": [{"VpcSecurityGroupId": each, "Status": "active"} for each in self.security_groups],
            "DBParameterGroups": [{"DBParameterGroupName": self.parameter_group, "ParameterApplyStatus": "pending-reboot" if self.reboot_needed else "in-sync"}],
            "OptionGroupMemberships": [{"OptionGroupName": f"default:postgres-{major_of(values['EngineVersion'])}", "Status": "in-sync"}],
            "DBSubnetGroup": group.shown(with_arn=False) if group else None,
            "PendingModifiedValues": self.shown_pending(),
            "ReadReplicaDBInstanceIdentifiers": [],
            "ReadReplicaDBClusterIdentifiers": [],
            "AssociatedRoles": [],
            "DomainMemberships": [],
            "TagList": self.tags,
            "MasterUserSecret": self.shown_secret(),
        }
        if created:
            address, at_port = endpoint(self)
            shown["Endpoint"] = {"Address": address, "Port": at_port or port, "HostedZoneId": zone_of(place.region)}
            shown["CertificateDetails"] = {"CAIdentifier": values["CACertificateIdentifier"], "ValidTill": values["InstanceCreateTime"] + timedelta(days=365)}
            if values["BackupRetentionPeriod"]:
                shown["LatestRestorableTime"] = self.latest_restorable()
        if not created:
            shown.pop("InstanceCreateTime")
            shown.pop("AvailabilityZone", None)
            shown.pop("SecondaryAvailabilityZone", None)
        if values["MonitoringInterval"]:
            log = f"RDSOSMetrics:log-stream:{self.id}"
            shown["EnhancedMonitoringResourceArn"] = place.arn("log-group", log, "logs")
        return present(shown)

    def shown_pending(self) -> dict[str, Any]:
        # Nobody sees a password.
        shown = dict(self.pending)
        if "MasterUserPassword" in shown or (self.creating and self.secret is None):
            shown["MasterUserPassword"] = "****"
        return shown

    def shown_secret(self) -> dict[str, Any] | None:
        return {key: self.secret[key] for key in ("SecretArn", "SecretStatus", "KmsKeyId")} if self.secret else None

    def parameters_changed(self, names: list[str], immediate: set[str], group: ParameterGroup) -> None:
        """ModifyDBParameterGroup: dynamic parameters take effect at once, the others at the next restart."""
        for name in names:
            known = parameters.find(group.family, name)
            if known is not None and known.dynamic and name in immediate:
                if name in group.values:
                    self.running[name] = group.values[name][0]
                else:
                    self.running.pop(name, None)
            else:
                self.reboot_needed = True

    def restarted(self, group: ParameterGroup) -> None:
        self.running = {name: value for name, (value, _) in group.values.items()}
        self.reboot_needed = False


def zone_of(region: str) -> str:
    """Route 53's zone of the endpoints in a region has an id of its own; which one doesn't matter here."""
    return "Z" + hashlib.sha256(region.encode()).hexdigest()[:13].upper()


def real_server(instance: Instance) -> dict[str, Any] | None:
    """The real PostgreSQL that a test has put behind the instance."""
    overrides = memory(instance.place.account, "rds endpoints")
    found: dict[str, Any] | None = overrides.get(instance.name) or overrides.get("*")
    return found


def endpoint(instance: Instance) -> tuple[str, int | None]:
    """The address; another one where a test has put a real PostgreSQL behind the instance."""
    found = real_server(instance)
    if found:
        return str(found["address"]), int(found["port"])
    label = hashlib.sha256((instance.place.account + instance.place.region).encode()).hexdigest()[:12]
    suffix = "rds.amazonaws.com.cn" if instance.place.partition == "aws-cn" else "rds.amazonaws.com"
    return f"{instance.name}.c{label}.{instance.place.region}.{suffix}", None


def instances(place: Place) -> list[Instance]:
    """All of a region, after what is due has happened."""
    found = list(place.moto.databases.values())
    for instance in found:
        instance.settle()
    return [instance for instance in found if place.moto.databases.get(instance.name) is instance]


def find_instance(place: Place, name: str) -> Instance | None:
    found = place.moto.databases.get(name)
    if found is None:
        # An instance that was renamed stands under its new name once that has happened.
        return next((each for each in instances(place) if each.name == name), None)
    found.settle()
    return place.moto.databases.get(name) if place.moto.databases.get(name) is found else None
