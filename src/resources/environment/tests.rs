#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use serde_json::Value as Json;
use tf_provider::{Attribute, AttributeType, Set};

use super::*;
use crate::{
    components::{InstanceClass, replay::Script},
    graph::{Input, Meaning},
    presets::{Kind as Keeps, fill, table},
};

/// The names in the presets' tables that attributes take their defaults from.
fn noted(attributes: &[Attribute], found: &mut BTreeSet<String>) {
    for attribute in attributes {
        found.extend(attribute.notes.get("preset").map(|name| (*name).to_string()));
        if let AttributeType::Nested(_, below) = &attribute.ty {
            noted(below, found);
        }
    }
}

/// Versions of objects were deleted after 30 days instead of 90 by a change of preset that no message told: a part took the number from the preset, and
/// no attribute showed it.
#[test]
fn everything_that_development_weakens_is_an_attribute() {
    let mut shown = BTreeSet::new();
    noted(&Environment::attributes(), &mut shown);
    // The computed `database.effective_parameters` shows them; development logs more statements than production.
    shown.insert("database.default_parameters".to_owned());
    let (strict, loose) = (table(Preset::Production), table(Preset::Development));
    let differs = |name: &&String| strict[*name].kind == Keeps::Enforced && strict[*name].value != loose[*name].value;
    let unseen: Vec<&String> = strict.keys().filter(differs).filter(|name| !shown.contains(*name)).collect();
    assert_eq!(unseen, Vec::<&String>::new());
}

/// An environment with its preset's defaults and one group of nodes of a type.
fn filled(preset: Preset) -> Environment {
    let admins = Value::List(vec!["arn:aws:iam::123456789012:role/admin".into()]);
    let config = Value::object([("preset", preset.name().into()), ("cluster", Value::object([("admin_principal_arns", admins)]))]);
    let all = Value::Map(fill(&Environment::attributes(), &config, &Value::Null, Some(preset)));
    let mut model = Environment::from_value(&all, &Path::root()).unwrap();
    let nodes = cluster::EffectiveNodeGroup {
        instance_types: Attr::Known(vec![Attr::Known("m6i.large".to_owned())]),
        ..cluster::EffectiveNodeGroup::default()
    };
    change(&mut model.cluster, |cluster| cluster.effective_node_groups = Attr::Known([("default".to_owned(), nodes)].into()));
    if preset == Preset::Production {
        change(&mut model.monitoring, |monitoring| monitoring.sns_topic_arn = Attr::Known("arn:t".to_owned()));
    }
    model
}

fn change<T: Clone>(part: &mut Attr<T>, to: impl FnOnce(&mut T)) {
    let mut now = part.known().unwrap().clone();
    to(&mut now);
    *part = Attr::Known(now);
}

