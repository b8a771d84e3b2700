"""Where RDS's objects stand, how they are found, and what AWS says when they are not there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from moto.utilities.utils import get_partition

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError

MAX_TAGS = 50
TAG_TEXT = re.compile(r"^[\w\s.:/=+\-@]*$")
IDENTIFIER_RULE = (
    "Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; "
    "and must not end with a hyphen or contain two consecutive hyphens."
)


@dataclass(frozen=True)
class Place:
    """One region of one account."""

    account: str
    region: str

    @property
    def partition(self) -> str:
        return get_partition(self.region)

    @property
    def moto(self) -> Any:
        return backend("rds", self.account, self.region)

    @property
    def ec2(self) -> Any:
        return backend("ec2", self.account, self.region)

    def arn(self, kind: str, name: str, service: str = "rds") -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{kind}:{name}"


def place_of(call: AwsCall) -> Place:
    return Place(call.account, call.region)


@dataclass
class Record:
    """An object with tags, which moto's tagging API can read and change."""

    place: Place
    name: str
    tags: list[dict[str, str]] = field(default_factory=list, kw_only=True)
    kind: str = field(default="", init=False)

    @property
    def arn(self) -> str:
        return self.place.arn(self.kind, self.name)

    def get_tags(self) -> list[dict[str, str]]:
        return self.tags

    def add_tags(self, tags: Iterable[dict[str, str]]) -> list[dict[str, str]]:
        added = {tag["Key"]: tag.get("Value", "") for tag in tags}
        kept = {tag["Key"]: tag["Value"] for tag in self.tags}
        self.tags = [{"Key": key, "Value": value} for key, value in {**kept, **added}.items()]
        return self.tags

    def remove_tags(self, keys: list[str]) -> None:
        self.tags = [tag for tag in self.tags if tag["Key"] not in keys]


def tags_of(call: AwsCall) -> list[dict[str, str]]:
    """The tags of a create: user guide "Tagging Amazon RDS resources"."""
    tags = [{"Key": str(tag.get("Key", "")), "Value": str(tag.get("Value") or "")} for tag in call.params.get("Tags") or []]
    keys = [tag["Key"] for tag in tags]
    for key in keys:
        if key.lower().startswith(("aws:", "rds:")):
            raise invalid(f"The parameter Tags is not valid: tag keys can't begin with aws: or rds: ({key}).")
        if not 1 <= len(key) <= 128 or not TAG_TEXT.match(key):
            raise invalid(f"The tag key {key!r} is not valid.")
    if any(len(tag["Value"]) > 256 or not TAG_TEXT.match(tag["Value"]) for tag in tags):
        raise invalid("A tag value is not valid: it has at most 256 letters, digits, spaces and _ . : / = + - @")
    if len(keys) != len(set(keys)):
        raise invalid("Duplicate tag keys are not allowed.")
    if len(keys) > MAX_TAGS:
        raise invalid(f"A resource can have at most {MAX_TAGS} tags.")
    return tags


def invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValue", text)


def combination(text: str) -> AwsError:
    return AwsError("InvalidParameterCombination", text)


def check_identifier(parameter: str, name: str, longest: int, colon: bool = False) -> str:
    """AWS stores these names in lower case."""
    pattern = r"^[a-zA-Z][a-zA-Z0-9-]*$"
    if not re.match(pattern, name) or name.endswith("-") or "--" in name or len(name) > longest:
        raise invalid(f"The parameter {parameter} is not a valid identifier. {IDENTIFIER_RULE}")
    return name.lower()


def name_of(given: str) -> str:
    """A name, or the name at the end of an ARN; in lower case, as AWS stores it."""
    return (given.split(":", 6)[6] if given.startswith("arn:") and given.count(":") >= 6 else given).lower()


def pages(call: AwsCall, rows: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """One page and its marker: MaxRecords is 20 to 100, 100 where none is given."""
    limit = int(call.params.get("MaxRecords") or 100)
    if not 20 <= limit <= 100:
        raise invalid(f"Invalid value {limit} for MaxRecords. Must be between 20 and 100")
    marker = call.text("Marker")
    if marker and not marker.isdigit():
        raise invalid("Invalid marker")
    start = int(marker or 0)
    more = {"Marker": str(start + limit)} if start + limit < len(rows) else {}
    return rows[start : start + limit], more


def present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
