//! A cluster of the API as the engine sees it.

use aws_sdk_eks::types::{
    AuthenticationMode, Cluster, ClusterHealth, ClusterIssueCode, ClusterStatus, LogType, Logging, SupportType, VpcConfigResponse,
    ZonalShiftConfigResponse,
};
use serde_json::json;

use crate::{
    components::{
        eks::{issue, own_tags, version},
        settings::{json, map},
    },
    graph::{Found, Readiness},
};

/// Issues of a cluster that is being made which no waiting heals.
const FINAL: &[ClusterIssueCode] = &[
    ClusterIssueCode::Ec2SecurityGroupNotFound,
    ClusterIssueCode::Ec2ServiceNotSubscribed,
    ClusterIssueCode::Ec2SubnetNotFound,
    ClusterIssueCode::IamRoleNotFound,
    ClusterIssueCode::KmsKeyDisabled,
    ClusterIssueCode::KmsKeyMarkedForDeletion,
    ClusterIssueCode::KmsKeyNotFound,
    ClusterIssueCode::ResourceLimitExceeded,
    ClusterIssueCode::StsRegionalEndpointDisabled,
    ClusterIssueCode::UnsupportedVersion,
    ClusterIssueCode::VpcNotFound,
];

pub(super) fn found(cluster: &Cluster, wanted_version: Option<&str>) -> Found {
    let name = cluster.name().unwrap_or_default();
    let network = cluster.resources_vpc_config();
    let public = network.is_some_and(VpcConfigResponse::endpoint_public_access);
    let live = cluster.version().unwrap_or_default();
    let key = cluster.encryption_config().first().and_then(|config| config.provider()).and_then(|provider| provider.key_arn());
    let group = network.and_then(|network| network.cluster_security_group_id());
    let issuer = cluster.identity().and_then(|identity| identity.oidc()).and_then(|oidc| oidc.issuer());
    Found {
        id: name.to_owned(),
        settings: map([
            ("name", name.into()),
            ("role_arn", json(cluster.role_arn())),
            ("version", json(Some(version::reported(wanted_version, live)))),
            ("subnet_ids", json!(network.map(VpcConfigResponse::subnet_ids).unwrap_or_default())),
            ("endpoint_private_access", network.is_some_and(VpcConfigResponse::endpoint_private_access).into()),
            ("endpoint_public_access", public.into()),
            // Without a public endpoint AWS still tells a list, which means nothing.
            ("public_access_cidrs", json!(network.filter(|_| public).map(VpcConfigResponse::public_access_cidrs).unwrap_or_default())),
            ("log_types", json!(logs(cluster).iter().map(LogType::as_str).collect::<Vec<_>>())),
            ("support_type", json(cluster.upgrade_policy().and_then(|policy| policy.support_type()).map(SupportType::as_str))),
            ("zonal_shift", cluster.zonal_shift_config().and_then(ZonalShiftConfigResponse::enabled).unwrap_or_default().into()),
            ("deletion_protection", cluster.deletion_protection().unwrap_or_default().into()),
            ("encryption_key_arn", json(key)),
            (
                "authentication_mode",
                json(cluster.access_config().and_then(|access| access.authentication_mode()).map(AuthenticationMode::as_str)),
            ),
        ]),
        outputs: map([
            ("id", name.into()),
            ("name", name.into()),
            ("arn", json(cluster.arn())),
            ("endpoint", json(cluster.endpoint())),
            ("certificate_authority_data", json(cluster.certificate_authority().and_then(|authority| authority.data()))),
            ("version", json(cluster.version())),
            ("issuer", json(issuer)),
            // As trust policies spell it.
            ("issuer_host", json(issuer.map(|issuer| issuer.trim_start_matches("https://")))),
            ("security_group_id", json(group)),
            ("vpc_id", json(network.and_then(|network| network.vpc_id()))),
            ("platform_version", json(cluster.platform_version())),
            ("service_cidr", json(cluster.kubernetes_network_config().and_then(|config| config.service_ipv4_cidr()))),
        ]),
        tags: own_tags(cluster.tags()),
        readiness: readiness(cluster),
    }
}

fn logs(cluster: &Cluster) -> Vec<LogType> {
    let setups = cluster.logging().map(Logging::cluster_logging).unwrap_or_default();
    setups.iter().filter(|setup| setup.enabled() == Some(true)).flat_map(|setup| setup.types().iter().cloned()).collect()
}

fn readiness(cluster: &Cluster) -> Readiness {
    let issues = cluster.health().map(ClusterHealth::issues).unwrap_or_default();
    let words: Vec<String> =
        issues.iter().map(|one| issue(one.code().map(ClusterIssueCode::as_str), one.message(), one.resource_ids())).collect();
    let words = words.join("; ");
    let with = |what: &str| if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") };
    match cluster.status() {
        Some(ClusterStatus::Active) => Readiness::Ready,
        Some(ClusterStatus::Failed) => Readiness::Broken(with("EKS could not make the cluster")),
        Some(ClusterStatus::Creating | ClusterStatus::Pending) => {
            let lost = issues.iter().any(|one| one.code().is_some_and(|code| FINAL.contains(code)));
            if lost { Readiness::Broken(with("EKS can't make the cluster")) } else { Readiness::Pending(with("creating")) }
        }
        Some(ClusterStatus::Deleting) => Readiness::Pending("deleting".to_owned()),
        Some(ClusterStatus::Updating) => Readiness::Pending(with("updating")),
        other => Readiness::Pending(with(other.map_or("no status", ClusterStatus::as_str))),
    }
}

/// For tests and messages: nothing is null that a ready cluster tells.
#[cfg(test)]
pub(super) fn nulls(found: &Found) -> Vec<&str> {
    found.settings.iter().chain(&found.outputs).filter(|(_, value)| value.is_null()).map(|(name, _)| name.as_str()).collect()
}
