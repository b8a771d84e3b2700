//! Monitoring's components.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Set};

use super::{
    Monitoring, TOPIC,
    alarms::{self, Alarm, PERIOD_S, Subject},
};
use crate::{
    graph::{ComponentId, Input, Meaning, Node, link},
    policies::{Place, topic_policy},
    resources::setting::{fixed, live, settings, unread},
};

const HEALTH_RULE: &str = "health_rule";
const HEALTH_TARGET: &str = "health_target";
/// The target's name within its rule.
const TARGET_ID: &str = "deeploy";

/// What other parts decide; texts may hold links.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// The resource's name, which objects are named after.
    pub(crate) name: Attr<String>,
    /// ARN of the key that encrypts the topic; null: it isn't encrypted.
    pub(crate) data_key_arn: Attr<String>,
    /// The database's identifier; null: there is none.
    pub(crate) database_identifier: Attr<String>,
    /// The cluster's name; null: there is none.
    pub(crate) cluster_name: Attr<String>,
    /// NAT gateways' ids by zone.
    pub(crate) nat_gateway_ids: BTreeMap<String, Attr<String>>,
    /// Components whose metrics the alarms on nodes read: CloudWatch's agent.
    pub(crate) agent: Vec<ComponentId>,
}

/// The services in use, as AWS Health names them, and its name for what concerns several at once.
const SERVICES: [&str; 17] = [
    "AUTOSCALING",
    "CLOUDWATCH",
    "EBS",
    "EC2",
    "ECR",
    "EKS",
    "ELASTICLOADBALANCING",
    "IAM",
    "KMS",
    "MULTIPLE_SERVICES",
    "NATGATEWAY",
    "RDS",
    "S3",
    "SECRETSMANAGER",
    "SNS",
    "SSM",
    "VPC",
];

/// The topic of a resource.
pub(crate) fn topic_name(name: &str) -> String {
    format!("{name}-alarms")
}

fn rule_name(name: &str) -> String {
    format!("{name}-health")
}

/// The component of an address.
pub(super) fn subscription(email: &str) -> String {
    format!("subscription/{email}")
}

/// Whether a topic is made here; `None`: not known yet.
pub(super) fn topic(model: &Monitoring) -> Option<bool> {
    match (&model.sns_topic_arn, &model.alarm_emails) {
        (Attr::Known(_), _) | (_, Attr::Null) => Some(false),
        (Attr::Unknown, _) | (_, Attr::Unknown) => None,
        (Attr::Null, Attr::Known(emails)) => Some(!emails.is_empty()),
    }
}

/// The topic with its subscriptions, the alarms, and AWS Health's rule.
pub(crate) fn nodes(model: &Monitoring, links: &Links, place: &Place) -> Vec<Node> {
    // Until it is known, it is there: the plan then shows what may come.
    let made = topic(model).unwrap_or(true);
    let told = match (&model.sns_topic_arn, made) {
        (Attr::Known(arn), _) => Some(Input::Known(json!(arn))),
        (Attr::Unknown, _) => Some(Input::Unknown),
        (Attr::Null, true) => Some(Input::Output(TOPIC.into(), "arn".to_owned())),
        (Attr::Null, false) => None,
    };
    let mut nodes = vec![topic_node(links, place).absent_if(!made)];
    let emails = model.alarm_emails.known().filter(|_| made).into_iter().flat_map(Set::known);
    nodes.extend(emails.map(|email| subscription_node(email)));
    for (name, threshold) in model.thresholds.known().into_iter().flatten() {
        nodes.extend(alarm(name, threshold, links, told.as_ref()));
    }
    nodes.extend(health(model, links, told.as_ref()));
    nodes
}

fn named(name: &Attr<String>, make: impl Fn(&str) -> String) -> Input {
    match name {
        Attr::Known(name) => Input::Known(json!(make(name))),
        _ => Input::Unknown,
    }
}

/// A text that may be or hold a link; null: `none`.
fn linked(text: &Attr<String>, none: Json) -> Input {
    match text {
        Attr::Known(text) => Input::from(json!(text)),
        Attr::Null => Input::Known(none),
        Attr::Unknown => Input::Unknown,
    }
}

fn topic_node(links: &Links, place: &Place) -> Node {
    let policy = match &links.name {
        Attr::Known(name) => Input::Known(topic_policy(place, &topic_name(name))),
        _ => Input::Unknown,
    };
    let topic = settings([
        ("name", fixed(named(&links.name, topic_name))),
        ("kms_master_key_id", live(linked(&links.data_key_arn, json!("")))),
        ("policy", live(policy).meaning(Meaning::Policy)),
        ("display_name", live(named(&links.name, |name| format!("Deeploy {name}")))),
    ]);
    Node::new(TOPIC, "sns_topic", topic)
}

