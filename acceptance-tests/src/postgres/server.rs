//! One PostgreSQL process, under the user that may run it.

use std::{
    fs,
    fs::File,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, process};

use super::programs::is_root;

/// It starts in a tenth of a second on an idle machine.
const START_MAX: Duration = Duration::from_secs(60);
/// A fast shutdown writes a checkpoint.
const STOP_MAX: Duration = Duration::from_secs(20);
/// Between two looks at whether the server is ready.
const POLL: Duration = Duration::from_millis(10);

/// Ends the server when the pipe at its stdin ends: also when the test process was killed.
const SUPERVISOR: &str = r#"exec 3<&0
"$@" 3<&- </dev/null & server=$!
{ cat <&3 >/dev/null; kill -INT $server; } & watch=$!
wait $server
kill $watch 2>/dev/null"#;

/// Whom the server runs as: PostgreSQL refuses to be root.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    /// User and group; `None`: this process's own.
    ids: Option<(u32, u32)>,
}

impl User {
    pub(super) fn find() -> Result<Self, Failure> {
        if !is_root()? {
            return Ok(Self { ids: None });
        }
        let users = fs::read_to_string("/etc/passwd").map_err(|error| Failure::io("reading /etc/passwd", &error))?;
        let ids = ["postgres", "nobody"].iter().find_map(|name| ids_of(&users, name));
        ids.map(|ids| Self { ids: Some(ids) }).ok_or_else(|| {
            Failure::new("PostgreSQL does not run as root, and there is neither a user postgres nor nobody").remedy("run as another user")
        })
    }

    /// A command of this user, with an environment of its own.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }

    /// Hands a folder or file over to this user.
    pub(super) fn give(self, path: &Path) -> Result<(), Failure> {
        let Some((user, group)) = self.ids else { return Ok(()) };
        chown(path, Some(user), Some(group)).map_err(|error| Failure::io(format!("handing over {}", path.display()), &error))
    }
}

fn ids_of(users: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = users.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(name))?.skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(super) struct Server {
    supervisor: Child,
}

impl Server {
    /// Starts `postgres` with `arguments` on `data`, and waits until it takes connections. It writes its log to the end of `log`.
    pub(super) fn start(user: User, postgres: &Path, data: &Path, arguments: &[String], log: &Path) -> Result<Self, Failure> {
        let opened = File::options().create(true).append(true).open(log);
        let opened = opened.map_err(|error| Failure::io(format!("opening {}", log.display()), &error))?;
        let mut command = user.command(Path::new("/bin/sh"));
        command.args(["-c", SUPERVISOR, "sh"]).arg(postgres).arg("-D").arg(data).args(arguments);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::from(opened)).spawn();
        let mut server = Self { supervisor: spawned.map_err(|error| Failure::io("starting PostgreSQL", &error))? };
        let begun = Instant::now();
        while !ready(data) {
            let ended = !matches!(server.supervisor.try_wait(), Ok(None));
            if ended || begun.elapsed() > START_MAX {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(Failure::new(format!("PostgreSQL did not start; its log:\n{said}")));
            }
            thread::sleep(POLL);
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // Nothing more can be done about a server that does not end.
        let _ = process::wait(&mut self.supervisor, Instant::now(), STOP_MAX);
    }
}

/// The eighth line of `postmaster.pid` is the state, as `pg_ctl` reads it.
fn ready(data: &Path) -> bool {
    let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    state.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_ids_are_found_by_its_whole_name() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\npostgres2:x:9:9::/:/bin/sh\npostgres:x:101:102:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(ids_of(users, "postgres"), Some((101, 102)));
        assert_eq!(ids_of(users, "nobody"), None);
        assert_eq!(ids_of("postgres:x:\n", "postgres"), None);
    }
}
