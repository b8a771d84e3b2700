//! CloudWatch, CloudWatch Logs, SNS, EventBridge, Systems Manager.

use super::super::Rule;

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[];
