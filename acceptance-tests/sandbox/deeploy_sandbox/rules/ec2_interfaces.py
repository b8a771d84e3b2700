"""Network interfaces, also those that AWS makes for its services: EC2 user guide, "Requester-managed network
interfaces"; API reference, NetworkInterface, DescribeNetworkInterfaces, DeleteNetworkInterface.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, listed
from .ec2_objects import find, required, store, store_of, tag, tags_asked, tags_of
from .ec2_tokens import first_answer, remember


@dataclass
class Holder:
    """Whose interface it is, when it isn't an instance's."""

    requester_id: str
    requester_managed: bool
    attachment_id: str | None
    attached_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))


def make_interface(
    account: str,
    region: str,
    subnet_id: str,
    group_ids: list[str],
    description: str,
    interface_type: str = "interface",
    requester_id: str | None = None,
    requester_managed: bool = False,
    attached: bool = True,
) -> str:
    """An interface of one of AWS's services in a subnet; returns its id. Without groups it has none, as a
    NAT gateway's."""
    ec2 = store_of(account, region)
    subnet = ec2.get_subnet(subnet_id)
    made = ec2.create_network_interface(subnet, free_address(ec2, subnet), group_ids=list(group_ids), description=description)
    if not group_ids:
        made._group_set = []
    made.interface_type = interface_type
    made.status = "in-use" if attached else "available"
    made.requester_managed = requester_managed
    made.requester_id = requester_id or account
    made.holder = Holder(made.requester_id, requester_managed, f"ela-attach-{random.getrandbits(68):017x}" if attached else None)
    return str(made.id)


def remove_interface(account: str, region: str, interface_id: str) -> None:
    """What its service does at the end; it is no error when it's gone already."""
    ec2 = store_of(account, region)
    gone = ec2.enis.pop(interface_id, None)
    if gone is not None:
        ec2.tags.pop(interface_id, None)
        for address in ec2.addresses:
            if address.eni is gone:
                address.eni, address.association_id = None, None


def interfaces(ec2: Any) -> list[Any]:
    """Those that are there: a terminated instance takes its primary interface along, others only if they say so."""
    for eni in [eni for eni in ec2.enis.values() if eni.instance is not None and eni.instance.state == "terminated"]:
        if eni.device_index in (0, None) or eni.delete_on_termination:
            ec2.enis.pop(eni.id)
            ec2.tags.pop(eni.id, None)
        else:
            eni.instance = eni.attachment_id = None
    return list(ec2.enis.values())


def free_address(ec2: Any, subnet: Any) -> str:
    """The first address of the subnet that nobody has; AWS keeps the first four and the last."""
    taken = {item["PrivateIpAddress"] for eni in interfaces(ec2) if eni.subnet.id == subnet.id for item in eni.private_ip_addresses}
    for address in itertools.islice(subnet.cidr, 4, subnet.cidr.num_addresses - 1):
        if str(address) not in taken:
            return str(address)
    raise AwsError("InsufficientFreeAddressesInSubnet", f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the requested number.")


def addresses_free(ec2: Any, subnet: Any) -> int:
    taken = sum(len(eni.private_ip_addresses) for eni in interfaces(ec2) if eni.subnet.id == subnet.id)
    return int(subnet.cidr.num_addresses) - 5 - taken


def users_of_group(ec2: Any, group_id: str) -> list[Any]:
    return [eni for eni in interfaces(ec2) if any(group.id == group_id for group in eni.group_set)]


def holder_of(eni: Any) -> Holder | None:
    return getattr(eni, "holder", None)


def shown_interface(eni: Any) -> Shown:
    ec2, holder, address = eni.ec2_backend, holder_of(eni), _address(eni)
    shown: Shown = {
        "NetworkInterfaceId": eni.id,
        "SubnetId": eni.subnet.id,
        "VpcId": eni.subnet.vpc_id,
        "AvailabilityZone": eni.subnet.availability_zone,
        "AvailabilityZoneId": eni.subnet.availability_zone_id,
        "Description": eni.description,
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in eni.group_set],
        "InterfaceType": eni.interface_type,
        "Ipv6Addresses": [{"Ipv6Address": each} for each in eni.ipv6_addresses],
        "MacAddress": eni.mac_address,
        "OwnerId": eni.owner_id,
        "PrivateIpAddress": eni.private_ip_address,
        "PrivateIpAddresses": [
            {"Primary": bool(item.get("Primary")), "PrivateIpAddress": item["PrivateIpAddress"]} for item in eni.private_ip_addresses
        ],
        "RequesterManaged": bool(eni.requester_managed),
        "SourceDestCheck": eni.source_dest_check and eni.interface_type != "nat_gateway",
        "Status": "in-use" if eni.instance or (holder and holder.attachment_id) else "available",
        "TagSet": tags_of(ec2, eni.id),
    }
    if holder is not None:
        shown["RequesterId"] = holder.requester_id
    if getattr(eni, "private_dns_name", None):
        shown["PrivateDnsName"] = eni.private_dns_name
    if address is not None:
        shown["Association"] = {
            "AllocationId": address.allocation_id, "AssociationId": address.association_id,
            "IpOwnerId": eni.owner_id, "PublicDnsName": "", "PublicIp": address.public_ip,
        }  # fmt: skip
        shown["PrivateIpAddresses"][0]["Association"] = shown["Association"]
    elif eni.public_ip:
        shown["Association"] = {"IpOwnerId": "amazon", "PublicDnsName": "", "PublicIp": eni.public_ip}
    attachment = _attachment(eni, holder)
    if attachment:
        shown["Attachment"] = attachment
    return shown


