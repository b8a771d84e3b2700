//! One file a promise.

mod auditor;
mod examples;
mod lifecycle;
mod registry;
mod smoke;
mod stage;
