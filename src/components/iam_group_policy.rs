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
/// Settings: `group` (its name) and `name` (fixed), `policy` (document, live). No outputs. Id: `GROUP:NAME`; neither part can hold a colon.
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
