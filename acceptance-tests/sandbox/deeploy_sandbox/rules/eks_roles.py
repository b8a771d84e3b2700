"""The IAM roles that EKS is given: user guide "Amazon EKS cluster IAM role", "Amazon EKS node IAM role", "Required
IAM role for Pod Identity". The texts are those that AWS answers (hashicorp/terraform-provider-aws retries on them).
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..conditions import folded
from ..evaluate import Question, decide, judge_resource
from ..identity_policies import principal_of
from ..policy_documents import as_list, statements
from ..principals import entity, propagation
from .eks_store import invalid, refused
from .service_linked_roles import LINKED, make_service_linked_role, role_arn

# What a node does with its role before it may join: AmazonEKSWorkerNodePolicy and ECR's pull policy.
NODE_POLICIES = {
    "AmazonEKSWorkerNodePolicy": ("ec2:DescribeInstances", "eks:DescribeCluster"),
    "AmazonEC2ContainerRegistryPullOnly": ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
}


def find_role(arn: str) -> Any:
    """The role of an ARN, unless IAM hasn't told the other services of it yet."""
    return entity(arn) if ":role/" in arn and not propagation.hides(arn) else None


def trusts(role_arn: str, service: str, actions: tuple[str, ...], context: dict[str, str]) -> bool:
    role = find_role(role_arn)
    if role is None:
        return False
    principal = principal_of("", service=service)
    for action in actions:
        verdict = judge_resource(role.assume_role_policy_document, role_arn, principal, Question(action, role_arn, folded(context)), trust=True)
        if verdict.denied or not verdict.allowed:
            return False
    return True


def names_service(role_arn: str, service: str, action: str = "sts:AssumeRole") -> bool:
    """Whether a trust policy names the service at all, whatever its conditions."""
    for statement in statements(find_role(role_arn).assume_role_policy_document):
        named = statement.get("Principal")
        services = as_list(named.get("Service")) if isinstance(named, dict) else ["*"] if named == "*" else []
        actions = [str(each).lower() for each in as_list(statement.get("Action"))]
        if statement.get("Effect") == "Allow" and (service in services or "*" in services):
            if {action.lower(), "sts:*", "*"} & set(actions):
                return True
    return False


def allows(role_arn: str, action: str) -> bool:
    principal = principal_of(role_arn)
    return decide(principal, Question(action, "*", folded(principal.context())))[0] == "allowed"


def check_cluster_role(call: AwsCall) -> None:
    arn, name = call.text("roleArn"), call.text("name")
    if find_role(arn) is None:
        raise invalid(f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct", clusterName=name)
    cluster = f"arn:{call.partition}:eks:{call.region}:{call.account}:cluster/{name}"
    context = {"aws:SourceAccount": call.account, "aws:SourceArn": cluster}
    if not trusts(arn, "eks.amazonaws.com", ("sts:AssumeRole",), context):
        raise invalid("Role could not be assumed because the trusted entity is not correct", clusterName=name)
    if not allows(arn, "ec2:DescribeSubnets"):
        raise invalid(
            "The provided role doesn't have the Amazon EKS Managed Policies associated with it. Please ensure the following "
            f"policies [arn:{call.partition}:iam::aws:policy/AmazonEKSClusterPolicy] are attached",
            clusterName=name,
        )


def check_node_role(call: AwsCall) -> None:
    arn, names = call.text("nodeRole"), {"clusterName": call.text("clusterName"), "nodegroupName": call.text("nodegroupName")}
    if find_role(arn) is None:
        raise invalid(f"The role with name {arn.rpartition('/')[2]} cannot be found.", **names)
    if not any(names_service(arn, each) for each in ("ec2.amazonaws.com", "ec2.amazonaws.com.cn")):
        raise invalid(f"Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of nodeRole {arn}", **names)


def missing_node_policies(role_arn: str) -> list[str]:
    """The managed policies whose rights a node lacks."""
    if find_role(role_arn) is None:
        return list(NODE_POLICIES)
    return [name for name, actions in NODE_POLICIES.items() if not all(allows(role_arn, action) for action in actions)]


def need_service_linked_role(call: AwsCall, service: str) -> None:
    """User guide "Using service-linked roles for Amazon EKS": the caller must be allowed to see, and if need be to make it."""
    arn = role_arn(call.account, call.partition, service)
    if call.identity.kind in ("user", "session"):
        principal = principal_of(call.identity.arn)

        def may(action: str) -> bool:
            context = {**principal.context(), "iam:AWSServiceName": service}
            return decide(principal, Question(action, arn, folded(context)))[0] == "allowed"

        if service == "eks-nodegroup.amazonaws.com" and not may("iam:GetRole"):
            raise refused(f"Failed to validate if SLR - {LINKED[service].role} already exists due to missing permissions for 'iam:GetRole'")
        if entity(arn) is None and not may("iam:CreateServiceLinkedRole"):
            raise refused(f"User: {call.identity.arn} is not authorized to perform: iam:CreateServiceLinkedRole on resource: {arn}")
    make_service_linked_role(call.account, call.region, service)
