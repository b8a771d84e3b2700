"""IAM names, documents and quotas: IAM user guide, "IAM and AWS STS quotas, name requirements, and character
limits", "Permissions boundaries"; API reference of the Create and Put operations.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy

from .. import policy_documents, principals
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before

NAME = re.compile(r"^[\w+=,.@-]+$", re.ASCII)
PATH = re.compile(r"^(/|/[\u0021-\u007e]+/)$")
# Longest name by the member that carries it.
NAMES = {"RoleName": 64, "UserName": 64, "GroupName": 128, "InstanceProfileName": 128, "PolicyName": 128}
TRUST_CHARACTERS_MAX = 2048
MANAGED_POLICY_CHARACTERS_MAX = 6144
INLINE_CHARACTERS_MAX = {"PutUserPolicy": 2048, "PutRolePolicy": 10_240, "PutGroupPolicy": 5120}
ATTACHED_POLICIES_MAX = 10
AWS_POLICY = re.compile(r"^arn:aws[a-z-]*:iam::aws:policy/(.*/)?([^/]+)$")


def store(call: AwsCall) -> Any:
    return backend("iam", call.account, call.partition)


def validation(text: str) -> AwsError:
    return AwsError("ValidationError", text, 400)


def no_such(text: str) -> AwsError:
    return AwsError("NoSuchEntity", text, 404)


@before("iam", "*")
def _names(call: AwsCall) -> None:
    for member, longest in NAMES.items():
        name = call.params.get(member)
        if name is None:
            continue
        if not NAME.match(str(name)):
            raise validation(f"The specified value for {member[0].lower() + member[1:]} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
        if len(str(name)) > longest:
            raise validation(
                f"1 validation error detected: Value '{name}' at '{member[0].lower() + member[1:]}' failed to satisfy "
                f"constraint: Member must have length less than or equal to {longest}"
            )
    path = call.params.get("Path")
    if path is not None and not (PATH.match(str(path)) and len(str(path)) <= 512):
        raise validation("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")


@before("iam", "*")
def _aws_policies(call: AwsCall) -> None:
    """AWS's managed policies, each made when it is first named: moto would load all 1,400 per account."""
    for member in ("PolicyArn", "PermissionsBoundary", "PolicySourceArn"):
        found = AWS_POLICY.match(str(call.params.get(member, "")))
        data = managed_policy_data(found.group(2), call.partition) if found else None
        if found and data and data.get("Path", "/") == "/" + (found.group(1) or ""):
            policies = store(call).managed_policies
            if call.text(member) not in policies:
                policy = AWSManagedPolicy.from_data(found.group(2), call.account, call.partition, data)
                policy.partition = call.partition
                policies[policy.arn] = policy


def managed_policy_data(name: str, partition: str) -> dict[str, Any] | None:
    """moto's copy of one of AWS's managed policies; those of other partitions name their own ARNs."""
    data = _managed_policies().get(name)
    if data is None or partition == "aws":
        return data
    return dict(json.loads(json.dumps(data).replace("arn:aws:", f"arn:{partition}:")))


@cache
def _managed_policies() -> dict[str, Any]:
    return dict(json.loads(aws_managed_policies_data))


@before("iam", "CreateUser", "CreateRole", "CreateGroup", "CreateInstanceProfile", "CreatePolicy")
def _unique_name(call: AwsCall) -> None:
    """Names are unique in an account without regard to case."""
    kind = call.operation.removeprefix("Create")
    stores = {
        "User": ("UserName", store(call).users),
        "Role": ("RoleName", store(call).roles),
        "Group": ("GroupName", store(call).groups),
        "InstanceProfile": ("InstanceProfileName", store(call).instance_profiles),
        "Policy": ("PolicyName", store(call).managed_policies),
    }
    member, existing = stores[kind]
    name = call.text(member).lower()
    if any(each.name.lower() == name and ":iam::aws:" not in each.arn for each in existing.values()):
        text = "A policy called {0} already exists. Duplicate names are not allowed." if kind == "Policy" else kind + " with name {0} already exists."
        raise AwsError("EntityAlreadyExists", text.format(call.text(member)), 409)


