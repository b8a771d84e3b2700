//! The access key of `deeploy_iam_user`: made, stored, rotated, and never leaked.

use acceptance_tests::{Failure, check};
use serde_json::json;

use super::{
    iam_user::{USER, apply, attribute, keys, stored, user},
    stage::{change, mutations_of, stage, text},
};

#[test]
fn a_rotation_keeps_the_key_before_until_the_next_one() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    apply(&stage, &user("access_key_rotation = \"one\""))?;
    let (first, version) = (attribute(&stage, "access_key_id")?, attribute(&stage, "secret_version_id")?);

    let calls = apply(&stage, &user("access_key_rotation = \"two\""))?;
    assert_eq!(calls, ["iam:CreateAccessKey", "secretsmanager:PutSecretValue"]);
    let second = attribute(&stage, "access_key_id")?;
    assert_ne!(second, first);
    assert_ne!(attribute(&stage, "secret_version_id")?, version);
    assert_eq!(attribute(&stage, "previous_access_key_id")?, first);
    assert_eq!(text(&stored(&stage)?, "access_key_id"), second);
    // Both work.
    for key in [&first, &second] {
        let asked = world.with_access_key(key).iam("ListUsers", &[]);
        assert!(asked.as_ref().is_err_and(|failure| failure.to_string().contains("AccessDenied")), "{asked:?}");
    }

    stage.configure(&user("access_key_rotation = \"three\""))?;
    stage.terraform.run(&["apply", "-refresh-only", "-auto-approve", "-no-color"])?.success()?;
    let used = attribute(&stage, "previous_access_key_last_used")?;
    assert!(used.starts_with("20"), "the last use of the first key is not known: {used:?}");
    let plan = stage.terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(&stage.terraform, USER)?.actions, ["update"]);
    check::says(&plan, &format!("The access key {first} will be deleted"))?;
    check::says(&plan, &used)?;
    let (done, calls) = mutations_of(world, || stage.terraform.apply_plan())?;
    done.success()?;
    assert_eq!(calls, ["iam:DeleteAccessKey", "iam:CreateAccessKey", "secretsmanager:PutSecretValue"]);
    check::empty_plan(&stage.terraform)?;
    let third = attribute(&stage, "access_key_id")?;
    assert_eq!(attribute(&stage, "previous_access_key_id")?, second);
    let mut left = keys(world)?;
    left.sort();
    let mut expected = vec![second, third.clone()];
    expected.sort();
    assert_eq!(left, expected);

    let calls = apply(&stage, &user("access_key_rotation = \"three\"\nretire_previous_access_key = true"))?;
    assert_eq!(calls, ["iam:DeleteAccessKey"]);
    assert_eq!(keys(world)?, std::slice::from_ref(&third));
    assert_eq!(stage.terraform.attributes(USER)?["previous_access_key_id"], json!(null));

    // No value is no rotation.
    assert_eq!(apply(&stage, &user(""))?, Vec::<String>::new());
    assert_eq!(keys(world)?, [third]);
    stage.terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

#[test]
fn a_rotation_retires_the_key_before_only_after_it_was_announced() -> Result<(), Failure> {
    let stage = stage()?;
    let terraform = &stage.terraform;
    apply(&stage, &user("retire_previous_access_key = true"))?;
    let first = attribute(&stage, "access_key_id")?;
    stage.configure(&user("retire_previous_access_key = true\naccess_key_rotation = \"two\""))?;
    let rotated = terraform.apply::<&str>(&[])?.success()?;
    check::says(&rotated, &format!("The access key {first} will be deleted by the next apply"))?;
    assert_eq!(attribute(&stage, "previous_access_key_id")?, first);
    assert_eq!(keys(&stage.world)?.len(), 2);
    let second = attribute(&stage, "access_key_id")?;

    let retired = terraform.apply::<&str>(&[])?.success()?;
    check::says(&retired, &format!("The access key {first} will be deleted"))?;
    assert_eq!(keys(&stage.world)?, std::slice::from_ref(&second));
    assert_eq!(attribute(&stage, "access_key_id")?, second);
    check::empty_plan(terraform)
}

#[test]
fn a_key_that_could_not_be_stored_is_not_left_behind() -> Result<(), Failure> {
    let stage = stage()?;
    let world = &stage.world;
    stage.configure(&user(""))?;
    world.order(&json!([{ "on": { "operation": "secretsmanager:PutSecretValue" }, "times": null, "do": "error",
        "code": "AccessDeniedException", "message": "not you", "status": 400 }]))?;
    let failed = stage.terraform.apply::<&str>(&[])?.failure()?;
    world.faults_fired()?;
    check::says(&failed, "secretsmanager:PutSecretValue")?;
    check::says(&failed, "terraform untaint")?;
    assert_eq!(keys(world)?, Vec::<String>::new(), "a key that nobody knows is left");
    world.order(&json!([]))?;
    stage.terraform.run(&["untaint", USER])?.success()?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(&stage.terraform)?;
    assert_eq!(keys(world)?, [attribute(&stage, "access_key_id")?]);
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_key_that_a_crash_left_unstored_is_deleted_by_the_next_apply() -> Result<(), Failure> {
    let stage = super::staging::recorded_stage()?;
    let (world, terraform) = (&stage.world, &stage.terraform);
    let crash = json!([{ "on": { "operation": "iam:CreateAccessKey" }, "do": "kill_after", "pid_file": terraform.provider_pids() }]);
    // While it is created.
    stage.configure(&user(""))?;
    world.order(&crash)?;
    terraform.apply::<&str>(&[])?.failure()?;
    world.faults_fired()?;
    let leaked = keys(world)?;
    assert_eq!(leaked.len(), 1);
    world.order(&json!([]))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let first = attribute(&stage, "access_key_id")?;
    assert_eq!(keys(world)?, std::slice::from_ref(&first));
    assert_ne!(leaked, std::slice::from_ref(&first));

    // While it is rotated.
    stage.configure(&user("access_key_rotation = \"two\""))?;
    world.order(&crash)?;
    terraform.apply::<&str>(&[])?.failure()?;
    world.faults_fired()?;
    assert_eq!(keys(world)?.len(), 2);
    assert_eq!(text(&stored(&stage)?, "access_key_id"), first);
    world.order(&json!([]))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let second = attribute(&stage, "access_key_id")?;
    assert_eq!(attribute(&stage, "previous_access_key_id")?, first);
    let (mut left, mut expected) = (keys(world)?, vec![first, second]);
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
    check::no_unsupported_call(world)
}
