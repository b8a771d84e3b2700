//! Finding a bucket and reading its settings: one call each, all at once.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    operation::{
        get_bucket_encryption::GetBucketEncryptionOutput, get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput,
        get_bucket_logging::GetBucketLoggingOutput, get_bucket_ownership_controls::GetBucketOwnershipControlsOutput,
        get_public_access_block::GetPublicAccessBlockOutput,
    },
    types::Tag,
};
use serde_json::{Value as Json, json};

use super::{Bucket, NO_SUCH_BUCKET, lifecycle};
use crate::{
    aws,
    components::settings,
    graph::{Class, Failure, Found, Readiness},
};

const HEAD: &str = "s3:HeadBucket";

/// `None`: not configured. That the bucket itself is gone stays an error.
fn configured<T>(reply: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match reply {
        Err(failure) if failure.class == Class::NotFound && !is_gone(&failure) => Ok(None),
        reply => reply.map(Some),
    }
}

fn is_gone(failure: &Failure) -> bool {
    failure.code.as_deref() == Some(NO_SUCH_BUCKET)
}

impl Bucket<'_> {
    pub(super) async fn find(self) -> Result<Option<Found>, Failure> {
        if !self.exists().await? {
            return Ok(None);
        }
        match Box::pin(self.read()).await {
            Err(failure) if is_gone(&failure) => Ok(None),
            read => read.map(Some),
        }
    }

    async fn exists(self) -> Result<bool, Failure> {
        let call = self.aws.s3.head_bucket().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        match call.send().await.map_err(|error| aws::failure(HEAD, error)) {
            Ok(reply) => match reply.bucket_region() {
                Some(region) if region != self.aws.region => {
                    let message = format!(
                        "the bucket {} is in {region}, the provider works in {}: set the provider's `region` to it",
                        self.name, self.aws.region
                    );
                    Err(settings::failure(Class::Invalid, HEAD, message))
                }
                _ => Ok(true),
            },
            Err(failure) if failure.class == Class::NotFound => Ok(false),
            Err(failure) if failure.class == Class::Denied => self.explain(failure).await,
            Err(failure) => Err(failure),
        }
    }

    /// A HEAD that is denied has no body, and means any of three things. `GetBucketLocation` has one.
    async fn explain(self, mut denied: Failure) -> Result<bool, Failure> {
        let call = self.aws.s3.get_bucket_location().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        match call.send().await.map_err(|error| aws::failure("s3:GetBucketLocation", error)) {
            Err(failure) if failure.class == Class::NotFound => return Ok(false),
            Err(failure) if failure.class == Class::Denied => {
                denied.message = format!(
                    "the bucket {} exists, but it belongs to another account or the caller may not read it (s3:ListBucket, s3:GetBucketLocation): {}",
                    self.name, failure.message
                );
                denied.code = failure.code;
                denied.request_id = failure.request_id;
                denied.attribute = Some("bucket".into());
            }
            Err(failure) => return Err(failure),
            Ok(_) => denied.message = format!("the bucket {} is ours, but the right s3:ListBucket is missing", self.name),
        }
        Err(denied)
    }

    async fn read(self) -> Result<Found, Failure> {
        let (block, ownership, versioning, encryption, policy, lifecycle, logging, tags) = tokio::try_join!(
            self.public_access_block(),
            self.ownership(),
            self.versioning(),
            self.encryption(),
            self.policy(),
            self.lifecycle(),
            self.logging(),
            self.tags(),
        )?;
        let rules = lifecycle.and_then(|lifecycle| lifecycle.rules).unwrap_or_default();
        let settings = settings::map([
            ("bucket", json!(self.name)),
            ("public_access_block", block_json(block)),
            ("object_ownership", json!(ownership_of(ownership))),
            ("versioning", json!(versioning)),
            ("encryption", encryption.map_or(Json::Null, encryption_json)),
            ("policy", policy),
            ("lifecycle", lifecycle::setting(&rules)),
            ("logging", logging_json(logging)),
        ]);
        let tags: BTreeMap<_, _> = tags.into_iter().map(|tag| (tag.key, tag.value)).filter(|(key, _)| !key.starts_with("aws:")).collect();
        Ok(Found { id: self.name.to_owned(), settings, outputs: self.outputs(), tags, readiness: Readiness::Ready })
    }

    async fn public_access_block(self) -> Result<Option<GetPublicAccessBlockOutput>, Failure> {
        let call = self.aws.s3.get_public_access_block().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        configured(call.send().await.map_err(|error| aws::failure("s3:GetPublicAccessBlock", error)))
    }

    async fn ownership(self) -> Result<Option<GetBucketOwnershipControlsOutput>, Failure> {
        let call = self.aws.s3.get_bucket_ownership_controls().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        configured(call.send().await.map_err(|error| aws::failure("s3:GetBucketOwnershipControls", error)))
    }

    async fn versioning(self) -> Result<Option<String>, Failure> {
        let call = self.aws.s3.get_bucket_versioning().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        let reply = call.send().await.map_err(|error| aws::failure("s3:GetBucketVersioning", error))?;
        Ok(reply.status.map(|status| status.as_str().to_owned()))
    }

    pub(super) async fn encryption(self) -> Result<Option<GetBucketEncryptionOutput>, Failure> {
        let call = self.aws.s3.get_bucket_encryption().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        configured(call.send().await.map_err(|error| aws::failure("s3:GetBucketEncryption", error)))
    }

    async fn policy(self) -> Result<Json, Failure> {
        const CALL: &str = "s3:GetBucketPolicy";
        let call = self.aws.s3.get_bucket_policy().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        let reply = configured(call.send().await.map_err(|error| aws::failure(CALL, error)))?;
        match reply.and_then(|reply| reply.policy) {
            Some(text) => serde_json::from_str(&text).map_err(|error| settings::bug(CALL, format!("the policy is no JSON: {error}"))),
            None => Ok(Json::Null),
        }
    }

    pub(super) async fn lifecycle(self) -> Result<Option<GetBucketLifecycleConfigurationOutput>, Failure> {
        let call = self.aws.s3.get_bucket_lifecycle_configuration().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        configured(call.send().await.map_err(|error| aws::failure("s3:GetBucketLifecycleConfiguration", error)))
    }

    async fn logging(self) -> Result<GetBucketLoggingOutput, Failure> {
        let call = self.aws.s3.get_bucket_logging().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        call.send().await.map_err(|error| aws::failure("s3:GetBucketLogging", error))
    }

    /// Every tag, AWS's own too.
    pub(super) async fn tags(self) -> Result<Vec<Tag>, Failure> {
        let call = self.aws.s3.get_bucket_tagging().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
        let reply = configured(call.send().await.map_err(|error| aws::failure("s3:GetBucketTagging", error)))?;
        Ok(reply.map(|reply| reply.tag_set).unwrap_or_default())
    }
}

