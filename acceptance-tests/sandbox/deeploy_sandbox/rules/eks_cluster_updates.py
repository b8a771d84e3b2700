"""Changes of a cluster: API reference of UpdateClusterConfig, UpdateClusterVersion, AssociateEncryptionConfig,
DescribeUpdate and ListUpdates; user guide "Update existing cluster to new Kubernetes version".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError
from . import eks_cluster_network as network
from . import eks_insights, eks_versions
from .eks_clusters import check_encryption, endpoint_access, refuse_absent
from .eks_store import Body, Cluster, Update, active_cluster, find_cluster, in_use, invalid, not_found, operation, page, refused

# A kubelet may be so many minor versions behind its API server: Kubernetes' version skew policy, as EKS follows it.
SKEW_MAX = 3
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")


def start(cluster: Cluster, kind: str, params: dict[str, Any], what: str, apply: Callable[[], None]) -> dict[str, Any]:
    shown = [{"type": key, "value": value if isinstance(value, str) else json.dumps(value)} for key, value in params.items()]
    update = Update(kind, shown, cluster.begin(what), apply)  # type: ignore[arg-type]
    cluster.updates[update.id] = update
    cluster.body["status"] = "UPDATING"
    return {"update": update.shown()}


def _idle_cluster(call: AwsCall) -> Cluster:
    cluster = active_cluster(call)
    if cluster.running() is not None:
        raise in_use(f"Cannot {call.operation} because cluster {cluster.name} currently has an update in progress", clusterName=cluster.name)
    return cluster


@operation("UpdateClusterConfig")
def _update_config(call: AwsCall) -> dict[str, Any]:
    cluster = _idle_cluster(call)
    refuse_absent(call)
    asked = [member for member in CHANGES if call.params.get(member) is not None]
    if len(asked) != 1:
        raise invalid("Only one type of update can be allowed." if asked else "At least one type of update must be specified.", clusterName=cluster.name)
    return CHANGES[asked[0]](cluster, call.params[asked[0]])


def _logging(cluster: Cluster, asked: Body) -> dict[str, Any]:
    wanted = network.shown_logging(asked, cluster.body["logging"])
    if wanted == cluster.body["logging"]:
        raise invalid("No changes needed for the logging config provided", clusterName=cluster.name)
    return start(cluster, "LoggingUpdate", {"ClusterLogging": asked}, "eks:cluster:config", lambda: cluster.body.update(logging=wanted))


def _vpc(cluster: Cluster, asked: Body) -> dict[str, Any]:
    config, ec2 = cluster.body["resourcesVpcConfig"], cluster.ec2()
    endpoint = {key: asked[key] for key in ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs") if asked.get(key) is not None}
    placed = {key: list(asked[key]) for key in ("subnetIds", "securityGroupIds") if asked.get(key) is not None}
    if endpoint and placed:
        raise invalid("Only one type of update can be allowed.", clusterName=cluster.name)
    if endpoint:
        wanted = endpoint_access(endpoint, config)
        if wanted == config:
            raise invalid("Cluster is already at the desired configuration with " + ", ".join(f"{key}: {wanted[key]}" for key in endpoint), clusterName=cluster.name)
        names = {"endpointPublicAccess": "EndpointPublicAccess", "endpointPrivateAccess": "EndpointPrivateAccess", "publicAccessCidrs": "PublicAccessCidrs"}
        return start(cluster, "EndpointAccessUpdate", {names[key]: value for key, value in endpoint.items()}, "eks:cluster:config", lambda: config.update(endpoint_access(endpoint, config)))
    wanted = {**config, **placed}
    if wanted == config:
        raise invalid("No changes needed for the VPC config provided", clusterName=cluster.name)
    if network.check_subnets(ec2, cluster.name, wanted["subnetIds"]) != cluster.vpc_id:
        raise invalid("Provided subnets belong to a different VPC than the existing cluster VPC", clusterName=cluster.name)
    network.check_security_groups(ec2, cluster.name, cluster.vpc_id, wanted["securityGroupIds"])
    network.check_free_addresses(ec2, wanted["subnetIds"], network.FREE_ADDRESSES_TO_UPDATE)

    def move() -> None:
        config.update(placed)
        network.remove_interfaces(cluster)
        network.make_interfaces(cluster)

    names = {"subnetIds": "Subnets", "securityGroupIds": "SecurityGroups"}
    return start(cluster, "VpcConfigUpdate", {names[key]: value for key, value in placed.items()}, "eks:cluster:config", move)


def _access(cluster: Cluster, asked: Body) -> dict[str, Any]:
    """There is no way back from API, and no way around API_AND_CONFIG_MAP is needed."""
    held, wanted = cluster.body["accessConfig"]["authenticationMode"], asked.get("authenticationMode")
    if wanted not in MODES or MODES.index(wanted) < MODES.index(held):
        raise invalid(f"Unsupported authentication mode update from {held} to {wanted}", clusterName=cluster.name)
    if wanted == held:
        raise invalid(f"Cluster is already at the desired configuration with authenticationMode: {wanted}", clusterName=cluster.name)
    return start(cluster, "AccessConfigUpdate", {"AuthenticationMode": wanted}, "eks:cluster:config", lambda: cluster.body["accessConfig"].update(authenticationMode=wanted))


def _upgrade_policy(cluster: Cluster, asked: Body) -> dict[str, Any]:
    wanted = asked.get("supportType")
    if wanted not in ("STANDARD", "EXTENDED"):
        raise invalid(f"Unsupported supportType {wanted}", clusterName=cluster.name)
    if wanted == cluster.body["upgradePolicy"]["supportType"]:
        raise invalid(f"Cluster is already at the desired configuration with supportType: {wanted}", clusterName=cluster.name)
    if wanted == "STANDARD" and eks_versions.VERSIONS[cluster.version].status == "EXTENDED_SUPPORT":
        raise invalid("You can't disable extended support for a cluster whose Kubernetes version is in extended support", clusterName=cluster.name)
    return start(cluster, "UpgradePolicyUpdate", {}, "eks:cluster:config", lambda: cluster.body["upgradePolicy"].update(supportType=wanted))


def _zonal_shift(cluster: Cluster, asked: Body) -> dict[str, Any]:
    wanted = bool(asked.get("enabled"))
    if wanted == cluster.body["zonalShiftConfig"]["enabled"]:
        raise invalid("No changes needed for the zonal shift config provided", clusterName=cluster.name)
    return start(cluster, "ZonalShiftConfigUpdate", {}, "eks:cluster:config", lambda: cluster.body["zonalShiftConfig"].update(enabled=wanted))


def _deletion_protection(cluster: Cluster, wanted: bool) -> dict[str, Any]:
    if bool(wanted) == cluster.body["deletionProtection"]:
        raise invalid("No changes needed for the deletion protection provided", clusterName=cluster.name)
    return start(cluster, "DeletionProtectionUpdate", {}, "eks:cluster:config", lambda: cluster.body.update(deletionProtection=bool(wanted)))


def _remote_network(cluster: Cluster, asked: Body) -> dict[str, Any]:
    if asked == cluster.body.get("remoteNetworkConfig", {}):
        raise invalid("No changes detected in the remote network config", clusterName=cluster.name)
    return start(cluster, "RemoteNetworkConfigUpdate", {}, "eks:cluster:config", lambda: cluster.body.update(remoteNetworkConfig=asked))


CHANGES: dict[str, Callable[[Cluster, Any], dict[str, Any]]] = {
    "logging": _logging,
    "resourcesVpcConfig": _vpc,
    "accessConfig": _access,
    "upgradePolicy": _upgrade_policy,
    "zonalShiftConfig": _zonal_shift,
    "deletionProtection": _deletion_protection,
    "remoteNetworkConfig": _remote_network,
}


@operation("UpdateClusterVersion")
def _update_version(call: AwsCall) -> dict[str, Any]:
    cluster, version = _idle_cluster(call), call.text("version")
    held, wanted = eks_versions.minor_of(cluster.version), eks_versions.minor_of(version)
    if version not in eks_versions.VERSIONS or not eks_versions.supported(version):
        raise invalid(f"unsupported Kubernetes version {version}", clusterName=cluster.name)
    if wanted != held + 1:
        raise invalid(f"Unsupported Kubernetes minor version update from {cluster.version} to {version}", clusterName=cluster.name)
    behind = [name for name, part in cluster.nodegroups.items() if eks_versions.minor_of(part.body["version"]) < wanted - SKEW_MAX]
    if behind:
        raise refused(f"Nodegroups {', '.join(behind)} must be updated to match cluster version {cluster.version} before updating cluster version", clusterName=cluster.name, nodegroupName=behind[0])
    if not call.params.get("force") and eks_insights.blocking(cluster):
        raise AwsError(
            "InvalidStateException",
            "Amazon EKS detected upgrade readiness issues. Call the ListInsights API to view detected upgrade blocking issues. "
            "Pass the force flag when updating to override upgrade readiness errors.",
            extra={"clusterName": cluster.name},
        )
    network.check_free_addresses(cluster.ec2(), cluster.body["resourcesVpcConfig"]["subnetIds"], network.FREE_ADDRESSES_TO_UPDATE)
    platform = eks_versions.VERSIONS[version].platform
    return start(cluster, "VersionUpdate", {"Version": version, "PlatformVersion": platform}, "eks:cluster:version", lambda: cluster.body.update(version=version, platformVersion=platform))


@operation("AssociateEncryptionConfig")
def _associate(call: AwsCall) -> dict[str, Any]:
    cluster = _idle_cluster(call)
    if cluster.body.get("encryptionConfig"):
        raise invalid("Encryption is already enabled", clusterName=cluster.name)
    wanted = check_encryption(call, call.params.get("encryptionConfig") or [])
    if not wanted:
        raise invalid("The encryptionConfig must be specified", clusterName=cluster.name)
    return start(cluster, "AssociateEncryptionConfig", {"EncryptionConfig": wanted}, "eks:cluster:encryption", lambda: cluster.body.update(encryptionConfig=wanted))


@operation("DescribeUpdate")
def _describe(call: AwsCall) -> dict[str, Any]:
    found = find_cluster(call).updates.get(call.text("updateId"))
    if found is None or (found.nodegroup or "") != call.text("nodegroupName") or (found.addon or "") != call.text("addonName"):
        raise not_found(f"No update found for ID: {call.text('updateId')}", clusterName=call.text("name"))
    return {"update": found.shown()}


@operation("ListUpdates")
def _list(call: AwsCall) -> dict[str, Any]:
    nodegroup, addon = call.text("nodegroupName"), call.text("addonName")
    updates = find_cluster(call).updates.values()
    return page(call, "updateIds", [each.id for each in updates if (each.nodegroup or "") == nodegroup and (each.addon or "") == addon])
