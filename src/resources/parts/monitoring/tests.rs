#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::{
    graph::{Blueprint, Found, Input, Node, Order, Owner, link},
    policies::frankfurt,
    presets::fill,
};

const GIB: i64 = 1 << 30;
const LARGE: Facts = Facts { class: Some(InstanceClass { memory: 8 * GIB, bursts_to_storage: true }) };

fn model(preset: Preset, emails: &[&str]) -> Monitoring {
    let filled = Value::Map(fill(&Monitoring::attributes(), &Value::Null, &Value::Null, Some(preset)));
    let mut model = Monitoring::from_value(&filled, &Path::root()).unwrap();
    if !emails.is_empty() {
        model.alarm_emails = Attr::Known(emails.iter().map(|email| (*email).to_owned()).collect());
    }
    model
}

fn watched(class: &str) -> Watched {
    let database =
        Database { instance_class: Attr::Known(class.to_owned()), allocated_storage: Attr::Known(100), max_connections: Attr::Null };
    let zones = ["euc1-az1", "euc1-az2"].map(str::to_owned);
    Watched { database: Some(database), cluster: true, nat_zones: Attr::Known(zones.into()) }
}

fn environment() -> Links {
    let known = |text: String| Attr::Known(text);
    Links {
        name: known("prod".to_owned()),
        data_key_arn: known(link("data_key", "arn")),
        database_identifier: known(link("database", "identifier")),
        cluster_name: known(link("cluster", "name")),
        nat_gateway_ids: ["euc1-az1", "euc1-az2"].map(|zone| (zone.to_owned(), known(link(&format!("nat/{zone}"), "id")))).into(),
        agent: vec!["addon/amazon-cloudwatch-observability".into()],
    }
}

fn known(model: &Monitoring) -> BTreeMap<&str, i64> {
    model.thresholds.known().unwrap().iter().map(|(name, at)| (name.as_str(), *at.known().unwrap())).collect()
}

fn by_id(nodes: &[Node]) -> BTreeMap<&str, &Node> {
    nodes.iter().map(|node| (node.id.0.as_str(), node)).collect()
}

#[test]
fn production_watches_everything_and_development_storage_and_credits() {
    let mut production = model(Preset::Production, &["ops@x.org"]);
    derive(&mut production, &watched("db.m7g.large"), None, Some(&LARGE));
    assert_eq!(
        known(&production),
        BTreeMap::from([
            ("database-free-storage", 15 * GIB),
            ("database-cpu", 80),
            ("database-free-memory", 858_993_459),
            // LEAST(8 GiB / 9531392, 5000) = 901.
            ("database-connections", 720),
            ("database-transaction-ids", 1_000_000_000),
            ("database-ebs-io-balance", 20),
            ("database-ebs-byte-balance", 20),
            ("node-cpu", 80),
            ("node-memory", 80),
            ("node-disk", 80),
            ("nat-port-allocation/euc1-az1", 0),
            ("nat-port-allocation/euc1-az2", 0),
        ])
    );
    let mut development = model(Preset::Development, &[]);
    derive(&mut development, &watched("db.t4g.medium"), None, Some(&LARGE));
    let names: Vec<&str> = known(&development).into_keys().collect();
    assert_eq!(names, ["database-cpu-credits", "database-ebs-byte-balance", "database-ebs-io-balance", "database-free-storage"]);
}

#[test]
fn the_class_decides_what_there_is_to_watch() {
    let names = |facts: Facts, max: Attr<i64>| {
        let mut model = model(Preset::Production, &["ops@x.org"]);
        let mut watched = Watched { cluster: false, nat_zones: Attr::Null, ..watched("db.m7g.16xlarge") };
        watched.database.as_mut().unwrap().max_connections = max;
        derive(&mut model, &watched, None, Some(&facts));
        known(&model).into_iter().map(|(name, at)| (name.to_owned(), at)).collect::<BTreeMap<String, i64>>()
    };
    let huge = Facts { class: Some(InstanceClass { memory: 256 * GIB, bursts_to_storage: false }) };
    let found = names(huge, Attr::Null);
    assert_eq!((found["database-connections"], found.contains_key("database-ebs-io-balance")), (4000, false));
    assert_eq!(names(huge, Attr::Known(200))["database-connections"], 160);
    let unknown = names(Facts { class: None }, Attr::Null);
    assert_eq!(unknown.into_keys().collect::<Vec<_>>(), ["database-cpu", "database-free-storage", "database-transaction-ids"]);
}

