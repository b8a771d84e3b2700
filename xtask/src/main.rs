//! Every command that a contributor needs; `cargo xtask` lists them. CI runs the same ones.
//!
//! Knows no AWS crate, so that it builds in seconds. What needs Terraform or the sandbox it does with `acceptance_tests`.
// These commands talk to a person.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod bench;
mod bench_environment;
#[cfg(unix)]
mod bench_rds_user;
mod cargo;
mod commands;
mod demo;
mod deny;
mod docs;
mod package;
mod prepare;
mod sandbox;
mod screen;
mod simulate;
mod suite;
mod test;

use std::process::ExitCode;

use acceptance_tests::Folders;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(name) = words.next().filter(|name| !matches!(name.as_str(), "help" | "--help" | "-h")) else {
        print!("{}", commands::list());
        return ExitCode::SUCCESS;
    };
    let Some(command) = commands::COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("there is no command {name:?}\n\n{}", commands::list());
        return ExitCode::from(2);
    };
    let ran = Folders::find().and_then(|folders| (command.run)(&folders, Arguments::new(command.name, words.collect())));
    match ran {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::FAILURE
        }
    }
}
