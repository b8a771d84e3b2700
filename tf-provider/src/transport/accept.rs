//! Accepts connections, proves who they are, counts those that are alive.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{Semaphore, mpsc, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;
use tonic::transport::server::Connected;

use super::Listener;
use crate::log;

/// Handshakes at a time: Terraform opens one connection; more are strangers, who wait for each other.
const HANDSHAKES_MAX: usize = 16;
/// How long a peer may take to prove who it is.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Pause after a failed accept (the process is out of file descriptors, say), so that the loop doesn't spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A byte stream in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// How many clients are connected.
#[derive(Clone, Debug)]
pub(crate) struct Clients(watch::Sender<Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    now: usize,
    /// A watcher may miss one that comes and goes quickly; this it can't.
    ever: bool,
}

impl Default for Clients {
    fn default() -> Self {
        Self(watch::Sender::new(Count::default()))
    }
}

impl Clients {
    /// Somebody is connected until the answer is dropped.
    pub(super) fn arrived(&self) -> Client {
        self.0.send_modify(|count| *count = Count { now: count.now + 1, ever: true });
        Client(self.0.clone())
    }

    /// Returns when somebody is, or was, connected.
    pub(crate) async fn came(&self) {
        let _ = self.0.subscribe().wait_for(|count| count.ever).await;
    }

    /// Returns when somebody is connected.
    pub(crate) async fn present(&self) {
        let _ = self.0.subscribe().wait_for(|count| count.now > 0).await;
    }

    /// Returns when nobody is connected.
    pub(crate) async fn absent(&self) {
        let _ = self.0.subscribe().wait_for(|count| count.now == 0).await;
    }
}

/// One connected client; dropped with its connection.
pub(super) struct Client(watch::Sender<Count>);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.now = count.now.saturating_sub(1));
    }
}

/// A connection whose peer has proven who it is.
pub(crate) struct Connection {
    stream: Box<dyn Duplex>,
    _client: Client,
}

/// What the gRPC server takes its connections from.
pub(crate) struct Connections(mpsc::Receiver<io::Result<Connection>>);

impl Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// Accepts for ever, each handshake in a task of its own: a peer that stalls holds up nobody. Ends with the task that runs it.
pub(crate) fn accept_loop(listener: Arc<Listener>, tls: Option<TlsAcceptor>, clients: Clients) -> (Connections, impl Future<Output = ()>) {
    let (sender, receiver) = mpsc::channel(HANDSHAKES_MAX);
    let run = async move {
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        loop {
            // Closed never: the semaphore is ours.
            let Ok(permit) = handshakes.clone().acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    log::warn("can't accept a connection", &[("error", &error)]);
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (tls, clients, sender) = (tls.clone(), clients.clone(), sender.clone());
            tokio::spawn(async move {
                let _permit = permit;
                if let Some(stream) = identify(stream, tls).await {
                    let _ = sender.send(Ok(Connection { stream, _client: clients.arrived() })).await;
                }
            });
        }
    };
    (Connections(receiver), run)
}

async fn identify(stream: Box<dyn Duplex>, tls: Option<TlsAcceptor>) -> Option<Box<dyn Duplex>> {
    let Some(tls) = tls else { return Some(stream) };
    match timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(Box::new(stream)),
        Ok(Err(error)) => {
            log::warn("refused a connection that isn't Terraform's", &[("error", &error)]);
            None
        }
        Err(_) => {
            log::warn("refused a connection that didn't finish its TLS handshake", &[]);
            None
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::{io::AsyncReadExt as _, net::TcpStream, time::Instant};
    use tokio_stream::StreamExt as _;

    use super::*;
    use crate::transport::{AutoMtls, Invitation};

    /// On TCP, so that it runs everywhere.
    async fn listener() -> Arc<Listener> {
        let folder = std::env::temp_dir().join("f".repeat(200));
        Arc::new(Listener::bind(&Invitation { socket_directory: Some(folder), ..Invitation::default() }).await.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_is_shown_out() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
        let tls = TlsAcceptor::from(AutoMtls::new(&certificate.pem()).unwrap().config);
        let (listener, clients) = (listener().await, Clients::default());
        let (_connections, run) = accept_loop(listener.clone(), Some(tls), clients.clone());
        let accepting = tokio::spawn(run);
        let mut silent = TcpStream::connect(listener.address()).await.unwrap();
        let began = Instant::now();
        assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0, "the connection must be closed");
        assert!(began.elapsed() <= HANDSHAKE_MAX + ACCEPT_PAUSE);
        assert!(!clients.0.borrow().ever);
        accepting.abort();
    }

    #[tokio::test]
    async fn clients_are_counted_while_they_are_connected() {
        let (listener, clients) = (listener().await, Clients::default());
        let (mut connections, run) = accept_loop(listener.clone(), None, clients.clone());
        let accepting = tokio::spawn(run);
        let _peer = TcpStream::connect(listener.address()).await.unwrap();
        let connection = connections.next().await.unwrap().unwrap();
        clients.present().await;
        drop(connection);
        clients.absent().await;
        accepting.abort();
    }
}
