"""EKS Pod Identity associations: user guide "Learn how EKS Pod Identity grants Pods access to AWS services"."""

from __future__ import annotations

import secrets
import string
from typing import Any

from ..aws_call import AwsCall
from .eks_roles import find_role, names_service
from .eks_store import (
    Cluster, Part, active_cluster, check_tags, find_cluster, forget_tokens, in_use, invalid, not_found, now, operation,
    page, refused,
)  # fmt: skip

SERVICE = "pods.eks.amazonaws.com"
ALPHABET = string.ascii_lowercase + string.digits
SUMMARY = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")


def check_role(cluster: Cluster, role_arn: str) -> None:
    if find_role(role_arn) is None:
        raise invalid("Role provided in the request does not exist.", clusterName=cluster.name)
    if not all(names_service(role_arn, SERVICE, action) for action in ("sts:AssumeRole", "sts:TagSession")):
        raise invalid(f"Trust policy of role provided in the request must allow {SERVICE} to perform sts:AssumeRole and sts:TagSession.", clusterName=cluster.name)


def make_association(cluster: Cluster, namespace: str, service_account: str, role_arn: str, owner: str | None = None, **more: Any) -> Part:
    held = find_association(cluster, namespace, service_account)
    if held is not None:
        raise in_use(f"Association already exists: {held.body['associationId']}", clusterName=cluster.name)
    id = "a-" + "".join(secrets.choice(ALPHABET) for _ in range(17))
    body = {
        "clusterName": cluster.name,
        "namespace": namespace,
        "serviceAccount": service_account,
        "roleArn": role_arn,
        "associationArn": cluster.part_arn("podidentityassociation", id),
        "associationId": id,
        "tags": {},
        "createdAt": now(),
        "modifiedAt": now(),
        "disableSessionTags": False,
        **more,
    }
    if owner:
        body["ownerArn"] = owner
    cluster.associations[id] = Part(body)
    return cluster.associations[id]


def find_association(cluster: Cluster, namespace: str, service_account: str) -> Part | None:
    wanted = (namespace, service_account)
    return next((each for each in cluster.associations.values() if (each.body["namespace"], each.body["serviceAccount"]) == wanted), None)


def remove_association(cluster: Cluster, id: str) -> None:
    gone = cluster.associations.pop(id)
    forget_tokens(cluster.account, cluster.region, cluster.name, gone.body["associationArn"])


def _find(call: AwsCall, cluster: Cluster) -> Part:
    found = cluster.associations.get(call.text("associationId"))
    if found is None:
        raise not_found(f"The association ID: {call.text('associationId')} was not found in cluster: {cluster.name}", clusterName=cluster.name)
    return found


@operation("CreatePodIdentityAssociation")
def _create(call: AwsCall) -> dict[str, Any]:
    cluster = active_cluster(call)
    check_role(cluster, call.text("roleArn"))
    more: dict[str, Any] = {"tags": check_tags(call.params.get("tags"))}
    for member in ("disableSessionTags", "targetRoleArn", "policy"):
        if call.params.get(member) is not None:
            more[member] = call.params[member]
    if "targetRoleArn" in more:
        more["externalId"] = f"{call.region}/{call.account}/{cluster.name}/{call.text('namespace')}/{call.text('serviceAccount')}"
    return {"association": make_association(cluster, call.text("namespace"), call.text("serviceAccount"), call.text("roleArn"), **more).body}


@operation("DescribePodIdentityAssociation")
def _describe(call: AwsCall) -> dict[str, Any]:
    return {"association": _find(call, find_cluster(call)).body}


@operation("ListPodIdentityAssociations")
def _list(call: AwsCall) -> dict[str, Any]:
    found = [each.body for each in find_cluster(call).associations.values()]
    for member in ("namespace", "serviceAccount"):
        if call.params.get(member):
            found = [each for each in found if each[member] == call.params[member]]
    return page(call, "associations", [{key: each[key] for key in SUMMARY if key in each} for each in found])


@operation("UpdatePodIdentityAssociation")
def _update(call: AwsCall) -> dict[str, Any]:
    cluster = active_cluster(call)
    association = _find(call, cluster)
    if call.params.get("roleArn"):
        check_role(cluster, call.text("roleArn"))
    for member in ("roleArn", "disableSessionTags", "targetRoleArn", "policy"):
        if call.params.get(member) is not None:
            association.body[member] = call.params[member]
    association.body["modifiedAt"] = now()
    return {"association": association.body}


@operation("DeletePodIdentityAssociation")
def _delete(call: AwsCall) -> dict[str, Any]:
    cluster = active_cluster(call)
    association = _find(call, cluster)
    if association.body.get("ownerArn"):
        raise refused(f"The association {association.body['associationId']} is owned by the add-on {association.body['ownerArn']}.", clusterName=cluster.name)
    remove_association(cluster, association.body["associationId"])
    return {"association": association.body}
