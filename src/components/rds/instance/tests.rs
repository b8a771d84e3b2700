#![allow(clippy::unwrap_used)]

use serde_json::{Value as Json, json};

use super::*;
use crate::{
    components::{
        iam::replies,
        replay::Script,
        settings::{Settings, map},
    },
    graph::{Class, Readiness, same},
};

mod deleting;

/// What the part wants of an instance in production.
fn settings() -> Settings {
    let text = r#"{
        "identifier": "x", "engine": "postgres", "engine_version": "17", "instance_class": "db.m7g.large", "allocated_storage": 100,
        "max_allocated_storage": 1000, "storage_type": "gp3", "multi_az": true, "storage_encrypted": true, "publicly_accessible": false,
        "port": 5432, "subnet_group": "x-database", "security_group_ids": ["sg-1"], "parameter_group": "x-postgres17",
        "backup_retention_period": 30, "backup_window": "02:00-03:00", "maintenance_window": "Sun:03:30-Sun:04:30",
        "auto_minor_version_upgrade": true, "copy_tags_to_snapshot": true, "iam_database_authentication": true,
        "master_username": "deeploy_admin", "manage_master_user_password": true, "master_user_secret_kms_key_arn": "arn:key",
        "ca_certificate_identifier": "rds-ca-rsa2048-g1", "monitoring_interval": 60, "monitoring_role_arn": "arn:role",
        "performance_insights_enabled": true, "performance_insights_retention_period": 7, "database_insights_mode": "standard",
        "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"], "engine_lifecycle_support": "open-source-rds-extended-support-disabled",
        "kms_key_arn": "arn:key", "performance_insights_kms_key_arn": "arn:key", "apply_immediately": false,
        "allow_major_version_upgrade": true
    }"#;
    serde_json::from_str(text).unwrap()
}

fn with(changes: &[(&str, Json)]) -> Settings {
    let mut settings = settings();
    settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    settings
}

fn wanted(settings: Settings) -> Wanted {
    Wanted {
        component: "database".into(),
        settings,
        tags: BTreeMap::from([("deeploy:owner".to_owned(), "t/x".to_owned())]),
        token: String::new(),
    }
}

/// An instance as RDS describes it; `more` goes in at the end, so that it can't stand for what is there already.
fn described(status: &str, more: &str) -> String {
    format!(
        "<DBInstanceIdentifier>x</DBInstanceIdentifier><DBInstanceStatus>{status}</DBInstanceStatus><Engine>postgres</Engine>\
         <EngineVersion>17.6</EngineVersion><DBInstanceClass>db.m7g.large</DBInstanceClass><AllocatedStorage>100</AllocatedStorage>\
         <MaxAllocatedStorage>1000</MaxAllocatedStorage><StorageType>gp3</StorageType><MultiAZ>true</MultiAZ>\
         <StorageEncrypted>true</StorageEncrypted><PubliclyAccessible>false</PubliclyAccessible><DbInstancePort>0</DbInstancePort>\
         <Endpoint><Address>x.abc.eu-west-1.rds.amazonaws.com</Address><Port>5432</Port></Endpoint>\
         <DBSubnetGroup><DBSubnetGroupName>x-database</DBSubnetGroupName></DBSubnetGroup>\
         <VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId><Status>active</Status></VpcSecurityGroupMembership>\
         <VpcSecurityGroupMembership><VpcSecurityGroupId>sg-2</VpcSecurityGroupId><Status>removing</Status></VpcSecurityGroupMembership></VpcSecurityGroups>\
         <BackupRetentionPeriod>30</BackupRetentionPeriod><PreferredBackupWindow>02:00-03:00</PreferredBackupWindow>\
         <PreferredMaintenanceWindow>sun:03:30-sun:04:30</PreferredMaintenanceWindow><AutoMinorVersionUpgrade>true</AutoMinorVersionUpgrade>\
         <CopyTagsToSnapshot>true</CopyTagsToSnapshot><IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled>\
         <MasterUsername>deeploy_admin</MasterUsername><CACertificateIdentifier>rds-ca-rsa2048-g1</CACertificateIdentifier>\
         <MonitoringInterval>60</MonitoringInterval><MonitoringRoleArn>arn:role</MonitoringRoleArn>\
         <PerformanceInsightsEnabled>true</PerformanceInsightsEnabled><PerformanceInsightsRetentionPeriod>7</PerformanceInsightsRetentionPeriod>\
         <DatabaseInsightsMode>standard</DatabaseInsightsMode>\
         <EnabledCloudwatchLogsExports><member>postgresql</member><member>upgrade</member></EnabledCloudwatchLogsExports>\
         <EngineLifecycleSupport>open-source-rds-extended-support-disabled</EngineLifecycleSupport>\
         <InstanceCreateTime>2026-11-27T22:30:05.123Z</InstanceCreateTime><DbiResourceId>db-ABC</DbiResourceId><DBInstanceArn>arn:db</DBInstanceArn>\
         <TagList><Tag><Key>deeploy:owner</Key><Value>t/x</Value></Tag><Tag><Key>aws:x</Key><Value>y</Value></Tag></TagList>{more}"
    )
}

