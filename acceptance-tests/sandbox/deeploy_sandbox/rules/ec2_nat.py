"""NAT gateways: Amazon VPC user guide, "NAT gateways", "Troubleshoot NAT gateways" (why a creation fails: after the
call); API reference, NatGateway (failureCode, failureMessage) and CreateNatGateway.

A creation fails when the VPC has no internet gateway; that its subnet routes to one, AWS does not look at.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import random_eip_association_id

from .. import durations
from ..aws_call import AwsCall
from ..moto_bridge import Unsupported
from ..wire import AwsError, Reply
from . import before
from .ec2_gateways import gateway_of
from .ec2_interfaces import free_address, make_interface, remove_interface
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import find, forget_tags, look_up, required, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room
from .ec2_tokens import first_answer, remember


# A gateway with more than one address, or one for all zones.
NOT_KNOWN = ("SecondaryAllocationIds", "SecondaryPrivateIpAddresses", "SecondaryPrivateIpAddressCount", "AvailabilityZoneAddresses")


class Gateway(TaggedEC2Resource):
    """moto's NAT gateway with AWS's states."""

    def __init__(self, ec2: Any, subnet: Any, allocation_id: str | None, connectivity_type: str) -> None:
        self.ec2_backend, self.id = ec2, f"nat-{random.getrandbits(68):017x}"
        self.subnet_id, self.vpc_id = subnet.id, subnet.vpc_id
        self.availability_zone = subnet.availability_zone
        self.allocation_id, self.connectivity_type = allocation_id, connectivity_type
        self.state = "pending"
        self.change: Change | None = None
        self.failure: tuple[str, str] | None = None
        self.created, self.deleted = datetime.now(timezone.utc), None
        self.forgotten: durations.Span | None = None
        self.address_set: list[dict[str, Any]] = []

    @property
    def physical_resource_id(self) -> str:
        return self.id


@dataclass
class Change:
    to: str
    span: durations.Span


def settle(ec2: Any) -> None:
    """Ends the changes whose time is over."""
    for gateway in list(ec2.nat_gateways.values()):
        change = getattr(gateway, "change", None)
        if change is not None and change.span.done():
            gateway.state, gateway.change = change.to, None
            if change.to in ("deleted", "failed"):
                _let_go(ec2, gateway)
        forgotten = getattr(gateway, "forgotten", None)
        # Where nothing is waited for, nothing is forgotten either.
        if gateway.state == "deleted" and forgotten is not None and durations.clock.scale(ec2.account_id) > 0 and forgotten.done():
            ec2.nat_gateways.pop(gateway.id)
            forget_tags(ec2, gateway.id)


def _let_go(ec2: Any, gateway: Any) -> None:
    for address in gateway.address_set:
        if address.get("NetworkInterfaceId"):
            remove_interface(ec2.account_id, ec2.region_name, address["NetworkInterfaceId"])
    gateway.deleted = datetime.now(timezone.utc) if gateway.state == "deleted" else None
    gateway.forgotten = durations.begin(ec2.account_id, "ec2:nat-gateway:forget")


def is_gone(gateway: Any) -> bool:
    return gateway.state in ("deleted", "failed")


def shown_nat(gateway: Any) -> Shown:
    shown: Shown = {
        "NatGatewayId": gateway.id,
        "VpcId": gateway.vpc_id,
        "SubnetId": gateway.subnet_id,
        "State": gateway.state,
        "ConnectivityType": gateway.connectivity_type,
        "CreateTime": gateway.created,
        "NatGatewayAddresses": [{**address, "IsPrimary": True, "Status": _address_status(gateway)} for address in gateway.address_set],
        "Tags": tags_of(gateway.ec2_backend, gateway.id),
    }
    if gateway.failure and gateway.state == "failed":
        shown["FailureCode"], shown["FailureMessage"] = gateway.failure
    if gateway.deleted:
        shown["DeleteTime"] = gateway.deleted
    return shown


def _address_status(gateway: Any) -> str:
    return {"pending": "associating", "available": "succeeded", "failed": "failed"}.get(gateway.state, "disassociating")


FILTERS = {"nat-gateway-id": "NatGatewayId", "state": "State", "subnet-id": "SubnetId", "vpc-id": "VpcId"}


@before("ec2", "DescribeNatGateways")
def _describe(call: AwsCall) -> Reply:
    ec2 = store(call)
    settle(ec2)
    objects = map(shown_nat, list(ec2.nat_gateways.values()))
    ids = call.params.get("NatGatewayIds")
    return listed(call, "NatGateways", objects, FILTERS, id_member="NatGatewayId", prefix="nat", ids=ids)


@before("ec2", "CreateNatGateway")
def _create(call: AwsCall) -> dict[str, Any]:
    ec2 = store(call)
    settle(ec2)
    known = first_answer(call)
    if known is not None:
        return known
    unknown = [name for name in NOT_KNOWN if call.params.get(name)]
    if unknown or call.params.get("AvailabilityMode", "zonal") != "zonal":
        raise Unsupported("NotImplementedBySandbox", f"The sandbox has no NAT gateways with {', '.join(unknown) or 'AvailabilityMode'}")
    subnet = find(call, "subnet", required(call, "SubnetId"))
    kind, allocation = call.text("ConnectivityType", "public"), call.params.get("AllocationId")
    tags = tags_asked(call, "natgateway")
    if kind == "public" and not allocation:
        raise AwsError("MissingParameter", "The request must include the AllocationId parameter. Add the required parameter and retry the request.")
    if kind == "private" and allocation:
        raise invalid("You can't specify an allocation ID for a private NAT gateway.", "InvalidParameter")
    address = look_up(ec2, "eipalloc", str(allocation)) if allocation else None
    if allocation and address is None:
        raise AwsError("InvalidElasticIpID.NotFound", f"The elastic-ip ID '{allocation}' does not exist")
    in_zone = sum(not is_gone(each) and each.availability_zone == subnet.availability_zone for each in ec2.nat_gateways.values())
    need_room(call.account, "nat-gateways-per-zone", in_zone)
    gateway = Gateway(ec2, subnet, allocation, kind)
    gateway.failure = _why_not(ec2, subnet, address, kind)
    if gateway.failure is None:
        _attach(call, gateway, address)
    else:
        gateway.address_set = [{"AllocationId": allocation}] if allocation else []
    gateway.change = Change("failed" if gateway.failure else "available", durations.begin(call.account, "ec2:nat-gateway:create"))
    ec2.nat_gateways[gateway.id] = gateway
    tag(ec2, gateway.id, tags)
    answer: dict[str, Any] = {"NatGateway": shown_nat(gateway)}
    if call.token:
        answer["ClientToken"] = call.token
    return remember(call, answer)


def _why_not(ec2: Any, subnet: Any, address: Any, kind: str) -> tuple[str, str] | None:
    if kind == "public" and gateway_of(ec2, subnet.vpc_id) is None:
        return "Gateway.NotAttached", f"Network {subnet.vpc_id} has no Internet gateway attached"
    if address is not None and address.association_id:
        return "Resource.AlreadyAssociated", f"Elastic IP address {address.allocation_id} is already associated"
    try:
        free_address(ec2, subnet)
    except AwsError:
        return "InsufficientFreeAddressesInSubnet", "Subnet has insufficient free addresses to create this NAT gateway"
    return None


def _attach(call: AwsCall, gateway: Any, address: Any) -> None:
    ec2 = store(call)
    description = f"Interface for NAT Gateway {gateway.id}"
    made = make_interface(
        call.account, call.region, gateway.subnet_id, [], description, "nat_gateway", "amazon-aws", requester_managed=True
    )
    eni = ec2.enis[made]
    shown: Shown = {"NetworkInterfaceId": eni.id, "PrivateIp": eni.private_ip_address}
    if address is not None:
        address.eni, address.association_id = eni, random_eip_association_id()
        shown |= {"AllocationId": address.allocation_id, "AssociationId": address.association_id, "PublicIp": address.public_ip}
    gateway.address_set = [shown]


@before("ec2", "DeleteNatGateway")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2 = store(call)
    settle(ec2)
    gateway = find(call, "nat", required(call, "NatGatewayId"))
    if gateway.state in ("pending", "available", "failed"):
        gateway.state = "deleting"
        gateway.change = Change("deleted", durations.begin(call.account, "ec2:nat-gateway:delete"))
    return {"NatGatewayId": gateway.id}
