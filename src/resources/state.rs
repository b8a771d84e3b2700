//! From what the engine found to a state.

use std::collections::BTreeMap;

use tf_provider::{Model, Value};

use crate::{
    graph::{Blueprint, Found, Known, Meaning, Node, Observed, Phase, Readiness, drift, same},
    policies::Place,
};

use super::{
    composite::{Adapter, Composite, fields},
    outputs,
    plan::{DEGRADED, DELETING, INCOMPLETE, PENDING_DELETION, READY, TAKEN_OVER, UNCLAIMED, VANISHED, is_handed_out},
    tags,
};

/// The name under which `drift` lists a component that is gone.
pub(super) const ABSENT: &str = "absent";

/// The name under which `drift` lists a component that is there and can't be used yet, or any more.
pub(super) const UNREADY: &str = "unready";

/// What a state is made of beside what was found.
pub(super) struct Basis<'a> {
    /// The attributes as planned or as they stood.
    pub(super) before: &'a Value,
    /// The state before: what could not be read is taken from it.
    pub(super) prior: &'a Value,
    /// The claim that the state holds.
    pub(super) claim: Value,
    pub(super) blueprint: &'a Blueprint,
    pub(super) place: &'a Place,
    /// The ids in state.
    pub(super) known: &'a Known,
}

/// The attributes with everything that was found written over them. Wholly known.
pub(super) fn of<C: Composite>(adapter: &Adapter<C>, model: &C::Model, basis: &Basis<'_>, seen: &Observed) -> Value {
    let Basis { before, prior, claim, blueprint, place, known: ids } = basis;
    let mut model = model.clone();
    C::refresh(&mut model, seen);
    C::outputs(&mut model, seen);
    // Where what was found makes no blueprint, everything is compared with what was wanted: more shows as drift, and no state is lost.
    let unshown =
        adapter.blueprint(&model, before, place, ids).map_or_else(|_| (*blueprint).clone(), |refreshed| unshown(blueprint, &refreshed));
    let mut all = fields(&model.to_value());
    if let Some(found) = tagged::<C>(blueprint, seen) {
        all.insert("tags_all".to_owned(), tags::to_value(&tags::visible(&adapter.session, found)));
    }
    if all.contains_key("policy") {
        let live = C::live_policy(seen).map_or(Value::Null, |live| policy(before.get("policy"), &live));
        all.insert("policy".to_owned(), live);
    }
    if all.contains_key("components") {
        all.insert("components".to_owned(), components(blueprint, ids, seen));
    }
    let status = status(blueprint, claim, prior.get("status").as_str().unwrap_or_default(), seen);
    let mut all = Value::Map(all);
    for decider in C::deciders() {
        // What could not be read isn't gone, what waits for its deletion can be taken back, and what vanished with its data keeps its
        // name: without it in state it would be made anew as if it had never been.
        let vanished = |node: &Node| node.stateful && (!node.claim || status == VANISHED) && lost(node, ids, seen);
        let kept = blueprint.nodes.iter().filter(|node| decider.is(&node.id.0));
        if kept.into_iter().any(|node| vanished(node) || unread(seen, &node.id.0) || seen.deleted.contains_key(&node.id)) {
            outputs::set(&mut all, &decider.attribute, outputs::get(prior, &decider.attribute).clone());
        }
    }
    let mut all = fields(&all);
    let mut drift = drift(&unshown, seen);
    for (component, _) in seen.found.iter().filter(|(_, found)| matches!(found.readiness, Readiness::Pending(_) | Readiness::Broken(_))) {
        drift.entry(component.0.clone()).or_default().push(UNREADY.to_owned());
    }
    all.insert("drift".to_owned(), drift_value(&drift));
    all.insert("status".to_owned(), status.into());
    all.insert("claim".to_owned(), claim.clone());
    known(Value::Map(all))
}

/// Whether a component that stands in state is gone.
fn lost(node: &Node, ids: &Known, seen: &Observed) -> bool {
    ids.contains_key(&node.id) && !node.absent && !seen.found.contains_key(&node.id)
}

/// The ids of what exists. What is gone keeps its id until another stands in its place: without it in state, what holds data would be made
/// anew unseen, and the rest with the token of the one that is gone. So does what could not be read, or waits for its deletion.
fn components(blueprint: &Blueprint, ids: &Known, seen: &Observed) -> Value {
    let mut all = seen.known();
    for node in &blueprint.nodes {
        let keeps = lost(node, ids, seen);
        if let Some(id) = ids.get(&node.id).filter(|_| keeps || unread(seen, &node.id.0) || seen.deleted.contains_key(&node.id)) {
            all.entry(node.id.clone()).or_insert_with(|| id.clone());
        }
    }
    Value::Map(all.into_iter().map(|(component, id)| (component.0, Value::from(id.as_str()))).collect())
}

