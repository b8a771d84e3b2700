//! Cargo, as every command calls it: one profile and one target folder.

use std::{env, path::PathBuf, process::Command};

use acceptance_tests::{Failure, Folders};

/// `cargo ARGUMENTS` in the checkout.
pub(crate) fn cargo(folders: &Folders, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(&folders.root).env("CARGO_TARGET_DIR", &folders.target);
    // Set by `cargo run` for this program, not for what it starts.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// Builds the provider with cargo's own progress, and gives its file.
///
/// Cargo unites the features of what is selected: another selection of packages, or one without dev-dependencies, compiles the AWS SDK
/// again. So every debug build selects the whole workspace and a target that has dev-dependencies, as `cargo test --workspace` does.
pub(crate) fn build_provider(folders: &Folders, release: bool) -> Result<PathBuf, Failure> {
    let arguments: &[&str] = if release {
        &["build", "--release", "--package", "terraform-provider-deeploy", "--bin", "terraform-provider-deeploy"]
    } else {
        &["build", "--workspace", "--bin", "terraform-provider-deeploy", "--example", SCHEMA_JSON]
    };
    let status = cargo(folders, arguments).status().map_err(|error| Failure::io("starting cargo", &error))?;
    if !status.success() {
        return Err(Failure::new("the provider does not build").remedy("cargo's messages stand above"));
    }
    let provider = folders.provider(release);
    if provider.is_file() { Ok(provider) } else { Err(Failure::new(format!("cargo built no {}", provider.display()))) }
}

/// Builds the provider and the program that prints its schemas, and gives that program's file.
pub(crate) fn build_schema_json(folders: &Folders) -> Result<PathBuf, Failure> {
    build_provider(folders, false)?;
    Ok(folders.target.join("debug").join("examples").join(format!("{SCHEMA_JSON}{}", env::consts::EXE_SUFFIX)))
}

const SCHEMA_JSON: &str = "schema_json";
