//! `deeploy_s3_bucket`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Timeouts};

use super::{
    checks,
    composite::{Composite, Foretold, Seen, told},
    marks::ClaimMarks,
    plan::UNCLAIMED,
    setting::{document, fixed, input, live, settings, unread},
};
use crate::{
    aws::{Arn, Aws},
    graph::{Blueprint, Input, Known, Meaning, Node, OWNER, Observed, Owner, Settings},
    policies::{Place, bucket_policy, foreign_statements, log_bucket_policy, parse_statements},
};

const BUCKET: &str = "bucket";
const LOGS: &str = "log_bucket";
/// S3's longest bucket name.
const NAME_MAX: usize = 63;

/// Where a bucket's access logs go.
#[derive(Clone, Debug, Model)]
pub(crate) struct AccessLogging {
    /// Whether access is logged.
    #[tf(optional, computed, note(preset = "s3_bucket.access_logging.enabled", change = "live", controls = "S3.9"))]
    pub enabled: Attr<bool>,
    /// An existing bucket that takes the logs (its policy must admit `logging.s3.amazonaws.com`). By default the resource makes one,
    /// named like the bucket with `-logs` at its end, that holds logs and nothing else.
    #[tf(optional, validate(checks::bucket_name()), note(change = "live"))]
    pub bucket: Attr<String>,
}

/// A private S3 bucket for model artefacts: versioned, encrypted with your key, closed to the public and to connections without TLS 1.2.
#[derive(Clone, Debug, Model)]
pub(crate) struct S3Bucket {
    /// Name of the bucket, unique over all of AWS.
    #[tf(required, replace, validate(checks::bucket_name()), note(change = "replace"))]
    pub bucket: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// ARN of the KMS key that objects are encrypted with, by a bucket key. Without it the AWS-managed key is used (S3.17 is then waived).
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live", controls = "S3.17"))]
    pub kms_key_arn: Attr<String>,
    /// Whether overwritten and deleted objects are kept as older versions.
    #[tf(optional, computed, note(preset = "s3_bucket.versioning", change = "live", controls = "S3.14"))]
    pub versioning: Attr<bool>,
    /// Whether destroying the resource deletes the objects too, all their versions and the access logs included. Without it a destroy is
    /// refused while there is anything in the bucket or in its log bucket: logs arrive for hours after the last access.
    #[tf(optional, computed, note(preset = "s3_bucket.force_destroy", change = "live"))]
    pub force_destroy: Attr<bool>,
    /// Days after which older versions are deleted.
    #[tf(
        optional,
        computed,
        validate(checks::between(1, 2_147_483_647)),
        note(preset = "s3_bucket.noncurrent_version_expiration_days", change = "live", controls = "S3.10")
    )]
    pub noncurrent_version_expiration_days: Attr<i64>,
    /// Days after which the parts of an unfinished upload are deleted.
    #[tf(
        optional,
        computed,
        validate(checks::between(1, 2_147_483_647)),
        note(preset = "s3_bucket.abort_incomplete_multipart_upload_days", change = "live", controls = "S3.13")
    )]
    pub abort_incomplete_multipart_upload_days: Attr<i64>,
    /// Access logs.
    #[tf(optional, computed)]
    pub access_logging: Attr<AccessLogging>,
    /// JSON of statements that are added to the bucket policy: one, a list, or a policy document.
    #[tf(optional, validate(checks::statements()), note(change = "live"))]
    pub policy_statements: Attr<String>,
    /// Tags of the bucket, beside the provider's `default_tags`.
    #[tf(optional, validate(checks::tags()), note(change = "live"))]
    pub tags: Attr<BTreeMap<String, Attr<String>>>,
    /// How long each operation may take.
    #[tf(optional)]
    pub timeouts: Attr<Timeouts>,
    /// The bucket's name.
    #[tf(computed)]
    pub id: Attr<String>,
    /// The bucket's ARN.
    #[tf(computed)]
    pub arn: Attr<String>,
    /// The bucket's host name in its region.
    #[tf(computed)]
    pub regional_domain_name: Attr<String>,
    /// Name of the bucket that the resource made for the access logs. It stays when `access_logging` is switched off, and goes with the resource.
    #[tf(computed)]
    pub log_bucket: Attr<String>,
    /// The bucket policy, JSON.
    #[tf(computed)]
    pub policy: Attr<String>,
    /// All tags of the bucket: `tags` and the provider's `default_tags`.
    #[tf(computed)]
    pub tags_all: Attr<BTreeMap<String, Attr<String>>>,
    /// `ready`; `incomplete` after a failed or interrupted create; `unclaimed` after an import, until the next apply; `vanished` when the
    /// bucket was deleted outside of Terraform.
    #[tf(computed)]
    pub status: Attr<String>,
    /// Components that differ from what they should be: component to names of settings. The next apply repairs them.
    #[tf(computed)]
    pub drift: Attr<BTreeMap<String, Attr<Vec<Attr<String>>>>>,
    /// The marks by which the provider knows the bucket as this resource's.
    #[tf(computed)]
    pub claim: Attr<ClaimMarks>,
}

