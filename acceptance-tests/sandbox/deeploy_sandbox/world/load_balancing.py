"""Load balancers, their listeners and target groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import Object, reader, shown


@reader("elbv2")
def _elbv2(backend: Any, account: str) -> Iterator[Object]:
    tags_of = backend.tagging_service.get_tag_dict_for_resource
    for balancer in list(backend.load_balancers.values()):
        subnets = [subnet.id for subnet in balancer.subnets]
        yield shown(
            "elbv2:load_balancer", balancer.name, balancer.arn, tags_of(balancer.arn), balancer.state,
            balancer_type=balancer.type, vpc_id=balancer.vpc_id, subnets=subnets, security_groups=list(balancer.security_groups or []),
        )  # fmt: skip
        for listener in list(balancer.listeners.values()):
            yield shown("elbv2:listener", listener.arn, listener.arn, tags_of(listener.arn), None, load_balancer=balancer.arn)
    for group in list(backend.target_groups.values()):
        yield shown("elbv2:target_group", group.name, group.arn, tags_of(group.arn), None, vpc_id=group.vpc_id)


@reader("elb")
def _elb(backend: Any, account: str) -> Iterator[Object]:
    for balancer in list(backend.load_balancers.values()):
        arn = f"arn:aws:elasticloadbalancing:{backend.region_name}:{account}:loadbalancer/{balancer.name}"
        yield shown(
            "elb:load_balancer", balancer.name, arn, balancer.tags, None, vpc_id=balancer.vpc_id,
            subnets=list(balancer.subnets), security_groups=list(balancer.security_groups),
        )  # fmt: skip
