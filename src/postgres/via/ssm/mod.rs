//! Through a node by AWS Systems Manager: a port forwarding session, spoken by AWS's own `session-manager-plugin`.
//!
//! This side knows sessions and the plugin, not AWS: starting and ending a session is given to it ([`Sessions`]).
//!
//! # Guarantees
//! Whatever was started is ended: the session by `TerminateSession`, the plugin by the session's end or by force, at `close` and at drop alike, also
//! where `open` is given up half-way. Only where this process is killed outright does the plugin stay, until AWS's idle timeout (20 minutes).

mod plugin;
mod tunnel;

use std::{collections::HashMap, ffi::OsString, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{BoxedStream, Secret, ViaError, Way, direct, error::address};
use tunnel::{Checked, Tunnel};

/// The plugin's name on the PATH.
const PLUGIN: &str = "session-manager-plugin";

/// A started session, and what the plugin must be told of it.
#[derive(Debug)]
pub(crate) struct Session {
    /// AWS's id of it.
    pub(crate) id: String,
    /// Who may speak on it.
    pub(crate) token: Secret,
    /// Where to speak.
    pub(crate) stream_url: String,
    /// The node it goes through, e.g. `i-0123456789abcdef0`.
    pub(crate) node: String,
    /// The region that it was started in.
    pub(crate) region: String,
    /// The parameters of StartSession, as the AWS CLI writes them: a JSON object with Target, DocumentName, Parameters.
    pub(crate) request: String,
    /// The endpoint of Systems Manager that it was started at.
    pub(crate) endpoint: String,
}

/// AWS's part: sessions through one instance, or through any node of a cluster.
#[async_trait]
pub(crate) trait Sessions: Send + Sync {
    /// Starts a session whose node forwards to `host`:`port`, at a local port that the plugin chooses.
    async fn start(&self, host: &str, port: u16) -> Result<Session, ViaError>;

    /// Ends a session; one that is over already is no error.
    async fn end(&self, session_id: &str) -> Result<(), ViaError>;

    /// `through the instance i-… (Session Manager)`.
    fn describe(&self) -> String;
}

/// What the way needs besides sessions.
#[derive(Clone, Debug)]
pub(crate) struct SsmSettings {
    /// The profile in AWS's shared files that the plugin takes its own credentials from, as the AWS CLI tells it; empty: the environment's.
    /// It needs them only to go on after a broken connection, and for sessions that are encrypted with a KMS key.
    pub(crate) profile: String,
    /// How long each step may take: the plugin's version, the session, the plugin's port.
    pub(crate) timeout: Duration,
}

/// The way through a managed node.
pub(crate) struct Ssm {
    sessions: Arc<dyn Sessions>,
    settings: SsmSettings,
    program: OsString,
    /// A session forwards to one address.
    tunnels: Mutex<HashMap<(String, u16), Arc<Tunnel>>>,
}

impl Ssm {
    /// Starts nothing yet.
    pub(crate) fn new(sessions: Arc<dyn Sessions>, settings: SsmSettings) -> Self {
        Self { sessions, settings, program: PLUGIN.into(), tunnels: Mutex::default() }
    }

    /// The tunnel to that address, opened by the first who asks and again when it is over.
    async fn tunnel(&self, host: &str, port: u16) -> Result<Arc<Tunnel>, ViaError> {
        let mut tunnels = self.tunnels.lock().await;
        let key = (host.to_owned(), port);
        if let Some(tunnel) = tunnels.get(&key).filter(|tunnel| !tunnel.is_over()) {
            return Ok(Arc::clone(tunnel));
        }
        let opening = Tunnel::open(Arc::clone(&self.sessions), self.settings.clone(), self.program.clone(), key.clone());
        // In a task of its own: given up half-way, it still comes to the point where it ends what it started.
        let opened = tokio::spawn(opening).await;
        let tunnel = Arc::new(opened.map_err(|error| ViaError::PluginUnusable { cause: error.to_string() })??);
        tunnels.insert(key, Arc::clone(&tunnel));
        Ok(tunnel)
    }
}

#[async_trait]
impl Way for Ssm {
    async fn open(&self, host: &str, port: u16) -> Result<BoxedStream, ViaError> {
        let tunnel = self.tunnel(host, port).await?;
        let local = direct::connect("127.0.0.1", tunnel.port(), self.settings.timeout).await;
        let stream = local.map_err(|error| ViaError::Lost { way: tunnel.node().to_owned(), cause: error.to_string() })?;
        Ok(Box::new(Checked::new(stream, tunnel, address(host, port))))
    }

    fn describe(&self) -> String {
        self.sessions.describe()
    }

    async fn close(&self) {
        let tunnels = std::mem::take(&mut *self.tunnels.lock().await);
        for tunnel in tunnels.into_values() {
            tunnel.close().await;
        }
    }
}

#[cfg(test)]
mod tests;
