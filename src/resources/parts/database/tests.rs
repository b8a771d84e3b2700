#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tf_provider::{Diagnostic, Set};

use super::*;
use crate::{
    components::{Offer, Snapshot, Version},
    graph::{Found, Input, Node, link},
    policies::frankfurt,
    presets::fill,
};

fn database(preset: Preset, changes: &[(&str, Value)]) -> Database {
    let mut filled = fill(&Database::attributes(), &Value::Null, &Value::Null, Some(preset));
    filled.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut model = Database::from_value(&Value::Map(filled), &Path::root()).unwrap();
    derive(&mut model, Some(preset));
    model
}

fn links() -> Links {
    Links {
        name: "Deeploy-Prod".to_owned(),
        vpc_id: Input::Output("vpc".into(), "id".to_owned()),
        database_subnet_ids: Input::from(json!([link("database_subnet/euc1-az1", "id"), link("database_subnet/euc1-az2", "id")])),
        node_security_group_id: Input::Output("node_security_group".into(), "id".to_owned()),
        data_key_arn: Input::Output("data_key".into(), "arn".to_owned()),
        topic_arn: Some(Input::Output("topic".into(), "arn".to_owned())),
        permissions_boundary: Input::Known(json!("")),
        iam_path: Input::Known(json!("/deeploy/")),
        prefix: "database.",
    }
}

fn node<'a>(nodes: &'a [Node], id: &str) -> &'a Node {
    nodes.iter().find(|node| node.id.0 == id).unwrap()
}

fn value(node: &Node, setting: &str) -> Json {
    match &node.settings[setting].value {
        Input::Known(value) | Input::Template(value) => value.clone(),
        Input::Output(component, output) => json!(format!("{component}.{output}")),
        Input::Unknown => json!("unknown"),
    }
}

#[test]
fn components_have_these_ids() {
    let nodes = nodes(&database(Preset::Production, &[]), &links(), &frankfurt());
    let ids: Vec<String> = nodes.iter().map(|node| if node.absent { format!("- {}", node.id) } else { node.id.0.clone() }).collect();
    let expected = [
        "database_subnet_group",
        "database_security_group",
        "database_security_group_rules",
        "database_monitoring_role",
        "database_log_group/postgresql",
        "database_log_group/upgrade",
        "database_parameter_group/postgres17",
        "- database_parameter_group/postgres16",
        "- database_parameter_group/postgres15",
        "- database_parameter_group/postgres14",
        "database",
        "database_events",
        "database_events/parameter_groups",
        "database_events/security_groups",
    ];
    assert_eq!(ids, expected);
    let quiet = Links { topic_arn: None, ..links() };
    let nodes = super::nodes(&database(Preset::Development, &[]), &quiet, &frankfurt());
    let absent: Vec<&str> = nodes.iter().filter(|node| node.absent).map(|node| node.id.0.as_str()).collect();
    assert!(absent.contains(&"database_log_group/upgrade") && absent.contains(&"database_events"), "{absent:?}");
}

#[test]
fn edges_lead_to_parts_and_to_what_is_there() {
    let nodes = nodes(&database(Preset::Production, &[]), &links(), &frankfurt());
    let others = ["vpc", "database_subnet/euc1-az1", "database_subnet/euc1-az2", "node_security_group", "data_key", "topic"];
    for node in &nodes {
        let takes = node.settings.values().flat_map(|setting| setting.value.takes()).chain(node.after.clone());
        for from in takes {
            assert!(nodes.iter().any(|other| other.id == from) || others.contains(&from.0.as_str()), "{} takes {from}", node.id);
        }
    }
    let before = |id: &str| {
        let instance = node(&nodes, "database");
        instance.after.iter().any(|after| after.0 == id)
            || instance.settings.values().any(|setting| setting.value.takes().contains(&id.into()))
    };
    for id in [
        "database_subnet_group",
        "database_security_group",
        "database_parameter_group/postgres17",
        "database_parameter_group/postgres16",
        "database_log_group/postgresql",
        "database_log_group/upgrade",
        "database_monitoring_role",
        "data_key",
    ] {
        assert!(before(id), "{id}");
    }
}

