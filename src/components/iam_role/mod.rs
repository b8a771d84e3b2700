//! `iam_role`: a role with its trust policy.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_iam::types::Role;
use serde_json::Value as Json;

use super::{
    iam::{all, api_tags, document, foreign, own_tags, text_of},
    settings::{bug, json, map, number, required, text, texts, value},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    graph::{Component, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
};

/// A role.
///
/// Settings: `name` and `path` (the resource replaces), `trust_policy` (document), `permissions_boundary` (ARN; empty: none), `description`,
/// `max_session_duration` (seconds), `managed_policies` (ARNs; read only where the blueprint has them; attached after create). Not read, for the guards: `inline_policies`, the names of the policies that the blueprint puts
/// into the role; every other one is foreign (without the setting, none is asked for and AWS refuses the deletion itself).
/// Outputs: `arn`, `unique_id`, `name`. Id: the name.
/// Caveats: a principal that was deleted stands in the trust policy as its AROA or AIDA id, and is reported so: it's drift.
pub(super) struct IamRole {
    aws: Arc<Aws>,
}

/// IAM's own default, which UpdateRole also falls back to when none is given. Unit: seconds.
const MAX_SESSION_DURATION_S_DEFAULT: i32 = 3600;
const POLICIES: &str = "managed_policies";

/// What the names of the instance profiles begin with that AWSServiceRoleForAmazonEKSNodegroup may make and delete.
const OF_EKS: &str = "eks-";

impl IamRole {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let reply = self.aws.iam.get_role().role_name(name).send().await.absent("iam:GetRole")?;
        reply.map(|reply| reply.role().map(found).ok_or_else(|| bug("iam:GetRole", "the reply holds no role"))).transpose()
    }

    async fn put_boundary(&self, name: &str, boundary: Option<&str>) -> Result<(), Failure> {
        let iam = &self.aws.iam;
        match boundary {
            Some(arn) => iam
                .put_role_permissions_boundary()
                .role_name(name)
                .permissions_boundary(arn)
                .send()
                .await
                .map(drop)
                .map_err(|error| failure("iam:PutRolePermissionsBoundary", error)),
            None => {
                iam.delete_role_permissions_boundary().role_name(name).send().await.absent("iam:DeleteRolePermissionsBoundary").map(drop)
            }
        }
    }

    /// ARNs of the managed policies that are attached.
    async fn attached(&self, name: &str) -> Result<Vec<String>, Failure> {
        let policies = all!(self.aws.iam.list_attached_role_policies().role_name(name), "iam:ListAttachedRolePolicies")?;
        Ok(policies.iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)).collect())
    }

    /// Instance profiles by name: this provider makes none, so all are somebody else's, but for those that EKS makes for a managed node group and
    /// removes with it.
    async fn profiles(&self, name: &str) -> Result<Vec<String>, Failure> {
        let profiles = all!(self.aws.iam.list_instance_profiles_for_role().role_name(name), "iam:ListInstanceProfilesForRole")?;
        let names = profiles.iter().map(|profile| profile.instance_profile_name().to_owned());
        Ok(names.filter(|name| !name.starts_with(OF_EKS)).collect())
    }

    async fn attach(&self, name: &str, policy: &str) -> Result<(), Failure> {
        let call = self.aws.iam.attach_role_policy().role_name(name).policy_arn(policy);
        call.send().await.map(drop).map_err(|error| failure("iam:AttachRolePolicy", error))
    }

    /// What isn't attached is as good.
    async fn detach(&self, name: &str, policy: &str) -> Result<(), Failure> {
        let call = self.aws.iam.detach_role_policy().role_name(name).policy_arn(policy);
        call.send().await.absent("iam:DetachRolePolicy").map(drop)
    }

    /// The role with the managed policies, where the blueprint minds them.
    async fn with_policies(&self, found: Option<Found>, query: &Query) -> Result<Option<Found>, Failure> {
        let Some(mut found) = found else { return Ok(None) };
        if query.settings.contains_key(POLICIES) {
            let policies = self.attached(&found.id).await?;
            found.settings.insert(POLICIES.to_owned(), policies.into());
        }
        Ok(Some(found))
    }

    async fn inline(&self, name: &str) -> Result<Vec<String>, Failure> {
        all!(self.aws.iam.list_role_policies().role_name(name), "iam:ListRolePolicies")
    }
}

