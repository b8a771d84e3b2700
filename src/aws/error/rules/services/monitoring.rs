//! CloudWatch, CloudWatch Logs, SNS, EventBridge, Systems Manager.

use super::super::{Rule, rule};
use crate::graph::Class::{Busy, Conflict, Invalid, NotFound, NotYetVisible};

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("cloudwatch:", "ResourceNotFound", "", NotFound),
    rule("cloudwatch:", "ConcurrentModificationException", "", Busy),
    rule("cloudwatch:", "LimitExceeded*", "", Invalid),

    rule("events:", "ConcurrentModificationException", "", Busy),
    rule("events:", "LimitExceededException", "", Invalid),
    // AWS keeps a rule as long as it has targets; ours were removed a moment ago.
    rule("events:DeleteRule", "ValidationException", "has targets", Busy),

    rule("logs:", "ResourceAlreadyExistsException", "", Conflict),
    // The key's policy doesn't admit CloudWatch Logs yet, or the key itself isn't there for it.
    rule("logs:", "InvalidParameterException", "KMS", NotYetVisible),
    rule("logs:", "OperationAbortedException", "", Busy),
    rule("logs:", "LimitExceededException", "", Invalid),

    rule("sns:", "ResourceNotFound", "", NotFound),
    // A topic of the name with other tags or attributes.
    rule("sns:CreateTopic", "InvalidParameter", "already exists with different", Conflict),
    rule("sns:", "ConcurrentAccess", "", Busy),
    // The tags of a deleted topic of the name are still about.
    rule("sns:", "StaleTag", "", Busy),

    rule("ssm:", "ParameterAlreadyExists", "", Conflict),
    rule("ssm:", "ParameterNotFound", "", NotFound),
    // Of tags: the parameter isn't there.
    rule("ssm:", "InvalidResourceId", "", NotFound),
    // "There are concurrent updates for a resource that supports one update at a time."
    rule("ssm:", "TooManyUpdates", "", Busy),
];
