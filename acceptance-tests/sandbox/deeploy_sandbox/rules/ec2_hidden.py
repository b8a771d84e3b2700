"""What a `hide_s` fault keeps out of EC2's reads: EC2 developer guide, "Eventual consistency" (a new object's id may be
not found for a while). Lists leave it out (`ec2_lists.visibility`).
"""

from __future__ import annotations

import re

from ..aws_call import AwsCall
from ..wire import AwsError
from .ec2_arns import ID
from .ec2_objects import KINDS

# A create's reply also names what was there before.
OF = {
    "CreateVpc": "vpc", "CreateSubnet": "subnet", "CreateInternetGateway": "igw", "CreateNatGateway": "nat", "CreateRouteTable": "rtb",
    "CreateVpcEndpoint": "vpce", "CreateSecurityGroup": "sg", "AllocateAddress": "eipalloc", "CreateNetworkInterface": "eni",
    "CreateLaunchTemplate": "lt", "AuthorizeSecurityGroupIngress": "sgr", "AuthorizeSecurityGroupEgress": "sgr", "CreateFlowLogs": "fl",
}  # fmt: skip


NAMES = (
    "SubnetId", "NatGatewayId", "InternetGatewayId", "AssociationId", "RouteTableId", "GroupId", "VpcEndpointId", "VpcEndpointIds",
    "AllocationId", "NetworkInterfaceId", "LaunchTemplateId", "LaunchTemplateName", "FlowLogIds", "InstanceIds", "Resources", "VpcId",
)  # fmt: skip


def made_in_ec2(call: AwsCall, reply: str) -> set[str]:
    prefix = OF.get(call.operation)
    if prefix is None:
        return set()
    return {id for id in re.findall(r">([a-z]+-[0-9a-f]{8,17})<", reply) if id.rpartition("-")[0] == prefix}


def named_in_ec2(call: AwsCall) -> str:
    """The best name of a call's object; a create's is in its reply."""
    if call.operation in OF:
        return ""
    for member in NAMES:
        value = call.params.get(member)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and value:
            return value
    return ""


def not_found_in_ec2(call: AwsCall, names: set[str]) -> AwsError:
    for id in sorted(names):
        matched = ID.fullmatch(id)
        if matched and matched[1] in KINDS:
            return KINDS[matched[1]].missing(id)
    return AwsError("InvalidID", "The ID is not valid (yet).")
