//! A general purpose S3 bucket with all its settings.

mod empty;
mod find;
mod lifecycle;
mod update;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership, Tag, Tagging};
use aws_smithy_types::error::operation::BuildError;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::settings;
use crate::{
    aws::{self, Aws, once},
    graph::{Class, Component, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
};

const CREATE: &str = "s3:CreateBucket";
const NO_SUCH_BUCKET: &str = "NoSuchBucket";

/// The region that a bucket is made in without a location; S3 refuses it as a location.
const HOME_REGION: &str = "us-east-1";

/// How often a bucket is emptied anew when something was written between emptying and deleting it.
const DELETE_ATTEMPTS_MAX: usize = 3;

/// How long one delete empties before it lets the engine look at its deadline and at Terraform's interrupt.
const EMPTY_FOR: Duration = Duration::from_secs(60);

/// A bucket.
///
/// Settings: `bucket`, `public_access_block`, `object_ownership`, `versioning` (null: never switched on), `encryption`, `policy`
/// (a document or null), `lifecycle`, `logging` (off: both its fields null); not read back: `force_destroy`.
/// Outputs: `id`, `arn`, `region`, `regional_domain_name`. Its id is its name.
/// Guarantees: every call but the create itself says whose bucket it must be, so that a stranger's bucket of that name is never
/// touched. What others put beside ours stays: their lifecycle rules and tags, and the encryption types that are blocked.
/// Absence is concluded from 404 alone; 403 is asked again with a call that has a body.
/// Assumptions: settings are written one after the other: S3 refuses a second write that runs beside the first.
/// Caveats: where a region refuses tags at creation (`UnsupportedArgument`: some of the newer and isolated ones) the bucket is made
/// without them and tagged at once, in a second call; a crash between the two leaves a bucket that is nobody's. In us-east-1 a
/// create of one's own bucket succeeds; its tags then tell whose it is. A lifecycle rule under our id that somebody changed
/// reads as 0 days, which AWS itself doesn't have. A `delete` empties for a while and then fails as [`Class::Unfinished`]: the
/// next one goes on.
#[derive(Debug)]
pub(super) struct S3Bucket {
    aws: Arc<Aws>,
}

impl S3Bucket {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }
}

/// One bucket and who asks.
#[derive(Clone, Copy, Debug)]
struct Bucket<'a> {
    aws: &'a Aws,
    name: &'a str,
}

