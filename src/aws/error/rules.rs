//! (operation, code, text) → class. The first rule that fits wins; without one the HTTP status decides.
//!
//! Sources: the services' API references ("Errors"), aws-edge-cases.md, and what hashicorp/aws retries.

mod services;

use crate::graph::Class::{self, Ambiguous, Bug, Conflict, Credentials, Denied, Invalid, NotFound, NotYetVisible, Throttled, Transient};

/// One row. Empty: anything. `operation` is a beginning; `code` is whole, or a beginning when it ends in `*`; `text` is a part.
struct Rule {
    operation: &'static str,
    code: &'static str,
    text: &'static str,
    class: Class,
}

const fn rule(operation: &'static str, code: &'static str, text: &'static str, class: Class) -> Rule {
    Rule { operation, code, text, class }
}

/// Rules of every service.
#[rustfmt::skip]
const GENERAL: &[Rule] = &[
    rule("", "Throttling*", "", Throttled),
    rule("", "ThrottledException", "", Throttled),
    rule("", "RequestThrottled*", "", Throttled),
    rule("", "TooManyRequests*", "", Throttled),
    rule("", "RequestLimitExceeded", "", Throttled),
    rule("", "BandwidthLimitExceeded", "", Throttled),
    rule("", "ProvisionedThroughputExceededException", "", Throttled),
    rule("", "TransactionInProgressException", "", Throttled),
    rule("", "PriorRequestNotComplete", "", Throttled),
    rule("", "EC2ThrottledException", "", Throttled),
    rule("", "SlowDown", "", Throttled),
    rule("", "", "Rate exceeded", Throttled),

    rule("", "ExpiredToken*", "", Credentials),
    rule("", "RequestExpired", "", Credentials),
    rule("", "InvalidClientTokenId", "", Credentials),
    rule("", "UnrecognizedClient*", "", Credentials),
    rule("", "InvalidAccessKeyId", "", Credentials),
    rule("", "SignatureDoesNotMatch", "", Credentials),
    rule("", "InvalidSignature*", "", Credentials),
    rule("", "IncompleteSignature*", "", Credentials),
    rule("", "MissingAuthenticationToken*", "", Credentials),
    rule("", "AuthFailure", "", Credentials),
    rule("", "InvalidSecurity", "", Credentials),
    // The machine's clock is off by more than 5 (S3: 15) minutes.
    rule("", "RequestTimeTooSkewed", "", Credentials),
    rule("", "RequestInTheFuture", "", Credentials),

    rule("", "AccessDenied*", "", Denied),
    rule("", "UnauthorizedOperation", "", Denied),
    rule("", "Unauthorized*", "", Denied),
    rule("", "NotAuthorized*", "", Denied),
    rule("", "AllAccessDisabled", "", Denied),
    rule("", "AccountProblem", "", Denied),
    rule("", "OptInRequired", "", Denied),
    rule("", "Forbidden", "", Denied),

    rule("", "BucketAlreadyOwnedByYou", "", Conflict),
    rule("", "BucketAlreadyExists", "", Conflict),
    rule("", "EntityAlreadyExists*", "", Conflict),
    rule("", "AlreadyExistsException", "", Conflict),
    rule("", "ResourceExistsException", "", Conflict),

    rule("", "RequestTimeout*", "", Transient),
    rule("", "ServiceUnavailable*", "", Transient),
    // An internal failure of a service says nothing about what it had done before.
    rule("", "ServiceFailure*", "", Ambiguous),
    rule("", "InternalFailure", "", Ambiguous),
    rule("", "InternalError", "", Ambiguous),
    rule("", "InternalServerError*", "", Ambiguous),
    rule("", "InternalServiceError*", "", Ambiguous),
    rule("", "KMSInternalException", "", Ambiguous),

    rule("", "NotFound", "", NotFound),
    rule("", "NotFoundException", "", NotFound),
    rule("", "ResourceNotFoundException", "", NotFound),
    rule("", "NoSuch*", "", NotFound),
];

