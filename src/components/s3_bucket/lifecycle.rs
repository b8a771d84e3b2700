//! Our two lifecycle rules among those of others.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
};
use aws_smithy_types::error::operation::BuildError;
use serde_json::{Value as Json, json};

/// One of our rules: its id, the setting's field, and what it does after so many days.
struct Kind {
    id: &'static str,
    field: &'static str,
    rule: fn(i32) -> Result<LifecycleRule, BuildError>,
    days: fn(&LifecycleRule) -> Option<i32>,
}

/// The ids are a public format: they stand in the buckets of users.
const KINDS: [Kind; 2] = [
    Kind {
        id: "deeploy-noncurrent",
        field: "noncurrent_version_expiration_days",
        rule: |days| {
            let expiration = NoncurrentVersionExpiration::builder().noncurrent_days(days).build();
            start("deeploy-noncurrent").noncurrent_version_expiration(expiration).build()
        },
        days: |rule| rule.noncurrent_version_expiration.as_ref()?.noncurrent_days,
    },
    Kind {
        id: "deeploy-abort-multipart",
        field: "abort_incomplete_multipart_upload_days",
        rule: |days| {
            let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build();
            start("deeploy-abort-multipart").abort_incomplete_multipart_upload(abort).build()
        },
        days: |rule| rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation,
    },
];

fn start(id: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled).filter(LifecycleRuleFilter::builder().prefix("").build())
}

/// The setting as it is: each field's days, null without the rule, 0 where the rule isn't as we make it.
pub(super) fn setting(rules: &[LifecycleRule]) -> Json {
    let days = |kind: &Kind| {
        let rule = rules.iter().find(|rule| rule.id() == Some(kind.id))?;
        Some((kind.days)(rule).filter(|days| is_as_made(rule, (kind.rule)(*days))).unwrap_or_default())
    };
    KINDS.iter().map(|kind| (kind.field.to_owned(), json!(days(kind)))).collect::<serde_json::Map<_, _>>().into()
}

/// Whether it does what we made it do, for every object and nothing else.
fn is_as_made(rule: &LifecycleRule, made: Result<LifecycleRule, BuildError>) -> bool {
    let Ok(made) = made else { return false };
    let mut rule = with_filter(rule.clone());
    // An empty filter means what an empty prefix means.
    if rule.filter.as_ref().is_some_and(|filter| *filter == LifecycleRuleFilter::builder().build()) {
        rule.filter.clone_from(&made.filter);
    }
    rule == made
}

/// The rules to put: those of others as they are, ours as `wanted` says.
pub(super) fn merge(rules: Vec<LifecycleRule>, wanted: &Json) -> Result<Vec<LifecycleRule>, BuildError> {
    let others = rules.into_iter().filter(|rule| !KINDS.iter().any(|kind| rule.id() == Some(kind.id)));
    let mut merged: Vec<_> = others.map(with_filter).collect();
    for kind in &KINDS {
        let days = wanted.get(kind.field).and_then(Json::as_i64).and_then(|days| i32::try_from(days).ok());
        if let Some(days) = days {
            merged.push((kind.rule)(days)?);
        }
    }
    Ok(merged)
}

/// S3 refuses rules with a prefix of the old format beside rules with a filter; both mean the same.
fn with_filter(mut rule: LifecycleRule) -> LifecycleRule {
    #[allow(deprecated)]
    let prefix = rule.prefix.take();
    if rule.filter.is_none() {
        rule.filter = Some(LifecycleRuleFilter::builder().prefix(prefix.unwrap_or_default()).build());
    }
    rule
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use aws_sdk_s3::types::LifecycleExpiration;

    use super::*;

    fn wanted(noncurrent: Option<i32>, abort: Option<i32>) -> Json {
        json!({"noncurrent_version_expiration_days": noncurrent, "abort_incomplete_multipart_upload_days": abort})
    }

    #[test]
    fn what_is_put_reads_back_the_same() {
        for setting_wanted in [wanted(Some(90), Some(7)), wanted(None, Some(1)), wanted(Some(30), None), wanted(None, None)] {
            let rules = merge(Vec::new(), &setting_wanted).unwrap();
            assert_eq!(setting(&rules), setting_wanted);
            assert_eq!(setting(&merge(rules.clone(), &setting_wanted).unwrap()), setting_wanted);
        }
    }

    #[test]
    fn rules_of_others_stay_and_keep_their_meaning() {
        let expiration = LifecycleExpiration::builder().days(3).build();
        #[allow(deprecated)]
        let old = LifecycleRule::builder().id("old").status(ExpirationStatus::Disabled).prefix("logs/").expiration(expiration);
        let nameless =
            LifecycleRule::builder().status(ExpirationStatus::Enabled).filter(LifecycleRuleFilter::builder().prefix("x").build());
        let others = vec![old.build().unwrap(), nameless.build().unwrap()];
        let merged = merge(others.clone(), &wanted(Some(90), None)).unwrap();
        assert_eq!(merged.len(), 3);
        assert_eq!(merged[0].filter().unwrap().prefix(), Some("logs/"));
        assert_eq!((merged[0].status(), merged[0].expiration()), (others[0].status(), others[0].expiration()));
        assert_eq!(merged[1], others[1]);
        assert_eq!(merge(merged, &wanted(None, None)).unwrap().len(), 2, "ours goes, theirs stay");
    }

    #[test]
    fn a_rule_of_ours_that_somebody_changed_is_told() {
        let ours = merge(Vec::new(), &wanted(Some(90), None)).unwrap().remove(0);
        let mut disabled = ours.clone();
        disabled.status = ExpirationStatus::Disabled;
        let mut narrowed = ours.clone();
        narrowed.filter = Some(LifecycleRuleFilter::builder().prefix("x/").build());
        let mut deadly = ours.clone();
        deadly.expiration = Some(LifecycleExpiration::builder().days(1).build());
        for rule in [disabled, narrowed, deadly] {
            assert_eq!(setting(&[rule]), wanted(Some(0), None));
        }
        let mut empty_filter = ours.clone();
        empty_filter.filter = Some(LifecycleRuleFilter::builder().build());
        let mut no_filter = ours;
        no_filter.filter = None;
        for rule in [empty_filter, no_filter] {
            assert_eq!(setting(&[rule]), wanted(Some(90), None));
        }
    }
}
