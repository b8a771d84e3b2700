"""KMS aliases, grants and lists: KMS developer guide, "Aliases" and "Grants"; API reference of CreateAlias,
UpdateAlias, CreateGrant and the lists' Limit and Marker.
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.core.utils import unix_time

from .. import principals
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before
from .kms_keys import ALIASES_PER_KEY_MAX, find_key, invalid_state, validation

ALIAS = re.compile(r"^alias/[a-zA-Z0-9/_-]{1,250}$")
OPERATIONS = {
    "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "Sign",
    "Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "DeriveSharedSecret",
}  # fmt: skip
# What a list returns at most when the caller names no Limit.
PAGES = {
    "ListKeys": ("Keys", 100),
    "ListAliases": ("Aliases", 50),
    "ListGrants": ("Grants", 50),
    "ListResourceTags": ("Tags", 50),
}


@before("kms", "CreateAlias", "UpdateAlias")
def _alias(call: AwsCall) -> None:
    name = call.text("AliasName")
    if not name.startswith("alias/"):
        raise validation("Invalid identifier")
    if name.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException", "")
    if not ALIAS.match(name):
        raise validation(
            f"1 validation error detected: Value '{name}' at 'aliasName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
        )
    if call.text("TargetKeyId").startswith("alias/"):
        raise validation("Aliases must refer to keys. Not aliases")
    target = find_key(call, call.text("TargetKeyId"))
    if target.key_state == "PendingDeletion":
        raise invalid_state(target, "pending deletion")
    if name not in target.aliases and len(target.aliases) >= ALIASES_PER_KEY_MAX:
        raise AwsError("LimitExceededException", f"{target.arn} has too many aliases")
    if call.operation == "UpdateAlias":
        source = find_key(call, name)
        if (source.key_spec, source.key_usage) != (target.key_spec, target.key_usage):
            raise validation("Alias must point to a key of the same type")
    call.replace_params(TargetKeyId=target.id)


@after("kms", "CreateAlias", "UpdateAlias")
def _alias_dates(call: AwsCall, reply: Reply) -> None:
    if reply.status == 200:
        alias = find_key(call, call.text("AliasName")).aliases[call.text("AliasName")]
        alias.updated_s = unix_time()
        alias.created_s = getattr(alias, "created_s", alias.updated_s)


@before("kms", "DeleteAlias")
def _delete_alias(call: AwsCall) -> None:
    name = call.text("AliasName")
    if name.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException", "")
    store = backend("kms", call.account, call.region)
    if name.startswith("alias/") and not any(name in key.aliases for key in store.keys.values()):
        arn = f"arn:{call.partition}:kms:{call.region}:{call.account}:{name}"
        raise AwsError("NotFoundException", f"Alias {arn} is not found.")


@before("kms", "CreateGrant")
def _create_grant(call: AwsCall) -> dict[str, Any] | None:
    key = find_key(call, call.text("KeyId"))
    for member in ("GranteePrincipal", "RetiringPrincipal"):
        arn = call.params.get(member)
        if arn and principals.first_unknown({"Statement": {"Principal": {"AWS": arn}}}) and not principals.SERVICE.match(arn):
            raise AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")
    unknown = set(call.params.get("Operations") or []) - OPERATIONS
    if unknown:
        raise validation(f"Value '{sorted(unknown)}' at 'operations' failed to satisfy constraint")
    for grant in key.grants.values():
        # A retry with the same name and content finds the first grant; its token is new.
        same = (grant.name, grant.grantee_principal, grant.operations, grant.constraints, grant.retiring_principal)
        asked = tuple(
            call.params.get(each) for each in ("Name", "GranteePrincipal", "Operations", "Constraints", "RetiringPrincipal")
        )
        if grant.name and same == asked:
            return {"GrantId": grant.id, "GrantToken": grant.token}
    call.replace_params(KeyId=key.id)
    return None


@after("kms", "CreateGrant")
def _grant_date(call: AwsCall, reply: Reply) -> None:
    key = find_key(call, call.text("KeyId"))
    for grant in key.grants.values():
        grant.created_s = getattr(grant, "created_s", unix_time())


@before("kms", "ListGrants", "RevokeGrant")
def _grant_key(call: AwsCall) -> None:
    call.replace_params(KeyId=find_key(call, call.text("KeyId")).id)


@after("kms", *PAGES)
def _page(call: AwsCall, reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    name, default = PAGES[call.operation]
    items = json.loads(reply.body)[name]
    store = backend("kms", call.account, call.region)
    for item in items:
        if name == "Aliases":
            _date_alias(store, item)
        if name == "Grants":
            key = store.keys[item["KeyId"]]
            item |= {
                "KeyId": key.arn,
                "IssuingAccount": f"arn:{call.partition}:iam::{call.account}:root",
                "CreationDate": getattr(key.grants[item["GrantId"]], "created_s", 0),
            }
    items = [{k: v for k, v in item.items() if v is not None} for item in items]
    limit = int(call.params.get("Limit") or default)
    try:
        start = int(call.params.get("Marker") or 0)
    except ValueError:
        raise AwsError("InvalidMarkerException", "The marker is invalid") from None
    page: dict[str, Any] = {name: items[start : start + limit], "Truncated": start + limit < len(items)}
    if page["Truncated"]:
        page["NextMarker"] = str(start + limit)
    return page


def _date_alias(store: Any, item: dict[str, Any]) -> None:
    key = store.keys.get(item.get("TargetKeyId"))
    alias = key.aliases.get(item["AliasName"]) if key else None
    if alias is None:
        # One of AWS's own aliases whose key nobody has used yet: AWS lists it without a key.
        item.pop("TargetKeyId", None)
    elif hasattr(alias, "created_s"):
        item |= {"CreationDate": alias.created_s, "LastUpdatedDate": alias.updated_s}
