//! `cargo xtask prepare`: everything that tests need and that no test makes.

use std::process::ExitCode;

use acceptance_tests::{Environment, Failure, Folders, Venv, debian};
#[cfg(unix)]
use acceptance_tests::{POSTGRES_VERSIONS, PostgresPrograms};

use crate::{arguments::Arguments, cargo, screen};

/// What `test` needs.
pub(crate) const NEEDED: [Environment; 3] = [Environment::SANDBOX, Environment::TERRAFORM_1_15, Environment::TERRAFORM_1_8];

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let all = arguments.flag("--all");
    arguments.end()?;
    for environment in NEEDED {
        environment_of(folders, environment)?;
    }
    postgres(folders)?;
    if all {
        environment_of(folders, Environment::PROWLER)?;
    }
    programs()?;
    let provider = cargo::build_provider(folders, false)?;
    screen::step(format!("ready: {}", provider.display()));
    Ok(ExitCode::SUCCESS)
}

/// An environment, made with progress if it isn't there.
pub(crate) fn environment_of(folders: &Folders, environment: Environment) -> Result<Venv, Failure> {
    Venv::prepare(folders, environment, &|line| screen::step(line))
}

/// Every PostgreSQL server that scenarios run against; there are none for Windows.
#[cfg(not(unix))]
pub(crate) fn postgres(_: &Folders) -> Result<(), Failure> {
    Ok(())
}

/// Every PostgreSQL server that scenarios run against.
#[cfg(unix)]
pub(crate) fn postgres(folders: &Folders) -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        PostgresPrograms::prepare(folders, version, &|line| screen::step(line))?;
    }
    Ok(())
}

/// Programs that unit tests run: an SSH server and what goes with it.
pub(crate) fn programs() -> Result<(), Failure> {
    debian::prepare(&debian::SSH, &|line| screen::step(line))
}