fn unread(seen: &Observed, component: &str) -> bool {
    seen.failures.iter().any(|(unread, _)| unread.0 == component)
}

/// The user's spelling, where the live document says the same.
fn policy(before: &Value, live: &serde_json::Value) -> Value {
    let written = before.as_str().and_then(|text| serde_json::from_str(text).ok());
    match written {
        Some(written) if same(Meaning::Policy, &written, live) => before.clone(),
        _ if live.is_null() => Value::Null,
        _ => live.to_string().into(),
    }
}

/// The object whose tags stand for the resource's.
pub(super) fn tagged<'a, C: Composite>(blueprint: &Blueprint, seen: &'a Observed) -> Option<&'a Found> {
    match C::TAGS_OF {
        Some(component) => seen.found.get(&component.into()),
        None => claim_of(blueprint).and_then(|id| seen.found.get(id)),
    }
}

pub(super) fn claim_of(blueprint: &Blueprint) -> Option<&crate::graph::ComponentId> {
    blueprint.nodes.iter().find(|node| node.claim).map(|node| &node.id)
}

/// `before`: the status in state.
fn status(blueprint: &Blueprint, mine: &Value, before: &str, seen: &Observed) -> &'static str {
    let Some(node) = blueprint.nodes.iter().find(|node| node.claim) else { return INCOMPLETE };
    if unread(seen, &node.id.0) {
        return INCOMPLETE;
    }
    if !seen.found.contains_key(&node.id) {
        return match (node.stateful, seen.deleted.contains_key(&node.id)) {
            (true, true) => PENDING_DELETION,
            // What holds data is never made anew unseen; a user or role is, like any other component.
            (true, false) => VANISHED,
            // What says that it was complete is gone; the state knows.
            (false, _) if is_handed_out(before) => DEGRADED,
            (false, _) => INCOMPLETE,
        };
    }
    let Some(live) = &seen.claim else { return UNCLAIMED };
    match mine.get("incarnation").as_str() {
        Some(mine) if mine != live.incarnation => TAKEN_OVER,
        None => UNCLAIMED,
        Some(_) if live.phase == Phase::Deleting => DELETING,
        Some(_) if live.phase != Phase::Ready => INCOMPLETE,
        Some(_) if whole(blueprint, seen) => READY,
        Some(_) => DEGRADED,
    }
}

/// Whether everything is there and can be used.
fn whole(blueprint: &Blueprint, seen: &Observed) -> bool {
    seen.found.values().all(|found| found.readiness == Readiness::Ready)
        && blueprint.nodes.iter().all(|node| node.absent || seen.found.contains_key(&node.id) || unread(seen, &node.id.0))
}

/// The claim's marks as they are, and where.
pub(super) fn claim(seen: &Observed, place: &Place) -> Value {
    let Some(claim) = &seen.claim else { return Value::Null };
    let marks = [("uid", &claim.uid), ("incarnation", &claim.incarnation), ("account_id", &place.account_id), ("region", &place.region)];
    Value::Map(marks.into_iter().map(|(name, mark)| (name.to_owned(), mark.clone().into())).collect())
}

/// What `drift` compares: everything, but what has an attribute with the value that the attribute now shows. So `drift` also lists
/// what its attribute can't express, e.g. another algorithm under the attribute that names the key.
fn unshown(wanted: &Blueprint, refreshed: &Blueprint) -> Blueprint {
    let mut compared = wanted.clone();
    for node in &mut compared.nodes {
        let Some(now) = refreshed.nodes.iter().find(|now| now.id == node.id) else { continue };
        for (name, setting) in node.settings.iter_mut().filter(|(_, setting)| setting.shown) {
            if let Some(now) = now.settings.get(name) {
                setting.value = now.value.clone();
                setting.shown = false;
            }
        }
    }
    compared
}

fn drift_value(drift: &BTreeMap<String, Vec<String>>) -> Value {
    let names = |settings: &Vec<String>| Value::List(settings.iter().map(|name| Value::from(name.as_str())).collect());
    Value::Map(drift.iter().map(|(component, settings)| (component.clone(), names(settings))).collect())
}

/// What is still unknown after an apply was never made.
pub(super) fn known(value: Value) -> Value {
    match value {
        Value::Unknown => Value::Null,
        Value::List(items) => Value::List(items.into_iter().map(known).collect()),
        Value::Map(items) => Value::Map(items.into_iter().map(|(name, item)| (name, known(item))).collect()),
        other => other,
    }
}

/// The same for a whole resource, but outputs are what they are: a plan that foretold them wrongly must show.
pub(super) fn applied<C: Composite>(planned: &Value, state: &Value) -> Value {
    let mut all = as_planned(planned, state.clone());
    for decider in C::deciders().iter().filter(|decider| decider.attribute != "policy") {
        outputs::set(&mut all, &decider.attribute, outputs::get(state, &decider.attribute).clone());
    }
    if !state.get("components").is_null() {
        outputs::set(&mut all, "components", state.get("components").clone());
    }
    all
}