/// [`Composite`] of `deeploy_s3_bucket`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = S3Bucket;
    type Facts = ();
    const TYPE: &'static str = "deeploy_s3_bucket";
    const OUTPUTS: &'static [(&'static str, &'static str)] =
        &[("id", BUCKET), ("arn", BUCKET), ("regional_domain_name", BUCKET), ("log_bucket", LOGS), ("policy", BUCKET)];
    const IMPORT_IDS: &'static str = "a bucket's name or ARN";

    fn check(model: &S3Bucket) -> Diagnostics {
        check_logging(&model.bucket, &model.access_logging, &Path::root())
    }

    fn check_in(model: &S3Bucket, place: &Place) -> Diagnostics {
        let Attr::Known(arn) = &model.kms_key_arn else { return Vec::new() };
        let path = Path::of("kms_key_arn");
        // S3 encrypts with keys of the bucket's own region only.
        let problem = checks::of_partition(path.clone(), arn, place).or_else(|| checks::of_region(path, arn, place));
        problem.into_iter().collect()
    }

    fn derive(model: &mut S3Bucket, _written: &S3Bucket, prior: Option<&S3Bucket>, _facts: Option<&()>) {
        // Logs that were taken outlive the taking: the bucket stays, and stays ours, until the resource goes.
        if let Some(before) = prior.map(|prior| prior.log_bucket.clone()).filter(|before| before.known().is_some()) {
            model.log_bucket = before;
        }
    }

    fn blueprint(model: &S3Bucket, place: &Place) -> Result<Blueprint, Diagnostics> {
        let mut bucket = common(model);
        bucket.extend(settings([
            ("bucket", fixed(input(&model.bucket))),
            ("encryption", live(encryption(&model.kms_key_arn)).shown()),
            ("policy", live(policy(model, place)).meaning(Meaning::Policy)),
            // The bucket is the claim and so made first; its logs can only be sent on their way when the log bucket is there.
            ("logging", live(logging(model)).shown().sealed()),
        ]));
        let mut nodes = vec![Node::new(BUCKET, "s3_bucket", bucket).claim().stateful()];
        if let Some(name) = model.bucket.known().filter(|_| own_logs(&model.access_logging) || model.log_bucket.known().is_some()) {
            let mut logs = common(model);
            logs.extend(settings([
                ("bucket", fixed(Input::Known(json!(log_name(name))))),
                // The logging service writes with SSE-S3 only.
                (
                    "encryption",
                    live(Input::Known(json!({ "sse_algorithm": "AES256", "kms_master_key_id": null, "bucket_key_enabled": false }))),
                ),
                ("policy", live(Input::Known(log_bucket_policy(place, &log_name(name), name))).meaning(Meaning::Policy)),
                ("logging", live(Input::Known(no_logging()))),
            ]));
            // The attributes show the bucket's own settings, so those of the log bucket have no other place than `drift`.
            logs.values_mut().for_each(|setting| setting.shown = false);
            nodes.push(Node::new(LOGS, "s3_bucket", logs).stateful());
        }
        let owner = Owner { resource: Kind::TYPE.to_owned(), name: model.bucket.known().cloned().unwrap_or_default() };
        Ok(Blueprint::of(owner, nodes))
    }

    fn known(state: &S3Bucket) -> Known {
        state.id.known().map(|id| (BUCKET.into(), id.clone())).into_iter().collect()
    }

    fn foretell(model: &S3Bucket, place: &Place) -> Foretold {
        let name = &model.bucket;
        let logging = model.access_logging.known();
        let undecided = model.access_logging.is_unknown() || logging.is_some_and(|it| it.enabled.is_unknown() || it.bucket.is_unknown());
        let log_bucket = match (&model.log_bucket, undecided) {
            (Attr::Known(before), _) => Attr::Known(before.clone()),
            (_, true) => Attr::Unknown,
            (_, false) if own_logs(&model.access_logging) => name.clone().map(|name| log_name(&name)),
            (_, false) => Attr::Null,
        };
        told([
            ("id", name.clone()),
            ("arn", name.clone().map(|name| place.bucket(&name))),
            ("regional_domain_name", name.clone().map(|name| format!("{name}.s3.{}.{}", place.region, place.dns_suffix))),
            ("log_bucket", log_bucket),
            ("policy", document(&policy(model, place))),
        ])
    }

    fn outputs(model: &mut S3Bucket, seen: &Observed) {
        model.id = Seen(seen).output(BUCKET, "id");
        model.arn = Seen(seen).output(BUCKET, "arn");
        model.regional_domain_name = Seen(seen).output(BUCKET, "regional_domain_name");
        model.log_bucket = Seen(seen).output(LOGS, "id");
    }

    fn live_policy(seen: &Observed) -> Option<Json> {
        Seen(seen).setting(BUCKET, "policy")
    }

    fn refresh(model: &mut S3Bucket, seen: &Observed) {
        if let Some(state) = Seen(seen).setting(BUCKET, "versioning") {
            model.versioning = Attr::Known(state.as_str() == Some("Enabled"));
        }
        if let Some(encryption) = Seen(seen).setting(BUCKET, "encryption") {
            let key = encryption.get("kms_master_key_id").and_then(Json::as_str);
            model.kms_key_arn = key.map(str::to_owned).into();
        }
        refresh_expiration("noncurrent_version_expiration_days", &mut model.noncurrent_version_expiration_days, seen);
        refresh_expiration("abort_incomplete_multipart_upload_days", &mut model.abort_incomplete_multipart_upload_days, seen);
        refresh_logging(&model.bucket, &mut model.access_logging, seen);
    }

    fn adopt(model: &mut S3Bucket, seen: &Observed) {
        // Logs that go to a bucket which isn't ours go on there: the log bucket of that name stays its owner's.
        let ours = seen.found.get(&LOGS.into()).is_some_and(|logs| logs.tags.contains_key(OWNER));
        let target =
            Seen(seen).setting(BUCKET, "logging").and_then(|live| live.get("target_bucket").and_then(Json::as_str).map(str::to_owned));
        if let (Attr::Known(logging), Some(target), false) = (&mut model.access_logging, target, ours) {
            logging.bucket = Attr::Known(target);
        }
        let foreign = Self::live_policy(seen).map(|policy| foreign_statements(&policy)).unwrap_or_default();
        model.policy_statements = if foreign.is_empty() { Attr::Null } else { Attr::Known(Json::Array(foreign).to_string()) };
    }

    fn warnings(planned: &S3Bucket, prior: Option<&S3Bucket>, _facts: Option<&()>) -> Diagnostics {
        let imported = prior.filter(|prior| prior.status.as_str() == Some(UNCLAIMED) && prior.noncurrent_version_expiration_days.is_null());
        match (imported, &planned.noncurrent_version_expiration_days) {
            (Some(_), Attr::Known(days)) => vec![Diagnostic::warning(
                Path::of("noncurrent_version_expiration_days"),
                format!("Older versions of objects will be deleted after {days} days"),
                "The bucket kept them without end. AWS deletes what is older within a day or two of the apply: copy what you need first, or set a longer time.",
            )],
            _ => Vec::new(),
        }
    }

    async fn import(model: &mut S3Bucket, id: &str, _aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        let name = Arn::parse(id).ok().filter(|arn| arn.service == "s3").map_or_else(|| id.to_owned(), |arn| arn.resource);
        // Names of old buckets may have more characters than new ones, but none that would make another request of it.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            let detail = format!("{id:?} is neither a bucket's name nor a bucket's ARN (arn:PARTITION:s3:::BUCKET).");
            return Err(vec![Diagnostic::error(Path::root(), "Not an import id", detail)]);
        }
        model.id = Attr::Known(name.clone());
        model.bucket = Attr::Known(name);
        Ok(())
    }
}

