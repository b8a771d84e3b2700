//! CloudWatch, CloudWatch Logs, SNS, EventBridge, Systems Manager.

use super::super::{Rule, rule};
use crate::graph::Class::{Busy, Conflict, Invalid, NotFound, NotYetVisible};

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("logs:", "ResourceAlreadyExistsException", "", Conflict),
    // The key's policy doesn't admit CloudWatch Logs yet, or the key itself isn't there for it.
    rule("logs:", "InvalidParameterException", "KMS", NotYetVisible),
    rule("logs:", "OperationAbortedException", "", Busy),
    rule("logs:", "LimitExceededException", "", Invalid),

    rule("ssm:", "ParameterAlreadyExists", "", Conflict),
    rule("ssm:", "ParameterNotFound", "", NotFound),
    // Of tags: the parameter isn't there.
    rule("ssm:", "InvalidResourceId", "", NotFound),
    // "There are concurrent updates for a resource that supports one update at a time."
    rule("ssm:", "TooManyUpdates", "", Busy),
];
