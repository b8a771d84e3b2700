//! One file a promise.

mod access_key;
mod auditor;
mod bad_input;
mod canary;
mod chaos_failure;
mod chaos_interrupt;
mod chaos_kill;
mod drift;
mod examples;
mod iam_role;
mod iam_user;
mod kms_key;
mod kms_key_drift;
mod kms_key_life;
mod lifecycle;
mod ownership;
mod registry;
mod repair;
mod s3_bucket;
mod s3_bucket_drift;
mod s3_bucket_life;
mod smoke;
mod stage;
mod staging;
mod world_of_four;
