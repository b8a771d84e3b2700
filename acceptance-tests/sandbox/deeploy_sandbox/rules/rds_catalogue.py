"""What RDS offers: API reference of DescribeDBEngineVersions, DescribeOrderableDBInstanceOptions,
DescribeCertificates, DescribeAccountAttributes, DescribeValidDBInstanceModifications and
DescribePendingMaintenanceActions.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import cache
from typing import Any

from .. import quotas
from ..aws_call import AwsCall
from ..rds import classes, versions
from ..rds.instances import Instance, instances
from ..rds.store import invalid, name_of, pages, place_of
from ..wire import Reply
from . import before
from .rds_instances import filtered, instance_of

VERSION_FILTERS = {
    "db-parameter-group-family": lambda row: (row["DBParameterGroupFamily"],),
    "engine": lambda row: (row["Engine"],),
    "engine-version": lambda row: (row["EngineVersion"],),
    "status": lambda row: (row["Status"],),
    "engine-mode": lambda row: ("provisioned",),
}


@cache
def _shown_version(version: str) -> dict[str, Any]:
    return versions.shown(version)


def _is_postgres(call: AwsCall) -> bool:
    return call.text("Engine") in ("", "postgres")


# The versions are the same for everybody, and a page of them takes long to write.
_written: dict[str, bytes] = {}
WRITTEN_MAX = 200


@before("rds", "DescribeDBEngineVersions")
def _versions(call: AwsCall) -> Reply:
    asked = json.dumps(call.params, sort_keys=True, default=str)
    if asked not in _written:
        if len(_written) >= WRITTEN_MAX:
            _written.clear()
        _written[asked] = call.answer(_engine_versions(call)).body
    return Reply(200, [("Content-Type", "text/xml")], _written[asked])


def _engine_versions(call: AwsCall) -> dict[str, Any]:
    found, asked = versions.ALL if _is_postgres(call) else [], call.text("EngineVersion")
    family = call.text("DBParameterGroupFamily")
    if call.params.get("DefaultOnly") and found:
        default = versions.DEFAULT_MINORS.get(versions.major_of(asked), versions.DEFAULT) if asked else versions.DEFAULT
        found = [versions.DEFAULT_MINORS[family.removeprefix("postgres")]] if family.removeprefix("postgres") in versions.DEFAULT_MINORS else [default]
    if asked:
        found = [each for each in found if each == asked or versions.major_of(each) == asked]
    if family:
        found = [each for each in found if versions.family_of(each) == family]
    rows, more = pages(call, filtered(call, [_shown_version(each) for each in found], VERSION_FILTERS))
    return {"DBEngineVersions": rows, **more}


@before("rds", "DescribeDBMajorEngineVersions")
def _majors(call: AwsCall) -> dict[str, Any]:
    found = list(versions.MINORS) if _is_postgres(call) else []
    if call.text("MajorEngineVersion"):
        found = [major for major in found if major == call.text("MajorEngineVersion")]
    return {"DBMajorEngineVersions": [{"Engine": "postgres", "MajorEngineVersion": major, "SupportedEngineLifecycles": []} for major in found]}


@before("rds", "DescribeOrderableDBInstanceOptions")
def _orderable(call: AwsCall) -> dict[str, Any]:
    if not call.text("Engine"):
        raise invalid("The parameter Engine must be provided and must not be blank.")
    wanted, name = call.text("EngineVersion"), call.text("DBInstanceClass")
    found = versions.ALL if _is_postgres(call) else []
    if wanted:
        found = [each for each in found if each == wanted or versions.major_of(each) == wanted]
    names = [each for each in classes.CLASSES if name in ("", each)]
    keys = [(each, version, storage) for version in found for each in names if classes.is_orderable(each, version) for storage in classes.STORAGE_TYPES]
    rows, more = pages(call, keys)
    zones = _zones(call)
    return {"OrderableDBInstanceOptions": [classes.orderable(*row, zones) for row in rows], **more}


def _zones(call: AwsCall) -> list[str]:
    return sorted(zone.name for zone in place_of(call).ec2.describe_availability_zones() if zone.zone_type == "availability-zone")


@before("rds", "DescribeCertificates")
def _certificates(call: AwsCall) -> dict[str, Any]:
    place, named = place_of(call), call.text("CertificateIdentifier")
    if named and named not in versions.CERTIFICATES:
        from ..rds.checks import certificate

        certificate(named)
    rows = [
        {
            "CertificateIdentifier": name,
            "CertificateType": "CA",
            "Thumbprint": name.encode().hex()[:40],
            "ValidFrom": datetime(2021, 5, 21, tzinfo=timezone.utc),
            "ValidTill": datetime(2061 if "2048" in name else 2121, 5, 21, tzinfo=timezone.utc),
            "CertificateArn": place.arn("cert", name),
            "CustomerOverride": False,
        }
        for name in versions.CERTIFICATES
        if named in ("", name)
    ]
    rows, more = pages(call, rows)
    return {"DefaultCertificateForNewLaunches": "rds-ca-rsa2048-g1", "Certificates": rows, **more}


@before("rds", "DescribeAccountAttributes")
def _attributes(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    databases = instances(place)
    custom = [group for group in place.moto.db_parameter_groups.values() if not group.is_default]
    used = {
        "DBInstances": len(databases),
        "AllocatedStorage": sum(each.values["AllocatedStorage"] for each in databases),
        "DBParameterGroups": len(custom),
        "ManualSnapshots": sum(each.snapshot_kind == "manual" for each in place.moto.database_snapshots.values()),
        "EventSubscriptions": len(place.moto.event_subscriptions),
        "DBSubnetGroups": len(place.moto.subnet_groups),
        "SubnetsPerDBSubnetGroup": max((len(group.subnets) for group in place.moto.subnet_groups.values()), default=0),
    }
    shown = [(quota.name, quotas.granted(place.account, quota)) for quota in quotas.of_service("rds")]
    return {"AccountQuotas": [{"AccountQuotaName": name, "Used": used.get(name, 0), "Max": most} for name, most in shown]}


@before("rds", "DescribeValidDBInstanceModifications")
def _valid_modifications(call: AwsCall) -> dict[str, Any]:
    instance = instance_of(call)
    least = instance.values["AllocatedStorage"]
    storage = []
    for kind in classes.STORAGE_TYPES:
        row: dict[str, Any] = {
            "StorageType": kind,
            "StorageSize": [{"From": max(least, classes.SMALLEST[kind]), "To": classes.LARGEST[kind], "Step": 1}],
            "SupportsStorageAutoscaling": kind != "standard",
        }
        if kind in ("io1", "io2"):
            row["ProvisionedIops"] = [{"From": 1000, "To": 256000, "Step": 1}]
        if kind == "gp3":
            row |= {"ProvisionedIops": [{"From": 12000, "To": 64000, "Step": 1}], "ProvisionedStorageThroughput": [{"From": 500, "To": 4000, "Step": 1}]}
        storage.append(row)
    return {"ValidDBInstanceModificationsMessage": {"Storage": storage, "ValidProcessorFeatures": [], "SupportsDedicatedLogVolume": False}}


def maintenance_of(instance: Instance) -> list[dict[str, Any]]:
    """A newer minor version is offered as `db-upgrade`; the window takes it where minor upgrades are automatic."""
    target = versions.auto_upgrade_target(instance.values["EngineVersion"])
    if target is None or instance.creating:
        return []
    return [{"Action": "db-upgrade", "Description": f"Automatic minor version upgrade to postgres {target}"}] if instance.values["AutoMinorVersionUpgrade"] else []


@before("rds", "DescribePendingMaintenanceActions")
def _maintenance(call: AwsCall) -> dict[str, Any]:
    place, named = place_of(call), name_of(call.text("ResourceIdentifier"))
    rows = [(each.arn, maintenance_of(each)) for each in instances(place) if named in ("", each.name)]
    rows, more = pages(call, [row for row in rows if row[1]])
    return {"PendingMaintenanceActions": [{"ResourceIdentifier": arn, "PendingMaintenanceActionDetails": actions} for arn, actions in rows], **more}
