//! From development to production in place, and back only with everything written out that it would weaken.

use std::collections::BTreeMap;

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    environment_stage::{ENVIRONMENT, admin, applied, environment, environment_stage},
    stage::{Stage, change, mutations_of, text},
};

/// The lines `  PATH = VALUE    # development: …` of a refusal.
fn listed(said: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let (path, rest) = line.trim().split_once(" = ")?;
        let (value, _) = rest.split_once("    # development:")?;
        Some((path.to_owned(), value.to_owned()))
    };
    said.lines().filter_map(line).collect()
}

/// The same as HCL: `network = { flow_logs = { … } }`.
fn written(listed: &[(String, String)]) -> BTreeMap<String, String> {
    let mut groups: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (path, value) in listed {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        groups.entry(first.to_owned()).or_default().push((rest.to_owned(), value.clone()));
    }
    let of = |(name, inner): (String, Vec<(String, String)>)| match inner.as_slice() {
        [(rest, value)] if rest.is_empty() => (name, value.clone()),
        inner => {
            let lines: String = written(inner).into_iter().map(|(name, value)| format!("  {name} = {value}\n")).collect();
            (name, format!("{{\n{lines}}}"))
        }
    };
    groups.into_iter().map(of).collect()
}

/// The bucket's lifecycle rules and where its access logs go.
fn bucket(world: &World, state: &Value) -> Result<[String; 2], Failure> {
    let name = text(&state["storage"], "bucket");
    Ok([world.s3("GET", &format!("/{name}?lifecycle"), "")?, world.s3("GET", &format!("/{name}?logging"), "")?])
}

#[test]
fn development_becomes_production_in_place_and_goes_back_only_with_everything_written_out() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let development = [("preset", "\"development\""), ("monitoring", "")];
    let first = applied(&stage, &development)?;

    terraform.configure(&environment(world, &[]))?;
    let plan = terraform.plan::<&str>(&[])?.success()?.text();
    let planned = change(terraform, ENVIRONMENT)?;
    assert_eq!(planned.actions, ["update"]);
    let all = terraform.plan_json()?;
    let changes = all["resource_changes"].as_array().into_iter().flatten();
    let after = changes.filter(|change| change["address"] == ENVIRONMENT).map(|change| change["change"]["after"].clone()).next();
    let after = after.unwrap_or_default();
    let shown = |path: &str| after.pointer(path).cloned().unwrap_or_default();
    assert_eq!(
        ["/storage/noncurrent_version_expiration_days", "/storage/access_logging/enabled", "/identity/secret_recovery_window_in_days"]
            .map(shown),
        [json!(90), json!(true), json!(30)]
    );
    // What is replaced, disconnected or waits is said.
    for warning in [
        "Parts of deeploy_environment are replaced",
        "Outgoing connections end when their route moves: network.nat",
        "A standby will be added: database.multi_az",
        "Parameters may wait for a reboot: database.parameters",
    ] {
        assert!(plan.contains(warning), "{warning}: {plan}");
    }
    let (run, mut calls) = mutations_of(world, || terraform.apply_plan())?;
    run.success()?;
    check::empty_plan(terraform)?;
    let production = terraform.attributes(ENVIRONMENT)?;
    // Nothing that was chosen at create moves, and nothing that holds data is another one.
    for path in [
        "/cluster/kubernetes_version",
        "/cluster/effective_node_groups/default/instance_types",
        "/database/instance_class",
        "/database/allocated_storage",
        "/database/resource_id",
        "/network/availability_zones",
        "/network/private_subnet_ids",
        "/network/vpc_id",
        "/encryption/tokens_key_arn",
        "/components/cluster",
        "/components/bucket",
    ] {
        assert_eq!(production.pointer(path), first.pointer(path), "{path}");
    }
    let stronger = |path: &str| production.pointer(path).cloned().unwrap_or_default();
    assert_eq!(stronger("/network/nat"), json!("per_az"));
    assert_eq!((stronger("/database/multi_az"), stronger("/database/deletion_protection")), (json!(true), json!(true)));
    assert_eq!(stronger("/encryption/on_destroy"), json!("retain"));
    calls.retain(|call| call.contains("Delete") || call.contains("Create") || call.contains("Replace") || call.contains("Allocate"));
    calls.sort();
    // The flow log is replaced, the rest is added.
    let expected = [
        "ec2:AllocateAddress",
        "ec2:CreateFlowLogs",
        "ec2:CreateNatGateway",
        "ec2:DeleteFlowLogs",
        "ec2:ReplaceRoute",
        "logs:CreateLogGroup",
        "rds:CreateEventSubscription",
        "rds:CreateEventSubscription",
        "rds:CreateEventSubscription",
        "s3:CreateBucket",
        "sns:CreateTopic",
    ];
    assert_eq!(calls, expected);

    terraform.configure(&environment(world, &[("preset", "\"development\"")]))?;
    let (refused, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    let refused = refused.failure()?;
    assert!(refused.text().contains("The preset would weaken what is in production"), "{}", refused.output());
    assert_eq!(calls, Vec::<String>::new());
    let listed = listed(&refused.output());
    assert_eq!(listed.len(), 29, "{listed:?}");

    let values = [
        ("storage.noncurrent_version_expiration_days", "90"),
        ("storage.access_logging.enabled", "true"),
        ("identity.secret_recovery_window_in_days", "30"),
    ];
    for (path, value) in values {
        assert!(listed.contains(&(path.to_owned(), value.to_owned())), "{path}: {listed:?}");
    }

    // The message as configuration: everything stays as it is in production.
    let mut lines = written(&listed);
    lines.insert("preset".to_owned(), "\"development\"".to_owned());
    let inside = |value: &str, more: &str| format!("{{\n  {more}\n{}", value.trim_start_matches('{'));
    lines.entry("cluster".to_owned()).and_modify(|value| *value = inside(value, &format!("admin_principal_arns = [\"{}\"]", admin(world))));
    lines.entry("monitoring".to_owned()).and_modify(|value| *value = inside(value, "alarm_emails = [\"ops@example.com\"]"));
    let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let stored = bucket(world, &production)?;
    let weak = applied(&stage, &lines)?;
    // What S3 itself says: no older version of an object goes earlier than before.
    assert_eq!(bucket(world, &weak)?, stored);
    assert!(stored[0].contains("<NoncurrentDays>90</NoncurrentDays>") && stored[1].contains("-logs</TargetBucket>"), "{stored:?}");
    assert_eq!(weak["preset"], json!("development"));
    for (path, _) in &listed {
        let pointer = format!("/{}", path.replace('.', "/"));
        assert_eq!(weak.pointer(&pointer), production.pointer(&pointer), "{path}");
    }
    check::no_unsupported_call(world)
}
