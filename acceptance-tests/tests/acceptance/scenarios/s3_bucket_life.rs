//! A bucket's end, its name's other owners, and imports.

use acceptance_tests::{Failure, Prerequisites, Sandbox, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, stage};

const BUCKET: &str = "deeploy_s3_bucket.this";

fn name(world: &World) -> String {
    format!("life-of-{}", world.account())
}

fn bucket(world: &World, lines: &str) -> String {
    format!("resource \"deeploy_s3_bucket\" \"this\" {{\n  bucket = \"{}\"\n{lines}\n}}\n", name(world))
}

fn applied(Stage { world, terraform }: &Stage, lines: &str) -> Result<Value, Failure> {
    terraform.configure(&bucket(world, lines))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    terraform.attributes(BUCKET)
}

/// A destroy that is refused before anything is touched.
fn refused(Stage { world, terraform }: &Stage, what: &str) -> Result<(), Failure> {
    let (run, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    let run = run.failure()?;
    check::says(&run, "force_destroy")?;
    assert_eq!((calls, run.stderr.matches("Error: ").count()), (Vec::<String>::new(), 1), "{what}: {}", run.output());
    check::empty_plan(terraform)
}

#[test]
fn a_bucket_that_holds_anything_is_not_destroyed_unless_forced() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    applied(&stage, "")?;
    let object = format!("/{}/model.bin", name(world));
    world.s3("PUT", &object, "weights")?;
    refused(&stage, "an object")?;
    // Behind a delete marker the bucket looks empty, and holds the version still.
    world.s3("DELETE", &object, "")?;
    refused(&stage, "a version and a delete marker")?;
    let logged = format!("/{}-logs/2026-01-01", name(world));
    applied(&stage, "force_destroy = true")?;
    world.s3("PUT", &logged, "log")?;
    world.s3("PUT", &object, "weights")?;
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(world.objects()?, Vec::<Value>::new());
    check::no_unsupported_call(world)
}

#[test]
fn a_bucket_that_somebody_deletes_is_planned_anew() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    applied(&stage, "preset = \"development\"")?;
    world.s3("DELETE", &format!("/{}", name(world)), "")?;
    terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(terraform, BUCKET)?.actions, ["create"]);
    terraform.apply_plan()?.success()?;
    check::empty_plan(terraform)
}

#[test]
fn a_bucket_deleted_beside_its_logs_is_not_made_anew_unseen() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    applied(&stage, "")?;
    world.s3("DELETE", &format!("/{}", name(world)), "")?;
    let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    let plan = plan.failure()?;
    assert_eq!(calls, Vec::<String>::new());
    check::says(&plan, &format!("{} was deleted outside of Terraform", name(world)))?;
    check::says(&plan, "terraform state rm")?;
    terraform.run(&["state", "rm", BUCKET])?.success()?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!(world.objects_of("s3:bucket")?.len(), 2);
    Ok(())
}

#[test]
fn a_name_that_another_account_holds_is_refused() -> Result<(), Failure> {
    let Stage { world, terraform } = stage()?;
    let other = World::new(Sandbox::shared(&Prerequisites::find()?)?);
    let place = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    other.s3("PUT", &format!("/{}", name(&world)), place)?;
    terraform.configure(&bucket(&world, ""))?;
    let (run, calls) = mutations_of(&world, || terraform.apply::<&str>(&[]))?;
    let run = run.failure()?;
    check::says(&run, "belongs to another account")?;
    assert_eq!((calls, run.stderr.matches("Error: ").count()), (Vec::<String>::new(), 1), "{}", run.output());
    assert_eq!(terraform.run(&["state", "list"])?.stdout, "");
    assert_eq!(world.objects()?, Vec::<Value>::new());
    Ok(())
}

#[test]
fn a_bucket_that_a_failed_create_left_is_used_again() -> Result<(), Failure> {
    let Stage { world, terraform } = stage()?;
    terraform.configure(&bucket(&world, ""))?;
    world.order(&json!([{ "on": { "operation": "s3:PutBucketVersioning" }, "do": "error", "code": "AccessDenied", "message": "no", "status": 403, "times": null }]))?;
    let run = terraform.apply::<&str>(&[])?.failure()?;
    check::says(&run, "terraform untaint")?;
    world.faults_fired()?;
    world.order(&json!([]))?;
    // Also where the state is lost.
    terraform.run(&["state", "rm", BUCKET])?.success()?;
    let (run, calls) = mutations_of(&world, || terraform.apply::<&str>(&[]))?;
    run.success()?;
    let made = format!("{calls:?}");
    assert!(!made.contains("s3:DeleteBucket\""), "{made}");
    check::empty_plan(&terraform)?;
    assert_eq!(terraform.attributes(BUCKET)?["status"], "ready");
    assert_eq!(world.objects_of("s3:bucket")?.len(), 2);
    Ok(())
}

