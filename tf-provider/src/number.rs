//! Exact numbers.

use std::{fmt, str::FromStr};

/// A decimal of any size and precision: Terraform's numbers are never squeezed through a float.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub bigdecimal::BigDecimal);

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.into())
    }
}

impl FromStr for Number {
    type Err = bigdecimal::ParseBigDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bigdecimal::BigDecimal::from_str(text).map(|number| Self(number.normalized()))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.to_plain_string())
    }
}
