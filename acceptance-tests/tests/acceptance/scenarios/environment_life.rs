//! Both presets from the first apply to what a destroy leaves.

use std::collections::BTreeSet;

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    environment_stage::{ENVIRONMENT, applied, cluster, environment, environment_stage, id_of, left, settled},
    stage::{Stage, change, mutations_of, text},
};

/// Needs no right.
const WHO_AM_I: &str = "sts:GetCallerIdentity";

/// The computed attributes that every environment tells.
const COMPUTED: [&str; 33] = [
    "/id",
    "/network/vpc_id",
    "/network/private_subnet_ids",
    "/network/public_subnet_ids",
    "/network/database_subnet_ids",
    "/network/control_plane_subnet_ids",
    "/network/s3_endpoint_id",
    "/network/nat_public_ips",
    "/cluster/name",
    "/cluster/arn",
    "/cluster/endpoint",
    "/cluster/certificate_authority_data",
    "/cluster/version",
    "/cluster/oidc_issuer_url",
    "/cluster/oidc_provider_arn",
    "/cluster/node_security_group_id",
    "/cluster/autoscaler_role_arn",
    "/database/identifier",
    "/database/arn",
    "/database/endpoint",
    "/database/port",
    "/database/resource_id",
    "/database/master_secret_arn",
    "/database/security_group_id",
    "/database/engine_version_actual",
    "/database/pending_changes",
    "/storage/arn",
    "/storage/regional_domain_name",
    "/encryption/tokens_key_arn",
    "/encryption/data_key_arn",
    "/identity/role_arn",
    "/monitoring/unconfirmed_emails",
    "/waived_controls",
];

fn is_told(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null() && value != &json!(""))
}