#[test]
fn a_bucket_in_another_region_is_told() -> Result<(), Failure> {
    let Stage { world, mut terraform } = stage()?;
    let place = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    world.s3("PUT", &format!("/{}", name(&world)), place)?;
    terraform.set("AWS_REGION", "eu-west-1");
    terraform.configure(&bucket(&world, ""))?;
    let (run, calls) = mutations_of(&world, || terraform.apply::<&str>(&[]))?;
    let run = run.failure()?;
    check::says(&run, "eu-central-1")?;
    assert_eq!((calls, run.stderr.matches("Error: ").count()), (Vec::<String>::new(), 1), "{}", run.output());
    Ok(())
}

#[test]
fn a_bucket_is_imported_by_name_and_arn() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let before = applied(&stage, "noncurrent_version_expiration_days = 45\ntags = { a = \"b\" }")?;
    for id in [name(world), format!("arn:aws:s3:::{}", name(world))] {
        terraform.run(&["state", "rm", BUCKET])?.success()?;
        let (run, calls) = mutations_of(world, || terraform.import(BUCKET, &id))?;
        run.success()?;
        assert_eq!(calls, Vec::<String>::new(), "{id}");
        check::empty_plan(terraform)?;
        assert_eq!(terraform.attributes(BUCKET)?, before, "{id}");
    }
    terraform.run(&["state", "rm", BUCKET])?.success()?;
    for id in
        ["there-is-no-such-bucket", "arn:aws:s3:::there-is-no-such-bucket", "Not/A/Bucket", "arn:aws:kms:eu-central-1:123456789012:key/a"]
    {
        let run = terraform.import(BUCKET, id)?.failure()?;
        assert_eq!(run.stderr.matches("Error: ").count(), 1, "{}", run.output());
        check::says(&run, "a bucket's name")?;
    }
    Ok(())
}

#[test]
fn a_foreign_bucket_is_imported_with_a_configuration_that_needs_no_edit() -> Result<(), Failure> {
    let Stage { world, terraform } = stage()?;
    let name = name(&world);
    let place = "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    world.s3("PUT", &format!("/{name}"), place)?;
    world.s3("PUT", &format!("/{name}?tagging"), "<Tagging><TagSet><Tag><Key>team</Key><Value>ml</Value></Tag></TagSet></Tagging>")?;
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket",
        "Resource": format!("arn:aws:s3:::{name}") }] });
    world.s3("PUT", &format!("/{name}?policy"), &policy.to_string())?;
    let rules = "<LifecycleConfiguration><Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix>tmp/</Prefix></Filter>\
        <Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
    world.s3("PUT", &format!("/{name}?lifecycle"), rules)?;
    world.s3("PUT", &format!("/{name}/model.bin"), "weights")?;

    terraform.configure("")?;
    terraform.write("import.tf", &format!("import {{\n  to = {BUCKET}\n  id = \"{name}\"\n}}\n"))?;
    let (plan, calls) = mutations_of(&world, || terraform.plan(&["-generate-config-out=generated.tf"]))?;
    plan.success()?;
    assert_eq!(calls, Vec::<String>::new());
    let second = terraform.plan::<&str>(&[])?.success()?;
    check::says(&second, "1 to import, 0 to add, 1 to change, 0 to destroy")?;
    terraform.apply_plan()?.success()?;
    check::empty_plan(&terraform)?;
    let now = terraform.attributes(BUCKET)?;
    assert_eq!((&now["status"], &now["tags"]), (&json!("ready"), &json!({ "team": "ml" })));
    for (setting, theirs) in [("policy", "Theirs"), ("lifecycle", "theirs")] {
        let live = world.s3("GET", &format!("/{name}?{setting}"), "")?;
        assert!(live.contains(theirs), "an import removed {theirs}: {live}");
    }
    assert_eq!(world.s3("GET", &format!("/{name}/model.bin"), "")?, "weights");
    check::no_unsupported_call(&world)
}
