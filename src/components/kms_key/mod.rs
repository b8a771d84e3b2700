//! A symmetric KMS key: its policy, rotation and state. Aliases are components of their own.

mod find;
mod update;
mod usage;

pub use find::state_of_key;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::{Value as Json, json};

use super::settings;
use crate::{
    aws::{self, Aws, once},
    graph::{Class, Component, Failure, Found, Guard, Kept, OWNER, Query, Readiness, Wanted},
};

/// Days that a deleted key waits unless `deletion_window_in_days` says otherwise: AWS's own default and longest.
const DELETION_WINDOW_DAYS: i32 = 30;

/// The name of a key's only policy.
const POLICY_NAME: &str = "default";

/// A symmetric key whose material AWS makes and keeps.
///
/// Settings: `description`, `policy` (a document), `enable_key_rotation`, `rotation_period_in_days`, `enabled`; not read back:
/// `alias` (`alias/NAME`, found by), `deletion_window_in_days`, `deletion_protection`, `recover`, `guard_usage` (whether snapshots, retained
/// backups, secrets and buckets that use the key and aren't its owner's forbid its deletion: one call each, and one a bucket).
/// Outputs: `id`, `arn`. Its id is the key id; a query's may also be the key's ARN or one of its aliases.
/// Guarantees: a policy that shuts its author out is refused by AWS's own check, which is never bypassed.
/// Assumptions: `Query::recover` is set on the whole path of create, also where the setting `recover` is false: it alone
/// makes `find` look through the tags of every key of the region, one call a key.
/// Caveats: a deleted key stays for its deletion window, as `Readiness::Deleted`; `update` takes it back. While it waits its
/// tags can't be changed, and its rotation isn't known: both rotation settings are left out of what is found.
#[derive(Debug)]
pub(super) struct KmsKey {
    aws: Arc<Aws>,
}

impl KmsKey {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }
}

#[async_trait]
impl Component for KmsKey {
    fn kind(&self) -> &'static str {
        "kms_key"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            // For the roles behind sessions that the policy shall name.
            "iam:GetRole",
            "kms:CancelKeyDeletion",
            "kms:CreateKey",
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListKeys",
            "kms:ListResourceTags",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
            // Who still uses it.
            "ec2:DescribeSnapshots",
            "ec2:DescribeVolumes",
            "rds:DescribeDBInstanceAutomatedBackups",
            "rds:DescribeDBSnapshots",
            "s3:GetBucketTagging",
            "s3:GetEncryptionConfiguration",
            "s3:ListAllMyBuckets",
            "secretsmanager:ListSecrets",
        ]
    }

    fn tokenless(&self) -> bool {
        true
    }

    fn side_by_side(&self) -> bool {
        true
    }

    fn outlives_delete(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        find::strays(&self.aws, query).await
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        find::find(&self.aws, query).await
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "kms:CreateKey";
        let policy = wanted.settings.get("policy").filter(|policy| !policy.is_null());
        let description = settings::text(&wanted.settings, "description");
        let reply = self
            .aws
            .kms
            .create_key()
            .set_description(description.map(str::to_owned))
            .set_policy(policy.map(Json::to_string))
            .set_tags(Some(tags_to_api(&wanted.tags)))
            .customize()
            .config_override(once::kms())
            .send()
            .await
            .map_err(|error| aws::failure(CALL, error))?;
        let key = reply.key_metadata.ok_or_else(|| settings::bug(CALL, "the reply names no key"))?;
        let mut found = described(&key, wanted.tags.clone());
        if let Some(policy) = policy {
            found.settings.insert("policy".into(), policy.clone());
        }
        // A key is made without rotation.
        found.settings.insert("enable_key_rotation".into(), false.into());
        Ok(found)
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        update::update(&self.aws, found, wanted, changed).await
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        if !remove.is_empty() {
            let call = self.aws.kms.untag_resource().key_id(&found.id).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| aws::failure("kms:UntagResource", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.kms.tag_resource().key_id(&found.id).set_tags(Some(tags_to_api(set)));
            call.send().await.map_err(|error| aws::failure("kms:TagResource", error))?;
        }
        Ok(())
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        let set = |name: &str| wanted.settings.get(name).and_then(Json::as_bool) == Some(true);
        let mut guards = Vec::new();
        if set("deletion_protection") {
            guards.push(Guard {
                attribute: "deletion_protection".into(),
                reason: format!(
                    "the KMS key {} is protected against deletion: what it encrypted can't be read without it. \
                     Set deletion_protection = false, apply, then destroy.",
                    found.id
                ),
            });
        }
        let alias = settings::text(&wanted.settings, "alias");
        let key = usage::Key { id: &found.id, alias, owner: found.tags.get(OWNER).map(String::as_str) };
        let users = if set("guard_usage") { usage::users(&self.aws, &key).await? } else { Vec::new() };
        if !users.is_empty() {
            guards.push(Guard {
                attribute: "encryption.on_destroy".into(),
                reason: format!(
                    "the KMS key {} encrypts what stays and can't be read without it: {}. Delete these first; or set encryption.on_destroy = \
                     \"retain\", apply, then destroy.",
                    found.id,
                    users.join(", ")
                ),
            });
        }
        Ok(guards)
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        const CALL: &str = "kms:ScheduleKeyDeletion";
        let days = settings::number(&wanted.settings, "deletion_window_in_days").unwrap_or(DELETION_WINDOW_DAYS);
        let call = self.aws.kms.schedule_key_deletion().key_id(&found.id).pending_window_in_days(days);
        match call.send().await.map_err(|error| aws::failure(CALL, error)) {
            Ok(reply) => Ok(Some(kept(&found.id, reply.deletion_date()))),
            Err(failure) if failure.class == Class::NotFound => Ok(None),
            // Refused because it waits already? Then that is what we wanted.
            Err(failure) => match find::describe(&self.aws, &found.id).await {
                Ok(None) => Ok(None),
                Ok(Some(key)) if readiness(&key) == Readiness::Deleted => Ok(Some(kept(&found.id, key.deletion_date()))),
                _ => Err(failure),
            },
        }
    }
}

