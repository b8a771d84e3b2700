"""The resources that a call to RDS is about: Service Authorization Reference, "Actions, resources, and condition keys for
Amazon RDS". Each resource that is named must be allowed.
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..rds.store import Place, name_of, place_of
from .resource_arns import Need, names_needs, names_resource

# The members of a request that name a resource of the action, the first being what the call is mostly about.
DB = ("db", "DBInstanceIdentifier")
PG, SUBGRP = ("pg", "DBParameterGroupName"), ("subgrp", "DBSubnetGroupName")
SNAPSHOT, ES = ("snapshot", "DBSnapshotIdentifier"), ("es", "SubscriptionName")
NAMED: dict[str, tuple[tuple[str, str], ...]] = {
    "AddSourceIdentifierToSubscription": (ES,),
    "CopyDBSnapshot": (("snapshot", "TargetDBSnapshotIdentifier"), ("snapshot", "SourceDBSnapshotIdentifier")),
    "CreateDBInstance": (DB, PG, SUBGRP),
    "CreateDBParameterGroup": (PG,),
    "CreateDBSnapshot": (SNAPSHOT, DB),
    "CreateDBSubnetGroup": (SUBGRP,),
    "CreateEventSubscription": (ES,),
    "DeleteDBInstance": (DB,),
    "DeleteDBParameterGroup": (PG,),
    "DeleteDBSnapshot": (SNAPSHOT,),
    "DeleteDBSubnetGroup": (SUBGRP,),
    "DeleteEventSubscription": (ES,),
    "DescribeDBInstances": (DB,),
    "DescribeDBParameterGroups": (PG,),
    "DescribeDBParameters": (PG,),
    "DescribeDBSnapshots": (SNAPSHOT, DB),
    "DescribeDBSubnetGroups": (SUBGRP,),
    "DescribeEventSubscriptions": (ES,),
    "DescribePendingMaintenanceActions": (("db", "ResourceIdentifier"),),
    "DescribeValidDBInstanceModifications": (DB,),
    "ModifyDBInstance": (DB, PG, SUBGRP),
    "ModifyDBParameterGroup": (PG,),
    "ModifyDBSubnetGroup": (SUBGRP,),
    "ModifyEventSubscription": (ES,),
    "RebootDBInstance": (DB,),
    "RemoveSourceIdentifierFromSubscription": (ES,),
    "ResetDBParameterGroup": (PG,),
    "RestoreDBInstanceFromDBSnapshot": (DB, SNAPSHOT, PG, SUBGRP),
    "RestoreDBInstanceToPointInTime": (("db", "TargetDBInstanceIdentifier"), ("db", "SourceDBInstanceIdentifier"), PG, SUBGRP),
    "StartDBInstance": (DB,),
    "StopDBInstance": (DB,),
}
# What policies may ask about a new or changed instance, by the parameter that says it.
CONDITIONS = {
    "rds:BackupTarget": "BackupTarget",
    "rds:DatabaseClass": "DBInstanceClass",
    "rds:DatabaseEngine": "Engine",
    "rds:DatabaseName": "DBName",
    "rds:ManageMasterUserPassword": "ManageMasterUserPassword",
    "rds:MultiAz": "MultiAZ",
    "rds:Piops": "Iops",
    "rds:StorageEncrypted": "StorageEncrypted",
    "rds:StorageSize": "AllocatedStorage",
}
STORES = {"db": "databases", "pg": "db_parameter_groups", "subgrp": "subnet_groups", "snapshot": "database_snapshots", "es": "event_subscriptions"}


def _arns(call: AwsCall) -> list[tuple[str, dict[str, Any]]]:
    """Each resource, with what policies may ask about it. A list of all is about `kind:*`."""
    place = place_of(call)
    if call.text("ResourceName").startswith("arn:"):
        parts = call.text("ResourceName").split(":", 6)
        return [(call.text("ResourceName"), _known(place, parts[5], parts[6]) if len(parts) == 7 else {})]
    if call.operation in ("DeleteDBInstanceAutomatedBackup", "DescribeDBInstanceAutomatedBackups"):
        return [(call.text("DBInstanceAutomatedBackupsArn") or place.arn("auto-backup", "*"), {})]
    named = NAMED.get(call.operation, ())
    found = [(kind, name_of(call.text(member))) for kind, member in named if call.text(member)]
    if not found and named:
        found = [(named[0][0], "*")]
    return [(place.arn(kind, name), _known(place, kind, name)) for kind, name in found] or [("*", {})]


def _known(place: Place, kind: str, name: str) -> dict[str, Any]:
    existing = getattr(place.moto, STORES[kind]).get(name) if kind in STORES else None
    context: dict[str, Any] = {}
    for tag in existing.tags if existing is not None else ():
        context[f"aws:ResourceTag/{tag['Key']}"] = context[f"rds:{kind}-tag/{tag['Key']}"] = tag["Value"]
    return context


def _given(call: AwsCall) -> dict[str, Any]:
    found = {key: str(call.params[member]) for key, member in CONDITIONS.items() if call.params.get(member) is not None}
    found = {key: value.lower() if value in ("True", "False") else value for key, value in found.items()}
    for tag in call.params.get("Tags") or []:
        found[f"rds:req-tag/{tag.get('Key')}"] = str(tag.get("Value") or "")
    return found


@names_resource("rds")
def _resource(call: AwsCall) -> str:
    return _arns(call)[0][0]


@names_needs("rds")
def _needs(call: AwsCall, actions: list[str]) -> list[Need]:
    arns = _arns(call)
    given = _given(call)
    found: list[Need] = [(actions[0], arn, {**known, **given}) for arn, known in arns]
    # Tagging what is made asks for rds:AddTagsToResource on it.
    found += [(action, *arns[0]) for action in actions[1:]]
    return found
