//! Finding a key: by its id, by the alias that points to it, by its tags.

use std::{cmp::Reverse, collections::BTreeMap};

use aws_sdk_kms::types::{KeyManagerType, KeyMetadata, KeySpec, KeyState, OriginType};
use futures_util::{StreamExt, stream};
use serde_json::Value as Json;

use super::{POLICY_NAME, described, readiness, tags_from_api};
use crate::{
    aws::{self, Absent, Aws},
    components::settings,
    graph::{COMPONENT, Class, Failure, Found, OWNER, Query, Readiness},
};

/// Keys whose tags are read at most: AWS's default quota of keys in a region, so that only accounts beyond it are not searched whole.
const KEYS_SEARCHED_MAX: usize = 100_000;
/// Keys a page of `ListKeys`: AWS's own maximum.
const KEYS_PER_PAGE: i32 = 1_000;
/// Reads of tags at once: a thousand keys in a few seconds, far below AWS's 2,000 a second.
const TAG_READS_AT_ONCE: usize = 16;

type Tags = BTreeMap<String, String>;

/// A key of ours, with its tags where those are read already.
struct Candidate {
    key: KeyMetadata,
    tags: Option<Tags>,
}

impl Candidate {
    fn waits(&self) -> bool {
        readiness(&self.key) == Readiness::Deleted
    }
}

pub(super) async fn find(aws: &Aws, query: &Query) -> Result<Option<Found>, Failure> {
    match locate(aws, query).await? {
        Some(candidate) => read(aws, candidate).await,
        None => Ok(None),
    }
}

async fn locate(aws: &Aws, query: &Query) -> Result<Option<Candidate>, Failure> {
    if let Some(id) = &query.id
        && let Some(key) = describe(aws, id).await?
    {
        return Ok(Some(Candidate { key, tags: None }));
    }
    if let Some(alias) = settings::text(&query.settings, "alias")
        && let Some(key) = describe(aws, alias).await?
    {
        if readiness(&key) != Readiness::Deleted {
            return Ok(Some(Candidate { key, tags: None }));
        }
        // An alias may have stayed on a key that waits for its deletion.
        if query.recover {
            let tags = tags_of(aws, key.key_id()).await?;
            if tags.as_ref().is_some_and(|tags| is_ours(tags, query) && may_take_back(tags, query)) {
                return Ok(Some(Candidate { key, tags }));
            }
        }
    }
    if query.recover { by_tags(aws, query).await } else { Ok(None) }
}

/// The key of that id, ARN or alias.
///
/// # Errors
/// [`Class::Conflict`] for keys that can't be ours: another account's, AWS's own, asymmetric ones, imported material.
pub(super) async fn describe(aws: &Aws, id: &str) -> Result<Option<KeyMetadata>, Failure> {
    const CALL: &str = "kms:DescribeKey";
    let Some(reply) = aws.kms.describe_key().key_id(id).send().await.absent(CALL)? else { return Ok(None) };
    let key = reply.key_metadata.ok_or_else(|| settings::bug(CALL, "the reply names no key"))?;
    match misfit(&key, &aws.account_id) {
        Some(why) => Err(settings::failure(Class::Conflict, CALL, format!("{id} is the KMS key {}, which {why}", key.key_id()))),
        None => Ok(Some(key)),
    }
}

/// What state a key is in, of this account or another; `None`: there is none.
///
/// # Errors
/// What AWS says.
pub async fn state_of_key(aws: &Aws, arn: &str) -> Result<Option<String>, Failure> {
    const CALL: &str = "kms:DescribeKey";
    let reply = aws.kms.describe_key().key_id(arn).send().await.absent(CALL)?;
    Ok(reply.and_then(|reply| reply.key_metadata).map(|key| key.key_state().map_or("unknown", KeyState::as_str).to_owned()))
}

/// Why this can't be a key of ours.
fn misfit(key: &KeyMetadata, account_id: &str) -> Option<String> {
    let account = key.aws_account_id().unwrap_or(account_id);
    if account != account_id {
        return Some(format!("belongs to the account {account}"));
    }
    if key.key_manager() == Some(&KeyManagerType::Aws) {
        return Some("AWS manages by itself".into());
    }
    match (key.key_spec(), key.origin()) {
        (Some(spec), _) if *spec != KeySpec::SymmetricDefault => Some(format!("is no symmetric key but {}", spec.as_str())),
        (_, Some(origin)) if *origin != OriginType::AwsKms => Some(format!("has material that KMS didn't make ({})", origin.as_str())),
        _ => None,
    }
}

/// Everything else about the key; `None` where it went while we asked.
async fn read(aws: &Aws, candidate: Candidate) -> Result<Option<Found>, Failure> {
    let waits = candidate.waits();
    let Candidate { key, tags } = candidate;
    let id = key.key_id();
    let tags = async {
        match tags {
            Some(tags) => Ok(Some(tags)),
            None => tags_of(aws, id).await,
        }
    };
    // A key that waits for its deletion refuses to tell its rotation.
    let rotation = async { if waits { Ok(Some(None)) } else { rotation_of(aws, id).await.map(|rotation| rotation.map(Some)) } };
    let (Some(tags), Some(policy), Some(rotation)) = tokio::try_join!(tags, policy_of(aws, id), rotation)? else { return Ok(None) };
    let mut found = described(&key, tags);
    found.settings.insert("policy".into(), policy);
    if let Some((enabled, period)) = rotation {
        found.settings.insert("enable_key_rotation".into(), enabled.into());
        if let Some(days) = period {
            found.settings.insert("rotation_period_in_days".into(), days.into());
        }
    }
    Ok(Some(found))
}

