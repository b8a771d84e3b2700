//! `iam_group`: a group of users.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_iam::types::Group;

use super::{
    iam::{all, foreign},
    settings::{Settings, bug, failure as refusal, map, required, text, texts},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    graph::{Class, Component, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
};

/// A group. It carries no tags: it belongs by its id in state, or by its name and path together.
///
/// Settings, both live: `name`, `path`. Not read, for the guards: `members` and `inline_policies`, the names that the blueprint puts
/// into it; what isn't given isn't asked for. Outputs: `arn`, `unique_id`, `name`. Id: the name at the last apply.
pub(super) struct IamGroup {
    aws: Arc<Aws>,
}

/// `find` wants the group, not its members: the fewest that the API lets one ask for.
const FEWEST_MEMBERS: i32 = 1;

impl IamGroup {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let reply = self.aws.iam.get_group().group_name(name).max_items(FEWEST_MEMBERS).send().await;
        let reply = reply.absent("iam:GetGroup")?;
        reply.map(|reply| reply.group().map(found).ok_or_else(|| bug("iam:GetGroup", "the reply holds no group"))).transpose()
    }
}

/// A group of the API as the engine sees it.
fn found(group: &Group) -> Found {
    Found {
        id: group.group_name().to_owned(),
        settings: map([("name", group.group_name().into()), ("path", group.path().into())]),
        outputs: map([("arn", group.arn().into()), ("unique_id", group.group_id().into()), ("name", group.group_name().into())]),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

/// A group that only its name leads to is ours only under our path.
fn under_our_path(group: Found, settings: &Settings) -> Result<Found, Failure> {
    match (text(&group.settings, "path"), text(settings, "path")) {
        (Some(path), Some(ours)) if path != ours => {
            let message = format!(
                "a group named {} exists under the path {path}, not under {ours}: it belongs to somebody else; choose another name",
                group.id
            );
            Err(refusal(Class::Conflict, "iam:GetGroup", message))
        }
        _ => Ok(group),
    }
}

#[async_trait]
impl Component for IamGroup {
    fn kind(&self) -> &'static str {
        "iam_group"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["iam:CreateGroup", "iam:DeleteGroup", "iam:GetGroup", "iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:UpdateGroup"]
    }

    fn taggable(&self) -> bool {
        false
    }

    /// A renamed group keeps its unique id.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.outputs.get("unique_id") == now.outputs.get("unique_id")
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        if let Some(id) = query.id.as_deref()
            && let Some(group) = self.get(id).await?
        {
            return Ok(Some(group));
        }
        let name = text(&query.settings, "name").filter(|name| query.id.as_deref() != Some(*name));
        let Some(name) = name else { return Ok(None) };
        self.get(name).await?.map(|group| under_our_path(group, &query.settings)).transpose()
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:CreateGroup";
        let reply = (self.aws.iam.create_group())
            .group_name(required(&wanted.settings, "name", CALL)?)
            .set_path(text(&wanted.settings, "path").map(str::to_owned))
            .customize()
            .config_override(once::iam())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        reply.group().map(found).ok_or_else(|| bug(CALL, "the reply holds no group"))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "iam:UpdateGroup";
        let name = changed.contains("name").then(|| required(&wanted.settings, "name", CALL)).transpose()?;
        let path = changed.contains("path").then(|| required(&wanted.settings, "path", CALL)).transpose()?;
        if name.is_none() && path.is_none() {
            return Ok(());
        }
        let call = self.aws.iam.update_group().group_name(&found.id);
        let call = call.set_new_group_name(name.map(str::to_owned)).set_new_path(path.map(str::to_owned));
        call.send().await.map(drop).map_err(|error| failure(CALL, error))
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        let (iam, group) = (&self.aws.iam, found.id.as_str());
        let holder = format!("the group {group}");
        let mut guards = Vec::new();
        let attached = all!(iam.list_attached_group_policies().group_name(group), "iam:ListAttachedGroupPolicies")?;
        let attached: Vec<_> = attached.iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)).collect();
        guards.extend(foreign(&holder, "has managed policies attached", "detach", &attached, &[]));
        if let Some(ours) = texts(&wanted.settings, "inline_policies") {
            let inline = all!(iam.list_group_policies().group_name(group), "iam:ListGroupPolicies")?;
            guards.extend(foreign(&holder, "holds inline policies", "delete", &inline, &ours));
        }
        if let Some(ours) = texts(&wanted.settings, "members") {
            let members = all!(iam.get_group().group_name(group), "iam:GetGroup")?;
            let members: Vec<_> = members.iter().map(|user| user.user_name().to_owned()).collect();
            guards.extend(foreign(&holder, "has members", "remove", &members, &ours));
        }
        Ok(guards)
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.iam.delete_group().group_name(&found.id).send().await.absent("iam:DeleteGroup")?;
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

    fn group(name: &str, path: &str) -> String {
        let members = "<Users><member><Path>/</Path><UserName>u</UserName><UserId>A</UserId><Arn>a</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>\
            <member><Path>/</Path><UserName>x</UserName><UserId>A</UserId><Arn>a</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member></Users>";
        let group = format!(
            "<Group><GroupName>{name}</GroupName><GroupId>AGPA1</GroupId><Path>{path}</Path><Arn>arn:g</Arn>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate></Group>"
        );
        replies::reply("GetGroup", &format!("{group}{members}<IsTruncated>false</IsTruncated>"))
    }

    fn of(script: &Script) -> IamGroup {
        IamGroup::new(script.aws("eu-west-1"))
    }

    fn wanted(settings: Settings) -> Wanted {
        Wanted { component: "group".into(), settings, tags: BTreeMap::new(), token: String::new() }
    }

    fn query(id: Option<&str>, name: &str) -> Query {
        Query { id: id.map(str::to_owned), settings: map([("name", json!(name)), ("path", json!("/deeploy/"))]), ..Query::default() }
    }

    #[tokio::test]
    async fn only_a_group_in_state_or_under_our_path_is_ours() {
        let script = Script::new().on("GetGroup", 200, &group("g", "/deeploy/"));
        assert_eq!(of(&script).find(&query(None, "g")).await.unwrap().unwrap().id, "g");
        script.finish();
        let script = Script::new().on("GetGroup", 200, &group("g", "/other/"));
        let failure = of(&script).find(&query(None, "g")).await.unwrap_err();
        assert_eq!((failure.class, failure.message.contains("under the path /other/")), (Class::Conflict, true));
        // In state: its path is drift.
        let script = Script::new().on("GetGroup", 200, &group("g", "/other/"));
        assert_eq!(of(&script).find(&query(Some("g"), "g")).await.unwrap().unwrap().settings["path"], "/other/");
        let script =
            Script::new().on("GetGroup", 404, &replies::error("NoSuchEntity", "no")).on("GetGroup", 200, &group("new", "/deeploy/"));
        assert_eq!(of(&script).find(&query(Some("old"), "new")).await.unwrap().unwrap().id, "new");
        script.finish();
        let script = Script::new().on("GetGroup", 404, &replies::error("NoSuchEntity", "no"));
        assert_eq!(of(&script).find(&query(Some("g"), "g")).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn create_rename_move_delete() {
        let reply = group("g", "/deeploy/").replace("GetGroup", "CreateGroup");
        let script = Script::new().on("CreateGroup", 200, &reply).on("UpdateGroup", 200, &replies::reply("UpdateGroup", "")).on(
            "DeleteGroup",
            404,
            &replies::error("NoSuchEntity", "no"),
        );
        let wanted = wanted(map([("name", json!("g")), ("path", json!("/deeploy/"))]));
        let made = of(&script).create(&wanted).await.unwrap();
        assert_eq!(made.settings, wanted.settings);
        let old = Found { id: "old".to_owned(), ..Found::default() };
        of(&script).update(&old, &wanted, &["name", "path"].map(str::to_owned).into()).await.unwrap();
        of(&script).delete(&made, &wanted).await.unwrap();
        assert!(script.finish()[1].1.contains("GroupName=old&NewPath=%2Fdeeploy%2F&NewGroupName=g"));
    }

    #[tokio::test]
    async fn members_and_policies_of_others_are_named() {
        let attached = "<AttachedPolicies><member><PolicyName>P</PolicyName><PolicyArn>arn:P</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>";
        let inline = "<PolicyNames><member>access</member></PolicyNames><IsTruncated>false</IsTruncated>";
        let script = Script::new()
            .on("ListAttachedGroupPolicies", 200, &replies::reply("ListAttachedGroupPolicies", attached))
            .on("ListGroupPolicies", 200, &replies::reply("ListGroupPolicies", inline))
            .on("GetGroup", 200, &group("g", "/deeploy/"));
        let found = Found { id: "g".to_owned(), ..Found::default() };
        let wanted = wanted(map([("inline_policies", json!(["access"])), ("members", json!(["u"]))]));
        let guards = of(&script).guards(&found, &wanted).await.unwrap();
        script.finish();
        let reasons: Vec<_> = guards.iter().map(|guard| guard.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "the group g has managed policies attached, not made by this resource: arn:P; detach them first",
                "the group g has members, not made by this resource: x; remove them first",
            ]
        );
    }
}
