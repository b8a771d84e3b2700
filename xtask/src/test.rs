//! `cargo xtask test`: every suite that CI runs, in one order, with one count.

use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use acceptance_tests::{Environment, Failure, Folders};

use crate::{
    arguments::Arguments,
    cargo::cargo,
    deny, package, prepare, screen, simulate,
    suite::{self, Count, Told},
};

/// Seeds of the simulation in CI: every scenario over every shape, ten times; `cargo xtask simulate` runs more.
const SEEDS: u64 = 2_000;

/// What a run was asked for.
struct Asked {
    seeds: u64,
}

/// One suite.
struct Suite {
    name: &'static str,
    told: Told,
    command: fn(&Folders, &Asked) -> Result<Command, Failure>,
}

/// From the quickest to the slowest.
const SUITES: &[Suite] = &[
    Suite { name: "fmt", told: Told::ExitCode, command: |folders, _| Ok(cargo(folders, &["fmt", "--all", "--check"])) },
    Suite { name: "deny", told: Told::ExitCode, command: |folders, _| deny_command(folders) },
    Suite {
        name: "clippy",
        told: Told::ExitCode,
        command: |folders, _| Ok(cargo(folders, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    },
    Suite {
        name: "unit and protocol",
        told: Told::Libtest,
        command: |folders, _| {
            prepare::programs()?;
            let mut command = cargo(folders, &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "--"]);
            command.args(["--skip", SCENARIOS, "--skip", SIMULATION]);
            Ok(command)
        },
    },
    Suite { name: "simulation", told: Told::Libtest, command: |folders, asked| Ok(simulate::command(folders, asked.seeds)) },
    Suite { name: "docs of the provider", told: Told::ExitCode, command: |folders, _| docs_check(folders) },
    Suite { name: "docs of the code", told: Told::ExitCode, command: |folders, _| Ok(rustdoc(folders)) },
    Suite { name: "sandbox", told: Told::LastLine, command: sandbox_tests },
    Suite { name: "acceptance", told: Told::Libtest, command: acceptance },
    Suite { name: "auditor", told: Told::Libtest, command: auditor },
];

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let only = arguments.value("--only")?;
    let asked = Asked { seeds: arguments.number("--seeds")?.unwrap_or(SEEDS) };
    arguments.end()?;
    let chosen: Vec<&Suite> = SUITES.iter().filter(|suite| only.as_ref().is_none_or(|name| suite.name.contains(name.as_str()))).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        return Err(Failure::new(format!("no suite is called so; there are: {}", names.join(", "))));
    }
    let started = Instant::now();
    let mut results = Vec::new();
    for (number, suite) in chosen.iter().enumerate() {
        println!("[{}/{}] {}", number + 1, chosen.len(), suite.name);
        let begun = Instant::now();
        let ran = (suite.command)(folders, &asked).and_then(|command| suite::run(folders, suite.name, command, suite.told));
        let count = ran.unwrap_or_else(|failure| {
            println!("{failure}");
            Count::FAILED
        });
        println!("      {}", verdict(&count, &screen::seconds(begun.elapsed())));
        results.push((suite.name, count));
    }
    println!("\n{} in {}", if only.is_some() { "chosen suites" } else { "all suites" }, screen::seconds(started.elapsed()));
    Ok(summary(&results))
}

fn verdict(count: &Count, took: &str) -> String {
    let word = if count.failed == 0 { "ok" } else { "FAILED" };
    format!("{word}: {} passed, {} failed ({took})", count.passed, count.failed)
}

/// Prints the table and, last, the line that CI reads.
fn summary(results: &[(&str, Count)]) -> ExitCode {
    for (name, count) in results {
        println!("  {:<6} {name}: {} passed, {} failed", if count.failed == 0 { "ok" } else { "FAILED" }, count.passed, count.failed);
    }
    let passed: u64 = results.iter().map(|(_, count)| count.passed).sum();
    let failed: u64 = results.iter().map(|(_, count)| count.failed).sum();
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn deny_command(folders: &Folders) -> Result<Command, Failure> {
    println!("      {}", deny::advisories());
    deny::command(folders)
}

fn docs_check(folders: &Folders) -> Result<Command, Failure> {
    let this = env::current_exe().map_err(|error| Failure::io("finding this program", &error))?;
    let mut command = Command::new(this);
    command.args(["docs", "--check"]).current_dir(&folders.root).env("CARGO_TARGET_DIR", &folders.target);
    Ok(command)
}

fn rustdoc(folders: &Folders) -> Command {
    let mut command = cargo(folders, &["doc", "--workspace", "--no-deps", "--lib", "--bins", "--examples"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

fn sandbox_tests(folders: &Folders, _: &Asked) -> Result<Command, Failure> {
    let mut command = Command::new(prepare::environment_of(folders, Environment::SANDBOX)?.python());
    command.args(["-m", "deeploy_sandbox.selftest"]);
    command.current_dir(folders.root.join("acceptance-tests").join("sandbox")).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

fn acceptance(folders: &Folders, _: &Asked) -> Result<Command, Failure> {
    for environment in prepare::NEEDED {
        prepare::environment_of(folders, environment)?;
    }
    prepare::postgres(folders)?;
    let archive = package::make(folders, false)?;
    Ok(scenarios(folders, &archive, &["--skip", AUDITOR]))
}

fn auditor(folders: &Folders, _: &Asked) -> Result<Command, Failure> {
    for environment in [Environment::SANDBOX, Environment::TERRAFORM_1_15, Environment::PROWLER] {
        prepare::environment_of(folders, environment)?;
    }
    let archive = package::make(folders, false)?;
    Ok(scenarios(folders, &archive, &[AUDITOR]))
}

/// The scenarios that need Prowler, which takes three minutes to install.
const AUDITOR: &str = "scenarios::auditor::";
/// The simulation's one test, which has a suite of its own.
const SIMULATION: &str = "simulate";
/// All scenarios: they have suites of their own.
const SCENARIOS: &str = "scenarios::";

fn scenarios(folders: &Folders, archive: &Path, filter: &[&str]) -> Command {
    let mut command = cargo(folders, &["test", "--workspace", "--test", "acceptance", "--no-fail-fast", "--"]);
    command.args(filter).env("DEEPLOY_PROVIDER_BIN", folders.provider(false)).env("DEEPLOY_ARCHIVE", archive);
    command
}
