//! CloudWatch, CloudWatch Logs, SNS, EventBridge, Systems Manager.

use super::super::{Rule, rule};
use crate::graph::Class::{Busy, Conflict, NotFound};

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("ssm:", "ParameterAlreadyExists", "", Conflict),
    rule("ssm:", "ParameterNotFound", "", NotFound),
    // Of tags: the parameter isn't there.
    rule("ssm:", "InvalidResourceId", "", NotFound),
    // "There are concurrent updates for a resource that supports one update at a time."
    rule("ssm:", "TooManyUpdates", "", Busy),
];