/// Verbs of calls that change nothing.
const READS: [&str; 6] = ["Get", "List", "Head", "Describe", "Simulate", "Decrypt"];

/// Verbs of calls to something that the caller found or made just before: its absence is a lag first of all. AWS's
/// replicas answer in any order, and a bounded retry costs seconds where a wrong "gone" costs an object.
const FOLLOW_UPS: [&str; 14] = [
    "Put",
    "Update",
    "Create",
    "Tag",
    "Attach",
    "Enable",
    "Disable",
    "Add",
    "Set",
    "Restore",
    "Associate",
    "Authorize",
    "Modify",
    "Replace",
];

/// All rules, those of single services first.
fn rules() -> impl Iterator<Item = &'static Rule> + Clone {
    services::ALL.iter().flat_map(|rules| rules.iter()).chain(GENERAL)
}

/// What the reply of a service means.
pub(super) fn classify(operation: &str, code: Option<&str>, message: &str, status: Option<u16>) -> Class {
    let rule = rules().find(|rule| rule.fits(operation, code.unwrap_or_default(), message));
    match rule.map_or_else(|| by_status(status), |rule| rule.class) {
        NotFound if verb(operation, &FOLLOW_UPS) => NotYetVisible,
        Ambiguous if is_read(operation) => Transient,
        class => class,
    }
}

impl Rule {
    fn fits(&self, operation: &str, code: &str, message: &str) -> bool {
        let code_fits = match self.code.strip_suffix('*') {
            Some(start) => code.starts_with(start),
            None => self.code.is_empty() || code == self.code,
        };
        code_fits && operation.starts_with(self.operation) && message.contains(self.text)
    }
}

/// What a status means on its own. `Bug`: it is no error.
pub(super) fn by_status(status: Option<u16>) -> Class {
    match status {
        Some(401 | 403) => Denied,
        Some(404) => NotFound,
        Some(408 | 503) => Transient,
        Some(409 | 412) => Conflict,
        Some(429) => Throttled,
        Some(300..=499 | 501) => Invalid,
        Some(500..=599) => Ambiguous,
        _ => Bug,
    }
}

/// Whether the operation changes nothing.
pub(super) fn is_read(operation: &str) -> bool {
    verb(operation, &READS)
}

/// Whether the operation, without its service, begins with one of the verbs.
fn verb(operation: &str, verbs: &[&str]) -> bool {
    let name = operation.split_once(':').map_or(operation, |(_, name)| name);
    verbs.iter().any(|verb| name.starts_with(verb))
}

/// Whether Secrets Manager says that the secret waits for its deletion.
pub(super) fn says_scheduled(message: &str) -> bool {
    message.contains("scheduled for deletion") || message.contains("marked for deletion")
}

/// Whether S3 says that the bucket is elsewhere. A HEAD has only its status.
pub(super) fn is_wrong_region(code: Option<&str>, status: Option<u16>) -> bool {
    match code {
        Some(code) => matches!(
            code,
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "MovedPermanently" | "BadRequest"
        ),
        None => matches!(status, Some(301 | 400)),
    }
}

/// The region in "the region 'us-east-1' is wrong; expecting 'eu-west-1'".
pub(super) fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting '")?;
    rest.split_once('\'').map(|(region, _)| region.to_owned())
}

/// The rules that decide none of the cases.
#[cfg(test)]
pub(super) fn unused<'a>(cases: impl Iterator<Item = (&'a str, &'a str, &'a str)> + Clone) -> Vec<String> {
    let first = |(operation, code, message)| rules().position(|rule| rule.fits(operation, code, message));
    let used: Vec<usize> = cases.filter_map(first).collect();
    rules()
        .enumerate()
        .filter(|(index, _)| !used.contains(index))
        .map(|(_, rule)| format!("{} {} {}", rule.operation, rule.code, rule.text))
        .collect()
}
