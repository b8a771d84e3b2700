//! EKS.

use super::super::Rule;

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[];
