//! What an update does to the parts of a resource, told by its two blueprints before anything is looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use tf_provider::{Diagnostic, Diagnostics, Path, Value};

use super::{
    outputs::Decider,
    parts::record::RECORD,
    plan::DELETING,
    state::{ABSENT, UNREADY},
};
use crate::graph::{Blueprint, Change as Kind, ComponentId, Input, Known, Node, same};

/// Parts that an update makes, replaces or deletes, and settings that nothing can change.
#[derive(Debug, Default)]
pub(crate) struct Change {
    added: BTreeSet<ComponentId>,
    replaced: BTreeSet<ComponentId>,
    removed: BTreeSet<ComponentId>,
    fixed: Vec<(ComponentId, String, Json, Json)>,
    /// Whether a part in state is nobody's business any more: `components` loses it.
    forgotten: bool,
    stateful: BTreeSet<ComponentId>,
    /// Settings that change in place, by component; also those that somebody else changed.
    changed: BTreeMap<ComponentId, BTreeSet<String>>,
    /// Parts that may get another id, or whose outputs aren't final.
    unsettled: BTreeSet<ComponentId>,
    /// Parts that the state knows to be gone.
    gone: BTreeSet<ComponentId>,
}

impl Change {
    /// From the blueprint that stands in state to the planned one.
    pub(crate) fn between(before: &Blueprint, after: &Blueprint, known: &Known) -> Self {
        let earlier: BTreeMap<&ComponentId, &Node> = before.nodes.iter().filter(|node| !node.absent).map(|node| (&node.id, node)).collect();
        let wanted: BTreeSet<&ComponentId> = after.nodes.iter().map(|node| &node.id).collect();
        let forgotten = known.keys().any(|component| !wanted.contains(component));
        let mut change = Self { forgotten, ..Self::default() };
        for node in &after.nodes {
            let stands = known.contains_key(&node.id);
            if node.stateful {
                change.stateful.insert(node.id.clone());
            }
            match earlier.get(&node.id) {
                _ if node.absent && stands => drop(change.removed.insert(node.id.clone())),
                _ if node.absent => {}
                // Resources without a map of components tell their parts in attributes of their own.
                None => drop(change.added.insert(node.id.clone())),
                Some(old) => change.settings(old, node),
            }
        }
        change
    }

    fn settings(&mut self, old: &Node, new: &Node) {
        for (name, setting) in &new.settings {
            let (Some(Input::Known(was)), Input::Known(wanted)) = (old.settings.get(name).map(|old| &old.value), &setting.value) else {
                continue;
            };
            // What wasn't told yet is decided by what is there.
            if was.is_null() || same(setting.meaning, wanted, was) {
                continue;
            }
            match setting.change {
                Kind::Live => {
                    self.changed.entry(new.id.clone()).or_default().insert(name.clone());
                    self.unsettled.extend(setting.renews.then(|| new.id.clone()));
                }
                Kind::Replace if !new.stateful && !new.claim => drop(self.replaced.insert(new.id.clone())),
                Kind::Replace | Kind::Fixed => self.fixed.push((new.id.clone(), name.clone(), was.clone(), wanted.clone())),
            }
        }
    }

    /// Adds what the state says of what is there: parts that are gone or can't be used yet, and what differs.
    /// `whole`: the state says that nothing is missing.
    pub(super) fn with_drift(mut self, after: &Blueprint, known: &Known, prior: &Value, whole: bool) -> Self {
        let drift = |component: &ComponentId| match prior.get("drift").get(&component.0) {
            Value::List(names) => names.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(),
            _ => BTreeSet::new(),
        };
        for node in after.nodes.iter().filter(|node| !node.absent) {
            let names = drift(&node.id);
            let remade = |name: &&str| node.settings.get(*name).is_some_and(|setting| setting.change == Kind::Replace || setting.renews);
            let unmade = !whole && (!names.is_empty() || !known.contains_key(&node.id));
            if unmade || names.contains(ABSENT) || names.contains(UNREADY) || names.iter().any(remade) {
                self.unsettled.insert(node.id.clone());
            }
            self.gone.extend(names.contains(ABSENT).then(|| node.id.clone()));
            let differs = names.iter().filter(|name| node.settings.contains_key(**name)).map(|name| (*name).to_owned());
            for name in differs {
                self.changed.entry(node.id.clone()).or_default().insert(name);
            }
        }
        self.spread(after);
        self
    }

