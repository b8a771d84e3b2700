//! `event_rule`: a rule of EventBridge's default bus.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_eventbridge::types::{RuleState, Tag, Target};
use serde_json::Value as Json;

use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{json, map, required, text, texts, value},
    graph::{Component, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
};

/// A rule on the default bus, which is where AWS services' events come in.
///
/// Settings: `name` (fixed); live: `description`, `pattern` (an object), `state` (`ENABLED`, `DISABLED`). Not read, for the guards:
/// `targets`, the ids of the targets that the blueprint gives it. Outputs: `arn`, `name`. Id: the name.
pub(super) struct EventRule {
    aws: Arc<Aws>,
}

const PUT: &str = "events:PutRule";

impl EventRule {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    fn arn(&self, name: &str) -> String {
        self.aws.arn("events", &self.aws.region, &format!("rule/{name}"))
    }

    async fn settings(&self, name: &str) -> Result<Option<BTreeMap<String, Json>>, Failure> {
        let reply = self.aws.events.describe_rule().name(name).send().await.absent("events:DescribeRule")?;
        Ok(reply.map(|rule| {
            // A pattern that is no JSON is reported as it is, which is drift.
            let pattern = rule.event_pattern().map(|text| serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)));
            map([
                ("name", name.into()),
                ("description", json(rule.description())),
                ("pattern", pattern.unwrap_or_default()),
                ("state", json(rule.state().map(RuleState::as_str))),
            ])
        }))
    }

    async fn tags(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let reply = self.aws.events.list_tags_for_resource().resource_arn(self.arn(name)).send().await;
        let own = |tag: Tag| (!tag.key.starts_with("aws:")).then_some((tag.key, tag.value));
        let reply = reply.absent("events:ListTagsForResource")?;
        Ok(reply.map(|reply| reply.tags.unwrap_or_default().into_iter().filter_map(own).collect()))
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let (Some(settings), Some(tags)) = tokio::try_join!(self.settings(name), self.tags(name))? else { return Ok(None) };
        Ok(Some(self.found(name, settings, tags)))
    }

    fn found(&self, name: &str, settings: BTreeMap<String, Json>, tags: BTreeMap<String, String>) -> Found {
        let outputs = map([("arn", self.arn(name).into()), ("name", name.into())]);
        Found { id: name.to_owned(), settings, outputs, tags, readiness: Readiness::Ready }
    }

    /// One call makes the rule or writes all of it over. AWS takes tags only of a new one.
    async fn put(&self, settings: &BTreeMap<String, Json>, tags: Option<Vec<Tag>>) -> Result<(), Failure> {
        (self.aws.events.put_rule())
            .name(required(settings, "name", PUT)?)
            .set_description(text(settings, "description").map(str::to_owned))
            .event_pattern(value(settings, "pattern", PUT)?.to_string())
            .set_state(text(settings, "state").map(RuleState::from))
            .set_tags(tags)
            .customize()
            .config_override(once::events())
            .send()
            .await
            .map(drop)
            .map_err(|error| failure(PUT, error))
    }
}

