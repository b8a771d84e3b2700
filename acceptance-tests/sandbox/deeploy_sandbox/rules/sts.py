"""STS: API reference of GetCallerIdentity, AssumeRole and AssumeRoleWithWebIdentity; IAM user guide,
"Methods to assume a role" and "Session tags".
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .. import evaluate, principals
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity import Session, Sessions
from ..identity_policies import Principal, principal_of
from ..moto_bridge import Unsupported
from ..wire import AwsError, Reply
from . import before

SESSION_NAME = re.compile(r"^[\w+=,.@-]{2,64}$")
CHAINED_SESSION_S_MAX = 3600


@dataclass
class Registry:
    sessions: Sessions | None = None


registry = Registry()


@before("sts", "GetCallerIdentity")
def _who(call: AwsCall) -> dict[str, Any]:
    identity = call.identity
    if identity.kind == "anonymous":
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    return {"UserId": identity.user_id, "Account": identity.account, "Arn": identity.arn}


@before("sts", "GetSessionToken", "GetFederationToken", "AssumeRoleWithSAML", "AssumeRoot")
def _not_here(call: AwsCall) -> Reply:
    raise Unsupported("NotImplementedBySandbox", f"The sandbox has no sts {call.operation}")


def _refuse(call: AwsCall, who: str) -> AwsError:
    return AwsError(
        "AccessDenied", f"User: {who} is not authorized to perform: sts:{call.operation} on resource: {call.text('RoleArn')}", 403
    )


@before("sts", "AssumeRole")
def _assume_role(call: AwsCall) -> dict[str, Any]:
    _check_shape(call)
    role = principals.entity(call.text("RoleArn"))
    if role is None:
        raise _refuse(call, call.identity.arn)
    caller = principal_of(call.identity.arn)
    context: dict[str, Any] = {**caller.context(), "sts:RoleSessionName": call.text("RoleSessionName")}
    if call.params.get("ExternalId"):
        context["sts:ExternalId"] = call.text("ExternalId")
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in call.params.get("Tags") or []}
    context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    context["aws:TagKeys"] = list(tags)
    for action in ["sts:AssumeRole"] + (["sts:TagSession"] if tags else []):
        decision, _ = evaluate.decide(caller, evaluate.Question(action, role.arn, folded(context)))
        if decision != "allowed":
            raise _refuse(call, call.identity.arn)
    if call.identity.kind == "session" and int(call.params.get("DurationSeconds") or 0) > CHAINED_SESSION_S_MAX:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        )
    return _open_session(call, role, tags)


@before("sts", "AssumeRoleWithWebIdentity")
def _assume_with_web_identity(call: AwsCall) -> dict[str, Any]:
    _check_shape(call)
    claims = _claims(call.text("WebIdentityToken"))
    role = principals.entity(call.text("RoleArn"))
    if role is None:
        raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    issuer = str(claims.get("iss", "")).removeprefix("https://")
    backend = principals.iam_backend(role.account_id, role.partition)
    provider = f"arn:{role.partition}:iam::{role.account_id}:oidc-provider/{issuer}"
    known = backend.open_id_providers.get(provider)
    if known is None:
        raise AwsError("InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + str(claims.get("iss")))
    audiences = claims.get("aud") if isinstance(claims.get("aud"), list) else [claims.get("aud")]
    if known.client_id_list and not set(audiences) & set(known.client_id_list):
        raise AwsError("InvalidIdentityToken", "Incorrect token audience")
    context = {f"{issuer}:aud": audiences[0], f"{issuer}:sub": claims.get("sub", "")}
    question = evaluate.Question("sts:AssumeRoleWithWebIdentity", role.arn, folded(context))
    federated = Principal("federated", provider, "", names={provider})
    decision, _ = evaluate.decide(federated, question)
    if decision != "allowed":
        raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    result = _open_session(call, role, {})
    return {**result, "SubjectFromWebIdentityToken": claims.get("sub", ""), "Provider": provider, "Audience": str(audiences[0])}


def _claims(token: str) -> dict[str, Any]:
    """A token's claims. Signatures are not checked: no issuer can be reached from here."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return dict(claims)
    except (IndexError, ValueError, TypeError):
        raise AwsError(
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        ) from None


def _check_shape(call: AwsCall) -> None:
    name = call.text("RoleSessionName")
    if not SESSION_NAME.match(name):
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        )
    if not principals.ENTITY.match(call.text("RoleArn")):
        raise AwsError("ValidationError", f"{call.text('RoleArn')} is invalid")
    duration = call.params.get("DurationSeconds")
    if duration is not None and not 900 <= int(duration) <= 43_200:
        raise AwsError("ValidationError", f"Value '{duration}' at 'durationSeconds' failed to satisfy constraint")


def _open_session(call: AwsCall, role: Any, tags: dict[str, str]) -> dict[str, Any]:
    duration_s = int(call.params.get("DurationSeconds") or 3600)
    if duration_s > int(role.max_session_duration or 3600):
        raise AwsError("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    alphabet = string.ascii_uppercase + "234567"
    access_key = "ASIA" + "".join(random.choices(alphabet, k=16))
    token = "".join(random.choices(string.ascii_letters + string.digits, k=300))
    expires = datetime.now(timezone.utc) + timedelta(seconds=duration_s)
    name = call.text("RoleSessionName")
    session = Session(
        role.account_id, role.name, role.arn, role.id, name, role.partition, token, expires, call.params.get("Policy"), tags
    )
    assert registry.sessions is not None
    registry.sessions.add(access_key, session)
    secret = "".join(random.choices(string.ascii_letters + string.digits + "+/", k=40))
    return {
        "Credentials": {
            "AccessKeyId": access_key,
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": f"{role.id}:{name}", "Arn": session.arn},
    }
