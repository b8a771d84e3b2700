"""Whether a pod gets AWS credentials: user guide "Learn how EKS Pod Identity grants Pods access to AWS services" and
"IAM roles for service accounts". `POST /sandbox/pod-identity` (eks_pod_question) asks it.

Pod Identity comes first where both are set up, as in the SDKs' credential chains on EKS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..conditions import folded
from ..evaluate import Question, judge_resource
from ..identity_policies import Principal
from ..moto_bridge import backend
from .eks_pod_identity import SERVICE, find_association
from .eks_roles import find_role, trusts
from .eks_store import Cluster


@dataclass(frozen=True)
class Credentials:
    role_arn: str | None
    why: str


def credentials(cluster: Cluster, namespace: str, service_account: str, annotated_role: str | None = None) -> Credentials:
    """The role that a pod of this service account gets; `annotated_role` is IRSA's annotation."""
    association = find_association(cluster, namespace, service_account)
    if association is None and not annotated_role:
        return Credentials(None, "no pod identity association and no annotated role")
    if association is not None:
        return _by_association(cluster, association.body)
    return _by_annotation(cluster, namespace, service_account, str(annotated_role))


def _by_association(cluster: Cluster, association: dict[str, Any]) -> Credentials:
    agent = cluster.addons.get("eks-pod-identity-agent")
    if agent is None or agent.status not in ("ACTIVE", "UPDATING", "DEGRADED"):
        return Credentials(None, "the add-on eks-pod-identity-agent is not active")
    role, namespace, account = association["roleArn"], association["namespace"], association["serviceAccount"]
    tags = {
        "eks-cluster-arn": cluster.arn,
        "eks-cluster-name": cluster.name,
        "kubernetes-namespace": namespace,
        "kubernetes-service-account": account,
    }
    context = {"aws:SourceAccount": cluster.account, "aws:SourceArn": cluster.arn}
    if not association["disableSessionTags"]:
        context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if find_role(role) is None:
        return Credentials(None, f"the role {role} does not exist")
    if not trusts(role, SERVICE, ("sts:AssumeRole", "sts:TagSession"), context):
        return Credentials(None, f"the trust policy of {role} does not let {SERVICE} assume it and tag the session")
    return Credentials(role, "pod identity association")


def _by_annotation(cluster: Cluster, namespace: str, service_account: str, role_arn: str) -> Credentials:
    role, issuer = find_role(role_arn), cluster.issuer.removeprefix("https://")
    if role is None:
        return Credentials(None, f"the role {role_arn} does not exist")
    partition = cluster.arn.split(":")[1]
    provider = f"arn:{partition}:iam::{cluster.account}:oidc-provider/{issuer}"
    known = backend("iam", cluster.account, partition).open_id_providers
    if provider not in known or "sts.amazonaws.com" not in known[provider].client_id_list:
        return Credentials(None, "no OIDC provider of the cluster's issuer with the audience sts.amazonaws.com")
    principal = Principal("federated", provider, "", names={provider, issuer})
    context = {f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}", f"{issuer}:aud": "sts.amazonaws.com"}
    question = Question("sts:AssumeRoleWithWebIdentity", role_arn, folded(context))
    verdict = judge_resource(role.assume_role_policy_document, role_arn, principal, question, trust=True)
    if verdict.denied or not verdict.allowed:
        return Credentials(None, f"the trust policy of {role_arn} does not admit system:serviceaccount:{namespace}:{service_account}")
    return Credentials(role_arn, "IAM role for service accounts")
