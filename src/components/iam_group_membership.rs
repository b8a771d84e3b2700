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

    /// `find` goes by the names that are wanted, and a membership follows a renamed user or group.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.settings.contains_key("group") && now.settings.contains_key("group")
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::{iam::replies, replay::Script},
        *,
    };

    fn wanted() -> Wanted {
        let settings = map([("group", json!("g")), ("user", json!("u"))]);
        Wanted { component: "membership".into(), settings, tags: BTreeMap::new(), token: String::new() }
    }

    fn groups(names: &[&str]) -> String {
        let member = |name: &&str| {
            format!(
                "<member><Path>/</Path><GroupName>{name}</GroupName><GroupId>G</GroupId><Arn>a</Arn>\
                 <CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
            )
        };
        let members: String = names.iter().map(member).collect();
        replies::reply("ListGroupsForUser", &format!("<Groups>{members}</Groups><IsTruncated>false</IsTruncated>"))
    }

    #[tokio::test]
    async fn it_is_there_when_the_user_lists_the_group() {
        let id = || Some("g/u".to_owned());
        let cases = [(200, groups(&["a", "g"]), true), (200, groups(&["a"]), false), (404, replies::error("NoSuchEntity", "no"), false)];
        for (status, reply, there) in cases {
            for (id, settings) in [(None, wanted().settings), (id(), BTreeMap::new())] {
                let script = Script::new().on("ListGroupsForUser", status, &reply);
                let component = IamGroupMembership::new(script.aws("eu-west-1"));
                let found = component.find(&Query { id, settings, ..Query::default() }).await.unwrap();
                assert_eq!(found.map(|found| found.id), there.then(|| "g/u".to_owned()));
                script.finish();
            }
        }
    }

    #[tokio::test]
    async fn adding_and_removing_may_be_repeated() {
        let script = Script::new()
            .on("AddUserToGroup", 200, &replies::reply("AddUserToGroup", ""))
            .on("AddUserToGroup", 200, &replies::reply("AddUserToGroup", ""))
            .on("RemoveUserFromGroup", 404, &replies::error("NoSuchEntity", "no"));
        let component = IamGroupMembership::new(script.aws("eu-west-1"));
        let made = component.create(&wanted()).await.unwrap();
        assert_eq!(made.settings, wanted().settings);
        component.update(&made, &wanted(), &BTreeSet::from(["user".to_owned()])).await.unwrap();
        component.delete(&made, &wanted()).await.unwrap();
        assert!(script.finish()[2].1.contains("GroupName=g&UserName=u"));
    }
}
