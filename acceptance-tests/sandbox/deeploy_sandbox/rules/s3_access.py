"""S3 objects under SSE-KMS, and buckets of other accounts: S3 user guide "Using server-side encryption with AWS
KMS keys" (the key is looked at when an object is put or read), "Error responses" (the KMS.* codes).
"""

from __future__ import annotations

from typing import Any

from .. import evaluate
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity import access_denied
from ..identity_policies import principal_of
from ..moto_bridge import backend
from ..wire import AwsError
from . import before
from .actions import actions_of
from .s3_buckets import owner_of

WRITES = ("PutObject", "CopyObject", "CreateMultipartUpload")
READS = ("GetObject",)


@before("s3", *WRITES, *READS)
def _usable_key(call: AwsCall) -> None:
    key_id = object_key_id(call)
    if key_id is None:
        return
    arn = key_arn(call, key_id)
    key = backend("kms", arn.split(":")[4], call.region).keys.get(arn.rpartition("/")[2]) if arn else None
    if key is None:
        raise AwsError("KMS.NotFoundException", f"Key '{arn or key_id}' does not exist", 400)
    if key.key_state == "Disabled":
        raise AwsError("KMS.DisabledException", f"{key.arn} is disabled.", 400)
    if key.key_state == "PendingDeletion":
        raise AwsError("KMS.KMSInvalidStateException", f"{key.arn} is pending deletion.", 400)


def object_key_id(call: AwsCall) -> str | None:
    """The customer key of an object that is written or read; None for AES256 and aws/s3."""
    found = owner_of(call.path_parameters.get("Bucket", ""))
    if found is None:
        return None
    if call.operation in READS:
        key = found[1].keys.get(call.path_parameters.get("Key", ""))
        is_kms = getattr(key, "encryption", None) in ("aws:kms", "aws:kms:dsse")
        return getattr(key, "kms_key_id", None) if is_kms else None
    algorithm = call.headers.get("x-amz-server-side-encryption")
    if algorithm is not None:
        return call.headers.get("x-amz-server-side-encryption-aws-kms-key-id") if algorithm.startswith("aws:kms") else None
    default = ((found[1].encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
    return default.get("KMSMasterKeyID") if str(default.get("SSEAlgorithm")).startswith("aws:kms") else None


def key_arn(call: AwsCall, key_id: str) -> str | None:
    """The key's ARN; an alias is looked up in the caller's account."""
    if key_id.startswith("arn:") and ":key/" in key_id:
        return key_id
    name = key_id.split(":", 5)[-1]
    if name.startswith("alias/"):
        for key in backend("kms", call.account, call.region).keys.values():
            if name in key.aliases:
                return str(key.arn)
        return None
    return f"arn:{call.partition}:kms:{call.region}:{call.account}:key/{name}"


@before("s3", "*")
def _foreign_bucket(call: AwsCall) -> None:
    """Users and sessions are judged by `enforcement`; here another account's admin is."""
    found = owner_of(call.path_parameters.get("Bucket", ""))
    if found is None or found[0] == call.account or call.identity.kind != "admin" or call.operation == "CreateBucket":
        return
    principal = principal_of(call.identity.arn)
    context: dict[str, Any] = {**principal.context(), "aws:SecureTransport": "true"}
    resource = f"arn:{call.partition}:s3:::{call.path_parameters['Bucket']}"
    if "Key" in call.path_parameters:
        resource += "/" + call.path_parameters["Key"]
    for action in actions_of(call):
        decision, _ = evaluate.decide(principal, evaluate.Question(action, resource, folded(context)))
        if decision != "allowed":
            raise access_denied("s3", call.identity, action, resource)
