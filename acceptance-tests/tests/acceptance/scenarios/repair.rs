//! Somebody changes an object by hand; the plan tells it, the apply repairs it and nothing else.

use acceptance_tests::{Failure, check};
use serde_json::json;

use super::stage::{Stage, change, mutations_of};

/// Asserts that what `by_hand` did is named in the plan of the resource (as a changed attribute or within `drift`), repaired in
/// place by the calls of `repair`, and gone from the plan after it.
pub(crate) fn repaired(
    stage: &Stage,
    address: &str,
    what: &str,
    by_hand: impl FnOnce() -> Result<(), Failure>,
    named: &str,
    repair: &[&str],
) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    let ((), done) = mutations_of(world, by_hand)?;
    assert!(!done.is_empty(), "{what}: nothing was done by hand");
    let (plan, planning) = mutations_of(world, || terraform.plan(&["-detailed-exitcode"]))?;
    assert_eq!((plan.code, planning), (Some(2), Vec::new()), "{what} was not found:\n{}", plan.output());
    let planned = change(terraform, address)?;
    assert_eq!(planned.actions, ["update"], "{what}:\n{}", plan.output());
    let in_drift = planned.before["drift"].to_string().contains(&format!("\"{named}"));
    assert!(in_drift || planned.attributes.iter().any(|name| name == named), "{what}: {named} is not named:\n{}", plan.output());
    let (applied, calls) = mutations_of(world, || terraform.apply_plan())?;
    applied.success()?;
    assert_eq!(calls, repair, "{what}");
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(address)?["drift"], json!({}), "{what}");
    Ok(())
}
