"""Elastic IP addresses: EC2 user guide, "Elastic IP addresses" (quota, release); VPC user guide, "NAT gateways"
(their address stays associated until they are deleted).
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, listed
from .ec2_objects import find, forget_tags, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room


def shown_address(ec2: Any, region: str, address: Any) -> Shown:
    shown: Shown = {
        "PublicIp": address.public_ip,
        "AllocationId": address.allocation_id,
        "Domain": "vpc",
        "NetworkBorderGroup": region,
        "PublicIpv4Pool": "amazon",
        "Tags": tags_of(ec2, address.allocation_id),
    }
    if address.association_id:
        shown["AssociationId"] = address.association_id
    if address.eni is not None:
        shown |= {
            "NetworkInterfaceId": address.eni.id,
            "NetworkInterfaceOwnerId": address.eni.owner_id,
            "PrivateIpAddress": address.eni.private_ip_address,
        }
    if address.instance is not None:
        shown["InstanceId"] = address.instance.id
    return shown


FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "domain": "Domain",
    "instance-id": "InstanceId",
    "network-border-group": "NetworkBorderGroup",
    "network-interface-id": "NetworkInterfaceId",
    "network-interface-owner-id": "NetworkInterfaceOwnerId",
    "private-ip-address": "PrivateIpAddress",
    "public-ip": "PublicIp",
}


def settled(call: AwsCall) -> Any:
    """The store, after what time has done: a deleted NAT gateway gives its address back."""
    from .ec2_nat import settle

    settle(store(call))
    return store(call)


@before("ec2", "DescribeAddresses")
def _describe(call: AwsCall) -> Reply:
    ec2 = settled(call)
    objects = [shown_address(ec2, call.region, address) for address in ec2.addresses]
    asked = call.params.get("PublicIps")
    if asked:
        missing = sorted(set(asked) - {each["PublicIp"] for each in objects})
        if missing:
            raise AwsError("InvalidAddress.NotFound", f"Address '{missing[0]}' not found.")
        objects = [each for each in objects if each["PublicIp"] in asked]
    ids = call.params.get("AllocationIds")
    return listed(call, "Addresses", objects, FILTERS, id_member="AllocationId", prefix="eipalloc", ids=ids)


@before("ec2", "AllocateAddress")
def _allocate(call: AwsCall) -> dict[str, Any]:
    ec2 = settled(call)
    tags = tags_asked(call, "elastic-ip")
    need_room(call.account, "elastic-ips", len(ec2.addresses))
    address = ec2.allocate_address("vpc", address=call.params.get("Address"))
    tag(ec2, address.allocation_id, tags)
    return {
        "AllocationId": address.allocation_id, "Domain": "vpc", "NetworkBorderGroup": call.region,
        "PublicIp": address.public_ip, "PublicIpv4Pool": "amazon",
    }  # fmt: skip


@before("ec2", "ReleaseAddress")
def _release(call: AwsCall) -> dict[str, Any]:
    ec2 = settled(call)
    if not call.params.get("AllocationId"):
        if not call.params.get("PublicIp"):
            raise AwsError("MissingParameter", "Either public IP or allocation id must be specified")
        raise AwsError("InvalidParameterValue", f"You must specify an allocation id when releasing a VPC elastic IP address ({call.text('PublicIp')})")
    address = find(call, "eipalloc", call.text("AllocationId"))
    if address.association_id:
        raise AwsError("InvalidIPAddress.InUse", f"The address with allocation id [{address.allocation_id}] is in use and cannot be released.")
    ec2.addresses.remove(address)
    forget_tags(ec2, address.allocation_id)
    return {}


@before("ec2", "DisassociateAddress")
def _disassociate(call: AwsCall) -> None:
    ec2, wanted = settled(call), call.text("AssociationId")
    address = next((each for each in ec2.addresses if each.association_id == wanted), None) if wanted else None
    if wanted and address is None:
        raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{wanted}' does not exist")
    if address is not None and getattr(address.eni, "holder", None):
        raise AwsError("AuthFailure", "You do not have permission to access the specified resource.")


@before("ec2", "AssociateAddress")
def _associate(call: AwsCall) -> None:
    """In a VPC an association is only replaced when the caller says so; moto does the rest."""
    settled(call)
    if call.params.get("AllocationId"):
        address = find(call, "eipalloc", call.text("AllocationId"))
        if address.association_id and not call.params.get("AllowReassociation"):
            raise AwsError("Resource.AlreadyAssociated", f"resource {address.allocation_id} is already associated with associate-id {address.association_id}")
