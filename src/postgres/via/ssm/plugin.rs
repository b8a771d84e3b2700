//! AWS's `session-manager-plugin`, called as the AWS CLI calls it (its customizations/sessionmanager.py, and the plugin's own
//! `ValidateInputAndStartSession`): response, region, operation, profile, request, endpoint.

use std::{ffi::OsStr, fmt, io::ErrorKind, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    time::timeout,
};

use super::{
    super::{Secret, ViaError},
    Session, SsmSettings,
};

/// The first version that forwards a port reliably: before it, transfers overran the agent (the plugin's release notes).
const OLDEST: Version = Version([1, 1, 26, 0]);

/// The last version that can only be told the session's token as an argument, which every user of the machine can read.
const LAST_WITHOUT_VARIABLE: Version = Version([1, 2, 497, 0]);

/// The variable by which later ones are told; its name stands as the first argument then.
const VARIABLE: &str = "AWS_SSM_START_SESSION_RESPONSE";

/// How much of what it said is kept for messages, bytes.
const SAID_BYTES_MAX: usize = 2000;

/// The plugin's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version([u32; 4]);

impl Version {
    /// One to four numbers with dots.
    fn read(text: &str) -> Option<Self> {
        let mut numbers = [0; 4];
        let mut parts = text.trim().split('.');
        let first = parts.next()?.parse().ok()?;
        let mut slots = numbers.iter_mut();
        *slots.next()? = first;
        for part in parts {
            *slots.next()? = part.parse().ok()?;
        }
        Some(Self(numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([one, two, three, four]) = self;
        write!(out, "{one}.{two}.{three}.{four}")
    }
}

/// Whether the plugin is there and new enough.
///
/// # Errors
/// It isn't.
pub(super) async fn version(program: &OsStr, limit: Duration) -> Result<Version, ViaError> {
    let asked = Command::new(program).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let answered =
        timeout(limit, asked).await.map_err(|_| ViaError::PluginUnusable { cause: "it does not tell its version in time".to_owned() })?;
    let output = answered.map_err(|error| match error.kind() {
        ErrorKind::NotFound => ViaError::PluginMissing,
        _ => ViaError::PluginUnusable { cause: error.to_string() },
    })?;
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(version) = Version::read(&said).filter(|_| output.status.success()) else {
        let cause = format!("asked for its version it says `{}` ({})", said.trim().chars().take(80).collect::<String>(), output.status);
        return Err(ViaError::PluginUnusable { cause });
    };
    if version < OLDEST {
        return Err(ViaError::PluginTooOld { found: version.to_string(), oldest: OLDEST.to_string() });
    }
    Ok(version)
}

/// What a running plugin has said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// The local port that it listens at.
    pub(super) port: Option<u16>,
    text: String,
}

impl Said {
    /// Its last words on one line, without the token.
    pub(super) fn words(&self, token: &Secret) -> String {
        let words = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() { "nothing".to_owned() } else { words.replace(token.expose(), "(redacted)") }
    }

    fn hear(&mut self, line: &str) {
        if let Some(port) = port(line) {
            self.port = Some(port);
        }
        self.text.push_str(line);
        self.text.push('\n');
        while self.text.len() > SAID_BYTES_MAX {
            self.text.remove(0);
        }
    }
}

/// The port of `Port 49152 opened for sessionId me-0123456789abcdef0.`
fn port(line: &str) -> Option<u16> {
    line.trim().strip_prefix("Port ")?.split_once(" opened for sessionId")?.0.parse().ok()
}

/// Starts the plugin for a session. It is killed when the child is dropped.
///
/// # Errors
/// The operating system can't start it.
pub(super) fn start(
    program: &OsStr,
    version: Version,
    session: &Session,
    settings: &SsmSettings,
) -> Result<(Child, watch::Receiver<Said>), ViaError> {
    let response =
        serde_json::json!({"SessionId": session.id, "TokenValue": session.token.expose(), "StreamUrl": session.stream_url}).to_string();
    let mut command = Command::new(program);
    if version > LAST_WITHOUT_VARIABLE {
        command.env(VARIABLE, response).arg(VARIABLE);
    } else {
        command.arg(response);
    }
    command.args([&session.region, "StartSession", &settings.profile, &session.request, &session.endpoint]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // Ctrl-C reaches everything in the terminal's group. Whatever is under way is finished first, and needs the tunnel.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| ViaError::PluginUnusable { cause: error.to_string() })?;
    let (heard, said) = watch::channel(Said::default());
    let both = (child.stdout.take(), child.stderr.take());
    let other = heard.clone();
    tokio::spawn(async move {
        if let Some(pipe) = both.0 {
            listen(pipe, heard).await;
        }
    });
    tokio::spawn(async move {
        if let Some(pipe) = both.1 {
            listen(pipe, other).await;
        }
    });
    Ok((child, said))
}

/// Reads lines to the end. A pipe that nobody reads would stop the plugin once it is full.
async fn listen(pipe: impl AsyncRead + Unpin, heard: watch::Sender<Said>) {
    let mut lines = BufReader::new(pipe).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        heard.send_modify(|said| said.hear(&String::from_utf8_lossy(&line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let version = |text| Version::read(text).unwrap();
        assert!(version("1.2.1000.0\n") > version("1.2.497.0"));
        assert_eq!(version("1.2"), version("1.2.0.0"));
        assert!(version("1.1.9") < OLDEST && version("1.1.26.0") == OLDEST);
        for text in ["", "1.2.3.4.5", "v1.2", "The Session Manager plugin was installed successfully."] {
            assert_eq!(Version::read(text), None, "{text}");
        }
    }

    #[test]
    fn only_its_own_line_tells_the_port() {
        assert_eq!(port("Port 49152 opened for sessionId me-0a.\r"), Some(49152));
        for line in ["Port 99999 opened for sessionId me-0a.", "Starting session with SessionId: me-0a", "Port x opened for sessionId"] {
            assert_eq!(port(line), None, "{line}");
        }
    }

    #[test]
    fn what_it_says_is_bounded_and_never_holds_the_token() {
        let token = Secret::new("canary+token".into());
        let mut said = Said::default();
        assert_eq!(said.words(&token), "nothing");
        said.hear("Cannot perform start session: bad canary+token here");
        assert_eq!(said.words(&token), "Cannot perform start session: bad (redacted) here");
        for n in 0..1000 {
            said.hear(&format!("é line {n}"));
        }
        assert!(said.text.len() <= SAID_BYTES_MAX && said.text.ends_with("line 999\n"));
    }
}
