"""Who stands in a policy's Principal element, and whether they exist.

IAM user guide, "AWS JSON policy elements: Principal": when a policy is saved, AWS turns the ARN of a
user or role into its unique id; a principal that does not exist cannot be saved; once it is deleted,
the policy shows the id, also when one of the same name is made again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import moto.backends

from .policy_documents import as_list, statements

ENTITY = re.compile(r"^arn:(aws[a-z-]*):iam::(\d{12}):(user|role)/(.+)$")
ROOT = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:root$")
SESSION = re.compile(r"^arn:(aws[a-z-]*):sts::(\d{12}):(assumed-role|federated-user)/(.+)$")
ACCOUNT = re.compile(r"^\d{12}$")
UNIQUE_ID = re.compile(r"^(AIDA|AROA)[A-Z0-9]{12,}$")
SERVICE = re.compile(r"^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com|amazonaws\.com\.cn|amazon\.com|aws\.internal)$")
CANONICAL = re.compile(r"^[0-9a-f]{64}$")


def named(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, value) of each principal of a statement, NotPrincipal's too."""
    for element in ("Principal", "NotPrincipal"):
        value = statement.get(element)
        if isinstance(value, str):
            yield "AWS", value
        elif isinstance(value, dict):
            for kind, items in value.items():
                for item in as_list(items):
                    yield kind, str(item)


def first_unknown(document: dict[str, Any], wildcard_ok: bool = True) -> tuple[str, str] | None:
    """The first principal that AWS would refuse, as (kind, value)."""
    for statement in statements(document):
        value = statement.get("Principal", statement.get("NotPrincipal"))
        if isinstance(value, str) and value != "*":
            return "AWS", value
        if value is not None and not isinstance(value, str | dict):
            return "AWS", str(value)
        for kind, name in named(statement):
            if not _is_known(kind, name, wildcard_ok):
                return kind, name
    return None


def _is_known(kind: str, name: str, wildcard_ok: bool) -> bool:
    if kind == "Service":
        return bool(SERVICE.match(name))
    if kind == "Federated":
        return bool(name)
    if kind == "CanonicalUser":
        return bool(CANONICAL.match(name))
    if kind != "AWS":
        return False
    if name == "*":
        return wildcard_ok
    if ROOT.match(name) or ACCOUNT.match(name) or UNIQUE_ID.match(name):
        return True
    session = SESSION.match(name)
    if session:
        if session.group(3) == "federated-user":
            return True
        _, role = find_role_by_name(session.group(2), session.group(1), session.group(4).split("/")[0])
        return role is not None
    return entity(name) is not None and not propagation.hides(name)


@dataclass
class Propagation:
    """New users and roles take a while to be seen by the services that save policies; chaos says how long."""

    hides: Callable[[str], bool] = lambda arn: False


propagation = Propagation()


def iam_backend(account: str, partition: str) -> Any:
    """The account's IAM store, or None: looking must not make an account."""
    partitions = dict.get(moto.backends.get_backend("iam"), account)
    return dict.get(partitions, partition) if partitions is not None else None


def entity(arn: str) -> Any:
    """moto's user or role of an ARN, path and all."""
    found = ENTITY.match(arn)
    if not found:
        return None
    backend = iam_backend(found.group(2), found.group(1))
    if backend is None:
        return None
    name = found.group(4).rpartition("/")[2]
    if found.group(3) == "role":
        candidate = next((role for role in backend.roles.values() if role.name == name), None)
    else:
        candidate = backend.users.get(name)
    return candidate if candidate is not None and candidate.arn == arn else None


def find_role_by_name(account: str, partition: str, name: str) -> tuple[Any, Any]:
    backend = iam_backend(account, partition)
    if backend is None:
        return None, None
    return backend, next((role for role in backend.roles.values() if role.name == name), None)


def replace_deleted(arn: str, unique_id: str) -> None:
    """After a user's or role's deletion: its unique id stands in every policy that named it."""
    for owner, attribute in _stored_policies():
        text = getattr(owner, attribute)
        if not text:
            continue
        raw = text.decode() if isinstance(text, bytes) else text
        if f'"{arn}"' not in raw:
            continue
        changed = json.dumps(_replaced(json.loads(raw), arn, unique_id))
        setattr(owner, attribute, changed.encode() if isinstance(text, bytes) else changed)


    for regions in list(dict.values(moto.backends.get_backend("kms"))):
        for backend in list(dict.values(regions)):
            for grant in (grant for key in list(backend.keys.values()) for grant in list(key.grants.values())):
                # Grants show the id as well (hashicorp/terraform-provider-aws#29340).
                for member in ("grantee_principal", "retiring_principal"):
                    if getattr(grant, member) == arn:
                        setattr(grant, member, unique_id)


def _stored_policies() -> Iterator[tuple[Any, str]]:
    for service, attribute, owners in (
        ("kms", "policy", lambda backend: backend.keys.values()),
        ("s3", "policy", lambda backend: backend.buckets.values()),
        ("iam", "assume_role_policy_document", lambda backend: backend.roles.values()),
        ("secretsmanager", "policy", lambda backend: backend.secrets.values()),
    ):
        for regions in list(dict.values(moto.backends.get_backend(service))):
            for backend in list(dict.values(regions)):
                for owner in list(owners(backend)):
                    if hasattr(owner, attribute):
                        yield owner, attribute


def _replaced(document: Any, arn: str, unique_id: str) -> Any:
    for statement in statements(document):
        for element in ("Principal", "NotPrincipal"):
            value = statement.get(element)
            if isinstance(value, dict) and "AWS" in value:
                items = value["AWS"]
                if isinstance(items, list):
                    value["AWS"] = [unique_id if item == arn else item for item in items]
                elif items == arn:
                    value["AWS"] = unique_id
    return document
