//! How Terraform's CLI and this process find each other and talk: handshake, TLS, sockets, the end of the process.
//! Knows the wire services only as something to serve.

mod accept;
mod handshake;
mod lifetime;
mod listener;
mod plugin;
mod tls;

use std::{io, time::Duration};

pub(crate) use accept::{Clients, accept_loop};
pub(crate) use handshake::{Invitation, handshake_line, reattach_line};
pub(crate) use lifetime::{Lifetime, Signals};
pub(crate) use listener::Listener;
pub(crate) use plugin::{Broker, Controller, Stdio};
pub(crate) use tls::AutoMtls;

/// Largest message in either direction, in bytes: go-plugin's client accepts more, but a state of this size is a mistake.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 << 20;

/// HTTP/2 window of a stream and of a connection, in bytes: a value of some megabytes crosses in a few round trips.
pub(crate) const WINDOW_BYTES: u32 = 1 << 20;

/// How long after the answer to Shutdown the process stays, so that the answer gets out. (StreamStdio is open for ever, so a
/// graceful shutdown of the gRPC server would never return.)
pub(crate) const FAREWELL: Duration = Duration::from_millis(20);

/// Why the channel to Terraform can't be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// No socket.
    #[error("can't listen on {place}: {source}")]
    Listen {
        /// A path or address.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// No free TCP port.
    #[error("no free port on 127.0.0.1 between PLUGIN_MIN_PORT ({low}) and PLUGIN_MAX_PORT ({high})")]
    Ports {
        /// The first one tried.
        low: u16,
        /// The last one tried.
        high: u16,
    },
    /// PLUGIN_CLIENT_CERT can't be used.
    #[error("PLUGIN_CLIENT_CERT is not a certificate in PEM form: {0}")]
    ClientCertificate(rustls::pki_types::pem::Error),
    /// Our own certificate can't be made.
    #[error("can't make a certificate: {0}")]
    ServerCertificate(#[from] rcgen::Error),
    /// TLS can't be set up.
    #[error("can't set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The handshake line can't be written.
    #[error("can't write the handshake to stdout: {0}")]
    Announce(io::Error),
    /// Signals can't be watched.
    #[error("can't watch for signals: {0}")]
    Signals(io::Error),
    /// The async runtime can't be started.
    #[error("can't start the runtime: {0}")]
    Runtime(io::Error),
}
