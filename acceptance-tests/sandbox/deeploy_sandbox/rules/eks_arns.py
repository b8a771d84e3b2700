"""What a call to EKS is about, for policies: Service Authorization Reference, "Actions, resources, and condition keys for
Amazon Elastic Kubernetes Service". Tags on create ask for eks:TagResource on what is made.
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from .eks_store import Body, Cluster, store
from .resource_arns import Need, names_needs, names_resource

# kind → (where a cluster keeps them, the member with their ARN, the member that names one in a request)
PARTS = {
    "nodegroup": ("nodegroups", "nodegroupArn", "nodegroupName"),
    "addon": ("addons", "addonArn", "addonName"),
    "access-entry": ("entries", "accessEntryArn", "principalArn"),
    "podidentityassociation": ("associations", "associationArn", "associationId"),
}
# Creates are judged by the cluster that they add to.
CREATES = {"CreateNodegroup": "nodegroup", "CreateAddon": "addon", "CreateAccessEntry": "access-entry", "CreatePodIdentityAssociation": "podidentityassociation"}
WITHOUT_RESOURCE = ("ListClusters", "DescribeClusterVersions", "DescribeAddonVersions", "DescribeAddonConfiguration", "ListAccessPolicies")
CONDITIONS = {
    "principalArn": "eks:principalArn", "policyArn": "eks:policyArn", "type": "eks:accessEntryType", "clusterName": "eks:clusterName",
    "kubernetesGroups": "eks:kubernetesGroups", "username": "eks:username",
}  # fmt: skip


def body_of(call: AwsCall, arn: str) -> Body | None:
    """The object with this ARN, as AWS shows it."""
    kind, _, rest = arn.partition(f":{call.account}:")[2].partition("/")
    cluster = store(call.account, call.region).get(rest.partition("/")[0])
    if cluster is None:
        return None
    if kind == "cluster":
        return cluster.body if cluster.arn == arn else None
    return next((part.body for part in _parts(cluster, kind) if part.body[PARTS[kind][1]] == arn), None)


def _parts(cluster: Cluster | None, kind: str) -> list[Any]:
    return list(getattr(cluster, PARTS[kind][0]).values()) if cluster is not None and kind in PARTS else []


@names_resource("eks")
def resource_arn(call: AwsCall) -> str:
    if call.params.get("resourceArn"):
        return call.text("resourceArn")
    name = call.text("clusterName") or call.text("name")
    if call.operation in WITHOUT_RESOURCE or not name:
        return "*"
    for kind, (_, arn, member) in PARTS.items():
        wanted = call.text(member)
        if wanted and call.operation not in CREATES:
            held = (part.body[arn] for part in _parts(store(call.account, call.region).get(name), kind) if part.body[member] == wanted)
            return str(next(held, _future_arn(call, kind, name)))
    return f"{_prefix(call)}:cluster/{name}"


def _prefix(call: AwsCall) -> str:
    return f"arn:{call.partition}:eks:{call.region}:{call.account}"


def _future_arn(call: AwsCall, kind: str, cluster: str) -> str:
    """The ARN of what isn't there (yet): its end is AWS's choice."""
    if kind == "podidentityassociation":
        return f"{_prefix(call)}:{kind}/{cluster}/{call.text('associationId') or '*'}"
    name = call.text(PARTS[kind][2])
    if kind == "access-entry":
        account, _, rest = name.partition(":iam::")[2].partition(":")
        name = f"{rest.partition('/')[0]}/{account}/{rest.rpartition('/')[2]}"
    return f"{_prefix(call)}:{kind}/{cluster}/{name}/*"


@names_needs("eks")
def needs(call: AwsCall, actions: list[str]) -> list[Need]:
    known: dict[str, Any] = {key: call.params[member] for member, key in CONDITIONS.items() if call.params.get(member)}
    found: list[Need] = []
    for action in actions:
        if action == "eks:TagResource" and call.operation in CREATES:
            kind = CREATES[call.operation]
            found.append((action, _future_arn(call, kind, call.text("clusterName")), {}))
            continue
        arn = resource_arn(call)
        held = body_of(call, arn)
        tags = {f"aws:ResourceTag/{key}": value for key, value in ((held or {}).get("tags") or {}).items()}
        found.append((action, arn, {**known, **tags}))
    return found
