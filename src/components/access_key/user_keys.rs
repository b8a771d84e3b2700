//! A user's access keys as IAM lists them, and who uses them.

use std::time::Duration;

use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};
use aws_smithy_types::{DateTime, date_time::Format};

use super::{super::settings::bug, PROBE_MAX};
use crate::{
    aws::{Absent, Aws, failure},
    graph::Failure,
};

/// The service of `iam:GetAccessKeyLastUsed` for a key that was never used.
const NEVER: &str = "N/A";
/// The one service that our own probe of a new key calls.
const PROBED: &str = "sts";
/// How much later than it was the last use may look: IAM tells it to the minute.
const LAST_USE_ROUNDED_BY: Duration = Duration::from_secs(60);

/// One of a user's keys.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::components) struct UserKey {
    /// `AKIA…`.
    pub(in crate::components) id: String,
    /// Whether it is switched on.
    pub(in crate::components) active: bool,
    /// When it was made; IAM always tells.
    pub(in crate::components) created: Option<DateTime>,
}

/// When a key was last used, and with which service.
struct LastUse {
    service: String,
    date: Option<DateTime>,
}

/// Every key of the user; `None`: there is no such user.
pub(in crate::components) async fn of_user(aws: &Aws, user: &str) -> Result<Option<Vec<UserKey>>, Failure> {
    let keys: Result<Vec<_>, _> = aws.iam.list_access_keys().user_name(user).into_paginator().items().send().collect().await;
    let keys = keys.absent("iam:ListAccessKeys")?;
    let one = |key: &AccessKeyMetadata| {
        let active = key.status() != Some(&StatusType::Inactive);
        Some(UserKey { id: key.access_key_id()?.to_owned(), active, created: key.create_date().copied() })
    };
    Ok(keys.map(|keys| keys.iter().filter_map(one).collect()))
}

/// The service that the key was last used with; `None`: nobody used it, or nobody but our probe.
pub(in crate::components) async fn user_of(aws: &Aws, key: &UserKey) -> Result<Option<String>, Failure> {
    Ok(last_use(aws, &key.id).await?.foreign(key.created.as_ref()))
}

/// The keys that somebody uses, for people: `AKIA… (used with s3)`.
pub(in crate::components) async fn in_use(aws: &Aws, keys: &[UserKey]) -> Result<Vec<String>, Failure> {
    let mut used = Vec::new();
    for key in keys {
        used.extend(user_of(aws, key).await?.map(|service| named(key, &service)));
    }
    Ok(used)
}

/// A key that somebody uses, for people.
pub(in crate::components) fn named(key: &UserKey, service: &str) -> String {
    format!("{} (used with {service})", key.id)
}

/// When the key was last used (ISO 8601, UTC).
pub(super) async fn last_used(aws: &Aws, key: &str) -> Result<Option<String>, Failure> {
    Ok(last_use(aws, key).await?.date.and_then(|date| date.fmt(Format::DateTime).ok()))
}

/// Deletes a key; one that is gone already is no error.
pub(in crate::components) async fn remove(aws: &Aws, user: &str, key: &str) -> Result<(), Failure> {
    let call = aws.iam.delete_access_key().user_name(user).access_key_id(key);
    call.send().await.absent("iam:DeleteAccessKey").map(drop)
}

async fn last_use(aws: &Aws, key: &str) -> Result<LastUse, Failure> {
    const CALL: &str = "iam:GetAccessKeyLastUsed";
    let reply = aws.iam.get_access_key_last_used().access_key_id(key).send().await.map_err(|error| failure(CALL, error))?;
    let last = reply.access_key_last_used().ok_or_else(|| bug(CALL, "the reply holds no last use"))?;
    Ok(LastUse { service: last.service_name().to_owned(), date: last.last_used_date().copied() })
}

impl LastUse {
    /// The service that somebody else used it with. Our probe is a call of STS right after the key was made; a later one is what
    /// every user does who takes a role.
    fn foreign(self, created: Option<&DateTime>) -> Option<String> {
        match self.service.as_str() {
            "" | NEVER => None,
            PROBED if self.is_probe(created) => None,
            _ => Some(self.service),
        }
    }

    fn is_probe(&self, created: Option<&DateTime>) -> bool {
        let (Some(created), Some(date)) = (created, &self.date) else { return false };
        let age_s = date.secs().saturating_sub(created.secs());
        u64::try_from(age_s).is_ok_and(|age_s| age_s <= (PROBE_MAX + LAST_USE_ROUNDED_BY).as_secs())
            // Rounded down.
            || (age_s < 0 && age_s.unsigned_abs() <= LAST_USE_ROUNDED_BY.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_probe_is_no_use_but_a_later_call_of_sts_is() {
        const MADE_S: i64 = 1_800_000_000;
        let probe = i64::try_from(PROBE_MAX.as_secs()).unwrap_or_default();
        let cases = [
            ("N/A", None, true, None),
            ("sts", Some(0), true, None),
            ("sts", Some(probe), true, None),
            ("sts", Some(probe + 60), true, None),
            ("sts", Some(probe + 61), true, Some("sts")),
            // Rounded down to the minute; earlier than that no key can have been used.
            ("sts", Some(-60), true, None),
            ("sts", Some(-61), true, Some("sts")),
            // Nothing says when: then it isn't ours to delete.
            ("sts", None, true, Some("sts")),
            ("sts", Some(0), false, Some("sts")),
            ("s3", Some(0), true, Some("s3")),
        ];
        for (service, after_s, dated, expected) in cases {
            let last = LastUse { service: service.to_owned(), date: after_s.map(|after| DateTime::from_secs(MADE_S + after)) };
            let created = dated.then(|| DateTime::from_secs(MADE_S));
            assert_eq!(last.foreign(created.as_ref()).as_deref(), expected, "{service} {after_s:?}");
        }
    }
}
