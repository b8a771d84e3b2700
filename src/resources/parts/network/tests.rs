#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;

use tf_provider::{Diagnostics, Path};

use super::*;
use crate::{
    components::{AvailabilityZone, ExistingNetwork, ExistingSubnet},
    graph::{Blueprint, Found, Node, Order, Owner},
    policies::frankfurt,
    presets::fill,
    resources::setting::{fixed, settings},
};

fn set(items: &[&str]) -> Attr<Set<String>> {
    Attr::Known(items.iter().map(|item| (*item).to_owned()).collect())
}

fn text(text: &str) -> Attr<String> {
    Attr::Known(text.to_owned())
}

fn facts() -> Facts {
    let zone = |number: u8| AvailabilityZone { id: format!("euc1-az{number}"), name: format!("eu-central-1{number}") };
    let services = ["ecr.api", "ecr.dkr", "logs", "sts"].map(|short| (short.to_owned(), format!("com.amazonaws.eu-central-1.{short}")));
    Facts { zones: (1..=4).map(zone).collect(), services: Some(services.into()), ..Facts::default() }
}

/// As a plan fills it in.
fn planned(written: &Network, prior: Option<&Network>, preset: Preset) -> Network {
    let before = prior.map_or(Value::Null, Model::to_value);
    let inputs = Value::Map(fill(&Network::attributes(), &Model::to_value(written), &before, Some(preset)));
    let mut model = Network::from_value(&inputs, &Path::root()).unwrap();
    derive(&mut model, written, prior, Some(&facts()), Some(preset));
    model
}

fn links() -> Links {
    let none = || Input::Known(json!(""));
    Links { name: "deeploy-prod".into(), logs_key_arn: none(), permissions_boundary: none(), iam_path: Input::Known(json!("/deeploy/")) }
}

fn made(model: &Network) -> Vec<Node> {
    nodes(model, &links(), &frankfurt())
}

/// With the claim, as a resource has them.
fn ordered(nodes: Vec<Node>) -> Order {
    let record = Node::new("record", "record", settings([("name", fixed(Input::Known(json!("r"))))])).claim();
    let all = std::iter::once(record).chain(nodes).collect();
    Order::of(&Blueprint::of(Owner { resource: "deeploy_network".into(), name: "n".into() }, all)).unwrap()
}

fn ids(nodes: &[Node], absent: bool) -> Vec<&str> {
    nodes.iter().filter(|node| node.absent == absent).map(|node| node.id.0.as_str()).collect()
}

fn node<'a>(nodes: &'a [Node], id: &str) -> &'a Node {
    nodes.iter().find(|node| node.id.0 == id).unwrap_or_else(|| panic!("no {id}"))
}

fn paths(said: &Diagnostics) -> Vec<String> {
    said.iter().map(|each| each.path.to_string()).collect()
}

#[test]
fn the_ids_are_a_public_format() {
    let nodes = made(&planned(&Network::default(), None, Preset::Development));
    let expected = [
        "vpc",
        "default_security_group",
        "internet_gateway",
        "private_subnet/euc1-az1",
        "private_subnet/euc1-az2",
        "public_subnet/euc1-az1",
        "public_subnet/euc1-az2",
        "database_subnet/euc1-az1",
        "database_subnet/euc1-az2",
        "control_plane_subnet/euc1-az1",
        "control_plane_subnet/euc1-az2",
        "eip/euc1-az1",
        "nat_gateway/euc1-az1",
        "public_route_table",
        "public_route",
        "database_route_table",
        "control_plane_route_table",
        "private_route_table/euc1-az1",
        "private_route/euc1-az1",
        "private_route_table/euc1-az2",
        "private_route/euc1-az2",
        "private_association/euc1-az1",
        "private_association/euc1-az2",
        "public_association/euc1-az1",
        "public_association/euc1-az2",
        "database_association/euc1-az1",
        "database_association/euc1-az2",
        "control_plane_association/euc1-az1",
        "control_plane_association/euc1-az2",
        "s3_endpoint",
        "flow_logs_group",
        "flow_logs_role",
        "flow_logs_policy",
        "flow_logs",
    ];
    assert_eq!(ids(&nodes, false), expected);
    let absent = ["eip/euc1-az2", "nat_gateway/euc1-az2", "endpoints_security_group", "endpoints_security_group_rules"];
    assert_eq!(ids(&nodes, true), absent);
    ordered(nodes);
}