#[test]
fn production_is_what_best_practice_says() {
    let nodes = nodes(&database(Preset::Production, &[]), &links(), &frankfurt());
    let instance = node(&nodes, "database");
    assert!(instance.stateful && !instance.claim);
    for (name, expected) in [
        ("identifier", json!("deeploy-prod")),
        ("engine_version", json!("17")),
        ("instance_class", json!("db.m7g.large")),
        ("allocated_storage", json!(100)),
        ("max_allocated_storage", json!(1000)),
        ("storage_type", json!("gp3")),
        ("storage_encrypted", json!(true)),
        ("kms_key_arn", json!("data_key.arn")),
        ("multi_az", json!(true)),
        ("publicly_accessible", json!(false)),
        ("port", json!(5432)),
        ("backup_retention_period", json!(30)),
        ("apply_immediately", json!(false)),
        ("auto_minor_version_upgrade", json!(true)),
        ("copy_tags_to_snapshot", json!(true)),
        ("iam_database_authentication", json!(true)),
        ("master_username", json!("deeploy_admin")),
        ("master_user_secret_kms_key_arn", json!("data_key.arn")),
        ("monitoring_interval", json!(60)),
        ("performance_insights_enabled", json!(true)),
        ("enabled_cloudwatch_logs_exports", json!(["postgresql", "upgrade"])),
        ("deletion_protection", json!(true)),
        ("final_snapshot", json!(true)),
        ("delete_automated_backups", json!(false)),
        ("parameter_group", json!("database_parameter_group/postgres17.name")),
    ] {
        assert_eq!(value(instance, name), expected, "{name}");
    }
    assert!(["deletion_protection", "final_snapshot", "delete_automated_backups"].iter().all(|name| instance.settings[*name].seal));
    let parameters = value(node(&nodes, "database_parameter_group/postgres17"), "parameters");
    for (name, expected) in
        [("rds.force_ssl", "1"), ("password_encryption", "scram-sha-256"), ("log_min_duration_statement", "1000"), ("log_statement", "ddl")]
    {
        assert_eq!(parameters[name], json!(expected), "{name}");
    }
    assert_eq!(value(node(&nodes, "database_log_group/postgresql"), "retention_in_days"), json!(365));
    assert_eq!(value(node(&nodes, "database_log_group/postgresql"), "name"), json!("/aws/rds/instance/deeploy-prod/postgresql"));
}

#[test]
fn only_the_nodes_and_the_allowed_come_in() {
    let rules =
        |model: &Database, links: &Links| value(node(&nodes(model, links, &frankfurt()), "database_security_group_rules"), "ingress");
    let nodes_only = rules(&database(Preset::Production, &[]), &links());
    let from = link("node_security_group", "id");
    let rule = |group: &str, description: &str| json!({"protocol": "tcp", "from_port": 5432, "to_port": 5432, "referenced_security_group_id": group, "description": description});
    assert_eq!(nodes_only, json!([rule(&from, "PostgreSQL from the nodes")]));
    let allowed = database(Preset::Production, &[("allowed_security_group_ids", Value::List(vec!["sg-2".into()]))]);
    let both = rules(&allowed, &Links { node_security_group_id: Input::Known(json!("sg-1")), ..links() });
    assert_eq!(both, json!([rule("sg-1", "PostgreSQL from the nodes"), rule("sg-2", "PostgreSQL from an allowed group")]));
    assert_eq!(
        rules(&database(Preset::Production, &[]), &Links { node_security_group_id: Input::Known(Json::Null), ..links() }),
        json!([])
    );
    let unknown = database(Preset::Production, &[("allowed_security_group_ids", Value::Unknown)]);
    assert_eq!(rules(&unknown, &links()), json!("unknown"), "nothing is revoked before it is known who is allowed");
}

#[test]
fn the_users_parameters_go_over_the_presets() {
    let user = Value::Map(BTreeMap::from([
        ("log_statement".to_owned(), "all".into()),
        ("work_mem".to_owned(), "8192".into()),
        ("log_lock_waits".to_owned(), Value::Null),
    ]));
    let model = database(Preset::Development, &[("parameters", user)]);
    let all = model.effective_parameters.known().unwrap();
    let get = |name: &str| all.get(name).and_then(Attr::as_str);
    assert_eq!((get("log_statement"), get("work_mem"), get("log_min_duration_statement")), (Some("all"), Some("8192"), Some("500")));
    assert!(!all.contains_key("log_lock_waits"));
    assert!(parameters(&model, None).is_unknown());
}

#[test]
fn a_restored_database_keeps_its_master_user() {
    let model = database(Preset::Production, &[("snapshot_identifier", "x-final-20261127223005".into())]);
    let nodes = nodes(&model, &links(), &frankfurt());
    assert_eq!(value(node(&nodes, "database"), "master_username"), Json::Null);
    assert_eq!(value(node(&nodes, "database"), "snapshot_identifier"), json!("x-final-20261127223005"));
}

fn texts(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(|found| format!("{}: {}", found.path, found.summary)).collect()
}

