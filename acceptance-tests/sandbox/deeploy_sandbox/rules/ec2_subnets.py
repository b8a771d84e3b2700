"""Subnets and Availability Zones: Amazon VPC user guide, "Subnet CIDR blocks", "Modify the IP addressing
attributes", "Delete a subnet"; API reference of the operations named below.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_interfaces import addresses_free, interfaces
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import all_subnets, as_aws_says, find, forget_tags, required, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room
from .ec2_vpcs import canonical


def zones(region: str) -> list[Any]:
    return list(RegionsAndZonesBackend.zones.get(region, []))


@before("ec2", "DescribeAvailabilityZones")
def _zones(call: AwsCall) -> Reply:
    objects = [
        {
            "ZoneName": zone.name, "ZoneId": zone.zone_id, "ZoneType": "availability-zone", "State": "available",
            "RegionName": call.region, "GroupName": f"{call.region}-zg-1", "NetworkBorderGroup": call.region,
            "OptInStatus": "opt-in-not-required", "Messages": [],
        }
        for zone in zones(call.region)
    ]  # fmt: skip
    for member, key in (("ZoneNames", "ZoneName"), ("ZoneIds", "ZoneId")):
        asked = call.params.get(member)
        if asked:
            unknown = [each for each in asked if each not in {zone[key] for zone in objects}]
            if unknown:
                raise invalid(f"Invalid availability zone{'-id' if key == 'ZoneId' else ''}: [{unknown[0]}]")
            objects = [zone for zone in objects if zone[key] in asked]
    filters = {
        "group-name": "GroupName", "message": "Messages.Message", "opt-in-status": "OptInStatus", "region-name": "RegionName",
        "state": "State", "zone-id": "ZoneId", "zone-name": "ZoneName", "zone-type": "ZoneType",
    }  # fmt: skip
    return listed(call, "AvailabilityZones", objects, filters, id_member="ZoneId")


def shown_subnet(subnet: Any) -> Shown:
    options = subnet.private_dns_name_options_on_launch
    return {
        "SubnetId": subnet.id,
        "SubnetArn": f"arn:{subnet.ec2_backend.partition}:ec2:{subnet.ec2_backend.region_name}:{subnet.owner_id}:subnet/{subnet.id}",
        "VpcId": subnet.vpc_id,
        "OwnerId": subnet.owner_id,
        "CidrBlock": subnet.cidr_block,
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": subnet.availability_zone_id,
        "AvailableIpAddressCount": addresses_free(subnet.ec2_backend, subnet),
        "DefaultForAz": bool(subnet.default_for_az),
        "MapPublicIpOnLaunch": _true(subnet.map_public_ip_on_launch),
        "AssignIpv6AddressOnCreation": _true(subnet.assign_ipv6_address_on_creation),
        "MapCustomerOwnedIpOnLaunch": False,
        "EnableDns64": bool(getattr(subnet, "enable_dns64", False)),
        "Ipv6Native": bool(subnet.ipv6_native),
        "Ipv6CidrBlockAssociationSet": [
            {"AssociationId": each["associationId"], "Ipv6CidrBlock": each["ipv6CidrBlock"], "Ipv6CidrBlockState": each["ipv6CidrBlockState"]}
            for each in subnet.ipv6_cidr_block_associations.values()
        ],
        "PrivateDnsNameOptionsOnLaunch": options,
        "State": subnet.state,
        "Tags": tags_of(subnet.ec2_backend, subnet.id),
    }


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


FILTERS = {
    "availability-zone": "AvailabilityZone",
    "availabilityZone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "availabilityZoneId": "AvailabilityZoneId",
    "available-ip-address-count": "AvailableIpAddressCount",
    "cidr": "CidrBlock",
    "cidr-block": "CidrBlock",
    "cidrBlock": "CidrBlock",
    "default-for-az": "DefaultForAz",
    "defaultForAz": "DefaultForAz",
    "map-public-ip-on-launch": "MapPublicIpOnLaunch",
    "owner-id": "OwnerId",
    "state": "State",
    "subnet-arn": "SubnetArn",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


@before("ec2", "DescribeSubnets")
def _describe(call: AwsCall) -> Reply:
    objects = map(shown_subnet, all_subnets(store(call)))
    return listed(call, "Subnets", objects, FILTERS, id_member="SubnetId", prefix="subnet", ids=call.params.get("SubnetIds"))


@before("ec2", "CreateSubnet")
def _create(call: AwsCall) -> dict[str, Any]:
    ec2, vpc = store(call), find(call, "vpc", required(call, "VpcId"))
    cidr = canonical(required(call, "CidrBlock"))
    tags = tags_asked(call, "subnet")
    if not 16 <= ipaddress.ip_network(cidr).prefixlen <= 28:
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    zone = _zone(call)
    need_room(call.account, "subnets-per-vpc", sum(subnet.vpc_id == vpc.id for subnet in all_subnets(ec2)))
    with as_aws_says():
        subnet = ec2.create_subnet(vpc.id, cidr, call.params.get("Ipv6CidrBlock"), zone.name)
    # moto takes the first subnet of a zone for a default one.
    subnet.default_for_az = subnet.map_public_ip_on_launch = False
    tag(ec2, subnet.id, tags)
    return {"Subnet": {**shown_subnet(subnet), "State": "pending"}}


def _zone(call: AwsCall) -> Any:
    name, id, known = call.params.get("AvailabilityZone"), call.params.get("AvailabilityZoneId"), zones(call.region)
    if not name and not id:
        return known[0]
    for zone in known:
        if zone.name == name or zone.zone_id == id:
            return zone
    member, value = ("availabilityZone", name) if name else ("availabilityZoneId", id)
    names = ", ".join(zone.name if name else zone.zone_id for zone in known)
    raise invalid(f"Value ({value}) for parameter {member} is invalid. Subnets can currently only be created in the following availability zones: {names}.")


SETTINGS = {
    "AssignIpv6AddressOnCreation": "assign_ipv6_address_on_creation",
    "EnableDns64": "enable_dns64",
    "MapPublicIpOnLaunch": "map_public_ip_on_launch",
}
DNS_OPTIONS = {
    "PrivateDnsHostnameTypeOnLaunch": "HostnameType",
    "EnableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecord",
    "EnableResourceNameDnsAAAARecordOnLaunch": "EnableResourceNameDnsAAAARecord",
}


@before("ec2", "ModifySubnetAttribute")
def _modify(call: AwsCall) -> dict[str, Any]:
    subnet = find(call, "subnet", required(call, "SubnetId"))
    asked = [name for name in [*SETTINGS, *DNS_OPTIONS] if call.params.get(name) is not None]
    if len(asked) != 1:
        raise AwsError("InvalidParameterCombination", "Only one attribute can be modified at a time." if asked else "No attributes specified.")
    value = call.params[asked[0]]
    value = value.get("Value") if isinstance(value, dict) else value
    if asked[0] in SETTINGS:
        setattr(subnet, SETTINGS[asked[0]], bool(value))
    else:
        subnet.private_dns_name_options_on_launch[DNS_OPTIONS[asked[0]]] = value
    return {}


@before("ec2", "DeleteSubnet")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, subnet = store(call), find(call, "subnet", required(call, "SubnetId"))
    if any(eni.subnet.id == subnet.id for eni in interfaces(ec2)):
        raise AwsError("DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")
    for table in ec2.route_tables.values():
        for association in [key for key, target in table._associations.items() if target == subnet.id]:
            table._associations.pop(association)
    for acl in ec2.network_acls.values():
        for association in [key for key, each in acl._associations.items() if each.subnet_id == subnet.id]:
            acl._associations.pop(association)
    for by_zone in ec2.subnets.values():
        by_zone.pop(subnet.id, None)
    forget_tags(ec2, subnet.id)
    return {}
