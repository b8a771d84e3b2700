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
        s3_bucket::{self, S3Bucket},
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

/// S3's longest bucket name, and what the log bucket adds.
const NAME_MAX: usize = 63;

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
    if format!("{name}-logs").len() > NAME_MAX {
        let detail = format!(
            "\"{name}-logs\", the bucket of its access logs, is longer than the {NAME_MAX} characters of S3. Name a shorter bucket here."
        );
        return vec![Diagnostic::error(path, "The bucket's name is too long", detail)];
    }
    Vec::new()
}

/// The bucket and the bucket of its access logs.
pub(crate) fn nodes(model: &Storage, preset: Option<Preset>, data_key_arn: &Attr<String>, place: &Place) -> Result<Vec<Node>, Diagnostics> {
    let bucket = S3Bucket {
        bucket: model.bucket.clone(),
        kms_key_arn: data_key_arn.clone(),
        force_destroy: model.force_destroy.clone(),
        // A log bucket that was made stays with its logs, also when the preset no longer wants any.
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

/// The bucket of the access logs stays with its logs when the preset no longer wants any.
pub(crate) fn leftover(component: &str, model: &Storage, data_key_arn: &Attr<String>, place: &Place) -> Result<Option<Node>, Diagnostics> {
    if component != LOG_BUCKET {
        return Ok(None);
    }
    Ok(nodes(model, Some(Preset::Production), data_key_arn, place)?.into_iter().find(|node| node.id.0 == LOG_BUCKET))
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
