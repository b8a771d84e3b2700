//! `deeploy_monitoring`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, validators};

use super::{
    checks,
    composite::{Composite, Decider, Foretold, deciders},
    parts::{
        monitoring::{self, Database, Facts, Links, Monitoring, Watched},
        record,
    },
    report,
    shared::Shared,
};
use crate::{
    aws::Aws,
    graph::{Blueprint, Known, Node, Observed, Owner},
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
    /// The instance's storage, GiB; `allocated_storage_actual` of `deeploy_rds_instance` follows what AWS has grown.
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

/// The second part of its record's name.
const RECORDED: &str = "monitoring";

/// [`Composite`] of `deeploy_monitoring`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = MonitoringOf;
    type Facts = Facts;
    const TYPE: &'static str = "deeploy_monitoring";
    const IMPORT_IDS: &'static str = "the resource's name";

    fn deciders() -> Vec<Decider> {
        let mut all = deciders("", monitoring::OUTPUTS);
        all.extend(deciders("", &[("id", record::RECORD)]));
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

    fn blueprint(model: &MonitoringOf, place: &Place) -> Result<Blueprint, Diagnostics> {
        let name = model.name.known().cloned().unwrap_or_default();
        let mut nodes = vec![record::node(RECORDED, model)];
        nodes.extend(monitoring::nodes(&model.monitoring, &links(model), place));
        Ok(Blueprint::of(Owner { resource: Kind::TYPE.to_owned(), name }, nodes))
    }

    fn leftover(component: &str, model: &MonitoringOf, _place: &Place) -> Result<Option<Node>, Diagnostics> {
        Ok(monitoring::leftover(component, &links(model)))
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
        *model = record::imported(aws, RECORDED, id, Self::TYPE).await?;
        let watched = watched(model);
        let made = monitoring::import(aws, &mut model.monitoring, &watched).await;
        made.map_err(|failure| vec![report::failed(Path::root(), "The alarms' thresholds can't be made", &failure)])
    }

    fn warnings(planned: &MonitoringOf, prior: Option<&MonitoringOf>, facts: Option<&Facts>) -> Diagnostics {
        let before = prior.map(|prior| &prior.monitoring);
        monitoring::warnings(&planned.monitoring, before, &watched(planned), facts, &Path::root())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
