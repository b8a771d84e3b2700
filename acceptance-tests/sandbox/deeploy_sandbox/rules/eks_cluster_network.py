"""A cluster in its VPC: user guide "Amazon EKS networking requirements for VPC and subnets" and "View Amazon EKS
security group requirements for clusters".

EKS makes the cluster security group, and network interfaces of its own (`Amazon EKS NAME`) in the subnets; both go with
the cluster. Control-plane logs go to `/aws/eks/NAME/cluster`, which EKS makes whenever it is missing.
"""

from __future__ import annotations

import random
from typing import Any

from ..moto_bridge import backend
from ..wire import AwsError
from .ec2_interfaces import make_interface, remove_interface
from .ec2_security_groups import is_used, remove_group
from .eks_store import Cluster, invalid, refused

# Where AWS has no control planes (by the ids of zones).
ZONES_WITHOUT_EKS = ("use1-az3", "usw1-az2", "cac1-az3")
FREE_ADDRESSES_TO_CREATE = 6
FREE_ADDRESSES_TO_UPDATE = 5
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def find_subnet(ec2: Any, subnet_id: str) -> Any:
    for by_zone in ec2.subnets.values():
        if subnet_id in by_zone:
            return by_zone[subnet_id]
    return None


def check_subnets(ec2: Any, name: str, subnet_ids: list[str]) -> str:
    """The VPC of the subnets that a control plane may use."""
    found = []
    for subnet_id in subnet_ids:
        subnet = find_subnet(ec2, subnet_id)
        if subnet is None:
            raise invalid(f"The subnet ID '{subnet_id}' does not exist", clusterName=name)
        found.append(subnet)
    if len({subnet.vpc_id for subnet in found}) > 1:
        raise invalid("Subnets specified must belong to the same VPC", clusterName=name)
    zones = {subnet.availability_zone: str(subnet.availability_zone_id) for subnet in found}
    barred = next((zone for zone, zone_id in zones.items() if zone_id in ZONES_WITHOUT_EKS), None)
    if barred:
        raise AwsError(
            "UnsupportedAvailabilityZoneException",
            f"Cannot create cluster '{name}' because EKS does not support creating control plane instances in {barred}, "
            "the targeted availability zone. Retry cluster creation using control plane subnets that span at least two "
            "other availability zones.",
        )
    if len(zones) < 2:
        raise invalid("Subnets specified must be in at least two different AZs", clusterName=name)
    return str(found[0].vpc_id)


def check_free_addresses(ec2: Any, subnet_ids: list[str], needed: int) -> None:
    for subnet_id in subnet_ids:
        subnet = find_subnet(ec2, subnet_id)
        if subnet is not None and subnet.available_ip_address_count < needed:
            raise refused(f"Provided subnets {subnet_id} Free IPs: {subnet.available_ip_address_count} , need at least {needed} IPs in each subnet to be free for this operation")


def check_security_groups(ec2: Any, name: str, vpc_id: str, group_ids: list[str]) -> None:
    if len(group_ids) > 5:
        raise invalid("A cluster can have at most 5 additional security groups", clusterName=name)
    for group_id in group_ids:
        if group_id not in ec2.groups.get(vpc_id, {}):
            raise invalid(f"The security group '{group_id}' does not exist in the VPC {vpc_id}", clusterName=name)


def make_security_group(ec2: Any, name: str, vpc_id: str) -> str:
    group = ec2.create_security_group(
        f"eks-cluster-sg-{name}-{random.randrange(10**8, 10**10)}",
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.",
        vpc_id=vpc_id,
        force=True,
    )
    group.add_tags({"Name": group.name, "aws:eks:cluster-name": name, f"kubernetes.io/cluster/{name}": "owned"})
    ec2.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=vpc_id)
    return str(group.id)


def make_interfaces(cluster: Cluster) -> None:
    """EKS puts two to four interfaces into a cluster's subnets, in two zones at least."""
    ec2, config = cluster.ec2(), cluster.body["resourcesVpcConfig"]
    zones: set[str] = set()
    for subnet_id in config["subnetIds"]:
        subnet = find_subnet(ec2, subnet_id)
        if subnet is None or subnet.availability_zone in zones or len(zones) == 2:
            continue
        zones.add(subnet.availability_zone)
        groups = [cluster.security_group, *config.get("securityGroupIds", [])]
        cluster.interfaces.append(
            make_interface(
                cluster.account,
                cluster.region,
                subnet_id,
                groups,
                f"Amazon EKS {cluster.name}",
                requester_id=f"{cluster.account}:EKS",
                requester_managed=True,
            )
        )


def remove_interfaces(cluster: Cluster) -> None:
    for interface in cluster.interfaces:
        remove_interface(cluster.account, cluster.region, interface)
    cluster.interfaces = []


def leave_interfaces(cluster: Cluster) -> None:
    """Nobody's interfaces then: anybody may delete them."""
    for interface in [each for each in cluster.ec2().enis.values() if each.id in cluster.interfaces]:
        interface.status, interface.requester_managed = "available", False
        interface.holder.attachment_id, interface.holder.requester_managed = None, False


def remove_security_group(cluster: Cluster) -> None:
    """Where something else still uses the group, AWS leaves it behind."""
    ec2 = cluster.ec2()
    group = ec2.get_security_group_from_id(cluster.security_group)
    if group is not None and not is_used(ec2, group):
        remove_group(ec2, group)


def keep_log_group(cluster: Cluster) -> None:
    if not any(each.get("enabled") for each in cluster.body["logging"]["clusterLogging"]):
        return
    logs = backend("logs", cluster.account, cluster.region)
    name = f"/aws/eks/{cluster.name}/cluster"
    if name not in logs.groups:
        logs.create_log_group(name, {})
        logs.groups[name].made_by = "eks.amazonaws.com"


def shown_logging(asked: Any, before: Any = None) -> dict[str, Any]:
    """AWS shows the types that are on and those that are off as two entries."""
    enabled = {kind for each in (before or {}).get("clusterLogging", []) if each["enabled"] for kind in each["types"]}
    for each in (asked or {}).get("clusterLogging", []):
        for kind in each.get("types", []):
            if kind not in LOG_TYPES:
                raise invalid(f"Invalid logging type: {kind}")
            (enabled.add if each.get("enabled") else enabled.discard)(kind)
    on = [kind for kind in LOG_TYPES if kind in enabled]
    off = [kind for kind in LOG_TYPES if kind not in enabled]
    return {"clusterLogging": [{"types": types, "enabled": state} for types, state in ((on, True), (off, False)) if types]}
