"""Tags and lists of what the sandbox's clusters never have: API reference of TagResource, UntagResource,
ListTagsForResource, ListFargateProfiles, DescribeFargateProfile and ListIdentityProviderConfigs.
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from .eks_arns import body_of
from .eks_store import Body, check_tags, find_cluster, not_found, operation, page


def _tagged(call: AwsCall) -> Body:
    arn = call.text("resourceArn")
    found = body_of(call, arn)
    if found is None:
        raise not_found(f"The specified resource {arn} was not found")
    return found


@operation("TagResource")
def _tag(call: AwsCall) -> dict[str, Any]:
    body = _tagged(call)
    body["tags"] = check_tags({**(body.get("tags") or {}), **check_tags(call.params.get("tags"))})
    return {}


@operation("UntagResource")
def _untag(call: AwsCall) -> dict[str, Any]:
    body, gone = _tagged(call), call.params.get("tagKeys") or []
    body["tags"] = {key: value for key, value in (body.get("tags") or {}).items() if key not in gone}
    return {}


@operation("ListTagsForResource")
def _list_tags(call: AwsCall) -> dict[str, Any]:
    return {"tags": _tagged(call).get("tags") or {}}


@operation("ListFargateProfiles")
def _fargate(call: AwsCall) -> dict[str, Any]:
    find_cluster(call)
    return page(call, "fargateProfileNames", [])


@operation("DescribeFargateProfile", "DeleteFargateProfile")
def _no_fargate(call: AwsCall) -> dict[str, Any]:
    cluster = find_cluster(call)
    raise not_found(f"No Fargate Profile found with name: {call.text('fargateProfileName')}.", clusterName=cluster.name)


@operation("ListIdentityProviderConfigs")
def _identity_providers(call: AwsCall) -> dict[str, Any]:
    find_cluster(call)
    return page(call, "identityProviderConfigs", [])
