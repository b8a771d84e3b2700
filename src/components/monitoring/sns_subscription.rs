//! `sns_subscription`: somebody who gets a topic's messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_sdk_sns::types::Subscription;

use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    components::settings::{map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A subscription.
///
/// Settings, all fixed: `topic_arn`, `protocol`, `endpoint`. Outputs: `arn` (left out until it is confirmed), `confirmed`.
/// Id: `TOPIC-ARN,PROTOCOL,ENDPOINT`, since AWS gives it an ARN only when its endpoint has confirmed it.
/// Guarantees: the calls of all subscriptions of a topic that are read at once are one.
/// Assumptions: it can't be tagged and belongs by its topic, which must be the blueprint's own.
/// Caveats: an unconfirmed one can't be deleted: AWS forgets it after three days, or with its topic. Until then `find` would go on
/// telling it, so that what `delete` gave up is told as gone until the end of the process, but for a create, which wants it again.
pub(super) struct SnsSubscription {
    aws: Arc<Aws>,
    listed: Batch<String, Vec<Subscription>>,
    given_up: Mutex<BTreeSet<String>>,
}

/// What stands in place of an ARN until the endpoint has confirmed, and after it has unsubscribed.
const UNCONFIRMED: &str = "PendingConfirmation";
const UNSUBSCRIBED: &str = "Deleted";

impl SnsSubscription {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, listed: Batch::default(), given_up: Mutex::default() }
    }

    async fn list(&self, topics: Vec<String>) -> Result<Vec<(String, Vec<Subscription>)>, Failure> {
        let mut found = Vec::new();
        for topic in topics {
            let pages = self.aws.sns.list_subscriptions_by_topic().topic_arn(&topic).into_paginator().items().send();
            let subscriptions = pages.collect::<Result<Vec<_>, _>>().await.absent("sns:ListSubscriptionsByTopic")?;
            found.extend(subscriptions.map(|subscriptions| (topic, subscriptions)));
        }
        Ok(found)
    }
}

