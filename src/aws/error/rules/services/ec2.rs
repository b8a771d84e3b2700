//! EC2, Auto Scaling, Elastic Load Balancing.

use super::super::Rule;

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[];
