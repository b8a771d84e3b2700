//! The only place that says what a failed call means. `rules.rs` is the table; this is what surrounds it.

mod rules;
#[cfg(test)]
mod tests;

use std::{error::Error, io, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{
    dns::ResolveDnsError,
    endpoint::error::ResolveEndpointError,
    orchestrator::HttpResponse,
    result::{DispatchFailure, SdkError},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::redact;
use crate::graph::{Class, Failure};

/// Longest wait that a reply may ask for, milliseconds: a minute, beyond which the engine's own bound is the better judge.
const RETRY_AFTER_MS_MAX: u64 = 60_000;

/// How many causes of an error are told.
const CAUSES_MAX: usize = 8;

/// What a call made with an access key that was created seconds ago is named, so that "unknown key" means "not yet".
pub const NEW_KEY_PROBE: &str = "sts:GetCallerIdentity with the new access key";

/// What `error` means. `operation` as IAM names it, e.g. `kms:CreateKey`: the table and the class of a lost reply
/// (a read is simply repeated) go by it.
///
/// Keeps AWS's code, request id and message; access keys and tokens are taken out of the latter.
#[allow(clippy::needless_pass_by_value)] // `map_err` hands it over.
pub fn failure<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let reply = error.raw_response();
    let status = reply.map(|reply| reply.status().as_u16());
    let header = |name: &str| reply.and_then(|reply| reply.headers().get(name));
    let code = error.code().map(str::to_owned);
    let text = match &error {
        SdkError::ServiceError(_) => error.message().unwrap_or_default().to_owned(),
        _ => causes(&error),
    };
    let mut message = redact(&text);
    let class = match &error {
        SdkError::ServiceError(_) => rules::classify(operation, code.as_deref(), &message, status),
        _ if find::<CredentialsError>(&error).is_some() => Class::Credentials,
        SdkError::ConstructionFailure(_) if find::<ResolveEndpointError>(&error).is_some() => Class::Invalid,
        SdkError::ConstructionFailure(_) => Class::Bug,
        SdkError::DispatchFailure(dispatch) => lost(operation, unsent(dispatch)),
        // The status came, the body didn't or can't be read: a success may have happened.
        SdkError::ResponseError(_) => match rules::by_status(status) {
            Class::Bug => lost(operation, None),
            class => class,
        },
        _ => lost(operation, None),
    };
    let region = header("x-amz-bucket-region").map(str::to_owned).or_else(|| rules::expected_region(&message));
    if message.is_empty() {
        message = no_text(status);
    }
    if let Some(region) = region.filter(|_| rules::is_wrong_region(code.as_deref(), status)) {
        let end = if message.ends_with('.') { "" } else { "." };
        message = format!("{message}{end} The bucket is in {region}: if that is not the provider's `region`, set it so.");
    }
    let request_id = error.request_id().map(str::to_owned);
    let retry_after = retry_after(header("x-amz-retry-after"), header("retry-after"));
    Failure { class, operation: operation.to_owned(), code, request_id, message, attribute: None, retry_after }
}

/// What one entry of a reply means that says of each entry whether it succeeded (`DeleteObjects`).
#[must_use]
pub fn partial(operation: &'static str, code: Option<&str>, message: &str) -> Failure {
    let message = redact(message);
    Failure {
        class: rules::classify(operation, code, &message, None),
        operation: operation.to_owned(),
        code: code.map(str::to_owned),
        request_id: None,
        message,
        attribute: None,
        retry_after: None,
    }
}

/// Class of a call without a reply: certain not to have been sent (`Some`), or not.
fn lost(operation: &str, unsent: Option<Class>) -> Class {
    match unsent {
        Some(class) => class,
        None if rules::is_read(operation) => Class::Transient,
        None => Class::Ambiguous,
    }
}

/// The class of a request that surely never left: no address, no connection, no trust. `None`: it may have.
fn unsent(dispatch: &DispatchFailure) -> Option<Class> {
    let source = dispatch.as_connector_error()?;
    if find::<ResolveEndpointError>(source).is_some() {
        return Some(Class::Invalid);
    }
    let text = causes(source);
    // rustls: the connection was refused by us, before anything was sent.
    if text.contains("invalid peer certificate") {
        return Some(Class::Invalid);
    }
    let refused = find::<io::Error>(source).is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
    // hyper-util and the connect timeout have no public types; their texts are pinned by tests over real sockets.
    let unconnected = refused
        || find::<ResolveDnsError>(source).is_some()
        || text.contains("client error (Connect)")
        || text.contains("HTTP connect timeout");
    if unconnected {
        return Some(Class::Transient);
    }
    source.is_user().then_some(Class::Bug)
}

/// What to say when AWS said nothing: HEAD requests have no body.
fn no_text(status: Option<u16>) -> String {
    match status {
        Some(400) => "status 400 without a text: S3 answers a HEAD so when credentials have expired or the region is wrong".into(),
        Some(403) => "status 403 without a text: rights are missing, or it belongs to another account".into(),
        Some(404) => "status 404 without a text: it isn't there".into(),
        Some(status) => format!("status {status} without a text"),
        None => "no reply".into(),
    }
}

/// What AWS asked to wait: its own header in milliseconds, HTTP's in seconds.
fn retry_after(milliseconds: Option<&str>, seconds: Option<&str>) -> Option<Duration> {
    let own = milliseconds.and_then(|text| text.trim().parse::<u64>().ok());
    let http = || seconds.and_then(|text| text.trim().parse::<u64>().ok()).map(|seconds| seconds.saturating_mul(1000));
    own.or_else(http).map(|wait| Duration::from_millis(wait.min(RETRY_AFTER_MS_MAX)))
}

/// The first cause of that type.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// The error and its causes. `io::Error::source` leaves out the error that it wraps: the causes of TLS are there.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

/// All causes in one text, each once.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in chain(error).take(CAUSES_MAX) {
        let text = cause.to_string();
        if !text.is_empty() && !texts.iter().any(|told| told.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// Not there is an answer.
pub trait Absent<T> {
    /// `None` when AWS says that it doesn't exist.
    ///
    /// # Errors
    /// Every other failure, classified.
    fn absent(self, operation: &'static str) -> Result<Option<T>, Failure>;
}

impl<T, E> Absent<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn absent(self, operation: &'static str) -> Result<Option<T>, Failure> {
        match self.map_err(|error| failure(operation, error)) {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.class == Class::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Whether a secret of this name waits for its deletion: `RestoreSecret` takes it back.
#[must_use]
pub fn is_scheduled_for_deletion(failure: &Failure) -> bool {
    failure.class == Class::Conflict && failure.operation.starts_with("secretsmanager:") && rules::says_scheduled(&failure.message)
}
