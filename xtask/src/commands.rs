//! The table of commands.

use std::{fmt::Write, process::ExitCode};

use acceptance_tests::{Failure, Folders};

use crate::{arguments::Arguments, bench, demo, deny, docs, package, prepare, sandbox, simulate, test};

/// One command.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Its options, as the list shows them.
    pub(crate) options: &'static str,
    /// One line.
    pub(crate) summary: &'static str,
    pub(crate) run: fn(&Folders, Arguments) -> Result<ExitCode, Failure>,
}

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        options: "",
        summary: "a whole production environment with real Terraform in the sandbox, and its end",
        run: demo::run,
    },
    Command {
        name: "test",
        options: "[--only NAME] [--seeds N]",
        summary: "everything that CI runs; --only runs the suites whose name contains NAME",
        run: test::run,
    },
    Command {
        name: "sandbox",
        options: "[--port N]",
        summary: "start the emulated AWS and print the environment to work in it",
        run: sandbox::run,
    },
    Command {
        name: "simulate",
        options: "[--seeds N]",
        summary: "the engine under seeded faults; 10000 seeds by default",
        run: simulate::run,
    },
    Command {
        name: "docs",
        options: "[--check]",
        summary: "write the Registry's pages from schemas and examples; --check compares",
        run: docs::run,
    },
    Command { name: "package", options: "[--release]", summary: "this machine's archive, in the Registry's layout", run: package::run },
    Command { name: "deny", options: "", summary: "licences, sources and duplicates of the dependencies", run: deny::run },
    Command {
        name: "bench",
        options: "[--debug]",
        summary: "the release build's figures: start, memory, size, plan, calls of an empty plan",
        run: bench::run,
    },
    Command {
        name: "prepare",
        options: "[--all]",
        summary: "build the provider and install what tests need; --all with the auditor",
        run: prepare::run,
    },
];

/// Every command with one line.
pub(crate) fn list() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        let usage = format!("{} {}", command.name, command.options);
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {usage:<32} {}", command.summary);
    }
    text.push_str("\nBuild output goes to CARGO_TARGET_DIR, else to deeploy/target in the user's cache folder.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_listed_once_with_its_line() {
        let list = list();
        for command in COMMANDS {
            let lines: Vec<&str> = list.lines().filter(|line| line.split_whitespace().next() == Some(command.name)).collect();
            assert_eq!(lines.len(), 1, "{}", command.name);
            assert!(lines.iter().all(|line| line.contains(command.summary) && line.len() <= 140), "{lines:?}");
        }
    }
}