/// The targets of a rule; none where it isn't there.
pub(super) async fn targets(aws: &Aws, rule: &str) -> Result<Vec<Target>, Failure> {
    let mut all = Vec::new();
    let mut next = None;
    loop {
        let call = aws.events.list_targets_by_rule().rule(rule).set_next_token(next);
        let Some(page) = call.send().await.absent("events:ListTargetsByRule")? else { return Ok(all) };
        all.extend(page.targets.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

fn api_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    // `build` fails only without key or value, and both are given.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

#[async_trait]
impl Component for EventRule {
    fn kind(&self) -> &'static str {
        "event_rule"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "events:DeleteRule",
            "events:DescribeRule",
            "events:ListTagsForResource",
            "events:ListTargetsByRule",
            "events:PutRule",
            "events:TagResource",
            "events:UntagResource",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "name");
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id).await?;
            if by_id.is_some() || name == Some(id) {
                return Ok(by_id);
            }
        }
        match name {
            Some(name) => self.get(name).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        self.put(&wanted.settings, Some(api_tags(&wanted.tags))).await?;
        Ok(self.found(required(&wanted.settings, "name", PUT)?, wanted.settings.clone(), wanted.tags.clone()))
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.is_empty() { Ok(()) } else { self.put(&wanted.settings, None).await }
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let arn = self.arn(&found.id);
        if !remove.is_empty() {
            let call = self.aws.events.untag_resource().resource_arn(&arn).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("events:UntagResource", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.events.tag_resource().resource_arn(&arn).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("events:TagResource", error))?;
        }
        Ok(())
    }

    /// AWS doesn't delete a rule with targets, and those that others gave it aren't ours to remove.
    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        let ours = texts(&wanted.settings, "targets").unwrap_or_default();
        let all = targets(&self.aws, &found.id).await?;
        let foreign: Vec<&str> = all.iter().map(Target::id).filter(|id| !ours.iter().any(|own| own == id)).collect();
        if foreign.is_empty() {
            return Ok(Vec::new());
        }
        let reason = format!("the rule {} has targets, not made by this resource: {}; remove them first", found.id, foreign.join(", "));
        Ok(vec![Guard { attribute: String::new(), reason }])
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.events.delete_rule().name(&found.id).send().await.absent("events:DeleteRule")?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;
    use crate::{components::replay::Script, graph::Class};

    const GONE: &str = r#"{"__type":"ResourceNotFoundException","message":"Rule health does not exist on EventBus default."}"#;

    fn wanted() -> Wanted {
        Wanted {
            component: "health_rule".into(),
            settings: map([
                ("name", "health".into()),
                ("description", "d".into()),
                ("pattern", json!({ "source": ["aws.health"] })),
                ("state", "ENABLED".into()),
            ]),
            tags: BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_monitoring/prod".to_owned())]),
            token: String::new(),
        }
    }

    fn query(id: Option<&str>) -> Query {
        Query { id: id.map(str::to_owned), settings: map([("name", "health".into())]), ..Query::default() }
    }

    fn of(script: &Script) -> EventRule {
        EventRule::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn found_with_its_pattern_and_tags_and_absent_is_an_answer() {
        let rule = json!({ "Name": "health", "Description": "d", "State": "ENABLED", "EventPattern": r#"{"source": ["aws.health"]}"# });
        let tags = json!({ "Tags": [{ "Key": "deeploy:owner", "Value": "deeploy_monitoring/prod" }, { "Key": "aws:x", "Value": "y" }] });
        let script = Script::any_order().on("DescribeRule", 200, &rule.to_string()).on("ListTagsForResource", 200, &tags.to_string());
        let found = of(&script).find(&query(Some("health"))).await.unwrap().unwrap();
        assert_eq!((&found.settings, &found.tags), (&wanted().settings, &wanted().tags));
        assert_eq!(found.outputs["arn"], "arn:aws:events:eu-west-1:123456789012:rule/health");
        assert!(script.finish().iter().any(|(_, body)| body.contains("arn:aws:events:eu-west-1:123456789012:rule/health")));
        let script = Script::any_order().on("DescribeRule", 400, GONE).on("ListTagsForResource", 400, GONE);
        assert_eq!(of(&script).find(&query(None)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn create_carries_everything_and_an_update_all_but_the_tags() {
        let script = Script::new().on("PutRule", 200, "{}").on("PutRule", 200, "{}");
        let component = of(&script);
        let made = component.create(&wanted()).await.unwrap();
        assert_eq!((made.id.as_str(), &made.settings, &made.tags), ("health", &wanted().settings, &wanted().tags));
        component.update(&made, &wanted(), &BTreeSet::from(["state".to_owned()])).await.unwrap();
        component.update(&made, &wanted(), &BTreeSet::new()).await.unwrap();
        let asked: Vec<Json> = script.finish().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
        let tags = json!([{ "Key": "deeploy:owner", "Value": "deeploy_monitoring/prod" }]);
        let rule = json!({ "Name": "health", "Description": "d", "State": "ENABLED", "EventPattern": r#"{"source":["aws.health"]}"# });
        assert_eq!((&asked[0]["Tags"], &asked[1]), (&tags, &rule));
    }

    #[tokio::test]
    async fn targets_of_others_keep_it() {
        let targets = json!({ "Targets": [{ "Id": "deeploy", "Arn": "arn:t" }, { "Id": "theirs", "Arn": "arn:u" }] }).to_string();
        let script = Script::new().on("ListTargetsByRule", 200, &targets).on("ListTargetsByRule", 400, GONE);
        let mut wanted = wanted();
        wanted.settings.insert("targets".to_owned(), json!(["deeploy"]));
        let found = Found { id: "health".to_owned(), ..Found::default() };
        let guards = of(&script).guards(&found, &wanted).await.unwrap();
        assert!(guards.len() == 1 && guards[0].reason.contains("not made by this resource: theirs;"), "{guards:?}");
        assert_eq!(of(&script).guards(&found, &wanted).await.unwrap(), []);
        script.finish();
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set_and_deleted_twice() {
        let script = Script::new()
            .on("UntagResource", 200, "{}")
            .on("TagResource", 200, "{}")
            .on("DeleteRule", 200, "")
            .on("DeleteRule", 400, GONE)
            .on("DeleteRule", 400, r#"{"__type":"ValidationException","message":"Rule can't be deleted since it has targets."}"#);
        let (component, found) = (of(&script), Found { id: "health".to_owned(), ..Found::default() });
        component.tag(&found, &BTreeMap::from([("a".to_owned(), "b".to_owned())]), &["c".to_owned()]).await.unwrap();
        assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted()).await.unwrap_err().class, Class::Busy);
        script.finish();
    }
}