#[test]
fn what_the_state_tells_is_not_asked_again_and_what_is_unknown_stays_so() {
    let mut before = model(Preset::Production, &["ops@x.org"]);
    derive(&mut before, &watched("db.m7g.large"), None, Some(&LARGE));
    let watched_before = watched("db.m7g.large");
    let prior = Some((&before, &watched_before));
    // More storage, same class.
    let mut now = watched("db.m7g.large");
    now.database.as_mut().unwrap().allocated_storage = Attr::Known(200);
    let mut planned = model(Preset::Production, &["ops@x.org"]);
    assert!(alarms::decided(&planned, &now, prior));
    derive(&mut planned, &now, prior, None);
    assert_eq!((known(&planned)["database-free-storage"], known(&planned)["database-connections"]), (30 * GIB, 720));
    // Another class.
    let other = watched("db.m7g.xlarge");
    assert!(!alarms::decided(&planned, &other, prior));
    derive(&mut planned, &other, prior, None);
    assert!(planned.thresholds.is_unknown(), "nobody has told what it has");
    // Another share.
    let mut stricter = model(Preset::Production, &["ops@x.org"]);
    let mut shares = stricter.alarms.known().unwrap().clone();
    shares.database_connections_percent = Attr::Known(50);
    stricter.alarms = Attr::Known(shares);
    assert!(!alarms::decided(&stricter, &watched_before, prior));
    // Without a database there is nothing to ask.
    let none = Watched { database: None, ..watched("x") };
    derive(&mut planned, &none, prior, None);
    assert_eq!(known(&planned).len(), 5);
    derive(&mut planned, &Watched { nat_zones: Attr::Unknown, ..none }, prior, None);
    assert!(planned.thresholds.is_unknown());
}

#[test]
fn the_components_of_production_and_their_edges() {
    let mut model = model(Preset::Production, &["ops@x.org", "ml@x.org"]);
    derive(&mut model, &watched("db.t4g.large"), None, Some(&LARGE));
    let nodes = nodes(&model, &environment(), &frankfurt());
    let ids: Vec<&str> = nodes.iter().filter(|node| !node.absent).map(|node| node.id.0.as_str()).collect();
    // A public format: ids stand in tags and in state.
    assert_eq!(
        ids,
        [
            "topic",
            "subscription/ml@x.org",
            "subscription/ops@x.org",
            "alarm/database-connections",
            "alarm/database-cpu",
            "alarm/database-cpu-credits",
            "alarm/database-ebs-byte-balance",
            "alarm/database-ebs-io-balance",
            "alarm/database-free-memory",
            "alarm/database-free-storage",
            "alarm/database-transaction-ids",
            "alarm/nat-port-allocation/euc1-az1",
            "alarm/nat-port-allocation/euc1-az2",
            "alarm/node-cpu",
            "alarm/node-disk",
            "alarm/node-memory",
            "health_rule",
            "health_target",
        ]
    );
    let others = ["data_key", "database", "cluster", "nat/euc1-az1", "nat/euc1-az2", "addon/amazon-cloudwatch-observability"];
    let mut all = nodes.clone();
    all.extend(others.map(|id| Node::new(id, "x", BTreeMap::new())));
    all.push(Node::new("record", "record", BTreeMap::new()).claim());
    let order = Order::of(&Blueprint::of(Owner { resource: "r".into(), name: "prod".into() }, all.clone())).unwrap();
    let needs = |id: &str| {
        let at = all.iter().position(|node| node.id.0 == id).unwrap();
        order.needs[at].iter().map(|need| all[*need].id.0.as_str()).collect::<BTreeSet<_>>()
    };
    assert_eq!(needs("topic"), BTreeSet::from(["data_key", "record"]));
    assert_eq!(needs("subscription/ops@x.org"), BTreeSet::from(["topic", "record"]));
    assert_eq!(needs("alarm/database-cpu"), BTreeSet::from(["topic", "database", "record"]));
    assert_eq!(needs("alarm/node-cpu"), BTreeSet::from(["topic", "cluster", "record", "addon/amazon-cloudwatch-observability"]));
    assert_eq!(needs("alarm/nat-port-allocation/euc1-az1"), BTreeSet::from(["topic", "nat/euc1-az1", "record"]));
    assert_eq!(needs("health_target"), BTreeSet::from(["topic", "health_rule", "record"]));
    let alarm = by_id(&nodes)["alarm/nat-port-allocation/euc1-az2"];
    assert_eq!(alarm.settings["name"].value, Input::Known(json!("prod-nat-port-allocation-euc1-az2")));
    assert_eq!(alarm.settings["alarm_actions"].value, Input::Template(json!([link("topic", "arn")])));
    assert_eq!(alarm.settings["dimensions"].value, Input::Template(json!({ "NatGatewayId": link("nat/euc1-az2", "id") })));
}

