"""How EC2 lists its objects: EC2 user guide, "List and filter using the CLI and API" (wildcards, AND between
filters, OR between values); API reference, "Pagination" and the filters of each Describe operation.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from .ec2_objects import KINDS, check_id

Shown = dict[str, Any]
# A filter reads what is shown: a path of member names, or a function.
Filters = Mapping[str, str | Callable[[Shown], Any]]

RESULTS_MIN, RESULTS_MAX = 5, 1000


class Visibility:
    """Objects that a `hide_s` fault keeps from reads; the sandbox sets it."""

    hides: Callable[[str, str], bool] = staticmethod(lambda account, id: False)  # type: ignore[assignment]


visibility = Visibility()


def invalid(message: str, code: str = "InvalidParameterValue") -> AwsError:
    return AwsError(code, message)


def listed(
    call: AwsCall,
    member: str,
    objects: Iterable[Shown],
    filters: Filters,
    *,
    id_member: str,
    prefix: str | None = None,
    ids: list[str] | None = None,
) -> Reply:
    """The answer of a Describe: of these ids or of all, filtered, a page of it."""
    found = [each for each in objects if not visibility.hides(call.account, str(each.get(id_member)))]
    if ids:
        if prefix:
            for id in ids:
                check_id(prefix, id)
            missing = sorted(set(ids) - {each[id_member] for each in found})
            if missing:
                raise KINDS[prefix].missing(*missing)
        found = [each for each in found if each[id_member] in ids]
    found = filtered(call, found, filters)
    start, end, token = page(call, len(found))
    return call.answer({member: found[start:end], **({"NextToken": token} if token else {})})


def filtered(call: AwsCall, objects: list[Shown], filters: Filters) -> list[Shown]:
    for asked in call.params.get("Filters") or call.params.get("Filter") or []:
        name, values = str(asked.get("Name", "")), [str(value) for value in asked.get("Values") or []]
        read = _reader(name, filters)
        if read is None:
            raise invalid(f"The filter '{name}' is invalid")
        patterns = [_pattern(value) for value in values]
        objects = [each for each in objects if _matches(read(each), patterns)]
    return objects


def _reader(name: str, filters: Filters) -> Callable[[Shown], Any] | None:
    if name.startswith("tag:"):
        key = name[4:]
        return lambda shown: [tag["Value"] for tag in shown.get("Tags") or [] if tag["Key"] == key]
    if name == "tag-key":
        return lambda shown: [tag["Key"] for tag in shown.get("Tags") or []]
    if name == "tag-value":
        return lambda shown: [tag["Value"] for tag in shown.get("Tags") or []]
    found = filters.get(name)
    if isinstance(found, str):
        path = found.split(".")
        return lambda shown: _follow(shown, path)
    return found


def _follow(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [found for item in value for found in _flat(_follow(item, path))]
    if not path or value is None:
        return value
    return _follow(value.get(path[0]), path[1:]) if isinstance(value, dict) else None


def _flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


@lru_cache(maxsize=4096)
def _pattern(value: str) -> re.Pattern[str]:
    """`*` is any text, `?` one character, a backslash takes the next one as it is."""
    parts = re.findall(r"\\.|.", value, re.S)
    translate = {"*": ".*", "?": "."}
    return re.compile("".join(translate.get(part) or re.escape(part[-1]) for part in parts), re.S)


def _matches(value: Any, patterns: list[re.Pattern[str]]) -> bool:
    for each in _flat(value):
        text = str(each).lower() if isinstance(each, bool) else str(each)
        if any(pattern.fullmatch(text) for pattern in patterns):
            return True
    return False


def page(call: AwsCall, count: int) -> tuple[int, int, str | None]:
    """Where this page begins and ends, and the token of the next one."""
    start = 0
    if call.params.get("NextToken"):
        try:
            start = int(base64.b64decode(call.text("NextToken")).decode())
        except ValueError:
            raise invalid("The token is invalid.", "InvalidNextToken") from None
    limit = call.params.get("MaxResults")
    if limit is None:
        return start, count, None
    if not RESULTS_MIN <= int(limit) <= RESULTS_MAX and call.operation not in ("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"):
        raise invalid(f"Value ( {limit} ) for parameter maxResults is invalid. Expecting a value between {RESULTS_MIN} and {RESULTS_MAX}.")
    end = min(count, start + int(limit))
    return start, end, base64.b64encode(str(end).encode()).decode() if end < count else None
