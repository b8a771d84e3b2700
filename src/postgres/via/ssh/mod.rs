//! Through an SSH bastion: one connection, and a `direct-tcpip` channel (RFC 4254, 7.2) for each stream.
//!
//! The bastion's key is checked before anything is said to it. There is no trust on first use.

mod host_key;
mod identity;
mod watch;

use std::{borrow::Cow, ffi::OsString, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use russh::{
    ChannelOpenFailure, Disconnect, Preferred,
    client::{self, Handle},
};
use tokio::{sync::Mutex, time::timeout};

use super::{BoxedStream, Secret, ViaError, Way, direct, error::address};
use host_key::HostKeys;
use identity::Identities;
use watch::Watch;

/// After so long a silence the bastion is asked whether it is still there, seconds.
const KEEPALIVE_S: u64 = 15;

/// So many questions may stay without an answer.
const KEEPALIVES_LOST_MAX: usize = 3;

/// How often a stream is tried: the second time over a new connection, where the first turned out to be dead.
const ATTEMPTS_MAX: u32 = 2;

/// Which bastion, and as whom.
pub(crate) struct SshSettings {
    /// Name or address of the bastion.
    pub(crate) host: String,
    /// Its sshd's port.
    pub(crate) port: u16,
    /// Who logs in.
    pub(crate) user: String,
    /// Text of a private key (OpenSSH or PEM; ed25519, ecdsa, rsa).
    pub(crate) private_key: Option<Secret>,
    /// What the key is encrypted with.
    pub(crate) private_key_passphrase: Option<Secret>,
    /// Whether a running ssh-agent's keys are tried, after `private_key`.
    pub(crate) agent: bool,
    /// The bastion's public key, one or several lines.
    pub(crate) host_key: Option<String>,
    /// The text of a known_hosts file (not its path).
    pub(crate) known_hosts: Option<String>,
    /// How long each step may take: connecting, logging in, opening a stream.
    pub(crate) timeout: Duration,
}

/// The way through a bastion.
pub(crate) struct Ssh {
    settings: SshSettings,
    /// Where the agent listens.
    agent: Option<OsString>,
    connection: Mutex<Option<Arc<Handle<Watch>>>>,
}

impl Ssh {
    /// Connects to nothing yet.
    pub(crate) fn new(settings: SshSettings) -> Self {
        let agent = settings.agent.then(identity::agent_socket);
        Self { settings, agent, connection: Mutex::new(None) }
    }

    fn at(&self) -> String {
        address(&self.settings.host, self.settings.port)
    }

    /// The connection, made by the first who asks and again when it is over.
    async fn connection(&self) -> Result<Arc<Handle<Watch>>, ViaError> {
        let mut kept = self.connection.lock().await;
        if let Some(handle) = kept.as_ref().filter(|handle| !handle.is_closed()) {
            return Ok(Arc::clone(handle));
        }
        let made = Arc::new(self.connect().await?);
        *kept = Some(Arc::clone(&made));
        Ok(made)
    }

    async fn connect(&self) -> Result<Handle<Watch>, ViaError> {
        let SshSettings { host, port, user, timeout: limit, .. } = &self.settings;
        let at = self.at();
        let keys = HostKeys::given(&at, host, *port, self.settings.known_hosts.as_deref(), self.settings.host_key.as_deref())?;
        let given = (self.settings.private_key.as_ref(), self.settings.private_key_passphrase.as_ref());
        let slow = || ViaError::TimedOut { at: format!("the bastion {at}"), after: *limit };
        let identities = timeout(*limit, Identities::gather(&at, given.0, given.1, self.agent.as_deref())).await.map_err(|_| slow())??;
        let stream = direct::connect(host, *port, *limit).await?;
        let config = client::Config {
            preferred: Preferred { key: Cow::Owned(keys.algorithms()), ..Preferred::DEFAULT },
            keepalive_interval: Some(Duration::from_secs(KEEPALIVE_S)),
            keepalive_max: KEEPALIVES_LOST_MAX,
            ..client::Config::default()
        };
        let watch = Watch { at: at.clone(), keys };
        let logged_in = async {
            let mut handle = client::connect_stream(Arc::new(config), stream, watch).await.map_err(|ended| ended.into_via(&at))?;
            identities.log_in(&at, user, &mut handle).await.map(|()| handle)
        };
        timeout(*limit, logged_in).await.map_err(|_| slow())?
    }

    /// What a channel that did not open means. `None`: the connection is dead, and a new one may do.
    fn refused(&self, error: &russh::Error, host: &str, port: u16) -> Option<ViaError> {
        let (at, target) = (self.at(), address(host, port));
        let russh::Error::ChannelOpenFailure(reason) = error else {
            return None;
        };
        Some(match reason {
            ChannelOpenFailure::AdministrativelyProhibited | ChannelOpenFailure::UnknownChannelType => {
                ViaError::ForwardingForbidden { at, target }
            }
            ChannelOpenFailure::ConnectFailed => ViaError::TargetUnreachable { way: self.describe(), target },
            ChannelOpenFailure::ResourceShortage => ViaError::Protocol { at, cause: "it has no resources for another channel".to_owned() },
            ChannelOpenFailure::Other { reason, .. } => ViaError::Protocol { at, cause: reason.clone() },
        })
    }
}

#[async_trait]
impl Way for Ssh {
    async fn open(&self, host: &str, port: u16) -> Result<BoxedStream, ViaError> {
        let limit = self.settings.timeout;
        let mut cause = String::new();
        for _ in 0..ATTEMPTS_MAX {
            let handle = self.connection().await?;
            // The last two say who wanted the connection; the bastion only logs them.
            let opening = handle.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0);
            match timeout(limit, opening).await {
                Ok(Ok(channel)) => return Ok(Box::new(channel.into_stream())),
                Ok(Err(error)) => match self.refused(&error, host, port) {
                    Some(refused) => return Err(refused),
                    None => cause = error.to_string(),
                },
                Err(_) => return Err(ViaError::TimedOut { at: format!("{} {}", address(host, port), self.describe()), after: limit }),
            }
        }
        Err(ViaError::Lost { way: format!("the bastion {}", self.at()), cause })
    }

    fn describe(&self) -> String {
        format!("through the bastion {}@{}", self.settings.user, self.at())
    }

    async fn close(&self) {
        if let Some(handle) = self.connection.lock().await.take() {
            // It fails only where the connection is over already.
            let _ = handle.disconnect(Disconnect::ByApplication, "done", "").await;
        }
    }
}

impl fmt::Debug for Ssh {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ssh({})", self.describe())
    }
}

#[cfg(test)]
mod tests;
