"""How many of each an account may have: Amazon VPC quotas and EC2's, by Service Quotas' codes. Raised for one
account by `POST /sandbox/settings?account=` with `{"quotas": {NAME or CODE: N}}`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..wire import AwsError
from . import memory


@dataclass(frozen=True)
class Quota:
    name: str
    service: str
    code: str
    default: int
    error: str
    message: str


QUOTAS = (
    Quota("vpcs", "vpc", "L-F678F1CE", 5, "VpcLimitExceeded", "The maximum number of VPCs has been reached."),
    Quota("subnets-per-vpc", "vpc", "L-407747CB", 200, "SubnetLimitExceeded", "The maximum number of subnets has been reached."),
    Quota("internet-gateways", "vpc", "L-A4707A72", 5, "InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached."),
    Quota("elastic-ips", "ec2", "L-0263D0A3", 5, "AddressLimitExceeded", "The maximum number of addresses has been reached."),
    Quota("nat-gateways-per-zone", "vpc", "L-FE5A380F", 5, "NatGatewayLimitExceeded", "The maximum number of NAT Gateways has been reached."),
    Quota("route-tables-per-vpc", "vpc", "L-589F43AA", 200, "RouteTableLimitExceeded", "The maximum number of route tables has been reached."),
    Quota("routes-per-table", "vpc", "L-93826ACB", 500, "RouteLimitExceeded", "The maximum number of routes has been reached."),
    Quota("security-groups", "vpc", "L-E79EC296", 2500, "SecurityGroupLimitExceeded", "The maximum number of security groups has been reached."),
    Quota("rules-per-group", "vpc", "L-0EA8095F", 60, "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."),
    Quota("gateway-endpoints", "vpc", "L-1B52E74A", 20, "VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."),
    Quota("interface-endpoints-per-vpc", "vpc", "L-29B6F2EB", 50, "VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."),
)  # fmt: skip
BY_NAME = {quota.name: quota for quota in QUOTAS}
NAMES = {**{quota.name: quota.name for quota in QUOTAS}, **{quota.code: quota.name for quota in QUOTAS}}


def raise_quotas(account: str, quotas: dict[str, int]) -> None:
    unknown = sorted(set(quotas) - set(NAMES))
    if unknown:
        raise ValueError(f"no such quota: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    memory(account, "quotas").update({NAMES[name]: int(value) for name, value in quotas.items()})


def quota(account: str, name: str) -> int:
    """What the account may have, by the quota's name or its code."""
    name = NAMES[name]
    return int(memory(account, "quotas").get(name, BY_NAME[name].default))


def quotas(account: str) -> dict[str, int]:
    return {each.name: quota(account, each.name) for each in QUOTAS}


def need_room(account: str, name: str, present: int, more: int = 1) -> None:
    if present + more > quota(account, name):
        raise AwsError(BY_NAME[name].error, BY_NAME[name].message)
