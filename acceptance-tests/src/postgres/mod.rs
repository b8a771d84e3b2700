//! A real PostgreSQL server dressed as RDS: its roles, its master user, TLS only, a certificate of an own authority.
//!
//! What it cannot show: RDS's own parameters (`rds.*` are names without effect, but for `rds.force_ssl`, which pg_hba.conf enforces), the right
//! to `rds-db:connect` (members of rds_iam are refused, or come in by a token that iam.py checks), RDS's extension `rds_tools`, and what RDS changed in PostgreSQL's rules for CREATEROLE.

mod client;
mod iam;
mod programs;
mod server;
mod template;

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher, Hasher},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};

use tempfile::TempDir;

use crate::{Failure, Folders};

pub use client::{Login, Rows, Tls};
pub use iam::Iam;
pub use programs::{POSTGRES_VERSIONS, PostgresPrograms, PostgresVersion};
use server::{Server, User};
use template::Template;

/// The master user's name, as the provider's presets have it.
const ADMIN: &str = "deeploy_admin";
/// Where RDS's PostgreSQL listens, unless one chooses another port.
const RDS_PORT: u16 = 5432;
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
    address: Ipv4Addr,
    port: u16,
    authority: PathBuf,
    admin_password: String,
    iam: Option<iam::Service>,
}

impl Postgres {
    /// A new server on a free port of 127.0.0.1. It is as RDS leaves a new instance: the databases `postgres`, `rdsadmin`, the templates.
    ///
    /// # Errors
    /// When its programs are not installed, with the command that installs them; when it does not start, with its log.
    pub fn start(folders: &Folders, version: PostgresVersion) -> Result<Self, Failure> {
        let (mut server, _) = Self::copied(folders, version)?;
        server.start_where_it_is_free(|server| {
            let free = TcpListener::bind((server.address, 0)).and_then(|listener| listener.local_addr());
            server.port = free.map_err(|error| Failure::io("finding a free port", &error))?.port();
            Ok(())
        })?;
        Ok(server)
    }

    /// The same on RDS's own port, 5432, of a loopback address of its own, which its certificate names: what an instance of the sandbox can
    /// be pointed at without looking as if somebody had changed its port. Only Linux has more than one loopback address.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_as_instance(folders: &Folders, version: PostgresVersion) -> Result<Self, Failure> {
        let (mut server, template) = Self::copied(folders, version)?;
        server.port = RDS_PORT;
        server.start_where_it_is_free(|server| {
            let [a, b, c, ..] = random().to_be_bytes();
            server.address = Ipv4Addr::new(127, a.clamp(1, 254), b, c.clamp(1, 254));
            template.certify(server.user, &server.folder.path().join("data"), server.address)
        })?;
        Ok(server)
    }

    fn copied(folders: &Folders, version: PostgresVersion) -> Result<(Self, Template), Failure> {
        let programs = PostgresPrograms::find(folders, version)?;
        let user = User::find()?;
        let template = Template::prepare(folders, &programs, user, ADMIN)?;
        let folder = tempfile::Builder::new().prefix("deeploy-pg-").tempdir();
        let folder = folder.map_err(|error| Failure::io("making a temporary folder", &error))?;
        user.give(folder.path())?;
        template.copy(user, &folder.path().join("data"))?;
        let authority = template.authority();
        let (server, address, admin_password) = (None, Ipv4Addr::LOCALHOST, String::new());
        Ok((Self { programs, user, server, folder, address, port: 0, authority, admin_password, iam: None }, template))
    }

    fn start_where_it_is_free(&mut self, choose: impl Fn(&mut Self) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut tries = 1;
        loop {
            choose(self)?;
            match self.start_again() {
                Err(_) if tries < STARTS_MAX => tries += 1,
                Err(failure) => return Err(failure),
                Ok(()) => return self.set_admin_password(&new_password()),
            }
        }
    }

    /// A name of it that its certificate is good for.
    pub fn host(&self) -> String {
        if self.address == Ipv4Addr::LOCALHOST { "localhost".to_owned() } else { self.address.to_string() }
    }

    /// Its address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its port.
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

    /// `psql`, for what a scenario lets Terraform run.
    pub fn psql(&self) -> &std::path::Path {
        &self.programs.psql
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

    /// From now on members of rds_iam come in with a token, and with nothing else. The wire is RDS's: TLS, and the token in clear text.
    ///
    /// # Errors
    /// When this PostgreSQL was built without LDAP, by which the stand-in for IAM is asked: npm's is, Debian's isn't.
    pub fn admit_iam(&mut self, folders: &Folders, iam: &Iam<'_>) -> Result<(), Failure> {
        let service = iam::Service::start(folders, self.port, iam, &self.folder.path().join("iam.log"))?;
        iam::admit(&self.folder.path().join("data/pg_hba.conf"), &service.method())?;
        self.query("postgres", "SELECT pg_reload_conf()")?;
        let wrong = self.query("postgres", "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL")?;
        if !wrong.is_empty() {
            return Err(Failure::new(format!("this PostgreSQL can't ask the stand-in for IAM: {wrong:?}")).remedy("take Debian's, `V15`"));
        }
        self.iam = Some(service);
        Ok(())
    }

    /// What was said of each token: `{"user": …, "refused": null or why}`, a line each.
    ///
    /// # Errors
    /// Before [`Postgres::admit_iam`].
    pub fn iam_log(&self) -> Result<String, Failure> {
        fs::read_to_string(self.folder.path().join("iam.log")).map_err(|error| Failure::io("reading the log of IAM", &error))
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
        let listen = format!("listen_addresses={}", self.address);
        let arguments = ["-p".to_owned(), self.port.to_string(), "-k".to_owned(), socket.display().to_string(), "-c".to_owned(), listen];
        let postgres = self.programs.bin.join("postgres");
        self.server = Some(Server::start(self.user, &postgres, &socket.join("data"), &arguments, &self.log_file())?);
        Ok(())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// The standard library's seed of hashers is random.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// With characters of RDS's own passwords that a URI, a shell or JSON would have to escape.
fn new_password() -> String {
    format!("Rds!{:016x}%&=#:?{:016x}", random(), random())
}
