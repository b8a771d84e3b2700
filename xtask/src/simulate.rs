//! `cargo xtask simulate`: the engine over an in-memory cloud, with many more seeds than CI takes.

use std::{process::ExitCode, time::Instant};

use acceptance_tests::{Failure, Folders};

use crate::{
    arguments::Arguments,
    cargo::cargo,
    screen,
    suite::{self, Told},
};

/// The promise: 10,000 seeds in under 10 minutes.
const SEEDS: u64 = 10_000;

/// The variable that the simulation takes its number of seeds from.
pub(crate) const SEEDS_VARIABLE: &str = "DEEPLOY_SIMULATION_SEEDS";

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let seeds = arguments.number("--seeds")?.unwrap_or(SEEDS);
    arguments.end()?;
    screen::step(format!("simulating {seeds} seeds"));
    let mut command =
        cargo(folders, &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "simulation", "--", "--show-output"]);
    command.env(SEEDS_VARIABLE, seeds.to_string());
    let started = Instant::now();
    let count = suite::run(folders, "simulation", command, Told::Libtest)?;
    screen::step(format!("{seeds} seeds in {}, log in {}", screen::seconds(started.elapsed()), folders.logs().display()));
    println!("{} passed, {} failed", count.passed, count.failed);
    Ok(if count.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