def malformed(text: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", text, 400)


def _length(text: str) -> int:
    """White space does not count towards the quotas."""
    return len(re.sub(r"\s", "", text))


def _quota(name: str, limit: int) -> AwsError:
    return AwsError("LimitExceeded", f"Cannot exceed quota for {name}: {limit}", 409)


@before("iam", "CreateRole", "UpdateAssumeRolePolicy")
def _trust(call: AwsCall) -> None:
    if call.operation == "UpdateAssumeRolePolicy":
        role_of(call)
    text = call.text("AssumeRolePolicyDocument" if call.operation == "CreateRole" else "PolicyDocument")
    try:
        document = policy_documents.check(text, "trust")
    except policy_documents.Malformed as error:
        raise malformed(str(error)) from error
    for statement in policy_documents.statements(document):
        for action in policy_documents.as_list(statement.get("Action")):
            if not str(action).lower().startswith("sts:") and action != "*":
                raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    unknown = principals.first_unknown(document)
    if unknown:
        kind = {"AWS": "AWS", "Service": "SERVICE", "Federated": "FEDERATED"}.get(unknown[0], unknown[0])
        raise malformed(f'Invalid principal in policy: "{kind}":"{unknown[1]}"')
    if _length(text) > TRUST_CHARACTERS_MAX:
        raise _quota("ACLSizePerRole", TRUST_CHARACTERS_MAX)
    duration = call.params.get("MaxSessionDuration")
    if duration is not None:
        _session_duration(int(duration))


def _session_duration(seconds: int) -> None:
    if not 3600 <= seconds <= 43_200:
        raise validation(f"1 validation error detected: Value '{seconds}' at 'maxSessionDuration' failed to satisfy constraint")


@before("iam", "UpdateRole")
def _update_role(call: AwsCall) -> None:
    if call.params.get("MaxSessionDuration") is not None:
        _session_duration(int(call.params["MaxSessionDuration"]))


def role_of(call: AwsCall) -> Any:
    name = call.text("RoleName")
    role = next((each for each in store(call).roles.values() if each.name == name), None)
    if role is None:
        raise no_such(f"The role with name {name} cannot be found.")
    return role


def user_of(call: AwsCall) -> Any:
    name = call.text("UserName")
    if name not in store(call).users:
        raise no_such(f"The user with name {name} cannot be found.")
    return store(call).users[name]


@before("iam", "CreatePolicy", "CreatePolicyVersion", *INLINE_CHARACTERS_MAX)
def _identity_policy(call: AwsCall) -> None:
    text = call.text("PolicyDocument")
    owners = {"PutUserPolicy": user_of, "PutRolePolicy": role_of}
    owner = owners[call.operation](call) if call.operation in owners else None
    try:
        policy_documents.check(text, "identity")
    except policy_documents.Malformed as error:
        raise malformed(str(error)) from error
    limit = INLINE_CHARACTERS_MAX.get(call.operation)
    if limit is None:
        if _length(text) > MANAGED_POLICY_CHARACTERS_MAX:
            raise _quota("PolicySize", MANAGED_POLICY_CHARACTERS_MAX)
        return
    others = owner.policies.items() if owner is not None else ()
    total = _length(text) + sum(_length(other) for name, other in others if name != call.text("PolicyName"))
    if total > limit:
        kind = call.operation.removeprefix("Put").removesuffix("Policy").lower()
        raise AwsError("LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {kind} {call.text(kind.capitalize() + 'Name')}", 409)


@before("iam", "AttachRolePolicy", "AttachUserPolicy")
def _attach(call: AwsCall) -> None:
    owner = role_of(call) if call.operation == "AttachRolePolicy" else user_of(call)
    arn = call.text("PolicyArn")
    if arn not in store(call).managed_policies:
        raise no_such(f"Policy {arn} does not exist or is not attachable.")
    if arn not in owner.managed_policies and len(owner.managed_policies) >= ATTACHED_POLICIES_MAX:
        kind = "Role" if call.operation == "AttachRolePolicy" else "User"
        raise _quota(f"PoliciesPer{kind}", ATTACHED_POLICIES_MAX)


@before("iam", "CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary")
def _boundary_exists(call: AwsCall) -> None:
    arn = call.params.get("PermissionsBoundary")
    if arn and arn not in store(call).managed_policies:
        if not str(arn).startswith("arn:"):
            raise validation(f"ARN {arn} is not valid.")
        raise no_such(f"Scope ARN: {arn} does not exist or is not attachable.")


@before("iam", "PutUserPermissionsBoundary")
def _put_user_boundary(call: AwsCall) -> dict[str, Any]:
    _set_user_boundary(user_of(call), call.text("PermissionsBoundary"))
    return {}


@before("iam", "DeleteUserPermissionsBoundary")
def _delete_user_boundary(call: AwsCall) -> dict[str, Any]:
    user = user_of(call)
    if not getattr(user, "permissions_boundary_arn", None):
        raise no_such(f"The user with name {user.name} has no permissions boundary.")
    user.permissions_boundary_arn = user.permissions_boundary = None
    return {}


def _set_user_boundary(user: Any, arn: str) -> None:
    user.permissions_boundary_arn = arn
    # moto's serializer finds this attribute by the shape's member name.
    user.permissions_boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


@after("iam", "CreateUser")
def _user_made(call: AwsCall, reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    user = user_of(call)
    user.id = "AIDA" + "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=17))
    if call.params.get("PermissionsBoundary"):
        _set_user_boundary(user, call.text("PermissionsBoundary"))
    made = {
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "Path": user.path,
        "CreateDate": user.create_date,
        "Tags": user.tags,
        "PermissionsBoundary": getattr(user, "permissions_boundary", None),
    }
    return {"User": {key: value for key, value in made.items() if value is not None}}
