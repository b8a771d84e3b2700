//! One file a promise.

mod auditor;
mod bad_input;
mod drift;
mod examples;
mod kms_key;
mod kms_key_drift;
mod kms_key_life;
mod lifecycle;
mod registry;
mod s3_bucket;
mod s3_bucket_drift;
mod s3_bucket_life;
mod smoke;
mod stage;
