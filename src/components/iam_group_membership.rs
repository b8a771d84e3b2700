//! `iam_group_membership`: one user in one group.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    iam::{all, parts},
    settings::{map, required, text},
};
use crate::{
    aws::{Absent, Aws, failure},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A user's membership in a group; it belongs to both.
///
/// Settings, both live since a membership follows a renamed user or group: `group`, `user` (names). No outputs. Id: `GROUP/USER`;
/// neither name can hold a slash.
pub(super) struct IamGroupMembership {
    aws: Arc<Aws>,
}

impl IamGroupMembership {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    /// AddUserToGroup may be repeated.
    async fn add(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:AddUserToGroup";
        let (group, user) = (required(&wanted.settings, "group", CALL)?, required(&wanted.settings, "user", CALL)?);
        let call = self.aws.iam.add_user_to_group().group_name(group).user_name(user);
        call.send().await.map_err(|error| failure(CALL, error))?;
        Ok(found(group, user))
    }
}

fn found(group: &str, user: &str) -> Found {
    Found {
        id: format!("{group}/{user}"),
        settings: map([("group", group.into()), ("user", user.into())]),
        outputs: BTreeMap::new(),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for IamGroupMembership {
    fn kind(&self) -> &'static str {
        "iam_group_membership"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["iam:AddUserToGroup", "iam:ListGroupsForUser", "iam:RemoveUserFromGroup"]
    }

    fn taggable(&self) -> bool {
        false
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let id = parts(query.id.as_deref(), '/');
        let group = text(&query.settings, "group").or(id.map(|(group, _)| group));
        let user = text(&query.settings, "user").or(id.map(|(_, user)| user));
        let (Some(group), Some(user)) = (group, user) else { return Ok(None) };
        let groups = all!(self.aws.iam.list_groups_for_user().user_name(user), "iam:ListGroupsForUser")?;
        // IAM's names differ by more than case, so that they are compared without it.
        Ok(groups.iter().any(|each| each.group_name().eq_ignore_ascii_case(group)).then(|| found(group, user)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        self.add(wanted).await
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.is_empty() {
            return Ok(());
        }
        self.add(wanted).await.map(drop)
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        const CALL: &str = "iam:RemoveUserFromGroup";
        let (group, user) = (required(&found.settings, "group", CALL)?, required(&found.settings, "user", CALL)?);
        let call = self.aws.iam.remove_user_from_group().group_name(group).user_name(user);
        call.send().await.absent(CALL)?;
        Ok(None)
    }
}
