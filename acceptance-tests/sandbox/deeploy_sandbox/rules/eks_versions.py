"""The Kubernetes versions of EKS: user guide "Understand the Kubernetes version lifecycle on EKS", and
DescribeClusterVersions. The sandbox's calendar stands still, so that a test means the same tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..aws_call import AwsCall
from .eks_store import operation, page

TODAY = datetime(2026, 11, 15, tzinfo=timezone.utc)


@dataclass(frozen=True)
class KubernetesVersion:
    name: str
    patch: str
    platform: str
    released: datetime
    standard_ends: datetime
    extended_ends: datetime

    @property
    def status(self) -> str:
        if TODAY < self.standard_ends:
            return "STANDARD_SUPPORT"
        return "EXTENDED_SUPPORT" if TODAY < self.extended_ends else "UNSUPPORTED"

    @property
    def minor(self) -> int:
        return minor_of(self.name)


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def _version(name: str, patch: str, platform: str, released: str, standard: str, extended: str) -> KubernetesVersion:
    return KubernetesVersion(name, patch, platform, _day(released), _day(standard), _day(extended))


VERSIONS = {
    each.name: each
    for each in (
        _version("1.30", "1.30.14", "eks.50", "2024-05-23", "2025-07-23", "2026-07-23"),
        _version("1.31", "1.31.14", "eks.45", "2024-09-26", "2025-11-26", "2026-11-26"),
        _version("1.32", "1.32.11", "eks.38", "2025-01-23", "2026-03-23", "2027-03-23"),
        _version("1.33", "1.33.8", "eks.30", "2025-05-29", "2026-07-29", "2027-07-29"),
        _version("1.34", "1.34.5", "eks.20", "2025-10-02", "2026-12-02", "2027-12-02"),
        _version("1.35", "1.35.2", "eks.9", "2026-01-27", "2027-03-27", "2028-03-27"),
    )
}
DEFAULT = "1.35"


def minor_of(version: str) -> int:
    """The minor number of `1.N`; -1 where it is no such text."""
    major, _, minor = version.partition(".")
    return int(minor) if major == "1" and minor.isdigit() else -1


def supported(version: str) -> bool:
    found = VERSIONS.get(version)
    return found is not None and found.status != "UNSUPPORTED"


@operation("DescribeClusterVersions")
def _describe(call: AwsCall) -> dict[str, Any]:
    wanted = call.params.get("clusterVersions") or []
    status = call.text("versionStatus") or call.text("status").upper().replace("-", "_")
    found = sorted(VERSIONS.values(), key=lambda each: -each.minor)
    if wanted:
        found = [each for each in found if each.name in wanted]
    if status:
        found = [each for each in found if each.status == status]
    elif not wanted and not call.params.get("includeAll"):
        found = [each for each in found if each.status != "UNSUPPORTED"]
    if call.params.get("defaultOnly"):
        found = [each for each in found if each.name == DEFAULT]
    return page(call, "clusterVersions", [_shown(each) for each in found])


def _shown(version: KubernetesVersion) -> dict[str, Any]:
    return {
        "clusterVersion": version.name,
        "clusterType": "eks",
        "defaultPlatformVersion": version.platform,
        "defaultVersion": version.name == DEFAULT,
        "releaseDate": version.released,
        "endOfStandardSupportDate": version.standard_ends,
        "endOfExtendedSupportDate": version.extended_ends,
        "status": version.status.lower().replace("_", "-"),
        "versionStatus": version.status,
        "kubernetesPatchVersion": version.patch,
    }
