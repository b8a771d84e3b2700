"""The Resource Groups Tagging API finds what is tagged in one region: its API reference, and "Services that support the
Resource Groups Tagging API" (IAM's roles and users are none of it).

What exists is read from `world`, so that every service that shows its objects there is found here.
"""

from __future__ import annotations

import base64
from typing import Any

from moto.utilities.utils import get_partition

from .. import world
from ..aws_call import AwsCall
from ..wire import AwsError
from . import before

# Types of `world` that are no resources of this API.
NOT_FOUND_HERE = ("iam:", "autoscaling:", "sns:subscription", "kms:alias", "kms:grant", "logs:metric_filter", "cloudwatch:dashboard")
# EC2's names in ARNs, where they are not the world's with dashes.
EC2_TYPES = {"nat_gateway": "natgateway", "flow_log": "vpc-flow-log"}
PAGE_MAX = 100


def arn_of(each: world.Object, account: str) -> str | None:
    kind, arn = str(each["type"]), each.get("arn")
    if arn or not kind.startswith("ec2:"):
        return str(arn) if arn else None
    name = kind.removeprefix("ec2:")
    region = str(each["region"])
    return f"arn:{get_partition(region)}:ec2:{region}:{account}:{EC2_TYPES.get(name, name.replace('_', '-'))}/{each['id']}"


def tagged(call: AwsCall) -> dict[str, dict[str, str]]:
    """ARN → tags of everything in the call's region that has any."""
    found: dict[str, dict[str, str]] = {}
    for each in world.objects(call.account):
        arn = arn_of(each, call.account)
        if arn is None or str(each["type"]).startswith(NOT_FOUND_HERE) or each["region"] != call.region:
            continue
        if each["tags"]:
            found[arn] = dict(each["tags"])
    return found


def types_of(arn: str) -> set[str]:
    """The filters that mean a resource: its service, and its service and type."""
    parts = arn.split(":", 5)
    service, rest = parts[2], parts[5]
    if service == "s3":
        return {"s3", "s3:bucket"}
    kind = rest.replace("/", ":").split(":")[0] if ":" in rest or "/" in rest else ""
    return {service, f"{service}:{kind}"} if kind else {service, f"{service}:topic" if service == "sns" else service}


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _start(call: AwsCall) -> str:
    try:
        return base64.b64decode(call.text("PaginationToken").encode(), b"-_", validate=True).decode()
    except ValueError as error:
        raise AwsError("PaginationTokenExpiredException", "The pagination token is not valid.") from error


@before("resourcegroupstaggingapi", "GetResources")
def _resources(call: AwsCall) -> dict[str, Any]:
    params = call.params
    filters, types, arns = params.get("TagFilters") or [], params.get("ResourceTypeFilters") or [], params.get("ResourceARNList") or []
    size = int(params.get("ResourcesPerPage") or PAGE_MAX)
    if not 1 <= size <= PAGE_MAX:
        raise AwsError("InvalidParameterException", f"ResourcesPerPage must be between 1 and {PAGE_MAX}")
    if arns and (filters or types or "ResourcesPerPage" in params or params.get("PaginationToken")):
        raise AwsError("InvalidParameterException", "ResourceARNList cannot be used together with other parameters")
    if len(filters) > 50 or any(not each.get("Key") for each in filters):
        raise AwsError("InvalidParameterException", "TagFilters must have up to 50 filters, each with a Key")

    def fits(arn: str, tags: dict[str, str]) -> bool:
        if arns and arn not in arns:
            return False
        if types and not types_of(arn) & set(types):
            return False
        return all(each["Key"] in tags and (not each.get("Values") or tags[each["Key"]] in each["Values"]) for each in filters)

    every = tagged(call)
    after = _start(call)
    chosen = sorted(arn for arn, tags in every.items() if arn > after and fits(arn, tags))
    page = chosen[:size]
    return {
        "ResourceTagMappingList": [{"ResourceARN": arn, "Tags": [{"Key": k, "Value": v} for k, v in every[arn].items()]} for arn in page],
        "PaginationToken": _token(page[-1]) if len(chosen) > size else "",
    }


@before("resourcegroupstaggingapi", "GetTagKeys", "GetTagValues")
def _keys(call: AwsCall) -> dict[str, Any]:
    every = tagged(call).values()
    if call.operation == "GetTagKeys":
        return {"TagKeys": sorted({key for tags in every for key in tags}), "PaginationToken": ""}
    key = call.text("Key")
    return {"TagValues": sorted({tags[key] for tags in every if key in tags}), "PaginationToken": ""}