async fn policy_of(aws: &Aws, id: &str) -> Result<Option<Json>, Failure> {
    const CALL: &str = "kms:GetKeyPolicy";
    let call = aws.kms.get_key_policy().key_id(id).policy_name(POLICY_NAME);
    let Some(reply) = call.send().await.absent(CALL)? else { return Ok(None) };
    let policy = reply.policy.unwrap_or_default();
    serde_json::from_str(&policy).map(Some).map_err(|error| settings::bug(CALL, format!("the policy is no JSON: {error}")))
}

/// Whether it rotates, and every how many days.
async fn rotation_of(aws: &Aws, id: &str) -> Result<Option<(bool, Option<i32>)>, Failure> {
    let reply = aws.kms.get_key_rotation_status().key_id(id).send().await.absent("kms:GetKeyRotationStatus")?;
    Ok(reply.map(|reply| (reply.key_rotation_enabled(), reply.rotation_period_in_days())))
}

async fn tags_of(aws: &Aws, id: &str) -> Result<Option<Tags>, Failure> {
    let pages = aws.kms.list_resource_tags().key_id(id).into_paginator().items().send();
    let tags = pages.collect::<Result<Vec<_>, _>>().await.absent("kms:ListResourceTags")?;
    Ok(tags.map(tags_from_api))
}

fn is_ours(tags: &Tags, query: &Query) -> bool {
    !query.owner.is_empty() && tags.get(OWNER) == Some(&query.owner) && tags.get(COMPONENT) == Some(&query.component)
}

/// Whether a key that waits for its deletion is one of ours that the user wants back: whoever scheduled its deletion, what it
/// encrypted is lost with it.
fn may_take_back(tags: &Tags, query: &Query) -> bool {
    query.settings.get("recover").and_then(Json::as_bool) != Some(false) && tags.get(OWNER).is_some_and(|owner| *owner == query.owner)
}

/// A live key of ours first, the oldest, which is the one that two creators agree upon; else the newest of those that destroy left.
async fn by_tags(aws: &Aws, query: &Query) -> Result<Option<Candidate>, Failure> {
    let made = |candidate: &Candidate| {
        let date = candidate.key.creation_date().map(|date| (date.secs(), date.subsec_nanos()));
        (date, candidate.key.key_id().to_owned())
    };
    let (mut left, mut live): (Vec<_>, Vec<_>) = search(aws, query).await?.into_iter().partition(Candidate::waits);
    left.retain(|candidate| candidate.tags.as_ref().is_some_and(|tags| may_take_back(tags, query)));
    live.sort_by_key(made);
    left.sort_by_key(|candidate| Reverse(made(candidate)));
    Ok(live.into_iter().chain(left).next())
}

/// Every key of ours that doesn't wait for its deletion.
pub(super) async fn strays(aws: &Aws, query: &Query) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for candidate in search(aws, query).await? {
        if !candidate.waits() {
            found.extend(read(aws, candidate).await?);
        }
    }
    Ok(found)
}

/// Looks through the tags of every key for those of ours.
async fn search(aws: &Aws, query: &Query) -> Result<Vec<Candidate>, Failure> {
    let ids = every_key(aws).await?;
    let read = stream::iter(ids).map(|id| async move { (tags_of(aws, &id).await, id) });
    let tags: Vec<_> = read.buffer_unordered(TAG_READS_AT_ONCE).collect().await;
    let (mut denied, mut readable, mut ours) = (None, false, Vec::new());
    for (tags, id) in tags {
        let tags = match tags {
            Ok(tags) => tags.unwrap_or_default(),
            // The policy of somebody else's key may well shut us out. Ours don't.
            Err(failure) if failure.class == Class::Denied => {
                denied = Some(failure);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        readable = true;
        if is_ours(&tags, query)
            && let Some(key) = describe(aws, &id).await?
        {
            ours.push(Candidate { key, tags: Some(tags) });
        }
    }
    match denied {
        // All denied: then it is the right that is missing, and nothing is proven.
        Some(failure) if !readable => Err(failure),
        _ => Ok(ours),
    }
}

async fn every_key(aws: &Aws) -> Result<Vec<String>, Failure> {
    const CALL: &str = "kms:ListKeys";
    let mut ids = Vec::new();
    let mut marker = None;
    loop {
        let call = aws.kms.list_keys().limit(KEYS_PER_PAGE).set_marker(marker);
        let page = call.send().await.map_err(|error| aws::failure(CALL, error))?;
        ids.extend(page.keys.unwrap_or_default().into_iter().filter_map(|key| key.key_id));
        if ids.len() > KEYS_SEARCHED_MAX {
            let message = format!(
                "more than {KEYS_SEARCHED_MAX} keys in this region: they are too many to look for ours by tag; import it by its id"
            );
            return Err(settings::failure(Class::Invalid, CALL, message));
        }
        marker = page.next_marker;
        if !page.truncated || marker.is_none() {
            return Ok(ids);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_symmetric_keys_of_the_account_can_be_ours() {
        let key = || KeyMetadata::builder().key_id("1").aws_account_id("123456789012");
        let cases = [
            (key(), None),
            (key().key_spec(KeySpec::SymmetricDefault).origin(OriginType::AwsKms), None),
            (key().aws_account_id("210987654321"), Some("belongs to the account 210987654321")),
            (key().key_manager(KeyManagerType::Aws), Some("AWS manages by itself")),
            (key().key_spec(KeySpec::Rsa2048), Some("is no symmetric key but RSA_2048")),
            (key().origin(OriginType::External), Some("has material that KMS didn't make (EXTERNAL)")),
        ];
        for (key, expected) in cases {
            assert_eq!(misfit(&key.build().unwrap(), "123456789012").as_deref(), expected);
        }
    }
}