fn log_name(bucket: &str) -> String {
    format!("{bucket}-logs")
}

/// Whether the resource makes the bucket that the logs go to.
fn own_logs(logging: &Attr<AccessLogging>) -> bool {
    logging.known().is_some_and(|logging| logging.enabled.known() == Some(&true) && logging.bucket.is_null())
}

/// Where a bucket's logs can't go. `at`: what holds `bucket` and `access_logging`.
pub(crate) fn check_logging(bucket: &Attr<String>, access_logging: &Attr<AccessLogging>, at: &Path) -> Diagnostics {
    let (Some(name), Some(logging)) = (bucket.known(), access_logging.known()) else { return Vec::new() };
    if logging.bucket.known() == Some(name) {
        let cause = "Each log would be logged again, without end. Name another bucket, or none: the resource then makes one.";
        let path = at.attribute("access_logging").attribute("bucket");
        return vec![Diagnostic::error(path, "A bucket that logs into itself", cause)];
    }
    if own_logs(access_logging) && log_name(name).len() > NAME_MAX {
        let cause = format!(
            "{:?} is longer than the {NAME_MAX} characters of S3. Shorten `bucket`, or name a bucket for the logs.",
            log_name(name)
        );
        return vec![Diagnostic::error(at.attribute("bucket"), "The log bucket's name would be too long", cause)];
    }
    Vec::new()
}

