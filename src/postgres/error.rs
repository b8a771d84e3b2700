//! Why something did not work, in terms of the connection and of PostgreSQL's SQLSTATE codes (its manual, appendix A).

use std::error::Error as _;

use tokio_postgres::error::SqlState;

use super::via::ViaError;

/// A failure of a connection or of a statement. Its text holds no secret: statements with verifiers are never part of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PgError {
    /// Nothing answers at the address, or the way to it is shut.
    #[error("{0}")]
    Unreachable(String),
    /// The object's server is proven not to exist any more.
    #[error("{0}")]
    Gone(String),
    /// Something answers that isn't provably the server, or speaks no TLS.
    #[error("{0}")]
    Untrusted(String),
    /// The way through a bastion or a node is set wrongly, or isn't allowed.
    #[error("{0}")]
    Way(String),
    /// There are no credentials to log in with.
    #[error("{message}")]
    Credentials {
        /// What is missing, and what to do.
        message: String,
        /// The attribute that would give them.
        attribute: &'static str,
    },
    /// The server refuses user or password.
    #[error("{0}")]
    Refused(String),
    /// The connection broke, so that nobody knows whether the statement was carried out.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// The server refuses a statement.
    #[error("{message}")]
    Sql {
        /// SQLSTATE, five characters.
        code: String,
        /// The server's message, with its detail and hint.
        message: String,
    },
    /// AWS refuses something that the connection needs.
    #[error("{0}")]
    Aws(Box<dyn std::error::Error + Send + Sync>),
}

/// What is known about a server that can't be reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Absence {
    /// It is proven that there is no such server any more.
    pub(crate) proven: bool,
    /// What to say about it: its security groups, who they admit.
    pub(crate) facts: String,
}

impl PgError {
    /// The SQLSTATE, if the server gave one.
    pub(crate) fn code(&self) -> Option<&str> {
        if let Self::Sql { code, .. } = self { Some(code) } else { None }
    }

    /// Whether the server gave this SQLSTATE.
    pub(crate) fn is(&self, state: &SqlState) -> bool {
        self.code() == Some(state.code())
    }

    /// A failure while connecting: what answers there, and how.
    pub(crate) fn connecting(error: &tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            let said = said(answer);
            return match answer.code() {
                code if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                    Self::Refused(said)
                }
                code => Self::Sql { code: code.code().to_owned(), message: said },
            };
        }
        let cause = causes(error);
        // TLS failures arrive as I/O errors whose source is rustls's.
        if tls_failed(error) { Self::Untrusted(cause) } else { Self::Unreachable(cause) }
    }

    /// Whether another try of the connection may succeed: the server starts, or has no slot free.
    pub(crate) fn passes(&self) -> bool {
        let codes = [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS, SqlState::CRASH_SHUTDOWN, SqlState::ADMIN_SHUTDOWN];
        matches!(self, Self::Unreachable(_) | Self::Lost(_)) || codes.iter().any(|code| self.is(code))
    }
}

impl From<tokio_postgres::Error> for PgError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(answer) => Self::Sql { code: answer.code().code().to_owned(), message: said(answer) },
            None => Self::Lost(causes(&error)),
        }
    }
}

impl From<ViaError> for PgError {
    fn from(error: ViaError) -> Self {
        if error.is_unreachable() { Self::Unreachable(error.to_string()) } else { Self::Way(error.to_string()) }
    }
}

/// The server's words. Its `STATEMENT` and `CONTEXT` are left out: they may hold what we sent.
fn said(answer: &tokio_postgres::error::DbError) -> String {
    let mut text = answer.message().to_owned();
    for more in [answer.detail(), answer.hint()].into_iter().flatten() {
        text.push_str(". ");
        text.push_str(more.trim_end_matches('.'));
    }
    text
}

fn causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn tls_failed(error: &tokio_postgres::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let of_tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if cause.is::<rustls::Error>() || of_tls.is_some() {
            return true;
        }
        source = cause.source();
    }
    error.to_string().contains("TLS")
}
