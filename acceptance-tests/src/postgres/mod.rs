//! A real PostgreSQL server dressed as RDS: its roles, its master user, TLS only, a certificate of an own authority.
//!
//! What it cannot show: RDS's own parameters (`rds.*` are names without effect, but for `rds.force_ssl`, which pg_hba.conf enforces), IAM
//! tokens (members of rds_iam are refused), RDS's extension `rds_tools`, and what RDS changed in PostgreSQL's rules for CREATEROLE.

mod client;
mod programs;
mod server;
mod template;

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher, Hasher},
    net::TcpListener,
    path::PathBuf,
};

use tempfile::TempDir;

use crate::{Failure, Folders};

pub use client::{Login, Rows, Tls};
pub use programs::{POSTGRES_VERSIONS, PostgresPrograms, PostgresVersion};
use server::{Server, User};
use template::Template;

/// The master user's name, as the provider's presets have it.
const ADMIN: &str = "deeploy_admin";
/// Between finding a free port and taking it, another process may have taken it.
const STARTS_MAX: u32 = 3;

/// A server with a data folder of its own; dropping it ends the server and removes the folder.
#[derive(Debug)]
pub struct Postgres {
    programs: PostgresPrograms,
    user: User,
    /// First of the two: the server ends before its folder goes.
    server: Option<Server>,
    folder: TempDir,
    port: u16,
    authority: PathBuf,
    admin_password: String,
}

impl Postgres {
    /// A new server on a free port of 127.0.0.1. It is as RDS leaves a new instance: the databases `postgres`, `rdsadmin`, the templates.
    ///
    /// # Errors
    /// When its programs are not installed, with the command that installs them; when it does not start, with its log.
    pub fn start(folders: &Folders, version: PostgresVersion) -> Result<Self, Failure> {
        let programs = PostgresPrograms::find(folders, version)?;
        let user = User::find()?;
        let template = Template::prepare(folders, &programs, user, ADMIN)?;
        let folder = tempfile::Builder::new().prefix("deeploy-pg-").tempdir();
        let folder = folder.map_err(|error| Failure::io("making a temporary folder", &error))?;
        user.give(folder.path())?;
        template.copy(user, &folder.path().join("data"))?;
        let authority = template.authority();
        let mut postgres = Self { programs, user, server: None, folder, port: 0, authority, admin_password: String::new() };
        postgres.start_on_a_free_port()?;
        postgres.set_admin_password(&new_password())?;
        Ok(postgres)
    }

    fn start_on_a_free_port(&mut self) -> Result<(), Failure> {
        let mut tries = 1;
        loop {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            self.port = free.map_err(|error| Failure::io("finding a free port", &error))?.port();
            match self.start_again() {
                Err(_) if tries < STARTS_MAX => tries += 1,
                done => return done,
            }
        }
    }

    /// A name of it that its certificate is good for.
    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that signed the server's, as PEM; each version has its own.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn ca_pem(&self) -> Result<String, Failure> {
        fs::read_to_string(&self.authority).map_err(|error| Failure::io("reading the authority's certificate", &error))
    }

    /// The file of [`Postgres::ca_pem`].
    pub fn ca_file(&self) -> &std::path::Path {
        &self.authority
    }

    /// The master user: LOGIN, CREATEDB, CREATEROLE, in rds_superuser, no superuser.
    pub fn admin(&self) -> &'static str {
        ADMIN
    }

    /// Its password.
    pub fn admin_password(&self) -> &str {
        &self.admin_password
    }

    /// Gives the master user another password, as RDS does when the secret rotates. Sessions stay.
    ///
    /// # Errors
    /// When the server isn't running.
    pub fn set_admin_password(&mut self, password: &str) -> Result<(), Failure> {
        let quoted = password.replace('\'', "''");
        self.query("postgres", &format!("ALTER ROLE {ADMIN} PASSWORD '{quoted}'"))?;
        password.clone_into(&mut self.admin_password);
        Ok(())
    }

    /// Runs one statement as rdsadmin, the superuser, over the socket. The log doesn't show it.
    ///
    /// # Errors
    /// With the server's message and its SQLSTATE.
    pub fn query(&self, database: &str, sql: &str) -> Result<Rows, Failure> {
        client::local(&self.programs.psql, self.folder.path(), self.port, database, sql)
    }

    /// Runs one statement as somebody, by TCP; `tls` as that client wants it.
    ///
    /// # Errors
    /// With the server's message and its SQLSTATE, or why there is no connection.
    pub fn query_as(&self, login: &Login<'_>, database: &str, sql: &str) -> Result<Rows, Failure> {
        client::remote(&self.programs.psql, self, login, database, sql)
    }

    /// The master user's login, with the certificate checked.
    pub fn admin_login(&self) -> Login<'_> {
        Login { user: ADMIN, password: &self.admin_password, tls: Tls::Verified(&self.authority) }
    }

    /// All that the server has written so far: every connection, and every statement but those of [`Postgres::query`].
    ///
    /// # Errors
    /// When it can't be read.
    pub fn log(&self) -> Result<String, Failure> {
        let log = fs::read(self.log_file()).map_err(|error| Failure::io("reading the server's log", &error))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    /// How many connections of a user were let in so far.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn connections(&self, user: &str) -> Result<usize, Failure> {
        let wanted = format!("connection authorized: user={user} ");
        Ok(self.log()?.lines().filter(|line| line.contains(&wanted)).count())
    }

    /// Ends the server; its data stays.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Starts it on its data and its port, after [`Postgres::stop`].
    ///
    /// # Errors
    /// When it does not start, with its log.
    pub fn start_again(&mut self) -> Result<(), Failure> {
        self.stop();
        let socket = self.folder.path();
        let arguments = ["-p".to_owned(), self.port.to_string(), "-k".to_owned(), socket.display().to_string()];
        let postgres = self.programs.bin.join("postgres");
        self.server = Some(Server::start(self.user, &postgres, &socket.join("data"), &arguments, &self.log_file())?);
        Ok(())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// With characters of RDS's own passwords that a URI, a shell or JSON would have to escape. The standard library's seed is random.
fn new_password() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("Rds!{:016x}%&=#:?{:016x}", random(), random())
}