#[test]
fn presets_choose_zones_sizes_and_gateways() {
    let production = planned(&Network::default(), None, Preset::Production);
    assert_eq!(production.availability_zones, set(&["euc1-az1", "euc1-az2", "euc1-az3"]));
    assert_eq!((production.cidr.as_str(), production.private_subnet_prefix_length.known()), (Some("10.0.0.0/16"), Some(&19)));
    assert_eq!((production.nat.as_str(), check(&production, &Path::root()).len()), (Some("per_az"), 0));
    let small = Network { cidr: text("10.9.0.0/20"), ..Network::default() };
    let development = planned(&small, None, Preset::Development);
    assert_eq!((development.private_subnet_prefix_length.known(), development.nat.as_str()), (Some(&22), Some("single")));
    assert_eq!(check(&development, &Path::root()), []);
}

#[test]
fn what_was_chosen_is_kept() {
    let before = planned(&Network { cidr: text("10.9.0.0/20"), ..Network::default() }, None, Preset::Development);
    let after = planned(&Network { cidr: text("10.9.0.0/20"), ..Network::default() }, Some(&before), Preset::Production);
    assert_eq!(after.availability_zones, before.availability_zones);
    assert_eq!(after.private_subnet_prefix_length, before.private_subnet_prefix_length);
    assert_eq!(after.nat.as_str(), Some("per_az"), "what is enforced moves");
    assert_eq!(check_change(&after, Some(&before), None, &Path::root()), []);
}

#[test]
fn without_facts_or_preset_the_choice_is_unknown() {
    let mut model = Network { cidr: text("10.0.0.0/16"), private_subnet_prefix_length: Attr::Known(19), ..Network::default() };
    derive(&mut model, &Network::default(), None, None, Some(Preset::Production));
    assert_eq!((&model.availability_zones, &model.private_subnet_prefix_length), (&Attr::Unknown, &Attr::Unknown));
    assert!(made(&model).is_empty());
    assert_eq!((vpc_id(&model), subnet_ids(&model, Purpose::Private), ways_out(&model)), (Input::Unknown, Input::Unknown, Vec::new()));
}

#[test]
fn gateways_follow_nat_and_routes_follow_gateways() {
    let with = |nat: &str| planned(&Network { nat: text(nat), ..Network::default() }, None, Preset::Production);
    let gateway =
        |model: &Network, zone: &str| node(&made(model), &format!("private_route/{zone}")).settings["nat_gateway_id"].value.clone();
    let of = |zone: &str| Input::Output(format!("nat_gateway/{zone}").as_str().into(), "id".into());
    assert_eq!(gateway(&with("per_az"), "euc1-az3"), of("euc1-az3"));
    assert_eq!(gateway(&with("single"), "euc1-az3"), of("euc1-az1"));
    let none = made(&with("none"));
    let absent: Vec<&str> = ids(&none, true).into_iter().filter(|id| !id.starts_with("endpoints")).collect();
    assert_eq!(absent.len(), 9, "gateway, address and route in three zones: {absent:?}");
    // A gateway that goes is no dependency of a route that stays.
    for model in [with("single"), with("per_az"), with("none")] {
        ordered(made(&model));
    }
    assert!(foretell(&with("none")).contains(&("nat_public_ips", Value::List(Vec::new()))));
}

#[test]
fn addresses_of_the_users_are_used_and_never_ours() {
    let ids = ["eipalloc-1", "eipalloc-2", "eipalloc-3"].map(text).to_vec();
    let model = planned(&Network { nat_eip_allocation_ids: Attr::Known(ids), ..Network::default() }, None, Preset::Production);
    let nodes = made(&model);
    assert_eq!(node(&nodes, "nat_gateway/euc1-az2").settings["allocation_id"].value, Input::Known(json!("eipalloc-2")));
    assert!(nodes.iter().filter(|node| node.kind == "elastic_ip").all(|node| node.absent));
    assert_eq!(check(&model, &Path::root()), []);
}

