//! Add-ons, in the order in which a cluster needs them.

use serde_json::json;
use tf_provider::Attr;

use super::{CLUSTER, Cluster, roles};
use crate::{
    graph::{Change, ComponentId, Input, Node, Setting},
    resources::setting::{fixed, live, settings},
};

/// Before nodes: without a network plugin none becomes ready, and without the identity agent its pods have no role.
const EARLY: &[&str] = &["eks-pod-identity-agent", "kube-proxy", "vpc-cni"];
/// After nodes, which they run on; an upgrade of both begins with them.
const LATE: &[&str] = &["amazon-cloudwatch-observability", "aws-ebs-csi-driver", "coredns", "metrics-server"];

/// The add-on that sends the nodes' and pods' logs and figures to CloudWatch.
const INSIGHTS: &str = "amazon-cloudwatch-observability";
/// The ends of its log groups' names: `/aws/containerinsights/CLUSTER/…` (CloudWatch User Guide, "Set up Fluent Bit as a DaemonSet", "Container
/// Insights performance log reference").
pub(super) const INSIGHTS_LOGS: &[&str] = &["application", "dataplane", "host", "performance"];

/// All of them.
pub(super) const NAMES: &[&str] = &[
    "amazon-cloudwatch-observability",
    "aws-ebs-csi-driver",
    "coredns",
    "eks-pod-identity-agent",
    "kube-proxy",
    "metrics-server",
    "vpc-cni",
];

/// The component of an add-on.
pub(super) fn id(name: &str) -> String {
    format!("addon/{name}")
}

/// The component of one of [`INSIGHTS_LOGS`].
pub(super) fn insights_log_group(kind: &str) -> String {
    format!("insights_log_group/{kind}")
}

/// The components of those that nodes wait for.
pub(super) fn early() -> impl Iterator<Item = ComponentId> {
    EARLY.iter().map(|name| id(name).into())
}

/// All add-ons; `groups` are the components of the node groups.
pub(super) fn nodes(model: &Cluster, groups: &[ComponentId]) -> Vec<Node> {
    let early = EARLY.iter().map(|name| node(model, name));
    let late = LATE.iter().map(|name| node(model, name).late(groups.iter().cloned(), "health"));
    early.chain(late).collect()
}

fn node(model: &Cluster, name: &str) -> Node {
    let version = match &model.addon_versions {
        Attr::Known(versions) => match versions.get(name) {
            Some(Attr::Known(version)) => Input::Known(json!(version)),
            // AWS chooses where it offers none as a default.
            Some(Attr::Null) | None => Input::Known(serde_json::Value::Null),
            Some(Attr::Unknown) => Input::Unknown,
        },
        Attr::Null => Input::Known(serde_json::Value::Null),
        Attr::Unknown => Input::Unknown,
    };
    let addon = settings([
        ("cluster_name", fixed(Input::Output(CLUSTER.into(), "name".to_owned()))),
        ("addon_name", fixed(Input::Known(json!(name)))),
        ("addon_version", live(version)),
        ("health", live(Input::Known(json!([])))),
        ("create_failed", never()),
    ]);
    let node = Node::new(&id(name), "eks_addon", addon);
    let node = if name == INSIGHTS { node.after(INSIGHTS_LOGS.iter().map(|kind| insights_log_group(kind))) } else { node };
    match roles::association_of(name) {
        Some(association) => node.after([association]),
        None => node,
    }
}

/// What EKS could not make is made anew.
pub(super) fn never() -> Setting {
    Setting { change: Change::Replace, ..live(Input::Known(json!(false))) }
}
