//! The test provider as a binary that real Terraform can start.
#![allow(clippy::panic, missing_docs, reason = "it misbehaves on purpose")]

use std::process::ExitCode;

#[path = "../tests/probe/mod.rs"]
#[allow(unreachable_pub)]
mod probe;

fn main() -> ExitCode {
    tf_provider::serve(
        probe::Probe,
        tf_provider::ServeOptions {
            name: "terraform-provider-probe",
            version: env!("CARGO_PKG_VERSION"),
            registry_source: "example/probe",
        },
    )
}
