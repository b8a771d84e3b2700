//! `cargo xtask simulate`: the engine over a simulated cloud, with many more seeds than CI takes.

use std::{
    fs,
    process::{Command, ExitCode},
    time::Instant,
};

use acceptance_tests::{Failure, Folders};

use crate::{
    arguments::Arguments,
    cargo::cargo,
    screen,
    suite::{self, Told},
};

/// The promise: 10,000 seeds in under 10 minutes.
const SEEDS: u64 = 10_000;
/// The name of the log.
const NAME: &str = "simulation";

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let seeds = arguments.number("--seeds")?.unwrap_or(SEEDS);
    arguments.end()?;
    screen::step(format!("simulating {seeds} seeds"));
    let started = Instant::now();
    let count = suite::run(folders, NAME, command(folders, seeds), Told::Libtest)?;
    for line in told(folders)? {
        println!("    {line}");
    }
    screen::step(format!("built and run in {}", screen::seconds(started.elapsed())));
    println!("{} passed, {} failed", count.passed, count.failed);
    Ok(if count.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The simulation of tests/simulate/ with so many seeds.
pub(crate) fn command(folders: &Folders, seeds: u64) -> Command {
    let mut command = cargo(folders, &["test", "--workspace", "--test", "simulate", "--", "--nocapture"]);
    command.env("SIM_SEEDS", seeds.to_string());
    command
}

/// What the simulation itself counted: seeds, violations, how often each fault fired.
fn told(folders: &Folders) -> Result<Vec<String>, Failure> {
    let log = folders.logs().join(format!("{NAME}.log"));
    let text = fs::read_to_string(&log).map_err(|error| Failure::io(format!("reading {}", log.display()), &error))?;
    let lines = text.lines().filter(|line| line.starts_with("simulated ") || line.starts_with("VIOLATION "));
    Ok(lines.map(str::to_owned).collect())
}
