"""S3 bucket settings: user guide "Blocking public access", "Controlling ownership of objects", "Setting default
server-side encryption behavior", "Enabling server access logging", "Lifecycle configuration"; API
reference of the Put and Get operations.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from .. import evaluate, policy_documents, principals
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity_policies import Principal
from ..policy_documents import as_list, statements
from ..wire import AwsError, Reply
from . import after, before
from .s3_buckets import DEFAULT_ENCRYPTION, bucket_of, check_tags

POLICY_BYTES_MAX = 20 * 1024
# A condition on one of these keys with a fixed value makes a statement not public.
NARROWING_KEYS = {
    "aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount",
    "aws:sourceorgid", "aws:sourceorgpaths", "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn",
    "aws:principalaccount", "aws:userid", "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}  # fmt: skip


def malformed(text: str) -> AwsError:
    return AwsError("MalformedPolicy", text, 400)


def is_public(document: dict[str, Any] | str | bytes | None) -> bool:
    """S3 user guide, "The meaning of public"."""
    for statement in statements(document):
        if statement.get("Effect") != "Allow":
            continue
        if "NotPrincipal" not in statement and not any(name == "*" for _, name in principals.named(statement)):
            continue
        if not _narrowed(statement.get("Condition") or {}):
            return True
    return False


def _narrowed(conditions: dict[str, Any]) -> bool:
    for operator, block in conditions.items():
        if "Not" in operator or operator.startswith("ForAllValues") or operator.endswith("IfExists") or operator == "Null":
            continue
        for key, values in block.items():
            fixed = all("*" not in str(value) and "?" not in str(value) for value in as_list(values))
            broad = key.lower() == "aws:sourceip" and any(str(value).endswith("/0") for value in as_list(values))
            if key.lower() in NARROWING_KEYS and fixed and not broad:
                return True
            if key.lower() in ("aws:sourcearn", "aws:principalarn") and all(_names_account(str(value)) for value in as_list(values)):
                return True
    return False


def _names_account(arn: str) -> bool:
    parts = arn.split(":")
    return len(parts) > 5 and parts[4].isdigit()


@before("s3", "PutBucketPolicy")
def _put_policy(call: AwsCall) -> None:
    bucket = bucket_of(call)
    body = call.request.body
    if len(body) > POLICY_BYTES_MAX:
        raise AwsError("PolicyTooLarge", "The policy exceeds the maximum allowed document size.", 400)
    text = body.decode("utf-8", "replace")
    try:
        document = policy_documents.check(text, "resource")
    except policy_documents.Malformed as error:
        message = str(error)
        if "JSON" in message:
            message = "Policies must be valid JSON and the first byte must be '{'"
        raise malformed(message) from error
    unknown = principals.first_unknown(document)
    if unknown:
        raise malformed("Invalid principal in policy")
    arn = f"arn:{bucket.partition}:s3:::{bucket.name}"
    for statement in statements(document):
        for action in as_list(statement.get("Action", statement.get("NotAction"))):
            if action != "*" and not str(action).lower().startswith("s3:"):
                raise malformed("Policy has invalid action")
        for resource in as_list(statement.get("Resource", statement.get("NotResource"))):
            if resource not in ("*", arn) and not str(resource).startswith(arn + "/") and str(resource) != arn + "*":
                raise malformed("Policy has invalid resource")
    block = bucket.public_access_block
    if block is not None and block.block_public_policy and is_public(document):
        raise AwsError(
            "AccessDenied",
            f"User: {call.identity.arn} is not authorized to perform: s3:PutBucketPolicy on resource: \"{arn}\" because "
            "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
            403,
        )


@after("s3", "PutBucketPolicy")
def _policy_put(call: AwsCall, reply: Reply) -> Reply | None:
    return Reply(204) if reply.status == 200 else None


@before("s3", "GetBucketPolicyStatus")
def _policy_status(call: AwsCall) -> dict[str, Any]:
    bucket = bucket_of(call)
    if not bucket.policy:
        raise no_policy(bucket.name)
    return {"PolicyStatus": {"IsPublic": is_public(bucket.policy)}}


def no_policy(name: str) -> AwsError:
    return AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404, extra={"BucketName": name})


@before("s3", "PutBucketAcl", "PutObjectAcl")
def _put_acl(call: AwsCall) -> None:
    bucket = bucket_of(call)
    if bucket.ownership_rule == "BucketOwnerEnforced":
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
    block = bucket.public_access_block
    if block is not None and block.block_public_acls and call.headers.get("x-amz-acl", "").startswith("public-"):
        raise AwsError("AccessDenied", "Access Denied", 403)


@before("s3", "PutObject", "CopyObject", "CreateMultipartUpload")
def _object_acl(call: AwsCall) -> None:
    acl = call.headers.get("x-amz-acl")
    enforced = bucket_of(call).ownership_rule == "BucketOwnerEnforced"
    if acl and enforced and acl not in ("bucket-owner-full-control", "private"):
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


@before("s3", "PutBucketTagging")
def _put_tags(call: AwsCall) -> None:
    check_tags((call.params.get("Tagging") or {}).get("TagSet") or [])


@before("s3", "PutBucketEncryption")
def _put_encryption(call: AwsCall) -> None:
    """The key is not looked at: a wrong one shows when an object is put."""
    bucket_of(call)
    for rule in (call.params.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or []:
        default = rule.get("ApplyServerSideEncryptionByDefault") or {}
        algorithm = default.get("SSEAlgorithm")
        if algorithm not in ("AES256", "aws:kms", "aws:kms:dsse"):
            raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)
        if algorithm == "AES256" and default.get("KMSMasterKeyID"):
            raise AwsError("InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse", 400)


@after("s3", "DeleteBucketEncryption")
def _delete_encryption(call: AwsCall, reply: Reply) -> None:
    if reply.status < 300:
        bucket_of(call).encryption = dict(DEFAULT_ENCRYPTION)


@before("s3", "PutBucketLifecycleConfiguration")
def _put_lifecycle(call: AwsCall) -> None:
    rules = (call.params.get("LifecycleConfiguration") or {}).get("Rules") or []
    if not 1 <= len(rules) <= 1000:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(ids) != len(set(ids)):
        raise AwsError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule", 400)
    for rule in rules:
        _check_lifecycle_rule(rule)


def _check_lifecycle_rule(rule: dict[str, Any]) -> None:
    actions = {
        "Expiration", "Transitions", "NoncurrentVersionExpiration", "NoncurrentVersionTransitions", "AbortIncompleteMultipartUpload",
    }  # fmt: skip
    if not actions & set(rule):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule", 400)
    days = [
        (rule.get("Expiration") or {}).get("Days"),
        (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays"),
        (rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation"),
    ]
    if any(each is not None and int(each) < 1 for each in days):
        raise AwsError("InvalidArgument", "'Days' for Expiration action must be a positive integer", 400)
    if rule.get("Status") not in ("Enabled", "Disabled"):
        raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)


@after("s3", "PutBucketLifecycleConfiguration")
def _lifecycle_put(call: AwsCall, reply: Reply) -> None:
    """moto loses parts of the rules, so we keep them as they came."""
    if reply.status >= 300:
        return
    bucket = bucket_of(call)
    size = call.headers.get("x-amz-transition-default-minimum-object-size", "all_storage_classes_128K")
    rules = [{"ID": uuid.uuid4().hex, **rule} for rule in call.params["LifecycleConfiguration"]["Rules"]]
    bucket.sandbox_lifecycle = {"Rules": rules, "TransitionDefaultMinimumObjectSize": size}
    reply.set_header("x-amz-transition-default-minimum-object-size", size)


@before("s3", "GetBucketLifecycleConfiguration")
def _get_lifecycle(call: AwsCall) -> dict[str, Any] | None:
    bucket = bucket_of(call)
    if not bucket.rules:
        return None
    return getattr(bucket, "sandbox_lifecycle", None)


@before("s3", "PutBucketLogging")
def _put_logging(call: AwsCall) -> Reply | None:
    """The target must be in the same account and region, and admit the logging service."""
    source = bucket_of(call)
    wanted = (call.params.get("BucketLoggingStatus") or {}).get("LoggingEnabled")
    if not wanted:
        return None
    name, prefix = str(wanted.get("TargetBucket")), str(wanted.get("TargetPrefix", ""))
    from .s3_buckets import owner_of

    found = owner_of(name)
    if found is None or found[0] != call.account:
        raise AwsError("InvalidTargetBucketForLogging", "The owner for the bucket to be logged and the target bucket must be the same.", 400)
    target = found[1]
    if target.region_name != source.region_name:
        raise AwsError("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ", 403)
    if target.ownership_rule != "BucketOwnerEnforced":
        return None  # moto looks at the ACL as well as the policy
    arn = f"arn:{target.partition}:s3:::{name}"
    context = {"aws:SourceArn": f"arn:{source.partition}:s3:::{source.name}", "aws:SourceAccount": call.account, "aws:SecureTransport": "true"}
    question = evaluate.Question("s3:PutObject", f"{arn}/{prefix}2026-01-01-00-00-00-0", folded(context))
    service = Principal("service", "logging.s3.amazonaws.com", "")
    verdict = evaluate.judge_resource((target.policy or b"").decode(), arn, service, question, trust=False)
    if verdict.denied or not verdict.allowed:
        raise AwsError(
            "InvalidTargetBucketForLogging",
            "You must give the log-delivery group WRITE and READ_ACP permissions to the target bucket",
            400,
        )
    source.logging = {"TargetBucket": name, "TargetPrefix": prefix}
    return Reply(200)


@before("s3", "GetBucketLogging")
def _get_logging(call: AwsCall) -> dict[str, Any]:
    kept = bucket_of(call).logging or {}
    if not kept:
        return {}
    shown = {key: kept[key] for key in ("TargetBucket", "TargetPrefix") if key in kept}
    return {"LoggingEnabled": {"TargetPrefix": "", **json.loads(json.dumps(shown))}}
