//! An environment's keys don't end while something that stays is encrypted with them.

use acceptance_tests::{Failure, Terraform, World, check};
use serde_json::{Value, json};

use super::{
    database::between,
    stage::{Stage, change, mutations_of, stage},
};

const ENVIRONMENT: &str = "deeploy_environment.this";
const RDS: &str = "2014-10-31";
const EC2: &str = "2016-11-15";

fn environment(world: &World, database: &str) -> String {
    format!(
        "resource \"deeploy_environment\" \"this\" {{\n  name = \"keys\"\n  preset = \"development\"\n  cluster = {{ admin_principal_arns = \
         [\"arn:aws:iam::{}:role/admin\"] }}\n  storage = {{ force_destroy = true }}\n  database = {{ {database} }}\n}}\n",
        world.account()
    )
}

/// The role that the configuration names.
fn admin(world: &World) -> Result<(), Failure> {
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", world.account()) }, "Action": "sts:AssumeRole" },
    ] });
    world.iam("CreateRole", &[("RoleName", "admin"), ("AssumeRolePolicyDocument", &trust.to_string())]).map(drop)
}

/// What a destroy is refused with; nothing was changed.
fn refused(world: &World, terraform: &Terraform) -> Result<String, Failure> {
    let (run, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    assert_eq!(calls, Vec::<String>::new());
    Ok(run.failure()?.text())
}

#[test]
fn keys_outlive_what_a_destroy_leaves() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    admin(world)?;
    terraform.configure(&environment(world, ""))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let key = terraform.attributes(ENVIRONMENT)?["encryption"]["data_key_arn"].as_str().unwrap_or_default().to_owned();

    // A snapshot, a secret and a persistent volume that somebody made.
    let volume = [("AvailabilityZone", "eu-central-1a"), ("Size", "1"), ("Encrypted", "true"), ("KmsKeyId", key.as_str())];
    let volume = between(&world.query("ec2", EC2, "CreateVolume", &volume)?, "volumeId");
    let snapshot = between(&world.query("ec2", EC2, "CreateSnapshot", &[("VolumeId", &volume)])?, "snapshotId");
    world.query("rds", RDS, "CreateDBSnapshot", &[("DBSnapshotIdentifier", "by-hand"), ("DBInstanceIdentifier", "keys")])?;
    world.secrets_manager("CreateSecret", &json!({ "Name": "by-hand", "SecretString": "x", "KmsKeyId": key }))?;
    let said = refused(world, terraform)?;
    let one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let disks = [format!("the volume {volume}"), format!("the volume snapshot {snapshot}")];
    let parts = ["encryption.on_destroy", "the database snapshot by-hand", "the secret by-hand", "Nothing was deleted"];
    for part in parts.into_iter().chain(disks.iter().map(String::as_str)) {
        assert!(one_line.contains(part), "{part}: {said}");
    }
    assert!(!one_line.contains("more."), "the nodes' own disks go with them: {said}");
    world.query("ec2", EC2, "DeleteSnapshot", &[("SnapshotId", &snapshot)])?;
    world.query("ec2", EC2, "DeleteVolume", &[("VolumeId", &volume)])?;
    world.secrets_manager("DeleteSecret", &json!({ "SecretId": "by-hand", "ForceDeleteWithoutRecovery": true }))?;
    world.query("rds", RDS, "DeleteDBSnapshot", &[("DBSnapshotIdentifier", "by-hand")])?;

    // Backups that the destroy itself would leave.
    terraform.configure(&environment(world, "delete_automated_backups = false"))?;
    terraform.apply::<&str>(&[])?.success()?;
    let said = refused(world, terraform)?;
    assert!(said.contains("encryption.on_destroy") && said.contains("database.delete_automated_backups = true"), "{said}");
    terraform.configure(&environment(world, ""))?;
    terraform.apply::<&str>(&[])?.success()?;
    terraform.destroy::<&str>(&[])?.success()?;
    let keys: Vec<Value> = world.objects_of("kms:key")?.into_iter().map(|key| key["state"].clone()).collect();
    assert_eq!(keys, ["PendingDeletion", "PendingDeletion"]);
    check::no_unsupported_call(world)
}

/// The key is enabled again by an apply. RDS has stopped the database meanwhile, and whoever reads the error is told how it goes on.
#[test]
fn a_disabled_key_is_enabled_again() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    admin(world)?;
    terraform.configure(&environment(world, ""))?;
    terraform.apply::<&str>(&[])?.success()?;
    let key = terraform.attributes(ENVIRONMENT)?["encryption"]["data_key_arn"].as_str().unwrap_or_default().to_owned();
    world.kms("DisableKey", &json!({ "KeyId": key }))?;
    let (plan, planning) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    plan.success()?;
    let drift = change(terraform, ENVIRONMENT)?.before["drift"].clone();
    assert_eq!((drift, planning), (json!({ "data_key": ["enabled"], "database": ["unready"] }), Vec::new()));
    let (applied, calls) = mutations_of(world, || terraform.apply_plan())?;
    check::says(&applied.failure()?, "start the instance (aws rds start-db-instance) within seven days")?;
    assert!(calls.contains(&"kms:EnableKey".to_owned()), "{calls:?}");
    world.query("rds", RDS, "StartDBInstance", &[("DBInstanceIdentifier", "keys")])?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    check::no_unsupported_call(world)
}