/// A database that stands.
fn standing(changes: &[(&str, Value)]) -> Database {
    Database {
        identifier: Attr::Known("deeploy-prod".to_owned()),
        engine_version_actual: Attr::Known("17.6".to_owned()),
        pending_changes: Attr::Known(BTreeMap::new()),
        ..database(Preset::Production, changes)
    }
}

#[test]
fn what_aws_can_not_change_is_told_at_its_attribute() {
    let at = Path::of("database");
    let refused = |changes: &[(&str, Value)]| texts(&check_change(&standing(changes), Some(&standing(&[])), None, &at));
    assert_eq!(refused(&[("allocated_storage", 80.into())]), ["database.allocated_storage: Storage can't shrink"]);
    assert_eq!(refused(&[("engine_version", "16".into())]), ["database.engine_version: A version can't be taken back"]);
    assert_eq!(refused(&[("engine_version", "18".into())]), ["database.engine_version: A major upgrade that nobody allowed"]);
    assert_eq!(refused(&[("engine_version", "18".into()), ("allow_major_version_upgrade", true.into())]), [""; 0]);
    assert_eq!(refused(&[("engine_version", "17.4".into())]), [""; 0], "AWS raised it to 17.6");
    assert_eq!(refused(&[("allocated_storage", 200.into())]), [""; 0]);
}

#[test]
fn what_is_restarted_or_disconnected_is_warned_of() {
    let group = |ids: &[&str]| Value::List(ids.iter().map(|id| Value::from(*id)).collect());
    let warned =
        |before: &[(&str, Value)], after: &[(&str, Value)]| texts(&warnings(&standing(after), Some(&standing(before)), &Path::root()));
    for (attribute, value) in [
        ("instance_class", Value::from("db.m7g.xlarge")),
        ("engine_version", "17.7".into()),
        ("engine_version", "18".into()),
        ("allocated_storage", 200.into()),
        ("multi_az", false.into()),
        ("snapshot_identifier", "x".into()),
    ] {
        let found = warned(&[], &[(attribute, value)]);
        assert!(found.len() == 1 && found[0].starts_with(attribute), "{attribute} {found:?}");
    }
    assert_eq!(warned(&[], &[("engine_version", "16".into())]), [""; 0], "it is refused, and no upgrade");
    assert_eq!(
        warned(&[("allowed_security_group_ids", group(&["sg-1", "sg-2"]))], &[("allowed_security_group_ids", group(&["sg-2"]))]),
        ["allowed_security_group_ids: Some lose the database"]
    );
    let parameters = Value::Map(BTreeMap::from([("work_mem".to_owned(), "8192".into())]));
    assert_eq!(warned(&[], &[("parameters", parameters)]), ["parameters: Parameters may wait for a reboot"]);
    assert_eq!(warned(&[], &[]), [""; 0]);
    assert_eq!(texts(&warnings(&standing(&[]), None, &Path::root())), [""; 0], "nothing is restarted by a create");
    let waiting = Database {
        pending_changes: Attr::Known(BTreeMap::from([("instance_class".to_owned(), Attr::Known("x".to_owned()))])),
        ..standing(&[])
    };
    let now = standing(&[("apply_immediately", true.into())]);
    assert_eq!(texts(&warnings(&now, Some(&waiting), &Path::root())), ["apply_immediately: What was waiting is made now"]);
    assert_eq!((moved(&now, &waiting, false), moved(&standing(&[]), &standing(&[]), false)), (vec!["pending_changes"], vec![]));
    let kept = Database { master_secret_arn: Attr::Known("arn:s".to_owned()), ..standing(&[]) };
    assert_eq!(moved(&kept, &kept, true), ["pending_changes"], "a repair may wait for the window");
    let theirs = Database { master_secret_arn: Attr::Null, ..standing(&[]) };
    assert_eq!(moved(&theirs, &theirs, true), ["pending_changes", "master_secret_arn"]);
    assert_eq!(moved(&theirs, &theirs, false), [""; 0]);
}

