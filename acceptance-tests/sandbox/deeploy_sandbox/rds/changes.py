"""What a modification does, and when: user guide "Modifying an Amazon RDS DB instance", its table of settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..durations import begin
from . import belongings, events, making, versions
from .groups import find_parameter_group, find_subnet_group
from .instances import Instance

# They wait for the maintenance window unless they are to be applied immediately.
WAIT = (
    "DBInstanceClass", "AllocatedStorage", "StorageType", "Iops", "StorageThroughput", "MultiAZ", "EngineVersion", "DBInstanceIdentifier",
    "IAMDatabaseAuthenticationEnabled", "DBSubnetGroupName", "DedicatedLogVolume", "BackupRetentionPeriod",
)  # fmt: skip
STORAGE = ("AllocatedStorage", "StorageType", "Iops", "StorageThroughput", "DedicatedLogVolume")
# They restart the server, so that what its parameter group says takes effect.
RESTART = ("DBInstanceClass", "EngineVersion", "DBInstanceIdentifier", "DBSubnetGroupName", "Port", "DedicatedLogVolume")


def current(instance: Instance, name: str) -> Any:
    if name == "DBInstanceIdentifier":
        return instance.name
    if name == "DBSubnetGroupName":
        return instance.subnet_group
    return instance.values.get(name)


def phase_of(pending: dict[str, Any]) -> str:
    if "EngineVersion" in pending:
        return "upgrading"
    if "DBInstanceIdentifier" in pending:
        return "renaming"
    if set(pending) == {"MasterUserPassword"}:
        return "resetting-master-credentials"
    if set(pending) == {"PendingCloudwatchLogsExports"}:
        return "configuring-log-exports"
    if set(pending) == {"IAMDatabaseAuthenticationEnabled"}:
        return "configuring-iam-database-auth"
    return "modifying"


def apply_soon(instance: Instance, due: dict[str, Any], also: Callable[[], None] | None = None) -> None:
    """Starts applying what is due. ModifyDBInstance returns before the status changes, and so does one describe."""
    pending = dict(due)
    if instance.transition is not None:
        # Asked again while the status was still `available`: both changes are carried out.
        pending = {**instance.applying, **pending}
    instance.applying = pending
    what = "rds:db:upgrade" if "EngineVersion" in pending else "rds:db:modify"

    def finish() -> None:
        apply(instance, pending)
        if also is not None:
            also()

    instance.start(what, phase_of(pending), finish, unseen=1)


def apply(instance: Instance, pending: dict[str, Any]) -> None:
    values, place = instance.values, instance.place
    for name, value in pending.items():
        instance.pending.pop(name, None)
        if name not in ("DBInstanceIdentifier", "DBSubnetGroupName", "MasterUserPassword", "PendingCloudwatchLogsExports"):
            values[name] = value
    if "PendingCloudwatchLogsExports" in pending:
        export = pending["PendingCloudwatchLogsExports"]
        kept = [log for log in values.get("EnabledCloudwatchLogsExports") or [] if log not in export.get("LogTypesToDisable", [])]
        values["EnabledCloudwatchLogsExports"] = kept + [log for log in export.get("LogTypesToEnable", []) if log not in kept]
    if "MasterUserPassword" in pending:
        instance.password = pending["MasterUserPassword"]
        events.note(instance, "configuration change", "Reset master credentials")
    if set(pending) & set(STORAGE):
        making.settle_storage(values, {name: pending[name] for name in ("Iops", "StorageThroughput") if name in pending})
        if set(pending) & {"AllocatedStorage", "StorageType", "Iops", "StorageThroughput"}:
            instance.optimization = begin(place.account, "rds:db:optimize")
    if "EngineVersion" in pending:
        _switch_parameter_group(instance)
    _move(instance, pending)
    if "DBInstanceIdentifier" in pending:
        _rename(instance, str(pending["DBInstanceIdentifier"]))
    if set(pending) & set(RESTART):
        group = find_parameter_group(place, instance.parameter_group)
        if group is not None:
            instance.restarted(group)
    belongings.make_log_groups(instance)
    if pending:
        events.note(instance, "configuration change", f"Finished applying modification: {', '.join(sorted(pending))}")


def _switch_parameter_group(instance: Instance) -> None:
    """A default group gives way to the default group of the new version; a custom one was named with the change."""
    family = versions.family_of(instance.values["EngineVersion"])
    if instance.next_parameter_group:
        instance.parameter_group, instance.next_parameter_group = instance.next_parameter_group, None
    elif instance.parameter_group.startswith("default."):
        instance.parameter_group = f"default.{family}"


def _move(instance: Instance, pending: dict[str, Any]) -> None:
    if "DBSubnetGroupName" in pending:
        instance.subnet_group = str(pending["DBSubnetGroupName"])
    if "MultiAZ" in pending or "DBSubnetGroupName" in pending:
        group = find_subnet_group(instance.place, instance.subnet_group)
        if group is not None:
            stays = instance.values.get("AvailabilityZone") if not instance.values["MultiAZ"] else None
            first = instance.values.get("AvailabilityZone")
            making.zones(group, instance.values, stays if stays in group.zones else None)
            if instance.values["MultiAZ"] and first in group.zones:
                instance.values["AvailabilityZone"] = first
                instance.values["SecondaryAvailabilityZone"] = next(zone for zone in group.zones if zone != first)
        belongings.renew_interfaces(instance)


def _rename(instance: Instance, name: str) -> None:
    """The endpoint and the ARN change with the name; the resource id does not."""
    store = instance.place.moto.databases
    store.pop(instance.name)
    instance.name = name
    store[name] = instance


def apply_window(instance: Instance) -> None:
    """The maintenance window: all that waits is applied. Parameters that need a reboot are not."""
    instance.settle()
    reboot_needed, running = instance.reboot_needed, dict(instance.running)
    pending = dict(instance.pending)
    apply(instance, pending)
    if not set(pending) & set(RESTART):
        instance.reboot_needed, instance.running = reboot_needed, running
