"""What a `hide_s` fault keeps out of RDS's reads: the object that the call made, and not the groups that it names."""

from __future__ import annotations

from ..aws_call import AwsCall
from ..wire import AwsError
from .rds_rights import NAMED

NOT_FOUND = {
    "DescribeDBInstances": "DBInstanceNotFound",
    "DescribeDBParameterGroups": "DBParameterGroupNotFound",
    "DescribeDBParameters": "DBParameterGroupNotFound",
    "DescribeDBSnapshots": "DBSnapshotNotFound",
    "DescribeDBSubnetGroups": "DBSubnetGroupNotFoundFault",
    "DescribeEventSubscriptions": "SubscriptionNotFound",
}
# What one object of a list is called in the reply.
ELEMENTS = ("DBInstance", "DBSubnetGroup", "DBParameterGroup", "DBSnapshot", "EventSubscription")


def made_in_rds(call: AwsCall) -> set[str]:
    named = NAMED.get(call.operation)
    name = call.text(named[0][1]) if named else ""
    return {name, name.lower()} - {""}


def not_found_in_rds(call: AwsCall) -> AwsError:
    return AwsError(NOT_FOUND.get(call.operation, "InvalidParameterValue"), "The object does not exist (yet).", 404)
