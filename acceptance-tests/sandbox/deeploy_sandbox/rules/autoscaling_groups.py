"""Auto Scaling: API reference of UpdateAutoScalingGroup, SetDesiredCapacity, DeleteAutoScalingGroup,
CreateOrUpdateTags, DescribeTags and DescribeScalingActivities; Service Authorization Reference of the service.
"""

from __future__ import annotations

import base64
from typing import Any

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError
from . import before, memory
from .resource_arns import Need, names_needs, names_resource

FILTERS = {"auto-scaling-group": "ResourceId", "key": "Key", "value": "Value", "propagate-at-launch": "PropagateAtLaunch"}
PAGE = 100


def invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _groups(call: AwsCall) -> dict[str, Any]:
    found: dict[str, Any] = backend("autoscaling", call.account, call.region).autoscaling_groups
    return found


def _group(call: AwsCall, name: str) -> Any:
    found = _groups(call).get(name)
    if found is None:
        raise invalid("AutoScalingGroup name not found - null")
    return found


@before("autoscaling", "UpdateAutoScalingGroup", "SetDesiredCapacity")
def _check_capacity(call: AwsCall) -> None:
    group = _group(call, call.text("AutoScalingGroupName"))
    smallest, biggest = int(call.params.get("MinSize", group.min_size)), int(call.params.get("MaxSize", group.max_size))
    if smallest > biggest:
        raise invalid(f"Max bound, {biggest}, must be greater than or equal to min bound, {smallest}")
    if call.params.get("DesiredCapacity") is None:
        return
    desired, what = int(call.params["DesiredCapacity"]), "AutoScalingGroup"
    if desired > biggest:
        raise invalid(f"New SetDesiredCapacity value {desired} is above max value {biggest} for the {what}.")
    if desired < smallest:
        raise invalid(f"New SetDesiredCapacity value {desired} is below min value {smallest} for the {what}.")


@before("autoscaling", "DeleteAutoScalingGroup")
def _delete(call: AwsCall) -> None:
    group = _groups(call).get(call.text("AutoScalingGroupName"))
    if group is not None and group.instance_states and str(call.params.get("ForceDelete")).lower() != "true":
        raise AwsError("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.")


@before("autoscaling", "CreateOrUpdateTags", "DeleteTags")
def _tags(call: AwsCall) -> dict[str, Any]:
    """A tag that is given again replaces the one of its key."""
    asked = [dict(tag) for tag in call.params.get("Tags") or []]
    for tag in asked:
        group = _group(call, str(tag.get("ResourceId")))
        if str(tag.get("Key", "")).lower().startswith("aws:"):
            raise invalid("Tag keys that start with aws: are reserved")
        kept = [each for each in group.tags if each["Key"] != tag["Key"]]
        if call.operation == "CreateOrUpdateTags":
            propagate = str(tag.get("PropagateAtLaunch", "true")).lower() == "true"
            kept.append({"Key": tag["Key"], "Value": str(tag.get("Value", "")), "PropagateAtLaunch": propagate})
        if len(kept) > 50:
            raise invalid("An Auto Scaling group can have at most 50 tags")
        group.tags = kept
    return {}


@before("autoscaling", "DescribeTags")
def _describe_tags(call: AwsCall) -> dict[str, Any]:
    found = [tag for group in _groups(call).values() for tag in group.tags]
    for each in call.params.get("Filters") or []:
        member = FILTERS.get(str(each.get("Name")))
        if member is None:
            raise invalid(f"Filter type {each.get('Name')} is not correct. Allowed Filter types are: {' '.join(FILTERS)}")
        wanted = [str(value).lower() if member == "PropagateAtLaunch" else str(value) for value in each.get("Values") or []]
        found = [tag for tag in found if (str(tag[member]).lower() if member == "PropagateAtLaunch" else tag[member]) in wanted]
    return _page(call, "Tags", found)


@before("autoscaling", "DescribeScalingActivities")
def _activities(call: AwsCall) -> dict[str, Any]:
    found = memory(call.account, f"scaling activities {call.region}", list)
    name = call.text("AutoScalingGroupName")
    if name:
        found = [each for each in found if each["AutoScalingGroupName"] == name]
    if call.params.get("ActivityIds"):
        found = [each for each in found if each["ActivityId"] in call.params["ActivityIds"]]
    # The activities of groups that are gone are shown only when they are asked for.
    if str(call.params.get("IncludeDeletedGroups")).lower() != "true":
        groups = _groups(call)
        found = [each for each in found if each["AutoScalingGroupName"] in groups]
    return _page(call, "Activities", found)


def _page(call: AwsCall, key: str, items: list[Any]) -> dict[str, Any]:
    size = int(call.params.get("MaxRecords") or PAGE)
    try:
        start = int(base64.b64decode(call.text("NextToken") or base64.b64encode(b"0")))
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The NextToken value is not valid.") from error
    answer: dict[str, Any] = {key: items[start : start + size]}
    if start + size < len(items):
        answer["NextToken"] = base64.b64encode(str(start + size).encode()).decode()
    return answer


@names_resource("autoscaling")
def resource_arn(call: AwsCall) -> str:
    tags = call.params.get("Tags") if call.operation in ("CreateOrUpdateTags", "DeleteTags") else None
    name = call.text("AutoScalingGroupName") or (str(tags[0].get("ResourceId")) if tags else "")
    if not name or call.operation.startswith("Describe"):
        return "*"
    group = _groups(call).get(name)
    made = f"arn:{call.partition}:autoscaling:{call.region}:{call.account}:autoScalingGroup:*:autoScalingGroupName/{name}"
    return str(group.arn) if group is not None else made


@names_needs("autoscaling")
def needs(call: AwsCall, actions: list[str]) -> list[Need]:
    arn = resource_arn(call)
    group = next((each for each in _groups(call).values() if each.arn == arn), None)
    tags = {f"{prefix}:ResourceTag/{tag['Key']}": tag["Value"] for tag in (group.tags if group else []) for prefix in ("aws", "autoscaling")}
    return [(action, arn, tags) for action in actions]
