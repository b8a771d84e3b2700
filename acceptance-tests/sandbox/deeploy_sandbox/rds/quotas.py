"""RDS refuses what is more than its quotas admit, with the error codes of its API reference."""

from __future__ import annotations

from ..quotas import granted
from ..wire import AwsError
from .store import Place

REFUSALS = {
    "DBInstances": ("InstanceQuotaExceeded", "DB Instance quota exceeded"),
    "AllocatedStorage": ("StorageQuotaExceeded", "Storage quota exceeded"),
    "DBParameterGroups": ("DBParameterGroupQuotaExceeded", "DB parameter group quota exceeded"),
    "ManualSnapshots": ("SnapshotQuotaExceeded", "Cannot create more than {most} manual snapshots"),
    "EventSubscriptions": ("EventSubscriptionQuotaExceeded", "You have reached the maximum number of event subscriptions."),
    "DBSubnetGroups": ("DBSubnetGroupQuotaExceeded", "DB subnet group quota exceeded"),
    "SubnetsPerDBSubnetGroup": ("DBSubnetQuotaExceededFault", "The request would result in the user exceeding the allowed number of subnets in a DB subnet group."),
}


def require_room(place: Place, name: str, wanted: int) -> None:
    """`wanted`: how many there would be."""
    most = granted(place.account, name)
    if wanted > most:
        code, text = REFUSALS[name]
        raise AwsError(code, text.format(most=most))
