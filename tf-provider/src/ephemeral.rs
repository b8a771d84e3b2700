//! Ephemeral resources: values that live for one run and stand in no plan and no state (Terraform 1.10, OpenTofu 1.11).

use std::time::SystemTime;

use async_trait::async_trait;

use crate::{Capabilities, Diagnostics, Schema, Value, stop::Stop};

/// An ephemeral resource.
///
/// # Guarantees
/// `open` gets a wholly known configuration. What it gives is checked before it leaves: known, fitting the schema, and equal to the
/// configuration where that says something. Sensitive values of it are cut out of every log line and diagnostic from then on.
///
/// # Caveats
/// A client opens it in each walk that needs it: twice in an apply. A client that is killed never closes.
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// E.g. `deeploy_rds_credentials`.
    fn type_name(&self) -> &'static str;
    /// Its attributes; none is write-only, since nothing of it is kept anyway.
    fn schema(&self) -> Schema;
    /// Checks beyond the schema's validators. Unknowns anywhere are fine (I1).
    async fn validate(&self, _config: &Value) -> Diagnostics {
        Vec::new()
    }
    /// Makes or fetches the value.
    async fn open(&self, request: OpenRequest) -> OpenResponse;
    /// Keeps it good for longer; only called where `open` gave a time. The value itself can't change.
    async fn renew(&self, _request: RenewRequest) -> RenewResponse {
        RenewResponse::default()
    }
    /// Gives back what `open` took; `private` is what `open` kept.
    async fn close(&self, _private: Vec<u8>) -> Diagnostics {
        Vec::new()
    }
}

/// An opening's inputs.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// As the user wrote it; wholly known.
    pub config: Value,
    /// What the client can do.
    pub capabilities: Capabilities,
    /// Set when Terraform is interrupted.
    pub stop: Stop,
}

/// What was opened.
#[derive(Clone, Debug, Default)]
pub struct OpenResponse {
    /// The configuration with every computed attribute; ignored beside an error.
    pub result: Value,
    /// When the client must renew it at the latest; none: it lasts as long as a run.
    pub renew_at: Option<SystemTime>,
    /// Handed to `renew` and `close`; lives in the client's memory.
    pub private: Vec<u8>,
    /// The provider block isn't known yet, so nothing was opened: `result` is ignored. Never true in an apply.
    pub provider_unknown: bool,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A renewal's inputs.
#[derive(Clone, Debug)]
pub struct RenewRequest {
    /// What `open`, or the last renewal, kept.
    pub private: Vec<u8>,
    /// Set when Terraform is interrupted.
    pub stop: Stop,
}

/// What came of a renewal.
#[derive(Clone, Debug, Default)]
pub struct RenewResponse {
    /// When to renew again; none: never.
    pub renew_at: Option<SystemTime>,
    /// Handed to the next renewal; empty: stays as it was.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}
