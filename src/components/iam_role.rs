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
/// `max_session_duration` (seconds). Not read, for the guards: `inline_policies`, the names of the policies that the blueprint puts
/// into the role; every other one is foreign (without the setting, none is asked for and AWS refuses the deletion itself).
/// Outputs: `arn`, `unique_id`, `name`. Id: the name.
/// Caveats: a principal that was deleted stands in the trust policy as its AROA or AIDA id, and is reported so: it's drift.
pub(super) struct IamRole {
    aws: Arc<Aws>,
}

/// IAM's own default, which UpdateRole also falls back to when none is given. Unit: seconds.
const MAX_SESSION_DURATION_S_DEFAULT: i32 = 3600;

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

    /// Attached managed policies and instance profiles by name: this provider attaches none, so all are somebody else's.
    async fn attached(&self, name: &str) -> Result<(Vec<String>, Vec<String>), Failure> {
        let iam = &self.aws.iam;
        let policies = all!(iam.list_attached_role_policies().role_name(name), "iam:ListAttachedRolePolicies")?;
        let profiles = all!(iam.list_instance_profiles_for_role().role_name(name), "iam:ListInstanceProfilesForRole")?;
        Ok((
            policies.iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)).collect(),
            profiles.iter().map(|profile| profile.instance_profile_name().to_owned()).collect(),
        ))
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
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
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
                return Ok(by_id);
            }
        }
        match name {
            Some(name) => self.get(name).await,
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
        let (policies, profiles) = self.attached(&found.id).await?;
        let mut guards = Vec::new();
        guards.extend(foreign(&holder, "has managed policies attached", "detach", &policies, &[]));
        guards.extend(foreign(&holder, "is in instance profiles", "remove it from", &profiles, &[]));
        if let Some(ours) = texts(&wanted.settings, "inline_policies") {
            guards.extend(foreign(&holder, "holds inline policies", "delete", &self.inline(&found.id).await?, &ours));
        }
        Ok(guards)
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::{iam::replies, replay::Script},
        *,
    };
    use crate::graph::Class;

    const ROLE: &str = "<RoleName>r</RoleName><RoleId>AROA1</RoleId><Arn>arn:aws:iam::123456789012:role/deeploy/r</Arn><Path>/deeploy/</Path>\
        <CreateDate>2026-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument>\
        <Description>d</Description><MaxSessionDuration>7200</MaxSessionDuration>\
        <PermissionsBoundary><PermissionsBoundaryArn>arn:aws:iam::aws:policy/B</PermissionsBoundaryArn></PermissionsBoundary>\
        <Tags><member><Key>deeploy:owner</Key><Value>deeploy_iam_role/r</Value></member><member><Key>aws:x</Key><Value>y</Value></member></Tags>";

    fn query(id: Option<&str>, name: &str) -> Query {
        Query { id: id.map(str::to_owned), settings: map([("name", name.into())]), ..Query::default() }
    }

    fn wanted(settings: Vec<(&str, Json)>) -> Wanted {
        Wanted {
            component: "role".into(),
            settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            tags: BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_iam_role/r".to_owned())]),
            token: String::new(),
        }
    }

    fn of(script: &Script) -> IamRole {
        IamRole::new(script.aws("eu-west-1"))
    }

    fn some_role() -> Found {
        Found {
            id: "r".to_owned(),
            settings: map([("max_session_duration", 7200.into()), ("description", "d".into())]),
            ..Found::default()
        }
    }

    #[tokio::test]
    async fn one_call_finds_a_role_with_all_its_settings() {
        let script = Script::new().on("GetRole", 200, &replies::reply("GetRole", &format!("<Role>{ROLE}</Role>")));
        let found = of(&script).find(&query(Some("r"), "r")).await.unwrap().unwrap();
        assert_eq!(script.names(), ["GetRole"]);
        assert_eq!(
            Json::Object(found.settings.into_iter().collect()),
            json!({
                "name": "r", "path": "/deeploy/", "trust_policy": {"Version": "2012-10-17"}, "description": "d", "max_session_duration": 7200,
                "permissions_boundary": "arn:aws:iam::aws:policy/B",
            })
        );
        assert_eq!(found.outputs["unique_id"], "AROA1");
        assert_eq!(found.tags, BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_iam_role/r".to_owned())]));
    }

    #[tokio::test]
    async fn absent_is_proven_once() {
        let script = Script::new().on("GetRole", 404, &replies::error("NoSuchEntity", "no"));
        assert_eq!(of(&script).find(&query(Some("r"), "r")).await.unwrap(), None);
        assert_eq!(script.names(), ["GetRole"]);
        // Another name in state: both are asked.
        let script = Script::new().on("GetRole", 404, &replies::error("NoSuchEntity", "no")).on(
            "GetRole",
            404,
            &replies::error("NoSuchEntity", "no"),
        );
        assert_eq!(of(&script).find(&query(Some("old"), "r")).await.unwrap(), None);
        assert_eq!(script.names(), ["GetRole", "GetRole"]);
        let script = Script::new().on("GetRole", 403, &replies::error("AccessDenied", "no"));
        assert_eq!(of(&script).find(&query(None, "r")).await.unwrap_err().class, Class::Denied);
    }

    #[tokio::test]
    async fn create_is_one_call_that_carries_everything() {
        let script = Script::new().on("CreateRole", 200, &replies::reply("CreateRole", &format!("<Role>{ROLE}</Role>")));
        let settings = vec![
            ("name", json!("r")),
            ("path", json!("/deeploy/")),
            ("trust_policy", json!({"Version": "2012-10-17"})),
            ("description", json!("d")),
            ("max_session_duration", json!(7200)),
            ("permissions_boundary", json!("arn:aws:iam::aws:policy/B")),
        ];
        let wanted = wanted(settings);
        let made = of(&script).create(&wanted).await.unwrap();
        assert_eq!(made.settings, wanted.settings);
        assert_eq!(made.tags, wanted.tags);
        let asked = script.finish();
        for part in [
            "RoleName=r",
            "Path=%2Fdeeploy%2F",
            "Description=d",
            "MaxSessionDuration=7200",
            "PermissionsBoundary=arn",
            "Tags.member.1.Key=deeploy%3Aowner",
        ] {
            assert!(asked[0].1.contains(part), "{part} is missing in {}", asked[0].1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_of_create_is_not_repeated_by_the_sdk() {
        let script = Script::new().on("CreateRole", 500, "");
        let wanted = wanted(vec![("name", json!("r")), ("trust_policy", json!({}))]);
        let failure = IamRole::new(script.retrying("eu-west-1").await).create(&wanted).await.unwrap_err();
        assert_eq!((failure.class, script.names().len()), (Class::Ambiguous, 1));
    }

    #[tokio::test]
    async fn each_setting_has_its_call() {
        let ok = |action: &str| replies::reply(action, "");
        let cases = [
            ("trust_policy", json!({"a": 1}), "UpdateAssumeRolePolicy", vec!["PolicyDocument=%7B%22a%22%3A1%7D"]),
            ("description", json!("new"), "UpdateRole", vec!["Description=new", "MaxSessionDuration=7200"]),
            ("max_session_duration", json!(3600), "UpdateRole", vec!["Description=d", "MaxSessionDuration=3600"]),
            ("permissions_boundary", json!("arn:x"), "PutRolePermissionsBoundary", vec!["PermissionsBoundary=arn%3Ax"]),
            ("permissions_boundary", Json::Null, "DeleteRolePermissionsBoundary", vec!["RoleName=r"]),
        ];
        for (name, value, call, parts) in cases {
            let script = Script::new().on(call, 200, &ok(call));
            let changed = BTreeSet::from([name.to_owned()]);
            of(&script).update(&some_role(), &wanted(vec![(name, value)]), &changed).await.unwrap();
            let asked = script.finish();
            assert_eq!(asked.len(), 1);
            for part in parts {
                assert!(asked[0].1.contains(part), "{call}: {part} is missing in {}", asked[0].1);
            }
        }
    }

    #[tokio::test]
    async fn what_others_attached_is_named_before_anything_is_deleted() {
        let policies = "<AttachedPolicies><member><PolicyName>P</PolicyName><PolicyArn>arn:P</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>";
        let inline = "<PolicyNames><member>ours</member><member>theirs</member></PolicyNames><IsTruncated>false</IsTruncated>";
        let script = Script::new()
            .on("ListAttachedRolePolicies", 200, &replies::reply("ListAttachedRolePolicies", policies))
            .on(
                "ListInstanceProfilesForRole",
                200,
                &replies::reply("ListInstanceProfilesForRole", "<InstanceProfiles/><IsTruncated>false</IsTruncated>"),
            )
            .on("ListRolePolicies", 200, &replies::reply("ListRolePolicies", inline));
        let guards = of(&script).guards(&some_role(), &wanted(vec![("inline_policies", json!(["ours"]))])).await.unwrap();
        let reasons: Vec<_> = guards.iter().map(|guard| guard.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "the role r has managed policies attached, not made by this resource: arn:P; detach them first",
                "the role r holds inline policies, not made by this resource: theirs; delete them first",
            ]
        );
        script.finish();
    }

    #[tokio::test]
    async fn deleting_what_is_gone_succeeds() {
        let script = Script::new().on("DeleteRole", 404, &replies::error("NoSuchEntity", "no"));
        assert_eq!(of(&script).delete(&some_role(), &wanted(vec![])).await.unwrap(), None);
        let script = Script::new().on("DeleteRole", 409, &replies::error("DeleteConflict", "must detach all policies first"));
        assert_eq!(of(&script).delete(&some_role(), &wanted(vec![])).await.unwrap_err().class, Class::Busy);
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set() {
        let script =
            Script::new().on("UntagRole", 200, &replies::reply("UntagRole", "")).on("TagRole", 200, &replies::reply("TagRole", ""));
        let found = Found { id: "r".to_owned(), ..Found::default() };
        let set = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        of(&script).tag(&found, &set, &["c".to_owned()]).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("TagKeys.member.1=c") && asked[1].1.contains("Tags.member.1.Key=a"));
    }
}