/// What the bucket and the bucket of its logs have alike.
fn common(model: &S3Bucket) -> Settings {
    let closed =
        json!({ "block_public_acls": true, "ignore_public_acls": true, "block_public_policy": true, "restrict_public_buckets": true });
    let versioning = match &model.versioning {
        Attr::Known(true) => Input::Known(json!("Enabled")),
        Attr::Known(false) => Input::Known(json!("Suspended")),
        Attr::Null => Input::Known(Json::Null),
        Attr::Unknown => Input::Unknown,
    };
    settings([
        ("public_access_block", live(Input::Known(closed))),
        ("object_ownership", live(Input::Known(json!("BucketOwnerEnforced")))),
        ("versioning", live(versioning).shown()),
        ("lifecycle", live(lifecycle(model)).shown()),
        ("force_destroy", unread(input(&model.force_destroy))),
    ])
}

fn lifecycle(model: &S3Bucket) -> Input {
    match (input(&model.noncurrent_version_expiration_days), input(&model.abort_incomplete_multipart_upload_days)) {
        (Input::Known(noncurrent), Input::Known(abort)) => {
            Input::Known(json!({ "noncurrent_version_expiration_days": noncurrent, "abort_incomplete_multipart_upload_days": abort }))
        }
        _ => Input::Unknown,
    }
}

fn encryption(key: &Attr<String>) -> Input {
    let key = match key {
        Attr::Unknown => return Input::Unknown,
        Attr::Null => Json::Null,
        Attr::Known(arn) => json!(arn),
    };
    Input::from(json!({ "sse_algorithm": "aws:kms", "kms_master_key_id": key, "bucket_key_enabled": true }))
}

fn policy(model: &S3Bucket, place: &Place) -> Input {
    let Attr::Known(name) = &model.bucket else { return Input::Unknown };
    let more = match &model.policy_statements {
        Attr::Unknown => return Input::Unknown,
        Attr::Null => Vec::new(),
        Attr::Known(text) => match parse_statements(text) {
            Ok(statements) => statements,
            // Its validator refuses such a text. Should one get here, no policy is better than one without the user's denials.
            Err(_) => return Input::Unknown,
        },
    };
    Input::Known(bucket_policy(place, name, &more))
}

/// Switched off: null as a whole would mean that nobody minds.
fn no_logging() -> Json {
    json!({ "target_bucket": null, "target_prefix": null })
}

fn logging(model: &S3Bucket) -> Input {
    let (Attr::Known(name), Attr::Known(logging)) = (&model.bucket, &model.access_logging) else { return Input::Unknown };
    let target = match (&logging.enabled, &logging.bucket) {
        // Null as a whole would not be compared: logging could never be switched off.
        (Attr::Known(false) | Attr::Null, _) => return Input::Known(json!({ "target_bucket": null, "target_prefix": null })),
        (Attr::Unknown, _) | (_, Attr::Unknown) => return Input::Unknown,
        (_, Attr::Known(bucket)) => bucket.clone(),
        (_, Attr::Null) => log_name(name),
    };
    Input::Known(json!({ "target_bucket": target, "target_prefix": format!("{name}/") }))
}

/// Days of the bucket's own lifecycle rules, as S3 tells them.
pub(crate) fn refresh_expiration(rule: &str, days: &mut Attr<i64>, seen: &Observed) {
    if let Some(rules) = Seen(seen).setting(BUCKET, "lifecycle") {
        *days = Attr::from(rules.get(rule).and_then(Json::as_i64));
    }
}

/// Where the bucket's logs go, as S3 tells it.
pub(crate) fn refresh_logging(bucket: &Attr<String>, access_logging: &mut Attr<AccessLogging>, seen: &Observed) {
    let Some(live) = Seen(seen).setting(BUCKET, "logging") else { return };
    let (Attr::Known(name), Attr::Known(logging)) = (bucket, access_logging) else { return };
    let target = live.get("target_bucket").and_then(Json::as_str);
    logging.enabled = Attr::Known(target.is_some());
    if let Some(target) = target {
        logging.bucket = if target == log_name(name) && logging.bucket.is_null() { Attr::Null } else { Attr::Known(target.to_owned()) };
    }
}
