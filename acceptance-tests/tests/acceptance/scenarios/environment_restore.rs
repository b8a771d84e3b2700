//! A production environment that was destroyed comes back from its final snapshot, with the keys that its data is encrypted with.

use acceptance_tests::{Failure, check};
use serde_json::{Value, json};

use super::{
    environment_stage::{applied, cluster, environment, environment_stage, left},
    stage::{Stage, mutations_of, text},
};

/// What RDS tells of the instance under this element of `DescribeDBInstances`.
fn told(described: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let after = described.split_once(&open).map(|(_, after)| after).unwrap_or_default();
    after.split_once(&close).map(|(value, _)| value.to_owned()).unwrap_or_default()
}

#[test]
fn a_destroyed_production_environment_is_restored_from_its_final_snapshot() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let first = applied(&stage, &[])?;
    let tokens_key = &first["encryption"]["tokens_key_arn"];
    let token = "dG9rZW4gb2YgYSBjdXN0b21lcg==";
    let encrypted = world.kms("Encrypt", &json!({ "KeyId": tokens_key, "Plaintext": token }))?;

    let open = cluster(world, "deletion_protection = false");
    terraform.configure(&environment(world, &[("cluster", &open), ("database", "{ deletion_protection = false }")]))?;
    terraform.apply::<&str>(&[])?.success()?;
    terraform.destroy::<&str>(&[])?.success()?;
    let kept = left(world)?;
    let snapshot = kept.iter().find_map(|each| each.strip_prefix("rds:snapshot ")?.split(' ').next()).unwrap_or_default();
    assert!(snapshot.starts_with("deeploy-prod-final-"), "{kept:?}");

    // What is left is used again: neither a key nor an alias nor the bucket of the logs is made a second time.
    let database = format!("{{ snapshot_identifier = \"{snapshot}\" }}");
    let (restored, calls) = mutations_of(world, || applied(&stage, &[("database", &database)]))?;
    let made: Vec<&String> =
        calls.iter().filter(|call| ["kms:CreateKey", "kms:CreateAlias", "rds:CreateDBInstance"].contains(&call.as_str())).collect();
    assert_eq!(made, Vec::<&String>::new());
    assert_eq!(calls.iter().filter(|call| *call == "s3:CreateBucket").count(), 1, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call == "rds:RestoreDBInstanceFromDBSnapshot").count(), 1, "{calls:?}");
    assert_eq!(restored["encryption"], first["encryption"]);
    assert_eq!(restored["components"]["log_bucket"], first["components"]["log_bucket"]);
    assert_ne!(restored["database"]["resource_id"], first["database"]["resource_id"]);

    // Old tokens can be read, by Deeploy's new role too.
    let decrypted = world.kms("Decrypt", &json!({ "CiphertextBlob": encrypted["CiphertextBlob"] }))?;
    assert_eq!(text(&decrypted, "Plaintext"), token);
    let question = json!({
        "account": world.account(),
        "principal_arn": restored["identity"]["role_arn"],
        "action": "kms:Decrypt",
        "resource_arn": tokens_key,
    });
    let answer = world.evaluate(&question)?;
    assert_eq!(answer["decision"], json!("allowed"), "{answer}");

    // A restore takes few settings along: all of them are as in production.
    let described = world.query("rds", "2014-10-31", "DescribeDBInstances", &[("DBInstanceIdentifier", "deeploy-prod")])?;
    for (element, expected) in [
        ("StorageEncrypted", "true"),
        ("KmsKeyId", text(&first["encryption"], "data_key_arn")),
        ("MultiAZ", "true"),
        ("DeletionProtection", "true"),
        ("BackupRetentionPeriod", "30"),
        ("DBParameterGroupName", "deeploy-prod-postgres17"),
        ("DBSubnetGroupName", "deeploy-prod-database"),
        ("VpcSecurityGroupId", text(&restored["database"], "security_group_id")),
        ("StorageType", "gp3"),
        ("PubliclyAccessible", "false"),
        ("IAMDatabaseAuthenticationEnabled", "true"),
        ("PerformanceInsightsEnabled", "true"),
        ("MonitoringInterval", "60"),
        ("CopyTagsToSnapshot", "true"),
        ("PreferredBackupWindow", "02:00-03:00"),
        ("MaxAllocatedStorage", "1000"),
        ("CACertificateIdentifier", "rds-ca-rsa2048-g1"),
    ] {
        assert_eq!(told(&described, element), expected, "{element} of {described}");
    }
    let secret = told(&told(&described, "MasterUserSecret"), "SecretArn");
    assert_eq!(json!(secret), restored["database"]["master_secret_arn"]);
    assert_eq!(world.objects_of("kms:key")?.iter().filter(|key| key["managed"] != Value::Bool(true)).count(), 2);
    check::no_unsupported_call(world)
}
