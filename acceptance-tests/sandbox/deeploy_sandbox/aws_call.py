"""One call to AWS: who asks which operation of which service, with which parameters."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.utilities.utils import get_partition
from werkzeug.datastructures import Headers, MultiDict

from . import operations
from .identity import Identity
from .wire import AwsError, HttpRequest, Reply

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d+)/([^/]+)/([^/]+)/aws4_request")
# Their body is the object itself, which is no parameter.
STREAMED = {"PutObject", "UploadPart"}


@dataclass
class AwsCall:
    request: HttpRequest
    access_key: str
    session_token: str | None
    region: str
    service: str
    operation: str
    protocol: str
    query: dict[str, str]
    path_parameters: dict[str, str]
    identity: Identity = field(default_factory=Identity.unknown)

    @property
    def account(self) -> str:
        return self.identity.account

    @property
    def partition(self) -> str:
        return get_partition(self.region)

    @property
    def mutating(self) -> bool:
        if self.service == "ec2" and str(self.params.get("DryRun", "")).lower() == "true":
            return False
        return operations.is_mutating(self.service, self.operation, self.request.method)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def headers(self) -> dict[str, str]:
        return self.request.headers

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters by the names of AWS's API reference; empty where the body cannot be read."""
        if self.protocol == "json":
            try:
                return dict(json.loads(self.request.body or b"{}"))
            except (TypeError, ValueError):
                return {}
        model = operations.operation_model(self.service, self.operation)
        if model is None:
            return {}
        if self.protocol in ("query", "ec2"):
            values = MultiDict(_form(self.request))
        else:
            values = MultiDict(parse_qsl(self.request.query, keep_blank_values=True))
        body = b"" if self.operation in STREAMED else self.request.body
        if "aws-chunked" in self.headers.get("content-encoding", ""):
            body = unwrap_aws_chunks(body)
        try:
            return dict(
                PROTOCOL_PARSERS[self.protocol](model).parse(
                    {
                        "body": body.decode("utf-8"),
                        "headers": Headers(list(self.headers.items())),
                        "method": self.request.method,
                        "url_params": {k: quote(v) for k, v in self.path_parameters.items()},
                        "url_path": self.request.path,
                        "values": values,
                    }
                )
            )
        except Exception:  # a body that botocore's shapes do not admit: moto answers for it
            return {}

    def text(self, name: str, default: str = "") -> str:
        value = self.params.get(name)
        return default if value is None else str(value)

    @property
    def token(self) -> str | None:
        member = operations.token_member(self.service, self.operation)
        return self.params.get(member) if member else None

    def replace_params(self, **changes: Any) -> None:
        """Changes the request of a JSON protocol before moto reads it."""
        params = {**self.params, **changes}
        self.request.body = json.dumps(params).encode()
        self.__dict__["params"] = params

    def answer(self, result: dict[str, Any]) -> Reply:
        """A successful reply of this operation, in its service's protocol."""
        if self.protocol == "json":
            body = json.dumps(result, default=_json_value).encode()
            return Reply(200, [("Content-Type", "application/x-amz-json-1.1")], body)
        model = operations.operation_model(self.service, self.operation)
        serializer = get_serializer_class(self.service, self.protocol)
        done = serializer(operation_model=model, context=SerializationContext()).serialize(result)
        body_value = done["body"]
        body = body_value if isinstance(body_value, bytes) else str(body_value or "").encode()
        headers = [(str(k), str(v)) for k, v in done["headers"].items()]
        if not any(k.lower() == "content-type" for k, _ in headers) and body:
            headers.append(("Content-Type", "text/xml"))
        return Reply(int(done["status_code"]), headers, body)


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "timestamp"):
        return value.timestamp()
    return str(value)


def _form(request: HttpRequest) -> list[tuple[str, str]]:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    return pairs + parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def unwrap_aws_chunks(body: bytes) -> bytes:
    """The content of an `aws-chunked` body (SDKs send bodies so to append a checksum)."""
    content, at = bytearray(), 0
    while at < len(body):
        end = body.find(b"\r\n", at)
        if end < 0:
            break
        try:
            size = int(body[at:end].split(b";")[0], 16)
        except ValueError:
            return body
        if size == 0:
            break
        content += body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2
    return bytes(content)


def read_call(request: HttpRequest) -> AwsCall:
    """Raises AwsError when the request names no operation that AWS has."""
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    authorization = request.headers.get("authorization", "")
    token = request.headers.get("x-amz-security-token") or query.get("X-Amz-Security-Token")
    scope = CREDENTIAL.search(authorization)
    if scope is None and "X-Amz-Credential" in query:
        scope = CREDENTIAL.search("Credential=" + query["X-Amz-Credential"])
    if scope is None:
        access_key, region, signing = "", "us-east-1", _unsigned_service(request)
    else:
        access_key, _, region, signing = scope.groups()
    service = operations.BOTOCORE_NAMES.get(signing.lower(), signing.lower())
    protocol = operations.protocol_of(service)
    operation, path_parameters = "", {}
    target = request.headers.get("x-amz-target")
    if target:
        operation, protocol = target.rpartition(".")[2], "json"
    elif protocol in ("query", "ec2"):
        form = dict(_form(request))
        operation = form.get("Action", "")
        service = operations.BY_VERSION.get((service, form.get("Version", "")), service)
    elif protocol in ("rest-json", "rest-xml"):
        path = _path_style(request) if service == "s3" else request.path
        operation, path_parameters = operations.match_rest(service, request.method, path, query, request.headers)
    return AwsCall(request, access_key, token, region, service, operation, protocol, query, path_parameters)


def _path_style(request: HttpRequest) -> str:
    """Turns `bucket.localhost/key` into `localhost/bucket/key`, and returns the path."""
    host = request.headers.get("host", "").split(":")[0]
    for suffix in (".localhost", ".127.0.0.1"):
        if host.endswith(suffix):
            request.path = f"/{host[: -len(suffix)]}{request.path}"
            request.headers["host"] = request.headers["host"][len(host) - len(suffix) + 1 :]
    return request.path


def _unsigned_service(request: HttpRequest) -> str:
    action = dict(_form(request)).get("Action", "") if request.method == "POST" else ""
    return "sts" if action in ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML") else "s3"


def bucket_of(call: AwsCall) -> str:
    return unquote(call.path_parameters.get("Bucket", ""))


def refuse_unknown(call: AwsCall) -> AwsError:
    return AwsError(
        "NotImplementedBySandbox",
        f"The sandbox has no {call.service} {call.operation or call.request.method + ' ' + call.request.path}",
        400,
    )
