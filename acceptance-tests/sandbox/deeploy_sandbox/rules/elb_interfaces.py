"""The network interfaces of load balancers: EC2 user guide, "Requester-managed network interfaces"; Elastic Load
Balancing user guides, "Delete a … Load Balancer" (the interfaces are deleted a while after it).
"""

from __future__ import annotations

from typing import Any

from .. import durations, world
from ..aws_call import AwsCall
from ..moto_bridge import backend
from . import before, memory
from .ec2_interfaces import make_interface, remove_interface

REQUESTER = "amazon-elb"


def make_interfaces(account: str, region: str, balancer: Any) -> list[str]:
    """One in each subnet, described by the last part of the load balancer's ARN."""
    kind = "network_load_balancer" if balancer.type == "network" else "interface"
    described = "ELB " + balancer.arn.partition(":loadbalancer/")[2]
    return [
        make_interface(account, region, subnet.id, list(balancer.security_groups or []), described, kind, REQUESTER, requester_managed=True)
        for subnet in balancer.subnets
    ]


def make_classic_interfaces(account: str, region: str, name: str, subnet_ids: list[str], groups: list[str]) -> list[str]:
    return [
        make_interface(account, region, subnet, groups, f"ELB {name}", "interface", REQUESTER, requester_managed=True) for subnet in subnet_ids
    ]


def set_groups(account: str, region: str, interfaces: list[str], groups: list[str]) -> None:
    ec2 = backend("ec2", account, region)
    chosen = [group for by_vpc in ec2.groups.values() for group in by_vpc.values() if group.id in groups]
    for id in interfaces:
        if id in ec2.enis:
            ec2.enis[id]._group_set = list(chosen)


def release(account: str, region: str, interfaces: list[str]) -> None:
    """A deleted load balancer's interfaces stay until its span is over."""
    memory(account, "elb leaving", list).append((region, interfaces, durations.begin(account, "elbv2:load-balancer:delete")))
    settle(account)


def settle(account: str) -> None:
    """Removes the interfaces whose time has come. Called whenever somebody may look."""
    leaving = memory(account, "elb leaving", list)
    for entry in list(leaving):
        region, interfaces, span = entry
        if span.done():
            leaving.remove(entry)
            for id in interfaces:
                remove_interface(account, region, id)


@before("ec2", "*")
def _settle_for_ec2(call: AwsCall) -> None:
    settle(call.account)


world.settlers.append(settle)
