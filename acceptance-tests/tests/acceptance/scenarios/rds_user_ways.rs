//! Ways to a server that isn't in reach: a real sshd; Session Manager with the stand-in for AWS's plugin.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use acceptance_tests::{Failure, Folders, PostgresVersion, check};

use super::rds_user_stage::{Db, db};

const SSHD: &str = "/usr/sbin/sshd";
/// How long a server of the test may take to listen.
const START_MAX: Duration = Duration::from_secs(20);

/// A bastion on loopback that ends with the test.
struct Bastion {
    server: Child,
    folder: tempfile::TempDir,
    port: u16,
}

fn run(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(|error| Failure::io(format!("running {program}"), &error))?;
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

impl Bastion {
    fn start() -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|error| Failure::io("making a folder", &error))?;
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        for key in ["host", "user"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &at(key)])?;
        }
        fs::copy(at("user.pub"), at("authorized_keys")).map_err(|error| Failure::io("copying a key", &error))?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .map_err(|error| Failure::io("finding a port", &error))?
            .port();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n",
            at("host"),
            at("authorized_keys")
        );
        fs::write(at("config"), config).map_err(|error| Failure::io("writing sshd's configuration", &error))?;
        let _ = fs::create_dir_all("/run/sshd");
        let server = Command::new(SSHD).args(["-D", "-e", "-f", &at("config")]).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let server =
            server.map_err(|error| Failure::io(SSHD, &error).remedy("install it (Debian, Ubuntu: `apt-get install openssh-server`)"))?;
        let bastion = Self { server, folder, port };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begin.elapsed() > START_MAX {
                return Err(Failure::new("sshd does not listen"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(bastion)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn via(&self, more: &str) -> Result<String, Failure> {
        let user = run("id", &["-un"])?;
        Ok(format!("  via = {{ ssh = {{ host = \"127.0.0.1\", port = {}, user = {user:?}, {more} }} }}", self.port))
    }

    fn key(&self) -> String {
        format!("private_key_wo = file({:?}), host_key = file({:?})", self.file("user"), self.file("host.pub"))
    }
}

impl Drop for Bastion {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The server's name is checked in its certificate as ever; nothing but the bastion's own connections reach it.
#[test]
fn a_user_is_made_over_a_bastion() -> Result<(), Failure> {
    let (db, bastion) = (db(PostgresVersion::V15)?, Bastion::start()?);
    let configuration = db.user(&bastion.via(&bastion.key())?);
    db.apply(&configuration)?;
    assert_eq!(db.roles()?, ["deeploy"]);
    let key = fs::read_to_string(bastion.file("user")).unwrap_or_default();
    let line = key.lines().nth(2).unwrap_or_default();
    assert!(line.len() > 20 && !db.stage.terraform.state_file().contains(line), "the private key is in the state");
    // Another name than the certificate's is refused here too.
    db.stage.terraform.configure(&configuration.replacen(
        "username",
        "server_name = \"db.example.com\"\n  connection_limit = 3\n  username",
        1,
    ))?;
    let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
    assert!(refused.text().contains("certificate"), "{}", refused.output());
    Ok(())
}

#[test]
fn a_bastion_that_is_not_known_gets_nothing() -> Result<(), Failure> {
    let (db, bastion) = (db(PostgresVersion::V15)?, Bastion::start()?);
    let other = format!("private_key_wo = file({:?}), host_key = file({:?})", bastion.file("user"), bastion.file("user.pub"));
    db.stage.terraform.configure(&db.user(&bastion.via(&other)?))?;
    let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
    check::says(&refused, "the key of the bastion")?;
    check::says(&refused, "SHA256:")?;
    assert_eq!(db.roles()?, Vec::<String>::new());
    Ok(())
}

/// A managed instance, with the stand-in for AWS's plugin on the PATH.
fn managed(db: &mut Db) -> Result<String, Failure> {
    let world = &db.stage.world;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    world.iam("CreateRole", &[("RoleName", "node"), ("AssumeRolePolicyDocument", trust)])?;
    world.iam("AttachRolePolicy", &[("RoleName", "node"), ("PolicyArn", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")])?;
    world.iam("CreateInstanceProfile", &[("InstanceProfileName", "node")])?;
    world.iam("AddRoleToInstanceProfile", &[("InstanceProfileName", "node"), ("RoleName", "node")])?;
    let run = [
        ("ImageId", "ami-12c6146b"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("InstanceType", "t3.micro"),
        ("IamInstanceProfile.Name", "node"),
    ];
    let reply = world.query("ec2", "2016-11-15", "RunInstances", &run)?;
    let id = reply.split_once("<instanceId>").and_then(|(_, rest)| rest.split_once("</instanceId>")).map(|(id, _)| id.to_owned());
    let folder = Folders::find()?.root.join("acceptance-tests/sandbox");
    let path = std::env::var("PATH").unwrap_or_default();
    db.stage.terraform.set("PATH", format!("{}:{path}", folder.display()));
    id.ok_or_else(|| Failure::new(format!("no instance: {reply}")))
}

fn plugins(folder: &Path) -> Result<usize, Failure> {
    let listed = run("ps", &["-A", "-o", "args="])?;
    Ok(listed.lines().filter(|line| line.contains("session-manager-plugin") && line.contains(&*folder.to_string_lossy())).count())
}

#[test]
fn a_user_is_made_over_session_manager() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    let instance = managed(&mut db)?;
    let via = format!("  via = {{ ssm = {{ instance_id = {instance:?} }} }}\n  drop_databases = true");
    db.apply(&db.user(&via))?;
    assert_eq!(db.roles()?, ["deeploy"]);
    db.stage.terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(db.roles()?, Vec::<String>::new());
    // Every session was ended, and no plugin is left.
    let sessions = db.stage.world.ssm("DescribeSessions", &serde_json::json!({ "State": "Active" }))?;
    assert_eq!(sessions["Sessions"], serde_json::json!([]));
    let calls = db.stage.world.mutations()?;
    let (started, ended) = (
        calls.iter().filter(|call| *call == "ssm:StartSession").count(),
        calls.iter().filter(|call| *call == "ssm:TerminateSession").count(),
    );
    assert!(started > 0 && started == ended, "{started} sessions began, {ended} ended");
    assert_eq!(plugins(&Folders::find()?.root)?, 0);
    Ok(())
}

#[test]
fn a_missing_plugin_and_a_missing_instance_are_told() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    let instance = managed(&mut db)?;
    db.stage.terraform.configure(&db.user("  via = { ssm = { instance_id = \"i-0123456789abcdef0\" } }"))?;
    let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
    check::says(&refused, "i-0123456789abcdef0")?;
    db.stage.terraform.unset("PATH");
    db.stage.terraform.configure(&db.user(&format!("  via = {{ ssm = {{ instance_id = {instance:?} }} }}")))?;
    let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
    check::says(&refused, "session-manager-plugin")?;
    assert_eq!(db.roles()?, Vec::<String>::new());
    Ok(())
}
