"""Changes of a node group: API reference of UpdateNodegroupConfig and UpdateNodegroupVersion; user guide "Update a
managed node group for your cluster". Labels and taints are changes, not whole sets.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..aws_call import AwsCall
from . import autoscaling_nodes as nodes
from .eks_node_failures import join_failure, launch_failure
from .eks_nodegroups import (
    check_labels, check_scaling, check_update_config, check_version, find_nodegroup, release_version, resolve_template,
    shown,
)  # fmt: skip
from .eks_store import Body, Cluster, Part, Update, active_cluster, in_use, invalid, now, operation


def _ready(call: AwsCall) -> tuple[Cluster, Part]:
    cluster = active_cluster(call)
    part = find_nodegroup(call, cluster)
    if part.status not in ("ACTIVE", "DEGRADED"):
        raise in_use("Nodegroup cannot be updated as it is currently not in Active State", clusterName=cluster.name, nodegroupName=part.body["nodegroupName"])
    return cluster, part


def _start(cluster: Cluster, part: Part, kind: str, params: Body, what: str, apply: Callable[[], list[Body] | None]) -> dict[str, Any]:
    def finish() -> list[Body] | None:
        part.body["status"], part.body["modifiedAt"] = "ACTIVE", now()
        return apply()

    listed = [{"type": key, "value": value if isinstance(value, str) else json.dumps(value)} for key, value in params.items()]
    update = Update(kind, listed, cluster.begin(what), finish, nodegroup=part.body["nodegroupName"])
    cluster.updates[update.id] = update
    part.body["status"] = "UPDATING"
    return {"update": update.shown()}


@operation("UpdateNodegroupConfig")
def _update_config(call: AwsCall) -> dict[str, Any]:
    cluster, part = _ready(call)
    params, changed = _changed(cluster, part, call.params)
    if not changed:
        raise invalid("At least one change must be specified", clusterName=cluster.name)

    def apply() -> None:
        part.body.update(changed)
        group, scaling = nodes.find_group(cluster, part), changed.get("scalingConfig")
        if group is not None and scaling:
            group.min_size, group.max_size = scaling["minSize"], scaling["maxSize"]
            group.set_desired_capacity(scaling["desiredSize"])

    return _start(cluster, part, "ConfigUpdate", params, "eks:nodegroup:config", apply)  # type: ignore[arg-type]


def _changed(cluster: Cluster, part: Part, asked: Body) -> tuple[Body, Body]:
    """(the update's parameters, what the node group will show)."""
    params: Body = {}
    changed: Body = {}
    if asked.get("scalingConfig"):
        scaling = {**shown(cluster, part)["scalingConfig"], **asked["scalingConfig"]}
        check_scaling(scaling)
        changed["scalingConfig"] = scaling
        params |= {f"{key[0].upper()}{key[1:]}": str(value) for key, value in asked["scalingConfig"].items()}
    if asked.get("labels"):
        added, removed = asked["labels"].get("addOrUpdateLabels") or {}, asked["labels"].get("removeLabels") or []
        check_labels(added)
        changed["labels"] = {key: value for key, value in {**part.body["labels"], **added}.items() if key not in removed}
        params |= {"LabelsToAdd": added, "LabelsToRemove": removed}
    if asked.get("taints"):
        added, removed = asked["taints"].get("addOrUpdateTaints") or [], asked["taints"].get("removeTaints") or []
        # A taint is known by its key and effect.
        gone = {(each["key"], each["effect"]) for each in [*added, *removed]}
        changed["taints"] = [each for each in part.body["taints"] if (each["key"], each["effect"]) not in gone] + list(added)
        params |= {"TaintsToAdd": added, "TaintsToRemove": removed}
    if asked.get("updateConfig"):
        changed["updateConfig"] = check_update_config(asked["updateConfig"])
        params |= {f"{key[0].upper()}{key[1:]}": str(value) for key, value in changed["updateConfig"].items()}
    if asked.get("nodeRepairConfig"):
        changed["nodeRepairConfig"] = dict(asked["nodeRepairConfig"])
        params["NodeRepairEnabled"] = str(bool(asked["nodeRepairConfig"].get("enabled"))).lower()
    return params, changed


@operation("UpdateNodegroupVersion")
def _update_version(call: AwsCall) -> dict[str, Any]:
    cluster, part = _ready(call)
    version, release = call.text("version"), call.text("releaseVersion")
    custom = part.body["amiType"] == "CUSTOM"
    if custom and (version or release):
        raise invalid("You cannot specify the field version or releaseVersion when using custom AMIs.", clusterName=cluster.name)
    if version:
        check_version(cluster, version)
    changed: Body = {"version": version or part.body["version"], "releaseVersion": release or part.body["releaseVersion"]}
    params: Body = {}
    # Without a version, a node group gets the newest release of the one that it has.
    if not release and not custom:
        changed["releaseVersion"] = release_version(changed["version"])
    data: Body | None = None
    if call.params.get("launchTemplate"):
        if not part.body.get("launchTemplate"):
            raise invalid("You cannot add a launch template to a node group that was made without one.", clusterName=cluster.name)
        changed["launchTemplate"], data = resolve_template(cluster, call.params["launchTemplate"])
        if changed["launchTemplate"]["id"] != part.body["launchTemplate"]["id"]:
            raise invalid("You cannot change the launch template of a node group, only its version.", clusterName=cluster.name)
        if custom != bool(data.get("ImageId")):
            raise invalid("You cannot change between a custom AMI and an EKS optimized AMI.", clusterName=cluster.name)
        if custom:
            changed["releaseVersion"] = data["ImageId"]
        params |= {"LaunchTemplateName": changed["launchTemplate"]["name"], "LaunchTemplateVersion": changed["launchTemplate"]["version"]}
    elif part.body.get("launchTemplate"):
        _, data = resolve_template(cluster, {key: part.body["launchTemplate"][key] for key in ("id", "version")})
    params |= {"Version": changed["version"], "ReleaseVersion": changed["releaseVersion"]}
    return _start(cluster, part, "VersionUpdate", params, "eks:nodegroup:version", lambda: _roll(cluster, part, changed, data))


def _roll(cluster: Cluster, part: Part, changed: Body, data: Body | None) -> list[Body] | None:
    """New nodes first; where they don't come up the old ones stay, and the update fails."""
    group = nodes.find_group(cluster, part)
    if group is None:
        return [{"errorCode": "Unknown", "errorMessage": f"The Auto Scaling group {part.inner['asg']} was not found", "resourceIds": []}]
    if group.desired_capacity:
        failure = launch_failure(cluster.account, cluster.region, data or {}) or join_failure(cluster, part.body["nodeRole"], part.body["subnets"])
        if failure is not None:
            part.inner["cause"] = failure.cause
            return [{"errorCode": "NodeCreationFailure", "errorMessage": failure.message, "resourceIds": nodes.instance_ids(cluster, part)}]
    part.body.update(changed)
    old, desired = part.inner["template"], group.desired_capacity
    part.inner["template"] = nodes.make_template(cluster, part, data)
    group.set_desired_capacity(0)
    group._set_launch_configuration("", {"LaunchTemplateId": part.inner["template"], "Version": "1"}, None)
    nodes.remove_template(cluster, old)
    group.set_desired_capacity(desired)
    return None
