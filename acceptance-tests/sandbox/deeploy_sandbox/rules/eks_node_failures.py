"""Why nodes don't launch, or don't join: user guide "Troubleshoot problems with Amazon EKS clusters and nodes", Issue
codes of a node group; Auto Scaling user guide, "Required AWS KMS key policy for use with encrypted volumes".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import moto.backends

from ..conditions import folded
from ..evaluate import Question, decide
from ..identity_policies import principal_of
from . import memory
from .eks_cluster_network import find_subnet
from .eks_pods import credentials
from .eks_roles import allows, missing_node_policies
from .eks_store import Body, Cluster
from .service_linked_roles import make_service_linked_role

# What Auto Scaling does with a volume's key (`kms:ReEncrypt*` only for encrypted snapshots).
VOLUME_KEY_ACTIONS = ("kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant")
# What a node without a way to the internet needs: user guide "Deploy private clusters with limited internet access".
PRIVATE_ENDPOINTS = ("ec2", "ecr.api", "ecr.dkr", "s3")
INVALID_KEY = (
    "Instance became unhealthy while waiting for instance to be in InService state. "
    "Termination Reason: Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"
)
NOT_JOINED = "Instances failed to join the kubernetes cluster"


@dataclass(frozen=True)
class Failure:
    code: str
    message: str
    # For people who read the sandbox's world; AWS doesn't say it.
    cause: str

    def issue(self, instances: list[str]) -> Body:
        return {"code": self.code, "message": self.message, "resourceIds": instances}


def launch_failure(account: str, region: str, template_data: dict[str, Any]) -> Failure | None:
    for key_id in sorted(volume_keys(account, region, template_data)):
        reason = _unusable(account, region, key_id)
        if reason:
            return Failure("AsgInstanceLaunchFailures", INVALID_KEY, reason)
    return None


def volume_keys(account: str, region: str, template_data: dict[str, Any]) -> set[str]:
    """The customer keys of the volumes; AWS's own `alias/aws/ebs` admits everybody in the account."""
    ec2 = moto.backends.get_backend("ec2")[account][region]
    by_default, default_key = ec2.ebs_encryption_by_default, memory(account, "ebs default key").get(region, "")
    found = set()
    for device in template_data.get("BlockDeviceMappings") or [{}]:
        ebs = device.get("Ebs") or {}
        if by_default or str(ebs.get("Encrypted", "")).lower() == "true":
            found.add(str(ebs.get("KmsKeyId") or default_key))
    return {key for key in found if key and not key.endswith("alias/aws/ebs")}


def _unusable(account: str, region: str, key_id: str) -> str | None:
    key = _find_key(account, region, key_id)
    if key is None:
        return f"no key {key_id}"
    if any(alias.alias_name.startswith("alias/aws/") for alias in key.aliases.values()):
        return None
    if key.key_state != "Enabled":
        return f"{key.arn} is {key.key_state}"
    role = principal_of(make_service_linked_role(account, region, "autoscaling.amazonaws.com"))
    context = folded({
        **role.context(), "kms:ViaService": f"ec2.{region}.amazonaws.com", "kms:GrantIsForAWSResource": "true", "kms:CallerAccount": account,
    })  # fmt: skip
    refused = [action for action in VOLUME_KEY_ACTIONS if decide(role, Question(action, key.arn, context))[0] != "allowed"]
    return f"the policy of {key.arn} does not let AWSServiceRoleForAutoScaling {', '.join(refused)}" if refused else None


def _find_key(account: str, region: str, key_id: str) -> Any:
    parts = key_id.split(":", 5)
    if len(parts) == 6:
        account, region, key_id = parts[4], parts[3], parts[5].removeprefix("key/")
    regions = dict.get(moto.backends.get_backend("kms"), account)
    backend = dict.get(regions, region) if regions is not None else None
    for key in list(backend.keys.values()) if backend is not None else []:
        if key_id == key.id or any(alias.alias_name == key_id for alias in key.aliases.values()):
            return key
    return None


def join_failure(cluster: Cluster, node_role: str, subnet_ids: list[str]) -> Failure | None:
    missing = missing_node_policies(node_role)
    cause = None
    if missing:
        cause = f"the node role {node_role} lacks what {', '.join(missing)} allow"
    elif not _has_entry(cluster, node_role):
        cause = f"no access entry lets {node_role} join"
    elif _cni_failure(cluster, node_role):
        cause = _cni_failure(cluster, node_role)
    else:
        cut_off = [id for id in subnet_ids if not reaches_aws(cluster, id)]
        if cut_off:
            cause = f"no way out of {', '.join(cut_off)}"
    return Failure("NodeCreationFailure", NOT_JOINED, cause) if cause else None


def _has_entry(cluster: Cluster, node_role: str) -> bool:
    entry = cluster.entries.get(node_role)
    return cluster.body["accessConfig"]["authenticationMode"] != "API" or (entry is not None and entry.body["type"] in ("EC2_LINUX", "EC2_WINDOWS", "EC2"))


def _cni_failure(cluster: Cluster, node_role: str) -> str | None:
    """A node is ready only with a network plugin that may manage its interfaces."""
    addon = cluster.addons.get("vpc-cni")
    if addon is None and "vpc-cni" not in cluster.unmanaged:
        return "the add-on vpc-cni is missing"
    if addon is not None and addon.status not in ("ACTIVE", "UPDATING"):
        return f"the add-on vpc-cni is {addon.status}"
    annotated = addon.body.get("serviceAccountRoleArn") if addon is not None else None
    found = credentials(cluster, "kube-system", "aws-node", annotated)
    if allows(found.role_arn or node_role, "ec2:AssignPrivateIpAddresses"):
        return None
    return f"vpc-cni may not manage interfaces with {found.role_arn or node_role} ({found.why})"


def reaches_aws(cluster: Cluster, subnet_id: str) -> bool:
    """Through a NAT or internet gateway, another default route, or by interface endpoints to a private API."""
    ec2 = cluster.ec2()
    subnet = find_subnet(ec2, subnet_id)
    if subnet is None:
        return False
    table = _route_table(ec2, subnet)
    for route in table.routes:
        if route.destination_cidr_block != "0.0.0.0/0":
            continue
        if route.nat_gateway is not None:
            return str(route.nat_gateway.state) in ("available", "pending")
        if route.gateway is not None and str(route.gateway.id).startswith("igw-"):
            return str(subnet.map_public_ip_on_launch).lower() == "true"
        return True
    served = {
        str(each.service_name).rpartition(f".{cluster.region}.")[2]
        for each in ec2.vpc_end_points.values()
        if each.vpc_id == subnet.vpc_id and each.state in ("available", "pending") and _serves(each, table)
    }
    return set(PRIVATE_ENDPOINTS) <= served and bool(cluster.body["resourcesVpcConfig"]["endpointPrivateAccess"])


def _serves(endpoint: Any, table: Any) -> bool:
    """An interface is found by its private name, a gateway by a route."""
    if str(endpoint.vpc_endpoint_type).lower() == "gateway":
        return table.id in (endpoint.route_table_ids or [])
    return str(endpoint.private_dns_enabled).lower() == "true"


def _route_table(ec2: Any, subnet: Any) -> Any:
    tables = [each for each in ec2.route_tables.values() if each.vpc_id == subnet.vpc_id]
    own = [each for each in tables if subnet.id in each._associations.values()]
    return (own or [each for each in tables if each.main_association_id])[0]
