//! The forms in which an environment comes: imported, with inputs that are unknown at plan, beside another one and beside granular resources.

use std::collections::BTreeSet;

use acceptance_tests::{Failure, check};
use serde_json::{Value, json};

use super::{
    environment_stage::{ENVIRONMENT, admin, applied, cluster, environment, environment_stage, left, settled},
    stage::{Stage, change, mutations_of},
};

#[test]
fn an_environment_is_imported_by_its_name_and_by_a_block() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let made = applied(&stage, &[("tags", "{ team = \"ml\" }")])?;
    terraform.run(&["state", "rm", ENVIRONMENT])?.success()?;
    let (imported, calls) = mutations_of(world, || terraform.import(ENVIRONMENT, "deeploy-prod"))?;
    imported.success()?;
    assert_eq!((calls, settled(terraform)?), (Vec::<String>::new(), made.clone()));

    // The configuration that Terraform writes is complete as it is, and says the same.
    terraform.run(&["state", "rm", ENVIRONMENT])?.success()?;
    terraform.configure(&format!("import {{\n  to = {ENVIRONMENT}\n  id = \"deeploy-prod\"\n}}\n"))?;
    let planned = terraform.plan(&["-generate-config-out=generated.tf"])?.success()?.text();
    assert!(planned.contains("Plan: 1 to import, 0 to add, 0 to change, 0 to destroy."), "{planned}");
    let (run, calls) = mutations_of(world, || terraform.apply_plan())?;
    run.success()?;
    assert_eq!((calls, settled(terraform)?), (Vec::<String>::new(), made));

    terraform.run(&["state", "rm", ENVIRONMENT])?.success()?;
    terraform.remove(&["generated.tf"])?;
    terraform.configure(&environment(world, &[]))?;
    check::says(&terraform.import(ENVIRONMENT, "deeploy-test")?, "There is no deeploy_environment \"deeploy-test\" in account")?;
    check::no_unsupported_call(world)
}

#[test]
fn an_import_finds_the_groups_of_another_preset_as_they_run() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let groups = cluster(world, "node_groups = { default = {}, arm = { instance_types = [\"m7g.large\"] } }");
    applied(&stage, &[("preset", "\"development\""), ("monitoring", ""), ("cluster", &groups)])?;
    let made = applied(&stage, &[("cluster", &groups)])?;
    let running = made["cluster"]["effective_node_groups"].clone();
    assert_eq!(running["default"]["instance_types"], json!(["t3.large"]));
    assert_eq!(running["arm"]["ami_type"], json!("AL2023_ARM_64_STANDARD"));

    terraform.run(&["state", "rm", ENVIRONMENT])?.success()?;
    terraform.import(ENVIRONMENT, "deeploy-prod")?.success()?;
    assert_eq!(terraform.attributes(ENVIRONMENT)?["cluster"]["effective_node_groups"], running);
    let (run, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    run.success()?;
    assert_eq!((calls, settled(terraform)?), (Vec::<String>::new(), made));
    check::no_unsupported_call(world)
}

/// A value that is known when it is applied.
fn late(name: &str, value: &str) -> String {
    format!("resource \"terraform_data\" \"{name}\" {{\n  input = {value}\n}}\n")
}

