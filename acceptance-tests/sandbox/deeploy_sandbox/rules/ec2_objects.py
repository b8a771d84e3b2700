"""EC2's objects by their ids, and their tags: EC2 API reference, "Error codes" (its spelling is not
regular), "Tag restrictions" and "TagSpecification"; EC2 user guide, "Resource IDs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError

TAGS_MAX = 50
HEX = re.compile(r"[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Kind:
    """What stands before the hexadecimal digits, AWS's name for tags, and its errors."""

    prefix: str
    resource_type: str
    not_found: str
    malformed: str
    text: str

    def missing(self, *ids: str) -> AwsError:
        if len(ids) == 1:
            return AwsError(self.not_found, self.text.format(f"'{ids[0]}'"))
        plural = self.text.replace(" ID ", " IDs ").replace("does not exist", "do not exist")
        return AwsError(self.not_found, plural.format(f"'{', '.join(ids)}'"))


KINDS = {
    kind.prefix: kind
    for kind in (
        Kind("vpc", "vpc", "InvalidVpcID.NotFound", "InvalidVpcID.Malformed", "The vpc ID {} does not exist"),
        Kind("subnet", "subnet", "InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed", "The subnet ID {} does not exist"),
        Kind("sg", "security-group", "InvalidGroup.NotFound", "InvalidGroupId.Malformed", "The security group {} does not exist"),
        Kind("sgr", "security-group-rule", "InvalidSecurityGroupRuleId.NotFound", "InvalidSecurityGroupRuleId.Malformed", "The security group rule ID {} does not exist"),
        Kind("igw", "internet-gateway", "InvalidInternetGatewayID.NotFound", "InvalidInternetGatewayId.Malformed", "The internetGateway ID {} does not exist"),
        Kind("rtb", "route-table", "InvalidRouteTableID.NotFound", "InvalidRouteTableId.Malformed", "The routeTable ID {} does not exist"),
        Kind("rtbassoc", "route-table-association", "InvalidAssociationID.NotFound", "InvalidAssociationID.NotFound", "The association ID {} does not exist"),
        Kind("nat", "natgateway", "NatGatewayNotFound", "NatGatewayMalformed", "NatGateway {} was not found"),
        Kind("vpce", "vpc-endpoint", "InvalidVpcEndpointId.NotFound", "InvalidVpcEndpointId.Malformed", "The Vpc Endpoint Id {} does not exist"),
        Kind("eipalloc", "elastic-ip", "InvalidAllocationID.NotFound", "InvalidAllocationID.NotFound", "The allocation ID {} does not exist"),
        Kind("eni", "network-interface", "InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterfaceId.Malformed", "The networkInterface ID {} does not exist"),
        Kind("lt", "launch-template", "InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.Malformed", "The specified launch template, with template ID {}, does not exist."),
        Kind("fl", "vpc-flow-log", "InvalidFlowLogId.NotFound", "InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] {}"),
        Kind("acl", "network-acl", "InvalidNetworkAclID.NotFound", "InvalidNetworkAclId.Malformed", "The networkAcl ID {} does not exist"),
        Kind("pl", "prefix-list", "InvalidPrefixListID.NotFound", "InvalidPrefixListId.Malformed", "The prefix list ID {} does not exist"),
        Kind("i", "instance", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "The instance ID {} does not exist"),
        Kind("vol", "volume", "InvalidVolume.NotFound", "InvalidVolumeID.Malformed", "The volume {} does not exist."),
        Kind("dopt", "dhcp-options", "InvalidDhcpOptionID.NotFound", "InvalidDhcpOptionsId.Malformed", "The dhcpOption ID {} does not exist"),
        Kind("snap", "snapshot", "InvalidSnapshot.NotFound", "InvalidSnapshotID.Malformed", "The snapshot {} does not exist."),
        Kind("ami", "image", "InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "The image id {} does not exist"),
        Kind("key", "key-pair", "InvalidKeyPair.NotFound", "InvalidKeyPair.Format", "The key pair ID {} does not exist"),
        Kind("pcx", "vpc-peering-connection", "InvalidVpcPeeringConnectionID.NotFound", "InvalidVpcPeeringConnectionId.Malformed", "The vpcPeeringConnection ID {} does not exist"),
    )
}  # fmt: skip


def store_of(account: str, region: str) -> Any:
    """moto's EC2 of one account and region."""
    return backend("ec2", account, region)


def store(call: AwsCall) -> Any:
    return store_of(call.account, call.region)


def check_id(prefix: str, value: str) -> None:
    kind = KINDS[prefix]
    if not value.startswith(prefix + "-") or not HEX.fullmatch(value[len(prefix) + 1 :]):
        # EC2 has no error of its own for some malformed ids.
        if kind.malformed == kind.not_found:
            raise kind.missing(value)
        raise AwsError(kind.malformed, f'Invalid id: "{value}" (expecting "{prefix}-...")')


def required(call: AwsCall, member: str) -> str:
    value = call.params.get(member)
    if value in (None, ""):
        wire = member[0].lower() + member[1:]
        raise AwsError("MissingParameter", f"The request must contain the parameter {wire}")
    return str(value)


@contextmanager
def as_aws_says() -> Iterator[None]:
    """moto's refusals as ours."""
    try:
        yield
    except ServiceException as refused:
        raise AwsError(str(refused.code), str(refused.message)) from None


def find(call: AwsCall, prefix: str, value: str) -> Any:
    """The object with this id; raises AWS's malformed or not-found error."""
    check_id(prefix, value)
    found = look_up(store(call), prefix, value)
    if found is None:
        raise KINDS[prefix].missing(value)
    return found


def look_up(ec2: Any, prefix: str, value: str) -> Any | None:
    if prefix == "subnet":
        return next((by_zone[value] for by_zone in ec2.subnets.values() if value in by_zone), None)
    if prefix == "sg":
        return next((groups[value] for groups in ec2.groups.values() if value in groups), None)
    if prefix == "sgr":
        return next((rule for rule in all_rules(ec2) if rule.id == value), None)
    if prefix == "eipalloc":
        return next((address for address in ec2.addresses if address.allocation_id == value), None)
    if prefix == "i":
        return next((each for reserved in ec2.reservations.values() for each in reserved.instances if each.id == value), None)
    stores = {
        "vpc": ec2.vpcs, "igw": ec2.internet_gateways, "rtb": ec2.route_tables, "nat": ec2.nat_gateways,
        "vpce": ec2.vpc_end_points, "eni": ec2.enis, "lt": ec2.launch_templates, "fl": ec2.flow_logs,
        "acl": ec2.network_acls, "pl": ec2.managed_prefix_lists, "vol": ec2.volumes, "dopt": ec2.dhcp_options_sets,
        "snap": ec2.snapshots, "ami": ec2.amis, "pcx": ec2.vpc_pcxs,
    }  # fmt: skip
    if prefix == "key":
        return next((pair for pair in ec2.key_pairs.values() if pair.id == value), None)
    return stores[prefix].get(value)


def all_groups(ec2: Any) -> list[Any]:
    return [group for groups in list(ec2.groups.values()) for group in list(groups.values())]


def all_rules(ec2: Any) -> list[Any]:
    return [rule for group in all_groups(ec2) for rule in [*group.ingress_rules, *group.egress_rules]]


def all_subnets(ec2: Any) -> list[Any]:
    return [subnet for by_zone in list(ec2.subnets.values()) for subnet in list(by_zone.values())]


def tags_of(ec2: Any, id: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (ec2.tags[id].items() if id in ec2.tags else ())]


def check_tags(tags: list[dict[str, Any]], present: dict[str, str] | None = None) -> dict[str, str]:
    """The tags of a request as EC2 admits them besides those that are there."""
    found: dict[str, str] = {}
    for tag in tags:
        key, value = str(tag.get("Key", "")), str(tag.get("Value") or "")
        if not key:
            raise AwsError("InvalidParameterValue", "Tag key cannot be null or empty")
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidParameterValue", f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use")
        if key in found:
            raise AwsError("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        if len(key) > 127:
            raise AwsError("InvalidParameterValue", "Tag key exceeds the maximum length of 127 characters")
        if len(value) > 255:
            raise AwsError("InvalidParameterValue", "Tag value exceeds the maximum length of 255 characters")
        found[key] = value
    kept = {key for key in (present or {}) if not key.startswith("aws:")}
    if len(kept | set(found)) > TAGS_MAX:
        raise AwsError("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    return found


def tags_asked(call: AwsCall, *resource_types: str) -> dict[str, str]:
    """What TagSpecifications give to the object of this type that the call makes."""
    found: dict[str, str] = {}
    for specification in call.params.get("TagSpecifications") or []:
        kind = specification.get("ResourceType")
        if kind not in resource_types:
            raise AwsError("InvalidParameterValue", f"'{kind}' is not a valid taggable resource type for this operation.")
        found |= check_tags(specification.get("Tags") or [])
    return found


def tag(ec2: Any, id: str, tags: dict[str, str]) -> None:
    if tags:
        ec2.tags[id].update(tags)


def forget_tags(ec2: Any, id: str) -> None:
    """An object's tags go with it."""
    ec2.tags.pop(id, None)