    /// What is made anew when what it is made of is another one.
    fn spread(&mut self, after: &Blueprint) {
        loop {
            let moves = |from: &ComponentId| [&self.unsettled, &self.added, &self.replaced].into_iter().any(|all| all.contains(from));
            let follows = |node: &&Node| {
                !node.absent
                    && !moves(&node.id)
                    && node
                        .settings
                        .values()
                        .any(|setting| (setting.change != Kind::Live || setting.renews) && setting.value.takes().iter().any(moves))
            };
            let more: Vec<ComponentId> = after.nodes.iter().filter(follows).map(|node| node.id.clone()).collect();
            if more.is_empty() {
                return;
            }
            self.unsettled.extend(more);
        }
    }

    /// Settings that change in place, by component.
    pub(crate) fn changed(&self) -> &BTreeMap<ComponentId, BTreeSet<String>> {
        &self.changed
    }

    /// Parts that are gone.
    pub(crate) fn gone(&self) -> &BTreeSet<ComponentId> {
        &self.gone
    }

    /// Whether a part is there before and after, as the same object.
    pub(crate) fn stays(&self, component: &ComponentId) -> bool {
        [&self.added, &self.replaced, &self.removed, &self.unsettled].into_iter().all(|all| !all.contains(component))
    }

    /// Whether every part keeps its id. A record's is its name.
    pub(super) fn keeps_ids(&self) -> bool {
        self.is_empty() && self.unsettled.iter().all(|component| component.0 == RECORD)
    }

    /// Whether no part comes, goes or is replaced.
    pub(super) fn is_empty(&self) -> bool {
        !self.forgotten && self.added.is_empty() && self.replaced.is_empty() && self.removed.is_empty()
    }

    /// Whether one of the components that decide an attribute comes, goes or may become another.
    pub(super) fn touches(&self, decider: &Decider) -> bool {
        [&self.added, &self.replaced, &self.removed, &self.unsettled].into_iter().flatten().any(|component| decider.is(&component.0))
    }

    /// Settings that can't be changed; a net below the checks of the resource's own, which tell the attribute. `attributes`: those that
    /// never change and shall; they are told once, whatever number of components they reach.
    pub(super) fn refusals(&self, attributes: &[&str]) -> Diagnostics {
        let told = |(component, setting, was, wanted): &(ComponentId, String, Json, Json)| {
            let detail = format!(
                "It is {was}, the configuration wants {wanted}, and AWS has no way from one to the other. Set it back, or choose another name for the resource."
            );
            (format!("`{setting}` of `{component}` can't be changed"), detail)
        };
        let mut fixed = self.fixed.iter().map(told);
        if attributes.is_empty() {
            return fixed.map(|(summary, detail)| Diagnostic::error(Path::root(), summary, detail)).collect();
        }
        let Some((first, detail)) = fixed.next() else { return Vec::new() };
        let refuse = |name: &&str| Diagnostic::error(Path::of(name), format!("`{name}` can't be changed"), format!("{first}. {detail}"));
        attributes.iter().map(refuse).collect()
    }

    /// Parts that hold data or identity and are gone: nothing of them is made anew unseen.
    /// `left`: what is left of one, and how to get it back.
    pub(super) fn lost(
        &self,
        resource: &str,
        prior: &Value,
        recreate: &BTreeSet<ComponentId>,
        left: impl Fn(&str) -> Option<String>,
    ) -> Diagnostics {
        // What is gone went by a destroy of ours, which goes on only where the plan that Terraform makes first refuses nothing.
        if prior.get("status").as_str() == Some(DELETING) {
            return Diagnostics::new();
        }
        let drift = prior.get("drift").as_map().into_iter().flatten();
        let gone =
            drift.filter(|(_, settings)| matches!(settings, Value::List(all) if all.iter().any(|each| each.as_str() == Some(ABSENT))));
        let lost: Vec<(String, String)> = gone
            .map(|(component, _)| ComponentId::from(component.as_str()))
            .filter(|component| self.stateful.contains(component) && !recreate.contains(component))
            .map(|component| (prior.get("components").get(&component.0).as_str().unwrap_or_default().to_owned(), component.0))
            .filter(|(id, _)| !id.is_empty())
            .collect();
        let tell = |(id, component): (String, String)| {
            let left = left(&component).map(|left| format!(" {left}")).unwrap_or_default();
            Diagnostic::error(
                Path::of("recreate"),
                format!("`{component}` {id} is gone"),
                format!(
                    "It was deleted outside of Terraform, and what it held with it; a key may only wait for its deletion. {resource} makes nothing anew that \
                     holds data or identity unless you say so: set `recreate = [{component:?}]` to start with an empty one, or to take back a key that waits.\
                     {left} Nothing was changed. (`terraform destroy -refresh=false` destroys \
                     what is left.)"
                ),
            )
        };
        lost.into_iter().map(tell).collect()
    }

