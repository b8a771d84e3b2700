//! `secret`: a secret of Secrets Manager without its value.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_secretsmanager::{operation::describe_secret::DescribeSecretOutput, types::Tag};
use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::Value as Json;

use super::settings::{bug, failure as refusal, json, map, number, required, text};
use crate::{
    aws::{Absent, Aws, error::is_scheduled_for_deletion, failure, once},
    graph::{Class, Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A secret's container; whoever has a value puts it there.
///
/// Settings: `name` (fixed), `kms_key_id` (ARN; empty: the account's own key for Secrets Manager), `description`, both live.
/// Not read: `recovery_window_in_days` (7 to 30; 0 deletes at once and for good), `recover` (false: a deleted one is not taken back).
/// Outputs: `arn`, `name`. Id: the ARN; a name serves as well, for import.
pub(super) struct Secret {
    aws: Arc<Aws>,
}

/// The key that "no key" means, by its alias: UpdateSecret can name it, but not take a key away.
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
/// The longest that AWS keeps a deleted secret, and its default.
const RECOVERY_WINDOW_DAYS_MAX: i64 = 30;
/// The tag that says whose it is.
const OWNER: &str = "deeploy:owner";

impl Secret {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn describe(&self, id: &str) -> Result<Option<DescribeSecretOutput>, Failure> {
        self.aws.secrets.describe_secret().secret_id(id).send().await.absent("secretsmanager:DescribeSecret")
    }
}

/// A secret of the API as the engine sees it.
fn found(secret: &DescribeSecretOutput) -> Result<Found, Failure> {
    let (Some(arn), Some(name)) = (secret.arn(), secret.name()) else {
        return Err(bug("secretsmanager:DescribeSecret", "the reply holds no ARN or no name"));
    };
    let key = secret.kms_key_id().filter(|key| !key.ends_with(DEFAULT_KEY));
    let tags = secret.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    Ok(Found {
        id: arn.to_owned(),
        settings: map([("name", name.into()), ("kms_key_id", json(key)), ("description", json(secret.description()))]),
        outputs: map([("arn", arn.into()), ("name", name.into())]),
        tags: tags.filter(|(key, _)| !key.starts_with("aws:")).collect(),
        readiness: if secret.deleted_date().is_some() { Readiness::Deleted } else { Readiness::Ready },
    })
}

/// Why a deleted secret keeps us from its name.
fn taken(secret: &Found, deleted: Option<&DateTime>, why: &str) -> Failure {
    let name = secret.settings.get("name").and_then(Json::as_str).unwrap_or_default();
    let date = deleted.map_or_else(|| "an unknown day".to_owned(), day);
    let message = format!(
        "the secret {name} is deleted ({date}) and keeps its name until its recovery window is over, {RECOVERY_WINDOW_DAYS_MAX} days after its \
         deletion at the latest; {why}. Choose another name, or restore it (aws secretsmanager restore-secret --secret-id {name}), or delete it \
         for good (aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {name})"
    );
    refusal(Class::Conflict, "secretsmanager:CreateSecret", message)
}

/// The day of a time, e.g. `2026-12-24`.
fn day(time: &DateTime) -> String {
    let text = time.fmt(Format::DateTime).unwrap_or_default();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn api_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

#[async_trait]
impl Component for Secret {
    fn kind(&self) -> &'static str {
        "secret"
    }

    /// With a customer key, changing the key needs the two of KMS; they never appear as calls of ours.
    fn actions(&self) -> &'static [&'static str] {
        &[
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:RestoreSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
            "secretsmanager:UpdateSecret",
        ]
    }

    fn outlives_delete(&self) -> bool {
        true
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let mut reply = None;
        let name = text(&query.settings, "name");
        if let Some(id) = query.id.as_deref() {
            reply = self.describe(id).await?;
        }
        if let (None, Some(name)) = (&reply, name.filter(|name| query.id.as_deref() != Some(*name))) {
            reply = self.describe(name).await?;
        }
        let Some(reply) = reply else { return Ok(None) };
        let secret = found(&reply)?;
        if secret.readiness != Readiness::Deleted {
            return Ok(Some(secret));
        }
        if !query.recover {
            return Ok(None);
        }
        if secret.tags.get(OWNER) != Some(&query.owner) {
            return Err(taken(&secret, reply.deleted_date(), "it belongs to somebody else and is not taken back"));
        }
        if query.settings.get("recover") == Some(&Json::Bool(false)) {
            return Err(taken(&secret, reply.deleted_date(), "it is not taken back, as `recover` is false"));
        }
        Ok(Some(secret))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "secretsmanager:CreateSecret";
        let settings = &wanted.settings;
        let (name, key, description) = (required(settings, "name", CALL)?, text(settings, "kms_key_id"), text(settings, "description"));
        let reply = (self.aws.secrets.create_secret())
            .name(name)
            .client_request_token(&wanted.token)
            .set_kms_key_id(key.map(str::to_owned))
            .set_description(description.map(str::to_owned))
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::secrets())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let arn = reply.arn().ok_or_else(|| bug(CALL, "the reply holds no ARN"))?;
        Ok(Found {
            id: arn.to_owned(),
            settings: map([("name", name.into()), ("kms_key_id", json(key)), ("description", json(description))]),
            outputs: map([("arn", arn.into()), ("name", name.into())]),
            tags: wanted.tags.clone(),
            readiness: Readiness::Ready,
        })
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if found.readiness == Readiness::Deleted {
            let call = self.aws.secrets.restore_secret().secret_id(&found.id);
            call.send().await.map_err(|error| failure("secretsmanager:RestoreSecret", error))?;
        }
        let key = changed.contains("kms_key_id").then(|| text(&wanted.settings, "kms_key_id").unwrap_or(DEFAULT_KEY));
        let description = changed.contains("description").then(|| text(&wanted.settings, "description").unwrap_or_default());
        if key.is_none() && description.is_none() {
            return Ok(());
        }
        (self.aws.secrets.update_secret())
            .secret_id(&found.id)
            .set_kms_key_id(key.map(str::to_owned))
            .set_description(description.map(str::to_owned))
            .send()
            .await
            .map(drop)
            .map_err(|error| failure("secretsmanager:UpdateSecret", error))
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        if !remove.is_empty() {
            let call = self.aws.secrets.untag_resource().secret_id(&found.id).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("secretsmanager:UntagResource", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.secrets.tag_resource().secret_id(&found.id).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("secretsmanager:TagResource", error))?;
        }
        Ok(())
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let name = text(&found.settings, "name").unwrap_or(&found.id);
        let days = number(&wanted.settings, "recovery_window_in_days").unwrap_or(RECOVERY_WINDOW_DAYS_MAX);
        let call = self.aws.secrets.delete_secret().secret_id(&found.id);
        let call = if days == 0 { call.force_delete_without_recovery(true) } else { call.recovery_window_in_days(days) };
        let until = match call.send().await.absent("secretsmanager:DeleteSecret") {
            Ok(Some(_)) if days == 0 => return Ok(None),
            Ok(Some(reply)) => reply.deletion_date().map_or_else(|| format!("{days} days from now"), day),
            Ok(None) => return Ok(None),
            Err(failure) if is_scheduled_for_deletion(&failure) => "its recovery window is over".to_owned(),
            Err(failure) => return Err(failure),
        };
        Ok(Some(Kept {
            what: format!("secret {name} until {until}"),
            cost: "nothing: AWS does not charge for a secret that waits for its deletion".to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{super::replay::Script, *};

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:deeploy/key-AbCdEf";
    const MISSING: &str = r#"{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}"#;
    /// 2026-12-24.
    const CHRISTMAS_S: u64 = 1_798_070_400;

    fn reply(owner: &str, deleted: Option<u64>) -> String {
        let tags = json!([{ "Key": "deeploy:owner", "Value": owner }, { "Key": "aws:x", "Value": "y" }]);
        let mut reply = json!({ "ARN": ARN, "Name": "deeploy/key", "Description": "d", "Tags": tags });
        if let Some(deleted) = deleted {
            reply["DeletedDate"] = json!(deleted);
        }
        reply.to_string()
    }

    fn query(id: Option<&str>, recover: bool, settings: Vec<(&str, Json)>) -> Query {
        let mut settings: BTreeMap<_, _> = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        settings.insert("name".to_owned(), json!("deeploy/key"));
        Query { id: id.map(str::to_owned), recover, settings, owner: "deeploy_iam_user/u".to_owned(), ..Query::default() }
    }

    fn wanted(settings: Vec<(&str, Json)>) -> Wanted {
        Wanted {
            component: "secret".into(),
            settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            tags: BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_iam_user/u".to_owned())]),
            token: "0".repeat(64),
        }
    }

    fn of(script: &Script) -> Secret {
        Secret::new(script.aws("eu-west-1"))
    }

    fn found_as(readiness: Readiness) -> Found {
        Found { id: ARN.to_owned(), settings: map([("name", json!("deeploy/key"))]), readiness, ..Found::default() }
    }

    #[tokio::test]
    async fn one_read_finds_it_by_arn_and_two_prove_its_absence() {
        let script = Script::new().on("DescribeSecret", 200, &reply("deeploy_iam_user/u", None));
        let found = of(&script).find(&query(Some(ARN), false, vec![])).await.unwrap().unwrap();
        assert_eq!(found.settings, map([("name", json!("deeploy/key")), ("kms_key_id", Json::Null), ("description", json!("d"))]));
        assert_eq!((found.outputs["arn"].as_str(), found.tags.len()), (Some(ARN), 1));
        script.finish();
        let script = Script::new().on("DescribeSecret", 400, MISSING).on("DescribeSecret", 400, MISSING);
        assert_eq!(of(&script).find(&query(Some(ARN), false, vec![])).await.unwrap(), None);
        assert!(script.finish()[1].1.contains("\"deeploy/key\""));
    }

    #[tokio::test]
    async fn a_deleted_secret_is_taken_back_only_when_ours() {
        let ours = || Script::new().on("DescribeSecret", 200, &reply("deeploy_iam_user/u", Some(CHRISTMAS_S)));
        assert_eq!(of(&ours()).find(&query(None, false, vec![])).await.unwrap(), None);
        assert_eq!(of(&ours()).find(&query(None, true, vec![])).await.unwrap().unwrap().readiness, Readiness::Deleted);
        let failure = of(&ours()).find(&query(None, true, vec![("recover", json!(false))])).await.unwrap_err();
        assert_eq!((failure.class, failure.message.contains("as `recover` is false")), (Class::Conflict, true));
        let theirs = Script::new().on("DescribeSecret", 200, &reply("deeploy_iam_user/other", Some(CHRISTMAS_S)));
        let failure = of(&theirs).find(&query(None, true, vec![])).await.unwrap_err();
        assert_eq!(failure.class, Class::Conflict);
        assert_eq!(
            failure.message,
            "the secret deeploy/key is deleted (2026-12-24) and keeps its name until its recovery window is over, 30 days after its deletion at \
             the latest; it belongs to somebody else and is not taken back. Choose another name, or restore it (aws secretsmanager restore-secret \
             --secret-id deeploy/key), or delete it for good (aws secretsmanager delete-secret --force-delete-without-recovery --secret-id \
             deeploy/key)"
        );
    }

    #[tokio::test]
    async fn create_carries_key_tags_and_token_but_no_value() {
        let script = Script::new().on("CreateSecret", 200, &json!({ "ARN": ARN, "Name": "deeploy/key" }).to_string());
        let wanted = wanted(vec![("name", json!("deeploy/key")), ("kms_key_id", json!("arn:k")), ("description", json!("d"))]);
        let made = of(&script).create(&wanted).await.unwrap();
        assert_eq!((&made.settings, &made.tags, made.id.as_str()), (&wanted.settings, &wanted.tags, ARN));
        let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
        let tags = json!([{ "Key": "deeploy:owner", "Value": "deeploy_iam_user/u" }]);
        assert_eq!(
            asked,
            json!({ "Name": "deeploy/key", "KmsKeyId": "arn:k", "Description": "d", "ClientRequestToken": "0".repeat(64), "Tags": tags })
        );
        let scheduled = r#"{"__type":"InvalidRequestException","Message":"You can't create this secret because a secret with this name is already scheduled for deletion."}"#;
        let script = Script::new().on("CreateSecret", 400, scheduled);
        assert_eq!(of(&script).create(&wanted).await.unwrap_err().class, Class::Conflict);
    }

    #[tokio::test]
    async fn update_restores_first_and_can_go_back_to_the_default_key() {
        let script = Script::new().on("RestoreSecret", 200, "{}").on("UpdateSecret", 200, "{}");
        let changed = BTreeSet::from(["kms_key_id".to_owned()]);
        of(&script).update(&found_as(Readiness::Deleted), &wanted(vec![("kms_key_id", Json::Null)]), &changed).await.unwrap();
        let asked = script.finish();
        let update: Json = serde_json::from_str(&asked[1].1).unwrap();
        assert_eq!((&update["KmsKeyId"], &update["Description"]), (&json!(DEFAULT_KEY), &Json::Null));
        let script = Script::new();
        of(&script).update(&found_as(Readiness::Ready), &wanted(vec![]), &BTreeSet::new()).await.unwrap();
        script.finish();
    }

    #[tokio::test]
    async fn delete_says_what_it_keeps() {
        let scheduled = r#"{"__type":"InvalidRequestException","Message":"because it was already scheduled for deletion."}"#;
        let dated = json!({ "ARN": ARN, "Name": "deeploy/key", "DeletionDate": CHRISTMAS_S }).to_string();
        let cases = [
            (7, 200, dated.as_str(), Some("secret deeploy/key until 2026-12-24")),
            (7, 400, scheduled, Some("secret deeploy/key until its recovery window is over")),
            (7, 400, MISSING, None),
            (0, 200, dated.as_str(), None),
        ];
        for (days, status, reply, kept) in cases {
            let script = Script::new().on("DeleteSecret", status, reply);
            let wanted = wanted(vec![("recovery_window_in_days", json!(days))]);
            let left = of(&script).delete(&found_as(Readiness::Ready), &wanted).await.unwrap();
            assert_eq!(left.map(|left| left.what).as_deref(), kept);
            let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
            let (force, window) = if days == 0 { (json!(true), Json::Null) } else { (Json::Null, json!(days)) };
            assert_eq!((&asked["ForceDeleteWithoutRecovery"], &asked["RecoveryWindowInDays"]), (&force, &window));
        }
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set() {
        let script = Script::new().on("UntagResource", 200, "").on("TagResource", 200, "");
        let set = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        of(&script).tag(&found_as(Readiness::Ready), &set, &["c".to_owned()]).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains(r#"["c"]"#) && asked[1].1.contains(r#"{"Key":"a","Value":"b"}"#));
    }
}
