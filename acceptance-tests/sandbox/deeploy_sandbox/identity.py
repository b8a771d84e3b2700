"""Who calls: the access key id of a request decides its account and its rights.

Key ids of the sandbox's own forms need no IAM user; every other `AKIA…`/`ASIA…` key id must have been
made by CreateAccessKey or AssumeRole. AWS's answers to wrong credentials: IAM user guide,
"Troubleshooting" and each service's "Common Errors".
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .wire import AwsError

ADMIN = re.compile(r"^AKIADEEPLOY(\d{12})$")
DENIED = re.compile(r"^AKIADENIED0?(\d{12})$")
EXPIRED = re.compile(r"^AKIAEXPIRED(\d{12})$")
MADE = re.compile(r"^(AKIA|ASIA)[A-Z0-9]{16}$")
DEFAULT_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Identity:
    account: str
    # admin | user | session | denied | expired | unknown | anonymous
    kind: str
    # iam user name or role name
    name: str = ""
    arn: str = ""
    user_id: str = ""
    session: Any = field(default=None, compare=False)

    @classmethod
    def unknown(cls) -> Identity:
        return cls("", "unknown")


@dataclass
class Session:
    """Temporary credentials of an assumed role."""

    account: str
    role_name: str
    role_arn: str
    role_id: str
    name: str
    partition: str
    token: str
    expires: datetime
    policy: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.role_name}/{self.name}"


class Sessions:
    """The temporary credentials that STS gave out, by access key id."""

    def __init__(self) -> None:
        self._by_key: dict[str, Session] = {}
        self._lock = threading.Lock()

    def add(self, access_key: str, session: Session) -> None:
        with self._lock:
            self._by_key[access_key] = session

    def get(self, access_key: str) -> Session | None:
        return self._by_key.get(access_key)

    def clear(self, account: str | None) -> None:
        with self._lock:
            self._by_key = {k: s for k, s in self._by_key.items() if account and s.account != account}


def identify(access_key: str, token: str | None, partition: str, sessions: Sessions) -> Identity:
    """Never raises: a wrong credential is an identity of its kind, so that its calls are recorded."""
    for pattern, kind in ((ADMIN, "admin"), (DENIED, "denied"), (EXPIRED, "expired")):
        matched = pattern.match(access_key)
        if matched:
            account = matched.group(1)
            return Identity(account, kind, arn=f"arn:{partition}:iam::{account}:root", user_id=account)
    if not access_key:
        return Identity("", "anonymous")
    if not MADE.match(access_key):
        # The key ids that tools use by habit ("test", "mock"): the default account's admin.
        arn = f"arn:{partition}:iam::{DEFAULT_ACCOUNT}:root"
        return Identity(DEFAULT_ACCOUNT, "admin", arn=arn, user_id=DEFAULT_ACCOUNT)
    session = sessions.get(access_key)
    if session is not None:
        if session.expires <= datetime.now(timezone.utc):
            return Identity(session.account, "expired")
        if token != session.token:
            return Identity(session.account, "unknown")
        user_id = f"{session.role_id}:{session.name}"
        return Identity(session.account, "session", session.role_name, session.arn, user_id, session)
    return _user_of(access_key)


def _user_of(access_key: str) -> Identity:
    from moto.iam.models import iam_backends

    for account, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            made = backend.access_keys.get(access_key)
            if made is None or not made.user_name or made.user_name not in backend.users:
                continue
            user = backend.users[made.user_name]
            if made.status != "Active" or made not in user.access_keys:
                return Identity(account, "unknown")
            return Identity(account, "user", user.name, user.arn, user.id)
    return Identity.unknown()


def refuse_credential(kind: str, service: str) -> AwsError | None:
    """The error that a wrong credential meets before anything else, or None for a good one."""
    if kind == "unknown":
        if service == "s3":
            return AwsError(
                "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403
            )
        if service == "ec2":
            return AwsError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        code = "InvalidClientTokenId" if service in ("iam", "sts", "rds") else "UnrecognizedClientException"
        status = 403 if service in ("iam", "sts", "rds") else 400
        return AwsError(code, "The security token included in the request is invalid.", status)
    if kind == "expired":
        return expired(service)
    if kind == "anonymous" and service not in ("s3", "sts"):
        return AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    return None


def expired(service: str) -> AwsError:
    message = "The security token included in the request is expired"
    if service == "s3":
        return AwsError("ExpiredToken", "The provided token has expired.", 400)
    if service in ("iam", "sts", "rds", "elbv2", "cloudwatch", "autoscaling", "sns"):
        return AwsError("ExpiredToken", message, 403)
    if service == "ec2":
        return AwsError("RequestExpired", "Request has expired.", 400)
    return AwsError("ExpiredTokenException", message, 400)


def access_denied(service: str, identity: Identity, action: str, resource: str = "*") -> AwsError:
    if service == "s3":
        return AwsError("AccessDenied", f"User: {identity.arn} is not authorized to perform: {action}", 403)
    if service == "ec2":
        return AwsError("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
    message = (
        f"User: {identity.arn} is not authorized to perform: {action} on resource: {resource} "
        "because no identity-based policy allows the action"
    )
    if service in ("iam", "sts", "rds", "elbv2", "cloudwatch", "autoscaling"):
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 400)
