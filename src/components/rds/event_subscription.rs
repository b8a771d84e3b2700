//! `rds_event_subscription`: RDS's own events, sent to a topic.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_rds::types::EventSubscription;
use serde_json::Value as Json;

use super::{
    super::settings::{bug, json, map, required, text, texts},
    api_tags, retag, tags_of,
};
use crate::{
    aws::{Absent, Aws, failure, once},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A subscription to RDS's events.
///
/// Settings: `name` (fixed), `sns_topic_arn`, `source_type` (e.g. `db-instance`), `source_ids` (empty: every source of the type),
/// `event_categories` (empty: all), `enabled`. Outputs: `name`, `arn`. Id: the name.
pub(super) struct RdsEventSubscription {
    aws: Arc<Aws>,
}

impl RdsEventSubscription {
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        const CALL: &str = "rds:DescribeEventSubscriptions";
        let reply = self.aws.rds.describe_event_subscriptions().subscription_name(name).send().await.absent(CALL)?;
        let Some(subscription) = reply.as_ref().and_then(|reply| reply.event_subscriptions_list().first()) else { return Ok(None) };
        let mut found = found(subscription, CALL)?;
        if let Some(arn) = subscription.event_subscription_arn() {
            found.tags = tags_of(&self.aws, arn).await?;
        }
        Ok(Some(found))
    }
}

fn found(subscription: &EventSubscription, call: &str) -> Result<Found, Failure> {
    let name = subscription.cust_subscription_id().ok_or_else(|| bug(call, "the reply holds no name"))?;
    let topic = subscription.sns_topic_arn();
    // One that was deleted is no topic, also when another has its name since: only naming it again lets RDS look.
    let deleted = subscription.status() == Some("topic-not-exist");
    Ok(Found {
        id: name.to_owned(),
        settings: map([
            ("name", name.into()),
            ("sns_topic_arn", json(topic.filter(|_| !deleted))),
            ("source_type", json(subscription.source_type())),
            ("source_ids", subscription.source_ids_list().into()),
            ("event_categories", subscription.event_categories_list().into()),
            ("enabled", subscription.enabled().unwrap_or(false).into()),
        ]),
        outputs: map([("name", name.into()), ("arn", json(subscription.event_subscription_arn()))]),
        tags: BTreeMap::new(),
        readiness: match subscription.status().unwrap_or("active") {
            "active" | "topic-not-exist" => Readiness::Ready,
            // It stays so until somebody mends the topic's policy.
            "no-permission" => Readiness::Broken(format!(
                "RDS may not publish to {}: its status is no-permission (does the topic's policy, and its key's, admit events.rds.amazonaws.com?)",
                topic.unwrap_or_default()
            )),
            other => Readiness::Pending(other.to_owned()),
        },
    })
}

