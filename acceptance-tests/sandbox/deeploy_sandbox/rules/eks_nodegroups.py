"""Managed node groups: API reference of CreateNodegroup, DescribeNodegroup, ListNodegroups and DeleteNodegroup."""

from __future__ import annotations

import re
import uuid
from typing import Any

from ..aws_call import AwsCall
from ..moto_bridge import Unsupported
from ..quotas import granted
from . import autoscaling_nodes as nodes
from . import eks_versions
from .eks_access import make_entry
from .eks_cluster_network import find_subnet
from .eks_node_failures import Failure, join_failure
from .eks_roles import check_node_role, need_service_linked_role
from .eks_store import (
    Body, Cluster, Part, active_cluster, check_tags, find_cluster, forget_tokens, in_use, invalid, no_room, not_found, now,
    operation, page,
)  # fmt: skip

NAME = re.compile(r"^[0-9A-Za-z][A-Za-z0-9_-]{0,62}$")
RESERVED_LABELS = ("kubernetes.io/", "k8s.io/", "eks.amazonaws.com/")
RELEASE = "20261106"


def find_nodegroup(call: AwsCall, cluster: Cluster) -> Part:
    name = call.text("nodegroupName")
    found = cluster.nodegroups.get(name)
    if found is None:
        raise not_found(f"No node group found for name: {name}.", clusterName=cluster.name, nodegroupName=name)
    return found


def check_scaling(scaling: Body) -> None:
    smallest, desired, biggest = (int(scaling[key]) for key in ("minSize", "desiredSize", "maxSize"))
    if smallest < 0 or biggest < 1:
        raise invalid("minSize must be at least 0, and maxSize at least 1")
    if smallest > desired:
        raise invalid(f"Minimum capacity {smallest} can't be greater than desired size {desired}")
    if desired > biggest:
        raise invalid(f"desired capacity {desired} can't be greater than max size {biggest}")


def check_labels(labels: dict[str, str]) -> None:
    for key in labels:
        domain = key.partition("/")[0] + "/"
        if "/" in key and any(domain == each or domain.endswith("." + each) for each in RESERVED_LABELS):
            raise invalid(f"Label cannot contain reserved prefixes [{', '.join(RESERVED_LABELS)}]: {key}")


def check_update_config(config: Body) -> Body:
    if ("maxUnavailable" in config) == ("maxUnavailablePercentage" in config):
        raise invalid("Exactly one of maxUnavailable and maxUnavailablePercentage must be given")
    return dict(config)


def resolve_template(cluster: Cluster, asked: Body) -> tuple[Body, Body]:
    """(id, name and number of the version, what the version holds)."""
    if bool(asked.get("id")) == bool(asked.get("name")):
        raise invalid("Either the id or the name of the launch template must be specified, not both.")
    ec2 = cluster.ec2()
    id = str(asked.get("id") or ec2.launch_template_name_to_ids.get(asked.get("name"), ""))
    template = ec2.launch_templates.get(id)
    if template is None:
        raise invalid(f"Launch template {asked.get('id') or asked.get('name')} does not exist", clusterName=cluster.name)
    wanted = str(asked.get("version") or "$Default")
    number = {"$latest": template.latest_version_number, "$default": template.default_version_number}.get(wanted.lower(), wanted)
    version = next((each for each in template.versions if str(each.number) == str(number)), None)
    if version is None:
        raise invalid(f"Could not find the specified version {wanted} for the launch template with ID {template.id}.", clusterName=cluster.name)
    data = dict(version.data)
    if data.get("IamInstanceProfile"):
        raise invalid("Launch template should not specify an instance profile. The noderole in your request will be used to construct an instance profile.")
    if any(each.get("SubnetId") for each in data.get("NetworkInterfaces") or []):
        raise invalid("Launch template should not specify subnets. The subnets in your request will be used.")
    return {"id": template.id, "name": template.name, "version": str(number)}, data


def _check_subnets(cluster: Cluster, subnet_ids: list[str]) -> None:
    if not subnet_ids:
        raise invalid("At least one subnet must be specified")
    for id in subnet_ids:
        subnet = find_subnet(cluster.ec2(), id)
        if subnet is None:
            raise invalid(f"The subnet ID '{id}' does not exist", clusterName=cluster.name)
        if subnet.vpc_id != cluster.vpc_id:
            raise invalid(f"Subnet {id} is not in the VPC {cluster.vpc_id} of the cluster", clusterName=cluster.name)


