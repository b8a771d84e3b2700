//! `deeploy_monitoring`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set, validators};

use super::{
    checks,
    composite::{Composite, Decider, Foretold, deciders},
    parts::monitoring::{self, Database, Facts, Links, Monitoring, Watched},
    report,
    setting::{fixed, input, live, settings, to_json},
    shared::Shared,
};
use crate::{
    aws::{Arn, Aws},
    components::record_value,
    graph::{Blueprint, Input, Known, Node, Observed, Owner},
    policies::Place,
    presets::Preset,
};

/// Alarms on a database, a cluster's nodes and NAT gateways that exist, the topic that tells of them, and AWS Health's events of the services in use.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct MonitoringOf {
    /// Name of the resource, which all objects are named after: letters, digits and hyphens.
    #[tf(
        required,
        replace,
        validate(validators::matches("[A-Za-z][A-Za-z0-9-]{0,49}", "a letter and up to 49 letters, digits and hyphens")),
        note(change = "replace")
    )]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// Identifier of the RDS instance to watch, with `database_instance_class` and `database_allocated_storage`.
    #[tf(optional, validate(checks::length(1, 63)), note(change = "live"))]
    pub database_identifier: Attr<String>,
    /// The instance's class, e.g. `db.m7g.large`: thresholds are shares of what it has.
    #[tf(
        optional,
        validate(validators::matches("db\\.[a-z0-9-]+\\.[a-z0-9.-]+", "an instance class like db.m7g.large")),
        note(change = "live")
    )]
    pub database_instance_class: Attr<String>,
    /// The instance's storage, GiB.
    #[tf(optional, validate(checks::between(20, 65_536)), note(change = "live"))]
    pub database_allocated_storage: Attr<i64>,
    /// The instance's parameter `max_connections`, if it isn't the class's default.
    #[tf(optional, validate(checks::between(6, 262_143)), note(change = "live"))]
    pub database_max_connections: Attr<i64>,
    /// Name of the EKS cluster whose nodes to watch. CloudWatch's agent must run on them (the add-on amazon-cloudwatch-observability).
    #[tf(optional, validate(checks::length(1, 100)), note(change = "live"))]
    pub cluster_name: Attr<String>,
    /// NAT gateways to watch: zone id (`euc1-az1`) to the gateway's id.
    #[tf(optional, note(change = "live"))]
    pub nat_gateway_ids: Attr<BTreeMap<String, Attr<String>>>,
    /// ARN of the KMS key that encrypts the topic. Its policy must admit CloudWatch, RDS's events and EventBridge; the AWS-managed key's doesn't. Without it the
    /// topic isn't encrypted (SNS.1 is then waived).
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live", controls = "SNS.1"))]
    pub kms_key_arn: Attr<String>,
    /// Monitoring's own attributes.
    #[tf(flatten)]
    pub monitoring: Monitoring,
    /// What every resource of several objects has.
    #[tf(flatten)]
    pub shared: Shared,
}

/// The record's component: the claim.
const RECORD: &str = "record";

