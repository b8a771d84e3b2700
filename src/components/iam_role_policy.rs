//! `iam_role_policy`: a policy inside a role.

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

/// A role's inline policy; it belongs to its role.
///
/// Settings: `role` (its name) and `name` (fixed), `policy` (document, live). No outputs. Id: `ROLE:NAME`; neither part can hold a colon.
pub(super) struct IamRolePolicy {
    aws: Arc<Aws>,
}

impl IamRolePolicy {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    /// PutRolePolicy makes and changes, and may be repeated.
    async fn put(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:PutRolePolicy";
        let settings = &wanted.settings;
        let (role, name) = (required(settings, "role", CALL)?, required(settings, "name", CALL)?);
        let policy = value(settings, "policy", CALL)?;
        let call = self.aws.iam.put_role_policy().role_name(role).policy_name(name).policy_document(text_of(policy));
        call.send().await.map_err(|error| failure(CALL, error))?;
        Ok(found(role, name, policy.clone()))
    }
}

fn found(role: &str, name: &str, policy: serde_json::Value) -> Found {
    Found {
        id: format!("{role}:{name}"),
        settings: map([("role", role.into()), ("name", name.into()), ("policy", policy)]),
        outputs: BTreeMap::new(),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for IamRolePolicy {
    fn kind(&self) -> &'static str {
        "iam_role_policy"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"]
    }

    fn taggable(&self) -> bool {
        false
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let id = parts(query.id.as_deref(), ':');
        let role = text(&query.settings, "role").or(id.map(|(role, _)| role));
        let name = text(&query.settings, "name").or(id.map(|(_, name)| name));
        let (Some(role), Some(name)) = (role, name) else { return Ok(None) };
        let reply = self.aws.iam.get_role_policy().role_name(role).policy_name(name).send().await;
        let reply = reply.absent("iam:GetRolePolicy")?;
        Ok(reply.map(|reply| found(role, name, document(reply.policy_document()))))
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
        const CALL: &str = "iam:DeleteRolePolicy";
        let (role, name) = (required(&found.settings, "role", CALL)?, required(&found.settings, "name", CALL)?);
        let call = self.aws.iam.delete_role_policy().role_name(role).policy_name(name);
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
        let settings = map([("role", json!("r")), ("name", json!("p")), ("policy", json!({"Statement": []}))]);
        Wanted { component: "policy".into(), settings, tags: BTreeMap::new(), token: String::new() }
    }

    #[tokio::test]
    async fn find_goes_by_settings_or_by_id() {
        let result = "<RoleName>r</RoleName><PolicyName>p</PolicyName><PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</PolicyDocument>";
        for (id, settings) in [(None, wanted().settings), (Some("r:p".to_owned()), BTreeMap::new())] {
            let script = Script::new().on("GetRolePolicy", 200, &replies::reply("GetRolePolicy", result));
            let component = IamRolePolicy::new(script.aws("eu-west-1"));
            let found = component.find(&Query { id, settings, ..Query::default() }).await.unwrap().unwrap();
            assert_eq!((found.id.as_str(), found.settings), ("r:p", wanted().settings));
            assert!(script.finish()[0].1.contains("RoleName=r&PolicyName=p"));
        }
        // Its role is yet to be made.
        let script = Script::new();
        let component = IamRolePolicy::new(script.aws("eu-west-1"));
        let query = Query { settings: map([("name", json!("p"))]), ..Query::default() };
        assert_eq!(component.find(&query).await.unwrap(), None);
        assert!(script.finish().is_empty());
    }

    #[tokio::test]
    async fn create_and_update_put_and_delete_may_be_repeated() {
        let script = Script::new()
            .on("PutRolePolicy", 200, &replies::reply("PutRolePolicy", ""))
            .on("PutRolePolicy", 200, &replies::reply("PutRolePolicy", ""))
            .on("DeleteRolePolicy", 404, &replies::error("NoSuchEntity", "no"));
        let component = IamRolePolicy::new(script.aws("eu-west-1"));
        let made = component.create(&wanted()).await.unwrap();
        assert_eq!(made.settings, wanted().settings);
        component.update(&made, &wanted(), &BTreeSet::from(["policy".to_owned()])).await.unwrap();
        component.delete(&made, &wanted()).await.unwrap();
        assert!(script.finish()[1].1.contains("PolicyDocument=%7B%22Statement%22%3A%5B%5D%7D"));
    }

    #[tokio::test]
    async fn a_role_that_is_not_visible_yet_is_waited_for() {
        let script = Script::new().on("PutRolePolicy", 404, &replies::error("NoSuchEntity", "The role with name r cannot be found."));
        let failure = IamRolePolicy::new(script.aws("eu-west-1")).create(&wanted()).await.unwrap_err();
        assert_eq!(failure.class, Class::NotYetVisible);
    }
}
