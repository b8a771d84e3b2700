//! A bucket's updates and refusals.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of, reads_once, stage};

const BUCKET: &str = "deeploy_s3_bucket.this";

fn bucket(world: &World, lines: &str) -> String {
    let keys = "resource \"deeploy_kms_key\" \"one\" {\n  name = \"one-ACCOUNT\"\n}\nresource \"deeploy_kms_key\" \"two\" {\n  name = \"two-ACCOUNT\"\n}\n";
    let keys = if lines.contains("deeploy_kms_key") { keys } else { "" };
    format!("{keys}resource \"deeploy_s3_bucket\" \"this\" {{\n  bucket = \"bucket-ACCOUNT\"\n{lines}\n}}\n")
        .replace("ACCOUNT", world.account())
}

fn applied(Stage { world, terraform }: &Stage, lines: &str) -> Result<Value, Failure> {
    terraform.configure(&bucket(world, lines))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    terraform.attributes(BUCKET)
}

#[test]
fn every_attribute_of_a_bucket_is_updated_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let name = format!("bucket-{}", world.account());
    let made = applied(&stage, "kms_key_arn = deeploy_kms_key.one.arn\nforce_destroy = true\naccess_logging = { enabled = false }")?;
    assert_eq!((&made["log_bucket"], &made["access_logging"]["enabled"]), (&Value::Null, &json!(false)));
    let both = ["s3:PutBucketLifecycleConfiguration"];
    let statement = "policy_statements = jsonencode({ Effect = \"Deny\", Principal = \"*\", Action = \"s3:DeleteBucket\", Resource = \"arn:aws:s3:::bucket-ACCOUNT\" })";
    let steps: [(&str, &str, &[&str]); 9] = [
        ("kms_key_arn", "kms_key_arn = deeploy_kms_key.two.arn", &["s3:PutBucketEncryption"]),
        ("kms_key_arn", "", &["s3:PutBucketEncryption"]),
        ("versioning", "versioning = false", &["s3:PutBucketVersioning"]),
        ("versioning", "", &["s3:PutBucketVersioning"]),
        ("noncurrent_version_expiration_days", "noncurrent_version_expiration_days = 45", &both),
        (
            "abort_incomplete_multipart_upload_days",
            "noncurrent_version_expiration_days = 45\nabort_incomplete_multipart_upload_days = 3",
            &both,
        ),
        ("policy_statements", statement, &["s3:PutBucketPolicy"]),
        ("tags", "tags = { a = \"b\" }", &["s3:PutBucketTagging"]),
        ("timeouts", "tags = { a = \"b\" }\ntimeouts = { update = \"5m\" }", &[]),
    ];
    for (attribute, lines, calls) in steps {
        // The keys stay, so that only the bucket changes; so does what makes no difference here.
        let lines = format!("{lines}\nforce_destroy = true\naccess_logging = {{ enabled = false }}\n# deeploy_kms_key");
        terraform.configure(&bucket(world, &lines))?;
        terraform.plan::<&str>(&[])?.success()?;
        let planned = change(terraform, BUCKET)?;
        assert_eq!(planned.actions, ["update"], "{lines}");
        assert!(planned.attributes.iter().any(|changed| changed == attribute), "{lines}: {:?}", planned.attributes);
        let (run, made) = mutations_of(world, || terraform.apply_plan())?;
        run.success()?;
        assert!(calls.iter().all(|call| made.iter().any(|made| made == call)), "{lines}: {made:?}");
        assert!(made.iter().all(|call| call.starts_with("s3:Put") || call == "s3:DeleteBucketPolicy"), "{lines}: {made:?}");
        check::empty_plan(terraform)?;
    }
    assert_eq!(terraform.attributes(BUCKET)?["id"], json!(name));
    check::no_unsupported_call(world)
}

#[test]
fn the_log_bucket_is_made_kept_and_goes_with_the_bucket() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let name = format!("bucket-{}", world.account());
    let logs = format!("{name}-logs");
    let off = "access_logging = { enabled = false }";
    applied(&stage, off)?;
    assert_eq!(world.objects_of("s3:bucket")?.len(), 1);
    assert_eq!(applied(&stage, "access_logging = { enabled = true }")?["log_bucket"], json!(logs));
    let target = world.s3("GET", &format!("/{name}?logging"), "")?;
    assert!(target.contains(&format!("<TargetBucket>{logs}</TargetBucket>")), "{target}");
    let encryption = world.s3("GET", &format!("/{logs}?encryption"), "")?;
    assert!(encryption.contains("AES256"), "the logging service writes with SSE-S3 only: {encryption}");

    assert_eq!(applied(&stage, off)?["log_bucket"], json!(logs), "logs outlive the logging");
    let target = world.s3("GET", &format!("/{name}?logging"), "")?;
    assert!(!target.contains("TargetBucket"), "{target}");
    assert_eq!(world.objects_of("s3:bucket")?.len(), 2);

    // The logs guard themselves.
    let guarded = terraform.destroy::<&str>(&[])?.failure()?;
    check::says(&guarded, &format!("the bucket {logs} holds"))?;
    applied(&stage, &format!("{off}\nforce_destroy = true"))?;
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(world.objects()?, Vec::<Value>::new());
    Ok(())
}

#[test]
fn another_name_is_shown_as_a_replacement() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    applied(&stage, "preset = \"development\"")?;
    terraform.configure(&bucket(world, "preset = \"development\"").replace("bucket-", "other-"))?;
    let plan = terraform.plan::<&str>(&[])?.success()?;
    check::says(&plan, "# forces replacement")?;
    assert_eq!(change(terraform, BUCKET)?.actions, ["delete", "create"]);
    terraform.apply_plan()?.success()?;
    check::empty_plan(terraform)?;
    let names: Vec<Value> = world.objects_of("s3:bucket")?.iter().map(|object| object["id"].clone()).collect();
    assert_eq!(names, [json!(format!("other-{}", world.account()))]);
    Ok(())
}

#[test]
fn a_bucket_in_production_is_not_weakened_unseen() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    applied(&stage, "")?;
    terraform.configure(&bucket(world, "preset = \"development\""))?;
    let text = terraform.plan::<&str>(&[])?.failure()?.text();
    for setting in ["noncurrent_version_expiration_days = 90 # development: 30", "access_logging.enabled = true # development: false"] {
        assert!(text.contains(setting), "{setting}: {text}");
    }
    applied(&stage, "preset = \"development\"\nnoncurrent_version_expiration_days = 90\naccess_logging = { enabled = true }")?;
    Ok(())
}

#[test]
fn a_plan_without_changes_reads_each_setting_once() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    applied(&stage, "preset = \"development\"")?;
    let before = world.calls()?.len();
    check::empty_plan(terraform)?;
    assert_eq!(
        reads_once(&world.calls()?.split_off(before)),
        [
            "s3:GetBucketEncryption",
            "s3:GetBucketLifecycleConfiguration",
            "s3:GetBucketLogging",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetPublicAccessBlock",
            "s3:HeadBucket",
            "sts:GetCallerIdentity",
        ]
    );
    Ok(())
}