#[async_trait]
impl Component for S3Bucket {
    fn kind(&self) -> &'static str {
        "s3_bucket"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "s3:AbortMultipartUpload",
            "s3:CreateBucket",
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:GetBucketLocation",
            "s3:GetBucketLogging",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            // HeadBucket.
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:ListBucketVersions",
            "s3:PutBucketLogging",
            // Also for an ownership in the create.
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
            // Tags in the create.
            "s3:TagResource",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let id = query.id.as_deref().or_else(|| settings::text(&query.settings, "bucket"));
        // Imports may give the ARN.
        match id.map(|id| id.rsplit_once(":::").map_or(id, |(_, name)| name)) {
            Some(name) => Bucket { aws: &self.aws, name }.find().await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let name = settings::required(&wanted.settings, "bucket", CREATE)?;
        let bucket = Bucket { aws: &self.aws, name };
        match bucket.create(wanted, &wanted.tags).await {
            // Refused without effect: not every region takes tags here.
            Err(failure) if failure.code.as_deref() == Some("UnsupportedArgument") => {
                bucket.create(wanted, &BTreeMap::new()).await?;
                bucket.tag(&wanted.tags, &[]).await?;
            }
            made => made?,
        }
        let mut settings = settings::map([("bucket", json!(name))]);
        settings.extend(settings::text(&wanted.settings, "object_ownership").map(|mode| ("object_ownership".to_owned(), json!(mode))));
        Ok(Found { id: name.to_owned(), settings, outputs: bucket.outputs(), tags: wanted.tags.clone(), readiness: Readiness::Ready })
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        Bucket { aws: &self.aws, name: &found.id }.update(&wanted.settings, changed).await
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        Bucket { aws: &self.aws, name: &found.id }.tag(set, remove).await
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        if forced(wanted) {
            return Ok(Vec::new());
        }
        let held = Bucket { aws: &self.aws, name: &found.id }.contents().await?;
        Ok(held
            .map(|what| Guard {
                attribute: "force_destroy".into(),
                reason: format!("the bucket {} holds {what}. Empty it, or set force_destroy = true, apply, then destroy.", found.id),
            })
            .into_iter()
            .collect())
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        const CALL: &str = "s3:DeleteBucket";
        let bucket = Bucket { aws: &self.aws, name: &found.id };
        let deadline = Instant::now() + EMPTY_FOR;
        let mut attempt = 1;
        loop {
            if forced(wanted) && !bucket.empty(deadline).await? {
                return Ok(None);
            }
            let call = self.aws.s3.delete_bucket().bucket(bucket.name).expected_bucket_owner(&self.aws.account_id);
            match call.send().await.map_err(|error| aws::failure(CALL, error)) {
                Ok(_) => return Ok(None),
                Err(failure) if failure.class == Class::NotFound => return Ok(None),
                Err(failure) if forced(wanted) && attempt < DELETE_ATTEMPTS_MAX && failure.code.as_deref() == Some("BucketNotEmpty") => {
                    attempt += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

fn forced(wanted: &Wanted) -> bool {
    wanted.settings.get("force_destroy").and_then(Json::as_bool) == Some(true)
}

impl Bucket<'_> {
    fn outputs(&self) -> settings::Settings {
        settings::map([
            ("id", json!(self.name)),
            ("arn", json!(self.aws.s3_arn(self.name))),
            ("region", json!(self.aws.region)),
            ("regional_domain_name", json!(format!("{}.s3.{}.{}", self.name, self.aws.region, self.aws.dns_suffix))),
        ])
    }

    async fn create(&self, wanted: &Wanted, tags: &BTreeMap<String, String>) -> Result<(), Failure> {
        let location = (self.aws.region != HOME_REGION).then(|| BucketLocationConstraint::from(self.aws.region.as_str()));
        let configuration = (location.is_some() || !tags.is_empty()).then(|| {
            let tags = (!tags.is_empty()).then(|| to_api(tags));
            CreateBucketConfiguration::builder().set_location_constraint(location).set_tags(tags).build()
        });
        let ownership = settings::text(&wanted.settings, "object_ownership").map(ObjectOwnership::from);
        let call = self.aws.s3.create_bucket().bucket(self.name).set_create_bucket_configuration(configuration);
        let call = call.set_object_ownership(ownership).customize().config_override(once::s3());
        let Err(mut failure) = call.send().await.map_err(|error| aws::failure(CREATE, error)) else { return Ok(()) };
        if failure.code.as_deref() == Some("BucketAlreadyExists") {
            failure.attribute = Some("bucket".into());
            failure.message = format!("{} Bucket names are unique among all accounts: choose another.", failure.message);
        }
        Err(failure)
    }

    /// S3 replaces the whole set: what is there is read first. It refuses a set without the `aws:*` tags that AWS itself put there
    /// (InvalidTag, "System tags cannot be removed by requester"), so these go back as they came.
    async fn tag(&self, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        const PUT: &str = "s3:PutBucketTagging";
        let before: BTreeMap<_, _> = self.tags().await?.into_iter().map(|tag| (tag.key, tag.value)).collect();
        let mut after = before.clone();
        after.retain(|key, _| key.starts_with("aws:") || !remove.contains(key));
        after.extend(set.iter().filter(|(key, _)| !key.starts_with("aws:")).map(|(key, value)| (key.clone(), value.clone())));
        if after == before {
            return Ok(());
        }
        if after.is_empty() {
            let call = self.aws.s3.delete_bucket_tagging().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
            return call.send().await.map_err(|error| aws::failure("s3:DeleteBucketTagging", error)).map(drop);
        }
        let tagging = Tagging::builder().set_tag_set(Some(to_api(&after))).build().map_err(|error| unbuilt(PUT, &error))?;
        let call = self.aws.s3.put_bucket_tagging().bucket(self.name).expected_bucket_owner(&self.aws.account_id).tagging(tagging);
        call.send().await.map_err(|error| aws::failure(PUT, error)).map(drop)
    }
}

fn to_api(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    // `build` fails only without key or value, and both are given.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// A request that can't be built: the blueprint left out what it must give.
fn unbuilt(operation: &str, error: &BuildError) -> Failure {
    settings::bug(operation, error.to_string())
}

#[cfg(test)]
mod tests;
