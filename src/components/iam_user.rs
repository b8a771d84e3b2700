//! `iam_user`: a user without a password.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_iam::types::User;

use super::{
    access_key::user_keys::LAST_USED,
    iam::{api_tags, own_tags},
    iam_user_guards,
    settings::{bug, json, map, required, text},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    graph::{Class, Component, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
};

/// A user.
///
/// Settings, all live: `name`, `path`, `permissions_boundary` (ARN; empty: none). Not read, for the guards: `inline_policies` and `groups`,
/// the names that the blueprint gives it, `access_keys`, the ids of its own keys, and `secret`, the name of the secret that they are stored in; what isn't
/// given isn't asked for.
/// Its access keys are the business of `access_key`; but what is left of them, since their secret is gone, goes with the user.
/// Outputs: `arn`, `unique_id`, `name`. Id: the name at the last apply, so that a rename finds the user.
pub(super) struct IamUser {
    aws: Arc<Aws>,
}

/// What IAM says to the deletion of a user that still has something.
const NOT_EMPTY: &str = "DeleteConflict";

impl IamUser {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let reply = self.aws.iam.get_user().user_name(name).send().await.absent("iam:GetUser")?;
        reply.map(|reply| reply.user().map(found).ok_or_else(|| bug("iam:GetUser", "the reply holds no user"))).transpose()
    }

    async fn remove(&self, name: &str) -> Result<(), Failure> {
        self.aws.iam.delete_user().user_name(name).send().await.absent("iam:DeleteUser").map(drop)
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
            "iam:DeleteAccessKey",
            "iam:DeleteUser",
            "iam:DeleteUserPermissionsBoundary",
            "iam:GetAccessKeyLastUsed",
            "iam:GetLoginProfile",
            "iam:GetUser",
            "iam:ListAccessKeys",
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
            "secretsmanager:DescribeSecret",
        ]
    }

    /// A renamed user keeps its unique id.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.outputs.get("unique_id") == now.outputs.get("unique_id")
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
        if !remove.is_empty() {
            let call = self.aws.iam.untag_user().user_name(&found.id).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("iam:UntagUser", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.iam.tag_user().user_name(&found.id).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("iam:TagUser", error))?;
        }
        Ok(())
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        iam_user_guards::ask(&self.aws, &found.id, &wanted.settings).await
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        match self.remove(&found.id).await {
            // Keys whose secret is gone are nobody's component any more.
            Err(failure) if failure.code.as_deref() == Some(NOT_EMPTY) => {
                match iam_user_guards::remove_keys(&self.aws, &found.id, &wanted.settings).await {
                    Ok(0) => Err(failure),
                    Ok(_) => self.remove(&found.id).await,
                    // A key that was deleted a moment ago and is still listed: IAM denies to tell its last use. Later.
                    Err(denied) if denied.class == Class::Denied && denied.operation == LAST_USED => Err(failure),
                    Err(other) => Err(other),
                }
            }
            done => done,
        }?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::{access_key::stored::version_of, iam::replies, replay::Script},
        *,
    };

    fn user(name: &str) -> String {
        format!(
            "<User><UserName>{name}</UserName><UserId>AIDA1</UserId><Path>/deeploy/</Path><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
             <Arn>arn:aws:iam::123456789012:user/deeploy/{name}</Arn>\
             <PermissionsBoundary><PermissionsBoundaryArn>arn:B</PermissionsBoundaryArn></PermissionsBoundary>\
             <Tags><member><Key>deeploy:owner</Key><Value>o</Value></member></Tags></User>"
        )
    }

    fn wanted(settings: Vec<(&str, serde_json::Value)>) -> Wanted {
        Wanted {
            component: "user".into(),
            settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            tags: BTreeMap::from([("deeploy:owner".to_owned(), "o".to_owned())]),
            token: String::new(),
        }
    }

    fn of(script: &Script) -> IamUser {
        IamUser::new(script.aws("eu-west-1"))
    }

    /// The user's keys, with the service that each but ours was used with a month after it was made.
    fn keys(script: Script, keys: &[(&str, &str)]) -> Script {
        let member = |(key, _): &(&str, &str)| {
            format!(
                "<member><UserName>u</UserName><AccessKeyId>{key}</AccessKeyId><Status>Active</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
            )
        };
        let members: String = keys.iter().map(member).collect();
        let list = format!("<AccessKeyMetadata>{members}</AccessKeyMetadata><IsTruncated>false</IsTruncated>");
        let script = script.on("ListAccessKeys", 200, &replies::reply("ListAccessKeys", &list));
        keys.iter().filter(|(_, service)| !service.is_empty()).fold(script, |script, (_, service)| {
            let last = format!("<UserName>u</UserName><AccessKeyLastUsed><LastUsedDate>2026-02-01T00:00:00Z</LastUsedDate><ServiceName>{service}</ServiceName><Region>x</Region></AccessKeyLastUsed>");
            script.on("GetAccessKeyLastUsed", 200, &replies::reply("GetAccessKeyLastUsed", &last))
        })
    }

    fn not_empty(script: Script) -> Script {
        script.on("DeleteUser", 409, &replies::error("DeleteConflict", "Cannot delete entity, must delete access keys first."))
    }

    fn some_user() -> Found {
        Found { id: "old".to_owned(), ..Found::default() }
    }

    #[tokio::test]
    async fn a_renamed_user_is_found_by_the_id_in_state_and_after_a_crash_by_its_new_name() {
        let query = Query { id: Some("old".to_owned()), settings: map([("name", json!("new"))]), ..Query::default() };
        let script = Script::new().on("GetUser", 200, &replies::reply("GetUser", &user("old")));
        let found = of(&script).find(&query).await.unwrap().unwrap();
        assert_eq!(
            (found.id.as_str(), &found.settings["permissions_boundary"], found.tags["deeploy:owner"].as_str()),
            ("old", &json!("arn:B"), "o")
        );
        script.finish();
        let script = Script::new().on("GetUser", 404, &replies::error("NoSuchEntity", "no")).on(
            "GetUser",
            200,
            &replies::reply("GetUser", &user("new")),
        );
        assert_eq!(of(&script).find(&query).await.unwrap().unwrap().id, "new");
        assert!(script.finish()[1].1.contains("UserName=new"));
    }

    #[tokio::test]
    async fn create_carries_path_boundary_and_tags() {
        let script = Script::new().on("CreateUser", 200, &replies::reply("CreateUser", &user("u")));
        let wanted = wanted(vec![("name", json!("u")), ("path", json!("/deeploy/")), ("permissions_boundary", json!("arn:B"))]);
        let made = of(&script).create(&wanted).await.unwrap();
        assert_eq!((&made.settings, &made.tags), (&wanted.settings, &wanted.tags));
        let asked = script.finish();
        for part in ["Path=%2Fdeeploy%2F", "PermissionsBoundary=arn%3AB", "Tags.member.1.Key=deeploy%3Aowner"] {
            assert!(asked[0].1.contains(part), "{part} is missing in {}", asked[0].1);
        }
    }

    #[tokio::test]
    async fn a_rename_is_the_last_call() {
        let script = Script::new().on("DeleteUserPermissionsBoundary", 404, &replies::error("NoSuchEntity", "no")).on(
            "UpdateUser",
            200,
            &replies::reply("UpdateUser", ""),
        );
        let changed = ["name", "path", "permissions_boundary"].map(str::to_owned).into();
        of(&script).update(&some_user(), &wanted(vec![("name", json!("new")), ("path", json!("/p/"))]), &changed).await.unwrap();
        assert!(script.finish()[1].1.contains("UserName=old&NewPath=%2Fp%2F&NewUserName=new"));
        let script = Script::new().on("UpdateUser", 409, &replies::error("EntityAlreadyExists", "taken"));
        let changed = BTreeSet::from(["name".to_owned()]);
        let failure = of(&script).update(&some_user(), &wanted(vec![("name", json!("new"))]), &changed).await.unwrap_err();
        assert_eq!(failure.class, Class::Conflict);
    }

    #[tokio::test]
    async fn everything_that_others_gave_the_user_is_named() {
        let list = |action: &str, items: &str| replies::reply(action, &format!("{items}<IsTruncated>false</IsTruncated>"));
        let at = "2026-01-01T00:00:00Z";
        let script = Script::any_order()
            .on("GetLoginProfile", 200, &replies::reply("GetLoginProfile", &format!("<LoginProfile><UserName>u</UserName><CreateDate>{at}</CreateDate></LoginProfile>")))
            .on("ListMFADevices", 200, &list("ListMFADevices", &format!("<MFADevices><member><UserName>u</UserName><SerialNumber>arn:mfa</SerialNumber><EnableDate>{at}</EnableDate></member></MFADevices>")))
            .on("ListSSHPublicKeys", 200, &list("ListSSHPublicKeys", &format!("<SSHPublicKeys><member><UserName>u</UserName><SSHPublicKeyId>APKA1</SSHPublicKeyId><Status>Active</Status><UploadDate>{at}</UploadDate></member></SSHPublicKeys>")))
            .on("ListSigningCertificates", 200, &list("ListSigningCertificates", "<Certificates><member><UserName>u</UserName><CertificateId>C1</CertificateId><CertificateBody>b</CertificateBody><Status>Active</Status></member></Certificates>"))
            .on("ListServiceSpecificCredentials", 200, &replies::reply("ListServiceSpecificCredentials", &format!("<ServiceSpecificCredentials><member><UserName>u</UserName><Status>Active</Status><ServiceUserName>x</ServiceUserName><CreateDate>{at}</CreateDate><ServiceSpecificCredentialId>ACCA1</ServiceSpecificCredentialId><ServiceName>codecommit.amazonaws.com</ServiceName></member></ServiceSpecificCredentials>")))
            .on("ListAttachedUserPolicies", 200, &list("ListAttachedUserPolicies", "<AttachedPolicies><member><PolicyName>P</PolicyName><PolicyArn>arn:P</PolicyArn></member></AttachedPolicies>"))
            .on("ListUserPolicies", 200, &list("ListUserPolicies", "<PolicyNames><member>inline</member></PolicyNames>"))
            .on("ListGroupsForUser", 200, &list("ListGroupsForUser", &format!("<Groups><member><Path>/</Path><GroupName>ours</GroupName><GroupId>G</GroupId><Arn>a</Arn><CreateDate>{at}</CreateDate></member><member><Path>/</Path><GroupName>theirs</GroupName><GroupId>G</GroupId><Arn>a</Arn><CreateDate>{at}</CreateDate></member></Groups>")));
        let script = keys(script, &[("OURS", ""), ("USED", "s3"), ("STS", "sts"), ("UNUSED", "N/A")]);
        let wanted = wanted(vec![("inline_policies", json!([])), ("groups", json!(["ours"])), ("access_keys", json!(["OURS"]))]);
        let guards = of(&script).guards(&some_user(), &wanted).await.unwrap();
        script.finish();
        let reasons: Vec<_> =
            guards.iter().map(|guard| guard.reason.replace("the user old ", "").replace(", not made by this resource", "")).collect();
        assert_eq!(
            reasons,
            [
                "can sign in to the console: console password; delete them first",
                "has MFA devices: arn:mfa; deactivate them first",
                "has SSH keys: APKA1; delete them first",
                "has signing certificates: C1; delete them first",
                "has service-specific credentials: ACCA1 (codecommit.amazonaws.com); delete them first",
                "has access keys in use: USED (used with s3), STS (used with sts); delete them first",
                "has managed policies attached: arn:P; detach them first",
                "holds inline policies: inline; delete them first",
                "is a member of groups: theirs; remove it from them first",
            ]
        );
    }

    #[tokio::test]
    async fn a_key_that_the_secret_holds_is_our_own_whoever_uses_it() {
        let stages: serde_json::Map<String, serde_json::Value> = [("NOW", "AWSCURRENT"), ("BEFORE", "AWSPREVIOUS")]
            .map(|(key, label)| (version_of(key, &serde_json::Value::Null), json!([label])))
            .into_iter()
            .collect();
        let described = json!({ "Name": "s", "VersionIdsToStages": stages }).to_string();
        let wanted = wanted(vec![("access_keys", json!([])), ("secret", json!("s"))]);
        let script =
            keys(not_empty(Script::any_order()), &[("NOW", ""), ("BEFORE", ""), ("THEIRS", "s3")]).on("DescribeSecret", 200, &described);
        let failure = of(&script).delete(&some_user(), &wanted).await.unwrap_err();
        assert_eq!(
            failure.message,
            "the user old has access keys in use, not made by this resource: THEIRS (used with s3); delete them first"
        );
        script.finish();
        let deleted = |action: &str| replies::reply(action, "");
        let script = keys(not_empty(Script::new()), &[("NOW", ""), ("BEFORE", "")])
            .on("DescribeSecret", 200, &described)
            .on("DeleteAccessKey", 200, &deleted("DeleteAccessKey"))
            .on("DeleteAccessKey", 200, &deleted("DeleteAccessKey"))
            .on("DeleteUser", 200, &deleted("DeleteUser"));
        of(&script).delete(&some_user(), &wanted).await.unwrap();
        script.finish();
    }

    /// Their secret was deleted by hand, so that no component finds them any more.
    #[tokio::test]
    async fn keys_that_are_left_go_with_the_user_unless_somebody_uses_them() {
        let wanted = wanted(vec![("access_keys", json!(["OURS"]))]);
        let deleted = |action: &str| replies::reply(action, "");
        let script = keys(not_empty(Script::new()), &[("OURS", ""), ("UNUSED", "N/A")])
            .on("DeleteAccessKey", 200, &deleted("DeleteAccessKey"))
            .on("DeleteAccessKey", 404, &replies::error("NoSuchEntity", "no"))
            .on("DeleteUser", 200, &deleted("DeleteUser"));
        of(&script).delete(&some_user(), &wanted).await.unwrap();
        let asked = script.finish();
        assert!(asked[3].1.contains("AccessKeyId=OURS") && asked[4].1.contains("AccessKeyId=UNUSED"), "{asked:?}");

        let script = keys(not_empty(Script::new()), &[("OURS", ""), ("STS", "sts")]);
        let failure = of(&script).delete(&some_user(), &wanted).await.unwrap_err();
        assert_eq!(
            (failure.class, failure.message.as_str()),
            (Class::Conflict, "the user old has access keys in use, not made by this resource: STS (used with sts); delete them first")
        );
        script.finish();

        // Deleted a moment ago.
        let script = keys(not_empty(Script::new()), &[("GONE", "")]).on(
            "GetAccessKeyLastUsed",
            403,
            &replies::error("AccessDenied", "not authorized to perform: iam:GetAccessKeyLastUsed"),
        );
        let failure = of(&script).delete(&some_user(), &wanted).await.unwrap_err();
        assert_eq!((failure.class, failure.code.as_deref()), (Class::Busy, Some(NOT_EMPTY)));
        script.finish();

        // It isn't the keys.
        let script = keys(not_empty(Script::new()), &[]);
        let failure = of(&script).delete(&some_user(), &wanted).await.unwrap_err();
        assert_eq!(failure.code.as_deref(), Some(NOT_EMPTY));
        script.finish();

        let script = Script::new().on("DeleteUser", 200, &deleted("DeleteUser"));
        of(&script).delete(&some_user(), &wanted).await.unwrap();
        script.finish();
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set() {
        let script =
            Script::new().on("UntagUser", 200, &replies::reply("UntagUser", "")).on("TagUser", 200, &replies::reply("TagUser", ""));
        let set = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        of(&script).tag(&some_user(), &set, &["c".to_owned()]).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("TagKeys.member.1=c") && asked[1].1.contains("Tags.member.1.Key=a"));
        let script = Script::new();
        of(&script).tag(&some_user(), &BTreeMap::new(), &[]).await.unwrap();
        script.finish();
    }
}
