//! Rules over several requests.

use super::{Action, Plan};
use crate::{Path, Type, Value, lifecycle};

/// I8: a second plan keeps what was known; the action only goes from an update to nothing.
pub(super) fn second_plan_keeps(first: &Plan, second: &Plan, ty: &Type) {
    let mut differences = Vec::new();
    lifecycle::apply::compatible(ty, &first.planned, &second.planned, &Path::root(), &mut differences);
    let differences: Vec<_> = differences.iter().map(|difference| difference.path.to_string()).collect();
    assert!(differences.is_empty(), "rule I8: a second plan differs from the first one at {differences:?}");
    let allowed = first.action == second.action || (first.action, second.action) == (Action::Update, Action::NoOp);
    assert!(allowed, "rule I8: the plan went from {:?} to {:?}", first.action, second.action);
}

/// I10 and I26: after an apply there is nothing to do.
pub(super) fn nothing_to_do(rule: &str, plan: &Plan, ty: &Type) {
    let mut changed = Vec::new();
    differences(ty, &plan.prior, &plan.planned, &Path::root(), &mut changed);
    assert!(plan.action == Action::NoOp, "rule {rule}: after the apply there is still a change ({:?}) at {changed:?}", plan.action);
}

/// Where two values differ; never what they are.
pub(super) fn differences(ty: &Type, before: &Value, after: &Value, at: &Path, found: &mut Vec<String>) {
    match (ty, before, after) {
        _ if before == after => {}
        (Type::Object(attributes), Value::Map(_), Value::Map(_)) => {
            for (name, ty) in attributes {
                differences(ty, before.get(name), after.get(name), &at.attribute(name), found);
            }
        }
        (Type::List(element), Value::List(before), Value::List(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                differences(element, before, after, &at.index(index), found);
            }
        }
        _ => found.push(at.to_string()),
    }
}