fn set(texts: &[&str]) -> Attr<Set<String>> {
    Attr::Known(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn waived(model: &Environment) -> Vec<&'static str> {
    waived::controls(model).unwrap().into_keys().collect()
}

const NEVER_MET: [&str; 7] = ["EC2.17", "RDS.23", "RDS.26", "S3.11", "S3.15", "S3.20", "S3.7"];
const BY_DEFAULT: [&str; 7] = ["AutoScaling.6", "EC2.10", "EC2.55", "EC2.56", "EC2.57", "EC2.58", "EC2.60"];

fn with(more: &[&'static str]) -> Vec<&'static str> {
    NEVER_MET.iter().chain(&BY_DEFAULT).chain(more).copied().collect::<BTreeSet<_>>().into_iter().collect()
}

#[test]
fn what_each_preset_does_not_meet() {
    assert_eq!(waived(&filled(Preset::Production)), with(&["S3.17"]));
    let weaker = ["CloudWatch.15", "CloudWatch.16", "RDS.20", "RDS.21", "RDS.22", "RDS.5", "RDS.8", "RDS.9", "S3.9"];
    assert_eq!(waived(&filled(Preset::Development)), with(&weaker));
}

#[test]
fn what_is_not_met_follows_from_the_settings() {
    type Case = (&'static str, fn(&mut Environment));
    let off: [Case; 18] = [
        ("EC2.6", |model| change(&mut model.network, |network| change(&mut network.flow_logs, |logs| logs.enabled = Attr::Known(false)))),
        ("EC2.6", |model| {
            change(&mut model.network, |network| {
                change(&mut network.flow_logs, |logs| logs.traffic_type = Attr::Known("ACCEPT".to_owned()));
            });
        }),
        ("CloudWatch.16", |model| {
            change(&mut model.network, |network| change(&mut network.flow_logs, |logs| logs.retention_in_days = Attr::Known(180)));
        }),
        ("CloudWatch.16", |model| change(&mut model.cluster, |cluster| cluster.log_retention_in_days = Attr::Known(180))),
        ("CloudWatch.16", |model| change(&mut model.database, |database| database.log_retention_in_days = Attr::Known(180))),
        ("EKS.8", |model| change(&mut model.cluster, |cluster| cluster.enabled_cluster_log_types = set(&["api"]))),
        ("EKS.1", |model| change(&mut model.cluster, |cluster| cluster.public_access_cidrs = set(&["203.0.113.0/24"]))),
        ("RDS.5", |model| change(&mut model.database, |database| database.multi_az = Attr::Known(false))),
        ("RDS.8", |model| change(&mut model.database, |database| database.deletion_protection = Attr::Known(false))),
        ("RDS.9", |model| change(&mut model.database, |database| database.enabled_cloudwatch_logs_exports = set(&["postgresql"]))),
        ("RDS.11", |model| change(&mut model.database, |database| database.backup_retention_period = Attr::Known(6))),
        ("IAM.21", |model| change(&mut model.storage, |storage| storage.access = Attr::Known("documented".to_owned()))),
        ("S3.9", |model| {
            change(&mut model.storage, |storage| change(&mut storage.access_logging, |logs| logs.enabled = Attr::Known(false)));
        }),
        ("IAM.3", |model| change(&mut model.identity, |identity| identity.mode = Attr::Known("user".to_owned()))),
        ("SecretsManager.1", |model| change(&mut model.identity, |identity| identity.mode = Attr::Known("user".to_owned()))),
        ("CloudWatch.15", |model| change(&mut model.monitoring, |monitoring| monitoring.sns_topic_arn = Attr::Null)),
        ("RDS.20", |model| change(&mut model.monitoring, |monitoring| monitoring.sns_topic_arn = Attr::Null)),
        ("RDS.22", |model| change(&mut model.monitoring, |monitoring| monitoring.alarm_emails = set(&[]))),
    ];
    for (at, (control, switch)) in off.iter().enumerate() {
        let mut model = filled(Preset::Production);
        switch(&mut model);
        // No addresses are no loss beside a topic of one's own.
        let listed = at + 1 < off.len();
        assert_eq!(waived(&model).contains(control), listed, "{control}, {at}");
    }
    let on: [Case; 5] = [
        ("EC2.10", |model| change(&mut model.network, |network| network.interface_endpoints = set(&["ec2", "sts"]))),
        ("EC2.55", |model| change(&mut model.network, |network| network.existing = Attr::Known(network::Existing::default()))),
        ("AutoScaling.6", |model| {
            let types = ["m6i.large", "m7i.large"].map(|name| Attr::Known(name.to_owned()));
            let nodes = cluster::EffectiveNodeGroup { instance_types: Attr::Known(types.into()), ..Default::default() };
            change(&mut model.cluster, |cluster| cluster.effective_node_groups = Attr::Known([("a".to_owned(), nodes)].into()));
        }),
        ("S3.17", |model| {
            change(&mut model.storage, |storage| {
                change(&mut storage.access_logging, |logs| logs.bucket = Attr::Known("theirs".to_owned()));
            });
        }),
        ("RDS.20", |model| change(&mut model.monitoring, |monitoring| monitoring.sns_topic_arn = Attr::Known("arn:t".to_owned()))),
    ];
    for (control, switch) in on {
        let mut model = filled(Preset::Production);
        switch(&mut model);
        assert!(!waived(&model).contains(&control), "{control}");
    }
    let mut unknown = filled(Preset::Production);
    change(&mut unknown.network, |network| network.interface_endpoints = Attr::Unknown);
    assert_eq!(waived::controls(&unknown), None);
}

/// AWS had grown the storage from 20 to 90 GiB, and the alarm went on to go off at 3.
#[test]
fn the_storage_alarm_follows_what_aws_has_grown() {
    let mut prior = filled(Preset::Development);
    let size = |model: &Environment, prior: Option<&Environment>| {
        Wiring::watched(model, prior).database.unwrap().allocated_storage.known().copied()
    };
    let planned = prior.clone();
    assert_eq!((size(&planned, None), size(&planned, Some(&prior))), (Some(20), Some(20)));
    change(&mut prior.database, |database| database.allocated_storage_actual = Attr::Known(90));
    assert_eq!(size(&planned, Some(&prior)), Some(90));
    let mut more = planned.clone();
    change(&mut more.database, |database| database.allocated_storage = Attr::Known(200));
    assert_eq!(size(&more, Some(&prior)), Some(200), "what is asked for counts before it is there");
    let mut anew = planned;
    anew.shared.recreate = set(&[database::DATABASE]);
    prior.shared.drift = Attr::Known([(database::DATABASE.to_owned(), Attr::Known(vec![Attr::Known("absent".to_owned())]))].into());
    assert_eq!(size(&anew, Some(&prior)), Some(20), "the one that had grown is gone");
}

/// An environment as it is after a plan: production with everything that its preset and one endpoint make.
fn planned() -> Environment {
    let mut model = filled(Preset::Production);
    model.name = Attr::Known("prod".to_owned());
    change(&mut model.network, |network| {
        network.cidr = Attr::Known("10.0.0.0/16".to_owned());
        network.availability_zones = set(&["euc1-az1", "euc1-az2"]);
        network.interface_endpoints = set(&["sts"]);
    });
    change(&mut model.storage, |storage| storage.bucket = Attr::Known("prod-artifacts".to_owned()));
    change(&mut model.monitoring, |monitoring| {
        monitoring.sns_topic_arn = Attr::Null;
        monitoring.alarm_emails = set(&["ops@example.com"]);
    });
    let written = model.clone();
    Kind::derive(&mut model, &written, None, None);
    let watched = Wiring::watched(&model, None);
    let class = InstanceClass { memory: 8 << 30, bursts_to_storage: true };
    change(&mut model.monitoring, |part| monitoring::derive(part, &watched, None, Some(&monitoring::Facts { class: Some(class) })));
    model
}

/// What AWS tells of each kind of component and the blueprint decides; the acceptance test `every_setting` changes each by hand. A setting that leaves
/// the choice to AWS is not among them, nor what no reading shows.
#[test]
fn every_setting_is_in_the_list() {
    let model = planned();
    let place = Place::of(&Script::new().aws("eu-central-1"));
    let nodes = Wiring::of(&model, &place).nodes().unwrap();
    let mut list = BTreeSet::new();
    for node in nodes.iter().filter(|node| !node.absent) {
        let component = node.id.0.split('/').next().unwrap();
        for (name, setting) in &node.settings {
            if matches!(setting.meaning, Meaning::Unread | Meaning::Note) || setting.value == Input::Known(Json::Null) {
                continue;
            }
            let change = format!("{:?}", setting.change).to_lowercase();
            let shown = if setting.shown { " shown" } else { "" };
            list.insert(format!("{component} {} {name} {change}{shown}\n", node.kind));
        }
    }
    let list: String = list.into_iter().collect();
    assert_eq!(list, include_str!("settings.txt"), "src/resources/environment/settings.txt is to be as on the left");
}
