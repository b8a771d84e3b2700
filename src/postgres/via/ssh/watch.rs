//! What happens on a connection to the bastion without being asked for: its key is shown, it ends.

use russh::{client::Handler, keys::PublicKeyOrCertificate};

use super::{super::ViaError, host_key::HostKeys};

/// Checks the bastion's key. Channels that a bastion opens to us are led nowhere: nothing here reads them.
pub(super) struct Watch {
    /// `host:port` of the bastion.
    pub(super) at: String,
    /// What its key has to be.
    pub(super) keys: HostKeys,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// By the protocol or the network.
    Ssh(russh::Error),
    /// By us.
    Refused(ViaError),
}

impl From<russh::Error> for Ended {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl Ended {
    /// For people; `at` is the bastion.
    pub(super) fn into_via(self, at: &str) -> ViaError {
        match self {
            Self::Refused(error) => error,
            Self::Ssh(russh::Error::HUP | russh::Error::Disconnect) => {
                ViaError::Lost { way: format!("the bastion {at}"), cause: "it closed the connection".to_owned() }
            }
            Self::Ssh(russh::Error::IO(error)) => ViaError::Lost { way: format!("the bastion {at}"), cause: error.to_string() },
            Self::Ssh(error) => ViaError::Protocol { at: at.to_owned(), cause: error.to_string() },
        }
    }
}

impl Handler for Watch {
    type Error = Ended;

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, Ended> {
        match presented {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.keys.judge(&self.at, key).map(|()| true).map_err(Ended::Refused),
            // Not asked for, so never presented by an honest server.
            PublicKeyOrCertificate::Certificate(_) => Ok(false),
        }
    }
}
