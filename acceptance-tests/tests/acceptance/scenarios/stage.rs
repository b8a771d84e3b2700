//! What a scenario starts with.

use acceptance_tests::{Failure, Prerequisites, Release, Sandbox, Terraform, World};
use serde_json::Value;

/// A fresh account, and a Terraform that works in it.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) terraform: Terraform,
}

/// With the Terraform on PATH.
pub(crate) fn stage() -> Result<Stage, Failure> {
    stage_on(None)
}

/// With a certain Terraform.
pub(crate) fn stage_on(release: Option<Release>) -> Result<Stage, Failure> {
    let prerequisites = Prerequisites::find()?;
    let world = World::new(Sandbox::shared(&prerequisites)?);
    let terraform = Terraform::new(prerequisites.terraform(release)?, &prerequisites.provider, &world)?;
    Ok(Stage { world, terraform })
}

/// An object's member as text; empty when it isn't there.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What the last plan does to one resource.
pub(crate) struct Change {
    pub(crate) actions: Vec<String>,
    pub(crate) before: Value,
    /// Attributes whose value is known to change, in order. Those that are only known after the apply are left out.
    pub(crate) attributes: Vec<String>,
}

/// The change of a resource in the last plan.
pub(crate) fn change(terraform: &Terraform, address: &str) -> Result<Change, Failure> {
    let plan = terraform.plan_json()?;
    let all = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let change = all.iter().find(|change| change["address"] == address).map(|change| change["change"].clone());
    let change = change.ok_or_else(|| Failure::new(format!("{address} is not in the plan: {plan}")))?;
    let (before, after) = (change["before"].clone(), change["after"].clone());
    let attributes = after.as_object().into_iter().flatten().filter(|(name, value)| before[name.as_str()] != **value);
    Ok(Change {
        actions: change["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        attributes: attributes.map(|(name, _)| name.clone()).collect(),
        before,
    })
}

/// What happened while something ran: the mutating calls that it made.
pub(crate) fn mutations_of<T>(world: &World, run: impl FnOnce() -> Result<T, Failure>) -> Result<(T, Vec<String>), Failure> {
    let before = world.mutations()?.len();
    let done = run()?;
    Ok((done, world.mutations()?.split_off(before)))
}

/// The operations of calls that only read, sorted; each object is asked for each thing once. Prints the table.
#[allow(clippy::print_stdout, reason = "the table goes into the docs")]
pub(crate) fn reads_once(calls: &[Value]) -> Vec<String> {
    let mut seen: Vec<String> =
        calls.iter().map(|call| format!("{}:{} {}", text(call, "service"), text(call, "operation"), text(call, "resource"))).collect();
    seen.sort();
    println!("{}", seen.join("\n"));
    assert!(calls.iter().all(|call| call["mutating"] == false), "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "asked twice: {seen:?}");
    seen.iter().map(|call| call.split(' ').next().unwrap_or_default().to_owned()).collect()
}
