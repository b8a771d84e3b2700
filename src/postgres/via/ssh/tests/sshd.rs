//! A real OpenSSH server on the loopback, with keys of its own, run as an ordinary process that ends with the test.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use super::super::{Secret, Ssh, SshSettings};

/// Where Debian, Fedora and macOS have the server: it must be started by its full path.
const SSHD: &str = "/usr/sbin/sshd";

/// What the server needs to exist where root starts it.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// How long a line of the log may take.
const LINE_S_MAX: u64 = 20;

/// A bastion.
pub(super) struct Sshd {
    server: Child,
    folder: tempfile::TempDir,
    log: watch::Receiver<String>,
    pub(super) port: u16,
}

impl Sshd {
    /// Starts one with an ed25519 host key and these further lines of sshd_config; `admitted` are private keys' files.
    pub(super) async fn start(admitted: &[&Path], options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host_key = keygen(folder.path(), "host", &["-t", "ed25519"]);
        let keys: String = admitted.iter().map(|key| public(key)).collect();
        fs::write(folder.path().join("authorized_keys"), keys).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = options.join("\n");
        let keys = folder.path().join("authorized_keys");
        write!(
            config,
            "\nListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel DEBUG1\n",
            host_key.display(),
            keys.display(),
        )
        .unwrap();
        fs::write(folder.path().join("sshd_config"), config).unwrap();
        if me() == "root" {
            let _ = fs::create_dir_all(PRIVILEGE_SEPARATION);
        }
        let started = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(folder.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut server = started.unwrap_or_else(|error| panic!("{SSHD}: {error}; install it (Debian: apt-get install openssh-server)"));
        let (written, log) = watch::channel(String::new());
        let lines = BufReader::new(server.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.send_modify(|log| {
                    let _ = writeln!(log, "{line}");
                });
            }
        });
        let sshd = Self { server, folder, log, port };
        sshd.logs("Server listening on").await;
        sshd
    }

    /// Waits until the log contains this.
    pub(super) async fn logs(&self, text: &str) {
        self.logs_times(text, 1).await;
    }

    /// Waits until the log contains this so many times.
    pub(super) async fn logs_times(&self, text: &str, times: usize) {
        let mut log = self.log.clone();
        let found = timeout(Duration::from_secs(LINE_S_MAX), log.wait_for(|log| log.matches(text).count() >= times))
            .await
            .map(|found| found.is_ok());
        assert_eq!(found, Ok(true), "not {times} times `{text}` in sshd's log:\n{}", self.log());
    }

    /// All that the server said.
    pub(super) fn log(&self) -> String {
        self.log.borrow().clone()
    }

    /// A line of known_hosts about this server.
    pub(super) fn known_hosts(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, public(&self.folder.path().join("host")))
    }

    /// A way through it with this key.
    pub(super) fn settings(&self, key: Option<&Path>) -> SshSettings {
        SshSettings {
            host: "127.0.0.1".into(),
            port: self.port,
            user: me(),
            private_key: key.map(|key| Secret::new(fs::read_to_string(key).unwrap())),
            private_key_passphrase: None,
            agent: false,
            host_key: None,
            known_hosts: Some(self.known_hosts()),
            timeout: Duration::from_secs(LINE_S_MAX),
        }
    }

    pub(super) fn way(&self, key: &Path) -> Ssh {
        Ssh::new(self.settings(Some(key)))
    }

    /// Ends the server and every connection at once, as a crash does.
    pub(super) fn kill(&mut self) {
        for process in descendants(self.server.id()) {
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes that this one started, and theirs.
fn descendants(process: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("ps is there (Debian: apt-get install procps)");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let pairs: Vec<(u32, u32)> = text
        .lines()
        .filter_map(|line| line.trim().split_once(' ').and_then(|(id, parent)| Some((id.parse().ok()?, parent.trim().parse().ok()?))))
        .collect();
    let mut found = vec![process];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        at += 1;
    }
    found.split_off(1)
}

/// A real agent with these keys; ends with the test.
pub(super) struct SshAgent {
    agent: Child,
    pub(super) socket: PathBuf,
}

impl SshAgent {
    pub(super) fn start(folder: &Path, keys: &[&Path]) -> Self {
        let socket = folder.join("agent.sock");
        let mut agent = tool("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("ssh-agent: {error}; install openssh-client"));
        // It says where it listens, once it does.
        let mut said = String::new();
        BufReader::new(agent.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("SSH_AUTH_SOCK"), "{said}");
        for key in keys {
            let added = tool("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &socket).status().unwrap();
            assert!(added.success());
        }
        Self { agent, socket }
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    command
}

/// Makes a key without a passphrase, unless the arguments have one (`-N`), and gives its private file.
pub(super) fn keygen(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let file = folder.join(name);
    let mut command = tool("ssh-keygen");
    command.args(["-q", "-C", name, "-f"]).arg(&file).args(arguments);
    if !arguments.contains(&"-N") {
        command.args(["-N", ""]);
    }
    let made = command.output().unwrap_or_else(|error| panic!("ssh-keygen: {error}; install it (Debian: apt-get install openssh-client)"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    file
}

/// `known_hosts` lines with their names hashed, as `HashKnownHosts yes` writes them.
pub(super) fn hashed(folder: &Path, known_hosts: &str) -> String {
    let file = folder.join("to_hash");
    fs::write(&file, known_hosts).unwrap();
    assert!(tool("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    fs::read_to_string(file).unwrap()
}

/// The public half of a key's file, with its line's end.
pub(super) fn public(key: &Path) -> String {
    fs::read_to_string(key.with_extension("pub")).unwrap()
}

/// Who runs the test, and so who the server can admit.
pub(super) fn me() -> String {
    String::from_utf8(tool("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned()
}