/// Without a configuration nothing is blocked.
fn block_json(reply: Option<GetPublicAccessBlockOutput>) -> Json {
    let block = reply.and_then(|reply| reply.public_access_block_configuration);
    let is = |flag: Option<bool>| flag.unwrap_or_default();
    json!({
        "block_public_acls": is(block.as_ref().and_then(|block| block.block_public_acls)),
        "ignore_public_acls": is(block.as_ref().and_then(|block| block.ignore_public_acls)),
        "block_public_policy": is(block.as_ref().and_then(|block| block.block_public_policy)),
        "restrict_public_buckets": is(block.as_ref().and_then(|block| block.restrict_public_buckets)),
    })
}

/// Without a configuration whoever writes an object owns it.
fn ownership_of(reply: Option<GetBucketOwnershipControlsOutput>) -> String {
    let rule = reply.and_then(|reply| reply.ownership_controls).and_then(|controls| controls.rules.into_iter().next());
    rule.map_or_else(|| "ObjectWriter".to_owned(), |rule| rule.object_ownership.as_str().to_owned())
}

fn encryption_json(reply: GetBucketEncryptionOutput) -> Json {
    let rules = reply.server_side_encryption_configuration.map(|configuration| configuration.rules).unwrap_or_default();
    let Some(rule) = rules.into_iter().next() else { return Json::Null };
    let Some(default) = rule.apply_server_side_encryption_by_default else { return Json::Null };
    json!({
        "sse_algorithm": default.sse_algorithm.as_str(),
        "kms_master_key_id": default.kms_master_key_id,
        "bucket_key_enabled": rule.bucket_key_enabled.unwrap_or_default(),
    })
}

/// Without logging both are null, so that "off" can be wanted: a setting that is null as a whole is not compared.
fn logging_json(reply: GetBucketLoggingOutput) -> Json {
    let target = reply.logging_enabled.map(|logging| (logging.target_bucket, logging.target_prefix));
    let (bucket, prefix) = target.unzip();
    json!({"target_bucket": bucket, "target_prefix": prefix})
}