#[async_trait]
impl Component for RdsEventSubscription {
    fn kind(&self) -> &'static str {
        "rds_event_subscription"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "rds:AddSourceIdentifierToSubscription",
            "rds:AddTagsToResource",
            "rds:CreateEventSubscription",
            "rds:DeleteEventSubscription",
            "rds:DescribeEventSubscriptions",
            "rds:ListTagsForResource",
            "rds:ModifyEventSubscription",
            "rds:RemoveSourceIdentifierFromSubscription",
            "rds:RemoveTagsFromResource",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let mut found = match query.id.as_deref().or_else(|| text(&query.settings, "name")) {
            Some(name) => self.get(name).await?,
            None => None,
        };
        // Another topic is what mends it: that must not look as if nothing could be done.
        if let (Some(found), Some(topic)) = (&mut found, text(&query.settings, "sns_topic_arn"))
            && matches!(found.readiness, Readiness::Broken(_))
            && text(&found.settings, "sns_topic_arn") != Some(topic)
        {
            found.readiness = Readiness::Ready;
        }
        Ok(found)
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "rds:CreateEventSubscription";
        let settings = &wanted.settings;
        let sources = texts(settings, "source_ids").filter(|sources| !sources.is_empty());
        let reply = (self.aws.rds.create_event_subscription())
            .subscription_name(required(settings, "name", CALL)?)
            .sns_topic_arn(required(settings, "sns_topic_arn", CALL)?)
            .set_source_type(text(settings, "source_type").map(str::to_owned))
            .set_source_ids(sources)
            .set_event_categories(texts(settings, "event_categories").filter(|categories| !categories.is_empty()))
            .set_enabled(settings.get("enabled").and_then(Json::as_bool))
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::rds())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let mut made = found(reply.event_subscription().ok_or_else(|| bug(CALL, "the reply holds no subscription"))?, CALL)?;
        made.tags.clone_from(&wanted.tags);
        Ok(made)
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let (settings, rds) = (&wanted.settings, &self.aws.rds);
        let modified = ["sns_topic_arn", "source_type", "event_categories", "enabled"];
        if modified.iter().any(|name| changed.contains(*name)) {
            (rds.modify_event_subscription())
                .subscription_name(&found.id)
                .set_sns_topic_arn(text(settings, "sns_topic_arn").map(str::to_owned))
                .set_source_type(text(settings, "source_type").map(str::to_owned))
                .set_event_categories(texts(settings, "event_categories"))
                .set_enabled(settings.get("enabled").and_then(Json::as_bool))
                .send()
                .await
                .map_err(|error| failure("rds:ModifyEventSubscription", error))?;
        }
        if changed.contains("source_ids") {
            let (there, wanted) =
                (texts(&found.settings, "source_ids").unwrap_or_default(), texts(settings, "source_ids").unwrap_or_default());
            // The new ones first: a subscription without sources is one to all of them.
            for source in wanted.iter().filter(|source| !there.contains(source)) {
                let call = rds.add_source_identifier_to_subscription().subscription_name(&found.id).source_identifier(source);
                call.send().await.map_err(|error| failure("rds:AddSourceIdentifierToSubscription", error))?;
            }
            for source in there.iter().filter(|source| !wanted.contains(source)) {
                let call = rds.remove_source_identifier_from_subscription().subscription_name(&found.id).source_identifier(source);
                call.send().await.map_err(|error| failure("rds:RemoveSourceIdentifierFromSubscription", error))?;
            }
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, required(&found.outputs, "arn", "rds:AddTagsToResource")?, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.rds.delete_event_subscription().subscription_name(&found.id).send().await.absent("rds:DeleteEventSubscription")?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::components::{iam::replies, replay::Script};

    fn subscription(status: &str) -> String {
        format!(
            "<CustSubscriptionId>s</CustSubscriptionId><SnsTopicArn>arn:t</SnsTopicArn><Status>{status}</Status><SourceType>db-instance</SourceType>\
             <SourceIdsList><SourceId>db</SourceId></SourceIdsList><EventCategoriesList><EventCategory>failure</EventCategory></EventCategoriesList>\
             <Enabled>true</Enabled><EventSubscriptionArn>arn:s</EventSubscriptionArn>"
        )
    }

    fn described(status: &str) -> String {
        let list =
            format!("<EventSubscriptionsList><EventSubscription>{}</EventSubscription></EventSubscriptionsList>", subscription(status));
        replies::reply("DescribeEventSubscriptions", &list)
    }

    fn wanted(topic: &str, sources: &[&str]) -> Wanted {
        Wanted {
            component: "database_events".into(),
            settings: map([
                ("name", json!("s")),
                ("sns_topic_arn", json!(topic)),
                ("source_type", json!("db-instance")),
                ("source_ids", json!(sources)),
                ("event_categories", json!(["failure"])),
                ("enabled", json!(true)),
            ]),
            tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            token: String::new(),
        }
    }

    fn of(script: &Script) -> RdsEventSubscription {
        RdsEventSubscription::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn each_status_has_its_meaning() {
        for (status, ready, broken) in
            [("active", true, false), ("creating", false, false), ("modifying", false, false), ("no-permission", false, true)]
        {
            let script = Script::new().on("DescribeEventSubscriptions", 200, &described(status)).on(
                "ListTagsForResource",
                200,
                &replies::reply("ListTagsForResource", "<TagList/>"),
            );
            let query = Query { settings: wanted("arn:t", &["db"]).settings, ..Query::default() };
            let found = of(&script).find(&query).await.unwrap().unwrap();
            assert_eq!((found.readiness == Readiness::Ready, matches!(found.readiness, Readiness::Broken(_))), (ready, broken), "{status}");
            assert_eq!(found.settings, wanted("arn:t", &["db"]).settings);
            script.finish();
        }
    }

    #[tokio::test]
    async fn naming_a_topic_mends_a_subscription_without_one() {
        let script = Script::new()
            .on("DescribeEventSubscriptions", 200, &described("topic-not-exist"))
            .on("ListTagsForResource", 200, &replies::reply("ListTagsForResource", "<TagList/>"))
            .on("ModifyEventSubscription", 200, &replies::reply("ModifyEventSubscription", ""));
        let wanted = wanted("arn:new", &["db"]);
        let found = of(&script).find(&Query { settings: wanted.settings.clone(), ..Query::default() }).await.unwrap().unwrap();
        assert_eq!((&found.readiness, found.settings.get("sns_topic_arn")), (&Readiness::Ready, Some(&Json::Null)));
        of(&script).update(&found, &wanted, &BTreeSet::from(["sns_topic_arn".to_owned()])).await.unwrap();
        assert!(script.finish()[2].1.contains("SnsTopicArn=arn%3Anew"));
    }

    #[tokio::test]
    async fn create_is_one_call_and_sources_are_added_before_others_go() {
        let made = format!("<EventSubscription>{}</EventSubscription>", subscription("creating"));
        let script = Script::new()
            .on("CreateEventSubscription", 200, &replies::reply("CreateEventSubscription", &made))
            .on("AddSourceIdentifierToSubscription", 200, &replies::reply("AddSourceIdentifierToSubscription", ""))
            .on("RemoveSourceIdentifierFromSubscription", 200, &replies::reply("RemoveSourceIdentifierFromSubscription", ""));
        let found = of(&script).create(&wanted("arn:t", &["db"])).await.unwrap();
        assert_eq!(found.readiness, Readiness::Pending("creating".into()));
        of(&script).update(&found, &wanted("arn:t", &["new"]), &BTreeSet::from(["source_ids".to_owned()])).await.unwrap();
        let asked = script.finish();
        for part in ["SourceIds.SourceId.1=db", "EventCategories.EventCategory.1=failure", "Tags.Tag.1.Key=a", "Enabled=true"] {
            assert!(asked[0].1.contains(part), "{part} is missing in {}", asked[0].1);
        }
    }

    #[tokio::test]
    async fn absent_is_an_answer() {
        let gone = replies::error("SubscriptionNotFound", "no");
        let script = Script::new().on("DescribeEventSubscriptions", 404, &gone).on("DeleteEventSubscription", 404, &gone);
        assert_eq!(of(&script).find(&Query { id: Some("s".into()), ..Query::default() }).await.unwrap(), None);
        assert_eq!(of(&script).delete(&Found { id: "s".into(), ..Found::default() }, &wanted("arn:t", &[])).await.unwrap(), None);
        script.finish();
    }
}