/// Every object with our tags stands in `components`, and everything in `components` is there.
fn components_are_complete(Stage { world, .. }: &Stage, made: &Value) -> Result<(), Failure> {
    let objects = world.objects()?;
    let in_state: BTreeSet<&str> = made["components"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let component = |object: &&Value| object["tags"]["deeploy:component"].is_string() && object["managed"] != json!(true);
    let tagged: Vec<&Value> = objects.iter().filter(component).collect();
    assert!(tagged.len() > 50, "{}", tagged.len());
    for object in tagged {
        let (component, owner) = (text(&object["tags"], "deeploy:component"), text(&object["tags"], "deeploy:owner"));
        assert!(in_state.contains(component), "{component} is not in {in_state:?}");
        assert_eq!(owner, format!("deeploy_environment/{}", text(made, "name")), "{object}");
    }
    Ok(())
}

/// Nothing was called that the components don't list.
fn rights_are_listed(world: &World) -> Result<(), Failure> {
    const LISTED: &str = include_str!("../../../../src/components/actions.txt");
    let listed: BTreeSet<&str> = LISTED.lines().collect();
    let calls = world.calls()?;
    let needed: BTreeSet<&str> =
        calls.iter().flat_map(|call| call["actions"].as_array().into_iter().flatten()).filter_map(Value::as_str).collect();
    assert!(needed.len() > 150, "{needed:?}");
    let missing: Vec<&&str> = needed.iter().filter(|action| !listed.contains(*action) && **action != WHO_AM_I).collect();
    assert!(missing.is_empty(), "{missing:?}");
    Ok(())
}

#[test]
fn production_is_complete_guarded_and_leaves_what_its_last_message_lists() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let made = applied(&stage, &[])?;
    let missing: Vec<&&str> = COMPUTED.iter().filter(|path| !is_told(made.pointer(path))).collect();
    assert!(missing.is_empty() && is_told(made.pointer("/monitoring/topic_arn")), "{missing:?} of {made}");
    assert_eq!((&made["network"]["nat"], made["network"]["nat_public_ips"].as_array().map(Vec::len)), (&json!("per_az"), Some(3)));
    let waived: Vec<&String> = made["waived_controls"].as_object().into_iter().flatten().map(|(control, _)| control).collect();
    let expected = [
        "AutoScaling.6",
        "EC2.10",
        "EC2.17",
        "EC2.55",
        "EC2.56",
        "EC2.57",
        "EC2.58",
        "EC2.60",
        "RDS.23",
        "RDS.26",
        "S3.11",
        "S3.15",
        "S3.17",
        "S3.20",
        "S3.7",
    ];
    assert_eq!(waived.into_iter().collect::<BTreeSet<_>>(), expected.map(str::to_owned).iter().collect());
    components_are_complete(&stage, &made)?;

    let (refused, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    let refused = refused.failure()?.text();
    assert_eq!(refused.matches("must not be destroyed").count(), 1, "all guards in one error: {refused}");
    for guard in ["Set cluster.deletion_protection = false", "Set database.deletion_protection = false"] {
        assert!(refused.contains(guard), "{guard}: {refused}");
    }
    assert_eq!(calls, Vec::<String>::new());

    // It stays guarded when parts of it are gone.
    let alarm = text(&made["components"], "alarm/node-cpu").to_owned();
    world.cloudwatch("DeleteAlarms", &json!({ "AlarmNames": [alarm] }))?;
    let (refused, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    check::says(&refused.failure()?, "Set database.deletion_protection = false")?;
    assert_eq!(calls, Vec::<String>::new());
    terraform.apply(&["-refresh-only"])?.success()?;
    let degraded = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&degraded["status"], &degraded["drift"]), (&json!("degraded"), &json!({ "alarm/node-cpu": ["absent"] })));

    let open = cluster(world, "deletion_protection = false");
    let lines = [("cluster", open.as_str()), ("database", "{ deletion_protection = false }")];
    terraform.configure(&environment(world, &lines))?;
    let (run, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    run.success()?;
    assert_eq!(
        calls.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["cloudwatch:PutMetricAlarm", "eks:UpdateClusterConfig", "rds:ModifyDBInstance", "ssm:PutParameter"])
    );

    let destroyed = terraform.destroy::<&str>(&[])?.success()?;
    rights_are_listed(world)?;
    let (tokens, data) = (id_of(&made["encryption"]["tokens_key_arn"]), id_of(&made["encryption"]["data_key_arn"]));
    let logs = format!("{}-logs", text(&made["storage"], "bucket"));
    let left = left(world)?;
    let found = |start: &str| left.iter().find(|each| each.starts_with(start)).cloned().unwrap_or_default();
    let (snapshot, backup) = (found("rds:snapshot deeploy-prod-final-"), found("rds:automated_backup "));
    let mut expected = vec![
        "kms:alias alias/deeploy/deeploy-prod/data".to_owned(),
        "kms:alias alias/deeploy/deeploy-prod/tokens".to_owned(),
        format!("kms:key {tokens} Enabled"),
        format!("kms:key {data} Enabled"),
        format!("s3:bucket {logs} Enabled"),
        snapshot.clone(),
        backup,
    ];
    expected.sort();
    assert_eq!(left, expected);

    // Each of them is named, with what it costs.
    let said = destroyed.text();
    let snapshot = snapshot.split(' ').nth(1).unwrap_or_default();
    let resource_id = text(&made["database"], "resource_id");
    for part in [
        "deeploy_environment \"deeploy-prod\" is destroyed, and this remains",
        &format!("`tokens_key` {tokens}: kept"),
        &format!("`data_key` {data}: kept"),
        &format!("`log_bucket` {logs}: kept with the access logs"),
        &format!("the final snapshot {snapshot}, until you delete it"),
        &format!("make the resource again with database.snapshot_identifier = \"{snapshot}\""),
        &format!("the automated backups of {resource_id}"),
        "Cost: per key and month (AWS KMS pricing)",
        "Cost: storage per GiB and month (Amazon S3 pricing)",
        "Cost: backup storage per GiB and month (Amazon RDS pricing)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    check::no_unsupported_call(world)
}

#[test]
fn development_is_lighter_and_its_keys_are_taken_back() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let lines = [("preset", "\"development\""), ("monitoring", "")];
    let made = applied(&stage, &lines)?;
    let missing: Vec<&&str> = COMPUTED.iter().filter(|path| !is_told(made.pointer(path))).collect();
    assert!(missing.is_empty() && made["monitoring"]["topic_arn"].is_null(), "{missing:?} of {made}");
    assert_eq!((&made["network"]["nat"], made["network"]["nat_public_ips"].as_array().map(Vec::len)), (&json!("single"), Some(1)));
    components_are_complete(&stage, &made)?;

    let destroyed = terraform.destroy::<&str>(&[])?.success()?.text();
    let keys = [id_of(&made["encryption"]["tokens_key_arn"]), id_of(&made["encryption"]["data_key_arn"])];
    let mut expected = keys.clone().map(|key| format!("kms:key {key} PendingDeletion"));
    expected.sort();
    assert_eq!(left(world)?, expected);
    assert!(keys.iter().all(|key| destroyed.contains(&format!("KMS key {key}, which AWS deletes on"))), "{destroyed}");

    let again = applied(&stage, &lines)?;
    assert_eq!(again["encryption"], made["encryption"]);
    assert_ne!(again["network"]["vpc_id"], made["network"]["vpc_id"]);
    assert_eq!(world.objects_of("kms:key")?.len(), 2);
    terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(left(world)?, expected);
    check::no_unsupported_call(world)
}

