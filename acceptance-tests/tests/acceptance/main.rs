//! Scenarios: real Terraform, the real provider, the sandbox. `cargo xtask test` prepares what they need and runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod auditor;
mod bad_input;
mod drift;
mod examples;
mod kms_key_drift;
mod lifecycle;
mod registry;
mod s3_bucket_drift;
mod smoke;
mod stage;