    /// Each part that is replaced or deleted.
    pub(super) fn warnings(&self, resource: &str) -> Diagnostics {
        let list = |parts: &BTreeSet<ComponentId>| parts.iter().map(|part| format!("- `{part}`")).collect::<Vec<_>>().join("\n");
        let mut said = Diagnostics::new();
        if !self.replaced.is_empty() {
            said.push(Diagnostic::warning(
                Path::root(),
                format!("Parts of {resource} are replaced"),
                format!(
                    "AWS can't change these in place; where two may stand side by side, the new one is made first:\n{}",
                    list(&self.replaced)
                ),
            ));
        }
        if !self.removed.is_empty() {
            said.push(Diagnostic::warning(
                Path::root(),
                format!("Parts of {resource} are deleted"),
                format!("The configuration no longer wants these; they go when everything else is done:\n{}", list(&self.removed)),
            ));
        }
        said
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        graph::{Owner, Settings},
        resources::setting::{fixed, live, settings},
    };

    fn blueprint(nodes: Vec<Node>) -> Blueprint {
        Blueprint::of(Owner { resource: "t".into(), name: "n".into() }, nodes)
    }

    fn sized(id: &str, kind: Kind, size: u8) -> Node {
        let setting = crate::graph::Setting { change: kind, ..live(Input::Known(json!(size))) };
        Node::new(id, "thing", settings([("size", setting)]))
    }

