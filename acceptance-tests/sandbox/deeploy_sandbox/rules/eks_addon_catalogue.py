"""The add-ons that EKS offers: user guide "AWS add-ons" and "Community add-ons", API reference of
DescribeAddonVersions and DescribeAddonConfiguration. Versions are a few of AWS's, around the sandbox's date.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..aws_call import AwsCall
from .eks_store import invalid, not_found, operation, page
from .eks_versions import VERSIONS, minor_of

COMMON = ("affinity", "nodeSelector", "podAnnotations", "podLabels", "resources", "tolerations")


@dataclass(frozen=True)
class Release:
    """A version, the minor versions of Kubernetes that it fits, and those whose default it is."""

    name: str
    first: int
    last: int
    default_for: tuple[int, ...] = ()

    def fits(self, kubernetes: str) -> bool:
        return self.first <= minor_of(kubernetes) <= self.last


@dataclass(frozen=True)
class Offered:
    name: str
    kind: str
    # Newest first.
    releases: tuple[Release, ...]
    owner: str = "aws"
    namespace: str = "kube-system"
    # The service account that needs AWS rights, and the managed policy that AWS recommends for it.
    service_account: str | None = None
    policy: str | None = None
    # Pods that run once for each node need no node to be healthy.
    on_each_node: bool = False
    settings: tuple[str, ...] = COMMON

    def release(self, version: str) -> Release | None:
        return next((each for each in self.releases if each.name == version), None)

    def default(self, kubernetes: str) -> Release | None:
        fitting = [each for each in self.releases if each.fits(kubernetes)]
        return next((each for each in fitting if minor_of(kubernetes) in each.default_for), fitting[0] if fitting else None)


ALL = tuple(each.minor for each in VERSIONS.values())
KUBE_PROXY = tuple(
    Release(f"v1.{minor}.{patch}-eksbuild.{build}", minor, minor, (minor,) if default else ())
    for minor, patch, build, default in (
        (35, 2, 2, False), (35, 0, 2, True), (34, 5, 2, False), (34, 1, 2, True), (33, 8, 2, False), (33, 5, 2, True),
        (32, 11, 2, False), (32, 9, 2, True), (31, 14, 2, False), (31, 13, 2, True), (30, 14, 12, True),
    )
)  # fmt: skip

CATALOGUE = {
    each.name: each
    for each in (
        Offered("vpc-cni", "networking", (
            Release("v1.21.1-eksbuild.3", 30, 35, (35,)), Release("v1.20.5-eksbuild.1", 30, 35, (33, 34)),
            Release("v1.20.4-eksbuild.2", 30, 34), Release("v1.19.6-eksbuild.7", 30, 33, (30, 31, 32)),
            Release("v1.19.0-eksbuild.1", 30, 33),
        ), service_account="aws-node", policy="AmazonEKS_CNI_Policy", on_each_node=True,
            settings=(*COMMON, "enableNetworkPolicy", "enableWindowsIpam", "env", "eniConfig", "init", "nodeAgent")),
        Offered("kube-proxy", "networking", KUBE_PROXY, on_each_node=True, settings=(*COMMON, "ipvs", "mode")),
        Offered("coredns", "networking", (
            Release("v1.13.2-eksbuild.1", 33, 35, (35,)), Release("v1.12.4-eksbuild.1", 32, 35, (34,)),
            Release("v1.12.1-eksbuild.2", 31, 34, (33,)), Release("v1.11.4-eksbuild.24", 30, 33, (30, 31, 32)),
        ), settings=(*COMMON, "autoScaling", "computeType", "corefile", "podDisruptionBudget", "replicaCount", "topologySpreadConstraints")),
        Offered("eks-pod-identity-agent", "security", (
            Release("v1.3.10-eksbuild.2", 30, 35, ALL), Release("v1.3.9-eksbuild.5", 30, 35), Release("v1.2.0-eksbuild.1", 30, 34),
        ), on_each_node=True, settings=(*COMMON, "agent", "init")),
        Offered("aws-ebs-csi-driver", "storage", (
            Release("v1.56.0-eksbuild.1", 30, 35, ALL), Release("v1.55.0-eksbuild.1", 30, 35), Release("v1.54.0-eksbuild.1", 30, 35),
        ), service_account="ebs-csi-controller-sa", policy="service-role/AmazonEBSCSIDriverPolicy",
            settings=("controller", "defaultStorageClass", "node", "sidecars")),
        Offered("aws-efs-csi-driver", "storage", (
            Release("v2.3.0-eksbuild.1", 30, 35, ALL), Release("v2.2.0-eksbuild.1", 30, 35),
        ), service_account="efs-csi-controller-sa", policy="service-role/AmazonEFSCSIDriverPolicy", settings=("controller", "node", "sidecars")),
        Offered("snapshot-controller", "storage", (Release("v8.4.0-eksbuild.1", 30, 35, ALL), Release("v8.3.0-eksbuild.1", 30, 35))),
        Offered("metrics-server", "observability", (
            Release("v0.8.1-eksbuild.1", 30, 35, ALL), Release("v0.8.0-eksbuild.6", 30, 35), Release("v0.7.2-eksbuild.4", 30, 34),
        ), owner="community", settings=(*COMMON, "args", "replicas")),
        Offered("amazon-cloudwatch-observability", "observability", (
            Release("v4.10.0-eksbuild.1", 30, 35, ALL), Release("v4.8.0-eksbuild.1", 30, 35), Release("v3.6.0-eksbuild.2", 30, 33),
        ), namespace="amazon-cloudwatch", service_account="cloudwatch-agent", policy="CloudWatchAgentServerPolicy",
            settings=(*COMMON, "agent", "containerLogs", "manager")),
        Offered("eks-node-monitoring-agent", "observability", (
            Release("v1.5.1-eksbuild.1", 30, 35, ALL), Release("v1.4.2-eksbuild.1", 30, 35),
        ), on_each_node=True),
        Offered("kube-state-metrics", "observability", (Release("v2.17.0-eksbuild.4", 30, 35, ALL), Release("v2.16.0-eksbuild.1", 30, 35)), owner="community", namespace="kube-state-metrics"),
        Offered("prometheus-node-exporter", "observability", (Release("v1.10.2-eksbuild.2", 30, 35, ALL),), owner="community", namespace="prometheus-node-exporter", on_each_node=True),
        Offered("cert-manager", "security", (
            Release("v1.19.2-eksbuild.1", 30, 35, ALL), Release("v1.18.3-eksbuild.1", 30, 35),
        ), owner="community", namespace="cert-manager"),
        Offered("external-dns", "networking", (
            Release("v0.20.0-eksbuild.1", 30, 35, ALL), Release("v0.19.0-eksbuild.2", 30, 35),
        ), owner="community", namespace="external-dns", service_account="external-dns", policy="AmazonRoute53FullAccess"),
    )
}  # fmt: skip


def find_offered(name: str) -> Offered:
    found = CATALOGUE.get(name)
    if found is None:
        raise invalid(f"Addon {name} specified is not supported", addonName=name)
    return found


@operation("DescribeAddonVersions")
def _versions(call: AwsCall) -> dict[str, Any]:
    name, kubernetes = call.text("addonName"), call.text("kubernetesVersion")
    found = [each for each in CATALOGUE.values() if name in ("", each.name)]
    for member, value in (("types", "kind"), ("owners", "owner"), ("publishers", "publisher")):
        if call.params.get(member):
            found = [each for each in found if getattr(each, value, "eks") in call.params[member]]
    shown = [_shown(each, kubernetes) for each in found]
    return page(call, "addons", [each for each in shown if each["addonVersions"]])


def _shown(offered: Offered, kubernetes: str) -> dict[str, Any]:
    wanted = [kubernetes] if kubernetes else sorted(VERSIONS, reverse=True)
    releases = []
    for release in offered.releases:
        fitting = [each for each in wanted if release.fits(each)]
        if fitting:
            releases.append({
                "addonVersion": release.name,
                "architecture": ["amd64", "arm64"],
                "computeTypes": ["ec2", "auto", "hybrid"],
                "compatibilities": [
                    {"clusterVersion": each, "platformVersions": ["*"], "defaultVersion": offered.default(each) == release} for each in fitting
                ],
                "requiresConfiguration": False,
                "requiresIamPermissions": offered.service_account is not None,
            })  # fmt: skip
    return {
        "addonName": offered.name,
        "type": offered.kind,
        "addonVersions": releases,
        "publisher": "eks",
        "owner": offered.owner,
        "defaultNamespace": offered.namespace,
    }


@operation("DescribeAddonConfiguration")
def _configuration(call: AwsCall) -> dict[str, Any]:
    offered, version = find_offered(call.text("addonName")), call.text("addonVersion")
    if offered.release(version) is None:
        raise not_found(f"Addon version {version} of {offered.name} was not found", addonName=offered.name)
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {name: {} for name in sorted(offered.settings)},
    }
    answer: dict[str, Any] = {"addonName": offered.name, "addonVersion": version, "configurationSchema": json.dumps(schema)}
    if offered.service_account:
        policy = f"arn:{call.partition}:iam::aws:policy/{offered.policy}"
        answer["podIdentityConfiguration"] = [{"serviceAccount": offered.service_account, "recommendedManagedPolicies": [policy]}]
    return answer