#[test]
fn what_is_unknown_at_plan_is_made_by_one_apply() -> Result<(), Failure> {
    let Stage { world, terraform } = &environment_stage()?;
    let bucket = format!("unknown-{}", world.account());
    let values = [
        ("admin", format!("\"{}\"", admin(world))),
        ("preset", "\"production\"".to_owned()),
        ("cidr", "\"10.30.0.0/16\"".to_owned()),
        ("zones", "[\"euc1-az1\", \"euc1-az2\"]".to_owned()),
        ("class", "\"db.r7g.large\"".to_owned()),
        ("retention", "14".to_owned()),
        ("bucket", format!("\"{bucket}\"")),
        ("namespace", "\"models\"".to_owned()),
        ("email", "\"ops@example.com\"".to_owned()),
        ("types", "[\"m7g.xlarge\"]".to_owned()),
        ("nodes", "3".to_owned()),
        ("days", "400".to_owned()),
        ("team", "\"ml\"".to_owned()),
    ];
    let others: String = values.iter().map(|(name, value)| late(name, value)).collect();
    let group = "{ instance_types = terraform_data.types.output, min_size = terraform_data.nodes.output, max_size = 6 }";
    let lines = [
        ("preset", "terraform_data.preset.output"),
        ("network", "{ cidr = terraform_data.cidr.output, availability_zones = terraform_data.zones.output }"),
        ("cluster", &format!("{{ admin_principal_arns = [terraform_data.admin.output], node_groups = {{ main = {group} }} }}")),
        ("database", "{ instance_class = terraform_data.class.output, backup_retention_period = terraform_data.retention.output }"),
        ("storage", "{ bucket = terraform_data.bucket.output }"),
        ("encryption", "{ rotation_period_in_days = terraform_data.days.output }"),
        ("identity", "{ namespace = terraform_data.namespace.output }"),
        ("monitoring", "{ alarm_emails = [terraform_data.email.output] }"),
        ("tags", "{ team = terraform_data.team.output }"),
    ];
    terraform.configure(&format!("{}{others}", environment(world, &lines)))?;
    terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(change(terraform, ENVIRONMENT)?.actions, ["create"]);
    terraform.apply_plan()?.success()?;
    let made = settled(terraform)?;
    for (path, expected) in [
        ("/network/cidr", json!("10.30.0.0/16")),
        ("/network/availability_zones", json!(["euc1-az1", "euc1-az2"])),
        ("/cluster/admin_principal_arns", json!([admin(world)])),
        ("/cluster/effective_node_groups/main/instance_types", json!(["m7g.xlarge"])),
        ("/cluster/effective_node_groups/main/min_size", json!(3)),
        ("/database/instance_class", json!("db.r7g.large")),
        ("/database/backup_retention_period", json!(14)),
        ("/storage/arn", json!(format!("arn:aws:s3:::{bucket}"))),
        ("/encryption/rotation_period_in_days", json!(400)),
        ("/identity/namespace", json!("models")),
        ("/monitoring/unconfirmed_emails", json!(["ops@example.com"])),
        ("/tags_all/team", json!("ml")),
    ] {
        assert_eq!(made.pointer(path), Some(&expected), "{path}");
    }
    check::no_unsupported_call(world)
}

#[test]
fn what_is_chosen_by_an_unknown_input_is_unknown_too() -> Result<(), Failure> {
    let Stage { world, terraform } = &environment_stage()?;
    let others = [late("types", "[\"m7g.large\"]"), late("connections", "\"500\"")].concat();
    let groups = cluster(world, "node_groups = { main = { instance_types = terraform_data.types.output } }");
    let lines = [("cluster", groups.as_str()), ("database", "{ parameters = { max_connections = terraform_data.connections.output } }")];
    terraform.configure(&format!("{}{others}", environment(world, &lines)))?;
    terraform.apply::<&str>(&[])?.success()?;
    let made = settled(terraform)?;
    assert_eq!(made["cluster"]["effective_node_groups"]["main"]["ami_type"], json!("AL2023_ARM_64_STANDARD"));
    assert_eq!(made["monitoring"]["thresholds"]["database-connections"], json!(400));
    check::no_unsupported_call(world)
}

/// A network, a key and a bucket of their own, as a team has them before it meets Deeploy.
const GRANULAR: &str = "resource \"deeploy_network\" \"own\" {\n  name = \"own\"\n  nat  = \"single\"\n}\n
resource \"deeploy_kms_key\" \"own\" {\n  name = \"own\"\n}\n";

/// The environments `blue`, in a network of its own, and `green`, in the team's.
fn blue_and_green(world: &acceptance_tests::World) -> String {
    let cluster = cluster(world, "");
    let existing = ["vpc_id", "private_subnet_ids", "public_subnet_ids", "database_subnet_ids"];
    let existing: String = existing.iter().map(|name| format!("      {name} = deeploy_network.own.{name}\n")).collect();
    let of = |name: &str, more: &str| {
        format!(
            "resource \"deeploy_environment\" \"{name}\" {{\n  name = \"{name}\"\n  preset = \"development\"\n  cluster = {cluster}\n{more}}}\n"
        )
    };
    [
        of("blue", "  network = { cidr = \"10.1.0.0/16\" }\n"),
        of("green", &format!("  network = {{\n    existing = {{\n{existing}    }}\n  }}\n")),
    ]
    .concat()
}

