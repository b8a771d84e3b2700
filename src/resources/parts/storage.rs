//! `storage`: the bucket of Deeploy's artefacts.

use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Value};

use super::{defaults, renamed::renamed};
use crate::{
    graph::{Node, Observed},
    policies::Place,
    presets::Preset,
    resources::{
        checks,
        composite::{Composite, Seen},
        s3_bucket::{self, AccessLogging, S3Bucket},
    },
};

/// The bucket's component.
pub(crate) const BUCKET: &str = "bucket";
/// The bucket of its access logs.
pub(crate) const LOG_BUCKET: &str = "log_bucket";

/// The S3 bucket of Deeploy's model artefacts.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Storage {
    /// Name of the bucket, unique over all of AWS; by default `NAME-artifacts-ACCOUNT-REGION`.
    #[tf(optional, computed, validate(checks::bucket_name()), note(change = "fixed"))]
    pub bucket: Attr<String>,
    /// Whether destroying the environment deletes the objects too, all their versions and the access logs included.
    #[tf(optional, computed, note(preset = "s3_bucket.force_destroy", change = "live"))]
    pub force_destroy: Attr<bool>,
    /// What Deeploy may do with the bucket: `least_privilege` (list, get, put, delete, multipart uploads), or `documented`, the policy of Deeploy's page to
    /// the letter (`s3:*` on its objects).
    #[tf(
        optional,
        computed,
        validate(checks::one_of(&["least_privilege", "documented"])),
        note(preset = "iam_role.access", change = "live", controls = "IAM.21")
    )]
    pub access: Attr<String>,
    /// Days after which older versions of objects are deleted.
    #[tf(
        optional,
        computed,
        validate(checks::between(1, 2_147_483_647)),
        note(preset = "s3_bucket.noncurrent_version_expiration_days", change = "live", controls = "S3.10")
    )]
    pub noncurrent_version_expiration_days: Attr<i64>,
    /// Access logs.
    #[tf(optional, computed)]
    pub access_logging: Attr<AccessLogging>,
    /// The bucket's ARN.
    #[tf(computed)]
    pub arn: Attr<String>,
    /// The bucket's host name in its region.
    #[tf(computed)]
    pub regional_domain_name: Attr<String>,
}

/// Computed attributes and their components.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[("arn", BUCKET), ("regional_domain_name", BUCKET)];

/// The bucket's name: the user's, the one before, or one made of the environment's.
pub(crate) fn derive(model: &mut Storage, name: &Attr<String>, prior: Option<&Storage>, place: Option<(&str, &str)>) {
    if !model.bucket.is_null() {
        return;
    }
    model.bucket = match (prior.map(|prior| &prior.bucket), name, place) {
        (Some(Attr::Known(before)), ..) => Attr::Known(before.clone()),
        (_, Attr::Known(name), Some((account, region))) => Attr::Known(format!("{name}-artifacts-{account}-{region}")),
        _ => Attr::Unknown,
    };
}

/// A bucket keeps its name, and a name of ours must fit.
pub(crate) fn check_change(model: &Storage, prior: Option<&Storage>, at: &Path) -> Diagnostics {
    let path = at.attribute("bucket");
    let Some(name) = model.bucket.as_str() else { return Vec::new() };
    if let Some(before) = prior.and_then(|prior| prior.bucket.as_str()).filter(|before| *before != name) {
        let detail = format!(
            "The bucket is {before}, and S3 renames none. Set it back; to move, copy the objects to a bucket of your own and make a new environment with it."
        );
        return vec![Diagnostic::error(path, "The bucket of an environment can't be exchanged", detail)];
    }
    s3_bucket::check_logging(&model.bucket, &model.access_logging, at)
}

/// The bucket and the bucket of its access logs.
pub(crate) fn nodes(model: &Storage, preset: Option<Preset>, data_key_arn: &Attr<String>, place: &Place) -> Result<Vec<Node>, Diagnostics> {
    let bucket = S3Bucket {
        bucket: model.bucket.clone(),
        kms_key_arn: data_key_arn.clone(),
        force_destroy: model.force_destroy.clone(),
        noncurrent_version_expiration_days: model.noncurrent_version_expiration_days.clone(),
        access_logging: model.access_logging.clone(),
        // A log bucket that was made stays with its logs, also when none are wanted any more.
        log_bucket: Attr::Null,
        ..defaults::<S3Bucket>(preset)?
    };
    let mut nodes = renamed(s3_bucket::Kind::blueprint(&bucket, place)?.nodes, &[]);
    for node in nodes.iter_mut().filter(|node| node.id.0 == LOG_BUCKET && model.force_destroy.known() != Some(&true)) {
        // Logs arrive for hours after the last access: a destroy that asked for an empty log bucket would never end.
        node.keep = Some("kept with the access logs; `storage.force_destroy = true` deletes them too. Cost: storage per GiB and month (Amazon S3 pricing)".to_owned());
    }
    Ok(nodes)
}

