"""DB subnet groups: API reference of Create-, Modify-, Describe- and DeleteDBSubnetGroup(s)."""

from __future__ import annotations

import re
from typing import Any

from ..aws_call import AwsCall
from ..rds import quotas
from ..rds.groups import SubnetGroup, subnet_group, subnets_in
from ..rds.store import invalid, name_of, pages, place_of, tags_of
from ..wire import AwsError
from . import before
from .rds_instances import users_of_subnet_group


@before("rds", "CreateDBSubnetGroup")
def _create(call: AwsCall) -> dict[str, Any]:
    place, given = place_of(call), call.text("DBSubnetGroupName")
    if not re.match(r"^[A-Za-z0-9._ -]{1,255}$", given) or given.lower() == "default":
        raise invalid(f"The parameter DBSubnetGroupName is not valid: {given}. It has up to 255 letters, digits, spaces, periods, underscores and hyphens, and is not 'default'.")
    name, tags = given.lower(), tags_of(call)
    if not call.text("DBSubnetGroupDescription"):
        raise invalid("The parameter DBSubnetGroupDescription must be provided and must not be blank.")
    if name in place.moto.subnet_groups:
        raise AwsError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    vpc_id, subnets = subnets_in(place, [str(each) for each in call.params.get("SubnetIds") or []])
    quotas.require_room(place, "DBSubnetGroups", len(place.moto.subnet_groups) + 1)
    quotas.require_room(place, "SubnetsPerDBSubnetGroup", len(subnets))
    group = SubnetGroup(place, name, call.text("DBSubnetGroupDescription"), vpc_id, subnets, tags=tags)
    place.moto.subnet_groups[name] = group
    return {"DBSubnetGroup": group.shown()}


@before("rds", "DescribeDBSubnetGroups")
def _describe(call: AwsCall) -> dict[str, Any]:
    place, name = place_of(call), name_of(call.text("DBSubnetGroupName"))
    groups = [subnet_group(place, name)] if name else sorted(place.moto.subnet_groups.values(), key=lambda each: each.name)
    groups, more = pages(call, groups)
    return {"DBSubnetGroups": [group.shown() for group in groups], **more}


@before("rds", "ModifyDBSubnetGroup")
def _modify(call: AwsCall) -> dict[str, Any]:
    """The subnets replace the old ones; a zone with an instance in it must stay."""
    place = place_of(call)
    group = subnet_group(place, name_of(call.text("DBSubnetGroupName")))
    vpc_id, subnets = subnets_in(place, [str(each) for each in call.params.get("SubnetIds") or []])
    if vpc_id != group.vpc_id:
        raise AwsError("InvalidSubnet", f"The subnets are in {vpc_id}, and the DB subnet group is in {group.vpc_id}.")
    quotas.require_room(place, "SubnetsPerDBSubnetGroup", len(subnets))
    zones = {zone for _, zone in subnets}
    users = users_of_subnet_group(place, group.name)
    held = {each.values.get(member) for each in users for member in ("AvailabilityZone", "SecondaryAvailabilityZone")} - {None}
    if held - zones:
        lost = ", ".join(sorted(str(zone) for zone in held - zones))
        raise AwsError("SubnetAlreadyInUse", f"The DB subnet group must keep a subnet in {lost}: a DB instance is in use there.")
    occupied = {_subnet_in(group.subnets, zone) for zone in held}
    if any(subnet not in dict(subnets) for subnet in occupied if subnet is not None):
        raise AwsError("SubnetAlreadyInUse", "The subnet is already in use in the Availability Zone.")
    group.subnets = subnets
    if call.params.get("DBSubnetGroupDescription") is not None:
        group.description = call.text("DBSubnetGroupDescription")
    return {"DBSubnetGroup": group.shown()}


def _subnet_in(subnets: list[tuple[str, str]], zone: str) -> str | None:
    """RDS's network interface stands in the first subnet of the zone."""
    return next((subnet for subnet, at in subnets if at == zone), None)


@before("rds", "DeleteDBSubnetGroup")
def _delete(call: AwsCall) -> dict[str, Any]:
    place = place_of(call)
    group = subnet_group(place, name_of(call.text("DBSubnetGroupName")))
    users = users_of_subnet_group(place, group.name)
    if users:
        raise AwsError("InvalidDBSubnetGroupStateFault", f"Cannot delete the subnet group '{group.name}' because at least one database instance: {users[0].name} is still using it.")
    if group.name == "default":
        raise AwsError("InvalidDBSubnetGroupStateFault", "The default DB subnet group cannot be deleted.")
    place.moto.subnet_groups.pop(group.name)
    return {}
