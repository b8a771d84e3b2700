//! `iam_group_policy`: a policy inside a group.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    iam::{document, parts, text_of},
    settings::{map, required, text, value},
};
use crate::{
    aws::{Absent, Aws, failure},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A group's inline policy; it belongs to its group.
///
/// Settings: `group` (its name; live, since the policy follows a renamed group), `name` (fixed), `policy` (document, live). No outputs. Id: `GROUP:NAME`; neither part can hold a colon.
pub(super) struct IamGroupPolicy {
    aws: Arc<Aws>,
}

impl IamGroupPolicy {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    /// PutGroupPolicy makes and changes, and may be repeated.
    async fn put(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:PutGroupPolicy";
        let settings = &wanted.settings;
        let (group, name) = (required(settings, "group", CALL)?, required(settings, "name", CALL)?);
        let policy = value(settings, "policy", CALL)?;
        let call = self.aws.iam.put_group_policy().group_name(group).policy_name(name).policy_document(text_of(policy));
        call.send().await.map_err(|error| failure(CALL, error))?;
        Ok(found(group, name, policy.clone()))
    }
}

fn found(group: &str, name: &str, policy: serde_json::Value) -> Found {
    Found {
        id: format!("{group}:{name}"),
        settings: map([("group", group.into()), ("name", name.into()), ("policy", policy)]),
        outputs: BTreeMap::new(),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for IamGroupPolicy {
    fn kind(&self) -> &'static str {
        "iam_group_policy"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["iam:DeleteGroupPolicy", "iam:GetGroupPolicy", "iam:PutGroupPolicy"]
    }

    fn taggable(&self) -> bool {
        false
    }

    /// A renamed group keeps its policies.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.settings.get("name") == now.settings.get("name")
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let id = parts(query.id.as_deref(), ':');
        let group = text(&query.settings, "group").or(id.map(|(group, _)| group));
        let name = text(&query.settings, "name").or(id.map(|(_, name)| name));
        let (Some(group), Some(name)) = (group, name) else { return Ok(None) };
        let reply = self.aws.iam.get_group_policy().group_name(group).policy_name(name).send().await;
        let reply = reply.absent("iam:GetGroupPolicy")?;
        Ok(reply.map(|reply| found(group, name, document(reply.policy_document()))))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        self.put(wanted).await
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.is_empty() {
            return Ok(());
        }
        self.put(wanted).await.map(drop)
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        const CALL: &str = "iam:DeleteGroupPolicy";
        let (group, name) = (required(&found.settings, "group", CALL)?, required(&found.settings, "name", CALL)?);
        let call = self.aws.iam.delete_group_policy().group_name(group).policy_name(name);
        call.send().await.absent(CALL)?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::{iam::replies, replay::Script},
        *,
    };
    use crate::graph::Class;

    fn wanted() -> Wanted {
        let settings = map([("group", json!("g")), ("name", json!("p")), ("policy", json!({"Statement": []}))]);
        Wanted { component: "policy".into(), settings, tags: BTreeMap::new(), token: String::new() }
    }

    #[tokio::test]
    async fn find_goes_by_settings_or_by_id() {
        let result = "<GroupName>g</GroupName><PolicyName>p</PolicyName><PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</PolicyDocument>";
        for (id, settings) in [(None, wanted().settings), (Some("g:p".to_owned()), BTreeMap::new())] {
            let script = Script::new().on("GetGroupPolicy", 200, &replies::reply("GetGroupPolicy", result));
            let component = IamGroupPolicy::new(script.aws("eu-west-1"));
            let found = component.find(&Query { id, settings, ..Query::default() }).await.unwrap().unwrap();
            assert_eq!((found.id.as_str(), found.settings), ("g:p", wanted().settings));
            assert!(script.finish()[0].1.contains("GroupName=g&PolicyName=p"));
        }
        // Its group is yet to be made.
        let script = Script::new();
        let component = IamGroupPolicy::new(script.aws("eu-west-1"));
        let query = Query { settings: map([("name", json!("p"))]), ..Query::default() };
        assert_eq!(component.find(&query).await.unwrap(), None);
        assert!(script.finish().is_empty());
    }

    #[tokio::test]
    async fn create_and_update_put_and_delete_may_be_repeated() {
        let script = Script::new()
            .on("PutGroupPolicy", 200, &replies::reply("PutGroupPolicy", ""))
            .on("PutGroupPolicy", 200, &replies::reply("PutGroupPolicy", ""))
            .on("DeleteGroupPolicy", 404, &replies::error("NoSuchEntity", "no"));
        let component = IamGroupPolicy::new(script.aws("eu-west-1"));
        let made = component.create(&wanted()).await.unwrap();
        assert_eq!(made.settings, wanted().settings);
        component.update(&made, &wanted(), &BTreeSet::from(["policy".to_owned()])).await.unwrap();
        component.delete(&made, &wanted()).await.unwrap();
        assert!(script.finish()[1].1.contains("PolicyDocument=%7B%22Statement%22%3A%5B%5D%7D"));
    }

    #[tokio::test]
    async fn a_group_that_is_not_visible_yet_is_waited_for() {
        let script = Script::new().on("PutGroupPolicy", 404, &replies::error("NoSuchEntity", "The group with name g cannot be found."));
        let failure = IamGroupPolicy::new(script.aws("eu-west-1")).create(&wanted()).await.unwrap_err();
        assert_eq!(failure.class, Class::NotYetVisible);
    }
}
