"""EC2 refuses what is more than Amazon VPC's and EC2's quotas admit; the codes are of EC2's list of error codes."""

from __future__ import annotations

from ..quotas import granted
from ..wire import AwsError

REFUSALS = {
    "vpcs": ("VpcLimitExceeded", "The maximum number of VPCs has been reached."),
    "subnets-per-vpc": ("SubnetLimitExceeded", "The maximum number of subnets has been reached."),
    "internet-gateways": ("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached."),
    "elastic-ips": ("AddressLimitExceeded", "The maximum number of addresses has been reached."),
    "nat-gateways-per-zone": ("NatGatewayLimitExceeded", "The maximum number of NAT Gateways has been reached."),
    "route-tables-per-vpc": ("RouteTableLimitExceeded", "The maximum number of route tables has been reached."),
    "routes-per-table": ("RouteLimitExceeded", "The maximum number of routes has been reached."),
    "security-groups": ("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached."),
    "rules-per-group": ("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."),
    "gateway-endpoints": ("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."),
    "interface-endpoints-per-vpc": ("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."),
}


def need_room(account: str, name: str, present: int, more: int = 1) -> None:
    if present + more > granted(account, name):
        raise AwsError(*REFUSALS[name])
