//! AWS refuses, loses, hides and throttles: what exists is in state, nothing exists twice, nothing is forgotten.

use acceptance_tests::{Failure, check};
use serde_json::{Value, json};

use super::{
    stage::{Stage, mutations_of, stage, text},
    world_of_four::{CONFIGURATION, FOUR, calls_of_a_life, for_each, is_whole, list, no_duplicates, spread},
};

/// A call that fails for good, and each one that repeats it.
fn refuse(stage: &Stage, m: usize) -> Result<(), Failure> {
    stage
        .world
        .order(&json!([{ "on": { "m": m }, "do": "error", "code": "AccessDenied", "message": "an order of the chaos", "status": 403 }]))
}

/// Every object of the world belongs to a resource in state.
fn world_is_in_state(stage: &Stage) -> Result<(), Failure> {
    let state = stage.terraform.run(&["state", "list"])?.stdout;
    let objects = stage.world.objects()?;
    for object in &objects {
        let owner = text(&object["tags"], "deeploy:owner").to_owned();
        let kind = match owner.split_once('/') {
            Some((kind, _)) => kind.to_owned(),
            None => match text(object, "type").split_once(':') {
                Some(("kms", _)) => "deeploy_kms_key".to_owned(),
                Some((_, "role_policy")) => "deeploy_iam_role".to_owned(),
                _ => "deeploy_iam_user".to_owned(),
            },
        };
        if !state.contains(&kind) {
            return Err(Failure::new(format!(
                "{} {} is in no state:\n{state}\n{}",
                text(object, "type"),
                text(object, "id"),
                list(&objects)
            )));
        }
    }
    Ok(())
}

fn failed_at(m: usize) -> Result<Stage, Failure> {
    let stage = stage()?;
    stage.configure(CONFIGURATION)?;
    refuse(&stage, m)?;
    let failed = stage.terraform.apply::<&str>(&[])?;
    stage.world.faults_fired()?;
    assert_eq!(failed.code, Some(1), "{}", failed.output());
    check::says(&failed, "an order of the chaos")?;
    check::says(&failed, "request id")?;
    stage.world.order(&json!([]))?;
    world_is_in_state(&stage)?;
    Ok(stage)
}

#[test]
fn a_create_that_fails_for_good_goes_on_untainted_and_deletes_nothing() -> Result<(), Failure> {
    let calls = calls_of_a_life()?.create.len();
    let cases: Vec<usize> = (1..=calls).step_by(2).collect();
    for_each(&cases, |m| {
        let stage = failed_at(m)?;
        let terraform = &stage.terraform;
        let state = terraform.show_json()?;
        let resources = state["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
        for resource in resources.iter().filter(|resource| resource["tainted"] == true) {
            terraform.run(&["untaint", text(resource, "address")])?.success()?;
        }
        let (done, mutations) = mutations_of(&stage.world, || terraform.apply::<&str>(&[]))?;
        let done = done.success()?;
        check::says(&done, "0 destroyed")?;
        let deletes: Vec<&String> = mutations.iter().filter(|call| call.contains(":Delete") || call.contains("Schedule")).collect();
        // A key that was made but not stored is worth nothing.
        assert!(deletes.iter().all(|call| *call == "iam:DeleteAccessKey"), "{deletes:?}");
        is_whole(&stage)
    })
}

#[test]
fn a_create_that_fails_for_good_is_destroyed_whole() -> Result<(), Failure> {
    let calls = calls_of_a_life()?.create.len();
    let cases: Vec<usize> = (2..=calls).step_by(2).collect();
    for_each(&cases, |m| {
        let stage = failed_at(m)?;
        stage.terraform.destroy::<&str>(&[])?.success()?;
        check::only_pending_objects(&stage.world)?;
        check::no_unsupported_call(&stage.world)
    })
}

#[test]
fn a_lost_reply_makes_nothing_twice() -> Result<(), Failure> {
    let calls = calls_of_a_life()?.create.len();
    let cases: Vec<usize> = (1..=calls).collect();
    for_each(&cases, |m| {
        let stage = stage()?;
        stage.configure(CONFIGURATION)?;
        stage.world.order(&json!([{ "on": { "m": m }, "do": "drop_reply" }]))?;
        let first = stage.terraform.apply::<&str>(&[])?;
        stage.world.faults_fired()?;
        no_duplicates(&stage.world)?;
        stage.world.order(&json!([]))?;
        if first.code != Some(0) {
            let address = FOUR.iter().find(|address| first.text().contains(**address)).copied().unwrap_or_default();
            stage.terraform.run(&["untaint", address])?;
            stage.terraform.apply::<&str>(&[])?.success()?;
        }
        is_whole(&stage)
    })
}

#[test]
fn what_stays_hidden_for_a_while_is_made_once() -> Result<(), Failure> {
    let stage = stage()?;
    stage.configure(CONFIGURATION)?;
    let creates = [
        "kms:CreateKey",
        "kms:CreateAlias",
        "s3:CreateBucket",
        "iam:CreateRole",
        "iam:CreateUser",
        "iam:CreateGroup",
        "iam:CreateAccessKey",
        "secretsmanager:CreateSecret",
    ];
    let faults: Vec<Value> = creates.iter().map(|call| json!({ "on": { "operation": call }, "hide_s": 4, "times": null })).collect();
    stage.world.order(&json!(faults))?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    stage.world.faults_fired()?;
    let made = stage.world.mutations()?;
    for create in creates {
        let expected = if create == "s3:CreateBucket" { 2 } else { 1 };
        assert_eq!(made.iter().filter(|call| *call == create).count(), expected, "{create}");
    }
    is_whole(&stage)
}

/// A key and who uses it. A bucket is nine reads, so that it takes minutes.
const THROTTLED: &str = r#"
resource "deeploy_kms_key" "this" {
  name = "four-ACCOUNT"
}
resource "deeploy_iam_user" "this" {
  name           = "four-ACCOUNT"
  tokens_key_arn = deeploy_kms_key.this.arn
}
"#;

#[test]
fn half_of_all_calls_throttled_is_a_success() -> Result<(), Failure> {
    let quiet = stage()?;
    quiet.configure(THROTTLED)?;
    quiet.terraform.apply::<&str>(&[])?.success()?;
    let quiet = quiet.world.calls()?.len();

    let stage = stage()?;
    stage.configure(THROTTLED)?;
    stage.world.order(&json!([{ "on": { "rate": 0.5, "seed": 7 }, "do": "throttle", "times": null }]))?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    let throttled = stage.world.calls()?;
    let refused = throttled.iter().filter(|call| text(call, "fault") == "throttle").count();
    assert!(refused * 3 > throttled.len(), "{refused} of {} calls were throttled", throttled.len());
    // Half of the calls are refused, so twice the calls is the least that it takes; one read of an object's several that is refused
    // three times repeats them all.
    assert!(throttled.len() <= quiet * 7 / 2, "{} calls, {quiet} without throttling", throttled.len());
    stage.world.order(&json!([]))?;
    no_duplicates(&stage.world)?;
    check::empty_plan(&stage.terraform)
}

#[test]
fn a_chaos_that_numbers_its_cases_covers_first_and_last() {
    assert_eq!(spread(28, 4), [1, 10, 19, 28]);
    assert_eq!(spread(7, 7), [1, 2, 3, 4, 5, 6, 7]);
}
