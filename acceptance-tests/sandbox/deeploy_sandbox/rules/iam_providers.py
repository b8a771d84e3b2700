"""IAM's OIDC providers: API reference of CreateOpenIDConnectProvider ("thumbprints … optional": IAM looks them up),
AddClientIDToOpenIDConnectProvider and RemoveClientIDFromOpenIDConnectProvider (both idempotent).
"""

from __future__ import annotations

import hashlib
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import after, before
from .iam_documents import store


def _arn(call: AwsCall) -> str:
    return f"arn:{call.partition}:iam::{call.account}:oidc-provider/{call.text('Url').removeprefix('https://').rstrip('/')}"


@before("iam", "CreateOpenIDConnectProvider")
def _create(call: AwsCall) -> None:
    url = call.text("Url")
    if not url.startswith("https://") or len(url) <= len("https://"):
        raise AwsError("ValidationError", "Invalid Open ID Connect Provider URL", 400)
    if _arn(call) in store(call).open_id_providers:
        raise AwsError("EntityAlreadyExists", f"Provider with url {url} already exists.", 409)


@after("iam", "CreateOpenIDConnectProvider")
def _thumbprint(call: AwsCall, reply: Reply) -> None:
    provider = store(call).open_id_providers.get(_arn(call)) if reply.status < 300 else None
    if provider is not None and not provider.thumbprint_list:
        provider.thumbprint_list = [hashlib.sha1(provider.url.encode(), usedforsecurity=False).hexdigest()]


# "You can register a maximum of 100 client IDs with a single IAM OIDC provider."
CLIENTS_MAX = 100


def _known(call: AwsCall) -> Any:
    provider = store(call).open_id_providers.get(call.text("OpenIDConnectProviderArn"))
    if provider is None:
        raise AwsError("NoSuchEntity", f"OpenIDConnect Provider not found for arn {call.text('OpenIDConnectProviderArn')}", 404)
    return provider


@before("iam", "AddClientIDToOpenIDConnectProvider")
def _add_client(call: AwsCall) -> dict[str, Any]:
    provider, client = _known(call), call.text("ClientID")
    if not 1 <= len(client) <= 255:
        raise AwsError("ValidationError", "1 validation error detected: Value at 'clientID' failed to satisfy constraint", 400)
    if client not in provider.client_id_list:
        if len(provider.client_id_list) >= CLIENTS_MAX:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENTS_MAX}", 409)
        provider.client_id_list = [*provider.client_id_list, client]
    return {}


@before("iam", "RemoveClientIDFromOpenIDConnectProvider")
def _remove_client(call: AwsCall) -> dict[str, Any]:
    provider = _known(call)
    provider.client_id_list = [each for each in provider.client_id_list if each != call.text("ClientID")]
    return {}
