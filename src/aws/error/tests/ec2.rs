use super::*;

/// One row a rule: operation, code, text, status, class.
#[rustfmt::skip]
pub(super) const CASES: &[(&str, &str, &str, u16, Class)] = &[];
