//! Settings that somebody changes by hand, all of them at once: each is seen, and one apply sets them all back.

use std::collections::BTreeMap;

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    environments::{ENVIRONMENT, Lines, NAME, components, made, stable},
    stage::{Stage, change, stage, text},
};

fn rds(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    world.query("rds", "2014-10-31", operation, parameters).map(drop)
}

fn ec2(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    world.query("ec2", "2016-11-15", operation, parameters).map(drop)
}

/// Component → settings that `drift` must name.
type Expected = BTreeMap<&'static str, Vec<&'static str>>;

/// The instance, its subnets and its events.
fn database(world: &World, state: &Value, ids: &BTreeMap<String, String>, expected: &mut Expected) -> Result<(), Failure> {
    let instance = [
        ("DBInstanceIdentifier", NAME),
        ("ApplyImmediately", "true"),
        ("MultiAZ", "false"),
        ("BackupRetentionPeriod", "3"),
        ("PubliclyAccessible", "true"),
        ("CopyTagsToSnapshot", "false"),
        ("EnableIAMDatabaseAuthentication", "false"),
        ("EnablePerformanceInsights", "false"),
        ("MonitoringInterval", "0"),
        ("CACertificateIdentifier", "rds-ca-rsa4096-g1"),
        ("VpcSecurityGroupIds.VpcSecurityGroupId.1", ids["node_security_group"].as_str()),
        ("CloudwatchLogsExportConfiguration.DisableLogTypes.member.1", "upgrade"),
    ];
    rds(world, "ModifyDBInstance", &instance)?;
    let settings = vec![
        "ca_certificate_identifier",
        "copy_tags_to_snapshot",
        "iam_database_authentication",
        "monitoring_interval",
        "performance_insights_enabled",
        "publicly_accessible",
        "security_group_ids",
    ];
    expected.insert("database", settings);
    let subnets = state["network"]["database_subnet_ids"].as_array().cloned().unwrap_or_default();
    let two: Vec<&str> = subnets.iter().filter_map(Value::as_str).take(2).collect();
    let group = ids["database_subnet_group"].as_str();
    let fewer = [("DBSubnetGroupName", group), ("SubnetIds.SubnetIdentifier.1", two[0]), ("SubnetIds.SubnetIdentifier.2", two[1])];
    rds(world, "ModifyDBSubnetGroup", &fewer)?;
    expected.insert("database_subnet_group", vec!["subnet_ids"]);
    let deaf =
        [("SubscriptionName", ids["database_events"].as_str()), ("EventCategories.EventCategory.1", "failure"), ("Enabled", "false")];
    rds(world, "ModifyEventSubscription", &deaf)?;
    expected.insert("database_events", vec!["enabled", "event_categories"]);
    Ok(())
}

/// The control plane, a node group, an add-on, who may what.
fn cluster(world: &World, ids: &BTreeMap<String, String>, expected: &mut Expected) -> Result<(), Failure> {
    let tail = |component: &str| ids[component].rsplit(':').next().unwrap_or_default().to_owned();
    for change in [
        json!({ "resourcesVpcConfig": { "endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"] } }),
        json!({ "zonalShiftConfig": { "enabled": false } }),
        json!({ "upgradePolicy": { "supportType": "EXTENDED" } }),
        json!({ "logging": { "clusterLogging": [{ "types": ["audit"], "enabled": false }] } }),
    ] {
        world.eks("POST", &format!("/clusters/{NAME}/update-config"), &change)?;
    }
    expected.insert("cluster", vec!["endpoint_public_access"]);
    let group = format!("/clusters/{NAME}/node-groups/{}/update-config", tail("node_group/default"));
    for change in [
        json!({ "taints": { "addOrUpdateTaints": [{ "key": "a", "value": "b", "effect": "NO_SCHEDULE" }] } }),
        json!({ "nodeRepairConfig": { "enabled": false } }),
    ] {
        world.eks("POST", &group, &change)?;
    }
    expected.insert("node_group/default", vec!["node_repair", "taints"]);
    let entry = format!("arn%3Aaws%3Aiam%3A%3A{}%3Arole%2Fadmin", world.account());
    world.eks("POST", &format!("/clusters/{NAME}/access-entries/{entry}"), &json!({ "kubernetesGroups": ["another"] }))?;
    expected.insert("access_entry/admin", vec!["kubernetes_groups"]);
    Ok(())
}

