"""Whether AWS would let somebody do something: IAM user guide, "Policy evaluation logic".

An explicit deny anywhere wins. Within an account an identity policy or a resource policy that names the
principal is enough, bounded by the permissions boundary and the session policy; across accounts both
are needed. A KMS key is different: its key policy must admit, and identity policies count only where
the key policy admits the account's root (KMS developer guide, "Key policies").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import resource_policies
from .conditions import folded, hold, like, substitute
from .identity_policies import Document, Principal, boundary_of, identity_documents, principal_of
from .policy_documents import as_list, statements

Matches = list[dict[str, str]]


@dataclass
class Question:
    action: str
    resource: str
    context: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Verdict:
    """What one layer of policies says."""

    allowed: bool = False
    denied: bool = False
    matched: Matches = field(default_factory=list)


def action_matches(statement: dict[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(like(action.lower(), each.lower()) for each in as_list(statement["NotAction"]))
    return any(like(action.lower(), str(each).lower()) for each in as_list(statement.get("Action")))


def resource_matches(statement: dict[str, Any], question: Question) -> bool:
    def fits(pattern: str) -> bool:
        return like(question.resource, substitute(pattern, question.context))

    if "NotResource" in statement:
        return not any(fits(each) for each in as_list(statement["NotResource"]))
    return any(fits(str(each)) for each in as_list(statement.get("Resource")))


def judge(documents: list[Document], question: Question) -> Verdict:
    """Identity policies, boundaries and session policies: statements without principals."""
    verdict = Verdict()
    for document in documents:
        for statement in statements(document.text):
            if (
                action_matches(statement, question.action)
                and resource_matches(statement, question)
                and hold(statement.get("Condition"), question.context)
            ):
                _note(verdict, statement, document.name)
    return verdict


def _note(verdict: Verdict, statement: dict[str, Any], name: str) -> None:
    effect = str(statement.get("Effect"))
    verdict.denied |= effect == "Deny"
    verdict.allowed |= effect == "Allow"
    verdict.matched.append({"policy": name, "sid": str(statement.get("Sid", "")), "effect": effect})


@dataclass
class ResourceVerdict(Verdict):
    """`direct`: the policy names this principal; `delegated`: it names its account."""

    direct: bool = False
    delegated: bool = False
    # The ARN that admitted: a permissions boundary does not limit a grant to a session or a user.
    through: str = ""


def judge_resource(text: str | None, name: str, principal: Principal, question: Question, trust: bool) -> ResourceVerdict:
    verdict = ResourceVerdict()
    for statement in statements(text):
        if not action_matches(statement, question.action):
            continue
        if not trust and not resource_matches(statement, question):
            continue
        if not hold(statement.get("Condition"), question.context):
            continue
        how = principal.matched_by(statement)
        if how is None:
            continue
        _note(verdict, statement, name)
        if statement.get("Effect") == "Allow":
            verdict.delegated |= how == "account"
            verdict.direct |= how != "account"
            verdict.through = how
    return verdict


def decide(principal: Principal, question: Question) -> tuple[str, Matches]:
    """("allowed" | "explicitDeny" | "implicitDeny", the statements that matched)."""
    resource = resource_policies.find(question.resource)
    if resource is not None and resource.kind == "trust" and not question.action.lower().startswith("sts:"):
        # A trust policy says who assumes the role, and nothing of who may read, change or pass it.
        resource = resource_policies.Found("none", "", None, resource.account)
    # AssumeRole's resource policy is the trust policy, whose statements have no Resource.
    trust = resource is not None and resource.kind == "trust"
    attached = resource_policies.Found("none", "", None, None) if resource is None else resource
    at_resource = judge_resource(attached.text, attached.name, principal, question, trust)
    by_identity = judge(identity_documents(principal), question)
    boundary = boundary_of(principal)
    by_boundary = judge([boundary], question) if boundary else None
    session = principal.session_policy
    by_session = judge([Document("session policy", session)], question) if session else None
    layers: list[Verdict] = [at_resource, by_identity]
    layers += [layer for layer in (by_boundary, by_session) if layer is not None]
    matched = [match for layer in layers for match in layer.matched]
    if any(layer.denied for layer in layers):
        return "explicitDeny", [match for match in matched if match["effect"] == "Deny"]
    identity_allows = principal.kind == "root" or by_identity.allowed
    limits = [layer for layer in (by_boundary, by_session) if layer is not None]
    within_limits = all(layer.allowed for layer in limits)
    if attached.grants_allow(principal, question.action):
        return "allowed", [*matched, {"policy": "grant", "sid": "", "effect": "Allow"}]
    if principal.kind in ("service", "federated", "anonymous"):
        return ("allowed" if at_resource.direct else "implicitDeny"), matched
    same_account = attached.account in (None, principal.account)
    if attached.kind in ("key", "trust"):
        allowed = at_resource.direct or (at_resource.delegated and identity_allows)
        if not same_account:
            allowed = (at_resource.direct or at_resource.delegated) and identity_allows
        unlimited = at_resource.direct and at_resource.through in ("user", "session")
        allowed = allowed and (within_limits or unlimited)
    elif same_account:
        unlimited = at_resource.direct and at_resource.through in ("user", "session")
        direct = at_resource.direct and (within_limits or unlimited)
        allowed = direct or (identity_allows and within_limits)
    else:
        allowed = (at_resource.direct or at_resource.delegated) and identity_allows and within_limits
    return ("allowed" if allowed else "implicitDeny"), matched


def evaluate_request(body: dict[str, Any]) -> dict[str, Any]:
    """`POST /sandbox/evaluate`."""
    context = dict(body.get("context") or {})
    if "trust_of" in body:
        return _evaluate_trust(body, context)
    principal = principal_of(body.get("principal_arn") or body.get("principal") or "*", service=body.get("service"))
    context = {**principal.context(), "aws:SecureTransport": "true", **context}
    decision, matched = decide(principal, Question(body["action"], body.get("resource_arn", "*"), folded(context)))
    return {"decision": decision, "matched": matched}


def _evaluate_trust(body: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Only what the trust policy says; whether the principal's own policies allow is another question."""
    found = resource_policies.find(body["trust_of"])
    if found is None or found.kind != "trust":
        return {"decision": "implicitDeny", "matched": [], "error": "no such role"}
    if body.get("federated"):
        principal = Principal("federated", str(body["federated"]), "", names={str(body["federated"])})
    else:
        principal = principal_of(body.get("principal") or "*", service=body.get("service"))
    question = Question(body.get("action", "sts:AssumeRole"), body["trust_of"], folded({**principal.context(), **context}))
    verdict = judge_resource(found.text, found.name, principal, question, trust=True)
    decision = "explicitDeny" if verdict.denied else "allowed" if verdict.allowed else "implicitDeny"
    return {"decision": decision, "matched": verdict.matched}
