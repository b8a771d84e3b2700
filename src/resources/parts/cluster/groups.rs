//! Node groups: what the user writes of them, and what they are.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tf_provider::{Attr, Model, Set};

use super::{plan::Facts, validators};
use crate::{
    presets::{Preset, table},
    resources::checks,
};

/// What keeps pods without a matching toleration away.
#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct Taint {
    /// Its key.
    #[tf(required, validate(checks::length(1, 63)))]
    pub key: Attr<String>,
    /// Its value.
    #[tf(optional, validate(checks::length(0, 63)))]
    pub value: Attr<String>,
    /// `NO_SCHEDULE`, `NO_EXECUTE` or `PREFER_NO_SCHEDULE`.
    #[tf(required, validate(checks::one_of(&["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"])))]
    pub effect: Attr<String>,
}

/// A group of nodes.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct NodeGroup {
    /// EC2 instance types, in the order of preference.
    #[tf(optional, note(change = "replace"))]
    pub instance_types: Attr<Vec<Attr<String>>>,
    /// EKS's name of the nodes' image, e.g. `AL2023_x86_64_STANDARD`.
    #[tf(optional, note(change = "replace"))]
    pub ami_type: Attr<String>,
    /// Fewest nodes.
    #[tf(optional, validate(checks::between(0, 450)), note(change = "live"))]
    pub min_size: Attr<i64>,
    /// Most nodes.
    #[tf(optional, validate(checks::between(1, 450)), note(change = "live"))]
    pub max_size: Attr<i64>,
    /// Nodes at the beginning; the Cluster Autoscaler goes on from there, and the provider never sets it back.
    #[tf(optional, validate(checks::between(0, 450)))]
    pub desired_size: Attr<i64>,
    /// Size of each node's disk, GiB. A change replaces the nodes one after the other.
    #[tf(optional, validate(checks::between(20, 16_384)), note(change = "live"))]
    pub disk_size: Attr<i64>,
    /// `ON_DEMAND` or `SPOT`.
    #[tf(optional, validate(checks::one_of(&["ON_DEMAND", "SPOT"])), note(change = "replace"))]
    pub capacity_type: Attr<String>,
    /// Ids of the zones that nodes stand in, e.g. `euc1-az1`; all of the network's by default.
    #[tf(optional, note(change = "replace"))]
    pub availability_zones: Attr<Set<String>>,
    /// Kubernetes labels of the nodes.
    #[tf(optional, validate(validators::node_labels()), note(change = "live"))]
    pub labels: Attr<BTreeMap<String, Attr<String>>>,
    /// Kubernetes taints of the nodes.
    #[tf(optional, note(change = "live"))]
    pub taints: Attr<Vec<Taint>>,
}

/// A group of nodes with everything that was chosen for it.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct EffectiveNodeGroup {
    /// EC2 instance types, in the order of preference.
    #[tf(computed)]
    pub instance_types: Attr<Vec<Attr<String>>>,
    /// EKS's name of the nodes' image.
    #[tf(computed)]
    pub ami_type: Attr<String>,
    /// Fewest nodes.
    #[tf(computed)]
    pub min_size: Attr<i64>,
    /// Most nodes.
    #[tf(computed)]
    pub max_size: Attr<i64>,
    /// Nodes at the beginning.
    #[tf(computed)]
    pub desired_size: Attr<i64>,
    /// Size of each node's disk, GiB.
    #[tf(computed)]
    pub disk_size: Attr<i64>,
    /// `ON_DEMAND` or `SPOT`.
    #[tf(computed)]
    pub capacity_type: Attr<String>,
    /// Ids of the zones that nodes stand in; null: all of the network's.
    #[tf(computed)]
    pub availability_zones: Attr<Set<String>>,
    /// Kubernetes labels.
    #[tf(computed)]
    pub labels: Attr<BTreeMap<String, Attr<String>>>,
    /// Kubernetes taints.
    #[tf(computed)]
    pub taints: Attr<Vec<EffectiveTaint>>,
}

/// What keeps pods without a matching toleration away.
#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct EffectiveTaint {
    /// Its key.
    #[tf(computed)]
    pub key: Attr<String>,
    /// Its value.
    #[tf(computed)]
    pub value: Attr<String>,
    /// Its effect.
    #[tf(computed)]
    pub effect: Attr<String>,
}

/// The group that there is where none is written.
const DEFAULT: &str = "default";
/// Amazon Linux for Graviton.
const ARM_IMAGE: &str = "AL2023_ARM_64_STANDARD";