/// Rights, keys, logs, rules and ways.
fn around(world: &World, state: &Value, ids: &BTreeMap<String, String>, expected: &mut Expected) -> Result<(), Failure> {
    let nodes = ids["node_role"].as_str();
    let boundary = [("RoleName", nodes), ("PermissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess")];
    world.iam("PutRolePermissionsBoundary", &boundary)?;
    expected.insert("node_role", vec!["permissions_boundary"]);

    let key = text(&state["encryption"], "data_key_arn");
    world.kms("DisableKeyRotation", &json!({ "KeyId": key }))?;
    let open = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", world.account()) }, "Action": "kms:*", "Resource": "*" },
    ] });
    world.kms("PutKeyPolicy", &json!({ "KeyId": key, "PolicyName": "default", "Policy": open.to_string() }))?;
    expected.insert("data_key", vec!["enable_key_rotation", "policy"]);
    let log = ids["cluster_log_group"].as_str();
    world.logs("PutRetentionPolicy", &json!({ "logGroupName": log, "retentionInDays": 1 }))?;
    world.logs("DisassociateKmsKey", &json!({ "logGroupName": log }))?;
    expected.insert("cluster_log_group", vec!["kms_key_arn"]);
    let topic = text(&state["monitoring"], "topic_arn");
    let plain = [("TopicArn", topic), ("AttributeName", "KmsMasterKeyId"), ("AttributeValue", "")];
    world.query("sns", "2010-03-31", "SetTopicAttributes", &plain)?;
    expected.insert("topic", vec!["kms_master_key_id"]);
    world.cloudwatch("DisableAlarmActions", &json!({ "AlarmNames": [ids["alarm/node-cpu"]] }))?;
    expected.insert("alarm/node-cpu", vec!["actions_enabled"]);

    let anywhere = |group: &'_ str| -> Result<(), Failure> {
        let rule = [("GroupId", group), ("IpPermissions.1.IpProtocol", "-1"), ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")];
        ec2(world, "AuthorizeSecurityGroupEgress", &rule)
    };
    anywhere(&ids["default_security_group"])?;
    expected.insert("default_security_group", vec!["egress"]);
    let table = ids["private_route_table/euc1-az1"].as_str();
    let route = [("RouteTableId", table), ("DestinationCidrBlock", "0.0.0.0/0"), ("GatewayId", ids["internet_gateway"].as_str())];
    ec2(world, "ReplaceRoute", &route)?;
    expected.insert("private_route/euc1-az1", vec!["nat_gateway_id"]);
    Ok(())
}

#[test]
fn each_setting_is_seen_and_set_back() -> Result<(), Failure> {
    let stage = stage()?;
    let state = made(&stage, &Lines::production(&stage.world))?;
    let Stage { world, terraform } = &stage;
    let ids = components(&stage)?;
    let mut expected = Expected::new();
    database(world, &state, &ids, &mut expected)?;
    cluster(world, &ids, &mut expected)?;
    around(world, &state, &ids, &mut expected)?;

    terraform.plan::<&str>(&[])?.success()?;
    let before = change(terraform, ENVIRONMENT)?.before;
    let drift: BTreeMap<&str, Vec<&str>> = (before["drift"].as_object().into_iter().flatten())
        .map(|(component, names)| (stable(component), names.as_array().into_iter().flatten().filter_map(Value::as_str).collect()))
        .collect();
    let missing: Vec<_> = expected
        .iter()
        .filter(|(component, names)| drift.get(*component).is_none_or(|seen| !names.iter().all(|name| seen.contains(name))))
        .collect();
    assert!(missing.is_empty(), "not seen: {missing:?} of {drift:?}");
    // What has an attribute shows there.
    assert_eq!((&before["database"]["multi_az"], &before["database"]["backup_retention_period"]), (&json!(false), &json!(3)));
    assert_eq!((&before["cluster"]["zonal_shift"], &before["cluster"]["support_type"]), (&json!(false), &json!("EXTENDED")));

    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let after = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&after["status"], &after["drift"]), (&json!("ready"), &json!({})));
    for part in ["network", "cluster", "storage", "encryption", "identity", "monitoring"] {
        assert_eq!(after[part], state[part], "{part}");
    }
    check::no_unsupported_call(world)
}
