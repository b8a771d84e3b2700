//! Kubernetes versions: one minor an apply, control plane before add-ons before nodes, never down.

use acceptance_tests::{Failure, check};
use serde_json::json;

use super::{
    cluster::{CLUSTER, applied, cluster, made},
    stage::{Stage, mutations_of, stage},
};

/// The text of a plan for a version.
fn planned(stage: &Stage, version: &str) -> Result<acceptance_tests::Finished, Failure> {
    let Stage { world, terraform } = stage;
    terraform.configure(&cluster(world, &[("kubernetes_version", &format!("\"{version}\""))]))?;
    let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    assert_eq!(calls, Vec::<String>::new());
    Ok(plan)
}

#[test]
fn an_upgrade_goes_from_the_control_plane_over_the_add_ons_to_the_nodes() -> Result<(), Failure> {
    let stage = stage()?;
    let before = made(&stage, &[("kubernetes_version", r#""1.33""#)])?;
    assert_eq!(before["version"], "1.33");
    let skip = planned(&stage, "1.35")?;
    check::says(&skip, "Too many Kubernetes versions at once")?;
    check::says(&planned(&stage, "1.32")?, "can't be lowered")?;
    let plan = planned(&stage, "1.34")?.success()?;
    check::says(&plan, "Kubernetes is upgraded, and all nodes are replaced")?;

    let Stage { world, terraform } = &stage;
    let (done, calls) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    let at = |call: &str| calls.iter().position(|one| one == call).unwrap_or_else(|| panic!("no {call} in {calls:?}"));
    let last_addon = calls.iter().rposition(|one| one == "eks:UpdateAddon").unwrap_or_default();
    assert!(at("eks:UpdateClusterVersion") < at("eks:UpdateAddon") && last_addon < at("eks:UpdateNodegroupVersion"), "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call == "eks:UpdateNodegroupVersion").count(), 1, "{calls:?}");
    check::empty_plan(terraform)?;
    let after = terraform.attributes(CLUSTER)?;
    assert_eq!((&after["version"], &after["status"]), (&json!("1.34"), &json!("ready")));
    assert_ne!(after["addon_versions"]["kube-proxy"], before["addon_versions"]["kube-proxy"]);
    Ok(())
}

#[test]
fn two_minors_in_one_apply_are_stepped_through() -> Result<(), Failure> {
    let stage = stage()?;
    made(&stage, &[("kubernetes_version", r#""1.33""#)])?;
    let (_, calls) = mutations_of(&stage.world, || applied(&stage, &[("kubernetes_version", r#""1.35""#), ("max_minor_steps", "2")]))?;
    assert_eq!(calls.iter().filter(|call| *call == "eks:UpdateClusterVersion").count(), 2, "{calls:?}");
    Ok(())
}

#[test]
fn a_version_that_aws_raised_is_no_difference() -> Result<(), Failure> {
    let stage = stage()?;
    made(&stage, &[("kubernetes_version", r#""1.33""#)])?;
    let Stage { world, terraform } = &stage;
    world.eks("POST", "/clusters/prod/updates", &json!({ "version": "1.34" }))?;
    terraform.run(&["apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color"])?.success()?;
    let state = terraform.attributes(CLUSTER)?;
    assert_eq!((&state["version"], &state["kubernetes_version"], &state["drift"]), (&json!("1.34"), &json!("1.33"), &json!({})));
    check::empty_plan(terraform)
}