#[test]
fn two_environments_and_what_was_there_before_share_a_state() -> Result<(), Failure> {
    let Stage { world, terraform } = &environment_stage()?;
    let bucket = format!("own-{}", world.account());
    let granular = format!("{GRANULAR}resource \"deeploy_s3_bucket\" \"own\" {{\n  bucket = \"{bucket}\"\n}}\n");
    // One apply from nothing: the network that `green` stands in is unknown when it is planned.
    terraform.configure(&format!("{granular}{}", blue_and_green(world)))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let (blue, green) = (terraform.attributes("deeploy_environment.blue")?, terraform.attributes("deeploy_environment.green")?);
    let own = terraform.attributes("deeploy_network.own")?;
    assert_eq!((&blue["status"], &green["status"]), (&json!("ready"), &json!("ready")));
    let all = |value: &Value| value.as_array().into_iter().flatten().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(green["network"]["vpc_id"], own["vpc_id"]);
    for name in ["private_subnet_ids", "database_subnet_ids"] {
        assert_eq!(all(&green["network"][name]), all(&own[name]), "{name}");
    }
    assert_ne!(blue["network"]["vpc_id"], own["vpc_id"]);
    assert_eq!(world.objects_of("eks:cluster")?.len(), 2);
    let marked = |owner: &str| -> Result<Vec<Value>, Failure> {
        Ok(world.objects()?.into_iter().filter(|object| object["tags"]["deeploy:owner"] == json!(owner)).collect())
    };
    let networks = marked("deeploy_network/own")?;
    assert!(networks.len() > 10, "{networks:?}");

    // `green` goes: `blue` and what was there before lose nothing, and are as they were found.
    let blues = marked("deeploy_environment/blue")?.len();
    terraform.configure(&format!(
        "{granular}{}",
        blue_and_green(world).split("resource \"deeploy_environment\" \"green\"").next().unwrap_or_default()
    ))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!((marked("deeploy_network/own")?, marked("deeploy_environment/blue")?.len()), (networks, blues));

    terraform.configure(&granular)?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let ours = left(world)?;
    let of_environments: Vec<&String> = ours.iter().filter(|each| each.contains("blue") || each.contains("green")).collect();
    assert_eq!(of_environments, Vec::<&String>::new());
    assert_eq!(ours.iter().filter(|each| each.ends_with("PendingDeletion")).count(), 4, "{ours:?}");
    check::no_unsupported_call(world)
}

/// Nodes join through endpoints alone; without these they would wait in vain.
#[test]
fn without_a_way_out_everything_goes_through_endpoints() -> Result<(), Failure> {
    let stage = environment_stage()?;
    let Stage { world, terraform } = &stage;
    let endpoints =
        r#"["autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs", "monitoring", "sts"]"#;
    let network = format!("{{ cidr = \"10.20.0.0/16\", nat = \"none\", interface_endpoints = {endpoints} }}");
    let made = applied(&stage, &[("preset", "\"development\""), ("monitoring", ""), ("network", network.as_str())])?;
    assert_eq!((&made["status"], &made["network"]["nat_public_ips"]), (&json!("ready"), &json!([])));
    let groups = world.objects_of("eks:nodegroup")?;
    assert!(groups.len() == 1 && groups[0]["state"] == "ACTIVE", "{groups:?}");
    assert!(world.objects_of("ec2:nat_gateway")?.is_empty());
    let from =
        json!({ "security_groups": [made["cluster"]["node_security_group_id"]], "subnet_id": made["network"]["private_subnet_ids"][0] });
    let out = json!({ "from": from, "to": { "address": "198.51.100.7" }, "port": 443, "protocol": "tcp" });
    assert_eq!(world.ask("reach", &out)?["allowed"], false, "nothing leads out");
    terraform.destroy::<&str>(&[])?.success()?;
    check::no_unsupported_call(world)
}
