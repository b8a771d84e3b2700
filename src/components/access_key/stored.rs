//! Which of a user's access keys are stored in its secret: known without ever reading a secret value.
//!
//! A version of the secret is named by our ClientRequestToken, and that is made from the key's id and the rotation value:
//! the first half tells which key, the second half for which rotation it was made.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::operation::list_secret_version_ids::ListSecretVersionIdsOutput;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::user_keys::{UserKey, of_user};
use crate::{
    aws::{Absent, Aws, error::is_scheduled_for_deletion},
    graph::Failure,
};

/// Secret versions by id, with their staging labels. A version without a label is as good as gone.
pub(super) type Versions = BTreeMap<String, BTreeSet<String>>;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// Half of the 64 characters that a ClientRequestToken may have.
const HALF: usize = 32;

/// The version id under which a key is stored: 64 hex digits.
pub(in crate::components) fn version_of(key: &str, rotation: &Json) -> String {
    format!("{}{}", half(&[key]), half(&[key, &rotation.to_string()]))
}

/// 32 hex digits of the hash of parts, each closed by a zero byte so that no two lists look the same.
fn half(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(HALF / 2).fold(String::with_capacity(HALF), |text, byte| text + &format!("{byte:02x}"))
}

/// A user's keys, sorted by where they are stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::components) struct Keys {
    /// Stored as AWSCURRENT: its id and the version that holds it.
    pub(in crate::components) current: Option<(String, String)>,
    /// Stored as AWSPREVIOUS.
    pub(in crate::components) previous: Option<String>,
    /// Stored nowhere: a crash between making and storing, or somebody else's.
    pub(in crate::components) unknown: Vec<UserKey>,
    /// Those that were switched off.
    pub(super) inactive: Vec<String>,
}

impl Keys {
    /// Sorts `keys` by `versions`.
    fn sort(keys: &[UserKey], versions: &Versions) -> Self {
        let mut sorted = Self::default();
        for key in keys {
            let start = half(&[&key.id]);
            let stored = |label: &str| versions.iter().find(|(id, labels)| id.starts_with(&start) && labels.contains(label));
            if let Some((version, _)) = stored(CURRENT) {
                sorted.current = Some((key.id.clone(), version.clone()));
            } else if stored(PREVIOUS).is_some() {
                sorted.previous = Some(key.id.clone());
            } else {
                sorted.unknown.push(key.clone());
            }
            if !key.active {
                sorted.inactive.push(key.id.clone());
            }
        }
        sorted
    }

    /// Whether the current key was made for this rotation.
    pub(super) fn is_current_for(&self, rotation: &Json) -> bool {
        self.current.as_ref().is_some_and(|(key, version)| *version == version_of(key, rotation))
    }
}

/// For reading: asks for the versions by ListSecretVersionIds, since DescribeSecret is the secret's own read.
pub(super) async fn listed(aws: &Aws, user: &str, secret: &str) -> Result<Keys, Failure> {
    const CALL: &str = "secretsmanager:ListSecretVersionIds";
    let Some(keys) = of_user(aws, user).await? else { return Ok(Keys::default()) };
    let pages: Result<Vec<_>, _> = aws.secrets.list_secret_version_ids().secret_id(secret).into_paginator().send().collect().await;
    let pages = match pages.absent(CALL) {
        Err(failure) if is_scheduled_for_deletion(&failure) => Vec::new(),
        pages => pages?.unwrap_or_default(),
    };
    let entries = pages.iter().flat_map(ListSecretVersionIdsOutput::versions);
    let versions = entries.filter_map(|entry| Some((entry.version_id()?.to_owned(), entry.version_stages().iter().cloned().collect())));
    Ok(Keys::sort(&keys, &versions.collect()))
}

/// For deciding what may be deleted: asks by DescribeSecret, which AWS names for the latest state of a secret.
pub(in crate::components) async fn inspect(aws: &Aws, user: &str, secret: &str) -> Result<Keys, Failure> {
    let Some(keys) = of_user(aws, user).await? else { return Ok(Keys::default()) };
    let reply = aws.secrets.describe_secret().secret_id(secret).send().await.absent("secretsmanager:DescribeSecret")?;
    let stages = reply.as_ref().and_then(|reply| reply.version_ids_to_stages());
    let versions = stages.into_iter().flatten().map(|(id, labels)| (id.clone(), labels.iter().cloned().collect()));
    Ok(Keys::sort(&keys, &versions.collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn versions(list: &[(&str, Json, &str)]) -> Versions {
        list.iter().map(|(key, rotation, label)| (version_of(key, rotation), BTreeSet::from([(*label).to_owned()]))).collect()
    }

    fn keys(list: &[&str]) -> Vec<UserKey> {
        list.iter().map(|key| UserKey { id: (*key).to_owned(), active: true, created: None }).collect()
    }

    #[test]
    fn a_version_names_its_key_and_rotation() {
        let version = version_of("AKIA1", &json!("2026-01"));
        // Pinned: a change of this format would make every stored key unknown, and unknown keys get deleted.
        assert_eq!(version, PINNED);
        assert_eq!(version.get(..HALF), version_of("AKIA1", &Json::Null).get(..HALF));
        assert_ne!(version, version_of("AKIA1", &json!("2026-02")));
        assert_ne!(version_of("AKIA1", &json!("null")), version_of("AKIA1", &Json::Null));
        assert_ne!(version.get(..HALF), version_of("AKIA2", &json!("2026-01")).get(..HALF));
    }

    const PINNED: &str = "1831b279feec072e93fd05333afe61840781228c54ef6a13128edb7240d686ef";

    #[test]
    fn keys_are_told_apart_by_the_versions() {
        let stored = versions(&[("A", json!("1"), CURRENT), ("B", json!("0"), PREVIOUS), ("C", json!("0"), "AWSPENDING")]);
        let sorted = Keys::sort(&keys(&["A", "B"]), &stored);
        assert_eq!(sorted.current, Some(("A".to_owned(), version_of("A", &json!("1")))));
        assert_eq!((sorted.previous.as_deref(), sorted.unknown.len()), (Some("B"), 0));
        assert!(sorted.is_current_for(&json!("1")));
        assert!(!sorted.is_current_for(&json!("2")));
        assert!(!sorted.is_current_for(&Json::Null));

        let leaked = Keys::sort(&keys(&["D", "A"]), &stored);
        assert_eq!((leaked.unknown, leaked.previous), (keys(&["D"]), None));
    }

    #[test]
    fn a_value_that_somebody_wrote_by_hand_is_no_key_of_ours() {
        let mut stored = versions(&[("A", json!("1"), PREVIOUS)]);
        stored.insert("5f1c4a90-0000-4000-8000-000000000000".to_owned(), BTreeSet::from([CURRENT.to_owned()]));
        let sorted = Keys::sort(&keys(&["A"]), &stored);
        assert_eq!((sorted.current, sorted.previous.as_deref()), (None, Some("A")));
    }
}
