"""Service-linked roles: IAM user guide, "Create a service-linked role"; API reference of CreateServiceLinkedRole,
DeleteServiceLinkedRole and GetServiceLinkedRoleDeletionStatus; the pages of each service on its role (name, trust, managed policy).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import moto.backends
from moto.iam.models import AWSManagedPolicy
from moto.utilities.utils import get_partition

from .. import principals
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before
from .iam_documents import managed_policy_data


@dataclass(frozen=True)
class Linked:
    role: str
    policy: str
    suffix_ok: bool = False


LINKED = {
    "eks.amazonaws.com": Linked("AWSServiceRoleForAmazonEKS", "AmazonEKSServiceRolePolicy"),
    "eks-nodegroup.amazonaws.com": Linked("AWSServiceRoleForAmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    "rds.amazonaws.com": Linked("AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"),
    "autoscaling.amazonaws.com": Linked("AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy", suffix_ok=True),
    "elasticloadbalancing.amazonaws.com": Linked("AWSServiceRoleForElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"),
    "spot.amazonaws.com": Linked("AWSServiceRoleForEC2Spot", "AWSEC2SpotServiceRolePolicy"),
}


def role_arn(account: str, partition: str, service: str) -> str:
    return f"arn:{partition}:iam::{account}:role/aws-service-role/{service}/{LINKED[service].role}"


def make_service_linked_role(account: str, region: str, service: str) -> str:
    """What a service does when it first needs its role; the ARN, whether it was there or not."""
    partition = get_partition(region)
    arn = role_arn(account, partition, service)
    if principals.entity(arn) is None:
        _make(account, partition, service, LINKED[service].role, "")
    return arn


def _make(account: str, partition: str, service: str, name: str, description: str) -> Any:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    store = backend("iam", account, partition)
    role = store.create_role(name, json.dumps(trust), f"/aws-service-role/{service}/", None, description, [], "3600", linked_service=service)
    data = managed_policy_data(LINKED[service].policy, partition)
    if data:
        policy = AWSManagedPolicy.from_data(LINKED[service].policy, account, partition, data)
        policy.partition = partition
        store.managed_policies.setdefault(policy.arn, policy).attach_to(role)
    return role


@before("iam", "CreateServiceLinkedRole")
def _create(call: AwsCall) -> dict[str, Any] | None:
    service, suffix = call.text("AWSServiceName"), call.text("CustomSuffix")
    linked = LINKED.get(service)
    if linked is None:
        return None
    if suffix and not linked.suffix_ok:
        raise AwsError("InvalidInput", f"Custom suffix is not allowed for {service}", 400)
    name = linked.role + (f"_{suffix}" if suffix else "")
    if any(role.name == name for role in backend("iam", call.account, call.partition).roles.values()):
        raise AwsError("InvalidInput", f"Service role name {name} has been taken in this account, please try a different suffix.", 400)
    role = _make(call.account, call.partition, service, name, call.text("Description"))
    return {
        "Role": {
            "Path": role.path, "RoleName": role.name, "RoleId": role.id, "Arn": role.arn, "CreateDate": role.create_date,
            "AssumeRolePolicyDocument": role.assume_role_policy_document,
        }
    }  # fmt: skip


@before("iam", "DeleteServiceLinkedRole")
def _delete(call: AwsCall) -> dict[str, Any]:
    store, name = backend("iam", call.account, call.partition), call.text("RoleName")
    role = next((each for each in store.roles.values() if each.name == name), None)
    if role is None:
        raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
    if not role.path.startswith("/aws-service-role/"):
        raise AwsError("InvalidInput", f"Role {name} is not a service-linked role", 400)
    # The call succeeds in any case: it is the task that fails while the service still uses the role.
    if not _usage(call.account, name):
        del store.roles[role.id]
        principals.replace_deleted(role.arn, role.id)
    return {"DeletionTaskId": f"task{role.path}{role.name}/{role.id}"}


@before("iam", "GetServiceLinkedRoleDeletionStatus")
def _status(call: AwsCall) -> dict[str, Any] | None:
    name, role_id = call.text("DeletionTaskId").split("/")[-2:]
    if role_id not in backend("iam", call.account, call.partition).roles:
        return None
    used = [{"Region": region, "Resources": arns} for region, arns in _usage(call.account, name).items()]
    return {"Status": "FAILED", "Reason": {"Reason": "The role is in use.", "RoleUsageList": used}}


def _usage(account: str, name: str) -> dict[str, list[str]]:
    """By region. Only of Auto Scaling, whose groups use its role until the last of them is gone; a role with a suffix is used by groups that name it."""
    if name != LINKED["autoscaling.amazonaws.com"].role:
        return {}
    # Looking must not make an account.
    regions = dict.get(moto.backends.get_backend("autoscaling"), account) or {}
    groups = {region: [group.arn for group in each.autoscaling_groups.values()] for region, each in list(dict.items(regions))}
    return {region: arns for region, arns in groups.items() if arns}


@after("rds", "CreateDBInstance")
def _made_by_rds(call: AwsCall, reply: Reply) -> None:
    if reply.status < 300:
        make_service_linked_role(call.account, call.region, "rds.amazonaws.com")


@after("elbv2", "CreateLoadBalancer")
@after("elb", "CreateLoadBalancer")
def _made_by_elb(call: AwsCall, reply: Reply) -> None:
    if reply.status < 300:
        make_service_linked_role(call.account, call.region, "elasticloadbalancing.amazonaws.com")
