"""IAM deletes and access keys: API reference of the Delete operations (what must go first),
CreateAccessKey and GetAccessKeyLastUsed; IAM user guide, "Principal" (what deletion does to policies).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .. import principals
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before
from .iam_documents import no_such, role_of, store, user_of


def conflict(text: str) -> AwsError:
    return AwsError("DeleteConflict", f"Cannot delete entity, must {text}.", 409)


@before("iam", "DeleteUser")
def _delete_user(call: AwsCall) -> dict[str, Any]:
    user = user_of(call)
    groups = [group for group in store(call).groups.values() if any(member.name == user.name for member in group.users)]
    for holds, text in (
        (user.managed_policies, "detach all policies first"),
        (user.policies, "delete policies first"),
        (user.access_keys, "delete access keys first"),
        (groups, "remove users from group first"),
        (user.password, "delete login profile first"),
        (user.mfa_devices, "deactivate MFA device first"),
        (user.ssh_public_keys, "delete SSH public keys first"),
        (user.signing_certificates, "delete signing certificates first"),
        (getattr(user, "sandbox_service_credentials", None), "delete service specific credentials first"),
    ):
        if holds:
            raise conflict(text)
    store(call).delete_user(user.name)
    principals.replace_deleted(user.arn, user.id)
    return {}


@before("iam", "DeleteRole")
def _delete_role(call: AwsCall) -> dict[str, Any]:
    role = role_of(call)
    if role.path.startswith("/aws-service-role/"):
        raise AwsError("UnmodifiableEntity", f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS", 400)
    profiles = [each for each in store(call).instance_profiles.values() if any(held.name == role.name for held in each.roles)]
    for holds, text in (
        (profiles, "remove roles from instance profile first"),
        (role.managed_policies, "detach all policies first"),
        (role.policies, "delete policies first"),
    ):
        if holds:
            raise conflict(text)
    del store(call).roles[role.id]
    principals.replace_deleted(role.arn, role.id)
    return {}


@before("iam", "DeleteGroup")
def _delete_group(call: AwsCall) -> None:
    group = store(call).groups.get(call.text("GroupName"))
    if group is None:
        return
    for holds, text in (
        (group.users, "remove users from group first"),
        (group.managed_policies, "detach all policies first"),
        (group.policies, "delete policies first"),
    ):
        if holds:
            raise conflict(text)


@before("iam", "DeleteInstanceProfile")
def _delete_instance_profile(call: AwsCall) -> None:
    profile = store(call).instance_profiles.get(call.text("InstanceProfileName"))
    if profile is not None and profile.roles:
        raise conflict("remove roles from instance profile first")


@before("iam", "DeletePolicy")
def _delete_policy(call: AwsCall) -> None:
    arn = call.text("PolicyArn")
    policy = store(call).managed_policies.get(arn)
    if policy is None:
        raise no_such(f"Policy {arn} was not found.")
    owners = [*store(call).users.values(), *store(call).roles.values(), *store(call).groups.values()]
    if any(arn in owner.managed_policies or getattr(owner, "permissions_boundary_arn", None) == arn for owner in owners):
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if len(policy.versions) > 1:
        raise AwsError(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy.",
            409,
        )


@before("iam", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "ListAccessKeys")
def _key_of_user(call: AwsCall) -> None:
    """Without a user name these mean the caller; the sandbox gives its admins no keys."""
    if call.params.get("UserName"):
        user = user_of(call)
    elif call.identity.kind == "user":
        user = store(call).users[call.identity.name]
    else:
        raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials", 400)
    wanted = call.params.get("AccessKeyId")
    if wanted and not any(key.access_key_id == wanted for key in user.access_keys):
        raise no_such(f"The Access Key with id {wanted} cannot be found.")
    status = call.params.get("Status")
    if status is not None and status not in ("Active", "Inactive"):
        raise AwsError("ValidationError", f"Value '{status}' at 'status' failed to satisfy constraint", 400)


@after("iam", "DeleteAccessKey")
def _key_gone(call: AwsCall, reply: Reply) -> None:
    """moto keeps a deleted key in its table of keys."""
    if reply.status == 200:
        store(call).access_keys.pop(call.text("AccessKeyId"), None)


@before("iam", "GetUser")
def _own_user(call: AwsCall) -> dict[str, Any] | None:
    """Without a name it means the caller, and the root is a user too."""
    if call.params.get("UserName") or call.identity.kind != "admin":
        return None
    made = datetime(2020, 1, 1, tzinfo=timezone.utc)
    return {"User": {"UserId": call.account, "Arn": call.identity.arn, "CreateDate": made, "PasswordLastUsed": made}}


@before("iam", "GetAccessKeyLastUsed")
def _last_used(call: AwsCall) -> dict[str, Any]:
    wanted = call.text("AccessKeyId")
    for user in store(call).users.values():
        for key in user.access_keys:
            if key.access_key_id != wanted:
                continue
            used = getattr(key, "sandbox_last_used", None)
            last = {"Region": "N/A", "ServiceName": "N/A"}
            if used is not None:
                last = {"LastUsedDate": used[0], "ServiceName": used[1], "Region": used[2]}
            return {"UserName": user.name, "AccessKeyLastUsed": last}
    raise AwsError("AccessDenied", f"User: {call.identity.arn} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key {wanted}", 403)


def note_use(call: AwsCall) -> None:
    """Called for each request that an access key of a user signed."""
    made = backend("iam", call.account, call.identity.arn.split(":")[1]).access_keys.get(call.access_key)
    if made is not None:
        made.sandbox_last_used = (datetime.now(timezone.utc), call.service, call.region)
