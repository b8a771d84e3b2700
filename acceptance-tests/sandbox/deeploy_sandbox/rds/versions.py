"""PostgreSQL on RDS: "Amazon RDS for PostgreSQL release notes" and DescribeDBEngineVersions of the API reference."""

from __future__ import annotations

from typing import Any

# Minor version → the quarter that it came in, counted from May 2024. An upgrade to another major
# version needs a target that came no earlier than its source.
MINORS: dict[str, dict[str, int]] = {
    "13": {"13.15": 0, "13.16": 1, "13.18": 2, "13.20": 3, "13.21": 4, "13.22": 5, "13.23": 6},
    "14": {"14.12": 0, "14.13": 1, "14.14": 2, "14.15": 2, "14.16": 3, "14.17": 3, "14.18": 4, "14.19": 5, "14.20": 6, "14.22": 7},
    "15": {"15.7": 0, "15.8": 1, "15.9": 2, "15.10": 2, "15.11": 3, "15.12": 3, "15.13": 4, "15.14": 5, "15.15": 6, "15.17": 7},
    "16": {"16.3": 0, "16.4": 1, "16.5": 2, "16.6": 2, "16.7": 3, "16.8": 3, "16.9": 4, "16.10": 5, "16.11": 6, "16.13": 7},
    "17": {"17.1": 2, "17.2": 2, "17.3": 3, "17.4": 3, "17.5": 4, "17.6": 5, "17.7": 6, "17.9": 7},
    "18": {"18.1": 6, "18.3": 7},
}
DEFAULT_MINORS = {"13": "13.22", "14": "14.19", "15": "15.14", "16": "16.10", "17": "17.6", "18": "18.1"}
DEFAULT = "17.6"
# Past the community's end of life; RDS keeps it under Extended Support.
EXTENDED_SUPPORT = ("13",)
LOGS = ["postgresql", "upgrade", "iam-db-auth-error"]
CERTIFICATES = ["rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-rsa4096-g1"]
ALL = [minor for minors in MINORS.values() for minor in minors]


def major_of(version: str) -> str:
    return version.partition(".")[0]


def family_of(version: str) -> str:
    return "postgres" + major_of(version)


def resolve(version: str | None) -> str | None:
    """The minor version that a request means: `16` alone is its default minor version. None: there is none."""
    if not version:
        return DEFAULT
    if version in DEFAULT_MINORS:
        return DEFAULT_MINORS[version]
    return version if version in MINORS.get(major_of(version), {}) else None


def upgrade_targets(version: str) -> list[str]:
    major, came = major_of(version), MINORS[major_of(version)][version]
    minors_of = list(MINORS[major])
    found = minors_of[minors_of.index(version) + 1 :]
    for other, minors in MINORS.items():
        if int(other) > int(major):
            found += [minor for minor, quarter in minors.items() if quarter >= came]
    return found


def auto_upgrade_target(version: str) -> str | None:
    """Where the maintenance window takes an instance with automatic minor version upgrades."""
    default = DEFAULT_MINORS[major_of(version)]
    return default if default in upgrade_targets(version) else None


def shown(version: str) -> dict[str, Any]:
    major = major_of(version)
    return {
        "Engine": "postgres",
        "EngineVersion": version,
        "MajorEngineVersion": major,
        "DBParameterGroupFamily": family_of(version),
        "DBEngineDescription": "PostgreSQL",
        "DBEngineVersionDescription": f"PostgreSQL {version}-R1",
        "ValidUpgradeTarget": [
            {
                "Engine": "postgres",
                "EngineVersion": target,
                "Description": f"PostgreSQL {target}-R1",
                "AutoUpgrade": target == auto_upgrade_target(version),
                "IsMajorVersionUpgrade": major_of(target) != major,
            }
            for target in upgrade_targets(version)
        ],
        "ExportableLogTypes": LOGS,
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": True,
        "SupportedFeatureNames": ["s3Import", "s3Export", "Lambda"],
        "Status": "available",
        "SupportsParallelQuery": False,
        "SupportsGlobalDatabases": False,
        "SupportsBabelfish": False,
        "SupportsLimitlessDatabase": False,
        "SupportsIntegrations": int(major) >= 15,
        "SupportsLocalWriteForwarding": False,
        "SupportsCertificateRotationWithoutRestart": True,
        "SupportedCACertificateIdentifiers": CERTIFICATES,
    }
