"""RDS's quotas as DescribeAccountAttributes names them, with AWS's defaults; a test may lower them."""

from __future__ import annotations

from ..rules import memory
from ..wire import AwsError
from .store import Place

DEFAULTS = {
    "DBInstances": 40, "ReservedDBInstances": 40, "AllocatedStorage": 100_000, "DBSecurityGroups": 25, "AuthorizationsPerDBSecurityGroup": 20,
    "DBParameterGroups": 50, "ManualSnapshots": 100, "EventSubscriptions": 20, "DBSubnetGroups": 50, "OptionGroups": 20,
    "SubnetsPerDBSubnetGroup": 20, "ReadReplicasPerMaster": 15, "DBClusters": 40, "DBClusterParameterGroups": 50, "DBClusterRoles": 5,
    "DBInstanceRoles": 5, "ManualClusterSnapshots": 100, "CustomEndpointsPerDBCluster": 5,
}  # fmt: skip
REFUSALS = {
    "DBInstances": ("InstanceQuotaExceeded", "DB Instance quota exceeded"),
    "AllocatedStorage": ("StorageQuotaExceeded", "Storage quota exceeded"),
    "DBParameterGroups": ("DBParameterGroupQuotaExceeded", "DB parameter group quota exceeded"),
    "ManualSnapshots": ("SnapshotQuotaExceeded", "Cannot create more than {most} manual snapshots"),
    "EventSubscriptions": ("EventSubscriptionQuotaExceeded", "You have reached the maximum number of event subscriptions."),
    "DBSubnetGroups": ("DBSubnetGroupQuotaExceeded", "DB subnet group quota exceeded"),
    "SubnetsPerDBSubnetGroup": ("DBSubnetQuotaExceededFault", "The request would result in the user exceeding the allowed number of subnets in a DB subnet group."),
}


def most(place: Place, name: str) -> int:
    return int(memory(place.account, "rds quotas").get(name, DEFAULTS[name]))


def require_room(place: Place, name: str, wanted: int) -> None:
    """`wanted`: how many there would be."""
    if wanted > most(place, name):
        code, text = REFUSALS[name]
        raise AwsError(code, text.format(most=most(place, name)))
