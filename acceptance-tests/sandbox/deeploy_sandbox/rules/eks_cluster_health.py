"""What EKS finds wrong with a cluster: user guide "View cluster health status", API reference of ClusterIssue."""

from __future__ import annotations

from typing import Any

from ..moto_bridge import backend
from .eks_cluster_network import find_subnet
from .eks_roles import find_role
from .eks_store import Body, Cluster


def issues(cluster: Cluster) -> list[Body]:
    return [_issue(code, message, id) for code, message, id in _found(cluster)]


def _issue(code: str, message: str, id: str) -> Body:
    return {"code": code, "message": message, "resourceIds": [id]}


def _found(cluster: Cluster) -> list[tuple[str, str, str]]:
    found, body = [], cluster.body
    if find_role(body["roleArn"]) is None:
        found.append(("IamRoleNotFound", "The IAM role of the cluster was not found.", body["roleArn"]))
    ec2, config = cluster.ec2(), body["resourcesVpcConfig"]
    for subnet_id in config["subnetIds"]:
        if find_subnet(ec2, subnet_id) is None:
            found.append(("Ec2SubnetNotFound", "A subnet of the cluster was not found.", subnet_id))
    for group_id in [cluster.security_group, *config["securityGroupIds"]]:
        if group_id not in ec2.groups.get(cluster.vpc_id, {}):
            found.append(("Ec2SecurityGroupNotFound", "A security group of the cluster was not found.", group_id))
    for each in body.get("encryptionConfig", []):
        found += _key_issues(each["provider"]["keyArn"])
    return found


def _key_issues(arn: str) -> list[tuple[str, str, str]]:
    parts: list[Any] = arn.split(":")
    key = backend("kms", parts[4], parts[3]).keys.get(parts[5].removeprefix("key/"))
    if key is None:
        return [("KmsKeyNotFound", "The KMS key of the cluster was not found.", arn)]
    states = {"Disabled": "KmsKeyDisabled", "PendingDeletion": "KmsKeyMarkedForDeletion"}
    return [(states[key.key_state], "The KMS key of the cluster can't be used.", arn)] if key.key_state in states else []
