"""Who may use a cluster's Kubernetes API: user guide "Grant IAM users access to Kubernetes with EKS access entries"
and "Associate access policies with access entries", API reference of the same operations.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.utilities.utils import get_partition

from ..aws_call import AwsCall
from ..principals import entity, propagation
from .eks_store import (
    Cluster, Part, active_cluster, check_tags, find_cluster, forget_tokens, in_use, invalid, not_found, now, operation,
    page, refused,
)  # fmt: skip

POLICIES = (
    "AmazonAIOpsAssistantPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStorageClusterPolicy", "AmazonEKSBlockStoragePolicy", "AmazonEKSClusterAdminPolicy",
    "AmazonEKSClusterInsightsPolicy", "AmazonEKSComputeClusterPolicy", "AmazonEKSComputePolicy", "AmazonEKSEditPolicy",
    "AmazonEKSHybridPolicy", "AmazonEKSLoadBalancingClusterPolicy", "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingClusterPolicy", "AmazonEKSNetworkingPolicy", "AmazonEKSSecretReaderPolicy", "AmazonEKSViewPolicy",
)  # fmt: skip
TYPES = ("STANDARD", "EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX")
# What Kubernetes and EKS keep for themselves.
RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")


def make_entry(cluster: Cluster, principal: str, kind: str, policies: tuple[str, ...] | list[str] = (), **asked: Any) -> Part:
    account, _, rest = principal.partition(":iam::")[2].partition(":")
    category, name = rest.partition("/")[0], rest.rpartition("/")[2]
    entry = Part(
        {
            "clusterName": cluster.name,
            "principalArn": principal,
            "kubernetesGroups": asked.get("groups") or (["system:nodes"] if kind == "EC2_LINUX" else []),
            "accessEntryArn": cluster.part_arn("access-entry", category, account, name, str(uuid.uuid4())),
            "createdAt": now(),
            "modifiedAt": now(),
            "tags": asked.get("tags") or {},
            "username": asked.get("username") or _username(principal, kind),
            "type": kind,
        },
        inner={"policies": {}, "managed": asked.get("managed", False)},
    )
    cluster.entries[principal] = entry
    for policy in policies:
        associate(entry, f"arn:{get_partition(cluster.region)}:eks::aws:cluster-access-policy/{policy}", {"type": "cluster"})
    return entry


def _username(principal: str, kind: str) -> str:
    if kind == "EC2_LINUX":
        return "system:node:{{EC2PrivateDNSName}}"
    if ":role/" in principal:
        session = principal.replace(":iam::", ":sts::").partition(":role/")[0]
        return f"{session}:assumed-role/{principal.rpartition('/')[2]}/{{{{SessionName}}}}"
    return principal


def associate(entry: Part, policy: str, scope: dict[str, Any]) -> dict[str, Any]:
    held = entry.inner["policies"].get(policy)
    made = held["associatedAt"] if held else now()
    shown = {"policyArn": policy, "accessScope": {"namespaces": [], **scope}, "associatedAt": made, "modifiedAt": now()}
    entry.inner["policies"][policy] = shown
    entry.body["modifiedAt"] = now()
    return shown


def _cluster_with_entries(call: AwsCall) -> Cluster:
    cluster = find_cluster(call) if call.operation.startswith(("Describe", "List")) else active_cluster(call)
    if cluster.body["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        raise refused("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.", clusterName=cluster.name)
    return cluster


def _find(call: AwsCall, cluster: Cluster) -> Part:
    found = cluster.entries.get(call.text("principalArn"))
    if found is None:
        raise not_found("The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.", clusterName=cluster.name)
    return found


def _check_names(call: AwsCall) -> None:
    for member, names in (("username", [call.text("username")]), ("kubernetesGroups", call.params.get("kubernetesGroups") or [])):
        for name in names:
            if str(name).startswith(RESERVED):
                raise invalid(f"The {member} {name} can't start with {', '.join(RESERVED)}")


@operation("CreateAccessEntry")
def _create(call: AwsCall) -> dict[str, Any]:
    cluster, principal, kind = _cluster_with_entries(call), call.text("principalArn"), call.text("type") or "STANDARD"
    if kind not in TYPES:
        raise invalid(f"The specified type is invalid: {kind}", clusterName=cluster.name)
    root = principal.endswith(":root") and ":iam::" in principal
    if not root and (entity(principal) is None or propagation.hides(principal) or "/aws-service-role/" in principal):
        raise invalid("The specified principalArn is invalid: invalid principal.", clusterName=cluster.name)
    if principal in cluster.entries:
        raise in_use("The specified access entry resource is already in use on this cluster.", clusterName=cluster.name)
    groups, username = call.params.get("kubernetesGroups") or [], call.text("username")
    if kind != "STANDARD" and (groups or username):
        raise invalid("The kubernetesGroups and username can be given only for access entries with a type of STANDARD.", clusterName=cluster.name)
    _check_names(call)
    entry = make_entry(cluster, principal, kind, groups=groups, username=username, tags=check_tags(call.params.get("tags")))
    return {"accessEntry": entry.body}


@operation("DescribeAccessEntry")
def _describe(call: AwsCall) -> dict[str, Any]:
    return {"accessEntry": _find(call, _cluster_with_entries(call)).body}


@operation("ListAccessEntries")
def _list(call: AwsCall) -> dict[str, Any]:
    policy = call.text("associatedPolicyArn")
    entries = _cluster_with_entries(call).entries
    return page(call, "accessEntries", sorted(arn for arn, entry in entries.items() if not policy or policy in entry.inner["policies"]))


@operation("UpdateAccessEntry")
def _update(call: AwsCall) -> dict[str, Any]:
    entry = _find(call, _cluster_with_entries(call))
    if entry.body["type"] != "STANDARD":
        raise invalid("The kubernetesGroups and username can be updated only for access entries with a type of STANDARD.")
    _check_names(call)
    if call.params.get("kubernetesGroups") is not None:
        entry.body["kubernetesGroups"] = list(call.params["kubernetesGroups"])
    if call.params.get("username"):
        entry.body["username"] = call.text("username")
    entry.body["modifiedAt"] = now()
    return {"accessEntry": entry.body}


@operation("DeleteAccessEntry")
def _delete(call: AwsCall) -> dict[str, Any]:
    cluster = _cluster_with_entries(call)
    entry = _find(call, cluster)
    del cluster.entries[entry.body["principalArn"]]
    forget_tokens(call.account, call.region, cluster.name, entry.body["accessEntryArn"])
    return {}


@operation("AssociateAccessPolicy")
def _associate(call: AwsCall) -> dict[str, Any]:
    cluster = _cluster_with_entries(call)
    entry, policy, scope = _find(call, cluster), call.text("policyArn"), dict(call.params.get("accessScope") or {})
    if policy.rpartition("/")[2] not in POLICIES or ":eks::aws:cluster-access-policy/" not in policy:
        raise invalid(f"The specified policyArn is invalid: {policy}", clusterName=cluster.name)
    if entry.body["type"] not in ("STANDARD", "EC2"):
        raise refused(f"Access policies can't be associated with access entries of the type {entry.body['type']}.", clusterName=cluster.name)
    namespaces = scope.get("namespaces") or []
    if scope.get("type") not in ("cluster", "namespace") or (scope["type"] == "namespace") != bool(namespaces):
        raise invalid("The accessScope must be of the type cluster without namespaces, or of the type namespace with some.", clusterName=cluster.name)
    shown = associate(entry, policy, scope)
    return {"clusterName": cluster.name, "principalArn": entry.body["principalArn"], "associatedAccessPolicy": shown}


@operation("DisassociateAccessPolicy")
def _disassociate(call: AwsCall) -> dict[str, Any]:
    cluster = _cluster_with_entries(call)
    if _find(call, cluster).inner["policies"].pop(call.text("policyArn"), None) is None:
        raise not_found("The specified policyArn is not associated with this access entry.", clusterName=cluster.name)
    return {}


@operation("ListAssociatedAccessPolicies")
def _list_associated(call: AwsCall) -> dict[str, Any]:
    cluster = _cluster_with_entries(call)
    entry = _find(call, cluster)
    answer = page(call, "associatedAccessPolicies", list(entry.inner["policies"].values()))
    return {"clusterName": cluster.name, "principalArn": entry.body["principalArn"], **answer}


@operation("ListAccessPolicies")
def _list_policies(call: AwsCall) -> dict[str, Any]:
    prefix = f"arn:{call.partition}:eks::aws:cluster-access-policy/"
    return page(call, "accessPolicies", [{"name": name, "arn": prefix + name} for name in POLICIES])
