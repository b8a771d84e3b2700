"""Smithy RPC v2 CBOR, which the Rust SDK speaks to CloudWatch, turned into a protocol that moto reads, and back.

Smithy 2.0, "Smithy RPC v2 CBOR protocol" (`POST /service/SERVICE/operation/OPERATION`) and "AWS Query compatible"
(the `x-amzn-query-error` header). By botocore's models, so that it fits every service that has them.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize

from . import cbor
from .operations import BOTOCORE_NAMES
from .wire import AwsError, HttpRequest, Reply, render_error

PATH = re.compile(r"^/service/([^/]+)/operation/([^/]+)/?$")
SIGNED_FOR = re.compile(r"Credential=[^/,\s]+/\d+/[^/]+/([^/]+)/aws4_request")
# What moto reads, the simplest first.
READABLE = ("json", "rest-json", "query", "ec2", "rest-xml")
NAME = "rpc-v2-cbor"


@dataclass
class Conversation:
    """One call in CBOR: what its reply is to be turned back from."""

    service: str
    operation: str
    protocol: str
    model: Any

    def reply(self, reply: Reply) -> Reply:
        """The reply of the other protocol in CBOR."""
        output = self.model.output_shape if self.model is not None else None
        status = reply.status
        raw = {"status_code": status, "headers": _headers(reply), "body": reply.body}
        parsed = botocore.parsers.create_parser(self.protocol).parse(raw, output)
        parsed.pop("ResponseMetadata", None)
        kept = [(k, v) for k, v in reply.headers if k.lower() not in ("content-type", "content-length", "x-amzn-errortype")]
        headers = [*kept, ("Content-Type", "application/cbor"), ("smithy-protocol", NAME)]
        if status >= 300:
            return self._error(status, parsed, headers)
        return Reply(status, headers, cbor.encode(typed(parsed, output)))

    def _error(self, status: int, parsed: dict[str, Any], headers: list[tuple[str, str]]) -> Reply:
        error = parsed.get("Error") or {}
        code, message = str(error.get("Code", status)), str(error.get("Message", ""))
        shape = self._error_shape(code)
        if shape is not None:
            code = shape.metadata.get("error", {}).get("code", code)
        fault = "Sender" if status < 500 else "Receiver"
        if _is_query_compatible(self.service):
            headers.append(("x-amzn-query-error", f"{code};{fault}"))
        namespace = f"com.amazonaws.{self.service.replace('-', '')}"
        name = shape.name if shape is not None else code
        return Reply(status, headers, cbor.encode({"__type": f"{namespace}#{name}", "message": message, "Message": message}))

    def _error_shape(self, code: str) -> Any:
        for shape in self.model.error_shapes if self.model is not None else ():
            if code in (shape.name, shape.metadata.get("error", {}).get("code")):
                return shape
        return None


def is_spoken(request: HttpRequest) -> bool:
    return request.headers.get("smithy-protocol") == NAME and PATH.match(request.path) is not None


def serve(request: HttpRequest, answer: Callable[[HttpRequest], Reply]) -> Reply:
    """Answers a request in CBOR through `answer`, which gets it in another protocol."""
    try:
        conversation = _rewrite(request)
    except ValueError as error:  # cbor.Malformed and a body that is not UTF-8
        refused = AwsError("SerializationException", f"The body is no CBOR: {error}")
        return Conversation("", "", "json", None).reply(render_error(refused, "", "json", "POST", "/"))
    return conversation.reply(answer(request))


def _rewrite(request: HttpRequest) -> Conversation:
    found = PATH.match(request.path)
    assert found is not None
    signed = SIGNED_FOR.search(request.headers.get("authorization", ""))
    signing = signed.group(1).lower() if signed else ""
    service, operation = BOTOCORE_NAMES.get(signing, signing), found.group(2)
    model = _service_model(service)
    known = model is not None and operation in model.operation_names
    if not known:
        # An operation without a model: the target alone lets the sandbox name what it lacks.
        request.headers["x-amz-target"] = f"{found.group(1)}.{operation}"
        request.path, request.body = "/", b"{}"
        return Conversation(service, operation, "json", None)
    protocol = next((each for each in READABLE if each in model.metadata.get("protocols", ())), model.protocol)
    operation_model = model.operation_model(operation)
    body = request.body
    if request.headers.pop("content-encoding", "") == "gzip":
        body = gzip.decompress(body)
    params = cbor.decode(body) if body else {}
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    other = serializer.serialize_to_request(_known_members(params, operation_model.input_shape), operation_model)
    request.method, request.path = other["method"], other["url_path"]
    request.query = urlencode(other["query_string"], doseq=True) if other["query_string"] else ""
    request.headers = {k: v for k, v in request.headers.items() if k not in ("smithy-protocol", "accept", "content-length")}
    request.headers |= {name.lower(): value for name, value in other["headers"].items()}
    content = other["body"]
    if isinstance(content, dict):
        content = urlencode(content, doseq=True)
    request.body = content if isinstance(content, bytes) else str(content).encode()
    return Conversation(service, operation, protocol, operation_model)


def _known_members(value: Any, shape: Any) -> Any:
    """Only what the shape has: the SDK may be newer than botocore's model."""
    if shape is None:
        return {}
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: _known_members(item, shape.members[name])
            for name, item in value.items()
            if item is not None and name in shape.members
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_known_members(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _known_members(item, shape.value) for key, item in value.items()}
    return value


def typed(value: Any, shape: Any) -> Any:
    """The value in the types that its shape demands: an SDK reads `1` as no double, and `1.0` as no integer."""
    if value is None or shape is None:
        return value if shape is not None else {}
    kind = shape.type_name
    if kind == "structure":
        return {k: typed(v, shape.members[k]) for k, v in value.items() if k in shape.members and v is not None}
    if kind == "list":
        return [typed(item, shape.member) for item in value]
    if kind == "map":
        return {str(key): typed(item, shape.value) for key, item in value.items()}
    if kind in ("double", "float"):
        return float(value)
    if kind in ("integer", "long"):
        return int(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind == "string":
        return str(value)
    return value


@cache
def _service_model(service: str) -> Any:
    try:
        described = botocore.loaders.Loader().load_service_model(service, "service-2")
    except Exception:  # botocore raises several kinds for a service that it does not know
        return None
    return botocore.model.ServiceModel(described, service)


def _is_query_compatible(service: str) -> bool:
    model = _service_model(service)
    return model is not None and "awsQueryCompatible" in model.metadata


def _headers(reply: Reply) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.headers}
