"""The one place that talks to moto: hands it a call, and clears an account of it."""

from __future__ import annotations

import io
import logging
import traceback
from typing import Any
from urllib.parse import unquote

import moto.backends
from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from .aws_call import AwsCall, refuse_unknown
from .s3_roots import name_reply_documents
from .wire import AwsError, Reply

logging.getLogger("werkzeug").setLevel(logging.ERROR)
logging.getLogger("moto").setLevel(logging.ERROR)

PRELOADED = ("kms", "s3", "iam", "sts", "secretsmanager", "ssm", "resourcegroupstaggingapi")


class Unsupported(AwsError):
    """Neither moto nor we implement the operation."""


class _Dispatcher(DomainDispatcherApplication):
    """moto looks through its folders for every request, under a lock."""

    def __init__(self, create_app: Any) -> None:
        super().__init__(create_app)
        self._known: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


class Moto:
    def __init__(self) -> None:
        _leave_authorization_to_us()
        name_reply_documents()
        self._application = _Dispatcher(create_backend_app)
        for service in PRELOADED:
            moto.backends.get_backend(service)

    def send(self, call: AwsCall) -> Reply:
        """Raises Unsupported where moto has no answer of AWS's kind."""
        request = call.request
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(request.path, "latin-1"),
            "RAW_URI": request.path + ("?" + request.query if request.query else ""),
            "REQUEST_URI": request.path + ("?" + request.query if request.query else ""),
            "QUERY_STRING": request.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        for name, value in request.headers.items():
            if name not in ("content-type", "content-length", "transfer-encoding", "expect", "user-agent"):
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        # moto reads a region out of some agents; the credential's scope is what AWS goes by.
        environ["HTTP_USER_AGENT"] = "sandbox"
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
        if call.identity.kind == "anonymous" and call.service == "s3":
            # Our policies have let the caller in; moto would go by the object's ACL alone.
            environ["HTTP_AUTHORIZATION"] = (
                f"AWS4-HMAC-SHA256 Credential=anonymous/20260101/{call.region}/s3/aws4_request, SignedHeaders=host, Signature=none"
            )
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
            started.append((status, headers))

        try:
            chunks = self._application(environ, start_response)
            body = b"".join(chunks)
        except NotImplementedError:
            raise _unsupported(call) from None
        except AwsError:
            raise
        except Exception as error:
            if "NoneType" in str(error) and "replace" in str(error):
                raise _unsupported(call) from None  # moto has no such service at all
            traceback.print_exc()
            refused = _unsupported(call)
            refused.message += f" (moto failed: {type(error).__name__}: {error})"
            raise refused from None
        status, headers = started[0]
        reply = Reply(int(status.split()[0]), [(k, v) for k, v in headers if k.lower() != "status"], body)
        if _is_not_aws(reply, call):
            raise _unsupported(call)
        return reply


def _leave_authorization_to_us() -> None:
    """moto's own checks of bucket and key policies ignore conditions, and so refuse what AWS allows."""
    import moto.kms.responses
    from moto.iam.access_control import PermissionResult
    from moto.iam.models import ManagedPolicy
    from moto.s3.models import FakeBucket
    from moto.s3.responses import S3Response

    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]
    S3Response._authenticate_and_authorize_s3_action = lambda *_, **__: None  # type: ignore[method-assign]
    moto.kms.responses.validate_policy = lambda *_: None
    # The shape of GetAccountAuthorizationDetails asks a policy for these names.
    ManagedPolicy.policy_name = property(lambda self: self.name)  # type: ignore[attr-defined]
    ManagedPolicy.policy_id = property(lambda self: self.id)  # type: ignore[attr-defined]


def _unsupported(call: AwsCall) -> Unsupported:
    error = refuse_unknown(call)
    return Unsupported(error.code, error.message, error.status)


def _is_not_aws(reply: Reply, call: AwsCall) -> bool:
    """Flask's own pages: moto has no route for the request."""
    if reply.status == 501:
        return True
    kind = (reply.header("content-type") or "").lower()
    if reply.status < 400 or not kind.startswith("text/html"):
        return False
    text = reply.body.lstrip()[:15].lower()
    return text.startswith((b"<!doctype html", b"<html")) or (not text and call.service != "s3")


def backend(service: str, account: str, region: str):  # type: ignore[no-untyped-def]
    """moto's own store of a service; `region` is a partition's name for the global services."""
    return moto.backends.get_backend(service)[account][region]


def clear_account(account: str) -> None:
    for backends in _used():
        dict.pop(backends, account, None)
    # S3 keeps the owners of all names in one table: {name: (partition, account)}.
    owners = moto.backends.get_backend("s3").bucket_accounts
    for name in [name for name, owner in list(owners.items()) if owner[1] == account]:
        owners.pop(name, None)


def _used() -> list[BackendDict]:
    return list({id(found): found for found in list(BackendDict._instances)}.values())


def accounts() -> set[str]:
    return {account for backends in _used() for account in list(dict.keys(backends))}
