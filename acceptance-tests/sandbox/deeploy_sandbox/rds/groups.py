"""DB subnet groups and DB parameter groups, and who uses them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..wire import AwsError
from . import parameters
from .store import Place, Record, combination


@dataclass
class SubnetGroup(Record):
    description: str
    vpc_id: str
    # (subnet, availability zone)
    subnets: list[tuple[str, str]]

    def __post_init__(self) -> None:
        self.kind = "subgrp"

    @property
    def zones(self) -> list[str]:
        return sorted({zone for _, zone in self.subnets})

    def shown(self, with_arn: bool = True) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "DBSubnetGroupName": self.name,
            "DBSubnetGroupDescription": self.description,
            "VpcId": self.vpc_id,
            "SubnetGroupStatus": "Complete",
            "Subnets": [
                {"SubnetIdentifier": subnet, "SubnetAvailabilityZone": {"Name": zone}, "SubnetOutpost": {}, "SubnetStatus": "Active"}
                for subnet, zone in self.subnets
            ],
            "SupportedNetworkTypes": ["IPV4"],
        }
        return {**shown, "DBSubnetGroupArn": self.arn} if with_arn else shown


@dataclass
class ParameterGroup(Record):
    family: str
    description: str
    # name → (value, apply method), of what was set by somebody.
    values: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kind = "pg"

    @property
    def is_default(self) -> bool:
        return self.name.startswith("default.")

    def shown(self) -> dict[str, Any]:
        return {
            "DBParameterGroupName": self.name,
            "DBParameterGroupFamily": self.family,
            "Description": self.description,
            "DBParameterGroupArn": self.arn,
        }


def find_parameter_group(place: Place, name: str) -> ParameterGroup | None:
    """`default.FAMILY` is always there."""
    store = place.moto.db_parameter_groups
    if name not in store and name.startswith("default.") and parameters.is_family(name.removeprefix("default.")):
        family = name.removeprefix("default.")
        store[name] = ParameterGroup(place, name, family, f"Default parameter group for {family}")
    return store.get(name)


def parameter_group(place: Place, name: str) -> ParameterGroup:
    found = find_parameter_group(place, name.lower())
    if found is None:
        raise AwsError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    return found


def find_subnet_group(place: Place, name: str) -> SubnetGroup | None:
    """`default` is made with the first instance that names none: the subnets of the default VPC."""
    return place.moto.subnet_groups.get(name)


def subnet_group(place: Place, name: str) -> SubnetGroup:
    found = find_subnet_group(place, name.lower())
    if found is None:
        raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
    return found


def default_subnet_group(place: Place) -> SubnetGroup:
    found = find_subnet_group(place, "default")
    if found is not None:
        return found
    vpc = next((each for each in place.ec2.vpcs.values() if each.is_default), None)
    if vpc is None:
        raise combination("No default VPC exists for this account: specify a DB subnet group.")
    subnets = [(each.id, each.availability_zone) for zone in place.ec2.subnets.values() for each in zone.values() if each.vpc_id == vpc.id]
    group = SubnetGroup(place, "default", "default", vpc.id, sorted(subnets, key=lambda each: each[1]))
    place.moto.subnet_groups["default"] = group
    return group


def subnets_in(place: Place, ids: list[str]) -> tuple[str, list[tuple[str, str]]]:
    """The VPC of the subnets, and each with its zone; the rules of CreateDBSubnetGroup."""
    found = []
    for id in dict.fromkeys(ids):
        subnet = next((zone[id] for zone in place.ec2.subnets.values() if id in zone), None)
        if subnet is None:
            raise AwsError("InvalidSubnet", f"The subnet ID '{id}' does not exist")
        found.append(subnet)
    vpcs = sorted({subnet.vpc_id for subnet in found})
    if len(vpcs) > 1:
        raise AwsError("InvalidSubnet", f"Subnets are not all in the same VPC: {', '.join(vpcs)}")
    zones = sorted({subnet.availability_zone for subnet in found})
    if len(zones) < 2:
        raise AwsError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs.",
        )
    return vpcs[0], [(subnet.id, subnet.availability_zone) for subnet in found]
