//! The provider's binary: Terraform starts it.

use std::process::ExitCode;

use terraform_provider_deeploy::provider::Deeploy;
use tf_provider::{ServeOptions, serve};

fn main() -> ExitCode {
    let options = ServeOptions { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), registry_source: "deeploy-ml/deeploy" };
    serve(Deeploy::default(), options)
}
