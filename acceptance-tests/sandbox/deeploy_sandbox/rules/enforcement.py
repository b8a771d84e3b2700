"""Users' access keys and roles' sessions may do what their policies allow; the sandbox's admins may do all.

IAM user guide, "Policy evaluation logic"; S3 and Secrets Manager user guides on the KMS actions that a
customer key asks for besides.
"""

from __future__ import annotations

from typing import Any

from .. import evaluate
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity import access_denied
from ..identity_policies import principal_of
from . import iam_deletes, s3_access
from .actions import actions_of, own_actions_of
from .dependent_actions import dependents_of
from .request_tags import tag_context
from .resource_arns import needs_of, resource_arn

# Answered for everybody, or judged by their own rules.
EXEMPT = ("sts:GetCallerIdentity", "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity")


def enforce(call: AwsCall) -> None:
    identity = call.identity
    if identity.kind == "anonymous" and call.service == "s3":
        _admit_anonymous(call)
    if identity.kind == "user":
        iam_deletes.note_use(call)
    if identity.kind not in ("user", "session") or call.name in EXEMPT:
        return
    principal = principal_of(identity.arn)
    if identity.session is not None:
        principal.session_policy = identity.session.policy
        principal.tags |= identity.session.tags
    context = {**principal.context(), **request_context(call)}
    for action, resource, known in needs_of(call, own_actions_of(call)):
        _require(call, principal, action, resource, {**context, **known})
    for each in dependents_of(call):
        if not each.by_service:
            _require(call, principal, each.action, each.resource, {**context, **each.context})
    for action, key in _key_actions(call):
        via = {"kms:ViaService": f"{call.service}.{call.region}.amazonaws.com", "kms:CallerAccount": call.account}
        _require(call, principal, action, key, {**context, **via})


def _admit_anonymous(call: AwsCall) -> None:
    """Nobody in particular may do what a bucket policy allows to all."""
    for action in actions_of(call):
        _require(call, principal_of("*"), action, resource_arn(call), request_context(call))


def _require(call: AwsCall, principal: Any, action: str, resource: str, context: dict[str, Any]) -> None:
    decision, _ = evaluate.decide(principal, evaluate.Question(action, resource, folded(context)))
    if decision != "allowed":
        raise access_denied(call.service, call.identity, action, resource)


def request_context(call: AwsCall) -> dict[str, Any]:
    """The condition keys of a request. It counts as sent over TLS, though the sandbox speaks plain HTTP."""
    found: dict[str, Any] = {
        "aws:SecureTransport": "true",
        "aws:RequestedRegion": call.region,
        "aws:SourceIp": "127.0.0.1",
        "kms:CallerAccount": call.account,
    }
    found |= tag_context(call)
    if call.service == "s3":
        for parameter in ("prefix", "delimiter", "max-keys"):
            if parameter in call.query:
                found[f"s3:{parameter}"] = call.query[parameter]
        for header in ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-acl"):
            if header in call.headers:
                found[f"s3:{header}"] = call.headers[header]
    if call.service == "kms":
        for key, value in (call.params.get("EncryptionContext") or {}).items():
            found[f"kms:EncryptionContext:{key}"] = value
    if call.service == "iam" and call.params.get("PermissionsBoundary"):
        found["iam:PermissionsBoundary"] = call.text("PermissionsBoundary")
    if call.service == "iam" and call.params.get("PolicyArn"):
        found["iam:PolicyARN"] = call.text("PolicyArn")
    return found


def _key_actions(call: AwsCall) -> list[tuple[str, str]]:
    """The KMS actions that the caller needs because the object or secret is under a customer key."""
    if call.service == "s3" and call.operation in s3_access.WRITES + s3_access.READS:
        key_id = s3_access.object_key_id(call)
        arn = s3_access.key_arn(call, key_id) if key_id else None
        action = "kms:Decrypt" if call.operation in s3_access.READS else "kms:GenerateDataKey"
        return [(action, arn)] if arn else []
    if call.service == "ssm":
        return _parameter_key_actions(call)
    if call.name in ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"):
        from .secrets import find_secret

        secret = find_secret(call, call.text("SecretId"))
        key_id = getattr(secret, "kms_key_id", None)
        if key_id and "alias/aws/" not in key_id:
            arn = s3_access.key_arn(call, key_id)
            action = "kms:Decrypt" if call.operation == "GetSecretValue" else "kms:GenerateDataKey"
            return [(action, arn)] if arn else []
    return []


def _parameter_key_actions(call: AwsCall) -> list[tuple[str, str]]:
    """SecureString parameters under a customer key: Encrypt to put, Decrypt to read in plain."""
    from .ssm_parameters import stored

    keys: list[tuple[str, str]] = []
    if call.operation == "PutParameter" and call.text("Type") == "SecureString":
        keys.append(("kms:Encrypt", call.text("KeyId")))
    if call.operation in ("GetParameter", "GetParameters") and call.params.get("WithDecryption") in (True, "true"):
        for name in [call.text("Name")] if call.operation == "GetParameter" else call.params.get("Names") or []:
            found = stored(call, str(name))
            if found is not None and found.parameter_type == "SecureString":
                keys.append(("kms:Decrypt", found.keyid or ""))
    customer = [(action, s3_access.key_arn(call, key)) for action, key in keys if key and "alias/aws/" not in key]
    return [(action, arn) for action, arn in customer if arn]