def release_version(version: str) -> str:
    return f"{eks_versions.VERSIONS[version].patch}-{RELEASE}"


def check_version(cluster: Cluster, version: str) -> None:
    minor = eks_versions.minor_of(version)
    if version not in eks_versions.VERSIONS or not eks_versions.supported(version):
        raise invalid(f"unsupported Kubernetes version {version}", clusterName=cluster.name)
    if minor > eks_versions.minor_of(cluster.version):
        raise invalid(f"Nodegroup Kubernetes version {version} can't be newer than the cluster's version {cluster.version}", clusterName=cluster.name)


@operation("CreateNodegroup")
def _create(call: AwsCall) -> dict[str, Any]:
    cluster, name = active_cluster(call), call.text("nodegroupName")
    if not NAME.match(name):
        raise invalid(f"The node group name '{name}' must match {NAME.pattern}", clusterName=cluster.name, nodegroupName=name)
    if name in cluster.nodegroups:
        raise in_use(f"NodeGroup already exists with name {name} and cluster name {cluster.name}", clusterName=cluster.name, nodegroupName=name)
    if len(cluster.nodegroups) >= granted(call.account, "nodegroups-per-cluster"):
        raise no_room(f"Nodegroup limit exceeded for cluster {cluster.name}", clusterName=cluster.name, nodegroupName=name)
    check_node_role(call)
    subnets = list(call.params.get("subnets") or [])
    _check_subnets(cluster, subnets)
    template, data = resolve_template(cluster, call.params["launchTemplate"]) if call.params.get("launchTemplate") else (None, None)
    part = Part(_body(call, cluster, name, subnets, data), cluster.begin("eks:nodegroup:create"))
    if template:
        part.body["launchTemplate"] = template
    part.inner["give up"] = cluster.begin("eks:nodegroup:give-up")
    need_service_linked_role(call, "eks-nodegroup.amazonaws.com")
    nodes.make_group(cluster, part, nodes.make_template(cluster, part, data))
    cluster.nodegroups[name] = part
    role = part.body["nodeRole"]
    if cluster.body["accessConfig"]["authenticationMode"] != "CONFIG_MAP" and role not in cluster.entries:
        make_entry(cluster, role, "EC2_LINUX", managed=True)
    return {"nodegroup": shown(cluster, part)}


def _body(call: AwsCall, cluster: Cluster, name: str, subnets: list[str], template: Body | None) -> Body:
    params = call.params
    if template is not None:
        for member, text in (("diskSize", "Disk size"), ("remoteAccess", "Remote access configuration")):
            if params.get(member):
                raise invalid(f"{text} must be specified within the launch template.")
        if params.get("instanceTypes") and template.get("InstanceType"):
            raise invalid("Instance types can't be specified both in the launch template and in the request.")
        if params.get("amiType") and template.get("ImageId") and params["amiType"] != "CUSTOM":
            raise invalid("You cannot specify an AMI Type other than CUSTOM, when specifying an image id in your launch template.")
    for member in ("remoteAccess", "warmPoolConfig"):
        if params.get(member):
            raise Unsupported("NotImplementedBySandbox", f"The sandbox has no {member} of EKS node groups", 400)
    scaling = {"minSize": 1, "maxSize": 2, "desiredSize": 2, **(params.get("scalingConfig") or {})}
    check_scaling(scaling)
    labels = dict(params.get("labels") or {})
    check_labels(labels)
    version = str(params.get("version") or cluster.version)
    check_version(cluster, version)
    custom = bool(template and template.get("ImageId"))
    body: Body = {
        "nodegroupName": name,
        "nodegroupArn": cluster.part_arn("nodegroup", name, str(uuid.uuid4())),
        "clusterName": cluster.name,
        "version": version,
        "releaseVersion": template["ImageId"] if custom and template else str(params.get("releaseVersion") or release_version(version)),
        "createdAt": now(),
        "modifiedAt": now(),
        "status": "CREATING",
        "capacityType": params.get("capacityType") or "ON_DEMAND",
        "scalingConfig": scaling,
        "subnets": subnets,
        "amiType": "CUSTOM" if custom else params.get("amiType") or "AL2023_x86_64_STANDARD",
        "nodeRole": params["nodeRole"],
        "labels": labels,
        "taints": list(params.get("taints") or []),
        "health": {"issues": []},
        "updateConfig": check_update_config(params["updateConfig"]) if params.get("updateConfig") else {"maxUnavailable": 1},
        "tags": check_tags(params.get("tags")),
        "nodeRepairConfig": dict(params.get("nodeRepairConfig") or {"enabled": False}),
    }
    if template is None:
        body["diskSize"] = int(params.get("diskSize") or 20)
    if params.get("instanceTypes") or not (template and template.get("InstanceType")):
        body["instanceTypes"] = list(params.get("instanceTypes") or ["t3.medium"])
    return body


