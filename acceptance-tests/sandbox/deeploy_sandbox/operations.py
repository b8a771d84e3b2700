"""Which operation of which service a request asks for, decided by botocore's service models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from moto.core.model import OperationModel, ServiceModel
from moto.core.utils import get_service_model

# A signing name that is not the name of botocore's model. Where services share one (rds also signs
# for Neptune and DocumentDB), the one that Deeploy uses stands here.
BOTOCORE_NAMES = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
    "access-analyzer": "accessanalyzer",
    "states": "stepfunctions",
    "events": "events",
    "aps": "amp",
}

# Services of one signing name that the Version parameter of the Query protocol tells apart.
BY_VERSION = {("elbv2", "2012-06-01"): "elb"}

READ_PREFIXES = (
    "BatchGet", "Check", "Decode", "Decrypt", "Describe", "Encrypt", "Estimate", "Evaluate", "Filter",
    "Generate", "Get", "Head", "List", "Lookup", "Preview", "Query", "ReEncrypt", "Scan", "Search",
    "Select", "Sign", "Simulate", "Test", "Validate", "Verify", "View", "AssumeRole", "DeriveShared",
)  # fmt: skip


@cache
def service_model(service: str) -> ServiceModel | None:
    try:
        return get_service_model(service)
    except Exception:  # botocore raises several kinds for a service that it does not know
        return None


def protocol_of(service: str) -> str:
    model = service_model(service)
    if model is None:
        return "json"
    protocol = str(model.metadata.get("protocol", "json"))
    return "json" if protocol == "smithy-rpc-v2-cbor" else protocol


def is_mutating(service: str, operation: str, method: str) -> bool:
    """Whether a call changes the account. Cryptography and logging in change nothing that lasts."""
    if service == "s3":
        return method not in ("GET", "HEAD") and not operation.startswith("Select")
    return not operation.startswith(READ_PREFIXES)


# Operations that differ from another only in a header.
HEADER_OPERATIONS = {
    ("s3", "PutObject"): ("x-amz-copy-source", "CopyObject"),
    ("s3", "UploadPart"): ("x-amz-copy-source", "UploadPartCopy"),
}
# Operations that are told apart by a query parameter that botocore's model binds as a member.
QUERY_OPERATIONS = {
    ("s3", "PutObject"): ("uploadId", "UploadPart"),
    ("s3", "GetObject"): ("uploadId", "ListParts"),
    ("s3", "DeleteObject"): ("uploadId", "AbortMultipartUpload"),
}
TOLD_APART = {
    (service, operation)
    for table in (HEADER_OPERATIONS, QUERY_OPERATIONS)
    for (service, _), (_, operation) in table.items()
}


@dataclass(frozen=True)
class Route:
    operation: str
    method: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str | None], ...]
    weight: tuple[int, int, int]


@cache
def routes(service: str) -> tuple[Route, ...]:
    """The REST routes of a service, the most particular first."""
    model = service_model(service)
    found = []
    for name in model.operation_names if model else ():
        operation = model.operation_model(name)  # type: ignore[union-attr]
        if (operation.deprecated and service == "s3") or (service, name) in TOLD_APART:
            continue
        path, _, query_text = str(operation.http["requestUri"]).partition("?")
        pattern, literal = "", 0
        for part in re.split(r"(\{[^}]+\})", path.rstrip("/") or "/"):
            if part.startswith("{"):
                greedy = part.endswith("+}")
                pattern += f"(?P<{re.sub(r'[^A-Za-z0-9_]', '_', part.strip('{}+'))}>{'.+' if greedy else '[^/]+'})"
            else:
                pattern += re.escape(part)
                literal += len(part)
        query = tuple(
            (key, value if found_equals else None)
            for key, found_equals, value in (item.partition("=") for item in query_text.split("&") if item)
        )
        found.append(
            Route(
                name,
                str(operation.http["method"]),
                re.compile(f"^{pattern}/?$"),
                query,
                (len(query), literal, -pattern.count("(?P")),
            )
        )
    return tuple(sorted(found, key=lambda route: route.weight, reverse=True))


def match_rest(
    service: str, method: str, path: str, query: dict[str, str], headers: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """The operation and its path parameters, or ("", {}) when no route fits."""
    for route in routes(service):
        if route.method != method:
            continue
        if any(key not in query or (value is not None and query[key] != value) for key, value in route.query):
            continue
        matched = route.path.match(path)
        if not matched:
            continue
        operation = route.operation
        by_query = QUERY_OPERATIONS.get((service, operation))
        if by_query and by_query[0] in query:
            operation = by_query[1]
        by_header = HEADER_OPERATIONS.get((service, operation))
        if by_header and by_header[0] in headers:
            operation = by_header[1]
        return operation, {key: unquote(value) for key, value in matched.groupdict().items()}
    return "", {}


def operation_model(service: str, operation: str) -> OperationModel | None:
    model = service_model(service)
    if model is None or operation not in model.operation_names:
        return None
    return model.operation_model(operation)


@cache
def token_member(service: str, operation: str) -> str | None:
    """The member of the input that makes a call idempotent, if it has one."""
    model = operation_model(service, operation)
    if model is None or model.input_shape is None:
        return None
    for name, shape in model.input_shape.members.items():
        if shape.metadata.get("idempotencyToken") or name in ("ClientRequestToken", "ClientToken", "clientToken"):
            return name
    return None
