//! Real Terraform, the real provider, the sandbox. `cargo xtask test` prepares what the scenarios need and runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// `cargo xtask test` picks and leaves out by this module's name.
mod scenarios;