/// [`Composite`] of `deeploy_monitoring`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = MonitoringOf;
    type Facts = Facts;
    const TYPE: &'static str = "deeploy_monitoring";
    const IMPORT_IDS: &'static str = "the resource's name";

    fn deciders() -> Vec<Decider> {
        let mut all = deciders("", monitoring::OUTPUTS);
        all.extend(deciders("", &[("id", RECORD)]));
        all
    }

    async fn look_up(model: &MonitoringOf, prior: Option<&MonitoringOf>, aws: &Arc<Aws>) -> Result<Option<Facts>, Diagnostics> {
        let before = prior.map(|prior| (&prior.monitoring, watched(prior)));
        let before = before.as_ref().map(|(monitoring, watched)| (*monitoring, watched));
        let facts = monitoring::look_up(aws, &model.monitoring, &watched(model), before).await;
        let path = Path::of("database_instance_class");
        facts.map_err(|failure| vec![report::failed(path, "EC2 can't be asked what the class has".to_owned(), &failure)])
    }

    fn check(model: &MonitoringOf) -> Diagnostics {
        let mut found = monitoring::check(&model.monitoring, preset(model), &Path::root());
        if model.database_identifier.known().is_some() {
            let class = ("database_instance_class", model.database_instance_class.is_null());
            let storage = ("database_allocated_storage", model.database_allocated_storage.is_null());
            for (name, _) in [class, storage].into_iter().filter(|(_, missing)| *missing) {
                let detail = "Thresholds of the database's alarms are shares of what it has: set it as the database has it.";
                found.push(Diagnostic::error(Path::of(name), format!("`database_identifier` needs `{name}`"), detail));
            }
        }
        found
    }

    fn check_in(model: &MonitoringOf, place: &Place) -> Diagnostics {
        let arns = [("kms_key_arn", &model.kms_key_arn), ("sns_topic_arn", &model.monitoring.sns_topic_arn)];
        let known = arns.into_iter().filter_map(|(name, arn)| Some((Path::of(name), arn.as_str()?)));
        known
            .filter_map(|(path, arn)| checks::of_partition(path.clone(), arn, place).or_else(|| checks::of_region(path, arn, place)))
            .collect()
    }

    fn derive(model: &mut MonitoringOf, _written: &MonitoringOf, prior: Option<&MonitoringOf>, facts: Option<&Facts>) {
        let before = prior.map(|prior| (&prior.monitoring, watched(prior)));
        let before = before.as_ref().map(|(monitoring, watched)| (*monitoring, watched));
        let watched = watched(model);
        monitoring::derive(&mut model.monitoring, &watched, before, facts);
    }

    fn blueprint(model: &MonitoringOf, place: &Place) -> Blueprint {
        let name = model.name.known().cloned().unwrap_or_default();
        let record = settings([("name", fixed(Input::Known(json!(record_name(&name))))), ("value", live(remembered(model)).shown())]);
        let mut nodes = vec![Node::new(RECORD, "record", record).claim()];
        nodes.extend(monitoring::nodes(&model.monitoring, &links(model), place));
        Blueprint::of(Owner { resource: Kind::TYPE.to_owned(), name }, nodes)
    }

    fn leftover(component: &str, model: &MonitoringOf, _place: &Place) -> Option<Node> {
        monitoring::leftover(component, &links(model))
    }

    fn known(state: &MonitoringOf) -> Known {
        state.shared.known()
    }

    fn foretell(model: &MonitoringOf, place: &Place) -> Foretold {
        let mut all: Foretold = vec![("id".to_owned(), model.name.to_value())];
        let own = monitoring::foretell(&model.monitoring, &model.name, place);
        all.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        all
    }

    fn moved(planned: &MonitoringOf, prior: &MonitoringOf) -> Vec<String> {
        if monitoring::moved(&planned.monitoring, &prior.monitoring) { vec!["unconfirmed_emails".to_owned()] } else { Vec::new() }
    }

    fn outputs(model: &mut MonitoringOf, seen: &Observed) {
        model.shared.id = model.name.clone();
        monitoring::outputs(&mut model.monitoring, seen);
    }

    /// Alarms have no attributes that AWS could tell otherwise: what was changed of them by hand is `drift`.
    fn refresh(_model: &mut MonitoringOf, _seen: &Observed) {}

    async fn import(model: &mut MonitoringOf, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        let of_arn = Arn::parse(id).ok().and_then(|arn| arn.resource.rsplit('/').next().map(str::to_owned));
        let name = of_arn.unwrap_or_else(|| id.to_owned());
        let value = record_value(aws, &record_name(&name)).await;
        let value = value.map_err(|failure| vec![report::failed(Path::root(), format!("The record of {name} can't be read"), &failure)])?;
        let Some(value) = value.and_then(|text| serde_json::from_str::<Json>(&text).ok()) else {
            let detail = format!(
                "There is no parameter {} in Parameter Store, which a deeploy_monitoring of that name would have.",
                record_name(&name)
            );
            return Err(vec![Diagnostic::error(Path::root(), "Nothing to import", detail)]);
        };
        model.name = Attr::Known(name);
        recall(model, &value);
        let watched = watched(model);
        let made = monitoring::import(aws, &mut model.monitoring, &watched).await;
        made.map_err(|failure| vec![report::failed(Path::root(), "The alarms' thresholds can't be made", &failure)])
    }

    fn warnings(planned: &MonitoringOf, prior: Option<&MonitoringOf>, facts: Option<&Facts>) -> Diagnostics {
        let before = prior.map(|prior| &prior.monitoring);
        monitoring::warnings(&planned.monitoring, before, &watched(planned), facts, &Path::root())
    }
}

fn record_name(name: &str) -> String {
    format!("/deeploy/monitoring/{name}")
}

fn preset(model: &MonitoringOf) -> Option<Preset> {
    match &model.preset {
        Attr::Null => Some(Preset::Production),
        written => written.as_str().and_then(Preset::parse),
    }
}

