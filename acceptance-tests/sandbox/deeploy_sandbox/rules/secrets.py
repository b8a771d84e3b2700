"""Secrets Manager: API reference of CreateSecret, PutSecretValue, DeleteSecret, RestoreSecret and
PutResourcePolicy; user guide "Secrets Manager quotas" and "Delete a secret".
"""

from __future__ import annotations

import json
import re
from typing import Any

from .. import policy_documents, principals
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..policy_documents import statements
from ..wire import AwsError
from . import before
from .kms_keys import find_key
from .s3_settings import is_public

NAME = re.compile(r"^[A-Za-z0-9/_+=.@-]{1,512}$")
VALUE_BYTES_MAX = 65_536
# A secret that is scheduled for deletion answers only to Describe, List, Restore and Delete.
NEED_LIVE = (
    "GetSecretValue", "PutSecretValue", "UpdateSecret", "TagResource", "UntagResource", "PutResourcePolicy",
    "DeleteResourcePolicy", "RotateSecret", "UpdateSecretVersionStage",
)  # fmt: skip


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterException", text)


def find_secret(call: AwsCall, name: str) -> Any:
    """moto's secret by name, ARN or partial ARN; None where there is none."""
    if name.startswith("arn:") and name.split(":")[3:5] != [call.region, call.account]:
        return None
    return backend("secretsmanager", call.account, call.region).secrets.get(name) if name else None


@before("secretsmanager", *NEED_LIVE)
def _live(call: AwsCall) -> None:
    secret = find_secret(call, call.text("SecretId"))
    if secret is None:
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    if secret.is_deleted():
        if call.operation == "GetSecretValue":
            text = "You can't perform this operation on the secret because it was marked for deletion."
        else:
            text = "You can't perform this operation on the secret because it was scheduled for deletion."
        raise AwsError("InvalidRequestException", text)


def _check_value(call: AwsCall) -> None:
    text, binary = call.params.get("SecretString"), call.params.get("SecretBinary")
    if text is not None and binary is not None:
        raise invalid("You can't specify both a binary secret value and a string secret value in the same secret.")
    if text is not None and len(str(text).encode()) > VALUE_BYTES_MAX:
        raise invalid("The secret value can't be converted to bytes within 65536 bytes.")
    token = call.params.get("ClientRequestToken")
    if token is not None and not 32 <= len(str(token)) <= 64:
        raise invalid("ClientRequestToken must be 32-64 characters long.")


def _check_tags(call: AwsCall) -> None:
    keys = [str(tag.get("Key", "")) for tag in call.params.get("Tags") or []]
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("Tag keys can't begin with aws:, which is reserved for AWS use.")
    if len(keys) != len(set(keys)):
        raise invalid("Duplicate tag keys.")
    if len(keys) > 50:
        raise invalid("A secret can have at most 50 tags.")


def _check_key(call: AwsCall, key_id: str | None, failure: str) -> None:
    if not key_id or "alias/aws/" in key_id:
        return
    try:
        key = find_key(call, key_id)
    except AwsError as error:
        # A write names a key that never was (boto/boto3#1533); a read finds its key gone.
        code = "InvalidParameterException" if failure == "EncryptionFailure" else failure
        raise AwsError(code, f"Secrets Manager can't use the KMS key: {error.message}") from error
    if key.key_state != "Enabled":
        raise AwsError(failure, f"Secrets Manager can't use the KMS key: {key.arn} is {key.key_state}.")


