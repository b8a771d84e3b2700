//! From what the engine found to a state.

use std::collections::BTreeMap;

use tf_provider::{Model, Value};

use crate::graph::{Blueprint, Meaning, Observed, Phase, Readiness, drift, same};

use super::{
    composite::{Adapter, Composite, fields},
    plan::{INCOMPLETE, READY, UNCLAIMED, VANISHED},
    tags,
};

/// The name under which `drift` lists a component that is gone.
pub(super) const ABSENT: &str = "absent";

/// The attributes of `before` with everything that was found written over them. Wholly known.
pub(super) fn of<C: Composite>(adapter: &Adapter<C>, before: &Value, model: &C::Model, blueprint: &Blueprint, seen: &Observed) -> Value {
    let mut model = model.clone();
    C::refresh(&mut model, seen);
    C::outputs(&mut model, seen);
    let mut all = fields(&model.to_value());
    if let Some(found) = claim_of(blueprint).and_then(|id| seen.found.get(id)) {
        all.insert("tags_all".to_owned(), tags::to_value(&tags::visible(&adapter.session, found)));
    }
    if let Some(live) = C::live_policy(seen) {
        all.insert("policy".to_owned(), policy(before.get("policy"), &live));
    }
    all.insert("drift".to_owned(), drift_value(&drift(blueprint, seen)));
    all.insert("status".to_owned(), status(blueprint, seen).into());
    all.insert("claim".to_owned(), claim(seen));
    known(Value::Map(all))
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

pub(super) fn claim_of(blueprint: &Blueprint) -> Option<&crate::graph::ComponentId> {
    blueprint.nodes.iter().find(|node| node.claim).map(|node| &node.id)
}

fn status(blueprint: &Blueprint, seen: &Observed) -> &'static str {
    let Some(claim) = blueprint.nodes.iter().find(|node| node.claim) else { return INCOMPLETE };
    let present = seen.found.get(&claim.id).is_some_and(|found| found.readiness != Readiness::Deleted);
    if !present {
        // What holds data is never made anew unseen; a user or role is, like any other component.
        return if claim.stateful { VANISHED } else { INCOMPLETE };
    }
    match &seen.claim {
        None => UNCLAIMED,
        Some(claim) if claim.phase == Phase::Ready && seen.found.values().all(|found| found.readiness == Readiness::Ready) => READY,
        Some(_) => INCOMPLETE,
    }
}

fn claim(seen: &Observed) -> Value {
    let text = |pick: fn(&crate::graph::Claim) -> &str| seen.claim.as_ref().map_or(Value::Null, |claim| Value::from(pick(claim)));
    Value::Map(BTreeMap::from([("uid".to_owned(), text(|claim| &claim.uid)), ("incarnation".to_owned(), text(|claim| &claim.incarnation))]))
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

/// After a success every value that the plan knew is in the state as planned (I13, I17): what AWS says in other words isn't drift.
pub(super) fn as_planned(planned: &Value, state: Value) -> Value {
    match (planned, state) {
        (Value::Unknown, state) => state,
        (Value::Map(planned), Value::Map(state)) => {
            let merge = |(name, value): (String, Value)| match planned.get(&name) {
                Some(planned) => (name, as_planned(planned, value)),
                None => (name, value),
            };
            Value::Map(state.into_iter().map(merge).collect())
        }
        (planned, _) if planned.is_wholly_known() => planned.clone(),
        (_, state) => state,
    }
}
