"""IAM's OIDC providers: API reference of CreateOpenIDConnectProvider ("thumbprints … optional": IAM looks them up)."""

from __future__ import annotations

import hashlib

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
