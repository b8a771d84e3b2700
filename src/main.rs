//! The plugin that Terraform starts.

use std::process::ExitCode;

use terraform_provider_deeploy::provider::Deeploy;
use tf_provider::{ServeOptions, serve};

fn main() -> ExitCode {
    serve(
        Deeploy::default(),
        ServeOptions { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), registry_source: "deeploy-ml/deeploy" },
    )
}