fn watched(model: &MonitoringOf) -> Watched {
    let database = Database {
        instance_class: model.database_instance_class.clone(),
        allocated_storage: model.database_allocated_storage.clone(),
        max_connections: model.database_max_connections.clone(),
    };
    Watched {
        database: (!model.database_identifier.is_null()).then_some(database),
        cluster: !model.cluster_name.is_null(),
        nat_zones: model.nat_gateway_ids.clone().map(|gateways| gateways.into_keys().collect::<BTreeSet<_>>()),
    }
}

fn links(model: &MonitoringOf) -> Links {
    Links {
        name: model.name.clone(),
        data_key_arn: model.kms_key_arn.clone(),
        database_identifier: model.database_identifier.clone(),
        cluster_name: model.cluster_name.clone(),
        nat_gateway_ids: model.nat_gateway_ids.known().cloned().unwrap_or_default(),
        agent: Vec::new(),
    }
}

/// What an import can't learn from the objects themselves stands in the record.
fn remembered(model: &MonitoringOf) -> Input {
    let gateways = match &model.nat_gateway_ids {
        Attr::Unknown => None,
        gateways => to_json(&gateways.to_value()),
    };
    let inputs = [
        ("alarm_emails", input(&model.monitoring.alarm_emails)),
        ("sns_topic_arn", input(&model.monitoring.sns_topic_arn)),
        ("database_identifier", input(&model.database_identifier)),
        ("database_instance_class", input(&model.database_instance_class)),
        ("database_allocated_storage", input(&model.database_allocated_storage)),
        ("database_max_connections", input(&model.database_max_connections)),
        ("cluster_name", input(&model.cluster_name)),
        ("nat_gateway_ids", gateways.map_or(Input::Unknown, Input::Known)),
    ];
    let known = inputs.into_iter().map(|(name, input)| match input {
        Input::Known(value) => Some((name.to_owned(), value)),
        _ => None,
    });
    match known.collect::<Option<serde_json::Map<_, _>>>() {
        Some(mut all) => {
            all.retain(|_, value| !value.is_null());
            Input::Known(Json::Object(all).to_string().into())
        }
        None => Input::Unknown,
    }
}

/// The inverse of [`remembered`].
fn recall(model: &mut MonitoringOf, value: &Json) {
    let text = |name: &str| Attr::from(value.get(name).and_then(Json::as_str).map(str::to_owned));
    let number = |name: &str| Attr::from(value.get(name).and_then(Json::as_i64));
    let texts = |list: &Vec<Json>| list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect::<Set<String>>();
    model.monitoring.alarm_emails = value.get("alarm_emails").and_then(Json::as_array).map(texts).into();
    model.monitoring.sns_topic_arn = text("sns_topic_arn");
    model.database_identifier = text("database_identifier");
    model.database_instance_class = text("database_instance_class");
    model.database_allocated_storage = number("database_allocated_storage");
    model.database_max_connections = number("database_max_connections");
    model.cluster_name = text("cluster_name");
    let gateways = |map: &serde_json::Map<String, Json>| {
        map.iter().map(|(zone, id)| (zone.clone(), Attr::from(id.as_str().map(str::to_owned)))).collect::<BTreeMap<_, _>>()
    };
    model.nat_gateway_ids = value.get("nat_gateway_ids").and_then(Json::as_object).map(gateways).into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_remembers_what_an_import_needs() {
        let mut model = MonitoringOf {
            database_identifier: Attr::Known("prod".to_owned()),
            database_instance_class: Attr::Known("db.m7g.large".to_owned()),
            database_allocated_storage: Attr::Known(100),
            cluster_name: Attr::Known("prod".to_owned()),
            nat_gateway_ids: Attr::Known(BTreeMap::from([("euc1-az1".to_owned(), Attr::Known("nat-1".to_owned()))])),
            ..MonitoringOf::default()
        };
        model.monitoring.alarm_emails = Attr::Known(["b@x.org", "a@x.org"].map(str::to_owned).into_iter().collect());
        let Input::Known(value) = remembered(&model) else { panic!("everything is known") };
        let value: Json = serde_json::from_str(value.as_str().unwrap_or_default()).unwrap_or_default();
        let mut recalled = MonitoringOf::default();
        recall(&mut recalled, &value);
        assert_eq!(Model::to_value(&recalled), Model::to_value(&model));
        model.cluster_name = Attr::Unknown;
        assert_eq!(remembered(&model), Input::Unknown);
    }

    #[test]
    fn a_database_is_told_whole() {
        let model = MonitoringOf {
            database_identifier: Attr::Known("prod".to_owned()),
            preset: Attr::Known("development".to_owned()),
            ..MonitoringOf::default()
        };
        let paths: Vec<String> = Kind::check(&model).iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, ["database_instance_class", "database_allocated_storage"]);
    }
}
