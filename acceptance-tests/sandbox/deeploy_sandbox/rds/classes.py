"""Instance classes and storage: user guide "DB instance classes" and "Amazon RDS DB instance storage"."""

from __future__ import annotations

import re
from typing import Any

from .versions import MINORS, major_of

SIZES = {"micro": (2, 1), "small": (2, 2), "medium": (2, 4), "large": (2, 8), "xlarge": (4, 16), "2xlarge": (8, 32)}
BURSTABLE = ("t3", "t4g")
# Family → the sizes in units of `xlarge`, and GiB of memory for each virtual CPU.
FAMILIES: dict[str, tuple[tuple[int, ...], int]] = {
    "m5": ((2, 4, 8, 12, 16, 24), 4),
    "m6g": ((2, 4, 8, 12, 16), 4),
    "m6i": ((2, 4, 8, 12, 16, 24, 32), 4),
    "m7g": ((2, 4, 8, 12, 16), 4),
    "m7i": ((2, 4, 8, 12, 16, 24, 48), 4),
    "m8g": ((2, 4, 8, 12, 16, 24, 48), 4),
    "r5": ((2, 4, 8, 12, 16, 24), 8),
    "r6g": ((2, 4, 8, 12, 16), 8),
    "r6i": ((2, 4, 8, 12, 16, 24, 32), 8),
    "r7g": ((2, 4, 8, 12, 16), 8),
    "r7i": ((2, 4, 8, 12, 16, 24, 48), 8),
    "r8g": ((2, 4, 8, 12, 16, 24, 48), 8),
    "x2g": ((2, 4, 8, 12, 16), 16),
}
# RDS has these, but no PostgreSQL that is still there runs on them.
RETIRED = ("t2", "m4", "r4", "m3", "m1", "r3")
# The quarter (versions.MINORS) from whose minor versions on a family is offered.
SINCE = {"m8g": 2, "r8g": 2, "m7i": 0, "r7i": 0}
STORAGE_TYPES = ("gp2", "gp3", "io1", "io2", "standard")
# GiB by type: user guide, tables of each storage type.
SMALLEST = {"gp2": 20, "gp3": 20, "io1": 100, "io2": 100, "standard": 5}
LARGEST = {"gp2": 65536, "gp3": 65536, "io1": 65536, "io2": 65536, "standard": 3072}
GP3_STRIPED_GIB = 400
GP3_BASE = {False: (3000, 125), True: (12000, 500)}


def _classes() -> dict[str, tuple[int, int]]:
    found = {f"db.{family}.{size}": cpus for family in BURSTABLE for size, cpus in SIZES.items()}
    for family, (sizes, memory) in FAMILIES.items():
        found |= {f"db.{family}.large": (2, 2 * memory), f"db.{family}.xlarge": (4, 4 * memory)}
        found |= {f"db.{family}.{n}xlarge": (4 * n, 4 * n * memory) for n in sizes}
    return found


# Class → (virtual CPUs, GiB of memory).
CLASSES = _classes()


def is_known(name: str) -> bool:
    family = re.match(r"^db\.([a-z0-9]+)\.(micro|small|medium|large|\d*xlarge)$", name)
    return name in CLASSES or bool(family and family.group(1) in RETIRED)


def is_orderable(name: str, version: str) -> bool:
    if name not in CLASSES:
        return False
    return MINORS[major_of(version)][version] >= SINCE.get(name.split(".")[1], 0)


def zones_of(name: str, zones: list[str]) -> list[str]:
    """us-east-1e has none of the newer hardware."""
    old = name.split(".")[1] in ("t3", "m5", "r5")
    return [zone for zone in zones if old or zone != "us-east-1e"]


def gp3_base(gib: int) -> tuple[int, int]:
    """(IOPS, MiB/s) that come with a gp3 volume."""
    return GP3_BASE[gib >= GP3_STRIPED_GIB]


def orderable(name: str, version: str, storage: str, zones: list[str]) -> dict[str, Any]:
    provisioned = storage in ("io1", "io2") or storage == "gp3"
    shown: dict[str, Any] = {
        "Engine": "postgres",
        "EngineVersion": version,
        "DBInstanceClass": name,
        "LicenseModel": "postgresql-license",
        "AvailabilityZones": [{"Name": zone} for zone in zones_of(name, zones)],
        "MultiAZCapable": True,
        "ReadReplicaCapable": True,
        "Vpc": True,
        "SupportsStorageEncryption": True,
        "StorageType": storage,
        "SupportsIops": provisioned,
        "SupportsStorageThroughput": storage == "gp3",
        "SupportsEnhancedMonitoring": True,
        "SupportsIAMDatabaseAuthentication": True,
        "SupportsPerformanceInsights": True,
        "SupportsStorageAutoscaling": storage != "standard",
        "SupportsKerberosAuthentication": True,
        "OutpostCapable": False,
        "SupportedActivityStreamModes": [],
        "SupportsGlobalDatabases": False,
        "SupportsClusters": False,
        "SupportsDedicatedLogVolume": storage in ("io1", "io2"),
        "SupportedNetworkTypes": ["IPV4", "DUAL"],
        "SupportsHttpEndpoint": False,
        "MinStorageSize": SMALLEST[storage],
        "MaxStorageSize": LARGEST[storage],
        "AvailableProcessorFeatures": [],
    }
    if storage in ("io1", "io2"):
        shown |= {"MinIopsPerDbInstance": 1000, "MaxIopsPerDbInstance": 256000, "MinIopsPerGib": 0.5, "MaxIopsPerGib": 1000.0 if storage == "io2" else 50.0}
    if storage == "gp3":
        shown |= {"MinIopsPerDbInstance": 12000, "MaxIopsPerDbInstance": 64000, "MinStorageThroughputPerDbInstance": 500, "MaxStorageThroughputPerDbInstance": 4000, "MaxIopsPerGib": 500.0, "MaxStorageThroughputPerIops": 0.25}
    return shown
