"""EKS clusters: API reference of CreateCluster, DescribeCluster, ListClusters and DeleteCluster."""

from __future__ import annotations

import base64
import copy
import re
import uuid
from typing import Any

from ..aws_call import AwsCall
from ..conditions import folded
from ..durations import begin
from ..evaluate import Question, decide
from ..identity_policies import principal_of
from ..moto_bridge import Unsupported, backend
from ..quotas import granted
from . import eks_cluster_network as network
from . import eks_roles, eks_versions
from .eks_access import make_entry
from .eks_cluster_health import issues
from .eks_store import (
    Cluster, check_tags, find_cluster, forget_tokens, in_use, invalid, no_room, now, operation, page, refused, store,
)  # fmt: skip

NAME = re.compile(r"^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$")
CIDR = re.compile(r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$")
# EKS puts these into every cluster that is not made with bootstrapSelfManagedAddons false.
SELF_MANAGED = ("vpc-cni", "kube-proxy", "coredns")
# Features that nobody has built here: asking for one must not look like a success.
ABSENT = ("outpostConfig", "controlPlaneScalingConfig", "kubeApiServerConfig", "kubeSchedulerConfig", "kubeControllerManagerConfig")


def refuse_absent(call: AwsCall) -> None:
    auto = [member for member in ("computeConfig", "storageConfig") if "'enabled': True" in str(call.params.get(member))]
    nested = [
        name
        for member, key, name in (("kubernetesNetworkConfig", "ipFamily", "ipv6"), ("resourcesVpcConfig", "controlPlaneEgressMode", "controlPlaneEgressMode"))
        if (call.params.get(member) or {}).get(key) not in (None, "ipv4", "AWS_MANAGED")
    ]
    for member in [each for each in ABSENT if call.params.get(each)] + auto + nested:
        raise Unsupported("NotImplementedBySandbox", f"The sandbox has no {member} of EKS clusters", 400)


@operation("CreateCluster")
def _create(call: AwsCall) -> dict[str, Any]:
    name = call.text("name")
    if not NAME.match(name):
        raise invalid(f"The cluster name '{name}' must match {NAME.pattern}", clusterName=name)
    clusters = store(call.account, call.region)
    if name in clusters:
        raise in_use(f"Cluster already exists with name: {name}", clusterName=name)
    if len(clusters) >= granted(call.account, "clusters"):
        raise no_room("Cluster limit exceeded for account", clusterName=name)
    refuse_absent(call)
    version = call.text("version") or eks_versions.DEFAULT
    if not eks_versions.supported(version):
        raise invalid(f"unsupported Kubernetes version {version}", clusterName=name)
    eks_roles.check_cluster_role(call)
    asked = call.params.get("resourcesVpcConfig") or {}
    ec2 = backend("ec2", call.account, call.region)
    subnets = list(asked.get("subnetIds") or [])
    vpc_id = network.check_subnets(ec2, name, subnets)
    network.check_free_addresses(ec2, subnets, network.FREE_ADDRESSES_TO_CREATE)
    network.check_security_groups(ec2, name, vpc_id, list(asked.get("securityGroupIds") or []))
    encryption = check_encryption(call, call.params.get("encryptionConfig") or [])
    body = _body(call, version, vpc_id)
    if encryption:
        body["encryptionConfig"] = encryption
    eks_roles.need_service_linked_role(call, "eks.amazonaws.com")
    cluster = Cluster(
        call.account, call.region, body, begin(call.account, "eks:cluster:create"),
        creator=creator(call), unmanaged=set(SELF_MANAGED) if call.params.get("bootstrapSelfManagedAddons") is not False else set(),
        late=_late(call, network.make_security_group(ec2, name, vpc_id)),
    )  # fmt: skip
    network.make_interfaces(cluster)
    clusters[name] = cluster
    access = call.params.get("accessConfig") or {}
    if access.get("bootstrapClusterCreatorAdminPermissions") is not False and body["accessConfig"]["authenticationMode"] != "CONFIG_MAP":
        make_entry(cluster, cluster.creator, "STANDARD", policies=["AmazonEKSClusterAdminPolicy"], managed=True)
    return {"cluster": shown(cluster)}


def creator(call: AwsCall) -> str:
    """The IAM principal behind the caller: the role of a session."""
    session = call.identity.session
    return str(session.role_arn) if session is not None else call.identity.arn


def _body(call: AwsCall, version: str, vpc_id: str) -> dict[str, Any]:
    asked, network_asked = call.params.get("resourcesVpcConfig") or {}, call.params.get("kubernetesNetworkConfig") or {}
    name = call.text("name")
    body = {
        "name": name,
        "arn": f"arn:{call.partition}:eks:{call.region}:{call.account}:cluster/{name}",
        "createdAt": now(),
        "version": version,
        "roleArn": call.text("roleArn"),
        "resourcesVpcConfig": endpoint_access(asked, {
            "subnetIds": list(asked.get("subnetIds") or []),
            "securityGroupIds": list(asked.get("securityGroupIds") or []),
            "vpcId": vpc_id,
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
        }),
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": network_asked.get("serviceIpv4Cidr") or "172.20.0.0/16",
            "ipFamily": network_asked.get("ipFamily") or "ipv4",
            "elasticLoadBalancing": {"enabled": False},
        },
        "logging": network.shown_logging(call.params.get("logging")),
        "status": "CREATING",
        "certificateAuthority": {},
        "platformVersion": eks_versions.VERSIONS[version].platform,
        "tags": check_tags(call.params.get("tags")),
        "health": {"issues": []},
        "accessConfig": {"authenticationMode": (call.params.get("accessConfig") or {}).get("authenticationMode") or "CONFIG_MAP"},
        "upgradePolicy": {"supportType": (call.params.get("upgradePolicy") or {}).get("supportType") or "EXTENDED"},
        "zonalShiftConfig": {"enabled": bool((call.params.get("zonalShiftConfig") or {}).get("enabled"))},
        "deletionProtection": bool(call.params.get("deletionProtection")),
    }  # fmt: skip
    if call.params.get("clientRequestToken"):
        body["clientRequestToken"] = call.text("clientRequestToken")
    if call.params.get("remoteNetworkConfig"):
        body["remoteNetworkConfig"] = call.params["remoteNetworkConfig"]
    return body


