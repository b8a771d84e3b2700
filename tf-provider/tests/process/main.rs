//! The probe provider as a process: handshake, channel, signals, end; and driven by a real Terraform, if there is one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod channel;
mod signals;
mod started;
mod terraform;
