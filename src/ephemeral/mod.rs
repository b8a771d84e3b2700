//! What users see for one run only: one file an ephemeral resource. Nothing of them stands in a plan or state.

mod rds_auth_token;
mod rds_credentials;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tf_provider::{Diagnostic, EphemeralResource, Path};

use crate::{
    graph::{Class, Failure},
    provider::Session,
};

/// Every ephemeral resource.
#[must_use]
pub(crate) fn all(session: &Arc<Session>) -> Vec<Arc<dyn EphemeralResource>> {
    vec![
        Arc::new(rds_credentials::RdsCredentials::new(Arc::clone(session))),
        Arc::new(rds_auth_token::RdsAuthToken::new(Arc::clone(session))),
    ]
}

/// A failed call at an attribute: AWS's own words, code and request id, and what to do.
fn failed(path: Path, summary: &str, failure: &Failure) -> Diagnostic {
    let facts = [("code", &failure.code), ("request id", &failure.request_id)].into_iter();
    let facts: Vec<String> = facts.filter_map(|(name, fact)| fact.as_ref().map(|fact| format!("{name} {fact}"))).collect();
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    let remedy = match failure.class {
        Class::Denied => {
            "Give the one who runs Terraform the right to this call; a policy on the object, a service control policy or a permissions boundary \
             may deny it too."
        }
        // Secrets Manager says so of a key that it may not use for the caller.
        Class::NotYetVisible => {
            "Give the one who runs Terraform `kms:Decrypt` on the key of the secret: in the key's policy, or in his own."
        }
        Class::Credentials => "Renew the credentials that the provider uses, and run Terraform again.",
        Class::Throttled | Class::Transient | Class::Ambiguous | Class::Busy | Class::Unfinished => "Run Terraform again.",
        Class::Conflict => "Restore the secret, or name another one.",
        Class::NotFound | Class::Invalid => "Change the configuration as AWS says.",
        Class::Unreachable => "Make the way to it free, then run Terraform again.",
        Class::Bug => "This is a bug of the provider: report it with this message.",
    };
    Diagnostic::error(path, summary, format!("{}: {}{facts}\n\n{remedy}", failure.operation, failure.message))
}