def endpoint_access(asked: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The endpoint's settings after a request for some of them."""
    config = {**before, **{key: asked[key] for key in ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs") if asked.get(key) is not None}}
    if not config["endpointPublicAccess"] and not config["endpointPrivateAccess"]:
        raise invalid("Private and public endpoint access cannot be false")
    for cidr in config["publicAccessCidrs"]:
        if not CIDR.match(cidr):
            raise invalid(f"The following CIDRs are invalid: [{cidr}]")
    return config


def _late(call: AwsCall, security_group: str) -> dict[str, Any]:
    id = uuid.uuid4().hex.upper()
    domain = "amazonaws.com.cn" if call.partition == "aws-cn" else "amazonaws.com"
    certificate = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(id.encode() * 16).decode()}\n-----END CERTIFICATE-----\n"
    return {
        "clusterSecurityGroupId": security_group,
        "issuer": f"https://oidc.eks.{call.region}.{domain}/id/{id}",
        "endpoint": f"https://{id}.gr7.{call.region}.eks.{domain}",
        "certificate": base64.b64encode(certificate.encode()).decode(),
    }


def shown(cluster: Cluster) -> dict[str, Any]:
    body = copy.deepcopy(cluster.body)
    if cluster.status != "CREATING":
        body["resourcesVpcConfig"]["clusterSecurityGroupId"] = cluster.security_group
        body["endpoint"] = cluster.late["endpoint"]
        body["certificateAuthority"] = {"data": cluster.late["certificate"]}
        body["identity"] = {"oidc": {"issuer": cluster.issuer}}
        body["health"] = {"issues": issues(cluster)}
    return body


def check_encryption(call: AwsCall, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """User guide, "Encrypt Kubernetes secrets with KMS": a symmetric key of the region that can be used."""
    if not asked:
        return []
    if len(asked) > 1 or asked[0].get("resources") != ["secrets"]:
        raise invalid("Only one encryptionConfig with the resource secrets is supported")
    arn = str((asked[0].get("provider") or {}).get("keyArn"))
    parts = arn.split(":")
    if len(parts) != 6 or parts[3] != call.region:
        raise invalid(f"The keyArn in encryptionConfig provider {arn} is invalid")
    key = backend("kms", parts[4], parts[3]).keys.get(parts[5].removeprefix("key/"))
    if key is None:
        raise invalid(f"The keyArn in encryptionConfig provider {arn} is not found")
    if key.key_state != "Enabled" or str(key.key_spec) != "SYMMETRIC_DEFAULT":
        raise invalid(f"The keyArn in encryptionConfig provider {arn} is not enabled or not symmetric")
    for action in ("kms:DescribeKey", "kms:CreateGrant") if call.identity.kind in ("user", "session") else ():
        principal = principal_of(call.identity.arn)
        context = folded({**principal.context(), "kms:ViaService": f"eks.{call.region}.amazonaws.com", "kms:GrantIsForAWSResource": "true"})
        if decide(principal, Question(action, arn, context))[0] != "allowed":
            raise invalid(f"User: {call.identity.arn} is not authorized to perform: {action} on resource: {arn}")
    return [{"resources": ["secrets"], "provider": {"keyArn": arn}}]


@operation("DescribeCluster")
def _describe(call: AwsCall) -> dict[str, Any]:
    return {"cluster": shown(find_cluster(call))}


@operation("ListClusters")
def _list(call: AwsCall) -> dict[str, Any]:
    return page(call, "clusters", sorted(store(call.account, call.region)))


@operation("DeleteCluster")
def _delete(call: AwsCall) -> dict[str, Any]:
    cluster = find_cluster(call)
    if cluster.status == "DELETING":
        return {"cluster": shown(cluster)}
    if cluster.body["deletionProtection"] and cluster.status not in ("CREATING", "FAILED"):
        raise refused(
            f"Deletion protection is enabled for cluster {cluster.name}. Disable deletion protection and try again.",
            clusterName=cluster.name,
        )
    if cluster.nodegroups:
        raise in_use("Cluster has nodegroups attached", clusterName=cluster.name, nodegroupName=", ".join(cluster.nodegroups))
    if cluster.running() is not None:
        raise in_use(f"Cannot delete cluster {cluster.name}: an update is in progress", clusterName=cluster.name)
    cluster.body["status"], cluster.span = "DELETING", cluster.begin("eks:cluster:delete")
    return {"cluster": shown(cluster)}


def settle(cluster: Cluster) -> None:
    """What time has done to a cluster since somebody looked."""
    if cluster.status == "CREATING" and cluster.span.done():
        cluster.body["status"] = "ACTIVE"
    if cluster.status == "DELETING" and cluster.span.done():
        network.keep_log_group(cluster)
        # EKS cleans up with the cluster's role; without it, it leaves what it made.
        if eks_roles.find_role(cluster.body["roleArn"]) is None:
            network.leave_interfaces(cluster)
        else:
            network.remove_interfaces(cluster)
            network.remove_security_group(cluster)
        store(cluster.account, cluster.region).pop(cluster.name, None)
        forget_tokens(cluster.account, cluster.region, cluster.name)
        return
    for update in list(cluster.updates.values()):
        update.settle()
    if cluster.status == "UPDATING" and cluster.running() is None:
        cluster.body["status"] = "ACTIVE"
    if cluster.status != "CREATING":
        network.keep_log_group(cluster)
