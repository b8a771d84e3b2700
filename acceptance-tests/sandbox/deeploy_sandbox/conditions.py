"""Condition operators: IAM user guide, "AWS JSON policy elements: Condition operators"."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .policy_documents import as_list

Context = Mapping[str, Any]


def folded(context: Context) -> dict[str, list[str]]:
    """Condition keys are case-insensitive; each has one value or several."""
    return {key.lower(): [_text(item) for item in as_list(value)] for key, value in context.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def hold(conditions: Mapping[str, Any] | None, context: dict[str, list[str]]) -> bool:
    """All operators, and all keys of each, must hold; the values of a key are alternatives."""
    for operator, block in (conditions or {}).items():
        for key, wanted in block.items():
            values = [substitute(_text(each), context) for each in as_list(wanted)]
            if not _holds(operator, context.get(key.lower()), values):
                return False
    return True


def _holds(operator: str, present: list[str] | None, wanted: list[str]) -> bool:
    quantifier, _, bare = operator.rpartition(":")
    if_exists = bare.endswith("IfExists")
    bare = bare.removesuffix("IfExists")
    if bare == "Null":
        return any((present is None or not present) == (each.lower() == "true") for each in wanted)
    if present is None:
        # ForAllValues also holds for a key that is not there; a negated operator holds as well.
        return if_exists or quantifier == "ForAllValues" or "Not" in bare
    negated = "Not" in bare
    positive = bare.replace("Not", "")
    test = MATCHERS.get(positive)
    if test is None:
        return False
    if quantifier == "ForAllValues":
        return all(_one(test, each, wanted, negated) for each in present)
    if quantifier == "ForAnyValue":
        return any(_one(test, each, wanted, negated) for each in present)
    return bool(present) and _one(test, present[0], wanted, negated)


def _one(test: Any, value: str, wanted: list[str], negated: bool) -> bool:
    return any(test(value, each) for each in wanted) != negated


def like(value: str, pattern: str) -> bool:
    """`*` any characters, `?` one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.S) is not None


def arn_like(value: str, pattern: str) -> bool:
    """Each of the six parts on its own: a `*` does not reach over a colon but in the last."""
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    if pattern == "*":
        return True
    return len(parts) == len(patterns) == 6 and all(like(part, each) for part, each in zip(parts, patterns, strict=True))


def _number(compare: Any) -> Any:
    def test(value: str, wanted: str) -> bool:
        try:
            return bool(compare(float(value), float(wanted)))
        except ValueError:
            return False

    return test


def _moment(compare: Any) -> Any:
    def test(value: str, wanted: str) -> bool:
        try:
            return bool(compare(_parsed(value), _parsed(wanted)))
        except ValueError:
            return False

    return test


def _parsed(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), timezone.utc)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _within(value: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


MATCHERS: dict[str, Any] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "BinaryEquals": lambda value, wanted: value == wanted,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "IpAddress": _within,
    "NumericEquals": _number(lambda a, b: a == b),
    "NumericLessThan": _number(lambda a, b: a < b),
    "NumericLessThanEquals": _number(lambda a, b: a <= b),
    "NumericGreaterThan": _number(lambda a, b: a > b),
    "NumericGreaterThanEquals": _number(lambda a, b: a >= b),
    "DateEquals": _moment(lambda a, b: a == b),
    "DateLessThan": _moment(lambda a, b: a < b),
    "DateLessThanEquals": _moment(lambda a, b: a <= b),
    "DateGreaterThan": _moment(lambda a, b: a > b),
    "DateGreaterThanEquals": _moment(lambda a, b: a >= b),
}

VARIABLE = re.compile(r"\$\{([^}]+)\}")


def substitute(text: str, context: dict[str, list[str]]) -> str:
    """Policy variables; one without a value matches nothing."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name in ("*", "?", "$"):
            return name
        name, _, default = name.partition(",")
        values = context.get(name.strip().lower())
        return values[0] if values else default.strip().strip("'") or "\0no value"

    return VARIABLE.sub(value, text)