const SECRET: &str =
    "<MasterUserSecret><SecretArn>arn:secret</SecretArn><SecretStatus>active</SecretStatus><KmsKeyId>arn:key</KmsKeyId></MasterUserSecret>";
const IN_SYNC: &str = "<DBParameterGroups><DBParameterGroup><DBParameterGroupName>x-postgres17</DBParameterGroupName>\
                       <ParameterApplyStatus>in-sync</ParameterApplyStatus></DBParameterGroup></DBParameterGroups>";

fn usual(status: &str, more: &str) -> String {
    described(status, &format!("{SECRET}{IN_SYNC}{more}"))
}

fn list(instance: &str) -> String {
    replies::reply("DescribeDBInstances", &format!("<DBInstances><DBInstance>{instance}</DBInstance></DBInstances>"))
}

fn of(script: &Script) -> RdsInstance {
    RdsInstance::new(script.aws("eu-west-1"))
}

async fn found(instance: &str, settings: Settings) -> Found {
    let script = Script::new().on("DescribeDBInstances", 200, &list(instance));
    let query = Query { settings, ..Query::default() };
    let found = of(&script).find(&query).await.unwrap().unwrap();
    script.finish();
    found
}

/// The settings that differ, as the engine compares them.
fn differing(wanted: &Settings, found: &Found) -> Vec<String> {
    let unread = ["kms_key_arn", "performance_insights_kms_key_arn", "apply_immediately", "allow_major_version_upgrade"];
    let differs = |(name, wanted): &(&String, &Json)| {
        !unread.contains(&name.as_str())
            && !same(crate::graph::Meaning::Unordered, wanted, found.settings.get(*name).unwrap_or(&Json::Null))
    };
    wanted.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn what_is_as_it_shall_be_differs_in_nothing() {
    let found = found(&usual("available", ""), settings()).await;
    assert_eq!(differing(&settings(), &found), Vec::<String>::new());
    assert_eq!((found.id.as_str(), &found.readiness), ("x", &Readiness::Ready));
    assert_eq!(found.tags, wanted(settings()).tags);
    let expected = json!({
        "identifier": "x", "id": "x", "arn": "arn:db", "endpoint": "x.abc.eu-west-1.rds.amazonaws.com", "port": 5432, "resource_id": "db-ABC",
        "master_secret_arn": "arn:secret", "engine_version": "17.6", "pending_changes": {}, "created": "20261127223005",
        "allocated_storage": 100,
    });
    assert_eq!(Json::Object(found.outputs.into_iter().collect()), expected);
}

#[tokio::test]
async fn absent_is_proven_by_one_call() {
    let script = Script::new().on("DescribeDBInstances", 404, &replies::error("DBInstanceNotFound", "DBInstance x not found."));
    let query = Query { id: Some("x".into()), settings: settings(), ..Query::default() };
    assert_eq!(of(&script).find(&query).await.unwrap(), None);
    assert_eq!(script.names(), ["DescribeDBInstances"]);
}

#[tokio::test]
async fn what_waits_for_the_window_counts_only_where_nothing_is_to_be_applied_at_once() {
    let pending = "<PendingModifiedValues><DBInstanceClass>db.m7g.xlarge</DBInstanceClass><AllocatedStorage>200</AllocatedStorage>\
                   <EngineVersion>18.1</EngineVersion></PendingModifiedValues>";
    let more = |now: bool| {
        with(&[
            ("instance_class", json!("db.m7g.xlarge")),
            ("allocated_storage", json!(200)),
            ("engine_version", json!("18")),
            ("apply_immediately", json!(now)),
        ])
    };
    let instance = usual("available", pending);
    let later = found(&instance, more(false)).await;
    assert_eq!((differing(&more(false), &later), &later.readiness), (Vec::new(), &Readiness::Ready));
    let expected = json!({"allocated_storage": "200", "engine_version": "18.1", "instance_class": "db.m7g.xlarge"});
    assert_eq!(later.outputs["pending_changes"], expected);
    let now = found(&instance, more(true)).await;
    assert_eq!(differing(&more(true), &now), ["allocated_storage", "engine_version", "instance_class"]);
}

#[tokio::test]
async fn parameters_that_wait_for_a_reboot_are_told() {
    let instance = described("available", &format!("{SECRET}{}", IN_SYNC.replace("in-sync", "pending-reboot")));
    assert_eq!(found(&instance, settings()).await.outputs["pending_changes"], json!({"parameters": "pending-reboot"}));
}

#[tokio::test]
async fn storage_that_aws_grew_and_versions_that_it_raised_are_no_difference() {
    for (name, value, differs) in [
        ("allocated_storage", json!(50), false),
        ("allocated_storage", json!(150), true),
        ("engine_version", json!("17.4"), false),
        ("engine_version", json!("17.7"), true),
        ("engine_version", json!("16"), true),
        ("maintenance_window", json!("mon:03:30-mon:04:30"), true),
    ] {
        let settings = with(&[(name, value.clone())]);
        let found = found(&usual("available", ""), settings.clone()).await;
        assert_eq!(differing(&settings, &found).contains(&name.to_owned()), differs, "{name} {value}");
    }
}

#[tokio::test]
async fn each_status_has_its_meaning() {
    for status in ["available", "storage-optimization", "storage-initialization"] {
        assert_eq!(found(&usual(status, ""), settings()).await.readiness, Readiness::Ready, "{status}");
    }
    for status in ["creating", "upgrading", "rebooting", "maintenance", "starting", "deleting"] {
        assert_eq!(found(&usual(status, ""), settings()).await.readiness, Readiness::Pending(status.into()));
    }
    // It works, and takes no change: who has none need not wait.
    for status in ["backing-up", "modifying", "configuring-enhanced-monitoring", "configuring-log-exports"] {
        assert_eq!(found(&usual(status, ""), settings()).await.readiness, Readiness::Ready, "{status}");
        let other = with(&[("multi_az", json!(false))]);
        assert_eq!(found(&usual(status, ""), other).await.readiness, Readiness::Pending(status.into()));
    }
    let changing = usual("modifying", "<PendingModifiedValues><MasterUserPassword>****</MasterUserPassword></PendingModifiedValues>");
    let now = with(&[("apply_immediately", json!(true))]);
    assert_eq!(found(&changing, now).await.readiness, Readiness::Pending("modifying".into()));
    for status in [
        "failed",
        "stopped",
        "storage-full",
        "incompatible-network",
        "incompatible-parameters",
        "incompatible-restore",
        "restore-error",
        "insufficient-capacity",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
    ] {
        let readiness = found(&usual(status, ""), settings()).await.readiness;
        assert!(matches!(&readiness, Readiness::Broken(why) if why.contains(status)), "{status} {readiness:?}");
    }
    let creating = described("available", &SECRET.replace("active", "creating"));
    assert!(matches!(found(&creating, settings()).await.readiness, Readiness::Pending(_)));
}

#[tokio::test]
async fn full_storage_can_be_raised() {
    let raised = with(&[("max_allocated_storage", json!(2000))]);
    assert_eq!(found(&usual("storage-full", ""), raised).await.readiness, Readiness::Ready);
    let growing = usual("storage-full", "<PendingModifiedValues><AllocatedStorage>200</AllocatedStorage></PendingModifiedValues>");
    assert!(matches!(found(&growing, settings()).await.readiness, Readiness::Pending(_)));
}

#[tokio::test]
async fn create_is_one_call_that_carries_everything() {
    let made = format!("<DBInstance>{}</DBInstance>", described("creating", ""));
    let script = Script::new().on("CreateDBInstance", 200, &replies::reply("CreateDBInstance", &made));
    let found = of(&script).create(&wanted(settings())).await.unwrap();
    assert_eq!((found.readiness, &found.tags), (Readiness::Pending("creating".into()), &wanted(settings()).tags));
    let body = &script.finish()[0].1;
    for part in [
        "DBInstanceIdentifier=x",
        "Engine=postgres",
        "EngineVersion=17&",
        "DBInstanceClass=db.m7g.large",
        "AllocatedStorage=100",
        "MaxAllocatedStorage=1000",
        "StorageType=gp3",
        "MultiAZ=true",
        "StorageEncrypted=true",
        "KmsKeyId=arn%3Akey",
        "PubliclyAccessible=false",
        "Port=5432",
        "DBSubnetGroupName=x-database",
        "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1",
        "DBParameterGroupName=x-postgres17",
        "BackupRetentionPeriod=30",
        "PreferredBackupWindow=02%3A00-03%3A00",
        "PreferredMaintenanceWindow=Sun",
        "AutoMinorVersionUpgrade=true",
        "CopyTagsToSnapshot=true",
        "EnableIAMDatabaseAuthentication=true",
        "MasterUsername=deeploy_admin",
        "ManageMasterUserPassword=true",
        "MasterUserSecretKmsKeyId=arn%3Akey",
        "CACertificateIdentifier=rds-ca-rsa2048-g1",
        "MonitoringInterval=60",
        "MonitoringRoleArn=arn%3Arole",
        "EnablePerformanceInsights=true",
        "PerformanceInsightsKMSKeyId=arn%3Akey",
        "PerformanceInsightsRetentionPeriod=7",
        "DatabaseInsightsMode=standard",
        "EnableCloudwatchLogsExports.member.2=upgrade",
        "EngineLifecycleSupport=open-source-rds-extended-support-disabled",
        "Tags.Tag.1.Key=deeploy%3Aowner",
    ] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
    assert!(!body.contains("DeletionProtection") && !body.contains("&MasterUserPassword=") && !body.contains("Iops"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_of_create_is_not_repeated_by_the_sdk() {
    let script = Script::new().on("CreateDBInstance", 500, "");
    let failure = RdsInstance::new(script.retrying("eu-west-1").await).create(&wanted(settings())).await.unwrap_err();
    assert_eq!((failure.class, script.names().len()), (Class::Ambiguous, 1));
}

#[tokio::test]
async fn what_is_restored_is_made_by_one_call_too() {
    let made = format!("<DBInstance>{}</DBInstance>", described("creating", ""));
    let script = Script::new()
        .on("RestoreDBInstanceFromDBSnapshot", 200, &replies::reply("RestoreDBInstanceFromDBSnapshot", &made))
        .on("RestoreDBInstanceToPointInTime", 200, &replies::reply("RestoreDBInstanceToPointInTime", &made))
        .on("RestoreDBInstanceToPointInTime", 200, &replies::reply("RestoreDBInstanceToPointInTime", &made));
    let component = of(&script);
    component.create(&wanted(with(&[("snapshot_identifier", json!("x-final-20261127223005"))]))).await.unwrap();
    let restore =
        json!({"source_dbi_resource_id": "db-ABC", "restore_time": "2026-11-27T10:00:00Z", "source_db_instance_identifier": null});
    component.create(&wanted(with(&[("restore_to_point_in_time", restore)]))).await.unwrap();
    component.create(&wanted(with(&[("restore_to_point_in_time", json!({"source_db_instance_identifier": "y"}))]))).await.unwrap();
    let asked = script.finish();
    for (call, part) in [
        (0, "DBSnapshotIdentifier=x-final-20261127223005"),
        (0, "DBParameterGroupName=x-postgres17"),
        (0, "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1"),
        (0, "Tags.Tag.1.Key=deeploy%3Aowner"),
        (1, "SourceDbiResourceId=db-ABC"),
        (1, "RestoreTime=2026-11-27T10%3A00%3A00Z"),
        (2, "SourceDBInstanceIdentifier=y"),
        (2, "UseLatestRestorableTime=true"),
    ] {
        assert!(asked[call].1.contains(part), "{part} is missing in {}", asked[call].1);
    }
    assert!(!asked[1].1.contains("UseLatestRestorableTime"));
    assert!(asked.iter().all(|(_, body)| !body.contains("ManageMasterUserPassword")), "RDS takes that of Oracle's engine only");
    let failure =
        of(&Script::new()).create(&wanted(with(&[("restore_to_point_in_time", json!({"restore_time": "yesterday"}))]))).await.unwrap_err();
    assert_eq!((failure.class, failure.attribute.as_deref()), (Class::Invalid, Some("restore_to_point_in_time.restore_time")));
}

async fn modified(instance: &str, settings: Settings, changed: &[&str]) -> (Result<(), Failure>, String) {
    let there = found(instance, settings.clone()).await;
    let script = Script::new().on("ModifyDBInstance", 200, &replies::reply("ModifyDBInstance", ""));
    let changed = changed.iter().map(|name| (*name).to_owned()).collect();
    let result = of(&script).update(&there, &wanted(settings), &changed).await;
    let body = if result.is_ok() { script.finish()[0].1.clone() } else { String::new() };
    (result, body)
}

#[tokio::test]
async fn each_setting_has_its_part_of_the_call() {
    for (name, value, parts) in [
        ("instance_class", json!("db.m7g.xlarge"), vec!["DBInstanceClass=db.m7g.xlarge", "ApplyImmediately=false"]),
        ("allocated_storage", json!(200), vec!["AllocatedStorage=200"]),
        ("max_allocated_storage", json!(2000), vec!["MaxAllocatedStorage=2000"]),
        ("multi_az", json!(false), vec!["MultiAZ=false"]),
        ("port", json!(5433), vec!["DBPortNumber=5433"]),
        ("publicly_accessible", json!(false), vec!["PubliclyAccessible=false"]),
        ("security_group_ids", json!(["sg-9"]), vec!["VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-9"]),
        ("parameter_group", json!("x-postgres18"), vec!["DBParameterGroupName=x-postgres18"]),
        ("backup_retention_period", json!(7), vec!["BackupRetentionPeriod=7"]),
        ("backup_window", json!("01:00-02:00"), vec!["PreferredBackupWindow=01%3A00-02%3A00"]),
        ("maintenance_window", json!("mon:03:00-mon:04:00"), vec!["PreferredMaintenanceWindow=mon"]),
        ("iam_database_authentication", json!(true), vec!["EnableIAMDatabaseAuthentication=true"]),
        ("ca_certificate_identifier", json!("rds-ca-ecc384-g1"), vec!["CACertificateIdentifier=rds-ca-ecc384-g1"]),
        ("monitoring_interval", json!(30), vec!["MonitoringInterval=30", "MonitoringRoleArn=arn%3Arole"]),
        ("performance_insights_enabled", json!(true), vec!["EnablePerformanceInsights=true", "PerformanceInsightsKMSKeyId=arn%3Akey"]),
        (
            "enabled_cloudwatch_logs_exports",
            json!(["upgrade", "iam-db-auth-error"]),
            vec!["EnableLogTypes.member.1=iam-db-auth-error", "DisableLogTypes.member.1=postgresql"],
        ),
        ("engine_version", json!("17.7"), vec!["EngineVersion=17.7"]),
        ("deletion_protection", json!(true), vec!["DeletionProtection=true"]),
    ] {
        let (result, body) = modified(&usual("available", ""), with(&[(name, value)]), &[name]).await;
        result.unwrap();
        for part in parts {
            assert!(body.contains(part), "{name}: {part} is missing in {body}");
        }
        assert_eq!(body.contains("AllocatedStorage="), name.contains("allocated_storage"), "nothing else is sent: {body}");
    }
}

#[tokio::test]
async fn the_master_secret_goes_alone_and_its_key_stays() {
    let (result, body) = modified(&described("available", IN_SYNC), settings(), &["manage_master_user_password", "instance_class"]).await;
    result.unwrap();
    assert!(
        body.contains("ManageMasterUserPassword=true")
            && body.contains("MasterUserSecretKmsKeyId=arn%3Akey")
            && !body.contains("DBInstanceClass")
    );
    let other = with(&[("master_user_secret_kms_key_arn", json!("arn:other"))]);
    let (result, _) = modified(&usual("available", ""), other, &["master_user_secret_kms_key_arn"]).await;
    assert_eq!(result.unwrap_err().class, Class::Invalid);
}

#[tokio::test]
async fn a_major_version_comes_after_a_snapshot_and_with_its_parameter_group() {
    let settings = with(&[("engine_version", json!("18")), ("parameter_group", json!("x-postgres18"))]);
    let there = found(&usual("available", ""), settings.clone()).await;
    let snapshot = |status: &str| {
        let found = format!(
            "<DBSnapshots><DBSnapshot><DBSnapshotIdentifier>n</DBSnapshotIdentifier><Status>{status}</Status></DBSnapshot></DBSnapshots>"
        );
        replies::reply("DescribeDBSnapshots", &found)
    };
    let changed = BTreeSet::from(["engine_version".to_owned(), "parameter_group".to_owned()]);
    let wanted = wanted(settings);
    let script = Script::new().on("DescribeDBSnapshots", 404, &replies::error("DBSnapshotNotFound", "no")).on(
        "CreateDBSnapshot",
        200,
        &replies::reply("CreateDBSnapshot", ""),
    );
    let failure = of(&script).update(&there, &wanted, &changed).await.unwrap_err();
    assert_eq!((failure.class, failure.retry_after), (Class::Unfinished, Some(SNAPSHOT_POLL)));
    assert!(script.finish()[1].1.contains("DBSnapshotIdentifier=x-before-18-from-17-6"));
    let script = Script::new().on("DescribeDBSnapshots", 200, &snapshot("creating"));
    assert_eq!(of(&script).update(&there, &wanted, &changed).await.unwrap_err().class, Class::Unfinished);
    let script = Script::new().on("DescribeDBSnapshots", 200, &snapshot("failed"));
    assert_eq!(of(&script).update(&there, &wanted, &changed).await.unwrap_err().class, Class::Invalid);
    let script = Script::new().on("DescribeDBSnapshots", 200, &snapshot("available")).on(
        "ModifyDBInstance",
        200,
        &replies::reply("ModifyDBInstance", ""),
    );
    of(&script).update(&there, &wanted, &changed).await.unwrap();
    let body = &script.finish()[1].1;
    for part in ["EngineVersion=18", "AllowMajorVersionUpgrade=true", "DBParameterGroupName=x-postgres18"] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
}

#[tokio::test]
async fn tags_go_by_the_arn() {
    let script = Script::new().on("RemoveTagsFromResource", 200, &replies::reply("RemoveTagsFromResource", "")).on(
        "AddTagsToResource",
        200,
        &replies::reply("AddTagsToResource", ""),
    );
    let there = Found { outputs: map([("arn", json!("arn:db"))]), ..Found::default() };
    of(&script).tag(&there, &BTreeMap::from([("a".to_owned(), "b".to_owned())]), &["c".to_owned()]).await.unwrap();
    let asked = script.finish();
    assert!(
        asked[0].1.contains("TagKeys.member.1=c")
            && asked[1].1.contains("Tags.Tag.1.Key=a")
            && asked[1].1.contains("ResourceName=arn%3Adb")
    );
}
