//! `iam_user`: a user without a password.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_iam::types::User;

use super::{
    iam::{api_tags, own_tags},
    iam_user_guards,
    settings::{bug, json, map, required, text},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    graph::{Component, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
};

/// A user.
///
/// Settings, all live: `name`, `path`, `permissions_boundary` (ARN; null: none). Not read, for the guards: `inline_policies` and `groups`,
/// the names that the blueprint gives it; what isn't given isn't asked for. Its access keys are the business of `access_key`.
/// Outputs: `arn`, `unique_id`, `name`. Id: the name at the last apply, so that a rename finds the user.
pub(super) struct IamUser {
    aws: Arc<Aws>,
}

impl IamUser {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let reply = self.aws.iam.get_user().user_name(name).send().await.absent("iam:GetUser")?;
        reply.map(|reply| reply.user().map(found).ok_or_else(|| bug("iam:GetUser", "the reply holds no user"))).transpose()
    }

    async fn put_boundary(&self, name: &str, boundary: Option<&str>) -> Result<(), Failure> {
        let iam = &self.aws.iam;
        let Some(arn) = boundary else {
            let call = iam.delete_user_permissions_boundary().user_name(name);
            return call.send().await.absent("iam:DeleteUserPermissionsBoundary").map(drop);
        };
        let call = iam.put_user_permissions_boundary().user_name(name).permissions_boundary(arn);
        call.send().await.map(drop).map_err(|error| failure("iam:PutUserPermissionsBoundary", error))
    }
}

/// A user of the API as the engine sees it.
fn found(user: &User) -> Found {
    let boundary = user.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
    Found {
        id: user.user_name().to_owned(),
        settings: map([("name", user.user_name().into()), ("path", user.path().into()), ("permissions_boundary", json(boundary))]),
        outputs: map([("arn", user.arn().into()), ("unique_id", user.user_id().into()), ("name", user.user_name().into())]),
        tags: own_tags(user.tags()),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for IamUser {
    fn kind(&self) -> &'static str {
        "iam_user"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "iam:CreateUser",
            "iam:DeleteUser",
            "iam:DeleteUserPermissionsBoundary",
            "iam:GetLoginProfile",
            "iam:GetUser",
            "iam:ListAttachedUserPolicies",
            "iam:ListGroupsForUser",
            "iam:ListMFADevices",
            "iam:ListSSHPublicKeys",
            "iam:ListServiceSpecificCredentials",
            "iam:ListSigningCertificates",
            "iam:ListUserPolicies",
            "iam:PutUserPermissionsBoundary",
            "iam:TagUser",
            "iam:UntagUser",
            "iam:UpdateUser",
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
        const CALL: &str = "iam:CreateUser";
        let settings = &wanted.settings;
        let reply = (self.aws.iam.create_user())
            .user_name(required(settings, "name", CALL)?)
            .set_path(text(settings, "path").map(str::to_owned))
            .set_permissions_boundary(text(settings, "permissions_boundary").map(str::to_owned))
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::iam())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let mut made = reply.user().map(found).ok_or_else(|| bug(CALL, "the reply holds no user"))?;
        // The reply need not repeat what the call carried.
        made.tags.clone_from(&wanted.tags);
        made.settings.insert("permissions_boundary".to_owned(), json(text(settings, "permissions_boundary")));
        Ok(made)
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "iam:UpdateUser";
        let settings = &wanted.settings;
        if changed.contains("permissions_boundary") {
            self.put_boundary(&found.id, text(settings, "permissions_boundary")).await?;
        }
        // Last and in one call: after it the user is known only by its new name.
        if changed.contains("name") || changed.contains("path") {
            let name = changed.contains("name").then(|| required(settings, "name", CALL)).transpose()?;
            let path = changed.contains("path").then(|| required(settings, "path", CALL)).transpose()?;
            (self.aws.iam.update_user())
                .user_name(&found.id)
                .set_new_user_name(name.map(str::to_owned))
                .set_new_path(path.map(str::to_owned))
                .send()
                .await
                .map_err(|error| failure(CALL, error))?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        if !set.is_empty() {
            let call = self.aws.iam.tag_user().user_name(&found.id).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("iam:TagUser", error))?;
        }
        if !remove.is_empty() {
            let call = self.aws.iam.untag_user().user_name(&found.id).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("iam:UntagUser", error))?;
        }
        Ok(())
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        iam_user_guards::ask(&self.aws, &found.id, &wanted.settings).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.iam.delete_user().user_name(&found.id).send().await.absent("iam:DeleteUser")?;
        Ok(None)
    }
}
