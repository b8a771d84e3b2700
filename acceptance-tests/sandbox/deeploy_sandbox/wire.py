"""What crosses the wire: a request as it came, a reply as it goes, and AWS's errors between them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape


class CloseConnection(Exception):
    """The client gets no reply: the connection closes."""


@dataclass
class HttpRequest:
    method: str
    path: str  # as sent, percent-encoded
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class Reply:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def set_header(self, name: str, value: str) -> None:
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()] + [(name, value)]


@dataclass
class AwsError(Exception):
    """An error as an AWS service answers it; `status` is the HTTP status."""

    code: str
    message: str = ""
    status: int = 400
    headers: dict[str, str] = field(default_factory=dict)
    # Further elements of the body, for example S3's BucketName.
    extra: dict[str, str] = field(default_factory=dict)


def json_reply(value: object, status: int = 200) -> Reply:
    return Reply(status, [("Content-Type", "application/json")], json.dumps(value, default=str).encode())


QUERY_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "rds": "http://rds.amazonaws.com/doc/2014-10-31/",
}


def render_error(error: AwsError, service: str, protocol: str, method: str, path: str) -> Reply:
    """The error in the protocol of its service, as the Smithy protocol documents define it."""
    request_id = str(uuid.uuid4())
    headers = list(error.headers.items())
    if protocol in ("json", "rest-json"):
        headers += [
            ("Content-Type", "application/x-amz-json-1.1" if protocol == "json" else "application/json"),
            ("x-amzn-RequestId", request_id),
            ("x-amzn-ErrorType", error.code),
        ]
        body = {"__type": error.code, "message": error.message, "Message": error.message, **error.extra}
        return Reply(error.status, headers, json.dumps(body).encode())
    code, message = escape(error.code), escape(error.message)
    extra = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in error.extra.items())
    if protocol == "rest-xml":
        request_id = uuid.uuid4().hex[:16].upper()
        headers += [("x-amz-request-id", request_id), ("x-amz-id-2", uuid.uuid4().hex * 2)]
        if method == "HEAD":
            return Reply(error.status, headers)
        headers.append(("Content-Type", "application/xml"))
        body_text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
            f"{extra}<Resource>{escape(path)}</Resource><RequestId>{request_id}</RequestId></Error>"
        )
        return Reply(error.status, headers, body_text.encode())
    headers += [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
    if protocol == "ec2":
        body_text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code>'
            f"<Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
    else:
        kind = "Sender" if error.status < 500 else "Receiver"
        namespace = QUERY_NAMESPACES.get(service, f"http://{service}.amazonaws.com/doc/")
        body_text = (
            f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{code}</Code>'
            f"<Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Reply(error.status, headers, body_text.encode())
