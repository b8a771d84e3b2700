//! One session with its plugin, from start to end, and a stream through it.

use std::{
    ffi::OsString,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    process::Child,
    sync::{Mutex, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{
    super::{Secret, ViaError},
    Session, Sessions, SsmSettings,
    plugin::{self, Said},
};

/// How long the plugin may take to end by itself once its session is over, seconds.
const FAREWELL_S: u64 = 2;

/// How long AWS may take to end a session, seconds.
const END_S_MAX: u64 = 10;

/// A session and its plugin. Dropping it ends both, in the background.
#[derive(Debug)]
pub(super) struct Tunnel {
    node: String,
    port: u16,
    said: watch::Receiver<Said>,
    /// How the plugin ended.
    over: watch::Receiver<Option<String>>,
    token: Secret,
    /// Taken by `close`; dropping the sender tells the keeper to end.
    keeper: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Tunnel {
    /// Checks the plugin, starts a session and waits for the plugin's port.
    ///
    /// # Errors
    /// No plugin, no session, or no port in time. Nothing that was started is left.
    pub(super) async fn open(
        sessions: Arc<dyn Sessions>,
        settings: SsmSettings,
        program: OsString,
        to: (String, u16),
    ) -> Result<Self, ViaError> {
        let limit = settings.timeout;
        // First, so that no session is started in vain.
        let version = plugin::version(&program, limit).await?;
        let session = sessions.start(&to.0, to.1).await?;
        let (child, said) = match plugin::start(&program, version, &session, &settings) {
            Ok(started) => started,
            Err(error) => {
                end(&*sessions, &session.id).await;
                return Err(error);
            }
        };
        let Session { id, token, node, .. } = session;
        let (stop, stopped) = oneshot::channel();
        let (ended, over) = watch::channel(None);
        let keeper = tokio::spawn(keep(child, sessions, id, stopped, ended));
        let mut tunnel = Self { node, port: 0, said, over, token, keeper: Mutex::new(Some((stop, keeper))) };
        let heard = timeout(limit, tunnel.hear()).await;
        if let Ok(Some(port)) = heard {
            tunnel.port = port;
            return Ok(tunnel);
        }
        tunnel.close().await;
        let (node, said) = (tunnel.node.clone(), tunnel.words());
        let status = tunnel.over.borrow().clone().unwrap_or_default();
        Err(match heard {
            Ok(_) => ViaError::PluginEnded { node, status, said },
            Err(_) => ViaError::PluginSilent { node, after: limit, said },
        })
    }

    /// The port, once the plugin tells it. `None`: it has ended, and all that it said was heard.
    async fn hear(&self) -> Option<u16> {
        let (mut said, mut over) = (self.said.clone(), self.over.clone());
        tokio::select! {
            Ok(said) = said.wait_for(|said| said.port.is_some()) => return said.port,
            _ = over.wait_for(Option::is_some) => {}
        }
        let mut said = self.said.clone();
        while said.changed().await.is_ok() {}
        None
    }

    /// The local port that leads to the database.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Whether the plugin is gone.
    pub(super) fn is_over(&self) -> bool {
        self.over.borrow().is_some()
    }

    /// For messages.
    pub(super) fn node(&self) -> &str {
        &self.node
    }

    fn words(&self) -> String {
        self.said.borrow().words(&self.token)
    }

    /// Ends both, and waits for it.
    pub(super) async fn close(&self) {
        if let Some((stop, keeper)) = self.keeper.lock().await.take() {
            drop(stop);
            // It fails only where the runtime ends, which kills the plugin.
            let _ = keeper.await;
        }
    }
}

/// Stays with the plugin until it ends or is to end, and ends what is left.
async fn keep(
    mut child: Child,
    sessions: Arc<dyn Sessions>,
    session_id: String,
    stopped: oneshot::Receiver<()>,
    ended: watch::Sender<Option<String>>,
) {
    let status = tokio::select! {
        status = child.wait() => Some(status),
        _ = stopped => None,
    };
    let by_itself = status.is_some();
    ended.send_replace(Some(match status {
        Some(Ok(status)) => status.to_string(),
        Some(Err(error)) => error.to_string(),
        None => String::new(),
    }));
    end(&*sessions, &session_id).await;
    // A session's end makes the plugin tidy up and go.
    if !by_itself && timeout(Duration::from_secs(FAREWELL_S), child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

/// Ends a session. A failure is none of the caller's: AWS ends what is idle.
async fn end(sessions: &dyn Sessions, session_id: &str) {
    let _ = timeout(Duration::from_secs(END_S_MAX), sessions.end(session_id)).await;
}

/// A stream through a tunnel. The plugin takes every connection, whether the node reaches the database or not: that shows only as an end before the
/// first byte, which is told here for what it is.
pub(super) struct Checked {
    stream: TcpStream,
    tunnel: Arc<Tunnel>,
    target: String,
    answered: bool,
}

impl Checked {
    pub(super) fn new(stream: TcpStream, tunnel: Arc<Tunnel>, target: String) -> Self {
        Self { stream, tunnel, target, answered: false }
    }

    fn unreachable(&self) -> io::Error {
        let way = format!("through the instance {} (Session Manager)", self.tunnel.node);
        io::Error::new(io::ErrorKind::ConnectionReset, ViaError::TargetUnreachable { way, target: self.target.clone() })
    }
}

impl AsyncRead for Checked {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (before, room) = (into.filled().len(), into.remaining());
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if self.answered || room == 0 {
            return read;
        }
        match read {
            Poll::Ready(Ok(())) if into.filled().len() == before => Poll::Ready(Err(self.unreachable())),
            Poll::Ready(Ok(())) => {
                self.answered = true;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Poll::Ready(Err(self.unreachable())),
            other => other,
        }
    }
}

impl AsyncWrite for Checked {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