def shown(cluster: Cluster, part: Part) -> Body:
    """The desired size is the Auto Scaling group's, whoever changed it."""
    group = nodes.find_group(cluster, part)
    scaling = dict(part.body["scalingConfig"])
    if group is not None:
        scaling["desiredSize"] = group.desired_capacity
    return {**part.body, "scalingConfig": scaling}


def failure_of(cluster: Cluster, part: Part) -> Failure | None:
    group = nodes.find_group(cluster, part)
    if group is None:
        return Failure("AutoScalingGroupNotFound", f"The Auto Scaling group {part.inner['asg']} was not found", "somebody deleted it")
    if group.failure is not None:
        return group.failure
    return join_failure(cluster, part.body["nodeRole"], part.body["subnets"]) if group.desired_capacity else None


@operation("DescribeNodegroup")
def _describe(call: AwsCall) -> dict[str, Any]:
    cluster = find_cluster(call)
    return {"nodegroup": shown(cluster, find_nodegroup(call, cluster))}


@operation("ListNodegroups")
def _list(call: AwsCall) -> dict[str, Any]:
    return page(call, "nodegroups", sorted(find_cluster(call).nodegroups))


@operation("DeleteNodegroup")
def _delete(call: AwsCall) -> dict[str, Any]:
    cluster = find_cluster(call)
    part = find_nodegroup(call, cluster)
    if part.status != "DELETING":
        part.body["status"], part.span = "DELETING", cluster.begin("eks:nodegroup:delete")
    return {"nodegroup": shown(cluster, part)}


def settle(cluster: Cluster) -> None:
    for name, part in list(cluster.nodegroups.items()):
        assert part.span is not None
        if part.status == "CREATING" and part.span.done():
            _finish_create(cluster, part)
        elif part.status == "DELETING" and part.span.done():
            _remove(cluster, name, part)
        elif part.status == "ACTIVE" and nodes.find_group(cluster, part) is None:
            failure = failure_of(cluster, part)
            part.body["status"] = "DEGRADED"
            part.body["health"] = {"issues": [failure.issue([part.inner["asg"]])] if failure else []}


def _finish_create(cluster: Cluster, part: Part) -> None:
    failure = failure_of(cluster, part)
    if failure is None:
        part.body["status"] = "ACTIVE"
        return
    part.inner["cause"] = failure.cause
    # EKS waits long for nodes that don't join, and not at all for instances that can't launch.
    if failure.code != "NodeCreationFailure" or part.inner["give up"].done():
        part.body["status"] = "CREATE_FAILED"
        part.body["health"] = {"issues": [failure.issue(nodes.instance_ids(cluster, part))]}


def _remove(cluster: Cluster, name: str, part: Part) -> None:
    nodes.remove_group(cluster, part)
    del cluster.nodegroups[name]
    forget_tokens(cluster.account, cluster.region, cluster.name, part.body["nodegroupArn"])
    for id in [id for id, update in cluster.updates.items() if update.nodegroup == name]:
        del cluster.updates[id]
    role = part.body["nodeRole"]
    entry = cluster.entries.get(role)
    if entry is not None and entry.inner["managed"] and entry.body["type"] == "EC2_LINUX" and all(each.body["nodeRole"] != role for each in cluster.nodegroups.values()):
        del cluster.entries[role]


def in_service(cluster: Cluster) -> int:
    """How many nodes are ready."""
    groups = [nodes.find_group(cluster, part) for part in cluster.nodegroups.values() if part.status in ("ACTIVE", "UPDATING")]
    return sum(len(group.active_instances()) for group in groups if group is not None)
