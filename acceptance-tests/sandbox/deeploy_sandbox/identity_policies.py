"""Principals and the policies that hang on them: inline, attached, of groups, and the boundary."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .principals import ACCOUNT, ENTITY, ROOT, SESSION, entity, find_role_by_name, iam_backend, named


@dataclass(frozen=True)
class Document:
    name: str
    text: str | None


@dataclass
class Principal:
    # root | user | role | session | service | federated | anonymous
    kind: str
    arn: str
    account: str
    # Every name under which a Principal element may mean this principal itself.
    names: set[str] = field(default_factory=set)
    owner: Any = None
    session_policy: str | None = None
    user_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def context(self) -> dict[str, Any]:
        """The condition keys that every request of this principal carries."""
        if self.kind in ("service", "federated", "anonymous"):
            return {}
        found: dict[str, Any] = {
            "aws:PrincipalArn": self.owner.arn if self.kind == "session" and self.owner else self.arn,
            "aws:PrincipalAccount": self.account,
            "aws:userid": self.user_id,
            "aws:PrincipalType": {"root": "Account", "user": "User"}.get(self.kind, "AssumedRole"),
        }
        if self.kind == "user":
            found["aws:username"] = self.owner.name if self.owner else self.arn.rpartition("/")[2]
        for key, value in self.tags.items():
            found[f"aws:PrincipalTag/{key}"] = value
        return found

    def matched_by(self, statement: dict[str, Any]) -> str | None:
        """How the statement's principals mean this one: user, role, session, account, anyone, service … or None."""
        if "NotPrincipal" in statement:
            return None if any(self._fits(kind, name) for kind, name in named(statement)) else "anyone"
        ways = [way for kind, name in named(statement) if (way := self._fits(kind, name))]
        direct = [way for way in ways if way != "account"]
        return (direct or ways or [None])[0]

    def _fits(self, kind: str, name: str) -> str | None:
        if kind == "Service":
            return "service" if self.kind == "service" and name == self.arn else None
        if kind == "Federated":
            return "federated" if self.kind == "federated" and name in self.names else None
        if name == "*":
            return "anyone"
        if self.kind in ("service", "federated", "anonymous"):
            return None
        if name == self.arn and self.kind in ("user", "session"):
            return self.kind
        if name in self.names:
            return "role" if self.kind == "session" else self.kind
        if (ROOT.match(name) or ACCOUNT.match(name)) and self.account in name:
            return "account"
        return None


def principal_of(arn: str, service: str | None = None) -> Principal:
    """The principal of an ARN; one that does not exist has no policies."""
    if service:
        return Principal("service", service, "")
    if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", arn):
        return Principal("service", arn, "")
    if arn == "*":
        return Principal("anonymous", "*", "")
    if ROOT.match(arn):
        account = arn.split(":")[4]
        return Principal("root", arn, account, names={arn, account}, user_id=account)
    found = ENTITY.match(arn)
    if found:
        owner = entity(arn)
        unique = getattr(owner, "id", "")
        tags = _tags(getattr(owner, "tags", None))
        return Principal(found.group(3), arn, found.group(2), {arn, unique} - {""}, owner, None, unique, tags)
    session = SESSION.match(arn)
    if session:
        partition, account, _, rest = session.groups()
        name, _, session_name = rest.partition("/")
        _, role = find_role_by_name(account, partition, name)
        names = {arn} | ({role.arn, role.id} if role else set())
        user_id = f"{role.id}:{session_name}" if role else ""
        return Principal("session", arn, account, names, role, None, user_id, _tags(getattr(role, "tags", None)))
    raise ValueError(f"not the ARN of a principal: {arn}")


def _tags(tags: Any) -> dict[str, str]:
    items = tags.values() if isinstance(tags, dict) else tags or []
    return {tag["Key"]: tag["Value"] for tag in items if isinstance(tag, dict)}


def identity_documents(principal: Principal) -> list[Document]:
    owner = principal.owner
    if owner is None:
        return []
    found = _own(owner)
    if principal.kind == "user":
        backend = iam_backend(principal.account, owner.arn.split(":")[1])
        for group in backend.groups.values():
            if any(member.name == owner.name for member in group.users):
                found += _own(group)
    return found


def _own(owner: Any) -> list[Document]:
    found = [Document(f"{owner.name}/{name}", text) for name, text in owner.policies.items()]
    return found + [Document(policy.arn, default_text(policy)) for policy in owner.managed_policies.values()]


def default_text(policy: Any) -> str | None:
    return next((v.document for v in policy.versions if v.version_id == policy.default_version_id), None)


def boundary_of(principal: Principal) -> Document | None:
    """A user's boundary is kept by our rules, a role's by moto."""
    owner = principal.owner
    arn = getattr(owner, "permissions_boundary_arn", None)
    if owner is None or not arn:
        return None
    backend = iam_backend(principal.account, owner.arn.split(":")[1])
    policy = backend.managed_policies.get(arn)
    return Document(arn, default_text(policy) if policy is not None else None)
