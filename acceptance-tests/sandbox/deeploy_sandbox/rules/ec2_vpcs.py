"""VPCs: Amazon VPC user guide, "Create a VPC", "Delete your VPC", "DNS attributes in your VPC"; API reference of
the operations named below.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import all_groups, all_subnets, as_aws_says, find, forget_tags, required, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room

ATTRIBUTES = {
    "EnableDnsHostnames": "enable_dns_hostnames",
    "EnableDnsSupport": "enable_dns_support",
    "EnableNetworkAddressUsageMetrics": "enable_network_address_usage_metrics",
}


def _give_default_groups_their_rule() -> None:
    """A default security group admits its own members (VPC user guide, "Default security groups")."""
    make = SecurityGroupBackend.create_security_group

    def create_security_group(self: Any, *arguments: Any, **named: Any) -> Any:
        group = make(self, *arguments, **named)
        if group.is_default:
            own = {"GroupId": group.id, "UserId": group.owner_id}
            group.ingress_rules.append(SecurityGroupRule(self, "-1", group.id, None, None, None, own, is_egress=False))
        return group

    SecurityGroupBackend.create_security_group = create_security_group  # type: ignore[method-assign]


_give_default_groups_their_rule()


def canonical(cidr: str) -> str:
    """AWS turns 10.0.0.7/16 into 10.0.0.0/16."""
    try:
        return str(ipaddress.ip_network(cidr, strict=False)) if "/" in cidr else _malformed(cidr)
    except ValueError:
        return _malformed(cidr)


def _malformed(cidr: str) -> str:
    raise invalid(f"Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.")


def shown_vpc(vpc: Any) -> Shown:
    shown: Shown = {
        "VpcId": vpc.id,
        "OwnerId": vpc.owner_id,
        "CidrBlock": vpc.cidr_block,
        "CidrBlockAssociationSet": [
            {"AssociationId": each["association_id"], "CidrBlock": each["cidr_block"], "CidrBlockState": {"State": each["cidr_block_state"]["state"]}}
            for each in vpc.get_cidr_block_association_set()
        ],
        "DhcpOptionsId": vpc.dhcp_options_id,
        "InstanceTenancy": vpc.instance_tenancy,
        "IsDefault": vpc.is_default,
        "State": vpc.state,
        "Tags": tags_of(vpc.ec2_backend, vpc.id),
    }
    six = [
        {
            "AssociationId": each["association_id"], "Ipv6CidrBlock": each["cidr_block"], "Ipv6Pool": "Amazon",
            "Ipv6CidrBlockState": {"State": each["cidr_block_state"]["state"]}, "NetworkBorderGroup": vpc.region,
        }
        for each in vpc.get_cidr_block_association_set(ipv6=True)
    ]  # fmt: skip
    return {**shown, "Ipv6CidrBlockAssociationSet": six} if six else shown


FILTERS = {
    "cidr": "CidrBlock",
    "cidr-block-association.association-id": "CidrBlockAssociationSet.AssociationId",
    "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
    "cidr-block-association.state": "CidrBlockAssociationSet.CidrBlockState.State",
    "dhcp-options-id": "DhcpOptionsId",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
    "is-default": "IsDefault",
    "isDefault": "IsDefault",
    "owner-id": "OwnerId",
    "state": "State",
    "vpc-id": "VpcId",
}


@before("ec2", "DescribeVpcs")
def _describe(call: AwsCall) -> Reply:
    objects = map(shown_vpc, list(store(call).vpcs.values()))
    return listed(call, "Vpcs", objects, FILTERS, id_member="VpcId", prefix="vpc", ids=call.params.get("VpcIds"))


@before("ec2", "CreateVpc")
def _create(call: AwsCall) -> dict[str, Any]:
    ec2, cidr = store(call), canonical(required(call, "CidrBlock"))
    tags = tags_asked(call, "vpc")
    if call.text("InstanceTenancy", "default") not in ("default", "dedicated"):
        raise invalid(f"Value ({call.text('InstanceTenancy')}) for parameter instanceTenancy is invalid.")
    need_room(call.account, "vpcs", len(ec2.vpcs))
    with as_aws_says():
        vpc = ec2.create_vpc(
            cidr,
            call.text("InstanceTenancy", "default"),
            amazon_provided_ipv6_cidr_block=bool(call.params.get("AmazonProvidedIpv6CidrBlock")),
            ipv6_cidr_block_network_border_group=call.region,
        )
    tag(ec2, vpc.id, tags)
    return {"Vpc": {**shown_vpc(vpc), "State": "pending"}}


@before("ec2", "ModifyVpcAttribute")
def _modify(call: AwsCall) -> dict[str, Any]:
    vpc = find(call, "vpc", required(call, "VpcId"))
    asked = [name for name in ATTRIBUTES if (call.params.get(name) or {}).get("Value") is not None]
    if len(asked) != 1:
        raise AwsError("InvalidParameterCombination", "Only one attribute can be modified at a time." if asked else "No attributes specified.")
    setattr(vpc, ATTRIBUTES[asked[0]], bool(call.params[asked[0]]["Value"]))
    return {}


@before("ec2", "DescribeVpcAttribute")
def _attribute(call: AwsCall) -> dict[str, Any]:
    vpc = find(call, "vpc", required(call, "VpcId"))
    name = required(call, "Attribute")
    member = name[0].upper() + name[1:]
    if member not in ATTRIBUTES:
        raise invalid(f"Value ({name}) for parameter attribute is invalid. Unknown attribute.")
    return {"VpcId": vpc.id, member: {"Value": bool(getattr(vpc, ATTRIBUTES[member]))}}


def dependents(ec2: Any, vpc: Any) -> list[str]:
    """What keeps a VPC from being deleted: all but what AWS made with it."""
    from .ec2_endpoints import is_gone

    return [
        *(subnet.id for subnet in all_subnets(ec2) if subnet.vpc_id == vpc.id),
        *(gateway.id for gateway in ec2.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc.id),
        *(group.id for group in all_groups(ec2) if group.vpc_id == vpc.id and not group.is_default),
        *(table.id for table in ec2.route_tables.values() if table.vpc_id == vpc.id and table.main_association_id is None),
        *(acl.id for acl in ec2.network_acls.values() if acl.vpc_id == vpc.id and str(acl.default).lower() != "true"),
        *(each.id for each in ec2.vpc_end_points.values() if each.vpc_id == vpc.id and not is_gone(each)),
        *(each.id for each in ec2.egress_only_internet_gateways.values() if each.vpc_id == vpc.id),
        *(each.id for each in ec2.vpn_gateways.values() if vpc.id in each.attachments and each.attachments[vpc.id].state == "attached"),
    ]


@before("ec2", "DeleteVpc")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, vpc = store(call), find(call, "vpc", required(call, "VpcId"))
    default = [group for group in all_groups(ec2) if group.vpc_id == vpc.id and group.is_default]
    referenced = any(
        rule.source_group.get("GroupId") == own.id
        for own in default
        for group in all_groups(ec2)
        if group.vpc_id != vpc.id
        for rule in [*group.ingress_rules, *group.egress_rules]
    )
    if dependents(ec2, vpc) or referenced:
        raise AwsError("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")
    for table in [each for each in ec2.route_tables.values() if each.vpc_id == vpc.id]:
        ec2.route_tables.pop(table.id)
        forget_tags(ec2, table.id)
    for acl in [each for each in ec2.network_acls.values() if each.vpc_id == vpc.id]:
        ec2.network_acls.pop(acl.id)
        forget_tags(ec2, acl.id)
    for group in default:
        for rule in [*group.ingress_rules, *group.egress_rules]:
            forget_tags(ec2, rule.id)
        forget_tags(ec2, group.id)
    ec2.groups.pop(vpc.id, None)
    ec2.vpcs.pop(vpc.id)
    forget_tags(ec2, vpc.id)
    return {}
