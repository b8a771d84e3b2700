"""Upgrade readiness: user guide "View cluster insights", API reference of ListInsights and DescribeInsight.

`POST /sandbox/settings?account=` with `{"eks_insights": [{"name": …, "status": "ERROR"}]}` makes some of them fail.
"""

from __future__ import annotations

import uuid
from typing import Any

from ..aws_call import AwsCall
from ..routes import setting
from . import memory
from .eks_store import Body, Cluster, find_cluster, not_found, operation, page
from .eks_versions import minor_of

KNOWN = {
    "Cluster health issues": "Checks for any cluster health issues that prevent successful upgrades.",
    "Deprecated APIs removed in Kubernetes v1.{}": "Checks for usage of deprecated APIs that are scheduled for removal.",
    "EKS add-on version compatibility": "Checks version of installed EKS add-ons to ensure they are compatible with the next version of Kubernetes.",
    "Kubelet version skew": "Checks for kubelet versions of worker nodes in the cluster that would cause upgrade to fail.",
    "kube-proxy version skew": "Checks version of kube-proxy in cluster to see if upgrade would cause non compliance with supported version skew.",
}


def wanted(account: str) -> list[Body]:
    found: list[Body] = memory(account, "eks insights", list)
    return found


@setting("eks_insights")
def _set_wanted(account: str | None, insights: list[Body]) -> list[Body]:
    if account is None:
        raise ValueError("insights of which account?")
    wanted(account)[:] = insights
    return wanted(account)


def _insights(cluster: Cluster) -> list[Body]:
    following = minor_of(cluster.version) + 1
    asked = {str(each["name"]): each for each in wanted(cluster.account)}
    found = []
    for name in dict.fromkeys([*(each.format(following) for each in KNOWN), *asked]):
        more = asked.get(name, {})
        status = str(more.get("status", "PASSING"))
        found.append({
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{cluster.arn}/{name}")),
            "name": name,
            "category": more.get("category", "UPGRADE_READINESS"),
            "kubernetesVersion": f"1.{following}",
            "lastRefreshTime": cluster.body["createdAt"],
            "lastTransitionTime": cluster.body["createdAt"],
            "description": next((text for key, text in KNOWN.items() if key.format(following) == name), str(more.get("description", name))),
            "insightStatus": {"status": status, "reason": str(more.get("reason", "No issues found." if status == "PASSING" else name))},
        })  # fmt: skip
    return found


def blocking(cluster: Cluster) -> list[str]:
    return [each["name"] for each in _insights(cluster) if each["insightStatus"]["status"] == "ERROR" and each["category"] == "UPGRADE_READINESS"]


@operation("ListInsights")
def _list(call: AwsCall) -> dict[str, Any]:
    found = _insights(find_cluster(call))
    asked = call.params.get("filter") or {}
    if asked.get("categories"):
        found = [each for each in found if each["category"] in asked["categories"]]
    if asked.get("kubernetesVersions"):
        found = [each for each in found if each["kubernetesVersion"] in asked["kubernetesVersions"]]
    if asked.get("statuses"):
        found = [each for each in found if each["insightStatus"]["status"] in asked["statuses"]]
    return page(call, "insights", found)


@operation("DescribeInsight")
def _describe(call: AwsCall) -> dict[str, Any]:
    cluster = find_cluster(call)
    found = next((each for each in _insights(cluster) if each["id"] == call.text("id")), None)
    if found is None:
        raise not_found(f"No insight found for ID: {call.text('id')}", clusterName=cluster.name)
    more = next((each for each in wanted(cluster.account) if each["name"] == found["name"]), {})
    details = {"recommendation": str(more.get("recommendation", "")), "additionalInfo": {}, "resources": list(more.get("resources", []))}
    return {"insight": {**found, **details, "categorySpecificSummary": {"deprecationDetails": [], "addonCompatibilityDetails": []}}}
