"""Tags and lists of what the sandbox's clusters never have: API reference of TagResource, UntagResource,
ListTagsForResource, ListFargateProfiles, DescribeFargateProfile and ListIdentityProviderConfigs. The ARNs of calls:
Service Authorization Reference of EKS.
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from .eks_store import Body, Cluster, check_tags, find_cluster, not_found, operation, page, store
from .resource_arns import names_resource

PARTS = {"nodegroup": ("nodegroups", "nodegroupArn"), "addon": ("addons", "addonArn"), "access-entry": ("entries", "accessEntryArn"), "podidentityassociation": ("associations", "associationArn")}


def parts_of(cluster: Cluster, kind: str) -> list[Any]:
    return list(getattr(cluster, PARTS[kind][0]).values())


def _tagged(call: AwsCall) -> Body:
    arn = call.text("resourceArn")
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    cluster = store(call.account, call.region).get(rest.partition("/")[0])
    if cluster is not None and kind == "cluster" and cluster.arn == arn:
        return cluster.body
    for part in parts_of(cluster, kind) if cluster is not None and kind in PARTS else []:
        if part.body[PARTS[kind][1]] == arn:
            found: Body = part.body
            return found
    raise not_found(f"The specified resource {arn} was not found")


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


# The member that names the part of a cluster which a call is about.
NAMES = {"nodegroupName": "nodegroup", "addonName": "addon", "principalArn": "access-entry", "associationId": "podidentityassociation"}
WITHOUT_RESOURCE = ("ListClusters", "DescribeClusterVersions", "DescribeAddonVersions", "DescribeAddonConfiguration", "ListAccessPolicies")
# Creates and lists are judged by the cluster that they belong to.
BY_CLUSTER = ("CreateNodegroup", "CreateAddon", "CreateAccessEntry", "CreatePodIdentityAssociation", "CreateFargateProfile")


@names_resource("eks")
def resource_arn(call: AwsCall) -> str:
    if call.params.get("resourceArn"):
        return call.text("resourceArn")
    name = call.text("clusterName") or call.text("name")
    if call.operation in WITHOUT_RESOURCE or not name:
        return "*"
    prefix = f"arn:{call.partition}:eks:{call.region}:{call.account}"
    if call.operation not in BY_CLUSTER:
        cluster = store(call.account, call.region).get(name)
        for member, kind in NAMES.items():
            wanted = call.params.get(member)
            if wanted:
                parts = parts_of(cluster, kind) if cluster is not None else []
                held = next((part.body[PARTS[kind][1]] for part in parts if part.body[member] == wanted), None)
                return str(held or f"{prefix}:{kind}/{name}/{wanted}/*")
    return f"{prefix}:cluster/{name}"
