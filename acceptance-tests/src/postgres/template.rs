//! A data folder as RDS has made it, kept in the cache folder: copying it takes a tenth of what `initdb` does.

use std::{
    env, fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{Failure, Folders, folders, run_bounded, venv};

use super::{
    PostgresPrograms,
    programs::lock,
    server::{Server, User},
};

/// `initdb` takes half a second on an idle machine.
const STEP_MAX: Duration = Duration::from_secs(120);
/// As long as nobody empties the cache folder.
const CERTIFICATE_DAYS: &str = "3650";

/// RDS's parameters where they matter, the log that tests read, and no wait for the disk.
const CONFIGURATION: &str = "
max_connections = 100
shared_buffers = 16MB
password_encryption = 'scram-sha-256'
rds.force_ssl = '1'
timezone = 'UTC'
log_timezone = 'UTC'
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
ssl_min_protocol_version = 'TLSv1.2'
logging_collector = off
log_statement = 'all'
log_connections = on
log_disconnections = on
log_line_prefix = '%m [%p] %q%u@%d '
fsync = off
synchronous_commit = off
full_page_writes = off
";

/// rds.force_ssl=1 is `hostssl` only. `rdsadmin` comes over the socket, in a folder that only the server's user can enter.
/// RDS asks PAM about members of rds_iam; here nobody knows their tokens. The master user stands first, for what `rds.sql` says.
const ADMISSION: &str = "
local   all  rdsadmin                 trust
hostssl all  rdsadmin   127.0.0.0/8  reject
hostssl all  ADMIN      127.0.0.0/8  scram-sha-256
hostssl all  +rds_iam   127.0.0.0/8  reject
hostssl all  all        127.0.0.0/8  scram-sha-256
";

/// Names that a certificate of RDS's kind is good for.
const NAMES: &str = "subjectAltName=DNS:localhost,DNS:*.eu-central-1.rds.amazonaws.com,DNS:*.rds.amazonaws.com,IP:127.0.0.1";

/// What a server is copied from.
#[derive(Clone, Debug)]
pub(super) struct Template {
    folder: PathBuf,
}

impl Template {
    /// The template, made where it isn't there yet.
    pub(super) fn prepare(folders: &Folders, programs: &PostgresPrograms, user: User, admin: &str) -> Result<Self, Failure> {
        let script = folders.root.join("acceptance-tests").join("postgres").join("rds.sql");
        let sql = fs::read_to_string(&script).map_err(|error| Failure::io(format!("reading {}", script.display()), &error))?;
        // As root and as somebody, the files belong to different users.
        let content = format!("{}\n{sql}{CONFIGURATION}{ADMISSION}{NAMES}{admin}{user:?}", programs.release()?);
        let name = format!("template-{:016x}", venv::fnv1a(content.as_bytes()));
        let template = Self { folder: programs.cache.join(&name) };
        let _lock = lock(&programs.cache, &name)?;
        if !template.folder.exists() {
            template.make(programs, user, admin, &sql)?;
        }
        Ok(template)
    }

    /// The certificate of the authority that signed the server's.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// Makes `data` a data folder of its own.
    pub(super) fn copy(&self, user: User, data: &Path) -> Result<(), Failure> {
        step(user.command(Path::new("cp")).arg("-R").arg(self.folder.join("data")).arg(data))
    }

    /// Gives the server in `data` a certificate that also names this address.
    pub(super) fn certify(&self, user: User, data: &Path, address: Ipv4Addr) -> Result<(), Failure> {
        let names = data.join("names.cnf");
        fs::write(&names, format!("{NAMES},IP:{address}")).map_err(|error| Failure::io("writing the names of the certificate", &error))?;
        sign(user, &self.folder, &names, &data.join("server.crt"))
    }

    fn make(&self, programs: &PostgresPrograms, user: User, admin: &str, sql: &str) -> Result<(), Failure> {
        let making = self.folder.with_extension("making");
        if making.exists() {
            fs::remove_dir_all(&making).map_err(|error| Failure::io(format!("removing {}", making.display()), &error))?;
        }
        folders::make(&making)?;
        user.give(&making)?;
        let data = making.join("data");
        let mut initdb = user.command(&programs.bin.join("initdb"));
        initdb.args(["--username=rdsadmin", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--pgdata"]);
        step(initdb.arg(&data))?;
        certificates(user, &making, &data)?;
        add(&data.join("postgresql.conf"), CONFIGURATION)?;
        let admission = data.join("pg_hba.conf");
        fs::write(&admission, ADMISSION.replace("ADMIN", admin)).map_err(|error| Failure::io("writing pg_hba.conf", &error))?;
        let script = making.join("rds.sql");
        fs::write(&script, sql).map_err(|error| Failure::io("writing rds.sql", &error))?;
        // Only the socket, in a folder with a short name: its path has at most 107 bytes.
        let socket = tempfile::tempdir().map_err(|error| Failure::io("making a temporary folder", &error))?;
        user.give(socket.path())?;
        let arguments = ["-c".to_owned(), "listen_addresses=".to_owned(), "-k".to_owned(), socket.path().display().to_string()];
        let server = Server::start(user, &programs.bin.join("postgres"), &data, &arguments, &making.join("log"))?;
        let mut psql = Command::new(&programs.psql);
        psql.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).args(["-X", "-q", "-U", "rdsadmin", "-d", "postgres", "-h"]);
        psql.arg(socket.path()).args(["-v", "ON_ERROR_STOP=1", "-v", &format!("admin={admin}"), "-f"]).arg(&script);
        step(&mut psql)?;
        drop(server);
        fs::rename(&making, &self.folder).map_err(|error| Failure::io(format!("moving to {}", self.folder.display()), &error))
    }
}

/// An authority of this template's own, and a server's certificate that it signs. Elliptic curves: RSA takes seconds.
fn certificates(user: User, folder: &Path, data: &Path) -> Result<(), Failure> {
    const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let openssl = || user.command(Path::new("openssl"));
    let names = folder.join("names.cnf");
    fs::write(&names, NAMES).map_err(|error| Failure::io("writing the names of the certificate", &error))?;
    let mut root = openssl();
    root.args(["req", "-x509"]).args(NEW_KEY).args(["-days", CERTIFICATE_DAYS, "-subj", "/CN=RDS of acceptance tests, Root", "-keyout"]);
    step(root.arg(folder.join("ca.key")).arg("-out").arg(folder.join("ca.crt")))?;
    let mut request = openssl();
    request.args(["req", "-new"]).args(NEW_KEY).args(["-subj", "/CN=localhost", "-keyout"]).arg(data.join("server.key"));
    step(request.arg("-out").arg(folder.join("server.csr")))?;
    sign(user, folder, &names, &data.join("server.crt"))
}

/// Signs the template's request for these names.
fn sign(user: User, folder: &Path, names: &Path, certificate: &Path) -> Result<(), Failure> {
    let mut sign = user.command(Path::new("openssl"));
    // A random serial number: servers that start at once share the authority.
    sign.args(["x509", "-req", "-days", CERTIFICATE_DAYS, "-set_serial", &super::random().to_string(), "-extfile"]).arg(names);
    sign.arg("-in").arg(folder.join("server.csr")).arg("-CA").arg(folder.join("ca.crt")).arg("-CAkey").arg(folder.join("ca.key"));
    step(sign.arg("-out").arg(certificate))
}

fn add(file: &Path, text: &str) -> Result<(), Failure> {
    let before = fs::read_to_string(file).map_err(|error| Failure::io(format!("reading {}", file.display()), &error))?;
    fs::write(file, before + text).map_err(|error| Failure::io(format!("writing {}", file.display()), &error))
}

fn step(command: &mut Command) -> Result<(), Failure> {
    run_bounded(command, STEP_MAX)?.success().map(|_| ())
}