#[test]
fn nobody_told_a_topic_of_ones_own_and_addresses_to_come() {
    let absent = |model: &Monitoring| {
        let nodes = nodes(model, &environment(), &frankfurt());
        nodes.iter().filter(|node| node.absent).map(|node| node.id.0.clone()).collect::<Vec<_>>()
    };
    let mut alone = model(Preset::Development, &[]);
    derive(&mut alone, &watched("db.t4g.medium"), None, Some(&LARGE));
    assert_eq!(absent(&alone), ["topic", "health_rule", "health_target"]);
    let told = nodes(&alone, &environment(), &frankfurt());
    assert_eq!(by_id(&told)["alarm/database-free-storage"].settings["ok_actions"].value, Input::Known(json!([])));
    let mut own = alone.clone();
    own.sns_topic_arn = Attr::Known("arn:t".to_owned());
    assert_eq!(absent(&own), ["topic"]);
    let told = nodes(&own, &environment(), &frankfurt());
    assert_eq!(by_id(&told)["health_target"].settings["arn"].value, Input::Known(json!("arn:t")));
    let mut unknown = alone.clone();
    unknown.alarm_emails = Attr::Unknown;
    assert_eq!(absent(&unknown), Vec::<String>::new());
    let foretold = |model: &Monitoring| foretell(model, &Attr::Known("prod".to_owned()), &frankfurt())[0].1.clone();
    let ours = Value::from("arn:aws:sns:eu-central-1:123456789012:prod-alarms");
    let mailed = model(Preset::Development, &["a@x.org"]);
    assert_eq!([&alone, &own, &unknown, &mailed].map(foretold), [Value::Null, "arn:t".into(), Value::Unknown, ours]);
}

#[test]
fn production_tells_somebody_in_one_way() {
    let problem = |model: &Monitoring, preset: Preset| {
        check(model, Some(preset), &Path::of("monitoring")).first().map(|problem| (problem.path.to_string(), problem.detail.clone()))
    };
    let (path, detail) = problem(&model(Preset::Production, &[]), Preset::Production).unwrap();
    assert_eq!(path, "monitoring.alarm_emails");
    assert!(detail.contains("`alarm_emails`") && detail.contains("`sns_topic_arn`"), "{detail}");
    assert_eq!(problem(&model(Preset::Development, &[]), Preset::Development), None);
    let mut both = model(Preset::Production, &["a@x.org"]);
    assert_eq!(problem(&both, Preset::Production), None);
    both.sns_topic_arn = Attr::Known("arn:t".to_owned());
    assert_eq!(problem(&both, Preset::Production).unwrap().0, "monitoring.sns_topic_arn");
    let mut unknown = model(Preset::Production, &[]);
    unknown.alarm_emails = Attr::Unknown;
    assert_eq!(problem(&unknown, Preset::Production), None);
}

#[test]
fn who_has_not_confirmed_is_told_and_warned_about() {
    let mut state = model(Preset::Production, &["a@x.org", "b@x.org"]);
    let subscription = |confirmed: bool| Found { outputs: [("confirmed".to_owned(), json!(confirmed))].into(), ..Found::default() };
    let found = [("subscription/a@x.org".into(), subscription(true)), ("subscription/b@x.org".into(), subscription(false))];
    outputs(&mut state, &Observed { found: found.into(), ..Observed::default() });
    assert_eq!(state.unconfirmed_emails.known().unwrap().known().collect::<Vec<_>>(), ["b@x.org"]);
    let said = |planned: &Monitoring| {
        let said = warnings(planned, Some(&state), &Watched::default(), None, &Path::root());
        said.into_iter().map(|warning| warning.summary).collect::<Vec<_>>()
    };
    assert_eq!(said(&state), ["Alarms that don't arrive yet"]);
    assert_eq!(said(&model(Preset::Production, &["a@x.org"])), ["An unconfirmed subscription stays"]);
    let unknown = warnings(&state, None, &watched("db.x"), Some(&Facts { class: None }), &Path::root());
    assert_eq!(unknown[0].summary, "Fewer alarms than usual");
}

#[test]
fn what_was_taken_out_is_found_by_its_name() {
    let nodes = ["alarm/nat-port-allocation/euc1-az3", "subscription/gone@x.org"].map(|id| leftover(id, &environment()).unwrap());
    assert_eq!(nodes[0].settings["name"].value, Input::Known(json!("prod-nat-port-allocation-euc1-az3")));
    assert_eq!(nodes[1].settings["endpoint"].value, Input::Known(json!("gone@x.org")));
    assert!(leftover("vpc", &environment()).is_none());
}

#[test]
fn every_alarm_tells_what_to_do_within_what_aws_takes() {
    const DESCRIPTION_MAX: usize = 1024;
    for alarm in alarms::ALL {
        assert!(alarm.description.len() <= DESCRIPTION_MAX && !alarm.description.contains("  "), "{}", alarm.name);
    }
}
