//! `monitoring`: alarms, and the topic that tells of them and of AWS's own events.

mod alarms;
mod nodes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set, Value};

use crate::{
    aws::Aws,
    components::{InstanceClass, instance_class},
    graph::{Failure, Observed},
    policies::Place,
    presets::Preset,
    resources::checks,
};

pub(crate) use nodes::{Links, leftover, nodes, topic_name};

/// The topic's component.
pub(crate) const TOPIC: &str = "topic";

/// At which values alarms go off; 0 or false: no such alarm. Each is compared with a quarter of an hour, credits and storage with five minutes.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Alarms {
    /// Percent of the database's storage that shall be free.
    #[tf(
        optional,
        computed,
        validate(checks::between(0, 90)),
        note(preset = "monitoring.alarms.database_free_storage_percent", change = "live")
    )]
    pub database_free_storage_percent: Attr<i64>,
    /// Percent that the database's CPU may be busy.
    #[tf(optional, computed, validate(checks::between(0, 100)), note(preset = "monitoring.alarms.database_cpu_percent", change = "live"))]
    pub database_cpu_percent: Attr<i64>,
    /// Percent of the database's memory that shall be free.
    #[tf(
        optional,
        computed,
        validate(checks::between(0, 90)),
        note(preset = "monitoring.alarms.database_free_memory_percent", change = "live")
    )]
    pub database_free_memory_percent: Attr<i64>,
    /// Percent of the database's connections that may be in use; its maximum is the class's default, LEAST(memory / 9531392, 5000), unless the
    /// database has another.
    #[tf(
        optional,
        computed,
        validate(checks::between(0, 100)),
        note(preset = "monitoring.alarms.database_connections_percent", change = "live")
    )]
    pub database_connections_percent: Attr<i64>,
    /// Transaction ids that vacuum may leave in use; PostgreSQL stops taking writes at two thousand million.
    #[tf(
        optional,
        computed,
        validate(checks::between(0, 2_000_000_000)),
        note(preset = "monitoring.alarms.database_transaction_ids", change = "live")
    )]
    pub database_transaction_ids: Attr<i64>,
    /// CPU credits (a virtual CPU's busy minutes) that a database of a burstable class shall have left.
    #[tf(
        optional,
        computed,
        validate(checks::between(0, 10_000)),
        note(preset = "monitoring.alarms.database_cpu_credits", change = "live")
    )]
    pub database_cpu_credits: Attr<i64>,
    /// Percent of the storage's credit balances that shall be left, of classes that have them.
    #[tf(
        optional,
        computed,
        validate(checks::between(0, 100)),
        note(preset = "monitoring.alarms.database_ebs_balance_percent", change = "live")
    )]
    pub database_ebs_balance_percent: Attr<i64>,
    /// Percent that the nodes' CPUs may be busy, taken together.
    #[tf(optional, computed, validate(checks::between(0, 100)), note(preset = "monitoring.alarms.node_cpu_percent", change = "live"))]
    pub node_cpu_percent: Attr<i64>,
    /// Percent of the nodes' memory that may be in use, taken together.
    #[tf(optional, computed, validate(checks::between(0, 100)), note(preset = "monitoring.alarms.node_memory_percent", change = "live"))]
    pub node_memory_percent: Attr<i64>,
    /// Percent that the fullest node's disk may be full.
    #[tf(optional, computed, validate(checks::between(0, 100)), note(preset = "monitoring.alarms.node_disk_percent", change = "live"))]
    pub node_disk_percent: Attr<i64>,
    /// Whether connections that a NAT gateway can't make for want of ports raise an alarm.
    #[tf(optional, computed, note(preset = "monitoring.alarms.nat_port_allocation_errors", change = "live"))]
    pub nat_port_allocation_errors: Attr<bool>,
}