/// The groups with every default: the user's value, else the one chosen before, else the preset's.
pub(super) fn effective(
    written: &Attr<BTreeMap<String, NodeGroup>>,
    prior: Option<&BTreeMap<String, EffectiveNodeGroup>>,
    facts: Option<&Facts>,
    preset: Option<Preset>,
) -> Attr<BTreeMap<String, EffectiveNodeGroup>> {
    let only = BTreeMap::from([(DEFAULT.to_owned(), NodeGroup::default())]);
    let groups = match written {
        Attr::Unknown => return Attr::Unknown,
        Attr::Null => &only,
        Attr::Known(groups) => groups,
    };
    let one =
        |(name, group): (&String, &NodeGroup)| (name.clone(), complete(group, prior.and_then(|prior| prior.get(name)), facts, preset));
    Attr::Known(groups.iter().map(one).collect())
}

fn complete(group: &NodeGroup, prior: Option<&EffectiveNodeGroup>, facts: Option<&Facts>, preset: Option<Preset>) -> EffectiveNodeGroup {
    let default = Defaults { preset };
    let instance_types = first(&group.instance_types, prior.map(|prior| &prior.instance_types), || default.texts("instance_types"));
    let image = || match facts {
        Some(facts) if facts.is_arm(&instance_types) => Attr::Known(ARM_IMAGE.to_owned()),
        // The types that prove to be another architecture's would change an image that was planned.
        _ if has_unknown(&instance_types) => Attr::Unknown,
        None if instance_types != default.texts("instance_types") => Attr::Unknown,
        _ => default.text("ami_type"),
    };
    // An image that was chosen for other instances is no choice for these.
    let same_types = prior.filter(|prior| prior.instance_types == instance_types);
    let min = first(&group.min_size, prior.map(|prior| &prior.min_size), || default.number("min_size"));
    let max = first(&group.max_size, prior.map(|prior| &prior.max_size), || default.number("max_size"));
    // What isn't written gives way to what is.
    let min = if group.min_size.is_null() { bound(min, &max, i64::min) } else { min };
    let max = if group.max_size.is_null() { bound(max, &min, i64::max) } else { max };
    let desired = first(&group.desired_size, prior.map(|prior| &prior.desired_size), || default.number("desired_size"));
    let desired = if group.desired_size.is_null() { bound(bound(desired, &max, i64::min), &min, i64::max) } else { desired };
    EffectiveNodeGroup {
        ami_type: first(&group.ami_type, same_types.map(|prior| &prior.ami_type), image),
        instance_types,
        min_size: min,
        max_size: max,
        desired_size: desired,
        disk_size: first(&group.disk_size, prior.map(|prior| &prior.disk_size), || default.number("disk_size")),
        capacity_type: first(&group.capacity_type, prior.map(|prior| &prior.capacity_type), || default.text("capacity_type")),
        availability_zones: group.availability_zones.clone(),
        labels: or_empty(&group.labels),
        taints: or_empty(&group.taints).map(|taints| taints.into_iter().map(taint).collect()),
    }
}

fn has_unknown(types: &Attr<Vec<Attr<String>>>) -> bool {
    types.is_unknown() || types.known().into_iter().flatten().any(Attr::is_unknown)
}

fn taint(taint: Taint) -> EffectiveTaint {
    let value = if taint.value.is_null() { Attr::Known(String::new()) } else { taint.value };
    EffectiveTaint { key: taint.key, value, effect: taint.effect }
}

fn or_empty<T: Clone + Default>(written: &Attr<T>) -> Attr<T> {
    if written.is_null() { Attr::Known(T::default()) } else { written.clone() }
}

fn first<T: Clone>(written: &Attr<T>, prior: Option<&Attr<T>>, default: impl Fn() -> Attr<T>) -> Attr<T> {
    match (written, prior) {
        (Attr::Null, Some(chosen @ Attr::Known(_))) => chosen.clone(),
        (Attr::Null, _) => default(),
        (written, _) => written.clone(),
    }
}

fn bound(value: Attr<i64>, by: &Attr<i64>, choose: impl Fn(i64, i64) -> i64) -> Attr<i64> {
    match (&value, by) {
        (Attr::Known(value), Attr::Known(by)) => Attr::Known(choose(*value, *by)),
        (_, Attr::Unknown) => Attr::Unknown,
        _ => value,
    }
}

/// A preset's defaults of node groups; unknown while the preset is.
struct Defaults {
    preset: Option<Preset>,
}

impl Defaults {
    fn get<T>(&self, name: &str, read: impl Fn(&Json) -> Option<T>) -> Attr<T> {
        let Some(preset) = self.preset else { return Attr::Unknown };
        table(preset).get(&format!("cluster.node_group.{name}")).and_then(|default| read(&default.value)).into()
    }

    fn text(&self, name: &str) -> Attr<String> {
        self.get(name, |value| value.as_str().map(str::to_owned))
    }

    fn number(&self, name: &str) -> Attr<i64> {
        self.get(name, Json::as_i64)
    }

    fn texts(&self, name: &str) -> Attr<Vec<Attr<String>>> {
        self.get(name, |value| {
            Some(value.as_array()?.iter().filter_map(|one| one.as_str().map(|one| Attr::Known(one.to_owned()))).collect())
        })
    }
}