#[test]
fn what_aws_does_not_offer_is_told() {
    let version = |version: &str, targets: &[&str]| Version {
        version: version.to_owned(),
        major_targets: targets.iter().map(|target| (*target).to_owned()).collect(),
    };
    let offer = |storage: &str, multi_az: bool| Offer { version: "17.6".to_owned(), storage_type: storage.to_owned(), multi_az };
    let snapshot = Snapshot {
        status: "available".to_owned(),
        engine: "postgres".to_owned(),
        engine_version: "16.4".to_owned(),
        allocated_storage: 500,
        encrypted: false,
    };
    let fine = Facts {
        versions: Some(vec![version("17.6", &[])]),
        offers: Some(vec![offer("gp2", true), offer("gp3", true)]),
        ..Facts::default()
    };
    for (facts, expected) in [
        (fine.clone(), vec![]),
        (Facts { versions: Some(vec![]), ..Facts::default() }, vec!["engine_version: AWS doesn't offer this version"]),
        (Facts { offers: Some(vec![offer("gp2", true)]), ..fine.clone() }, vec!["instance_class: AWS doesn't offer this class"]),
        (Facts { offers: Some(vec![offer("gp3", false)]), ..fine.clone() }, vec!["multi_az: The class can't have a standby"]),
        (Facts { actual: Some(version("13.1", &["14.9", "17.6"])), ..fine.clone() }, vec![]),
        (Facts { actual: Some(version("13.1", &["14.9"])), ..fine.clone() }, vec!["engine_version: No way from one version to the other"]),
        (Facts { snapshot: Some(None), ..fine.clone() }, vec!["snapshot_identifier: No such snapshot"]),
        (
            Facts { snapshot: Some(Some(snapshot)), ..fine },
            vec![
                "snapshot_identifier: The snapshot is not encrypted",
                "engine_version: A snapshot of another major version",
                "allocated_storage: Less storage than the snapshot's",
            ],
        ),
    ] {
        assert_eq!(texts(&check_change(&database(Preset::Production, &[]), None, Some(&facts), &Path::root())), expected);
    }
}

#[test]
fn what_aws_tells_is_read_and_what_is_known_is_foretold() {
    let settings: BTreeMap<String, Json> = [
        ("instance_class", json!("db.r7g.large")),
        ("allocated_storage", json!(100)),
        ("multi_az", json!(false)),
        ("engine_version", json!("17")),
        ("enabled_cloudwatch_logs_exports", json!(["postgresql"])),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let outputs: BTreeMap<String, Json> = [
        ("identifier", json!("deeploy-prod")),
        ("endpoint", json!("h")),
        ("port", json!(5432)),
        ("engine_version", json!("17.6")),
        ("pending_changes", json!({"multi_az": "true"})),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let mut seen = Observed::default();
    seen.found.insert(DATABASE.into(), Found { settings, outputs, ..Found::default() });
    let mut model = database(Preset::Production, &[]);
    refresh(&mut model, &seen);
    super::outputs(&mut model, &seen);
    assert_eq!(
        (model.instance_class.as_str(), model.multi_az.known(), model.engine_version.as_str()),
        (Some("db.r7g.large"), Some(&false), Some("17"))
    );
    assert_eq!(model.enabled_cloudwatch_logs_exports, Attr::Known(Set::from_iter(["postgresql".to_owned()])));
    assert_eq!((model.endpoint.as_str(), model.port.known(), model.engine_version_actual.as_str()), (Some("h"), Some(&5432), Some("17.6")));
    assert_eq!(model.pending_changes.known().unwrap()["multi_az"].as_str(), Some("true"));
    let told: BTreeMap<&str, Value> = foretell(&model, &Attr::Known("X".to_owned()), &frankfurt()).into_iter().collect();
    assert_eq!(
        (&told["identifier"], &told["arn"], &told["port"]),
        (&"x".into(), &"arn:aws:rds:eu-central-1:123456789012:db:x".into(), &5432.into())
    );
}

#[test]
fn a_repair_that_restarts_is_said() {
    let model = database(Preset::Production, &[]);
    let blueprint = crate::graph::Blueprint::of(
        crate::graph::Owner { resource: "deeploy_rds_instance".into(), name: "x".into() },
        nodes(&model, &links(), &frankfurt()),
    );
    let said = |setting: &str| {
        let drift = Value::object([(DATABASE, Value::List(vec![setting.into()]))]);
        let prior = Value::object([("drift", drift)]);
        let known = crate::graph::Known::from([(DATABASE.into(), "db".to_owned())]);
        let change = Change::between(&blueprint, &blueprint, &known).with_drift(&blueprint, &known, &prior, true);
        restarted(&change, &Path::root()).map(|said| said.detail)
    };
    assert!(said("port").unwrap().starts_with("It differs in port and is set back. RDS restarts"));
    assert_eq!(said("auto_minor_version_upgrade"), None);
}

/// The master user counts when an instance is made: after a restore it is the snapshot's.
#[test]
fn an_instance_with_another_master_user_is_no_difference() {
    let model = database(Preset::Production, &[]);
    let nodes = nodes(&model, &links(), &frankfurt());
    let master = &node(&nodes, DATABASE).settings["master_username"];
    assert!(crate::graph::same(master.meaning, &json!("deeploy_admin"), &json!("postgres")));
}
