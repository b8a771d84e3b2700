//! One file a promise.

mod access_key;
mod auditor;
mod chaos_kill;
mod examples;
mod iam_role;
mod iam_user;
mod lifecycle;
mod registry;
mod repair;
mod smoke;
mod stage;
mod staging;
mod world_of_four;
