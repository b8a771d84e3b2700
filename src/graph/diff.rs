//! What differs between a blueprint and what exists. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    Blueprint, Change, Claim, ComponentId, Found, IgnoreTags, Meaning, Node, Observed,
    claim::{COMPONENT, OWNER, Ownership, PREFIX, ownership, wanted_tags},
    compare::same,
    resolve::settings,
};

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Whose.
    pub component: ComponentId,
    /// What differs.
    pub what: What,
}

/// What differs.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It isn't there.
    Absent,
    /// It is there, is ours, and shall not be.
    Superfluous,
    /// A setting differs.
    Setting {
        /// Which.
        name: String,
        /// What changing it takes.
        change: Change,
        /// Whether it is switched on only as the last step.
        seal: bool,
        /// What it shall be.
        wanted: Json,
        /// What it is; `Null` when the object doesn't tell.
        found: Json,
    },
    /// Tags differ.
    Tags {
        /// Missing or different.
        set: BTreeMap<String, String>,
        /// Not wanted.
        remove: Vec<String>,
    },
}

/// What a run would change. What could not be read is left out, and so is a setting whose value isn't known yet
/// (unknown at plan, or the output of something that isn't there).
#[must_use]
pub fn diff(blueprint: &Blueprint, observed: &Observed) -> Vec<Difference> {
    let unread: BTreeSet<&ComponentId> = observed.failures.iter().map(|(component, _)| component).collect();
    let mut differences = Vec::new();
    for node in &blueprint.nodes {
        if node.absent {
            let taggable = !observed.untaggable.contains(&node.id);
            let ours = |found| !taggable || ownership(&blueprint.owner, found) == Ownership::Ours;
            if observed.found.get(&node.id).is_some_and(ours) {
                differences.push(Difference { component: node.id.clone(), what: What::Superfluous });
            }
            continue;
        }
        let mut differ = |what| differences.push(Difference { component: node.id.clone(), what });
        let Some(found) = observed.found.get(&node.id) else {
            if !unread.contains(&node.id) {
                differ(What::Absent);
            }
            continue;
        };
        let (known, _) = settings(node, &observed.found);
        for difference in differing(node, &known, found) {
            differ(difference);
        }
        if !observed.untaggable.contains(&node.id) {
            let (set, remove) = tags(&wanted_tags(blueprint, node, None), &found.tags, &blueprint.ignore_tags);
            if !set.is_empty() || !remove.is_empty() {
                differ(What::Tags { set, remove });
            }
        }
    }
    differences
}

/// What differs and has no attribute of its own, by component (lifecycle.md 5): settings by name, `absent`, `superfluous`, `tags`,
/// and `tags:owner`, `tags:component`, `tags:claim` for ours. The user's tags of the claim are shown in `tags_all`.
#[must_use]
pub fn drift(blueprint: &Blueprint, observed: &Observed) -> BTreeMap<String, Vec<String>> {
    let mut drift: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Difference { component, what } in diff(blueprint, observed) {
        let Some(node) = blueprint.nodes.iter().find(|node| node.id == component) else { continue };
        let mut differ = |name: &str| {
            drift.entry(component.0.clone()).or_default().insert(name.to_owned());
        };
        match what {
            What::Absent => differ("absent"),
            What::Superfluous => differ("superfluous"),
            What::Setting { name, .. } => {
                if node.settings.get(&name).is_some_and(|setting| !setting.shown && setting.meaning != Meaning::Note) {
                    differ(&name);
                }
            }
            What::Tags { set, remove } => {
                for (tag, name) in [(OWNER, "tags:owner"), (COMPONENT, "tags:component")] {
                    if set.contains_key(tag) {
                        differ(name);
                    }
                }
                if !node.claim && (!remove.is_empty() || set.keys().any(|key| !key.starts_with(PREFIX))) {
                    differ("tags");
                }
            }
        }
    }
    for node in blueprint.nodes.iter().filter(|node| node.claim) {
        if observed.found.get(&node.id).is_some_and(|found| Claim::of(&found.tags).is_none()) {
            drift.entry(node.id.0.clone()).or_default().insert("tags:claim".to_owned());
        }
    }
    drift.into_iter().map(|(component, names)| (component, names.into_iter().collect())).collect()
}

/// The settings among `wanted` that `found` doesn't have.
pub(crate) fn differing(node: &Node, wanted: &BTreeMap<String, Json>, found: &Found) -> Vec<What> {
    let mut differences = Vec::new();
    for (name, wanted) in wanted {
        let Some(setting) = node.settings.get(name) else { continue };
        let value = found.settings.get(name).unwrap_or(&Json::Null);
        if !same(setting.meaning, wanted, value) {
            differences.push(What::Setting {
                name: name.clone(),
                change: setting.change,
                seal: setting.seal,
                wanted: wanted.clone(),
                found: value.clone(),
            });
        }
    }
    differences
}

/// The tags to set and to remove. Others' tags (`aws:*`, ignored ones) and the engine's own are never removed.
pub(crate) fn tags(
    wanted: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
    ignore: &IgnoreTags,
) -> (BTreeMap<String, String>, Vec<String>) {
    let ignored = |key: &str| !key.starts_with(PREFIX) && ignore.covers(key);
    let set = wanted
        .iter()
        .filter(|(key, value)| !ignored(key) && found.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let remove = found
        .keys()
        .filter(|key| !wanted.contains_key(*key) && !ignored(key) && !key.starts_with("aws:") && !key.starts_with(PREFIX))
        .cloned()
        .collect();
    (set, remove)
}

#[cfg(test)]
mod tests;