/// The three parts of an id; an endpoint may hold commas.
fn parts(id: &str) -> Option<(&str, &str, &str)> {
    let mut parts = id.splitn(3, ',');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

fn found(topic: &str, protocol: &str, endpoint: &str, arn: Option<&str>) -> Found {
    let arn = arn.filter(|arn| *arn != UNCONFIRMED);
    let mut outputs = map([("confirmed", arn.is_some().into())]);
    outputs.extend(arn.map(|arn| ("arn".to_owned(), arn.into())));
    Found {
        id: format!("{topic},{protocol},{endpoint}"),
        settings: map([("topic_arn", topic.into()), ("protocol", protocol.into()), ("endpoint", endpoint.into())]),
        outputs,
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for SnsSubscription {
    fn kind(&self) -> &'static str {
        "sns_subscription"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["sns:ListSubscriptionsByTopic", "sns:Subscribe", "sns:Unsubscribe"]
    }

    fn taggable(&self) -> bool {
        false
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let settings = &query.settings;
        let named = text(settings, "topic_arn").zip(text(settings, "protocol")).zip(text(settings, "endpoint"));
        let wanted = named.map(|((topic, protocol), endpoint)| (topic, protocol, endpoint));
        let Some((topic, protocol, endpoint)) = query.id.as_deref().and_then(parts).or(wanted) else { return Ok(None) };
        let listed = self.listed.get(topic.to_owned(), |topics| self.list(topics)).await?.unwrap_or_default();
        let is = |one: &Subscription| {
            one.protocol() == Some(protocol) && one.endpoint() == Some(endpoint) && one.subscription_arn() != Some(UNSUBSCRIBED)
        };
        let mut found = listed.iter().find(|one| is(one)).map(|one| found(topic, protocol, endpoint, one.subscription_arn()));
        if let Some(found) = &mut found {
            let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner).contains(&found.id);
            if given_up && !query.recover {
                found.readiness = Readiness::Deleted;
            }
        }
        Ok(found)
    }

    /// Subscribing twice is one subscription; an unconfirmed endpoint gets another mail.
    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "sns:Subscribe";
        let setting = |name| required(&wanted.settings, name, CALL);
        let (topic, protocol, endpoint) = (setting("topic_arn")?, setting("protocol")?, setting("endpoint")?);
        let call = self.aws.sns.subscribe().topic_arn(topic).protocol(protocol).endpoint(endpoint);
        let call = call.return_subscription_arn(false).customize().config_override(once::sns());
        let reply = call.send().await.map_err(|error| failure(CALL, error))?;
        let made = found(topic, protocol, endpoint, reply.subscription_arn().filter(|arn| arn.starts_with("arn:")));
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).remove(&made.id);
        Ok(made)
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    /// Never called: it carries no tags.
    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        match found.outputs.get("arn").and_then(|arn| arn.as_str()) {
            Some(arn) => {
                self.aws.sns.unsubscribe().subscription_arn(arn).send().await.absent("sns:Unsubscribe")?;
            }
            None => {
                self.given_up.lock().unwrap_or_else(PoisonError::into_inner).insert(found.id.clone());
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use futures_util::future::join_all;

    use super::*;
    use crate::components::{iam::replies, replay::Script};

    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:t";

    fn listed(members: &[(&str, &str)]) -> String {
        let members: String = members
            .iter()
            .map(|(endpoint, arn)| {
                format!(
                    "<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>email</Protocol><Endpoint>{endpoint}</Endpoint></member>"
                )
            })
            .collect();
        replies::reply("ListSubscriptionsByTopic", &format!("<Subscriptions>{members}</Subscriptions>"))
    }

    fn settings(endpoint: &str) -> BTreeMap<String, serde_json::Value> {
        map([("topic_arn", TOPIC.into()), ("protocol", "email".into()), ("endpoint", endpoint.into())])
    }

    fn query(endpoint: &str) -> Query {
        Query { settings: settings(endpoint), ..Query::default() }
    }

    fn wanted(endpoint: &str) -> Wanted {
        Wanted { component: "subscription".into(), settings: settings(endpoint), tags: BTreeMap::new(), token: String::new() }
    }

    fn of(script: &Script) -> SnsSubscription {
        SnsSubscription::new(script.aws("eu-west-1"))
    }

    #[tokio::test(start_paused = true)]
    async fn all_of_a_topic_are_one_call() {
        let reply = listed(&[("a@x", "arn:sub"), ("b@x", UNCONFIRMED), ("c@x", UNSUBSCRIBED)]);
        let script = Script::new().on("ListSubscriptionsByTopic", 200, &reply);
        let component = of(&script);
        let queries = ["a@x", "b@x", "c@x", "d@x"].map(query);
        let found = join_all(queries.iter().map(|query| component.find(query))).await;
        let confirmed: Vec<_> =
            found.into_iter().map(|found| found.unwrap().map(|found| found.outputs["confirmed"].as_bool().unwrap())).collect();
        assert_eq!(confirmed, [Some(true), Some(false), None, None]);
        script.finish();
    }

    #[tokio::test]
    async fn without_its_topic_there_is_none() {
        let script = Script::new().on("ListSubscriptionsByTopic", 404, &replies::error("NotFound", "Topic does not exist"));
        let id = found(TOPIC, "email", "a,b@x", None).id;
        // The topic isn't known when it isn't there: the id tells it.
        let unknown = Query { id: Some(id), ..Query::default() };
        assert_eq!(of(&script).find(&unknown).await.unwrap(), None);
        assert!(script.finish()[0].1.contains("TopicArn=arn%3Aaws%3Asns"));
        assert_eq!(of(&Script::new()).find(&Query::default()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn create_is_one_call_and_waits_for_no_confirmation() {
        let reply = replies::reply("Subscribe", "<SubscriptionArn>pending confirmation</SubscriptionArn>");
        let script = Script::new().on("Subscribe", 200, &reply);
        let made = of(&script).create(&wanted("a@x")).await.unwrap();
        assert_eq!((made.id.as_str(), &made.readiness), ("arn:aws:sns:eu-west-1:123456789012:t,email,a@x", &Readiness::Ready));
        assert_eq!((made.outputs["confirmed"].as_bool(), made.outputs.get("arn")), (Some(false), None));
        let asked = script.finish();
        assert!(asked[0].1.contains("Protocol=email") && asked[0].1.contains("Endpoint=a%40x"), "{asked:?}");
    }

    #[tokio::test]
    async fn a_confirmed_one_is_unsubscribed_twice() {
        let gone = replies::error("NotFound", "Subscription does not exist");
        let script = Script::new().on("Unsubscribe", 200, &replies::reply("Unsubscribe", "")).on("Unsubscribe", 404, &gone);
        let (component, one) = (of(&script), found(TOPIC, "email", "a@x", Some("arn:sub")));
        assert_eq!(component.delete(&one, &wanted("a@x")).await.unwrap(), None);
        assert_eq!(component.delete(&one, &wanted("a@x")).await.unwrap(), None);
        assert!(script.finish()[0].1.contains("SubscriptionArn=arn%3Asub"));
    }

    #[tokio::test]
    async fn an_unconfirmed_one_is_given_up_without_a_call_and_wanted_again_by_a_create() {
        let reply = listed(&[("a@x", UNCONFIRMED)]);
        let script = Script::new().on("ListSubscriptionsByTopic", 200, &reply).on("ListSubscriptionsByTopic", 200, &reply);
        let component = of(&script);
        let one = found(TOPIC, "email", "a@x", None);
        assert_eq!(component.delete(&one, &wanted("a@x")).await.unwrap(), None);
        assert_eq!(component.find(&query("a@x")).await.unwrap().unwrap().readiness, Readiness::Deleted);
        let again = Query { recover: true, ..query("a@x") };
        assert_eq!(component.find(&again).await.unwrap().unwrap().readiness, Readiness::Ready);
        script.finish();
    }
}