/// CloudWatch alarms on database, nodes and NAT gateways, and the SNS topic that tells of them, of RDS's events and of AWS's own incidents and maintenance
/// (AWS Health, by EventBridge). All alarms also tell when they are over.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Monitoring {
    /// Mail addresses that are told of alarms. AWS sends each a mail with a link: who doesn't follow it within three days is told nothing, see
    /// `unconfirmed_emails`. Production needs this, or `sns_topic_arn`.
    #[tf(optional, validate(checks::emails()), note(change = "live"))]
    pub alarm_emails: Attr<Set<String>>,
    /// ARN of an SNS topic that exists already and takes alarms and events instead of one made here. Its policy, and its key's, must admit CloudWatch,
    /// EventBridge and RDS's events.
    #[tf(optional, validate(checks::arn_of("sns", "")), note(change = "live"))]
    pub sns_topic_arn: Attr<String>,
    /// At which values alarms go off.
    #[tf(optional, computed)]
    pub alarms: Attr<Alarms>,
    /// Whether AWS Health's events of the services in use (EKS, EC2, RDS, S3, KMS …) go to the topic too: incidents, and maintenance of these objects.
    #[tf(optional, computed, note(preset = "monitoring.health_events", change = "live"))]
    pub health_events: Attr<bool>,
    /// ARN of the topic that takes alarms and events; null where nobody is told.
    #[tf(computed)]
    pub topic_arn: Attr<String>,
    /// Every alarm with the value that it is compared with: bytes of storage and memory, percent of CPU and disk, numbers of connections, credits and
    /// transaction ids.
    #[tf(computed)]
    pub thresholds: Attr<BTreeMap<String, Attr<i64>>>,
    /// Those of `alarm_emails` that haven't followed their link yet, at the last refresh. After three days AWS forgets them, and the next apply sends
    /// another mail.
    #[tf(computed)]
    pub unconfirmed_emails: Attr<Set<String>>,
}

/// Computed attributes and their components.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[("topic_arn", TOPIC), ("unconfirmed_emails", "subscription/*")];

/// What other parts decide of the alarms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// The database; `None`: there is none.
    pub(crate) database: Option<Database>,
    /// Whether there is a cluster, with CloudWatch's agent on its nodes.
    pub(crate) cluster: bool,
    /// The zones of the NAT gateways.
    pub(crate) nat_zones: Attr<BTreeSet<String>>,
}

/// What decides a database's thresholds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Database {
    /// E.g. `db.m7g.large`.
    pub(crate) instance_class: Attr<String>,
    /// GiB.
    pub(crate) allocated_storage: Attr<i64>,
    /// The parameter of that name; null: the class's default.
    pub(crate) max_connections: Attr<i64>,
}

/// What the plan looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `None`: EC2 knows no such class.
    pub(crate) class: Option<InstanceClass>,
}

/// Looks up what the database's class has, unless the state's thresholds were made with it.
pub(crate) async fn look_up(
    aws: &Aws,
    model: &Monitoring,
    watched: &Watched,
    prior: Option<(&Monitoring, &Watched)>,
) -> Result<Option<Facts>, Failure> {
    let class = watched.database.as_ref().and_then(|database| database.instance_class.as_str());
    match class.filter(|_| !alarms::decided(model, watched, prior)) {
        Some(class) => Ok(Some(Facts { class: instance_class(aws, class).await? })),
        None => Ok(None),
    }
}

/// Makes the thresholds of what an import has found, so that its state names the alarms.
pub(crate) async fn import(aws: &Aws, model: &mut Monitoring, watched: &Watched) -> Result<(), Failure> {
    let facts = look_up(aws, model, watched, None).await?;
    derive(model, watched, None, facts.as_ref());
    Ok(())
}

/// What no single attribute shows to be wrong.
pub(crate) fn check(model: &Monitoring, preset: Option<Preset>, at: &Path) -> Diagnostics {
    let emails = model.alarm_emails.known().is_some_and(|emails| !emails.is_empty());
    if emails && model.sns_topic_arn.known().is_some() {
        let detail = "Mails are sent by a topic that is made here; a topic of your own has subscriptions of its own. Name one of `alarm_emails` and \
                      `sns_topic_arn`.";
        return vec![Diagnostic::error(at.attribute("sns_topic_arn"), "Two ways to tell of alarms", detail)];
    }
    let maybe = model.alarm_emails.is_unknown() || model.sns_topic_arn.is_unknown();
    if preset == Some(Preset::Production) && !emails && !maybe && model.sns_topic_arn.is_null() {
        let detail = "In production somebody has to know of alarms: set `alarm_emails` to at least one address, or `sns_topic_arn` to a topic of your own \
                      (one that reaches your on-call tool, say).";
        return vec![Diagnostic::error(at.attribute("alarm_emails"), "Alarms that reach nobody", detail)];
    }
    Vec::new()
}

