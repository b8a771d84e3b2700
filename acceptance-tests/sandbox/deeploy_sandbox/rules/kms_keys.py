"""KMS keys: KMS developer guide, "Key states" (its table), "Rotate AWS KMS keys", "Key policies" and
"Quotas"; API reference of the operations named below.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

from moto.core.utils import unix_time

from .. import evaluate, policy_documents, principals
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity_policies import principal_of
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before

POLICY_BYTES_MAX = 32 * 1024
TAGS_MAX = 50
ALIASES_PER_KEY_MAX = 50
DAY_S = 86_400

NEED_ENABLED = (
    "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "Sign", "Verify", "GetPublicKey",
    "CreateGrant", "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand",
)  # fmt: skip
NEED_NOT_PENDING = ("DisableKey", "EnableKey", "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateKeyDescription")
SYMMETRIC_ONLY = ("EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus", "RotateKeyOnDemand")


def invalid_state(key: Any, what: str) -> AwsError:
    return AwsError("KMSInvalidStateException", f"{key.arn} is {what}.")


def validation(text: str) -> AwsError:
    return AwsError("ValidationException", text)


def find_key(call: AwsCall, key_id: str) -> Any:
    """A key by its id, its ARN, an alias or an alias's ARN."""
    store = backend("kms", call.account, call.region)
    given = key_id
    if key_id.startswith("arn:"):
        parts = key_id.split(":", 5)
        if len(parts) < 6 or parts[3] != call.region:
            raise AwsError("NotFoundException", f"Invalid arn {call.region}")
        if parts[4] != call.account:
            return _foreign_key(call, parts)
        key_id = parts[5].removeprefix("key/")
    if key_id.startswith("alias/"):
        for key in store.keys.values():
            if key_id in key.aliases:
                return key
        made = store._generate_default_keys(key_id)
        if made is None:
            arn = f"arn:{call.partition}:kms:{call.region}:{call.account}:{key_id}"
            raise AwsError("NotFoundException", f"Alias {arn} is not found.")
        # Keys behind alias/aws/… are AWS's: they rotate, and nobody schedules their deletion.
        store.keys[made].key_manager, store.keys[made].key_rotation_status = "AWS", True
        return store.keys[made]
    if key_id not in store.keys:
        if len(key_id.removeprefix("mrk-")) < 32:
            raise AwsError("NotFoundException", f"Invalid keyId {given!r}")
        arn = f"arn:{call.partition}:kms:{call.region}:{call.account}:key/{key_id}"
        raise AwsError("NotFoundException", f"Key '{arn}' does not exist")
    return store.keys[key_id]


def _foreign_key(call: AwsCall, parts: list[str]) -> Any:
    raise AwsError(
        "AccessDeniedException",
        f"User: {call.identity.arn} is not authorized to perform: kms:{call.operation} on this resource because "
        "the resource does not exist in this Region, no resource-based policies allow access, or a "
        "resource-based policy explicitly denies access",
    )


def require_enabled(key: Any) -> None:
    if key.key_state == "PendingDeletion":
        raise invalid_state(key, "pending deletion")
    if key.key_state == "Disabled":
        raise AwsError("DisabledException", f"{key.arn} is disabled.")


@before("kms", *NEED_ENABLED)
def _enabled(call: AwsCall) -> None:
    require_enabled(find_key(call, call.text("KeyId")))


@before("kms", *NEED_NOT_PENDING)
def _not_pending(call: AwsCall) -> None:
    key = find_key(call, call.text("KeyId"))
    if key.key_state == "PendingDeletion":
        raise invalid_state(key, "pending deletion")


@before("kms", *SYMMETRIC_ONLY)
def _symmetric(call: AwsCall) -> None:
    key = find_key(call, call.text("KeyId"))
    if key.key_spec != "SYMMETRIC_DEFAULT":
        raise AwsError("UnsupportedOperationException", f"{key.arn} key spec is {key.key_spec} which is not valid for this operation.")


@before("kms", "DescribeKey", "GetKeyPolicy", "ListResourceTags", "ListKeyPolicies", "ListGrants")
def _exists(call: AwsCall) -> None:
    find_key(call, call.text("KeyId"))


@before("kms", "Decrypt", "ReEncrypt")
def _decrypt(call: AwsCall) -> None:
    """The key that encrypted must be enabled; the ciphertext begins with its id."""
    import base64

    try:
        blob = base64.b64decode(call.text("CiphertextBlob"))
        named = blob[:36].decode("ascii")
    except ValueError:
        raise AwsError("InvalidCiphertextException", "") from None
    store = backend("kms", call.account, call.region)
    if named not in store.keys:
        raise AwsError("InvalidCiphertextException", "")
    for member in ("KeyId", "SourceKeyId"):
        if call.params.get(member) and find_key(call, call.text(member)).id != named:
            raise AwsError(
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.",
            )
    require_enabled(store.keys[named])
    if call.operation == "ReEncrypt":
        require_enabled(find_key(call, call.text("DestinationKeyId")))


def check_tags(call: AwsCall, present: int = 0) -> None:
    tags = call.params.get("Tags") or []
    keys = [str(tag.get("TagKey", "")) for tag in tags]
    if len(keys) != len(set(keys)):
        raise AwsError("TagException", "Duplicate tag keys")
    for key in keys:
        if key.lower().startswith("aws:"):
            raise AwsError("TagException", "Tag keys beginning with aws: are reserved for AWS use")
    if len(keys) + present > TAGS_MAX:
        raise AwsError("TagException", "Too many tags")


