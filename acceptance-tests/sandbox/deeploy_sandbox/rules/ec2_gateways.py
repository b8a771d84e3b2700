"""Internet gateways: Amazon VPC user guide, "Delete your internet gateway"; API reference of AttachInternetGateway
and DetachInternetGateway (no running instance with a public address, no NAT gateway may be left in the VPC).
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_addresses import settled
from .ec2_interfaces import interfaces
from .ec2_lists import Shown, listed
from .ec2_objects import find, forget_tags, required, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room


def gateway_of(ec2: Any, vpc_id: str) -> Any | None:
    return next((each for each in ec2.internet_gateways.values() if each.vpc and each.vpc.id == vpc_id), None)


def shown_gateway(gateway: Any) -> Shown:
    return {
        "InternetGatewayId": gateway.id,
        "OwnerId": gateway.owner_id,
        "Attachments": [{"State": "available", "VpcId": gateway.vpc.id}] if gateway.vpc else [],
        "Tags": tags_of(gateway.ec2_backend, gateway.id),
    }


FILTERS = {
    "attachment.state": "Attachments.State",
    "attachment.vpc-id": "Attachments.VpcId",
    "internet-gateway-id": "InternetGatewayId",
    "owner-id": "OwnerId",
}


@before("ec2", "DescribeInternetGateways")
def _describe(call: AwsCall) -> Reply:
    objects = map(shown_gateway, list(store(call).internet_gateways.values()))
    ids = call.params.get("InternetGatewayIds")
    return listed(call, "InternetGateways", objects, FILTERS, id_member="InternetGatewayId", prefix="igw", ids=ids)


@before("ec2", "CreateInternetGateway")
def _create(call: AwsCall) -> dict[str, Any]:
    ec2, tags = store(call), tags_asked(call, "internet-gateway")
    need_room(call.account, "internet-gateways", len(ec2.internet_gateways))
    gateway = ec2.create_internet_gateway()
    tag(ec2, gateway.id, tags)
    return {"InternetGateway": shown_gateway(gateway)}


@before("ec2", "AttachInternetGateway")
def _attach(call: AwsCall) -> dict[str, Any]:
    gateway = find(call, "igw", required(call, "InternetGatewayId"))
    vpc = find(call, "vpc", required(call, "VpcId"))
    if gateway.vpc is not None:
        raise AwsError("Resource.AlreadyAssociated", f"resource {gateway.id} is already attached to network {gateway.vpc.id}")
    if gateway_of(store(call), vpc.id) is not None:
        raise AwsError("InvalidParameterValue", f"Network {vpc.id} already has an internet gateway attached")
    gateway.vpc = vpc
    return {}


@before("ec2", "DetachInternetGateway")
def _detach(call: AwsCall) -> dict[str, Any]:
    ec2 = settled(call)
    gateway = find(call, "igw", required(call, "InternetGatewayId"))
    vpc = find(call, "vpc", required(call, "VpcId"))
    if gateway.vpc is None or gateway.vpc.id != vpc.id:
        raise AwsError("Gateway.NotAttached", f"resource {gateway.id} is not attached to network {vpc.id}")
    addressed = {address.eni.id for address in ec2.addresses if address.eni is not None}
    if any(eni.subnet.vpc_id == vpc.id and (eni.public_ip or eni.id in addressed) for eni in interfaces(ec2)):
        raise AwsError(
            "DependencyViolation",
            f"Network {vpc.id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.",
        )
    gateway.vpc = None
    return {}


@before("ec2", "DeleteInternetGateway")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, gateway = store(call), find(call, "igw", required(call, "InternetGatewayId"))
    if gateway.vpc is not None:
        raise AwsError("DependencyViolation", f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted.")
    ec2.internet_gateways.pop(gateway.id)
    forget_tags(ec2, gateway.id)
    return {}
