//! IAM logins of members of rds_iam, by a stand-in for what RDS asks: `acceptance-tests/postgres/iam.py`.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Failure, Folders, base_python, process};

/// It ends with its stdin.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Whom tokens may be from, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Iam<'a> {
    /// The database's name, as tokens have it.
    pub host: &'a str,
    /// The database's region.
    pub region: &'a str,
    /// The id of the one access key that may sign.
    pub access_key: &'a str,
    /// Its secret.
    pub secret_key: &'a str,
}

/// The running stand-in; dropping it ends it.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    port: u16,
}

impl Service {
    /// Starts it; what it answers goes to `log`.
    pub(super) fn start(folders: &Folders, port: u16, iam: &Iam<'_>, log: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(base_python()?);
        command.arg(folders.root.join("acceptance-tests/postgres/iam.py")).args([iam.host, &port.to_string(), iam.region]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.spawn().map_err(|error| Failure::io("starting the stand-in for IAM", &error))?;
        let keys = serde_json::json!({ iam.access_key: iam.secret_key });
        let sent = child.stdin.as_mut().map(|stdin| writeln!(stdin, "{keys}"));
        sent.transpose().map_err(|error| Failure::io("talking to the stand-in for IAM", &error))?;
        let mut lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines()).into_iter().flatten().map_while(Result::ok);
        let told = lines.next().unwrap_or_default();
        let Ok(port) = told.parse() else {
            return Err(Failure::new(format!("the stand-in for IAM did not start; it said {told:?}")));
        };
        let mut log = File::create(log).map_err(|error| Failure::io("making the log of IAM", &error))?;
        std::thread::spawn(move || lines.for_each(|line| drop(writeln!(log, "{line}"))));
        Ok(Self { child, port })
    }

    /// What stands in pg_hba.conf for it.
    pub(super) fn method(&self) -> String {
        format!("ldap ldapserver=127.0.0.1 ldapport={} ldapprefix=\"user=\"", self.port)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Nothing more can be done about a process that does not end.
        let _ = process::wait(&mut self.child, Instant::now(), STOP_MAX);
    }
}

/// Puts the method where members of rds_iam are refused.
pub(super) fn admit(admission: &Path, method: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(admission).map_err(|error| Failure::io("reading pg_hba.conf", &error))?;
    let line = |line: &str| if line.contains("+rds_iam") { line.replace("reject", method) } else { line.to_owned() };
    let changed: Vec<String> = text.lines().map(line).collect();
    fs::write(admission, changed.join("\n") + "\n").map_err(|error| Failure::io("writing pg_hba.conf", &error))
}