/// A role of the API as the engine sees it.
fn found(role: &Role) -> Found {
    let boundary = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
    Found {
        id: role.role_name().to_owned(),
        settings: map([
            ("name", role.role_name().into()),
            ("path", role.path().into()),
            ("trust_policy", role.assume_role_policy_document().map_or(Json::Null, document)),
            ("permissions_boundary", json(boundary)),
            ("description", json(role.description())),
            ("max_session_duration", role.max_session_duration().unwrap_or(MAX_SESSION_DURATION_S_DEFAULT).into()),
        ]),
        outputs: map([("arn", role.arn().into()), ("unique_id", role.role_id().into()), ("name", role.role_name().into())]),
        tags: own_tags(role.tags()),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for IamRole {
    fn kind(&self) -> &'static str {
        "iam_role"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DetachRolePolicy",
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
            "iam:PutRolePermissionsBoundary",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "name");
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id).await?;
            if by_id.is_some() || name == Some(id) {
                return self.with_policies(by_id, query).await;
            }
        }
        match name {
            Some(name) => self.with_policies(self.get(name).await?, query).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:CreateRole";
        let settings = &wanted.settings;
        let trust = value(settings, "trust_policy", CALL)?;
        let reply = (self.aws.iam.create_role())
            .role_name(required(settings, "name", CALL)?)
            .set_path(text(settings, "path").map(str::to_owned))
            .assume_role_policy_document(text_of(trust))
            .set_description(text(settings, "description").map(str::to_owned))
            .set_max_session_duration(number(settings, "max_session_duration"))
            .set_permissions_boundary(text(settings, "permissions_boundary").map(str::to_owned))
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::iam())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let mut made = reply.role().map(found).ok_or_else(|| bug(CALL, "the reply holds no role"))?;
        // CreateRole's reply leaves out some of what it was given (tags, session duration); all of it took effect with the call.
        made.tags.clone_from(&wanted.tags);
        for name in ["trust_policy", "description", "max_session_duration", "permissions_boundary"] {
            if let Some(value) = settings.get(name).filter(|value| !value.is_null()) {
                made.settings.insert(name.to_owned(), value.clone());
            }
        }
        // A role is made without any.
        made.settings.insert(POLICIES.to_owned(), Json::Array(Vec::new()));
        Ok(made)
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let settings = &wanted.settings;
        // The boundary first: it limits what the new trust lets others do.
        if changed.contains("permissions_boundary") {
            self.put_boundary(&found.id, text(settings, "permissions_boundary")).await?;
        }
        if changed.contains("trust_policy") {
            const CALL: &str = "iam:UpdateAssumeRolePolicy";
            let trust = text_of(value(settings, "trust_policy", CALL)?);
            let call = self.aws.iam.update_assume_role_policy().role_name(&found.id).policy_document(trust);
            call.send().await.map_err(|error| failure(CALL, error))?;
        }
        if changed.contains("description") || changed.contains("max_session_duration") {
            // UpdateRole resets the duration when it isn't given, so that both go together.
            let seconds = number(settings, "max_session_duration").or_else(|| number(&found.settings, "max_session_duration"));
            let known = changed.contains("description") || text(settings, "description").is_some();
            let description = text(if known { settings } else { &found.settings }, "description").unwrap_or_default();
            (self.aws.iam.update_role())
                .role_name(&found.id)
                .description(description)
                .max_session_duration(seconds.unwrap_or(MAX_SESSION_DURATION_S_DEFAULT))
                .send()
                .await
                .map_err(|error| failure("iam:UpdateRole", error))?;
        }
        if changed.contains(POLICIES) {
            let wanted = texts(settings, POLICIES).unwrap_or_default();
            let there = texts(&found.settings, POLICIES).unwrap_or_default();
            // New ones before old ones go: what both allow is allowed all the time.
            for policy in wanted.iter().filter(|policy| !there.contains(policy)) {
                self.attach(&found.id, policy).await?;
            }
            for policy in there.iter().filter(|policy| !wanted.contains(policy)) {
                self.detach(&found.id, policy).await?;
            }
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        if !remove.is_empty() {
            let call = self.aws.iam.untag_role().role_name(&found.id).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("iam:UntagRole", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.iam.tag_role().role_name(&found.id).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("iam:TagRole", error))?;
        }
        Ok(())
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        let holder = format!("the role {}", found.id);
        let (policies, profiles) = tokio::try_join!(self.attached(&found.id), self.profiles(&found.id))?;
        let ours = texts(&wanted.settings, POLICIES).unwrap_or_default();
        let mut guards = Vec::new();
        guards.extend(foreign(&holder, "has managed policies attached", "detach", &policies, &ours));
        guards.extend(foreign(&holder, "is in instance profiles", "remove it from", &profiles, &[]));
        if let Some(ours) = texts(&wanted.settings, "inline_policies") {
            guards.extend(foreign(&holder, "holds inline policies", "delete", &self.inline(&found.id).await?, &ours));
        }
        Ok(guards)
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        // AWS refuses to delete a role with policies; the guards saw to it that there are no others.
        for policy in texts(&wanted.settings, POLICIES).unwrap_or_default() {
            self.detach(&found.id, &policy).await?;
        }
        self.aws.iam.delete_role().role_name(&found.id).send().await.absent("iam:DeleteRole")?;
        Ok(None)
    }
}

/// A role's ARN, with its path; `None` where there is no such role.
///
/// # Errors
/// What AWS says.
pub async fn arn_of_role(aws: &Aws, name: &str) -> Result<Option<String>, Failure> {
    let reply = aws.iam.get_role().role_name(name).send().await.absent("iam:GetRole")?;
    Ok(reply.and_then(|reply| reply.role).map(|role| role.arn))
}

#[cfg(test)]
mod tests;