#[test]
fn objects_carry_the_labels_by_which_others_know_them() {
    let nodes = made(&planned(&Network::default(), None, Preset::Production));
    let public = &node(&nodes, "public_subnet/euc1-az1").tags;
    assert_eq!((public["Name"].as_str(), public["kubernetes.io/role/elb"].as_str()), ("deeploy-prod-public-subnet-euc1-az1", "1"));
    assert!(node(&nodes, "private_subnet/euc1-az1").tags.contains_key("kubernetes.io/role/internal-elb"));
    assert_eq!(node(&nodes, "database_subnet/euc1-az1").tags.len(), 1);
    assert!(node(&nodes, "default_security_group").tags.is_empty());
}

#[test]
fn nothing_is_public_and_data_stays_without_a_way_out() {
    let nodes = made(&planned(&Network::default(), None, Preset::Production));
    let off = nodes
        .iter()
        .filter(|node| node.kind == "subnet")
        .all(|node| node.settings["map_public_ip_on_launch"].value == Input::Known(json!(false)));
    assert!(off);
    let routes: Vec<&Node> = nodes.iter().filter(|node| node.kind == "route").collect();
    let tables: Vec<_> = routes.iter().flat_map(|route| route.settings["route_table_id"].value.takes()).map(|id| id.0).collect();
    assert!(!tables.iter().any(|table| table.starts_with("database") || table.starts_with("control_plane")), "{tables:?}");
    let default = node(&nodes, "default_security_group");
    assert_eq!(
        (&default.settings["ingress"].value, &default.settings["egress"].value),
        (&Input::Known(json!([])), &Input::Known(json!([])))
    );
}

#[test]
fn endpoints_admit_https_from_the_vpc_and_one_that_is_taken_out_is_found() {
    let model = planned(&Network { interface_endpoints: set(&["ecr.api", "sts"]), ..Network::default() }, None, Preset::Production);
    let nodes = made(&model);
    let endpoint = node(&nodes, "endpoint/ecr.api");
    assert_eq!(endpoint.settings["service_name"].value, Input::Known(json!("com.amazonaws.eu-central-1.ecr.api")));
    assert_eq!(endpoint.after, ["endpoints_security_group_rules".into()]);
    assert!(!node(&nodes, "endpoints_security_group").absent);
    ordered(nodes);
    assert_eq!(leftover("endpoint/logs", &model, &frankfurt()).unwrap().kind, "vpc_endpoint");
    assert!(leftover("eip/euc1-az1", &model, &frankfurt()).is_none());
    let waits: Vec<String> = ways_out(&model).into_iter().map(|id| id.0).filter(|id| !id.contains("az")).collect();
    assert_eq!(waits, ["s3_endpoint", "endpoint/ecr.api", "endpoint/sts"]);
}

#[test]
fn services_are_called_what_the_region_calls_them_and_others_are_refused() {
    let name = |model: &Network| node(&made(model), "endpoint/sts").settings["service_name"].value.clone();
    let zones = set(&["euc1-az1", "euc1-az2"]);
    let written = Network { interface_endpoints: set(&["sts"]), availability_zones: zones, ..Network::default() };
    let china = Facts { services: Some([("sts".to_owned(), "cn.com.amazonaws.cn-north-1.sts".to_owned())].into()), ..facts() };
    let mut model = planned(&Network { interface_endpoints: Attr::Null, ..written.clone() }, None, Preset::Production);
    model.interface_endpoints = written.interface_endpoints.clone();
    derive(&mut model, &written, None, Some(&china), Some(Preset::Production));
    assert_eq!(name(&model), Input::Known(json!("cn.com.amazonaws.cn-north-1.sts")));
    // What was told before isn't asked again, and without a connection nobody tells.
    let prior = model.clone();
    derive(&mut model, &written, Some(&prior), Some(&Facts::default()), Some(Preset::Production));
    assert_eq!(name(&model), Input::Known(json!("cn.com.amazonaws.cn-north-1.sts")));
    model.interface_endpoint_services = Attr::Null;
    derive(&mut model, &written, None, None, Some(Preset::Production));
    assert_eq!(name(&model), Input::Unknown);

    let wrong = planned(&Network { interface_endpoints: set(&["ecr.apo", "sts"]), ..Network::default() }, None, Preset::Production);
    let said = check_change(&wrong, None, Some(&facts()), &Path::root());
    assert_eq!(paths(&said), ["interface_endpoints"]);
    assert!(said[0].detail.contains("Did you mean `ecr.api`"), "{}", said[0].detail);
}

