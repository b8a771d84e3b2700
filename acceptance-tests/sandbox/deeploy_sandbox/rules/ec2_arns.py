"""The resources that a call to EC2 is about, and the tags known of them: Service Authorization Reference, "Actions,
resources, and condition keys for Amazon EC2"; EC2 user guide, "Control access to specific resources" (each resource of
a call must be allowed; aws:RequestTag is known for what is made, aws:ResourceTag for what is there).
"""

from __future__ import annotations

import re
from typing import Any

from ..aws_call import AwsCall
from .ec2_objects import KINDS, look_up, store
from .resource_arns import Need, names_needs, names_resource

ID = re.compile(r"([a-z]+)-[0-9a-f]{8,17}")
# What a call makes, by AWS's name of the resource type in ARNs.
MAKES = {
    "AllocateAddress": "elastic-ip",
    "CreateFlowLogs": "vpc-flow-log",
    "CreateInternetGateway": "internet-gateway",
    "CreateLaunchTemplate": "launch-template",
    "CreateNatGateway": "natgateway",
    "CreateNetworkInterface": "network-interface",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet",
    "CreateVolume": "volume",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpc-endpoint",
}
# Where only some of the ids in the request are resources of the action.
ONLY = {
    "AuthorizeSecurityGroupEgress": ("sg",),
    "AuthorizeSecurityGroupIngress": ("sg",),
    "CreateLaunchTemplate": (),
    "CreateLaunchTemplateVersion": ("lt",),
    "CreateRoute": ("rtb",),
    "DeleteRoute": ("rtb",),
    "ReplaceRoute": ("rtb",),
    "RevokeSecurityGroupEgress": ("sg",),
    "RevokeSecurityGroupIngress": ("sg",),
    "UpdateSecurityGroupRuleDescriptionsEgress": ("sg",),
    "UpdateSecurityGroupRuleDescriptionsIngress": ("sg",),
}
# These name the peers of rules, which are no resources of the action.
PEERS = ("IpPermissions", "TagSpecifications", "LaunchTemplateData", "PolicyDocument", "Tags", "Filters", "Filter")
WITH_RESOURCE = ("DescribeVpcAttribute",)
IN_ARNS = {"eipalloc": "elastic-ip", "nat": "natgateway", "fl": "vpc-flow-log"}


def arn(call: AwsCall, resource_type: str, id: str) -> str:
    return f"arn:{call.partition}:ec2:{call.region}:{call.account}:{resource_type}/{id}"


def _ids(value: Any, allowed: tuple[str, ...] | None) -> list[str]:
    if isinstance(value, dict):
        return [id for name, item in value.items() if name not in PEERS for id in _ids(item, allowed)]
    if isinstance(value, list):
        return [id for item in value for id in _ids(item, allowed)]
    matched = ID.fullmatch(value) if isinstance(value, str) else None
    if matched is None or matched[1] not in KINDS or matched[1] == "pl":
        return []
    return [value] if allowed is None or matched[1] in allowed else []


def _by_association(call: AwsCall) -> list[str]:
    """A route table association stands for its table and its subnet."""
    wanted = call.params.get("AssociationId")
    for table in store(call).route_tables.values():
        if wanted in table.all_associations_ids:
            subnet = table._associations.get(wanted)
            return [table.id, *([subnet] if subnet else [])]
    return []


def _known(call: AwsCall, id: str) -> dict[str, Any]:
    """What policies may ask about an object that is there."""
    ec2, prefix = store(call), id.rpartition("-")[0]
    found: dict[str, Any] = {}
    for key, value in (ec2.tags.get(id) or {}).items():
        found[f"aws:ResourceTag/{key}"] = found[f"ec2:ResourceTag/{key}"] = value
    thing = look_up(ec2, prefix, id)
    vpc_id = getattr(thing, "vpc_id", None)
    if vpc_id and prefix in ("subnet", "sg", "rtb", "eni"):
        found["ec2:Vpc"] = arn(call, "vpc", vpc_id)
    return found


def _tags_given(call: AwsCall) -> dict[str, Any]:
    tags = {str(tag.get("Key")): str(tag.get("Value", "")) for each in call.params.get("TagSpecifications") or [] for tag in each.get("Tags") or []}
    found: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return {**found, "aws:TagKeys": list(tags)} if tags else found


@names_needs("ec2")
def _needs(call: AwsCall, actions: list[str]) -> list[Need]:
    action, given = actions[0], _tags_given(call)
    reads = call.operation.startswith(("Describe", "Get", "List", "Search")) and call.operation not in WITH_RESOURCE
    found: list[Need] = []
    if not reads:
        ids = _ids(call.params, ONLY.get(call.operation))
        if call.operation.endswith(("RouteTable", "RouteTableAssociation")):
            ids = [id for id in ids if not id.startswith("rtbassoc-")] + _by_association(call)
        for id in dict.fromkeys(ids):
            prefix = id.rpartition("-")[0]
            found.append((action, arn(call, IN_ARNS.get(prefix, KINDS[prefix].resource_type), id), _known(call, id)))
    made = MAKES.get(call.operation)
    if made:
        found.append((action, arn(call, made, "*"), given))
    if "ec2:CreateTags" in actions[1:]:
        kinds = {str(each.get("ResourceType")) for each in call.params.get("TagSpecifications") or []}
        found += [("ec2:CreateTags", arn(call, kind, "*"), {**given, "ec2:CreateAction": call.operation}) for kind in sorted(kinds)]
    return found or [(action, "*", {})]


@names_resource("ec2")
def _resource(call: AwsCall) -> str:
    """The first of them."""
    return _needs(call, [f"ec2:{call.operation}"])[0][1]
