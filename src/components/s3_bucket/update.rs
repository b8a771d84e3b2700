//! Writing a bucket's settings, one after the other.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLoggingStatus, BucketVersioningStatus, LoggingEnabled, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use serde_json::Value as Json;

use super::{Bucket, lifecycle, unbuilt};
use crate::{aws, components::settings::Settings, graph::Failure};

impl Bucket<'_> {
    /// The order matters: what keeps the public out comes first, and the policy last, since it may shut the caller out of the rest.
    pub(super) async fn update(self, wanted: &Settings, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let of = |name: &str| changed.contains(name).then(|| wanted.get(name).unwrap_or(&Json::Null));
        // Null: AWS's own default, so whatever there is stays.
        let given = |name: &str| of(name).filter(|value| !value.is_null());
        if let Some(mode) = given("object_ownership") {
            self.put_ownership(mode).await?;
        }
        if let Some(block) = given("public_access_block") {
            self.put_public_access_block(block).await?;
        }
        if let Some(encryption) = given("encryption") {
            self.put_encryption(encryption).await?;
        }
        if let Some(status) = given("versioning") {
            self.put_versioning(status).await?;
        }
        if let Some(lifecycle) = given("lifecycle") {
            self.put_lifecycle(lifecycle).await?;
        }
        if let Some(logging) = given("logging") {
            self.put_logging(logging).await?;
        }
        // Here null means none.
        if let Some(policy) = of("policy") {
            self.put_policy(policy).await?;
        }
        Ok(())
    }

    async fn put_ownership(self, mode: &Json) -> Result<(), Failure> {
        const CALL: &str = "s3:PutBucketOwnershipControls";
        let rule = OwnershipControlsRule::builder().set_object_ownership(mode.as_str().map(ObjectOwnership::from)).build();
        let rule = rule.map_err(|error| unbuilt(CALL, &error))?;
        let controls = OwnershipControls::builder().rules(rule).build().map_err(|error| unbuilt(CALL, &error))?;
        let call = self.aws.s3.put_bucket_ownership_controls().bucket(self.name).ownership_controls(controls);
        call.expected_bucket_owner(&self.aws.account_id).send().await.map_err(|error| aws::failure(CALL, error)).map(drop)
    }

    async fn put_public_access_block(self, block: &Json) -> Result<(), Failure> {
        let flag = |name: &str| block.get(name).and_then(Json::as_bool);
        let configuration = PublicAccessBlockConfiguration::builder()
            .set_block_public_acls(flag("block_public_acls"))
            .set_ignore_public_acls(flag("ignore_public_acls"))
            .set_block_public_policy(flag("block_public_policy"))
            .set_restrict_public_buckets(flag("restrict_public_buckets"))
            .build();
        let call = self.aws.s3.put_public_access_block().bucket(self.name).public_access_block_configuration(configuration);
        let reply = call.expected_bucket_owner(&self.aws.account_id).send().await;
        reply.map_err(|error| aws::failure("s3:PutPublicAccessBlock", error)).map(drop)
    }

    /// Replaces the whole configuration; the encryption types that are blocked are nobody's setting of ours and stay.
    async fn put_encryption(self, encryption: &Json) -> Result<(), Failure> {
        const CALL: &str = "s3:PutBucketEncryption";
        let live = self.encryption().await?.and_then(|reply| reply.server_side_encryption_configuration);
        let blocked = live.and_then(|live| live.rules.into_iter().next()).and_then(|rule| rule.blocked_encryption_types);
        let text = |name: &str| encryption.get(name).and_then(Json::as_str);
        let default = ServerSideEncryptionByDefault::builder()
            .set_sse_algorithm(text("sse_algorithm").map(ServerSideEncryption::from))
            .set_kms_master_key_id(text("kms_master_key_id").map(str::to_owned))
            .build()
            .map_err(|error| unbuilt(CALL, &error))?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .set_bucket_key_enabled(encryption.get("bucket_key_enabled").and_then(Json::as_bool))
            .set_blocked_encryption_types(blocked)
            .build();
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(|error| unbuilt(CALL, &error))?;
        let call = self.aws.s3.put_bucket_encryption().bucket(self.name).server_side_encryption_configuration(configuration);
        call.expected_bucket_owner(&self.aws.account_id).send().await.map_err(|error| aws::failure(CALL, error)).map(drop)
    }

    async fn put_versioning(self, status: &Json) -> Result<(), Failure> {
        let status = status.as_str().map(BucketVersioningStatus::from);
        let configuration = VersioningConfiguration::builder().set_status(status).build();
        let call = self.aws.s3.put_bucket_versioning().bucket(self.name).versioning_configuration(configuration);
        let reply = call.expected_bucket_owner(&self.aws.account_id).send().await;
        reply.map_err(|error| aws::failure("s3:PutBucketVersioning", error)).map(drop)
    }

    /// Replaces all rules at once: those of others are read and put back.
    async fn put_lifecycle(self, wanted: &Json) -> Result<(), Failure> {
        const CALL: &str = "s3:PutBucketLifecycleConfiguration";
        let (rules, minimum) = self
            .lifecycle()
            .await?
            .map(|live| (live.rules.unwrap_or_default(), live.transition_default_minimum_object_size))
            .unwrap_or_default();
        let rules = lifecycle::merge(rules, wanted).map_err(|error| unbuilt(CALL, &error))?;
        if rules.is_empty() {
            let call = self.aws.s3.delete_bucket_lifecycle().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
            return call.send().await.map_err(|error| aws::failure("s3:DeleteBucketLifecycle", error)).map(drop);
        }
        let configuration =
            BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().map_err(|error| unbuilt(CALL, &error))?;
        let call = self.aws.s3.put_bucket_lifecycle_configuration().bucket(self.name).lifecycle_configuration(configuration);
        let call = call.set_transition_default_minimum_object_size(minimum).expected_bucket_owner(&self.aws.account_id);
        call.send().await.map_err(|error| aws::failure(CALL, error)).map(drop)
    }

    async fn put_logging(self, logging: &Json) -> Result<(), Failure> {
        const CALL: &str = "s3:PutBucketLogging";
        let text = |name: &str| logging.get(name).and_then(Json::as_str).map(str::to_owned);
        let enabled = if text("target_bucket").is_none() {
            None
        } else {
            let target = LoggingEnabled::builder().set_target_bucket(text("target_bucket"));
            // S3 wants the prefix to be there, if only empty.
            let target = target.target_prefix(text("target_prefix").unwrap_or_default()).build();
            Some(target.map_err(|error| unbuilt(CALL, &error))?)
        };
        let status = BucketLoggingStatus::builder().set_logging_enabled(enabled).build();
        let call = self.aws.s3.put_bucket_logging().bucket(self.name).bucket_logging_status(status);
        call.expected_bucket_owner(&self.aws.account_id).send().await.map_err(|error| aws::failure(CALL, error)).map(drop)
    }

    async fn put_policy(self, policy: &Json) -> Result<(), Failure> {
        if policy.is_null() {
            let call = self.aws.s3.delete_bucket_policy().bucket(self.name).expected_bucket_owner(&self.aws.account_id);
            return call.send().await.map_err(|error| aws::failure("s3:DeleteBucketPolicy", error)).map(drop);
        }
        let call = self.aws.s3.put_bucket_policy().bucket(self.name).policy(policy.to_string());
        let reply = call.expected_bucket_owner(&self.aws.account_id).send().await;
        reply.map_err(|error| aws::failure("s3:PutBucketPolicy", error)).map(drop)
    }
}