def _address(eni: Any) -> Any | None:
    return next((each for each in eni.ec2_backend.addresses if each.eni is eni), None)


def _attachment(eni: Any, holder: Holder | None) -> Shown | None:
    if eni.instance:
        return {
            "AttachmentId": eni.attachment_id, "AttachTime": eni.attach_time, "DeleteOnTermination": bool(eni.delete_on_termination),
            "DeviceIndex": eni.device_index or 0, "InstanceId": eni.instance.id, "InstanceOwnerId": eni.owner_id, "Status": "attached",
        }  # fmt: skip
    if holder and holder.attachment_id:
        owner = holder.requester_id if holder.requester_id.startswith("amazon") else "amazon-aws"
        return {
            "AttachmentId": holder.attachment_id, "AttachTime": holder.attached_at, "DeleteOnTermination": False,
            "DeviceIndex": 1, "InstanceOwnerId": owner, "Status": "attached",
        }  # fmt: skip
    return None


FILTERS = {
    "association.allocation-id": "Association.AllocationId",
    "association.association-id": "Association.AssociationId",
    "association.public-ip": "Association.PublicIp",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    "addresses.primary": "PrivateIpAddresses.Primary",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "interface-type": "InterfaceType",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


@before("ec2", "DescribeNetworkInterfaces")
def _describe(call: AwsCall) -> Reply:
    # The tags of an interface have a name of their own; filters look for `Tags`.
    objects = [{**shown, "Tags": shown["TagSet"]} for shown in map(shown_interface, interfaces(store(call)))]
    ids = call.params.get("NetworkInterfaceIds")
    return listed(call, "NetworkInterfaces", objects, FILTERS, id_member="NetworkInterfaceId", prefix="eni", ids=ids)


@before("ec2", "CreateNetworkInterface")
def _create(call: AwsCall) -> dict[str, Any]:
    known = first_answer(call)
    if known is not None:
        return known
    ec2, subnet = store(call), find(call, "subnet", required(call, "SubnetId"))
    groups = [str(id) for id in call.params.get("Groups") or []]
    for id in groups:
        if find(call, "sg", id).vpc_id != subnet.vpc_id:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{id}' does not exist in VPC '{subnet.vpc_id}'")
    tags = tags_asked(call, "network-interface")
    address = call.text("PrivateIpAddress") or free_address(ec2, subnet)
    made = ec2.create_network_interface(subnet, address, group_ids=groups, description=call.text("Description"))
    made.interface_type = call.text("InterfaceType", "interface")
    tag(ec2, made.id, tags)
    return remember(call, {"NetworkInterface": {**shown_interface(made), "Status": "pending"}})


@before("ec2", "DeleteNetworkInterface")
def _delete(call: AwsCall) -> dict[str, Any]:
    eni = find(call, "eni", required(call, "NetworkInterfaceId"))
    holder = holder_of(eni)
    if eni.instance or (holder and holder.attachment_id):
        raise AwsError("InvalidParameterValue", f"Network interface '{eni.id}' is currently in use.")
    if holder and holder.requester_managed:
        raise AwsError("AuthFailure", "You do not have permission to access the specified resource.")
    remove_interface(call.account, call.region, eni.id)
    return {}


@before("ec2", "DetachNetworkInterface")
def _detach(call: AwsCall) -> None:
    """Services' attachments are theirs; an instance's are moto's."""
    wanted = required(call, "AttachmentId")
    for eni in store(call).enis.values():
        holder = holder_of(eni)
        if holder and holder.attachment_id == wanted:
            raise AwsError("OperationNotPermitted", f"You are not allowed to manage '{wanted}' attachments.")


@before("ec2", "ModifyNetworkInterfaceAttribute")
def _modify(call: AwsCall) -> None:
    eni = find(call, "eni", required(call, "NetworkInterfaceId"))
    for id in call.params.get("Groups") or []:
        find(call, "sg", str(id))
    holder = holder_of(eni)
    if holder and holder.requester_managed:
        raise AwsError("AuthFailure", "You do not have permission to access the specified resource.")


