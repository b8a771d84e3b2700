//! Why a call failed, in the engine's terms.

use std::time::Duration;

/// What a failure means for what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Too many calls: later.
    Throttled,
    /// The service's or network's trouble, surely without effect: again.
    Transient,
    /// The reply was lost: the call may or may not have been carried out. Find before anything else.
    Ambiguous,
    /// Something just made isn't visible yet (IAM's principals, EC2's ids): again for a while, an error if we made nothing.
    NotYetVisible,
    /// Another operation is under way on the object: later.
    Busy,
    /// Part of what was asked for is done, more than before; the same call goes on with the rest. Repeated as long as the run may last.
    Unfinished,
    /// Rights are missing.
    Denied,
    /// It exists already, or belongs to somebody else.
    Conflict,
    /// It isn't there.
    NotFound,
    /// AWS refuses the request as it is.
    Invalid,
    /// There is no connection to what holds the objects, however often it is tried. It says nothing about them.
    Unreachable,
    /// Credentials are wrong or have expired.
    Credentials,
    /// Ours: a reply that can't be.
    Bug,
}

impl Class {
    /// Whether the same call may succeed later. (`Ambiguous` may, but only after a find.)
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient | Self::Ambiguous | Self::NotYetVisible | Self::Busy | Self::Unfinished)
    }
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct Failure {
    /// What to do about it.
    pub class: Class,
    /// E.g. `kms:CreateKey`.
    pub operation: String,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's request id.
    pub request_id: Option<String>,
    /// AWS's message, secrets removed.
    pub message: String,
    /// The attribute that it is about, dotted, where that is known.
    pub attribute: Option<String>,
    /// What AWS asked to wait before a retry.
    pub retry_after: Option<Duration>,
}
