"""What AWS asks of a caller beside the action of the call itself, without a call of its own: Service Authorization
Reference, "Dependent actions"; IAM user guide, "Granting a user permissions to pass a role to an AWS service" and
"Service-linked roles"; EKS user guide, "Envelope encryption" (the caller needs kms:DescribeKey and kms:CreateGrant); RDS
user guide, "AWS KMS key management" and "Password management with Amazon RDS and AWS Secrets Manager".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import principals
from ..aws_call import AwsCall
from ..rds import key_rights
from .service_linked_roles import role_arn

# Where a call names a role that a service is to assume, and which service.
PASSED_ROLES = {
    "eks:CreateCluster": (("roleArn", "eks.amazonaws.com"),),
    "eks:CreateNodegroup": (("nodeRole", "eks.amazonaws.com"),),
    "eks:CreateAddon": (("serviceAccountRoleArn", "eks.amazonaws.com"),),
    "eks:UpdateAddon": (("serviceAccountRoleArn", "eks.amazonaws.com"),),
    "eks:CreatePodIdentityAssociation": (("roleArn", "pods.eks.amazonaws.com"),),
    "eks:UpdatePodIdentityAssociation": (("roleArn", "pods.eks.amazonaws.com"),),
    "ec2:CreateFlowLogs": (("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
    "iam:AddRoleToInstanceProfile": (("RoleName", "ec2.amazonaws.com"),),
    "rds:CreateDBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "rds:ModifyDBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "rds:RestoreDBInstanceToPointInTime": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "rds:RestoreDBInstanceFromDBSnapshot": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
}
# The service-linked role that the service makes on the caller's behalf when it is not there yet.
LINKED_ROLES = {
    "eks:CreateCluster": "eks.amazonaws.com",
    "eks:CreateNodegroup": "eks-nodegroup.amazonaws.com",
    "rds:CreateDBInstance": "rds.amazonaws.com",
    "elbv2:CreateLoadBalancer": "elasticloadbalancing.amazonaws.com",
    "elb:CreateLoadBalancer": "elasticloadbalancing.amazonaws.com",
    "autoscaling:CreateAutoScalingGroup": "autoscaling.amazonaws.com",
}


@dataclass(frozen=True)
class Dependent:
    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)
    # The service asks for it itself, and answers with an error of its own where it is denied.
    by_service: bool = False


def dependents_of(call: AwsCall) -> list[Dependent]:
    return [*_passed(call), *_linked(call), *_keys(call)]


def _passed(call: AwsCall) -> Iterator[Dependent]:
    for member, service in PASSED_ROLES.get(call.name, ()):
        role = call.params.get(member)
        if isinstance(role, str) and role:
            arn = role if role.startswith("arn:") else _role_arn(call, role)
            yield Dependent("iam:PassRole", arn, {"iam:PassedToService": service})
    if call.name == "events:PutTargets":
        for target in call.params.get("Targets") or []:
            if target.get("RoleArn"):
                yield Dependent("iam:PassRole", str(target["RoleArn"]), {"iam:PassedToService": "events.amazonaws.com"})


def _role_arn(call: AwsCall, name: str) -> str:
    _, role = principals.find_role_by_name(call.account, call.partition, name)
    return str(role.arn) if role is not None else f"arn:{call.partition}:iam::{call.account}:role/{name}"


def _linked(call: AwsCall) -> Iterator[Dependent]:
    service = LINKED_ROLES.get(call.name)
    if service:
        arn = role_arn(call.account, call.partition, service)
        if principals.entity(arn) is None:
            yield Dependent("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": service}, by_service=call.service == "eks")
    if call.name == "eks:CreateNodegroup":
        yield Dependent("iam:GetRole", role_arn(call.account, call.partition, "eks-nodegroup.amazonaws.com"), by_service=True)


def _keys(call: AwsCall) -> Iterator[Dependent]:
    via = {"kms:GrantIsForAWSResource": "true", "kms:ViaService": f"{call.service}.{call.region}.amazonaws.com"}
    if call.name in ("eks:CreateCluster", "eks:AssociateEncryptionConfig"):
        for each in call.params.get("encryptionConfig") or []:
            arn = (each.get("provider") or {}).get("keyArn")
            if arn:
                yield from (Dependent(action, str(arn), via) for action in ("kms:DescribeKey", "kms:CreateGrant"))
    if call.service == "rds" and call.operation.startswith("Create") and call.text("KmsKeyId").startswith("arn:"):
        yield from (Dependent(action, call.text("KmsKeyId"), via, by_service=True) for action in key_rights.FOR_DATA)
    managed = call.params.get("ManageMasterUserPassword")
    if call.service == "rds" and managed in (True, "true"):
        secret = f"arn:{call.partition}:secretsmanager:{call.region}:{call.account}:secret:rds!db-*"
        yield from (Dependent(action, secret) for action in ("secretsmanager:CreateSecret", "secretsmanager:TagResource"))
        key = call.text("MasterUserSecretKmsKeyId")
        if key.startswith("arn:"):
            through = {"kms:ViaService": f"secretsmanager.{call.region}.amazonaws.com"}
            yield from (Dependent(action, key, through, by_service=True) for action in key_rights.FOR_SECRETS)
