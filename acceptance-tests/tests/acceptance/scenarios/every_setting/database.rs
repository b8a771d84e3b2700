//! RDS's objects.

use std::{thread, time::Duration};

use acceptance_tests::Failure;
use serde_json::Value;

use super::{Case, Hand, NO_CALL, account::other_topic, by, never};

/// Between two looks at what isn't available yet, and how many.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 100;

pub(super) const CASES: &[Case] = &[
    by(0, "rds_instance", &["auto_minor_version_upgrade"], |hand, _| modify(hand, &[("AutoMinorVersionUpgrade", "false")])),
    by(0, "rds_instance", &["backup_retention_period"], |hand, _| modify(hand, &[("BackupRetentionPeriod", "3")])),
    by(0, "rds_instance", &["backup_window"], |hand, _| modify(hand, &[("PreferredBackupWindow", "05:00-06:00")])),
    by(0, "rds_instance", &["ca_certificate_identifier"], |hand, _| modify(hand, &[("CACertificateIdentifier", "rds-ca-rsa4096-g1")])),
    by(0, "rds_instance", &["copy_tags_to_snapshot"], |hand, _| modify(hand, &[("CopyTagsToSnapshot", "false")])),
    by(0, "rds_instance", &["deletion_protection"], |hand, _| modify(hand, &[("DeletionProtection", "true")])),
    by(0, "rds_instance", &["enabled_cloudwatch_logs_exports"], |hand, _| {
        modify(hand, &[("CloudwatchLogsExportConfiguration.DisableLogTypes.member.1", "upgrade")])
    }),
    by(0, "rds_instance", &["engine_lifecycle_support"], |hand, _| {
        modify(hand, &[("EngineLifecycleSupport", "open-source-rds-extended-support")])
    }),
    by(0, "rds_instance", &["iam_database_authentication"], |hand, _| modify(hand, &[("EnableIAMDatabaseAuthentication", "false")])),
    by(0, "rds_instance", &["instance_class"], |hand, _| modify(hand, &[("DBInstanceClass", "db.m7g.xlarge")])),
    by(0, "rds_instance", &["maintenance_window"], |hand, _| modify(hand, &[("PreferredMaintenanceWindow", "mon:07:30-mon:08:30")])),
    by(0, "rds_instance", &["max_allocated_storage"], |hand, _| modify(hand, &[("MaxAllocatedStorage", "2000")])),
    by(0, "rds_instance", &["multi_az"], |hand, _| modify(hand, &[("MultiAZ", "false")])),
    by(0, "rds_instance", &["publicly_accessible"], |hand, _| modify(hand, &[("PubliclyAccessible", "true")])),
    by(0, "rds_instance", &["security_group_ids"], |hand, _| {
        modify(hand, &[("VpcSecurityGroupIds.VpcSecurityGroupId.1", hand.id("node_security_group"))])
    }),
    by(0, "rds_instance", &["database_insights_mode", "performance_insights_retention_period"], |hand, _| {
        modify(hand, &[("DatabaseInsightsMode", "advanced"), ("PerformanceInsightsRetentionPeriod", "465")])
    }),
    by(0, "rds_instance", &["monitoring_interval"], |hand, _| modify(hand, &[("MonitoringInterval", "30")])),
    by(1, "rds_instance", &["monitoring_role_arn"], another_monitoring_role),
    by(1, "rds_instance", &["parameter_group"], |hand, _| modify(hand, &[("DBParameterGroupName", "default.postgres17")])),
    by(1, "rds_instance", &["performance_insights_enabled"], |hand, _| modify(hand, &[("EnablePerformanceInsights", "false")]))
        .with(&[("database", "performance_insights_retention_period")]),
    by(1, "rds_instance", &["port"], |hand, _| modify(hand, &[("DBPortNumber", "5433")])),
    by(1, "rds_instance", &["storage_type"], |hand, _| modify(hand, &[("StorageType", "gp2")])),
    by(2, "rds_instance", &["manage_master_user_password", "master_user_secret_kms_key_arn"], |hand, _| {
        modify(hand, &[("ManageMasterUserPassword", "false"), ("MasterUserPassword", "somebody-knows-it")])
    }),
    never("rds_instance", &["allocated_storage"], "it only grows, and what AWS has grown is no drift: allocated_storage_actual"),
    never("rds_instance", &["engine_version"], "it only rises, and what AWS has upgraded is no drift: engine_version_actual"),
    never("rds_instance", &["engine", "identifier", "storage_encrypted", "subnet_group"], NO_CALL),
    by(0, "rds_event_subscription", &["enabled", "sns_topic_arn"], |hand, subscription| {
        let topic = other_topic(hand)?;
        let other = [("SubscriptionName", hand.id(subscription)), ("Enabled", "false"), ("SnsTopicArn", topic.as_str())];
        rds(hand, "ModifyEventSubscription", &other)
    }),
    by(0, "rds_event_subscription", &["event_categories"], |hand, subscription| {
        let other = [("SubscriptionName", hand.id(subscription)), ("EventCategories.EventCategory.1", "failure")];
        rds(hand, "ModifyEventSubscription", &other)
    })
    .except("database_events/parameter_groups", "there is only one category"),
    by(1, "rds_event_subscription", &["source_ids"], |hand, subscription| {
        let (operation, source) = if subscription == "database_events" {
            ("RemoveSourceIdentifierFromSubscription", hand.id("database"))
        } else {
            ("AddSourceIdentifierToSubscription", hand.id("database_parameter_group/postgres17"))
        };
        rds(hand, operation, &[("SubscriptionName", hand.id(subscription)), ("SourceIdentifier", source)])
    })
    .except("database_events/security_groups", "there are no such groups outside of EC2-Classic, and so none to name"),
    by(2, "rds_event_subscription", &["source_type"], |hand, subscription| {
        rds(hand, "ModifyEventSubscription", &[("SubscriptionName", hand.id(subscription)), ("SourceType", "db-snapshot")])
    })
    // Of another type there are other sources and categories.
    .with(&[
        ("database_events", "event_categories"),
        ("database_events", "source_ids"),
        ("database_events/parameter_groups", "event_categories"),
        ("database_events/security_groups", "event_categories"),
    ]),
    never("rds_event_subscription", &["name"], NO_CALL),
    by(0, "rds_parameter_group", &["parameters"], |hand, group| {
        let parameter = [
            ("DBParameterGroupName", hand.id(group)),
            ("Parameters.Parameter.1.ParameterName", "rds.force_ssl"),
            ("Parameters.Parameter.1.ParameterValue", "0"),
            ("Parameters.Parameter.1.ApplyMethod", "immediate"),
        ];
        rds(hand, "ModifyDBParameterGroup", &parameter)
    }),
    never("rds_parameter_group", &["description", "family", "name"], NO_CALL),
    by(0, "rds_subnet_group", &["description", "subnet_ids"], |hand, group| {
        let subnets: Vec<&str> =
            hand.state["network"]["database_subnet_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).take(2).collect();
        let fewer = [
            ("DBSubnetGroupName", hand.id(group)),
            ("DBSubnetGroupDescription", "somebody's"),
            ("SubnetIds.SubnetIdentifier.1", subnets[0]),
            ("SubnetIds.SubnetIdentifier.2", subnets[1]),
        ];
        rds(hand, "ModifyDBSubnetGroup", &fewer)
    }),
    never("rds_subnet_group", &["name"], NO_CALL),
];

fn rds(hand: &Hand<'_>, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    hand.world.query("rds", "2014-10-31", operation, parameters).map(drop)
}

fn modify(hand: &Hand<'_>, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    let instance = [("DBInstanceIdentifier", hand.id("database")), ("ApplyImmediately", "true")];
    // What was changed before may still be on its way, and RDS takes one change at a time.
    for _ in 0..LOOKS {
        let found = hand.world.query("rds", "2014-10-31", "DescribeDBInstances", &instance[..1])?;
        if found.contains("<DBInstanceStatus>available<") {
            break;
        }
        thread::sleep(LOOK);
    }
    rds(hand, "ModifyDBInstance", &[&instance, parameters].concat())
}

fn another_monitoring_role(hand: &Hand<'_>, _: &str) -> Result<(), Failure> {
    let trust = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\
                 \"Principal\":{\"Service\":\"monitoring.rds.amazonaws.com\"}}]}";
    hand.world.iam("CreateRole", &[("RoleName", "somebodys"), ("AssumeRolePolicyDocument", trust)])?;
    let enhanced = [("RoleName", "somebodys"), ("PolicyArn", "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole")];
    hand.world.iam("AttachRolePolicy", &enhanced)?;
    let arn = format!("arn:aws:iam::{}:role/somebodys", hand.world.account());
    modify(hand, &[("MonitoringInterval", "60"), ("MonitoringRoleArn", &arn)])
}
