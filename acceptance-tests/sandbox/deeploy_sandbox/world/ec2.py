"""Networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import Object, reader, shown


@reader("ec2")
def _ec2(backend: Any, account: str) -> Iterator[Object]:
    # A new account has a default VPC with all that belongs to it; nobody made these.
    default = {vpc.id for vpc in backend.vpcs.values() if vpc.is_default}
    for vpc in backend.vpcs.values():
        if vpc.id not in default:
            yield shown("ec2:vpc", vpc.id, None, vpc.get_tags(), vpc.state)
    subnets = [subnet for by_zone in backend.subnets.values() for subnet in by_zone.values()]
    for kind, items in (("subnet", subnets), ("route_table", backend.route_tables.values())):
        for item in items:
            if item.vpc_id not in default:
                yield shown(f"ec2:{kind}", item.id, None, item.get_tags())
    for groups in backend.groups.values():
        for group in groups.values():
            if group.vpc_id not in default and group.name != "default":
                yield shown("ec2:security_group", group.id, None, group.get_tags())
    for kind, items in (
        ("internet_gateway", backend.internet_gateways),
        ("nat_gateway", backend.nat_gateways),
        ("vpc_endpoint", backend.vpc_end_points),
    ):
        for item in items.values():
            yield shown(f"ec2:{kind}", item.id, None, item.get_tags(), getattr(item, "state", None))
    for address in backend.addresses:
        yield shown("ec2:elastic_ip", str(address.allocation_id), None, address.get_tags())