#[test]
fn flow_logs_that_are_off_are_absent() {
    let off = FlowLogs { enabled: Attr::Known(false), ..FlowLogs::default() };
    let nodes = made(&planned(&Network { flow_logs: Attr::Known(off), ..Network::default() }, None, Preset::Production));
    let absent: Vec<&str> = ids(&nodes, true).into_iter().filter(|id| id.starts_with("flow_logs")).collect();
    assert_eq!(absent, ["flow_logs_group", "flow_logs_role", "flow_logs_policy", "flow_logs"]);
}

#[test]
fn what_is_wrong_is_told_at_its_attribute() {
    let zones = |ids: &[&str]| Network { availability_zones: set(ids), ..Network::default() };
    let nat = |nat: &str, count: usize| Network {
        nat: text(nat),
        availability_zones: set(&["euc1-az1", "euc1-az2"]),
        nat_eip_allocation_ids: Attr::Known((0..count).map(|at| text(&format!("eipalloc-{at}"))).collect()),
        ..Network::default()
    };
    let cidr = |cidr: &str| Network { cidr: text(cidr), ..Network::default() };
    let endpoint = |service: &str| Network { interface_endpoints: set(&[service]), ..Network::default() };
    let logs = FlowLogs { retention_in_days: Attr::Known(10), ..FlowLogs::default() };
    let large = Network { private_subnet_prefix_length: Attr::Known(17), ..zones(&["euc1-az1", "euc1-az2"]) };
    let cases = [
        (cidr("10.0.0.0"), "cidr", "not of the form"),
        (cidr("10.0.0.0/15"), "cidr", "a /15"),
        (cidr("10.0.0.0/21"), "cidr", "a /21"),
        (cidr("10.0.16.0/16"), "cidr", "10.0.0.0/16"),
        (cidr("10.100.0.0/16"), "cidr", "10.100.0.0/16"),
        (cidr("172.20.16.0/20"), "cidr", "172.20.0.0/16"),
        (zones(&["eu-central-1a", "euc1-az2"]), "availability_zones", "\"euc1-az1\""),
        (zones(&["one", "euc1-az2"]), "availability_zones", "\"one\""),
        (zones(&["use1-az3", "use1-az1"]), "availability_zones", "use1-az3"),
        (zones(&["euc1-az1"]), "availability_zones", "1 zones"),
        (Network { cidr: text("10.0.0.0/16"), ..large }, "private_subnet_prefix_length", "of /18 fit"),
        (nat("per_az", 1), "nat_eip_allocation_ids", "1 addresses for 2"),
        (nat("single", 2), "nat_eip_allocation_ids", "2 addresses for 1"),
        (nat("none", 1), "nat_eip_allocation_ids", "none"),
        (
            Network { nat_eip_allocation_ids: Attr::Known(vec![text("198.51.100.7")]), ..Network::default() },
            "nat_eip_allocation_ids",
            "eipalloc-",
        ),
        (
            Network { nat_eip_allocation_ids: Attr::Known(vec![text("eipalloc-1"), text("eipalloc-1")]), ..Network::default() },
            "nat_eip_allocation_ids",
            "another one",
        ),
        (endpoint("s3"), "interface_endpoints", "gateway endpoint"),
        (endpoint("com.amazonaws.eu-central-1.sts"), "interface_endpoints", "leave out"),
        (endpoint("ECR"), "interface_endpoints", "not like"),
        (Network { flow_logs: Attr::Known(logs), ..Network::default() }, "flow_logs.retention_in_days", "not for 10"),
    ];
    for (model, path, word) in cases {
        let said = check(&model, &Path::root());
        assert_eq!(paths(&said), [path], "{model:?}");
        assert!(said[0].detail.contains(word), "{}", said[0].detail);
    }
    let unknown = Network {
        cidr: Attr::Unknown,
        availability_zones: Attr::Unknown,
        nat: Attr::Unknown,
        existing: Attr::Unknown,
        ..Network::default()
    };
    assert_eq!(check(&unknown, &Path::root()), []);
}