/// After a success every value that the plan knew is in the state as planned (I13, I17): what AWS says in other words isn't drift.
pub(super) fn as_planned(planned: &Value, state: Value) -> Value {
    match (planned, state) {
        (Value::Unknown, state) => state,
        // As a whole: a planned empty map must not take what an interrupt left different.
        (planned, _) if planned.is_wholly_known() => planned.clone(),
        (Value::Map(planned), Value::Map(state)) => {
            let merge = |(name, value): (String, Value)| match planned.get(&name) {
                Some(planned) => (name, as_planned(planned, value)),
                None => (name, value),
            };
            Value::Map(state.into_iter().map(merge).collect())
        }
        (_, state) => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(pairs: &[(&str, Value)]) -> Value {
        Value::Map(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn what_the_plan_knew_is_kept_and_what_it_did_not_is_filled() {
        let planned = object(&[("name", "a".into()), ("id", Value::Unknown), ("policy", "{ }".into()), ("none", Value::Null)]);
        let state = object(&[("name", "A".into()), ("id", "1".into()), ("policy", "{}".into()), ("none", "some".into())]);
        let expected = object(&[("name", "a".into()), ("id", "1".into()), ("policy", "{ }".into()), ("none", Value::Null)]);
        assert_eq!(as_planned(&planned, state), expected);
    }

    #[test]
    fn partly_unknown_objects_are_filled_part_by_part() {
        let planned = object(&[("nested", object(&[("a", "x".into()), ("b", Value::Unknown)]))]);
        let state = object(&[("nested", object(&[("a", "y".into()), ("b", "z".into())]))]);
        assert_eq!(as_planned(&planned, state), object(&[("nested", object(&[("a", "x".into()), ("b", "z".into())]))]));
    }

    #[test]
    fn what_is_missing_or_on_its_way_out_shows() {
        use crate::graph::{Claim, Owner, Settings};
        let nodes = vec![Node::new("record", "thing", Settings::new()).claim(), Node::new("part", "thing", Settings::new())];
        let blueprint = Blueprint::of(Owner { resource: "t".into(), name: "n".into() }, nodes);
        let mine = object(&[("uid", "u".into()), ("incarnation", "i".into())]);
        let seen = |phase, parts: &[(&str, Readiness)]| {
            let claim = Claim { uid: "u".into(), incarnation: "i".into(), phase };
            let found = |readiness: &Readiness| Found { id: "1".into(), readiness: readiness.clone(), ..Found::default() };
            let found = parts.iter().map(|(component, readiness)| ((*component).into(), found(readiness))).collect();
            Observed { found, claim: Some(claim), ..Observed::default() }
        };
        let both = [("record", Readiness::Ready), ("part", Readiness::Ready)];
        let told = [Phase::Ready, Phase::Creating, Phase::Deleting].map(|phase| status(&blueprint, &mine, READY, &seen(phase, &both)));
        assert_eq!(told, [READY, INCOMPLETE, DELETING]);
        // What was ready once stays guarded, whatever its parts have come to.
        let ill = [("record", Readiness::Ready), ("part", Readiness::Broken("no".into()))];
        for parts in [&both[..1], &ill[..]] {
            assert_eq!(status(&blueprint, &mine, READY, &seen(Phase::Ready, parts)), DEGRADED);
            assert_eq!(status(&blueprint, &mine, INCOMPLETE, &seen(Phase::Creating, parts)), INCOMPLETE);
        }
        let recordless = Observed { claim: None, ..seen(Phase::Ready, &both[1..]) };
        assert_eq!([READY, INCOMPLETE].map(|before| status(&blueprint, &mine, before, &recordless)), [DEGRADED, INCOMPLETE]);
    }

    #[test]
    fn nothing_in_a_state_is_unknown() {
        let value = object(&[("a", Value::List(vec![Value::Unknown, true.into()])), ("b", object(&[("c", Value::Unknown)]))]);
        assert_eq!(known(value), object(&[("a", Value::List(vec![Value::Null, true.into()])), ("b", object(&[("c", Value::Null)]))]));
    }

    #[test]
    fn a_policy_that_says_the_same_keeps_its_spelling() {
        let live = serde_json::json!({ "Version": "2012-10-17", "Statement": [{ "Action": ["a"], "Effect": "Allow" }] });
        let written = Value::from(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "a"}}"#);
        assert_eq!(policy(&written, &live), written);
        assert_eq!(policy(&Value::from("{}"), &live), Value::from(live.to_string()));
        assert_eq!(policy(&written, &serde_json::Value::Null), Value::Null);
    }
}
