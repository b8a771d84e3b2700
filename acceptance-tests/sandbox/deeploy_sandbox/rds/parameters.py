"""The parameters of PostgreSQL's DB parameter groups: `parameters.tsv`, written after DescribeDBParameters
and the user guide's "RDS for PostgreSQL DB instance parameter list".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .versions import MINORS


@dataclass(frozen=True)
class Parameter:
    name: str
    value: str
    dynamic: bool
    data_type: str
    allowed: str
    modifiable: bool
    # Whether RDS sets the default itself (`system`), or PostgreSQL does (`engine-default`).
    source: str
    description: str

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "ParameterName": self.name,
            "Description": self.description,
            "Source": self.source,
            "ApplyType": "dynamic" if self.dynamic else "static",
            "DataType": self.data_type,
            "IsModifiable": self.modifiable,
            "ApplyMethod": "pending-reboot",
        }
        if self.allowed:
            shown["AllowedValues"] = self.allowed
        if self.value:
            shown["ParameterValue"] = self.value
        return shown

    def admits(self, value: str) -> bool:
        """Formulas such as `{DBInstanceClassMemory/32768}` are evaluated later."""
        if not self.allowed or "{" in value:
            return True
        if self.data_type in ("integer", "float"):
            return any(_within(value, part) for part in self.allowed.split(","))
        choices = self.allowed.split(",")
        if self.data_type == "list":
            return all(each.strip() in choices for each in value.split(",") if each.strip())
        return value in choices


def _within(value: str, allowed: str) -> bool:
    span = re.match(r"^(-?[\d.]+)-(-?[\d.e]+)$", allowed)
    try:
        number = float(value)
        return float(span.group(1)) <= number <= float(span.group(2)) if span else number == float(allowed)
    except ValueError:
        return False


def is_family(family: str) -> bool:
    return family.removeprefix("postgres") in MINORS and family.startswith("postgres")


@cache
def of(family: str) -> dict[str, Parameter]:
    """A column may say `13:off,15:on`: that value from each major version on."""
    major = int(family.removeprefix("postgres"))
    found = {}
    for line in (Path(__file__).parent / "parameters.tsv").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, value, apply, data_type, allowed, modifiable, source, versions, description = line.split("\t")
        first, _, last = versions.partition("-")
        if not int(first or 0) <= major <= int(last or 99):
            continue
        found[name] = Parameter(name, _by_version(value, major), apply == "dynamic", data_type, allowed, modifiable == "yes", source, description)
    return found


def _by_version(value: str, major: int) -> str:
    if not re.match(r"^\d+=", value):
        return value
    chosen = ""
    for part in value.split(";"):
        since, _, text = part.partition("=")
        if major >= int(since):
            chosen = text
    return chosen


def find(family: str, name: str) -> Parameter | None:
    return of(family).get(name)


def running_value(family: str, running: dict[str, str], name: str) -> str:
    """What the server goes by: set in the group when it last looked, or the default."""
    known = find(family, name)
    return running.get(name, known.value if known else "")