fn existing() -> Existing {
    Existing {
        vpc_id: text("vpc-1"),
        private_subnet_ids: set(&["subnet-1", "subnet-2"]),
        public_subnet_ids: Attr::Null,
        database_subnet_ids: Attr::Null,
        route_table_ids: Attr::Null,
    }
}

fn looked() -> ExistingNetwork {
    let subnet = |vpc: &str, zone: &str| ExistingSubnet { vpc_id: vpc.into(), zone_id: zone.into() };
    let subnets = [
        ("subnet-1", subnet("vpc-1", "euc1-az1")),
        ("subnet-2", subnet("vpc-1", "euc1-az2")),
        ("subnet-3", subnet("vpc-1", "euc1-az1")),
        ("subnet-9", subnet("vpc-9", "euc1-az2")),
    ];
    ExistingNetwork {
        cidr_block: "10.7.0.0/16".into(),
        cidr_blocks: vec!["10.7.0.0/16".into()],
        dns_support: true,
        dns_hostnames: true,
        subnets: subnets.map(|(id, subnet)| (id.to_owned(), subnet)).into(),
        route_table_ids: vec!["rtb-1".into()],
    }
}

#[test]
fn a_network_that_exists_is_used_as_it_is() {
    let written = Network { existing: Attr::Known(Existing { route_table_ids: set(&["rtb-1"]), ..existing() }), ..Network::default() };
    let facts = Facts { existing: Some(looked()), asked_existing: true, ..Facts::default() };
    let inputs = Value::Map(fill(&Network::attributes(), &Model::to_value(&written), &Value::Null, Some(Preset::Production)));
    let mut model = Network::from_value(&inputs, &Path::root()).unwrap();
    derive(&mut model, &written, None, Some(&facts), Some(Preset::Production));
    assert_eq!((model.cidr.as_str(), &model.nat, model.flow_logs.is_null()), (Some("10.7.0.0/16"), &Attr::Null, true));
    assert_eq!(check(&model, &Path::root()), []);
    assert_eq!(check_change(&model, None, Some(&facts), &Path::root()), []);
    assert_eq!(ids(&made(&model), false), ["s3_endpoint"]);
    assert_eq!(subnet_ids(&model, Purpose::Database), Input::Known(json!(["subnet-1", "subnet-2"])));
    outputs(&mut model, &Observed::default());
    assert_eq!(model.control_plane_subnet_ids, Attr::Known(vec![text("subnet-1"), text("subnet-2")]));
    assert_eq!((model.vpc_id.as_str(), &model.public_subnet_ids), (Some("vpc-1"), &Attr::Known(Vec::new())));
    // The next plan looks nothing up.
    let mut next = Network::from_value(&inputs, &Path::root()).unwrap();
    derive(&mut next, &written, Some(&model), Some(&Facts::default()), Some(Preset::Production));
    assert_eq!((&next.cidr, &next.availability_zones), (&model.cidr, &model.availability_zones));
}

#[test]
fn what_is_wrong_with_a_network_that_exists_is_told() {
    let cases: [(Existing, ExistingNetwork, &str, &str); 6] = [
        (existing(), ExistingNetwork { dns_hostnames: false, ..looked() }, "existing.vpc_id", "enableDnsHostnames is off"),
        (
            Existing { private_subnet_ids: set(&["subnet-1", "subnet-3"]), ..existing() },
            looked(),
            "existing.private_subnet_ids",
            "one availability zone",
        ),
        (Existing { public_subnet_ids: set(&["subnet-8"]), ..existing() }, looked(), "existing.public_subnet_ids", "no subnet subnet-8"),
        (
            Existing { database_subnet_ids: set(&["subnet-1", "subnet-9"]), ..existing() },
            looked(),
            "existing.database_subnet_ids",
            "in vpc-9",
        ),
        (Existing { route_table_ids: set(&["rtb-9"]), ..existing() }, looked(), "existing.route_table_ids", "rtb-9"),
        (existing(), ExistingNetwork { cidr_blocks: vec!["172.20.0.0/16".into()], ..looked() }, "existing.vpc_id", "172.20.0.0/16"),
    ];
    for (existing, network, path, word) in cases {
        let model = Network { existing: Attr::Known(existing), ..Network::default() };
        let facts = Facts { existing: Some(network), asked_existing: true, ..Facts::default() };
        let said = check_change(&model, None, Some(&facts), &Path::root());
        assert_eq!(paths(&said), [path]);
        assert!(said[0].detail.contains(word), "{}", said[0].detail);
    }
    let gone = Facts { asked_existing: true, ..Facts::default() };
    let model = Network { existing: Attr::Known(existing()), nat: text("single"), ..Network::default() };
    assert_eq!(paths(&check_change(&model, None, Some(&gone), &Path::of("network"))), ["network.existing.vpc_id"]);
    assert_eq!(paths(&check(&model, &Path::of("network"))), ["network.nat"]);
}

