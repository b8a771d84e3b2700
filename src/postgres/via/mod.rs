//! Ways to a database's port: directly, through an SSH bastion, through a node by Session Manager.
//!
//! A way carries bytes and nothing else: TLS and the check of the server's name are made over it, with the database's real name.
//! docs/decisions/0009-ways-into-a-private-database.md says why these ways, and why so.

mod direct;
mod error;
mod secret;
mod ssh;
mod ssm;

use async_trait::async_trait;

pub(crate) use direct::Direct;
pub(crate) use error::ViaError;
pub(crate) use secret::Secret;
pub(crate) use ssh::{Ssh, SshSettings};
pub(crate) use ssm::{Session, Sessions, Ssm, SsmSettings};

/// A byte stream to the database's port.
pub(crate) trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Stream for T {}

/// A stream over any way.
pub(crate) type BoxedStream = Box<dyn Stream>;

/// How to reach a port in a private network.
#[async_trait]
pub(crate) trait Way: Send + Sync {
    /// Opens a stream to `host`:`port` of the database. Many may be open at once; a tunnel is opened by the first and shared by all.
    async fn open(&self, host: &str, port: u16) -> Result<BoxedStream, ViaError>;

    /// For messages: `directly`, `through the bastion deploy@bastion.example.com:22`.
    fn describe(&self) -> String;

    /// Ends the tunnel with all that it started. Dropping the way does so too, without waiting for it.
    async fn close(&self);
}
