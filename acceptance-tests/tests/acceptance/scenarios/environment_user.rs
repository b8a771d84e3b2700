//! An environment whose Deeploy takes an access key: used, rotated, given up.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    environment_stage::{ENVIRONMENT, applied, environment, environment_stage},
    iam_user::keys,
    stage::{Stage, mutations_of, text},
};

/// A small environment with this `identity`.
fn lines(identity: &str) -> [(&str, &str); 3] {
    [("preset", "\"development\""), ("monitoring", ""), ("identity", identity)]
}

/// Deeploy looks into its bucket with a key.
fn used(world: &World, made: &Value, key: &str) -> Result<(), Failure> {
    world.with_access_key(key).s3("GET", &format!("/{}?list-type=2", text(&made["storage"], "bucket")), "").map(drop)
}

/// The current key.
fn key(made: &Value) -> String {
    text(&made["identity"], "access_key_id").to_owned()
}

#[test]
fn a_user_whose_key_was_used_goes_with_its_mode_and_with_the_environment() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let made = applied(&stage, &lines("{ mode = \"user\" }"))?;
    assert_eq!(keys(world)?, [key(&made)]);
    used(world, &made, &key(&made))?;
    let role = applied(&stage, &lines("{ mode = \"role\" }"))?;
    let gone = ["user_arn", "access_key_id", "previous_access_key_id", "access_key_secret_arn"];
    assert_eq!(gone.map(|name| role["identity"][name].clone()), [json!(null), json!(null), json!(null), json!(null)]);
    assert_eq!((keys(world)?, world.objects_of("iam:user")?), (vec![], vec![]));

    let again = applied(&stage, &lines("{ mode = \"user\" }"))?;
    assert_ne!(key(&again), key(&made));
    used(world, &again, &key(&again))?;
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!((keys(world)?, world.objects_of("iam:user")?), (vec![], vec![]));
    check::no_unsupported_call(world)
}

#[test]
fn its_key_is_rotated_and_the_one_before_retired() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let first = key(&applied(&stage, &lines("{ mode = \"user\" }"))?);
    let rotated = applied(&stage, &lines("{\n mode = \"user\"\n access_key_rotation = \"two\"\n }"))?;
    assert_ne!(key(&rotated), first);
    assert_eq!(text(&rotated["identity"], "previous_access_key_id"), first);
    used(world, &rotated, &first)?;
    used(world, &rotated, &key(&rotated))?;
    terraform.apply(&["-refresh-only"])?.success()?;
    let last = terraform.attributes(ENVIRONMENT)?["identity"]["previous_access_key_last_used"].clone();
    let retiring = "{\n mode = \"user\"\n access_key_rotation = \"two\"\n retire_previous_access_key = true\n }";
    terraform.configure(&environment(world, &lines(retiring)))?;
    let plan = terraform.plan::<&str>(&[])?.success()?;
    check::says(&plan, &format!("The access key {first} will be deleted"))?;
    check::says(&plan, last.as_str().unwrap_or("no last use is known"))?;
    let (done, calls) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    assert!(calls.contains(&"iam:DeleteAccessKey".to_owned()) && !calls.contains(&"iam:CreateAccessKey".to_owned()), "{calls:?}");
    check::empty_plan(terraform)?;
    let left = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((key(&left), &left["identity"]["previous_access_key_id"]), (key(&rotated), &json!(null)));
    assert_eq!(keys(world)?, [key(&rotated)]);

    // A rotation in the state of which the key before is still there: both are the environment's own.
    let third = applied(&stage, &lines("{\n mode = \"user\"\n access_key_rotation = \"three\"\n }"))?;
    used(world, &third, &key(&rotated))?;
    used(world, &third, &key(&third))?;
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(keys(world)?, Vec::<String>::new());
    check::no_unsupported_call(world)
}