#[test]
fn what_is_fixed_is_refused_at_its_attribute() {
    let before = planned(&Network::default(), None, Preset::Production);
    let changed = [
        (Network { cidr: text("10.1.0.0/16"), ..before.clone() }, "cidr"),
        (Network { availability_zones: set(&["euc1-az1", "euc1-az2"]), ..before.clone() }, "availability_zones"),
        (Network { private_subnet_prefix_length: Attr::Known(20), ..before.clone() }, "private_subnet_prefix_length"),
        (Network { existing: Attr::Known(existing()), ..before.clone() }, "existing"),
    ];
    for (model, path) in changed {
        assert_eq!(paths(&check_change(&model, Some(&before), None, &Path::root())), [path]);
    }
    let strange = Network { availability_zones: set(&["euc1-az1", "euc1-az9"]), ..Network::default() };
    let said = check_change(&strange, None, Some(&facts()), &Path::root());
    assert!(said[0].detail.contains("euc1-az1 (eu-central-11)"), "{said:?}");
}

#[test]
fn what_a_change_does_to_others_is_said() {
    let of = |nat: &str| planned(&Network { nat: text(nat), ..Network::default() }, None, Preset::Production);
    assert_eq!(paths(&warnings(&of("none"), None, &Path::root())), ["nat"]);
    assert_eq!(paths(&warnings(&of("single"), Some(&of("per_az")), &Path::root())), ["nat"]);
    assert_eq!(warnings(&of("single"), Some(&of("single")), &Path::root()), []);
    assert_eq!(warnings(&of("none"), Some(&of("none")), &Path::root()), []);
    let docker = planned(&Network { cidr: text("172.17.0.0/16"), ..Network::default() }, None, Preset::Production);
    assert_eq!(paths(&warnings(&docker, None, &Path::root())), ["cidr"]);
    let tables = Network { existing: Attr::Known(Existing { route_table_ids: set(&["rtb-1"]), ..existing() }), ..Network::default() };
    assert_eq!(paths(&warnings(&tables, None, &Path::root())), ["existing.route_table_ids"]);
}

#[test]
fn outputs_come_in_the_order_of_the_zones() {
    let mut model = planned(&Network::default(), None, Preset::Development);
    let object = |id: &str, outputs: &[(&str, &str)]| Found {
        id: id.into(),
        outputs: outputs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect(),
        ..Found::default()
    };
    let found = BTreeMap::from([
        ("vpc".into(), object("vpc-1", &[("id", "vpc-1")])),
        ("private_subnet/euc1-az1".into(), object("subnet-9", &[("id", "subnet-9")])),
        ("private_subnet/euc1-az2".into(), object("subnet-1", &[("id", "subnet-1")])),
        ("nat_gateway/euc1-az1".into(), object("nat-1", &[("public_ip", "198.51.100.7")])),
    ]);
    outputs(&mut model, &Observed { found, ..Observed::default() });
    assert_eq!(model.private_subnet_ids, Attr::Known(vec![text("subnet-9"), text("subnet-1")]));
    assert_eq!(model.nat_public_ips, Attr::Known(vec![text("198.51.100.7")]));
    assert_eq!((model.vpc_id.as_str(), &model.s3_endpoint_id), (Some("vpc-1"), &Attr::Null));
}
