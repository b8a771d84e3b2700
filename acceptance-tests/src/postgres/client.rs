//! Statements by `psql`: a client that shares nothing with the provider's.

use std::{env, path::Path, process::Command, time::Duration};

use crate::{Failure, run_bounded};

use super::Postgres;

/// One statement of a test.
const STATEMENT_MAX: Duration = Duration::from_secs(60);

/// Rows of columns as text; `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// Who connects by TCP, and how.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The role.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
    /// The channel.
    pub tls: Tls<'a>,
}

/// A client's wish for the channel.
#[derive(Clone, Copy, Debug)]
pub enum Tls<'a> {
    /// verify-full against this file of authorities.
    Verified(&'a Path),
    /// TLS without a look at the certificate.
    Unverified,
    /// Plain TCP.
    Off,
}

// What no value of a test contains.
const COLUMN: char = '\u{1f}';
const ROW: char = '\u{1e}';
const NULL: &str = "\u{1}";

/// As rdsadmin over the socket; unlogged, so that the log tells only of others.
pub(super) fn local(psql: &Path, socket: &Path, port: u16, database: &str, sql: &str) -> Result<Rows, Failure> {
    let mut command = command(psql, port, database, sql);
    command.env("PGHOST", socket).env("PGUSER", "rdsadmin").env("PGOPTIONS", "-c log_statement=none -c log_min_error_statement=panic");
    rows(&mut command)
}

/// As somebody by TCP.
pub(super) fn remote(psql: &Path, server: &Postgres, login: &Login<'_>, database: &str, sql: &str) -> Result<Rows, Failure> {
    let mut command = command(psql, server.port(), database, sql);
    command
        .env("PGHOST", server.host())
        .env("PGHOSTADDR", server.address().to_string())
        .env("PGUSER", login.user)
        .env("PGPASSWORD", login.password);
    match login.tls {
        Tls::Verified(authorities) => command.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", authorities),
        Tls::Unverified => command.env("PGSSLMODE", "require"),
        Tls::Off => command.env("PGSSLMODE", "disable"),
    };
    rows(&mut command)
}

fn command(psql: &Path, port: u16, database: &str, sql: &str) -> Command {
    let mut command = Command::new(psql);
    // A person's PG* variables, password file and psqlrc are no part of a test.
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", "/nonexistent").env("PGCLIENTENCODING", "UTF8");
    command.env("PGPORT", port.to_string()).env("PGDATABASE", database).env("PGCONNECT_TIMEOUT", "20").env("PGAPPNAME", "acceptance-tests");
    command.args(["-X", "-q", "-w", "-A", "-t", "-v", "VERBOSITY=verbose", "-v", "ON_ERROR_STOP=1", "-P", &format!("null={NULL}")]);
    command.args(["-F", &COLUMN.to_string(), "-R", &ROW.to_string(), "-c", sql]);
    command
}

fn rows(command: &mut Command) -> Result<Rows, Failure> {
    let ran = run_bounded(command, STATEMENT_MAX)?;
    if ran.code != Some(0) {
        return Err(Failure::new(ran.stderr.trim()));
    }
    Ok(table(&ran.stdout))
}

fn table(output: &str) -> Rows {
    let Some(rows) = output.strip_suffix('\n') else { return Rows::new() };
    let cell = |text: &str| if text == NULL { None } else { Some(text.to_owned()) };
    rows.split(ROW).map(|row| row.split(COLUMN).map(cell).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_empty_and_none_are_three_things() {
        assert_eq!(table(""), Rows::new());
        assert_eq!(table("\n"), vec![vec![Some(String::new())]]);
        assert_eq!(
            table("\u{1}\u{1f}a\nb\u{1e}\u{1f}c\n"),
            vec![vec![None, Some("a\nb".into())], vec![Some(String::new()), Some("c".into())]]
        );
    }
}
