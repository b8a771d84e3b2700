"""How many of each an account may have: the quota pages of the services that an environment is made of. Service Quotas
shows this table, and the services refuse by it. What an account has been granted differs from account to account:
`{"quotas": {KEY: N}}` in `settings` sets it, where KEY is a name, a code, or SERVICE/CODE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .rules import memory


@dataclass(frozen=True)
class Quota:
    service: str
    # Service Quotas' code; empty where this table has none, then Service Quotas does not show it.
    code: str
    title: str
    default: int
    # Ours, or that of the service's own DescribeAccountAttributes.
    name: str = ""
    # What is applied here where that is more than AWS's default.
    applied: int | None = None

    @property
    def key(self) -> str:
        return self.name or self.code


SERVICES = {
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "ebs": "Amazon Elastic Block Store (Amazon EBS)",
    "eks": "Amazon Elastic Kubernetes Service (Amazon EKS)",
    "rds": "Amazon Relational Database Service (Amazon RDS)",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
}
QUOTAS = (
    Quota("vpc", "L-F678F1CE", "VPCs per Region", 5, "vpcs"),
    Quota("vpc", "L-A4707A72", "Internet gateways per Region", 5, "internet-gateways"),
    Quota("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5, "nat-gateways-per-zone"),
    Quota("vpc", "L-407747CB", "Subnets per VPC", 200, "subnets-per-vpc"),
    Quota("vpc", "L-589F43AA", "Route tables per VPC", 200, "route-tables-per-vpc"),
    Quota("vpc", "L-93826ACB", "Routes per route table", 500, "routes-per-table"),
    Quota("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20, "gateway-endpoints"),
    Quota("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50, "interface-endpoints-per-vpc"),
    Quota("vpc", "L-E79EC296", "VPC security groups per Region", 2500, "security-groups"),
    Quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60, "rules-per-group"),
    Quota("vpc", "L-2AFB9258", "Security groups per network interface", 5),
    Quota("vpc", "L-DF5E4CA3", "Network interfaces per Region", 5000),
    Quota("vpc", "L-83CA0A9D", "IPv4 CIDR blocks per VPC", 5),
    Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5, "elastic-ips"),
    # A new account has 5 virtual CPUs; AWS raises it with use.
    Quota("ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, applied=256),
    Quota("ec2", "L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5, applied=256),
    Quota("ebs", "L-7A658B76", "Storage for General Purpose SSD (gp3) volumes, in TiB", 50),
    Quota("eks", "L-1194D53C", "Clusters", 100, "clusters"),
    Quota("eks", "L-6D54EA21", "Managed node groups per cluster", 30, "nodegroups-per-cluster"),
    Quota("eks", "L-BD136A63", "Nodes per managed node group", 450),
    Quota("rds", "L-7B6409FD", "DB instances", 40, "DBInstances"),
    Quota("rds", "", "Reserved DB instances", 40, "ReservedDBInstances"),
    Quota("rds", "L-7ADDB58A", "Total storage for all DB instances", 100_000, "AllocatedStorage"),
    Quota("rds", "", "DB security groups", 25, "DBSecurityGroups"),
    Quota("rds", "", "Rules per DB security group", 20, "AuthorizationsPerDBSecurityGroup"),
    Quota("rds", "L-DE55804A", "Parameter groups", 50, "DBParameterGroups"),
    Quota("rds", "L-272F1212", "Manual DB instance snapshots", 100, "ManualSnapshots"),
    Quota("rds", "L-A59F4C87", "Event subscriptions", 20, "EventSubscriptions"),
    Quota("rds", "L-48C6BF61", "DB subnet groups", 50, "DBSubnetGroups"),
    Quota("rds", "", "Option groups", 20, "OptionGroups"),
    Quota("rds", "", "Subnets per DB subnet group", 20, "SubnetsPerDBSubnetGroup"),
    Quota("rds", "", "Read replicas per primary", 15, "ReadReplicasPerMaster"),
    Quota("rds", "", "DB clusters", 40, "DBClusters"),
    Quota("rds", "", "DB cluster parameter groups", 50, "DBClusterParameterGroups"),
    Quota("rds", "", "IAM roles per DB cluster", 5, "DBClusterRoles"),
    Quota("rds", "", "IAM roles per DB instance", 5, "DBInstanceRoles"),
    Quota("rds", "", "Manual DB cluster snapshots", 100, "ManualClusterSnapshots"),
    Quota("rds", "", "Custom endpoints per DB cluster", 5, "CustomEndpointsPerDBCluster"),
    Quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 50),
    Quota("elasticloadbalancing", "L-69A177A2", "Network Load Balancers per Region", 50),
    Quota("elasticloadbalancing", "L-E9E9831D", "Classic Load Balancers per Region", 20),
)
_KNOWN = {key: quota for quota in QUOTAS for key in (quota.name, quota.code, f"{quota.service}/{quota.code}") if key.rstrip("/") not in ("", quota.service)}


def find(key: str) -> Quota | None:
    return _KNOWN.get(key)


def of_service(service: str) -> Iterator[Quota]:
    return (quota for quota in QUOTAS if quota.service == service)


def granted(account: str, quota: Quota | str) -> int:
    """What the account may have, by the quota's name or code."""
    quota = _KNOWN[quota] if isinstance(quota, str) else quota
    ordinary = quota.default if quota.applied is None else quota.applied
    return int(memory(account, "quotas").get(quota.key, ordinary))


def grant(account: str, wanted: dict[str, float]) -> None:
    unknown = sorted(set(wanted) - set(_KNOWN))
    if unknown:
        raise ValueError(f"no such quota: {', '.join(unknown)}; there are {', '.join(quota.key for quota in QUOTAS)}")
    memory(account, "quotas").update({_KNOWN[key].key: int(value) for key, value in wanted.items()})
