//! Changing a node group: EKS takes the configuration in one call and the version, which replaces the nodes one by one, in another.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_eks::types::{
    LaunchTemplateSpecification, NodeRepairConfig, NodegroupScalingConfig, NodegroupUpdateConfig, Taint, TaintEffect, Update,
    UpdateLabelsPayload, UpdateTaintsPayload,
};
use serde_json::Value as Json;

use super::clamped;
use crate::{
    aws::{Aws, failure},
    components::settings::{Settings, number, text},
    graph::{Failure, Found},
};

/// What one UpdateNodegroupConfig brings about. The pace first: it is how the nodes are then replaced.
const CONFIGURATION: [&str; 6] = ["min_size", "max_size", "labels", "taints", "max_unavailable_percentage", "node_repair"];
/// What UpdateNodegroupVersion brings about, node by node.
const ROLLING: [&str; 3] = ["version", "launch_template_id", "launch_template_version"];

/// Begins the first of the two; `None`: there was nothing to begin.
pub(super) async fn one(
    aws: &Aws,
    (cluster, name): (&str, &str),
    found: &Found,
    wanted: &Settings,
    changed: &BTreeSet<String>,
) -> Result<Option<Update>, Failure> {
    let any = |names: &[&str]| names.iter().any(|name| changed.contains(*name));
    if any(&CONFIGURATION) {
        let live = number(&found.settings, "desired_size");
        let call = (aws.eks.update_nodegroup_config())
            .cluster_name(cluster)
            .nodegroup_name(name)
            .set_scaling_config(any(&["min_size", "max_size"]).then(|| scaling(wanted, live)))
            .set_labels(changed.contains("labels").then(|| label_changes(&found.settings, wanted)))
            .set_taints(changed.contains("taints").then(|| taint_changes(&found.settings, wanted)))
            .set_update_config(pace(wanted).filter(|_| changed.contains("max_unavailable_percentage")))
            .set_node_repair_config(repair(wanted).filter(|_| changed.contains("node_repair")));
        return Ok(call.send().await.map_err(|error| failure("eks:UpdateNodegroupConfig", error))?.update);
    }
    if any(&ROLLING) {
        let call = (aws.eks.update_nodegroup_version())
            .cluster_name(cluster)
            .nodegroup_name(name)
            // Pods are evicted by their disruption budgets, never by force: a budget that allows nothing fails the update, in its own words.
            .set_version(text(wanted, "version").filter(|_| changed.contains("version")).map(str::to_owned))
            .launch_template(template(wanted));
        return Ok(call.send().await.map_err(|error| failure("eks:UpdateNodegroupVersion", error))?.update);
    }
    Ok(None)
}

/// The bounds, with the live or first size within them.
pub(super) fn scaling(wanted: &Settings, live: Option<i32>) -> NodegroupScalingConfig {
    let (min, max) = (number(wanted, "min_size"), number(wanted, "max_size"));
    NodegroupScalingConfig::builder().set_min_size(min).set_max_size(max).set_desired_size(clamped(live, min, max)).build()
}

/// By id alone: EKS refuses id and name together.
pub(super) fn template(wanted: &Settings) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .set_id(text(wanted, "launch_template_id").map(str::to_owned))
        .set_version(text(wanted, "launch_template_version").map(str::to_owned))
        .build()
}

/// How many nodes are replaced at once.
pub(super) fn pace(wanted: &Settings) -> Option<NodegroupUpdateConfig> {
    let percentage: i32 = number(wanted, "max_unavailable_percentage")?;
    Some(NodegroupUpdateConfig::builder().max_unavailable_percentage(percentage).build())
}

/// Whether EKS replaces nodes that are ill.
pub(super) fn repair(wanted: &Settings) -> Option<NodeRepairConfig> {
    let enabled = wanted.get("node_repair").and_then(Json::as_bool)?;
    Some(NodeRepairConfig::builder().enabled(enabled).build())
}

/// Labels as the API takes them.
pub(super) fn labels(labels: Option<&Json>) -> HashMap<String, String> {
    let labels = labels.and_then(Json::as_object).into_iter().flatten();
    labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// Taints as the API takes them.
pub(super) fn taints(taints: Option<&Json>) -> Vec<Taint> {
    let field = |taint: &Json, name: &str| taint.get(name).and_then(Json::as_str).map(str::to_owned);
    let all = taints.and_then(Json::as_array).into_iter().flatten();
    all.map(|taint| {
        let effect = field(taint, "effect").map(|effect| TaintEffect::from(effect.as_str()));
        Taint::builder().set_key(field(taint, "key")).set_value(field(taint, "value")).set_effect(effect).build()
    })
    .collect()
}

/// Labels are changed by differences, not as a whole.
fn label_changes(found: &Settings, wanted: &Settings) -> UpdateLabelsPayload {
    let (have, want) = (labels(found.get("labels")), labels(wanted.get("labels")));
    let gone: Vec<String> = have.keys().filter(|name| !want.contains_key(*name)).cloned().collect();
    let put: HashMap<String, String> = want.into_iter().filter(|(name, value)| have.get(name) != Some(value)).collect();
    UpdateLabelsPayload::builder()
        .set_add_or_update_labels(Some(put).filter(|put| !put.is_empty()))
        .set_remove_labels(Some(gone).filter(|gone| !gone.is_empty()))
        .build()
}

/// So are taints; one is told from another by key and effect.
fn taint_changes(found: &Settings, wanted: &Settings) -> UpdateTaintsPayload {
    let (have, want) = (taints(found.get("taints")), taints(wanted.get("taints")));
    let same = |a: &Taint, b: &Taint| a.key() == b.key() && a.effect() == b.effect();
    let gone: Vec<Taint> = have.iter().filter(|old| !want.iter().any(|new| same(old, new))).cloned().collect();
    let put: Vec<Taint> = want.into_iter().filter(|new| !have.contains(new)).collect();
    UpdateTaintsPayload::builder()
        .set_add_or_update_taints(Some(put).filter(|put| !put.is_empty()))
        .set_remove_taints(Some(gone).filter(|gone| !gone.is_empty()))
        .build()
}
