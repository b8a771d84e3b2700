//! What scenarios assert. Each gives a failure that shows everything that was looked at.

use serde_json::{Value, json};

use crate::{Failure, Finished, Terraform, World};

/// A plan of the present configuration changes nothing: neither resources nor outputs.
///
/// # Errors
/// With the plan, when it isn't empty; when planning fails.
pub fn empty_plan(terraform: &Terraform) -> Result<(), Failure> {
    let plan = terraform.plan(&["-detailed-exitcode"])?;
    match plan.code {
        Some(0) => Ok(()),
        Some(2) => Err(Failure::new(format!("the plan was to be empty:\n{}", plan.output()))),
        _ => plan.success().map(|_| ()),
    }
}

/// The actions of the last plan on a resource, e.g. `["update"]`, `["delete", "create"]`.
///
/// # Errors
/// When there is no plan, or the resource isn't in it.
pub fn planned_actions(terraform: &Terraform, address: &str) -> Result<Vec<String>, Failure> {
    let plan = terraform.plan_json()?;
    let changes = plan.get("resource_changes").and_then(Value::as_array).cloned().unwrap_or_default();
    let change = changes.iter().find(|change| change.get("address").and_then(Value::as_str) == Some(address));
    let actions = change.and_then(|change| change.pointer("/change/actions")).and_then(Value::as_array);
    let words = actions.map(|actions| actions.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    words.ok_or_else(|| Failure::new(format!("{address} is not in the plan: {}", json!(changes))))
}

/// Nothing exists in the account but what AWS keeps for a while (keys that wait for deletion, secrets in their recovery window) and
/// what it made by itself (service-linked roles). Gives the former.
///
/// # Errors
/// With what else exists.
pub fn only_pending_objects(world: &World) -> Result<Vec<Value>, Failure> {
    let (pending, alive): (Vec<Value>, Vec<Value>) =
        world.objects()?.into_iter().filter(|object| object.get("managed") != Some(&Value::Bool(true))).partition(is_pending);
    if alive.is_empty() {
        Ok(pending)
    } else {
        Err(Failure::new(format!("objects are left in account {}: {}", world.account(), json!(alive))))
    }
}

fn is_pending(object: &Value) -> bool {
    matches!(object.get("state").and_then(Value::as_str), Some("PendingDeletion"))
}

/// The sandbox knew every operation that it was asked for.
///
/// # Errors
/// With those that it didn't know.
pub fn no_unsupported_call(world: &World) -> Result<(), Failure> {
    let unsupported = world.unsupported()?;
    if unsupported.is_empty() { Ok(()) } else { Err(Failure::new(format!("the sandbox lacks these operations: {}", json!(unsupported)))) }
}

/// A failed run says this, line breaks and frames aside.
///
/// # Errors
/// With all that it said.
pub fn says(run: &Finished, expected: &str) -> Result<(), Failure> {
    if run.text().contains(expected) {
        Ok(())
    } else {
        Err(Failure::new(format!("expected {expected:?} from {}:\n{}", run.what, run.output())))
    }
}
