"""The grammar of policy documents: IAM user guide, "Grammar of the IAM JSON policy language"."""

from __future__ import annotations

import json
import re
from typing import Any

VERSIONS = ("2012-10-17", "2008-10-17")
TOP_ELEMENTS = {"Version", "Id", "Statement"}
ELEMENTS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip
OPERATOR = re.compile(
    r"^(ForAnyValue:|ForAllValues:)?"
    r"(String(Not)?(Equals(IgnoreCase)?|Like)|Numeric((Not)?Equals|LessThan(Equals)?|GreaterThan(Equals)?)"
    r"|Date((Not)?Equals|LessThan(Equals)?|GreaterThan(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress"
    r"|Arn(Not)?(Equals|Like)|Null)(IfExists)?$"
)


class Malformed(Exception):
    """The document is none. The text says why, as far as AWS says it."""


def parse(text: str | None) -> dict[str, Any]:
    try:
        document = json.loads(text or "", object_pairs_hook=_no_duplicates)
    except ValueError as error:
        raise Malformed("The policy is not in the valid JSON format.") from error
    if not isinstance(document, dict):
        raise Malformed("Policy document must be a JSON object.")
    return document


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Malformed(f"Duplicate element: {key}")
        found[key] = value
    return found


def statements(document: dict[str, Any] | str | bytes | None) -> list[dict[str, Any]]:
    """The statements of a stored document; none where it cannot be read."""
    if document is None:
        return []
    if isinstance(document, str | bytes):
        try:
            document = json.loads(document)
        except ValueError:
            return []
    found = document.get("Statement", []) if isinstance(document, dict) else []
    return [found] if isinstance(found, dict) else [each for each in found if isinstance(each, dict)]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def check(text: str | None, kind: str) -> dict[str, Any]:
    """Raises Malformed. `kind` is one of identity, resource, trust, key."""
    document = parse(text)
    unknown = set(document) - TOP_ELEMENTS
    if unknown:
        raise Malformed(f"Syntax errors in policy: unknown element {sorted(unknown)[0]}.")
    if document.get("Version", VERSIONS[1]) not in VERSIONS:
        raise Malformed("The policy must contain a valid version string")
    if "Statement" not in document:
        raise Malformed("Missing required field Statement")
    found = document["Statement"]
    if not isinstance(found, dict | list) or not all(isinstance(each, dict) for each in as_list(found)):
        raise Malformed("Statement must be an object or a list of objects")
    if not as_list(found):
        raise Malformed("Statement is empty!")
    sids = [each["Sid"] for each in as_list(found) if each.get("Sid")]
    if len(sids) != len(set(sids)):
        raise Malformed("Statement IDs (SID) in a single policy must be unique.")
    for statement in as_list(found):
        _check_statement(statement, kind)
    return document


def _check_statement(statement: dict[str, Any], kind: str) -> None:
    unknown = set(statement) - ELEMENTS
    if unknown:
        raise Malformed(f"Syntax errors in policy: unknown element {sorted(unknown)[0]}.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise Malformed("Missing required field Effect" if "Effect" not in statement else "Invalid effect")
    for positive, negative in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if positive in statement and negative in statement:
            raise Malformed(f"Statement holds both {positive} and {negative}")
    # A key policy's statement without Action or Resource is accepted and has no effect (KMS
    # developer guide, "Elements in a key policy").
    if kind != "key" and "Action" not in statement and "NotAction" not in statement:
        raise Malformed("Missing required field Action")
    for action in as_list(statement.get("Action", statement.get("NotAction"))):
        if not isinstance(action, str) or not re.match(r"^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$", action):
            raise Malformed("Policy has invalid action" if kind == "resource" else "Actions/Conditions must be prefaced by a vendor")
    has_resource = "Resource" in statement or "NotResource" in statement
    has_principal = "Principal" in statement or "NotPrincipal" in statement
    if kind in ("identity", "resource") and not has_resource:
        raise Malformed("Missing required field Resource")
    if kind == "trust" and has_resource:
        raise Malformed("Has prohibited field Resource")
    if kind == "identity" and has_principal:
        raise Malformed("Policy document should not specify a principal.")
    if kind != "identity" and not has_principal:
        raise Malformed("Missing required field Principal")
    for resource in as_list(statement.get("Resource", statement.get("NotResource"))):
        if not isinstance(resource, str) or not (resource == "*" or resource.startswith("arn:") or "*" in resource[:4]):
            raise Malformed(f"Policy has invalid resource: Resource {resource} must be in ARN format or \"*\".")
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict):
        raise Malformed("Condition must be an object")
    for operator, block in conditions.items():
        if not OPERATOR.match(operator):
            raise Malformed(f"Invalid Condition type : {operator}.")
        if not isinstance(block, dict):
            raise Malformed("Policy has an invalid condition block")