/// The attributes that the last plan knows only after the apply.
fn unknown(terraform: &acceptance_tests::Terraform) -> Result<Vec<String>, Failure> {
    fn leaves(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Bool(true) => found.push(at.trim_start_matches('.').to_owned()),
            Value::Object(fields) => fields.iter().for_each(|(name, field)| leaves(&format!("{at}.{name}"), field, found)),
            _ => {}
        }
    }
    let plan = terraform.plan_json()?;
    let mut found = Vec::new();
    for change in plan["resource_changes"].as_array().into_iter().flatten().filter(|change| change["address"] == ENVIRONMENT) {
        leaves("", &change["change"]["after_unknown"], &mut found);
    }
    Ok(found)
}

#[test]
fn a_target_a_plan_without_refresh_and_a_record_that_vanished() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let development = [("preset", "\"development\""), ("monitoring", "")];
    let beside = "resource \"deeploy_kms_key\" \"beside\" {\n  name = \"beside\"\n}\n";
    let both = |lines: &[(&str, &str)]| format!("{}{beside}", environment(world, lines));
    terraform.configure(&both(&development))?;
    terraform.apply(&["-target=deeploy_environment.this"])?.success()?;
    assert_eq!(world.objects_of("kms:key")?.len(), 2);
    let made = terraform.attributes(ENVIRONMENT)?;
    terraform.apply::<&str>(&[])?.success()?;
    assert_eq!((world.objects_of("kms:key")?.len(), settled(terraform)?), (3, made.clone()));

    // Without a refresh only what the plan looks up is asked for, and the change is the same.
    let tagged = [("preset", "\"development\""), ("monitoring", ""), ("tags", "{ team = \"ml\" }")];
    terraform.configure(&both(&tagged))?;
    let before = world.calls()?.len();
    terraform.plan(&["-refresh=false"])?.success()?;
    let asked: BTreeSet<String> =
        world.calls()?.iter().skip(before).map(|call| format!("{}:{}", text(call, "service"), text(call, "operation"))).collect();
    assert_eq!(asked, BTreeSet::from(["eks:DescribeClusterVersions", "sts:GetCallerIdentity"].map(str::to_owned)));
    let planned = change(terraform, ENVIRONMENT)?;
    assert_eq!((planned.actions, planned.attributes), (vec!["update".to_owned()], vec!["tags".to_owned(), "tags_all".to_owned()]));
    terraform.apply(&["-refresh=false"])?.success()?;
    let tagged = settled(terraform)?;
    assert_eq!(tagged["components"], made["components"]);

    // The record holds no data: it is written anew, and nothing else.
    world.ssm("DeleteParameter", &json!({ "Name": "/deeploy/environment/deeploy-prod" }))?;
    terraform.plan::<&str>(&[])?.success()?;
    let planned = change(terraform, ENVIRONMENT)?;
    assert_eq!((planned.actions, &planned.before["drift"]), (vec!["update".to_owned()], &json!({ "record": ["absent"] })));
    assert_eq!(unknown(terraform)?, ["claim", "status"]);
    let (run, calls) = mutations_of(world, || terraform.apply_plan())?;
    run.success()?;
    assert_eq!(calls, ["ssm:PutParameter", "ssm:RemoveTagsFromResource", "ssm:AddTagsToResource"]);
    let mut again = settled(terraform)?;
    again["claim"] = tagged["claim"].clone();
    assert_eq!(again, tagged);
    check::no_unsupported_call(world)
}
