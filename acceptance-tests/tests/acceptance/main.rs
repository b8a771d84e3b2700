//! Scenarios: real Terraform, the real provider, the sandbox. `cargo xtask test` prepares what they need and runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access_key;
mod auditor;
mod examples;
mod iam_role;
mod iam_user;
mod lifecycle;
mod registry;
mod repair;
mod smoke;
mod stage;
mod staging;