@before("secretsmanager", "CreateSecret")
def _create(call: AwsCall) -> dict[str, Any] | None:
    name = call.text("Name")
    if not NAME.match(name):
        raise AwsError("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
    _check_value(call)
    _check_tags(call)
    existing = find_secret(call, name)
    if existing is not None and existing.is_deleted():
        raise AwsError("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
    if existing is not None:
        if not _is_same_version(call, existing):
            raise AwsError("ResourceExistsException", f"The operation failed because the secret {name} already exists.")
        return _short(existing, call.text("ClientRequestToken"))
    _check_key(call, call.params.get("KmsKeyId"), "EncryptionFailure")
    return None


def _is_same_version(call: AwsCall, secret: Any) -> bool:
    """A repeated token with the same content is the same call; another content is refused."""
    version = secret.versions.get(call.text("ClientRequestToken"))
    if version is None:
        return False
    same = version.get("secret_string") == call.params.get("SecretString") and version.get("secret_binary") == call.params.get("SecretBinary")
    if not same:
        token = call.text("ClientRequestToken")
        raise AwsError(
            "ResourceExistsException",
            f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {secret.arn}.",
        )
    return True


def _short(secret: Any, version: str) -> dict[str, Any]:
    found = {"ARN": secret.arn, "Name": secret.name}
    return {**found, "VersionId": version} if version in secret.versions else found


@before("secretsmanager", "PutSecretValue", "UpdateSecret")
def _put(call: AwsCall) -> dict[str, Any] | None:
    _check_value(call)
    secret = find_secret(call, call.text("SecretId"))
    if call.params.get("KmsKeyId"):
        _check_key(call, call.text("KmsKeyId"), "EncryptionFailure")
    carries_value = "SecretString" in call.params or "SecretBinary" in call.params
    if not carries_value:
        if call.operation == "PutSecretValue":
            raise invalid("You must provide either SecretString or SecretBinary.")
        return None
    _check_key(call, call.params.get("KmsKeyId") or secret.kms_key_id, "EncryptionFailure")
    if not _is_same_version(call, secret):
        return None
    version = call.text("ClientRequestToken")
    found = _short(secret, version)
    if call.operation == "PutSecretValue":
        found["VersionStages"] = secret.versions[version]["version_stages"]
    return found


@before("secretsmanager", "GetSecretValue")
def _get(call: AwsCall) -> None:
    secret = find_secret(call, call.text("SecretId"))
    _check_key(call, getattr(secret, "kms_key_id", None), "DecryptionFailure")
    # Without a version and a label it is AWSCURRENT that is asked for, wherever UpdateSecretVersionStage has moved that.
    current = next((version for version, kept in secret.versions.items() if "AWSCURRENT" in kept["version_stages"]), None)
    if current is not None:
        secret.set_default_version_id(current)


@before("secretsmanager", "DeleteSecret")
def _delete(call: AwsCall) -> None:
    window, force = call.params.get("RecoveryWindowInDays"), bool(call.params.get("ForceDeleteWithoutRecovery"))
    if window is not None and force:
        raise invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
    if window is not None and not 7 <= int(window) <= 30:
        raise invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
    secret = find_secret(call, call.text("SecretId"))
    if secret is not None and secret.is_deleted() and not force:
        raise AwsError("InvalidRequestException", "You can't perform this operation on the secret because it was already scheduled for deletion.")


@before("secretsmanager", "TagResource")
def _tag(call: AwsCall) -> None:
    _check_tags(call)


@before("secretsmanager", "PutResourcePolicy")
def _put_policy(call: AwsCall) -> None:
    text = call.text("ResourcePolicy")
    try:
        document = policy_documents.check(text, "resource")
    except policy_documents.Malformed as error:
        raise AwsError("MalformedPolicyDocumentException", f"This resource policy contains invalid Json: {error}") from error
    if principals.first_unknown(document):
        raise AwsError("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal.")
    if call.params.get("BlockPublicPolicy") and is_public(document):
        raise AwsError("PublicPolicyException", "You can't attach a policy that grants broad access to this secret.")


@before("secretsmanager", "ValidateResourcePolicy")
def _validate_policy(call: AwsCall) -> dict[str, Any]:
    try:
        document = policy_documents.check(call.text("ResourcePolicy"), "resource")
    except policy_documents.Malformed as error:
        return {"PolicyValidationPassed": False, "ValidationErrors": [{"CheckName": "Grammar", "ErrorMessage": str(error)}]}
    failed = [{"CheckName": "Public", "ErrorMessage": json.dumps(each)} for each in statements(document) if is_public({"Statement": each})]
    return {"PolicyValidationPassed": not failed, "ValidationErrors": failed}
