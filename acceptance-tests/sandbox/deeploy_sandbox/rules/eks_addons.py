"""A cluster's add-ons: API reference of CreateAddon, DescribeAddon, UpdateAddon, DeleteAddon and ListAddons; user guide
"Amazon EKS add-ons", "Determine fields you can customize", "Troubleshoot" (health issues). CloudWatch user guide "Set up
Fluent Bit as a DaemonSet" and "Container Insights performance log reference" (log groups).
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from ..aws_call import AwsCall
from ..moto_bridge import backend
from . import eks_nodegroups, eks_pod_identity
from .eks_addon_catalogue import Offered, find_offered
from .eks_pods import credentials
from .eks_roles import allows, find_role
from .eks_store import (
    Body, Cluster, Part, Update, active_cluster, check_tags, find_cluster, forget_tokens, in_use, invalid, not_found, now,
    operation, page,
)  # fmt: skip

NO_REPLICAS = {
    "code": "InsufficientNumberOfReplicas",
    "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
    "resourceIds": [],
}


INSIGHTS = "amazon-cloudwatch-observability"
INSIGHTS_LOGS = ("application", "dataplane", "host", "performance")


def find_addon(call: AwsCall, cluster: Cluster) -> Part:
    name = call.text("addonName")
    found = cluster.addons.get(name)
    if found is None:
        raise not_found(f"No addon: {name} found in cluster: {cluster.name}", clusterName=cluster.name, addonName=name)
    return found


def _check_version(cluster: Cluster, offered: Offered, version: str) -> None:
    release = offered.release(version)
    if release is None or not release.fits(cluster.version):
        raise invalid("Addon version specified is not supported", clusterName=cluster.name, addonName=offered.name)


def _check_settings(cluster: Cluster, name: str, text: str) -> None:
    """JSON, or YAML, of which only the outermost is looked at."""
    if not text:
        return
    try:
        good = isinstance(json.loads(text), dict)
    except ValueError:
        good = not text.lstrip().startswith(("{", "[")) and bool(re.match(r"^\s*(#.*\n)*[\w.-]+\s*:", text))
    if not good:
        raise invalid("ConfigurationValue provided in request is not supported: the value is neither a JSON nor a YAML object", clusterName=cluster.name, addonName=name)


def _check_role(call: AwsCall, cluster: Cluster) -> None:
    role = call.text("serviceAccountRoleArn")
    if role and find_role(role) is None:
        raise invalid(f"The role {role} does not exist", clusterName=cluster.name, addonName=call.text("addonName"))


@operation("CreateAddon")
def _create(call: AwsCall) -> dict[str, Any]:
    cluster, name = active_cluster(call), call.text("addonName")
    offered = find_offered(name)
    if name in cluster.addons:
        raise in_use("Addon already exists.", clusterName=cluster.name, addonName=name)
    default = offered.default(cluster.version)
    version = call.text("addonVersion") or (default.name if default else "")
    _check_version(cluster, offered, version)
    settings = call.text("configurationValues")
    _check_settings(cluster, name, settings)
    _check_role(call, cluster)
    asked = call.params.get("podIdentityAssociations")
    _check_associations(cluster, offered, asked or [], owner=None)
    body: Body = {
        "addonName": name,
        "clusterName": cluster.name,
        "status": "CREATING",
        "addonVersion": version,
        "health": {"issues": []},
        "addonArn": cluster.part_arn("addon", name, str(uuid.uuid4())),
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": check_tags(call.params.get("tags")),
        "namespaceConfig": {"namespace": (call.params.get("namespaceConfig") or {}).get("namespace") or offered.namespace},
    }
    for member in ("serviceAccountRoleArn", "configurationValues"):
        if call.params.get(member):
            body[member] = call.text(member)
    part = Part(body, cluster.begin("eks:addon:create"))
    part.inner["conflict"] = name in cluster.unmanaged and bool(settings) and call.text("resolveConflicts") != "OVERWRITE"
    cluster.addons[name] = part
    _associate(cluster, part, offered, asked)
    return {"addon": body}


def _check_associations(cluster: Cluster, offered: Offered, asked: list[Body], owner: str | None) -> None:
    for each in asked:
        eks_pod_identity.check_role(cluster, str(each["roleArn"]))
        held = eks_pod_identity.find_association(cluster, offered.namespace, str(each["serviceAccount"]))
        if held is not None and (owner is None or held.body.get("ownerArn") != owner):
            raise in_use(f"Association already exists: {held.body['associationId']}", clusterName=cluster.name, addonName=offered.name)


def _associate(cluster: Cluster, part: Part, offered: Offered, asked: list[Body] | None) -> None:
    """The associations that are given are all that the add-on then has; without any, it keeps what it has."""
    if asked is None:
        return
    owner = part.body["addonArn"]
    for id in [id for id, each in cluster.associations.items() if each.body.get("ownerArn") == owner]:
        eks_pod_identity.remove_association(cluster, id)
    namespace = part.body["namespaceConfig"]["namespace"]
    made = [eks_pod_identity.make_association(cluster, namespace, each["serviceAccount"], each["roleArn"], owner) for each in asked]
    part.body["podIdentityAssociations"] = [each.body["associationArn"] for each in made]


@operation("DescribeAddon")
def _describe(call: AwsCall) -> dict[str, Any]:
    return {"addon": find_addon(call, find_cluster(call)).body}


@operation("ListAddons")
def _list(call: AwsCall) -> dict[str, Any]:
    return page(call, "addons", sorted(find_cluster(call).addons))


@operation("UpdateAddon")
def _update(call: AwsCall) -> dict[str, Any]:
    cluster = active_cluster(call)
    part = find_addon(call, cluster)
    offered, name = find_offered(call.text("addonName")), call.text("addonName")
    if part.status in ("CREATING", "UPDATING", "DELETING"):
        raise in_use(f"Addon {name} cannot be updated as it is currently in {part.status} state", clusterName=cluster.name, addonName=name)
    version = call.text("addonVersion") or part.body["addonVersion"]
    if version != part.body["addonVersion"]:
        _check_version(cluster, offered, version)
        if name == "vpc-cni" and abs(_minor(version) - _minor(part.body["addonVersion"])) > 1:
            raise invalid("Updating VPC-CNI can only go up or down 1 minor version at a time", clusterName=cluster.name, addonName=name)
    _check_settings(cluster, name, call.text("configurationValues"))
    _check_role(call, cluster)
    asked = call.params.get("podIdentityAssociations")
    _check_associations(cluster, offered, asked or [], owner=part.body["addonArn"])

    def apply() -> None:
        part.body.update(addonVersion=version, modifiedAt=now(), status="ACTIVE")
        part.inner["conflict"] = False
        # A role that isn't given is taken away: the pods then use the node's.
        part.body.pop("serviceAccountRoleArn", None)
        if call.text("serviceAccountRoleArn"):
            part.body["serviceAccountRoleArn"] = call.text("serviceAccountRoleArn")
        if call.params.get("configurationValues") is not None:
            part.body["configurationValues"] = call.text("configurationValues")
        _associate(cluster, part, offered, asked)
        _judge(cluster, part, offered)

    kinds = {"addonVersion": "AddonVersion", "serviceAccountRoleArn": "ServiceAccountRoleArn", "resolveConflicts": "ResolveConflicts", "configurationValues": "ConfigurationValues"}
    params = [{"type": kind, "value": call.text(member)} for member, kind in kinds.items() if call.params.get(member)]
    update = Update("AddonUpdate", params, cluster.begin("eks:addon:update"), apply, addon=name)  # type: ignore[arg-type]
    cluster.updates[update.id] = update
    part.body["status"] = "UPDATING"
    return {"update": update.shown()}


def _minor(version: str) -> int:
    return int(version.split(".")[1])


@operation("DeleteAddon")
def _delete(call: AwsCall) -> dict[str, Any]:
    cluster = active_cluster(call)
    part = find_addon(call, cluster)
    if part.status != "DELETING":
        part.inner["preserve"] = bool(call.params.get("preserve"))
        part.body["status"], part.span = "DELETING", cluster.begin("eks:addon:delete")
    return {"addon": part.body}


def settle(cluster: Cluster) -> None:
    for name, part in list(cluster.addons.items()):
        assert part.span is not None
        if part.status == "DELETING" and part.span.done():
            # The last lines come when whoever asked for the deletion may have cleared up already.
            _keep_insights_logs(cluster, part)
            _associate(cluster, part, find_offered(name), [])
            del cluster.addons[name]
            (cluster.unmanaged.add if part.inner["preserve"] else cluster.unmanaged.discard)(name)
            forget_tokens(cluster.account, cluster.region, cluster.name, part.body["addonArn"])
        elif part.status == "CREATING" and part.span.done():
            if part.inner["conflict"]:
                message = "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode."
                part.body["status"] = "CREATE_FAILED"
                part.body["health"] = {"issues": [{"code": "ConfigurationConflict", "message": message, "resourceIds": []}]}
            else:
                cluster.unmanaged.discard(name)
                _judge(cluster, part, find_offered(name))
        elif part.status in ("ACTIVE", "DEGRADED"):
            _judge(cluster, part, find_offered(name))


def _judge(cluster: Cluster, part: Part, offered: Offered) -> None:
    """Pods that run on a node at all need one that is ready; the EBS driver needs its rights besides."""
    healthy = offered.on_each_node or (eks_nodegroups.in_service(cluster) > 0 and _has_rights(cluster, part, offered))
    part.body["status"] = "ACTIVE" if healthy else "DEGRADED"
    part.body["health"] = {"issues": [] if healthy else [dict(NO_REPLICAS)]}
    if healthy:
        _keep_insights_logs(cluster, part)


def _keep_insights_logs(cluster: Cluster, part: Part) -> None:
    """The agent and Fluent Bit make their groups wherever one is missing, without an end or a key, and nobody deletes them."""
    if part.body["addonName"] != INSIGHTS or not _may(cluster, part, find_offered(INSIGHTS), "logs:CreateLogGroup"):
        return
    logs = backend("logs", cluster.account, cluster.region)
    for kind in INSIGHTS_LOGS:
        name = f"/aws/containerinsights/{cluster.name}/{kind}"
        if name not in logs.groups:
            logs.create_log_group(name, {})
            logs.groups[name].made_by = INSIGHTS


def _has_rights(cluster: Cluster, part: Part, offered: Offered) -> bool:
    if offered.name != "aws-ebs-csi-driver":
        return True
    return _may(cluster, part, offered, "ec2:DescribeAvailabilityZones")


def _may(cluster: Cluster, part: Part, offered: Offered, action: str) -> bool:
    """Whether the add-on's pods may do something: as their own role, else as the nodes'."""
    found = credentials(cluster, offered.namespace, str(offered.service_account), part.body.get("serviceAccountRoleArn"))
    roles = [found.role_arn] if found.role_arn else [each.body["nodeRole"] for each in cluster.nodegroups.values()]
    return any(role and allows(role, action) for role in roles)
