//! No way between: TCP from this machine.

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout_at},
};

use super::{BoxedStream, ViaError, Way, error::address};

/// Most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

/// TCP to the database itself.
pub(crate) struct Direct {
    /// How long resolving and connecting may take together.
    pub(crate) timeout: Duration,
}

#[async_trait]
impl Way for Direct {
    async fn open(&self, host: &str, port: u16) -> Result<BoxedStream, ViaError> {
        Ok(Box::new(connect(host, port, self.timeout).await?))
    }

    fn describe(&self) -> String {
        "directly".to_owned()
    }

    async fn close(&self) {}
}

/// Connects to the first address of `host` that answers, all of them within `limit`.
///
/// # Errors
/// The name has no address, or what the last address answered.
pub(super) async fn connect(host: &str, port: u16, limit: Duration) -> Result<TcpStream, ViaError> {
    let at = address(host, port);
    let end = Instant::now() + limit;
    let slow = || ViaError::TimedOut { at: at.clone(), after: limit };
    let unresolved = |cause: String| ViaError::Unresolved { host: host.to_owned(), cause };
    let found = timeout_at(end, lookup_host((host, port))).await.map_err(|_| slow())?;
    let addresses: Vec<SocketAddr> = found.map_err(|error| unresolved(error.to_string()))?.take(ADDRESSES_MAX).collect();
    let mut last = unresolved("no address belongs to it".to_owned());
    for (n, one) in addresses.iter().enumerate() {
        // What is left is shared out, so that a silent address does not keep the next from being tried.
        let left = u32::try_from(addresses.len() - n).unwrap_or(1);
        let until = Instant::now() + end.saturating_duration_since(Instant::now()) / left;
        match timeout_at(until, TcpStream::connect(one)).await {
            Ok(Ok(stream)) => {
                // Queries are small and wait for their answers: Nagle's algorithm would only delay them.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = ViaError::connecting(&at, &error),
            Err(_) => last = slow(),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn way() -> Direct {
        Direct { timeout: Duration::from_secs(5) }
    }

    #[tokio::test]
    async fn a_listening_port_is_reached_by_name() {
        // `localhost` may be ::1 first, where nothing listens: the next address is tried.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"hello").await.unwrap();
        };
        let client = async {
            let mut read = Vec::new();
            way().open("localhost", port).await.unwrap().read_to_end(&mut read).await.unwrap();
            read
        };
        let ((), read) = tokio::join!(server, client);
        assert_eq!(read, b"hello");
    }

    #[tokio::test]
    async fn a_closed_port_is_refused_and_an_unknown_name_unresolved() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let refused = way().open("127.0.0.1", port).await.err().unwrap();
        assert!(matches!(refused, ViaError::Refused { .. }) && refused.is_unreachable(), "{refused}");
        // An empty label: no resolver is asked.
        let unresolved = way().open("db..example", 5432).await.err().unwrap();
        assert!(matches!(unresolved, ViaError::Unresolved { .. }) && unresolved.is_unreachable(), "{unresolved}");
    }
}
