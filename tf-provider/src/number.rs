//! Exact numbers.

use std::{fmt, str::FromStr};

use bigdecimal::{BigDecimal, ToPrimitive};

/// Longest number that is accepted, in decimal digits before or after the point. Every 64-bit float fits (the smallest has 1,074
/// fractional digits), and `1e999999999` can't fill the memory once it is written out.
pub const NUMBER_DIGITS_MAX: u64 = 2_048;

/// A decimal: Terraform's numbers are never squeezed through a float. Holds up to [`NUMBER_DIGITS_MAX`] digits on each side of the point.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(BigDecimal);

/// Why a text or a float is no [`Number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not `-12.5e3` or the like.
    #[error("this is not a decimal number")]
    Malformed,
    /// More digits than [`NUMBER_DIGITS_MAX`].
    #[error("a number may have at most {NUMBER_DIGITS_MAX} digits on each side of the point")]
    TooLong,
    /// Infinity or not-a-number.
    #[error("a number must be finite")]
    NotFinite,
}

impl Number {
    /// Exactly this float.
    ///
    /// # Errors
    /// [`NumberError::NotFinite`] for infinities and NaN.
    pub fn from_f64(float: f64) -> Result<Self, NumberError> {
        BigDecimal::try_from(float).map(|number| Self(number.normalized())).map_err(|_| NumberError::NotFinite)
    }

    /// The number as an integer, where it is one and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if self.0.is_integer() { self.0.to_i64() } else { None }
    }

    /// The float that is exactly this number, where there is one.
    #[must_use]
    pub fn as_exact_f64(&self) -> Option<f64> {
        let float: f64 = self.0.to_scientific_notation().parse().ok()?;
        (Self::from_f64(float).as_ref() == Ok(self)).then_some(float)
    }

    /// Whether it has no fractional part.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.0.is_integer()
    }

    /// For arithmetic.
    #[must_use]
    pub fn as_decimal(&self) -> &BigDecimal {
        &self.0
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(BigDecimal::from(number).normalized())
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(BigDecimal::from(number).normalized())
    }
}

impl TryFrom<BigDecimal> for Number {
    type Error = NumberError;

    fn try_from(number: BigDecimal) -> Result<Self, Self::Error> {
        let number = number.normalized();
        let fraction = number.fractional_digit_count();
        let whole = i64::try_from(number.digits()).unwrap_or(i64::MAX).saturating_sub(fraction);
        let max = i64::try_from(NUMBER_DIGITS_MAX).unwrap_or(i64::MAX);
        if fraction > max || whole > max {
            return Err(NumberError::TooLong);
        }
        Ok(Self(number))
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_grammar(text)?;
        BigDecimal::from_str(text).map_err(|_| NumberError::Malformed)?.try_into()
    }
}

/// `[+-]digits[.digits][e[+-]digits]`, and short enough to be parsed: the parser's time grows with the square of the length.
fn check_grammar(text: &str) -> Result<(), NumberError> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.is_empty() || exponent.is_empty() || ![whole, fraction, exponent].into_iter().all(digits) {
        return Err(NumberError::Malformed);
    }
    let too_long = |part: &str| part.len() as u64 > NUMBER_DIGITS_MAX;
    let exponent_too_big = exponent.parse::<u64>().map_or(true, |exponent| exponent > NUMBER_DIGITS_MAX);
    if too_long(whole) || too_long(fraction) || exponent_too_big {
        return Err(NumberError::TooLong);
    }
    Ok(())
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.to_plain_string())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_exact() {
        for (text, want) in [
            ("0", "0"),
            ("-0", "0"),
            ("+7", "7"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("25E-1", "2.5"),
            ("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"),
            ("18446744073709551616", "18446744073709551616"),
        ] {
            assert_eq!(text.parse::<Number>().unwrap().to_string(), want);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "1e", "e5", "1_000", "0x10", "inf", "NaN", " 1", "1 ", "1,5", "--1", "1e+-5", "١"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn numbers_that_would_fill_the_memory_are_refused() {
        let long = "9".repeat(2_049);
        let shifted = format!("{}e2", "9".repeat(2_047));
        for text in [shifted.as_str(), "1e2048", "1e2049", "1e-2049", "1e999999999", "1e99999999999999999999999", long.as_str()] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::TooLong));
        }
        assert_eq!("1e2047".parse::<Number>().unwrap().to_string().len(), 2_048);
    }

    #[test]
    fn floats_are_taken_exactly() {
        for float in [0.0, -0.0, 0.1, 3.5, -1.25e-7, f64::MAX, f64::MIN_POSITIVE, 5e-324, 9_007_199_254_740_993.0] {
            assert_eq!(Number::from_f64(float).unwrap().as_exact_f64(), Some(float), "{float:e}");
        }
        for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Number::from_f64(float), Err(NumberError::NotFinite));
        }
        assert_eq!("0.1".parse::<Number>().unwrap().as_exact_f64(), None);
        assert_eq!("1e400".parse::<Number>().unwrap().as_exact_f64(), None);
        assert_eq!("1e-400".parse::<Number>().unwrap().as_exact_f64(), None);
    }

    #[test]
    fn integers_are_told_from_the_rest() {
        assert_eq!("1e3".parse::<Number>().unwrap().as_i64(), Some(1_000));
        assert_eq!("9223372036854775807".parse::<Number>().unwrap().as_i64(), Some(i64::MAX));
        assert_eq!("9223372036854775808".parse::<Number>().unwrap().as_i64(), None);
        assert_eq!("-9223372036854775808".parse::<Number>().unwrap().as_i64(), Some(i64::MIN));
        assert_eq!("1.5".parse::<Number>().unwrap().as_i64(), None);
    }
}