    #[test]
    fn parts_come_go_and_are_replaced() {
        let before = blueprint(vec![sized("a", Kind::Live, 1), sized("b", Kind::Replace, 1), sized("c", Kind::Live, 1)]);
        let gone = Node::new("c", "thing", Settings::new()).absent_if(true);
        let never = Node::new("e", "thing", Settings::new()).absent_if(true);
        let after = blueprint(vec![sized("a", Kind::Live, 2), sized("b", Kind::Replace, 2), gone, sized("d", Kind::Live, 1), never]);
        let known = Known::from([("a", "1"), ("b", "2"), ("c", "3")].map(|(component, id)| (component.into(), id.to_owned())));
        let change = Change::between(&before, &after, &known);
        let names = |all: &BTreeSet<ComponentId>| all.iter().map(|id| id.0.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&change.added), names(&change.replaced), names(&change.removed)),
            (vec!["d".into()], vec!["b".into()], vec!["c".into()])
        );
        assert_eq!(change.warnings("deeploy_x").len(), 2);
        assert!(change.touches(&Decider { attribute: "x".into(), component: "b".into() }));
        assert!(!change.touches(&Decider { attribute: "x".into(), component: "a".into() }));
        assert!(change.refusals(&[]).is_empty());
        assert!(Change::between(&before, &before, &known).is_empty());
        let more = Known::from([("a".into(), "1".to_owned()), ("old".into(), "2".to_owned())]);
        assert!(!Change::between(&before, &before, &more).is_empty());
    }

    #[test]
    fn what_never_changes_is_refused_and_so_is_replacing_what_holds_data() {
        let node = |size: u8| Node::new("a", "thing", settings([("size", fixed(Input::Known(json!(size))))]));
        let change = Change::between(&blueprint(vec![node(1)]), &blueprint(vec![node(2)]), &Known::new());
        assert!(change.refusals(&[]).first().unwrap().summary.contains("`size` of `a`"));
        let told = change.refusals(&["iam_path"]);
        assert_eq!((told.len(), told[0].path.to_string().as_str()), (1, "iam_path"));
        assert!(told[0].detail.starts_with("`size` of `a` can't be changed. It is 1"));
        let data = |size| sized("b", Kind::Replace, size).stateful();
        let change = Change::between(&blueprint(vec![data(1)]), &blueprint(vec![data(2)]), &Known::new());
        assert_eq!((change.refusals(&[]).len(), change.replaced.len()), (1, 0));
    }

    #[test]
    fn lost_data_is_an_error_until_it_is_named() {
        let node = sized("database", Kind::Live, 1).stateful();
        let known = Known::from([("database".into(), "db-1".to_owned())]);
        let change = Change::between(&blueprint(vec![node.clone()]), &blueprint(vec![node]), &known);
        let absent = Value::object([("database", Value::List(vec![ABSENT.into()]))]);
        let at = |status: &str| {
            Value::object([
                ("status", status.into()),
                ("drift", absent.clone()),
                ("components", Value::object([("database", "db-1".into())])),
            ])
        };
        let prior = at("ready");
        let lost = change.lost("deeploy_x", &prior, &BTreeSet::new(), |_| Some("A snapshot is left.".to_owned()));
        assert!(
            lost.first()
                .unwrap()
                .detail
                .contains(r#"recreate = ["database"]` to start with an empty one, or to take back a key that waits. A snapshot is left."#)
        );
        assert!(change.lost("deeploy_x", &prior, &BTreeSet::from(["database".into()]), |_| None).is_empty());
        assert!(change.lost("deeploy_x", &at(DELETING), &BTreeSet::new(), |_| None).is_empty());
    }

    #[test]
    fn what_the_state_misses_is_unsettled_and_so_is_what_is_made_of_it() {
        let from = |id: &str, other: &str, kind: Kind| {
            let setting = crate::graph::Setting { change: kind, ..live(Input::Output(other.into(), "id".to_owned())) };
            Node::new(id, "thing", settings([("of", setting)]))
        };
        let nodes = vec![
            sized("record", Kind::Live, 1),
            sized("vpc", Kind::Live, 1),
            from("group", "vpc", Kind::Fixed),
            from("rules", "group", Kind::Live),
            sized("alarm", Kind::Live, 1),
        ];
        let blueprint = blueprint(nodes);
        let all = ["record", "vpc", "group", "rules", "alarm"].map(|id| (id.into(), id.to_owned()));
        let unsettled = |drift: &[(&str, &str)], whole: bool| {
            let drift = drift.iter().map(|(component, what)| (*component, Value::List(vec![(*what).into()])));
            let prior = Value::object([("drift", Value::object(drift.collect::<Vec<_>>()))]);
            let known = Known::from(all.clone());
            let change = Change::between(&blueprint, &blueprint, &known).with_drift(&blueprint, &known, &prior, whole);
            (change.unsettled.iter().map(|id| id.0.clone()).collect::<Vec<_>>().join(" "), change.keeps_ids())
        };
        assert_eq!(unsettled(&[], true), (String::new(), true));
        assert_eq!(unsettled(&[("record", ABSENT)], false), ("record".to_owned(), true));
        assert_eq!(unsettled(&[("vpc", ABSENT)], false), ("group vpc".to_owned(), false));
        assert_eq!(unsettled(&[("alarm", UNREADY), ("vpc", "tags")], true), ("alarm".to_owned(), false));
        assert_eq!(unsettled(&[("alarm", "size")], false), ("alarm".to_owned(), false), "what failed to change may have other outputs");
        // An association that is led elsewhere and back is another one.
        let mut renewing = from("association", "vpc", Kind::Live);
        renewing.settings.values_mut().for_each(|setting| setting.renews = true);
        let mut blueprint = blueprint.clone();
        blueprint.nodes.push(renewing);
        let moved = |drift: &[(&str, &str)]| {
            let drift = drift.iter().map(|(component, what)| (*component, Value::List(vec![(*what).into()])));
            let prior = Value::object([("drift", Value::object(drift.collect::<Vec<_>>()))]);
            let known: Known = blueprint.nodes.iter().map(|node| (node.id.clone(), node.id.0.clone())).collect();
            !Change::between(&blueprint, &blueprint, &known).with_drift(&blueprint, &known, &prior, true).stays(&"association".into())
        };
        assert_eq!((moved(&[]), moved(&[("association", "of")]), moved(&[("vpc", ABSENT)])), (false, true, true));
        let none = Change::between(&blueprint, &blueprint, &Known::new()).with_drift(&blueprint, &Known::new(), &Value::Null, false);
        assert_eq!(none.unsettled.len(), 6, "nothing was made yet");
    }
}
