"""Credentials of a user for single services (API reference: CreateServiceSpecificCredential, ListServiceSpecificCredentials,
DeleteServiceSpecificCredential)."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError
from . import before
from .iam_documents import no_such, user_of

SERVICES = ("codecommit.amazonaws.com", "cassandra.amazonaws.com")
PER_SERVICE_MAX = 2


def _held(user: Any) -> list[dict[str, Any]]:
    if not hasattr(user, "sandbox_service_credentials"):
        user.sandbox_service_credentials = []
    return user.sandbox_service_credentials


@before("iam", "CreateServiceSpecificCredential")
def _create(call: AwsCall) -> dict[str, Any]:
    user, service = user_of(call), call.text("ServiceName")
    if service not in SERVICES:
        raise AwsError("NoSuchEntity", f"No such service {service} is supported for Service Specific Credentials", 404)
    held = _held(user)
    if sum(each["ServiceName"] == service for each in held) >= PER_SERVICE_MAX:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {PER_SERVICE_MAX}", 409)
    made = {
        "UserName": user.name,
        "Status": "Active",
        "ServiceUserName": f"{user.name}-at-{call.account}",
        "CreateDate": datetime.now(timezone.utc),
        "ServiceSpecificCredentialId": "ACCA" + secrets.token_hex(8).upper(),
        "ServiceName": service,
    }
    held.append(made)
    return {"ServiceSpecificCredential": made | {"ServicePassword": secrets.token_urlsafe(32)}}


@before("iam", "ListServiceSpecificCredentials")
def _list(call: AwsCall) -> dict[str, Any]:
    service = call.params.get("ServiceName")
    return {"ServiceSpecificCredentials": [each for each in _held(user_of(call)) if service in (None, each["ServiceName"])]}


@before("iam", "DeleteServiceSpecificCredential")
def _delete(call: AwsCall) -> dict[str, Any]:
    held, wanted = _held(user_of(call)), call.text("ServiceSpecificCredentialId")
    if all(each["ServiceSpecificCredentialId"] != wanted for each in held):
        raise no_such(f"Service specific credential {wanted} not found.")
    held[:] = [each for each in held if each["ServiceSpecificCredentialId"] != wanted]
    return {}