def check_policy(call: AwsCall, text: str) -> None:
    """A key policy as CreateKey and PutKeyPolicy accept it."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise AwsError("LimitExceededException", "The key policy is longer than the quota of 32 KB.")
    try:
        document = policy_documents.check(text, "key")
    except policy_documents.Malformed as error:
        raise AwsError("MalformedPolicyDocumentException", str(error)) from error
    if principals.first_unknown(document):
        raise AwsError("MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.")
    if call.params.get("BypassPolicyLockoutSafetyCheck"):
        return
    caller = principal_of(call.identity.arn)
    question = evaluate.Question(
        "kms:PutKeyPolicy", "*", folded({**caller.context(), "kms:CallerAccount": call.account})
    )
    verdict = evaluate.judge_resource(text, "key policy", caller, question, trust=True)
    if verdict.denied or not verdict.allowed:
        raise AwsError(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )


@before("kms", "CreateKey")
def _create_key(call: AwsCall) -> None:
    check_tags(call)
    if len(call.text("Description")) > 8192:
        raise validation("Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192")
    if call.params.get("Policy") is not None:
        check_policy(call, call.text("Policy"))
    if not call.params.get("KeyUsage"):
        call.replace_params(KeyUsage="ENCRYPT_DECRYPT")


@before("kms", "GetKeyPolicy", "PutKeyPolicy")
def _policy_name(call: AwsCall) -> None:
    """The only policy is `default`, which need not be named."""
    if call.params.get("PolicyName") is None:
        call.replace_params(PolicyName="default")


@before("kms", "PutKeyPolicy")
def _put_key_policy(call: AwsCall) -> None:
    find_key(call, call.text("KeyId"))
    check_policy(call, call.text("Policy"))


@after("kms", "GetKeyPolicy")
def _get_key_policy(call: AwsCall, reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    return {"Policy": find_key(call, call.text("KeyId")).policy, "PolicyName": "default"}


@before("kms", "TagResource")
def _tag(call: AwsCall) -> None:
    store = backend("kms", call.account, call.region)
    key = find_key(call, call.text("KeyId"))
    new = {str(tag.get("TagKey")) for tag in call.params.get("Tags") or []}
    check_tags(call, len(set(store.tagger.get_tag_dict_for_resource(key.id)) - new))


@before("kms", "EnableKeyRotation")
def _enable_rotation(call: AwsCall) -> dict[str, Any]:
    key = find_key(call, call.text("KeyId"))
    period = call.params.get("RotationPeriodInDays")
    if period is not None and not 90 <= int(period) <= 2560:
        raise validation(
            f"1 validation error detected: Value '{period}' at 'rotationPeriodInDays' failed to satisfy constraint: "
            "Member must have value between 90 and 2560"
        )
    key.key_rotation_status = True
    key.rotation_period_days = int(period or 365)
    key.rotation_from_s = time.time()
    return {}


@before("kms", "GetKeyRotationStatus")
def _rotation_status(call: AwsCall) -> dict[str, Any]:
    key = find_key(call, call.text("KeyId"))
    # While a key is pending deletion its rotation status is false; cancelling brings the old one back.
    if not key.key_rotation_status or key.key_state == "PendingDeletion":
        return {"KeyId": key.id, "KeyRotationEnabled": False}
    days = getattr(key, "rotation_period_days", 365)
    since = getattr(key, "rotation_from_s", key.creation_date)
    next_date = unix_time(datetime.fromtimestamp(since + days * DAY_S, timezone.utc).replace(tzinfo=None))
    return {"KeyId": key.id, "KeyRotationEnabled": True, "RotationPeriodInDays": days, "NextRotationDate": next_date}


@before("kms", "ScheduleKeyDeletion")
def _schedule(call: AwsCall) -> dict[str, Any]:
    key = find_key(call, call.text("KeyId"))
    window = call.params.get("PendingWindowInDays")
    days = 30 if window is None else int(window)
    if not 7 <= days <= 30:
        raise validation("PendingWindowInDays must be between 7 and 30 (inclusive)")
    if getattr(key, "key_manager", "CUSTOMER") == "AWS":
        raise AwsError("AccessDeniedException", f"{key.arn} is managed by AWS.")
    key.enabled, key.key_state = False, "PendingDeletion"
    key.deletion_date = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(days=days)
    return {
        "KeyId": key.arn,
        "DeletionDate": unix_time(key.deletion_date),
        "KeyState": key.key_state,
        "PendingWindowInDays": days,
    }


@before("kms", "CancelKeyDeletion")
def _cancel(call: AwsCall) -> dict[str, Any]:
    key = find_key(call, call.text("KeyId"))
    if key.key_state != "PendingDeletion":
        raise invalid_state(key, "not pending deletion")
    key.key_state, key.enabled, key.deletion_date = "Disabled", False, None
    return {"KeyId": key.arn}


@before("kms", "UpdateKeyDescription", "EnableKey", "DisableKey", "TagResource", "UntagResource")
def _customer_key(call: AwsCall) -> None:
    key = find_key(call, call.text("KeyId"))
    if getattr(key, "key_manager", "CUSTOMER") == "AWS":
        raise AwsError("AccessDeniedException", f"{key.arn} is managed by AWS.")
    # moto looks for an ARN's key among ids in some operations.
    call.replace_params(KeyId=key.id)


@after("kms", "DescribeKey", "CreateKey")
def _describe(call: AwsCall, reply: Reply) -> dict[str, Any] | None:
    """moto leaves nulls and an empty key usage behind."""
    if reply.status != 200:
        return None
    import json

    metadata = json.loads(reply.body)["KeyMetadata"]
    metadata["KeyUsage"] = metadata.get("KeyUsage") or "ENCRYPT_DECRYPT"
    return {"KeyMetadata": {name: value for name, value in metadata.items() if value is not None}}
