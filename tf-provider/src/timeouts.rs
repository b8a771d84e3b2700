//! How long operations may take: the `timeouts` attribute.

use std::time::Duration;

use crate::{Attr, Diagnostic, Diagnostics, Model, Path, Value};

/// Longest timeout: no cloud operation takes longer, and credentials rarely last that long.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long operations may take. Durations are written as in Go: `30m`, `1h30m`, `90s`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub struct Timeouts {
    /// How long creating may take, e.g. `30m` or `1h30m`; at most `24h`.
    #[tf(optional, validate(check))]
    pub create: Attr<String>,
    /// How long reading may take, e.g. `5m`; at most `24h`.
    #[tf(optional, validate(check))]
    pub read: Attr<String>,
    /// How long updating may take, e.g. `30m` or `1h30m`; at most `24h`.
    #[tf(optional, validate(check))]
    pub update: Attr<String>,
    /// How long deleting may take, e.g. `30m` or `1h30m`; at most `24h`.
    #[tf(optional, validate(check))]
    pub delete: Attr<String>,
}

/// What a timeout is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Creating.
    Create,
    /// Reading.
    Read,
    /// Updating.
    Update,
    /// Deleting.
    Delete,
}

impl Timeouts {
    /// The timeout for `operation`: the user's, or else `default`. `timeouts` is the resource's attribute of this name.
    ///
    /// # Errors
    /// A diagnostic at the timeout's path, where it is no duration.
    pub fn duration(timeouts: &Attr<Self>, operation: Operation, default: Duration) -> Result<Duration, Diagnostics> {
        let Attr::Known(timeouts) = timeouts else { return Ok(default) };
        let (name, text) = match operation {
            Operation::Create => ("create", &timeouts.create),
            Operation::Read => ("read", &timeouts.read),
            Operation::Update => ("update", &timeouts.update),
            Operation::Delete => ("delete", &timeouts.delete),
        };
        let Attr::Known(text) = text else { return Ok(default) };
        parse_duration(text).map_err(|error| vec![diagnostic(&Path::of("timeouts").attribute(name), text, error)])
    }
}

/// Why a text is no timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not Go's syntax.
    #[error("this is not a duration: write numbers with units, e.g. `45s`, `30m` or `1h30m`")]
    Malformed,
    /// Zero or less.
    #[error("a timeout must be longer than zero")]
    NotPositive,
    /// More than [`TIMEOUT_MAX`].
    #[error("a timeout may be at most 24h")]
    TooLong,
}

/// Reads a duration as Go's `time.ParseDuration` does: `1h30m`, `1.5h`, `300ms`; units are `h`, `m`, `s`, `ms`, `us`, `µs`, `ns`.
///
/// # Errors
/// [`DurationError`].
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    if text.starts_with('-') {
        return Err(DurationError::NotPositive);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(DurationError::Malformed);
    }
    if rest == "0" {
        return Err(DurationError::NotPositive);
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (part, after) = parse_part(rest)?;
        nanos = nanos.checked_add(part).ok_or(DurationError::TooLong)?;
        rest = after;
    }
    match u64::try_from(nanos).map(Duration::from_nanos) {
        Ok(Duration::ZERO) => Err(DurationError::NotPositive),
        Ok(duration) if duration <= TIMEOUT_MAX => Ok(duration),
        _ => Err(DurationError::TooLong),
    }
}

/// One number with its unit, in nanoseconds, and what follows it.
fn parse_part(text: &str) -> Result<(u128, &str), DurationError> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Malformed);
    }
    let end = rest.find(|one: char| one.is_ascii_digit() || one == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end).ok_or(DurationError::Malformed)?;
    let unit: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(DurationError::Malformed),
    };
    // Nothing below a nanosecond counts, and an hour has 13 digits of them.
    const FRACTION_DIGITS_MAX: usize = 13;
    let kept: String = fraction.chars().take(FRACTION_DIGITS_MAX).collect();
    let number = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<u128>().map_err(|_| DurationError::TooLong) };
    let scale = kept.chars().fold(1, |scale: u128, _| scale * 10);
    let whole = number(whole)?.checked_mul(unit).ok_or(DurationError::TooLong)?;
    whole.checked_add(number(&kept)? * unit / scale).map(|nanos| (nanos, rest)).ok_or(DurationError::TooLong)
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|one: char| !one.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn check(value: &Value, at: &Path) -> Diagnostics {
    let Some(text) = value.as_str() else { return Vec::new() };
    parse_duration(text).err().map(|error| diagnostic(at, text, error)).into_iter().collect()
}

fn diagnostic(at: &Path, text: &str, error: DurationError) -> Diagnostic {
    Diagnostic::error(at.clone(), "Not a timeout", format!("{text:?}: {error}. Leave it out for the default."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schema;

    #[test]
    fn durations_are_gos() {
        for (text, millis) in [
            ("30m", 1_800_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("90s", 90_000),
            ("+2s", 2_000),
            (".5s", 500),
            ("1.s", 1_000),
            ("1s500ms", 1_500),
            ("2000us", 2),
            ("2000µs3000000ns", 5),
            ("24h", 86_400_000),
            ("0.0000000000000000000000001s1ms", 1),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "30", "m", "30 m", "30m ", "1d", "1h30", "1,5h", "1.2.3s", "s1", ".s", "1e3s", "é", "1é", "+", "1H"] {
            assert_eq!(parse_duration(text), Err(DurationError::Malformed), "{text:?}");
        }
        let long = format!("{}h", "9".repeat(100));
        for text in ["24h1ns", "25h", "99999999999999999999999h", "340282366920938463463374607431768211455ns1ns", long.as_str()] {
            assert_eq!(parse_duration(text), Err(DurationError::TooLong), "{text}");
        }
        for text in ["0", "0s", "-1s", "0.0000000001ns"] {
            assert_eq!(parse_duration(text), Err(DurationError::NotPositive), "{text}");
        }
    }

    #[test]
    fn the_users_timeout_wins_and_errors_have_a_path() {
        let default = Duration::from_secs(60);
        let timeouts =
            Attr::Known(Timeouts { create: Attr::Known("2m".to_owned()), delete: Attr::Known("soon".to_owned()), ..Timeouts::default() });
        assert_eq!(Timeouts::duration(&timeouts, Operation::Create, default), Ok(Duration::from_secs(120)));
        assert_eq!(Timeouts::duration(&timeouts, Operation::Update, default), Ok(default));
        assert_eq!(Timeouts::duration(&Attr::Null, Operation::Create, default), Ok(default));
        let errors = Timeouts::duration(&timeouts, Operation::Delete, default).err().unwrap_or_default();
        assert_eq!(errors.iter().map(|error| error.path.to_string()).collect::<Vec<_>>(), ["timeouts.delete"]);
    }

    #[test]
    fn the_schema_checks_them_at_validate() {
        let schema = Schema::of::<Timeouts>(0);
        assert_eq!(schema.check(), Vec::<String>::new());
        let found = schema.validate(&Value::object([("create", "1h".into()), ("read", "1".into()), ("update", Value::Unknown)]));
        assert_eq!(found.iter().map(|found| found.path.to_string()).collect::<Vec<_>>(), ["read"]);
    }
}