/// What a delete leaves behind. Keys that wait for their deletion aren't charged (AWS KMS pricing).
fn kept(id: &str, date: Option<&DateTime>) -> Kept {
    let until = date.and_then(|date| date.fmt(Format::DateTime).ok()).and_then(|text| text.get(..10).map(|day| format!(" on {day}")));
    Kept {
        what: format!(
            "KMS key {id}, which AWS deletes{}; until then a create of the same name takes it back",
            until.unwrap_or_else(|| " at the end of its deletion window".into())
        ),
        cost: "none while it waits for its deletion".into(),
    }
}

/// What `DescribeKey` tells.
fn described(key: &KeyMetadata, tags: BTreeMap<String, String>) -> Found {
    Found {
        id: key.key_id().to_owned(),
        settings: settings::map([("description", json!(key.description().unwrap_or_default())), ("enabled", json!(key.enabled()))]),
        outputs: settings::map([("id", json!(key.key_id())), ("arn", json!(key.arn()))]),
        tags,
        readiness: readiness(key),
    }
}

fn readiness(key: &KeyMetadata) -> Readiness {
    match key.key_state() {
        Some(KeyState::Enabled | KeyState::Disabled) => Readiness::Ready,
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) => Readiness::Deleted,
        Some(KeyState::PendingImport) => {
            Readiness::Broken("it has no key material: it was imported, and has expired or was deleted".into())
        }
        Some(KeyState::Unavailable) => Readiness::Broken("its key store is disconnected".into()),
        Some(state) => Readiness::Pending(format!("its state is {}", state.as_str())),
        None => Readiness::Pending("AWS tells no state of it".into()),
    }
}

fn tags_to_api(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    // `build` fails only without key or value, and both are given.
    tags.iter().filter_map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build().ok()).collect()
}

fn tags_from_api(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).filter(|(key, _)| !key.starts_with("aws:")).collect()
}

#[cfg(test)]
mod tests;
