"""Security groups: Amazon VPC user guide, "Security groups", "Default security groups" (not deletable), "Delete your
security group" (not while an interface or another group's rule uses it); API reference, "Error codes".
"""

from __future__ import annotations

import re
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_group_rules import permissions, the_group
from .ec2_interfaces import users_of_group
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import all_groups, all_rules, as_aws_says, find, forget_tags, required, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room

TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")


def shown_group(group: Any) -> Shown:
    ec2 = group.ec2_backend
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "OwnerId": group.owner_id,
        "SecurityGroupArn": arn_of(group),
        "VpcId": group.vpc_id,
        "IpPermissions": permissions(ec2, group.ingress_rules),
        "IpPermissionsEgress": permissions(ec2, group.egress_rules),
        "Tags": tags_of(ec2, group.id),
    }


def arn_of(group: Any) -> str:
    ec2 = group.ec2_backend
    return f"arn:{ec2.partition}:ec2:{ec2.region_name}:{ec2.account_id}:security-group/{group.id}"


FILTERS = {
    "description": "Description",
    "group-id": "GroupId",
    "group-name": "GroupName",
    "owner-id": "OwnerId",
    "vpc-id": "VpcId",
    **{
        f"{prefix}ip-permission.{name}": f"{member}.{path}"
        for prefix, member in (("", "IpPermissions"), ("egress.", "IpPermissionsEgress"))
        for name, path in (
            ("cidr", "IpRanges.CidrIp"), ("from-port", "FromPort"), ("group-id", "UserIdGroupPairs.GroupId"),
            ("ipv6-cidr", "Ipv6Ranges.CidrIpv6"), ("prefix-list-id", "PrefixListIds.PrefixListId"), ("protocol", "IpProtocol"),
            ("to-port", "ToPort"), ("user-id", "UserIdGroupPairs.UserId"),
        )
    },
}  # fmt: skip


@before("ec2", "DescribeSecurityGroups")
def _describe(call: AwsCall) -> Reply:
    ec2 = store(call)
    groups = all_groups(ec2)
    names = call.params.get("GroupNames")
    if names:
        groups = [group for group in groups if group.name in names and group.vpc_id == ec2.default_vpc.id]
        missing = sorted(set(names) - {group.name for group in groups})
        if missing:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{missing[0]}' does not exist in default VPC '{ec2.default_vpc.id}'")
    objects = [shown_group(group) for group in groups]
    return listed(call, "SecurityGroups", objects, FILTERS, id_member="GroupId", prefix="sg", ids=call.params.get("GroupIds"))


@before("ec2", "CreateSecurityGroup")
def _create(call: AwsCall) -> dict[str, Any]:
    ec2, name = store(call), required(call, "GroupName")
    text = call.params.get("Description")
    if not text:
        raise AwsError("MissingParameter", "The request must contain the parameter GroupDescription")
    if not TEXT.fullmatch(str(text)):
        raise invalid("Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")
    if name.lower().startswith("sg-"):
        raise invalid("Invalid group name. Group names may not be in the format sg-*")
    if name == "default":
        raise invalid("Cannot use reserved security group name: default")
    if not TEXT.fullmatch(name):
        raise invalid(f"Value ({name}) for parameter GroupName is invalid. Character sets beyond ASCII are not supported.")
    tags = tags_asked(call, "security-group")
    if not call.params.get("VpcId") and ec2.get_default_vpc() is None:
        raise AwsError("VPCIdNotSpecified", "No default VPC for this user")
    vpc_id = find(call, "vpc", call.text("VpcId")).id if call.params.get("VpcId") else ec2.default_vpc.id
    if any(group.vpc_id == vpc_id and group.name == name for group in all_groups(ec2)):
        raise AwsError("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc_id}'")
    need_room(call.account, "security-groups", len(all_groups(ec2)))
    with as_aws_says():
        group = ec2.create_security_group(name, str(text), vpc_id=vpc_id)
    tag(ec2, group.id, tags)
    return {"GroupId": group.id, "SecurityGroupArn": arn_of(group), "Tags": tags_of(ec2, group.id)}


@before("ec2", "DeleteSecurityGroup")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, group = store(call), the_group(call)
    if group.is_default or group.name == "default":
        raise AwsError("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    if is_used(ec2, group):
        raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
    remove_group(ec2, group)
    return {"Return": True, "GroupId": group.id}


def is_used(ec2: Any, group: Any) -> bool:
    """By interfaces and the like, or by another group's rule."""
    referenced = any(rule.source_group.get("GroupId") == group.id and rule.group_id != group.id for rule in all_rules(ec2))
    return referenced or bool(users_of_group(ec2, group.id))


def remove_group(ec2: Any, group: Any) -> None:
    for rule in [*group.ingress_rules, *group.egress_rules]:
        forget_tags(ec2, rule.id)
    ec2.groups[group.vpc_id].pop(group.id)
    forget_tags(ec2, group.id)
