//! A node group of the API as the engine sees it.

use aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, Issue, NodeRepairConfig, Nodegroup, NodegroupHealth, NodegroupIssueCode, NodegroupScalingConfig,
    NodegroupStatus, NodegroupUpdateConfig, Taint, TaintEffect,
};
use serde_json::{Value as Json, json};

use super::object;
use crate::{
    components::{
        eks::{begun::Begun, issue, own_tags, version},
        settings::{json, map},
    },
    graph::{Found, Readiness},
};

/// What a group on its way out waits for.
pub(super) const DELETING: &str = "deleting";

/// Issues that time heals, or that the autoscaler goes on with.
const PASSING: &[NodegroupIssueCode] = &[
    NodegroupIssueCode::AutoScalingGroupInstanceRefreshActive,
    NodegroupIssueCode::AutoScalingGroupRateLimitExceeded,
    NodegroupIssueCode::ClusterUnreachable,
    NodegroupIssueCode::IamThrottling,
    NodegroupIssueCode::InternalFailure,
    NodegroupIssueCode::NodeTerminationFailure,
    NodegroupIssueCode::UnknownValue,
];

pub(super) fn found(cluster: &str, group: &Nodegroup, wanted_version: Option<&str>, begun: &Begun) -> Found {
    let name = group.nodegroup_name().unwrap_or_default();
    let id = format!("{cluster}:{name}");
    let (readiness, health) = state(&id, group, begun);
    let size = group.scaling_config();
    let number = |number: Option<i32>| number.map_or(Json::Null, Json::from);
    let template = group.launch_template();
    let asg = group.resources().and_then(|resources| resources.auto_scaling_groups().first()).and_then(|asg| asg.name());
    Found {
        settings: map([
            ("cluster_name", cluster.into()),
            // The wanted name is the beginning of AWS's.
            ("name", json(Some(name.rsplit_once('-').map_or(name, |(base, _)| base)))),
            ("version", json(group.version().map(|live| version::reported(wanted_version, live)))),
            ("launch_template_id", json(template.and_then(|template| template.id()))),
            ("launch_template_version", json(template.and_then(|template| template.version()))),
            ("min_size", number(size.and_then(NodegroupScalingConfig::min_size))),
            ("max_size", number(size.and_then(NodegroupScalingConfig::max_size))),
            ("labels", group.labels().map_or_else(|| json!({}), object)),
            ("taints", Json::Array(group.taints().iter().map(taint).collect())),
            ("max_unavailable_percentage", number(group.update_config().and_then(NodegroupUpdateConfig::max_unavailable_percentage))),
            ("node_repair", json!(group.node_repair_config().and_then(NodeRepairConfig::enabled) == Some(true))),
            ("instance_types", json!(group.instance_types())),
            ("ami_type", json(group.ami_type().map(AmiTypes::as_str))),
            ("capacity_type", json(group.capacity_type().map(CapacityTypes::as_str))),
            ("subnet_ids", json!(group.subnets())),
            ("node_role_arn", json(group.node_role())),
            ("desired_size", number(size.and_then(NodegroupScalingConfig::desired_size))),
            ("health", health),
            ("create_failed", json!(group.status() == Some(&NodegroupStatus::CreateFailed))),
        ]),
        outputs: map([
            ("arn", json(group.nodegroup_arn())),
            ("id", json!(id)),
            ("name", json(Some(name))),
            ("autoscaling_group_name", json(asg)),
        ]),
        tags: own_tags(group.tags()),
        readiness,
        id,
    }
}

fn taint(taint: &Taint) -> Json {
    json!({ "key": taint.key(), "value": taint.value().unwrap_or_default(), "effect": taint.effect().map(TaintEffect::as_str) })
}

fn state(id: &str, group: &Nodegroup, begun: &Begun) -> (Readiness, Json) {
    let issues = group.health().map(NodegroupHealth::issues).unwrap_or_default();
    let told: Vec<(bool, String)> =
        (issues.iter()).map(|one| (one.code().is_some_and(|code| !PASSING.contains(code)), words(one))).collect();
    let all: Vec<&str> = told.iter().map(|(_, words)| words.as_str()).collect();
    let all = if all.is_empty() { "AWS gives no reason".to_owned() } else { all.join("; ") };
    match group.status() {
        Some(NodegroupStatus::Active) if told.is_empty() => (Readiness::Ready, json!([])),
        Some(NodegroupStatus::Active | NodegroupStatus::Degraded) => {
            let told = if told.is_empty() { vec![(false, "degraded".to_owned())] } else { told };
            begun.health(id, &told)
        }
        Some(NodegroupStatus::CreateFailed) if !begun.touched(id) => (Readiness::Ready, json!([])),
        Some(NodegroupStatus::CreateFailed) => (Readiness::Broken(format!("EKS could not make the node group: {all}")), json!([])),
        Some(NodegroupStatus::DeleteFailed) => (Readiness::Broken(format!("EKS could not delete the node group: {all}")), json!([])),
        Some(NodegroupStatus::Deleting) => (Readiness::Pending(DELETING.to_owned()), json!([])),
        Some(NodegroupStatus::Creating) if told.iter().any(|(lasting, _)| *lasting) => (Readiness::Broken(all), json!([])),
        other => (Readiness::Pending(other.map_or_else(String::new, |status| status.as_str().to_lowercase())), json!([])),
    }
}

fn words(one: &Issue) -> String {
    issue(one.code().map(NodegroupIssueCode::as_str), one.message(), one.resource_ids())
}
