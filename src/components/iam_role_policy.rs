//! `iam_role_policy`: a policy inside a role.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    iam::{document, gone, if_there, parts, text_of},
    settings::{map, required, text, value},
};
use crate::{
    aws::{Aws, failure},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A role's inline policy; it belongs to its role.
///
/// Settings: `role` (its name) and `name` (fixed), `policy` (document, live). No outputs. Id: `ROLE:NAME`; neither part can hold a colon.
pub(super) struct IamRolePolicy {
    pub(super) aws: Arc<Aws>,
}

impl IamRolePolicy {
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
        let reply = if_there(reply.map_err(|error| failure("iam:GetRolePolicy", error)))?;
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
        gone(call.send().await.map_err(|error| failure(CALL, error)))?;
        Ok(None)
    }
}
