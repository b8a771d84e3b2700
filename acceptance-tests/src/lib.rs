//! What scenarios (`tests/acceptance/`) and `xtask` share: real Terraform, the real provider, the sandbox.
//!
//! - [`Folders`], [`Venv`]: where things are, and the Python environments that the sandbox and the embedded Terraforms live in
//! - [`Sandbox`]: the emulator's process; [`World`]: one AWS account in it, with its calls, objects and faults, and calls of one's own (`World::kms` …)
//! - [`Terraform`]: one working folder and one Terraform CLI
//! - [`Postgres`]: a real PostgreSQL server dressed as RDS
//! - [`check`]: what every scenario asserts
//! - [`debian`]: programs that tests run, installed on CI
//!
//! It knows no resource: scenarios do.

pub mod check;
pub mod debian;
mod failure;
mod folders;
mod hand;
#[cfg(unix)]
mod postgres;
mod prerequisites;
mod process;
mod sandbox;
mod terraform;
mod venv;
mod world;

pub use failure::Failure;
pub use folders::{Folders, platform};
#[cfg(unix)]
pub use postgres::{Iam, Login, POSTGRES_VERSIONS, Postgres, PostgresPrograms, PostgresVersion, Rows, Tls};
pub use prerequisites::{Prerequisites, Release, embedded, on_path};
pub use process::{Finished, run_bounded};
pub use sandbox::Sandbox;
pub use terraform::{Cli, Held, Terraform, write_overrides};
pub use venv::{ENVIRONMENTS, Environment, Venv, base_python};
pub use world::World;