/// The bucket of the access logs stays with its logs when none are wanted any more, or when they go elsewhere.
pub(crate) fn leftover(
    component: &str,
    model: &Storage,
    preset: Option<Preset>,
    data_key_arn: &Attr<String>,
    place: &Place,
) -> Result<Option<Node>, Diagnostics> {
    if component != LOG_BUCKET {
        return Ok(None);
    }
    let logged = AccessLogging { enabled: Attr::Known(true), bucket: Attr::Null };
    let model = Storage { access_logging: Attr::Known(logged), ..model.clone() };
    Ok(nodes(&model, preset, data_key_arn, place)?.into_iter().find(|node| node.id.0 == LOG_BUCKET))
}

/// What the bucket is called is known before.
pub(crate) fn foretell(model: &Storage, place: &Place) -> Vec<(&'static str, Value)> {
    let name = &model.bucket;
    vec![
        ("arn", name.clone().map(|name| place.bucket(&name)).to_value()),
        ("regional_domain_name", name.clone().map(|name| format!("{name}.s3.{}.{}", place.region, place.dns_suffix)).to_value()),
    ]
}

/// The bucket's ARN and host name.
pub(crate) fn outputs(model: &mut Storage, seen: &Observed) {
    model.arn = Seen(seen).output(BUCKET, "arn");
    model.regional_domain_name = Seen(seen).output(BUCKET, "regional_domain_name");
}

/// What S3 tells of the bucket's settings.
pub(crate) fn refresh(model: &mut Storage, seen: &Observed) {
    s3_bucket::refresh_expiration("noncurrent_version_expiration_days", &mut model.noncurrent_version_expiration_days, seen);
    s3_bucket::refresh_logging(&model.bucket, &mut model.access_logging, seen);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;
    use crate::{graph::Input, policies::frankfurt};

    fn storage(days: i64, logged: bool, logs: Attr<String>) -> Storage {
        Storage {
            bucket: Attr::Known("b".to_owned()),
            force_destroy: Attr::Known(false),
            noncurrent_version_expiration_days: Attr::Known(days),
            access_logging: Attr::Known(AccessLogging { enabled: Attr::Known(logged), bucket: logs }),
            ..Storage::default()
        }
    }

    #[test]
    fn what_is_written_of_the_bucket_holds_whatever_the_preset() {
        for preset in Preset::ALL {
            let made = nodes(&storage(90, true, Attr::Null), Some(preset), &Attr::Null, &frankfurt()).unwrap();
            let ids: Vec<&str> = made.iter().map(|node| node.id.0.as_str()).collect();
            assert_eq!(ids, [BUCKET, LOG_BUCKET]);
            let rules = json!({ "noncurrent_version_expiration_days": 90, "abort_incomplete_multipart_upload_days": 7 });
            assert!(made.iter().all(|node| node.settings["lifecycle"].value == Input::Known(rules.clone())), "{preset:?}");
            let target = json!({ "target_bucket": "b-logs", "target_prefix": "b/" });
            assert_eq!(made[0].settings["logging"].value, Input::Known(target));
        }
        let away = nodes(&storage(5, true, Attr::Known("theirs".to_owned())), Some(Preset::Production), &Attr::Null, &frankfurt()).unwrap();
        assert_eq!(away.len(), 1, "logs that go elsewhere need no bucket here");
        let kept =
            leftover(LOG_BUCKET, &storage(5, false, Attr::Null), Some(Preset::Development), &Attr::Null, &frankfurt()).unwrap().unwrap();
        assert!(kept.stateful && kept.keep.is_some(), "logs that were taken stay");
    }

    #[test]
    fn logs_that_can_not_be_kept_are_told_at_their_attribute() {
        let told = |model: &Storage| {
            let found = check_change(model, None, &Path::of("storage"));
            found.into_iter().map(|one| format!("{}: {}", one.path, one.summary)).collect::<Vec<_>>()
        };
        assert_eq!(told(&storage(5, true, Attr::Known("b".to_owned()))), ["storage.access_logging.bucket: A bucket that logs into itself"]);
        let long = |logged| Storage { bucket: Attr::Known("b".repeat(60)), ..storage(5, logged, Attr::Null) };
        assert_eq!(told(&long(true)), ["storage.bucket: The log bucket's name would be too long"]);
        assert_eq!((told(&long(false)), told(&storage(5, true, Attr::Null))), (vec![], vec![]));
    }
}