/// Makes the thresholds; what can't be known yet stays unknown, and what an import has made stays.
pub(crate) fn derive(model: &mut Monitoring, watched: &Watched, prior: Option<(&Monitoring, &Watched)>, facts: Option<&Facts>) {
    if prior.is_none() && facts.is_none() && model.thresholds.known().is_some() {
        return;
    }
    model.thresholds = alarms::thresholds(model, watched, prior, facts);
}

/// Whether a topic is made here; `None`: not known yet.
pub(crate) fn has_topic(model: &Monitoring) -> Option<bool> {
    nodes::topic(model)
}

/// The topic's ARN follows from its name, thresholds from `derive`.
pub(crate) fn foretell(model: &Monitoring, name: &Attr<String>, place: &Place) -> Vec<(&'static str, Value)> {
    let arn = match (nodes::topic(model), &model.sns_topic_arn) {
        (_, Attr::Known(arn)) => Value::from(arn.as_str()),
        (Some(true), _) => name.clone().map(|name| place.regional("sns", &topic_name(&name))).to_value(),
        (Some(false), Attr::Null) => Value::Null,
        _ => Value::Unknown,
    };
    let mut all = vec![("topic_arn", arn), ("thresholds", model.thresholds.to_value())];
    if nodes::topic(model) == Some(false) && !model.alarm_emails.is_unknown() {
        all.push(("unconfirmed_emails", Value::List(Vec::new())));
    }
    all
}

/// The addresses are what a change of them may move.
pub(crate) fn moved(planned: &Monitoring, prior: &Monitoring) -> bool {
    planned.alarm_emails.to_value() != prior.alarm_emails.to_value()
}

/// Topic and unconfirmed addresses. Whoever wants no topic made here has told its ARN.
pub(crate) fn outputs(model: &mut Monitoring, seen: &Observed) {
    let found = |component: &str, output: &str| seen.found.get(&component.into()).and_then(|found| found.outputs.get(output)).cloned();
    model.topic_arn = match &model.sns_topic_arn {
        Attr::Known(arn) => Attr::Known(arn.clone()),
        _ => found(TOPIC, "arn").and_then(|arn| arn.as_str().map(str::to_owned)).into(),
    };
    let emails = model.alarm_emails.known().into_iter().flat_map(Set::known);
    let unconfirmed = |email: &&String| found(&nodes::subscription(email), "confirmed") == Some(false.into());
    model.unconfirmed_emails = Attr::Known(emails.filter(unconfirmed).cloned().collect());
}

/// Whoever is told nothing, and alarms that can't be made.
pub(crate) fn warnings(
    planned: &Monitoring,
    prior: Option<&Monitoring>,
    watched: &Watched,
    facts: Option<&Facts>,
    at: &Path,
) -> Diagnostics {
    let mut said = Diagnostics::new();
    let unconfirmed: Vec<&String> = prior.and_then(|prior| prior.unconfirmed_emails.known()).into_iter().flat_map(Set::known).collect();
    let wanted: Vec<&String> = planned.alarm_emails.known().into_iter().flat_map(Set::known).collect();
    let (waiting, left): (Vec<&&String>, Vec<&&String>) = unconfirmed.iter().partition(|email| wanted.contains(email));
    let list = |emails: &[&&String]| emails.iter().map(|email| email.as_str()).collect::<Vec<_>>().join(", ");
    if !waiting.is_empty() {
        let detail = format!(
            "{} got a mail from AWS Notifications with a link, and is told nothing until it is followed. AWS forgets the subscription after three days; \
             the next apply then sends another mail.",
            list(&waiting)
        );
        said.push(Diagnostic::warning(at.attribute("alarm_emails"), "Alarms that don't arrive yet", detail));
    }
    if !left.is_empty() && !planned.alarm_emails.is_unknown() {
        let detail = format!(
            "{} never followed the link in the mail, and AWS can't delete such a subscription: who follows the link within its three days is subscribed.",
            list(&left)
        );
        said.push(Diagnostic::warning(at.attribute("alarm_emails"), "An unconfirmed subscription stays", detail));
    }
    let class = watched.database.as_ref().and_then(|database| database.instance_class.as_str());
    if let (Some(class), Some(Facts { class: None })) = (class, facts) {
        let detail =
            format!("EC2 doesn't tell the memory of {class}, so that there are no alarms on memory, connections and storage balances.");
        said.push(Diagnostic::warning(at.attribute("alarms"), "Fewer alarms than usual", detail));
    }
    said
}