fn subscription_node(email: &str) -> Node {
    let subscription_settings = settings([
        ("topic_arn", fixed(Input::Output(TOPIC.into(), "arn".to_owned()))),
        ("protocol", fixed(Input::Known(json!("email")))),
        ("endpoint", fixed(Input::Known(json!(email)))),
    ]);
    Node::new(&subscription(email), "sns_subscription", subscription_settings)
}

fn alarm_name(name: &Attr<String>, alarm: &str) -> Input {
    named(name, |name| format!("{name}-{}", alarm.replace('/', "-")))
}

/// Whose metric an alarm reads: namespace, and dimension with its value.
fn subject(alarm: &Alarm, zone: Option<&str>, links: &Links) -> (&'static str, &'static str, Attr<String>) {
    match alarm.subject {
        Subject::Database => ("AWS/RDS", "DBInstanceIdentifier", links.database_identifier.clone()),
        Subject::Nodes => ("ContainerInsights", "ClusterName", links.cluster_name.clone()),
        Subject::Nat => {
            let id = zone.and_then(|zone| links.nat_gateway_ids.get(zone)).cloned();
            ("AWS/NATGateway", "NatGatewayId", id.unwrap_or(Attr::Unknown))
        }
    }
}

fn alarm(name: &str, threshold: &Attr<i64>, links: &Links, told: Option<&Input>) -> Option<Node> {
    let (alarm, zone) = alarms::of(name)?;
    let (namespace, dimension, value) = subject(alarm, zone, links);
    let dimensions = match value {
        Attr::Known(value) => Input::from(json!({ dimension: value })),
        _ => Input::Unknown,
    };
    let actions = match told {
        None => Input::Known(json!([])),
        Some(Input::Known(arn)) => Input::Known(json!([arn])),
        Some(Input::Output(component, output)) => Input::from(json!([link(&component.0, output)])),
        Some(_) => Input::Unknown,
    };
    let known = |value: Json| live(Input::Known(value));
    let node = Node::new(
        &format!("alarm/{name}"),
        "cloudwatch_alarm",
        settings([
            ("name", fixed(alarm_name(&links.name, name))),
            ("description", known(json!(alarm.description))),
            ("namespace", known(json!(namespace))),
            ("metric_name", known(json!(alarm.metric))),
            ("dimensions", live(dimensions)),
            ("statistic", known(json!(alarm.statistic))),
            ("period", known(json!(PERIOD_S))),
            ("evaluation_periods", known(json!(alarm.periods))),
            ("datapoints_to_alarm", known(json!(alarm.periods))),
            ("threshold", live(crate::resources::setting::input(threshold))),
            ("comparison_operator", known(json!(alarm.comparison))),
            ("treat_missing_data", known(json!(alarm.missing))),
            ("actions_enabled", known(json!(true))),
            ("alarm_actions", live(actions.clone()).meaning(Meaning::Unordered)),
            ("ok_actions", live(actions).meaning(Meaning::Unordered)),
        ]),
    );
    let agent = if alarm.subject == Subject::Nodes { links.agent.as_slice() } else { &[] };
    Some(node.after(agent.iter().cloned()))
}

/// AWS Health's events of the services in use, to the topic.
fn health(model: &Monitoring, links: &Links, told: Option<&Input>) -> [Node; 2] {
    let absent = told.is_none() || model.health_events.known() == Some(&false);
    let pattern = json!({ "source": ["aws.health"], "detail-type": ["AWS Health Event"], "detail": { "service": SERVICES } });
    let rule = settings([
        ("name", fixed(named(&links.name, rule_name))),
        ("description", live(Input::Known(json!("AWS Health's events of the services that Deeploy uses")))),
        ("pattern", live(Input::Known(pattern)).meaning(Meaning::Unordered)),
        ("state", live(Input::Known(json!("ENABLED")))),
        ("targets", unread(Input::Known(json!([TARGET_ID])))),
    ]);
    let target = settings([
        ("rule", fixed(Input::Output(HEALTH_RULE.into(), "name".to_owned()))),
        ("target_id", fixed(Input::Known(json!(TARGET_ID)))),
        ("arn", live(told.cloned().unwrap_or(Input::Known(Json::Null)))),
    ]);
    [Node::new(HEALTH_RULE, "event_rule", rule).absent_if(absent), Node::new(HEALTH_TARGET, "event_target", target).absent_if(absent)]
}

/// A subscription or an alarm that was taken out.
pub(crate) fn leftover(component: &str, links: &Links) -> Option<Node> {
    if let Some(email) = component.strip_prefix("subscription/") {
        return Some(subscription_node(email));
    }
    let name = component.strip_prefix("alarm/")?;
    Some(Node::new(component, "cloudwatch_alarm", settings([("name", fixed(alarm_name(&links.name, name)))])))
}
