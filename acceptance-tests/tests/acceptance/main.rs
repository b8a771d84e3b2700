//! Scenarios: real Terraform, the real provider, the sandbox. `cargo xtask test` prepares what they need and runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod auditor;
mod examples;
mod iam_role;
mod lifecycle;
mod registry;
mod repair;
mod smoke;
mod stage;
mod staging;
