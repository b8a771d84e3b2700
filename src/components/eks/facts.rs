//! What a plan of a cluster asks AWS: versions, instance types, what stands against an upgrade. Read-only.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, InstanceTypeInfo, MemoryInfo, ProcessorInfo, VCpuInfo};
use aws_sdk_eks::types::{Category, ClusterVersionInformation, InsightStatusValue, InsightsFilter, VersionStatus};

use super::version;
use crate::{
    aws::{Absent, Aws, failure},
    graph::Failure,
};

/// A Kubernetes version that EKS offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KubernetesVersion {
    /// E.g. `1.33`.
    pub version: String,
    /// The one that EKS chooses by itself.
    pub default: bool,
    /// Seconds since 1970 when standard support ends; `None`: AWS doesn't say yet.
    pub standard_support_ends_s: Option<i64>,
    /// Whether it costs more, being in extended support.
    pub extended: bool,
}

/// What a type of instance has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Virtual processors.
    pub vcpu: i64,
    /// Memory, MiB.
    pub memory_mib: i64,
    /// Whether it is of the ARM architecture.
    pub arm: bool,
}

/// Every version that EKS supports, the latest first.
///
/// # Errors
/// What AWS says.
pub(crate) async fn versions(aws: &Aws) -> Result<Vec<KubernetesVersion>, Failure> {
    const CALL: &str = "eks:DescribeClusterVersions";
    let items: Result<Vec<_>, _> = aws.eks.describe_cluster_versions().into_paginator().items().send().collect().await;
    let told = items.map_err(|error| failure(CALL, error))?;
    let mut all: Vec<_> =
        told.iter().filter(|one| one.version_status() != Some(&VersionStatus::Unsupported)).filter_map(told_version).collect();
    all.sort_by_key(|one| std::cmp::Reverse(version::minor(&one.version)));
    Ok(all)
}

fn told_version(one: &ClusterVersionInformation) -> Option<KubernetesVersion> {
    Some(KubernetesVersion {
        version: one.cluster_version()?.to_owned(),
        default: one.default_version(),
        standard_support_ends_s: one.end_of_standard_support_date().map(aws_smithy_types::DateTime::secs),
        extended: one.version_status() == Some(&VersionStatus::ExtendedSupport),
    })
}

/// The versions of add-ons that AWS chooses for a Kubernetes version.
///
/// # Errors
/// What AWS says.
pub(crate) async fn addon_versions(aws: &Aws, kubernetes_version: &str, addons: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
    const CALL: &str = "eks:DescribeAddonVersions";
    // One call for all rather than one each; metrics-server is the community's.
    let call = aws.eks.describe_addon_versions().kubernetes_version(kubernetes_version).owners("aws").owners("community");
    let items: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let told = items.map_err(|error| failure(CALL, error))?;
    let mut chosen = BTreeMap::new();
    for addon in told.iter().filter(|addon| addon.addon_name().is_some_and(|name| addons.contains(&name))) {
        let fits = |one: &&aws_sdk_eks::types::AddonVersionInfo, default: bool| {
            one.compatibilities()
                .iter()
                .any(|each| each.cluster_version() == Some(kubernetes_version) && (each.default_version() || !default))
        };
        let versions = addon.addon_versions();
        let latest =
            versions.iter().filter(|one| fits(one, false)).max_by_key(|one| version::numbers(one.addon_version().unwrap_or_default()));
        let one = versions.iter().find(|one| fits(one, true)).or(latest);
        if let (Some(name), Some(version)) = (addon.addon_name(), one.and_then(|one| one.addon_version())) {
            chosen.insert(name.to_owned(), version.to_owned());
        }
    }
    Ok(chosen)
}

/// What these types have; one that doesn't exist in the region is left out.
///
/// # Errors
/// What AWS says.
pub(crate) async fn capacities(aws: &Aws, types: &[String]) -> Result<BTreeMap<String, Capacity>, Failure> {
    const CALL: &str = "ec2:DescribeInstanceTypes";
    if types.is_empty() {
        return Ok(BTreeMap::new());
    }
    // By a filter: an id that doesn't exist would fail the call.
    let filter = Filter::builder().name("instance-type").set_values(Some(types.to_vec())).build();
    let call = aws.ec2.describe_instance_types().filters(filter);
    let items: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let told = items.map_err(|error| failure(CALL, error))?;
    Ok(told.iter().filter_map(|one| Some((one.instance_type()?.as_str().to_owned(), capacity(one)))).collect())
}

fn capacity(one: &InstanceTypeInfo) -> Capacity {
    let architectures = one.processor_info().map(ProcessorInfo::supported_architectures).unwrap_or_default();
    Capacity {
        vcpu: one.v_cpu_info().and_then(VCpuInfo::default_v_cpus).unwrap_or_default().into(),
        memory_mib: one.memory_info().and_then(MemoryInfo::size_in_mib).unwrap_or_default(),
        arm: architectures.iter().any(|one| one.as_str() == "arm64"),
    }
}

/// Where a subnet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubnetPlace {
    /// E.g. `euc1-az1`, the same zone in every account.
    pub zone_id: String,
    /// Its VPC.
    pub vpc_id: String,
}

/// Where these subnets are; those that don't exist are left out.
///
/// # Errors
/// What AWS says.
pub(crate) async fn subnet_places(aws: &Aws, ids: &[String]) -> Result<BTreeMap<String, SubnetPlace>, Failure> {
    const CALL: &str = "ec2:DescribeSubnets";
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let filter = Filter::builder().name("subnet-id").set_values(Some(ids.to_vec())).build();
    let items: Result<Vec<_>, _> = aws.ec2.describe_subnets().filters(filter).into_paginator().items().send().collect().await;
    let told = items.map_err(|error| failure(CALL, error))?;
    let place = |one: &aws_sdk_ec2::types::Subnet| {
        let place = SubnetPlace { zone_id: one.availability_zone_id()?.to_owned(), vpc_id: one.vpc_id()?.to_owned() };
        Some((one.subnet_id()?.to_owned(), place))
    };
    Ok(told.iter().filter_map(place).collect())
}

/// What EKS found that stands against an upgrade of a cluster, in its words; none where there is no such cluster.
///
/// # Errors
/// What AWS says.
pub(crate) async fn upgrade_blockers(aws: &Aws, cluster: &str, kubernetes_version: &str) -> Result<Vec<String>, Failure> {
    let filter = InsightsFilter::builder().categories(Category::UpgradeReadiness).statuses(InsightStatusValue::Error);
    let filter = filter.kubernetes_versions(kubernetes_version).build();
    let call = aws.eks.list_insights().cluster_name(cluster).filter(filter);
    let items: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let told = items.absent("eks:ListInsights")?.unwrap_or_default();
    // The filter is asked of AWS, and held again: a stray one would refuse an upgrade for nothing.
    let stands = told.iter().filter(|one| one.insight_status().and_then(|status| status.status()) == Some(&InsightStatusValue::Error));
    Ok(stands
        .map(|one| {
            let reason = one.insight_status().and_then(|status| status.reason()).unwrap_or("no reason given");
            format!("{}: {reason}", one.name().unwrap_or("an insight without a name"))
        })
        .collect())
}
