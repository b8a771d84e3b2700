//! `event_target`: where a rule of EventBridge sends its events.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_eventbridge::types::Target;

use super::event_rule::targets;
use crate::{
    aws::{Absent, Aws, error::partial, failure, once},
    components::settings::{bug, map, required, text},
    graph::{Class, Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A target, to which events go as they are.
///
/// Settings: `rule` (the rule's name) and `target_id` (fixed), `arn` (live). Outputs: `arn`. Id: `RULE/TARGET-ID`.
/// Assumptions: it can't be tagged and belongs by its rule.
pub(super) struct EventTarget {
    aws: Arc<Aws>,
}

const PUT: &str = "events:PutTargets";
const REMOVE: &str = "events:RemoveTargets";

impl EventTarget {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn put(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let setting = |name| required(&wanted.settings, name, PUT);
        let (rule, id, arn) = (setting("rule")?, setting("target_id")?, setting("arn")?);
        let target = Target::builder().id(id).arn(arn).build().map_err(|error| bug(PUT, error.to_string()))?;
        let call = self.aws.events.put_targets().rule(rule).targets(target).customize().config_override(once::events());
        let reply = call.send().await.map_err(|error| failure(PUT, error))?;
        match reply.failed_entries().first() {
            Some(entry) => Err(partial(PUT, entry.error_code(), entry.error_message().unwrap_or_default())),
            None => Ok(found(rule, id, arn)),
        }
    }
}

fn found(rule: &str, id: &str, arn: &str) -> Found {
    Found {
        id: format!("{rule}/{id}"),
        settings: map([("rule", rule.into()), ("target_id", id.into()), ("arn", arn.into())]),
        outputs: map([("arn", arn.into())]),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for EventTarget {
    fn kind(&self) -> &'static str {
        "event_target"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["events:ListTargetsByRule", "events:PutTargets", "events:RemoveTargets"]
    }

    fn taggable(&self) -> bool {
        false
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let wanted = text(&query.settings, "rule").zip(text(&query.settings, "target_id"));
        let Some((rule, id)) = query.id.as_deref().and_then(|id| id.split_once('/')).or(wanted) else { return Ok(None) };
        let targets = targets(&self.aws, rule).await?;
        Ok(targets.iter().find(|target| target.id() == id).map(|target| found(rule, id, target.arn())))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        self.put(wanted).await
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.contains("arn") { self.put(wanted).await.map(drop) } else { Ok(()) }
    }

    /// Never called: it carries no tags.
    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let Some((rule, id)) = found.id.split_once('/') else { return Ok(None) };
        let Some(reply) = self.aws.events.remove_targets().rule(rule).ids(id).send().await.absent(REMOVE)? else { return Ok(None) };
        let failed =
            reply.failed_entries().first().map(|entry| partial(REMOVE, entry.error_code(), entry.error_message().unwrap_or_default()));
        match failed.filter(|failure| failure.class != Class::NotFound) {
            Some(failure) => Err(failure),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::components::replay::Script;

    const GONE: &str = r#"{"__type":"ResourceNotFoundException","message":"Rule health does not exist on EventBus default."}"#;

    fn wanted() -> Wanted {
        let settings = map([("rule", "health".into()), ("target_id", "deeploy".into()), ("arn", "arn:t".into())]);
        Wanted { component: "health_target".into(), settings, tags: BTreeMap::new(), token: String::new() }
    }

    fn failed(code: &str) -> String {
        json!({ "FailedEntryCount": 1, "FailedEntries": [{ "TargetId": "deeploy", "ErrorCode": code, "ErrorMessage": "no" }] }).to_string()
    }

    fn of(script: &Script) -> EventTarget {
        EventTarget::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn found_among_the_targets_of_its_rule() {
        let page = |id: &str, next: Option<&str>| json!({ "Targets": [{ "Id": id, "Arn": "arn:t" }], "NextToken": next }).to_string();
        let script =
            Script::new().on("ListTargetsByRule", 200, &page("theirs", Some("2"))).on("ListTargetsByRule", 200, &page("deeploy", None));
        let query = Query { settings: wanted().settings, ..Query::default() };
        assert_eq!(of(&script).find(&query).await.unwrap(), Some(found("health", "deeploy", "arn:t")));
        let asked: Json = serde_json::from_str(&script.finish()[1].1).unwrap();
        assert_eq!(asked["NextToken"], "2");
        // Its rule isn't there, so its name isn't known: the id tells it.
        let script = Script::new().on("ListTargetsByRule", 400, GONE);
        let query = Query { id: Some("health/deeploy".to_owned()), ..Query::default() };
        assert_eq!(of(&script).find(&query).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn create_and_update_are_the_same_call_and_an_entry_that_failed_is_a_failure() {
        let script = Script::new().on("PutTargets", 200, r#"{"FailedEntryCount":0,"FailedEntries":[]}"#);
        let script = script.on("PutTargets", 200, &failed("ConcurrentModificationException"));
        let made = of(&script).create(&wanted()).await.unwrap();
        assert_eq!(made, found("health", "deeploy", "arn:t"));
        let changed = BTreeSet::from(["arn".to_owned()]);
        assert_eq!(of(&script).update(&made, &wanted(), &changed).await.unwrap_err().class, Class::Busy);
        let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
        assert_eq!(asked, json!({ "Rule": "health", "Targets": [{ "Id": "deeploy", "Arn": "arn:t" }] }));
    }

    #[tokio::test]
    async fn removed_twice_and_without_its_rule() {
        let script = Script::new()
            .on("RemoveTargets", 200, r#"{"FailedEntryCount":0}"#)
            .on("RemoveTargets", 200, &failed("ResourceNotFoundException"))
            .on("RemoveTargets", 400, GONE)
            .on("RemoveTargets", 200, &failed("ManagedRuleException"));
        let (component, found) = (of(&script), found("health", "deeploy", "arn:t"));
        for _ in 0..3 {
            assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
        }
        assert!(component.delete(&found, &wanted()).await.is_err());
        script.finish();
    }
}
