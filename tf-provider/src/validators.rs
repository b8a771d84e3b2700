//! Ready-made validators. None of their messages holds the value: it may be a secret, and Terraform shows the line anyway.

use std::sync::Arc;

use regex_lite::Regex;

use crate::{Diagnostic, Number, Path, Validator, Value};

/// The length is between these, both allowed: characters of a string, elements of a list, set or map.
#[must_use]
pub fn length_between(min: usize, max: usize) -> Validator {
    Arc::new(move |value, at| {
        let (length, unit) = match value {
            Value::String(text) => (text.chars().count(), "character"),
            Value::List(items) => (items.len(), "element"),
            Value::Map(items) => (items.len(), "element"),
            _ => return Vec::new(),
        };
        if (min..=max).contains(&length) {
            return Vec::new();
        }
        let plural = if length == 1 { "" } else { "s" };
        let remedy = if length < min { "Make it longer" } else { "Make it shorter" };
        error(at, "Wrong length", format!("It has {length} {unit}{plural}, but must have {min} to {max}. {remedy}."))
    })
}

/// The string is one of these.
#[must_use]
pub fn one_of(allowed: &[&str]) -> Validator {
    let allowed: Vec<String> = allowed.iter().map(|&text| text.to_owned()).collect();
    Arc::new(move |value, at| match value {
        Value::String(text) if !allowed.contains(text) => {
            let list: Vec<_> = allowed.iter().map(|text| format!("{text:?}")).collect();
            let remedy = match nearest(text, &allowed) {
                Some(near) => format!("Did you mean {near:?}?"),
                None => "Choose one of them.".to_owned(),
            };
            error(at, "Not one of the allowed values", format!("It must be one of {}. {remedy}", list.join(", ")))
        }
        _ => Vec::new(),
    })
}

/// The number is whole and between these, both allowed.
#[must_use]
pub fn integer_between(min: i64, max: i64) -> Validator {
    Arc::new(move |value, at| match value {
        Value::Number(number) if !number.is_integer() => {
            error(at, "Not a whole number", format!("It must be a whole number from {min} to {max}. Write it without a fraction."))
        }
        Value::Number(number) if *number < Number::from(min) || *number > Number::from(max) => {
            let remedy = if *number < Number::from(min) { "Raise it" } else { "Lower it" };
            error(at, "Number out of range", format!("It is {number}, but must be a whole number from {min} to {max}. {remedy}."))
        }
        _ => Vec::new(),
    })
}

/// The whole string matches `pattern` (regex-lite's syntax, anchored at both ends); `must_be` ends the sentence "It must be …".
#[must_use]
pub fn matches(pattern: &str, must_be: &str) -> Validator {
    let regex = Regex::new(&format!("^(?:{pattern})$"));
    let must_be = must_be.to_owned();
    Arc::new(move |value, at| match (value, &regex) {
        (Value::String(text), Ok(regex)) if !regex.is_match(text) => {
            error(at, "Wrong form", format!("It must be {must_be}. Write it in that form."))
        }
        (Value::String(_), Err(problem)) => error(
            at,
            "The provider's own check is wrong",
            format!("This is a bug in the provider; report it. The pattern can't be read: {problem}"),
        ),
        _ => Vec::new(),
    })
}

/// Another validator over each known element of a list, set or map.
#[must_use]
pub fn each(validator: Validator) -> Validator {
    let check = move |value: &Value, at: &Path| match value {
        Value::Null | Value::Unknown => Vec::new(),
        known => validator(known.plain(), at),
    };
    Arc::new(move |value, at| match value {
        Value::List(items) => items.iter().enumerate().flat_map(|(index, item)| check(item, &at.index(index))).collect(),
        Value::Map(items) => items.iter().flat_map(|(key, item)| check(item, &at.key(key))).collect(),
        _ => Vec::new(),
    })
}

fn error(at: &Path, summary: &str, detail: String) -> Vec<Diagnostic> {
    vec![Diagnostic::error(at.clone(), summary, detail)]
}

/// The allowed value that is at most two edits away.
fn nearest<'a>(text: &str, allowed: &'a [String]) -> Option<&'a String> {
    const EDITS_MAX: usize = 2;
    // Longer texts can't be near, and edit distance takes time in the square of the length.
    let near_in_length = |other: &&String| text.len().abs_diff(other.len()) <= EDITS_MAX;
    let measured = allowed.iter().filter(near_in_length).map(|other| (edits(text, other), other));
    measured.filter(|(edits, _)| *edits <= EDITS_MAX).min().map(|(_, other)| other)
}

fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (above, a) in a.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (diagonal + usize::from(a != b)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn details(validator: &Validator, value: impl Into<Value>) -> String {
        let found = validator(&value.into(), &Path::of("a"));
        found.into_iter().map(|found| format!("{}|{}|{}", found.path, found.summary, found.detail)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn lengths_count_characters_and_elements() {
        let validator = length_between(2, 3);
        for good in [Value::from("üü"), Value::from("abc"), Value::from(vec![1, 2]), Value::from(7)] {
            assert_eq!(details(&validator, good), "");
        }
        assert_eq!(details(&validator, "x"), "a|Wrong length|It has 1 character, but must have 2 to 3. Make it longer.");
        assert_eq!(details(&validator, vec![1, 2, 3, 4]), "a|Wrong length|It has 4 elements, but must have 2 to 3. Make it shorter.");
        assert!(details(&validator, Value::object([])).contains("0 elements"));
    }

    #[test]
    fn choices_suggest_the_nearest() {
        let validator = one_of(&["production", "development", "base"]);
        assert_eq!(details(&validator, "base"), "");
        assert!(details(&validator, "prodution").ends_with("Did you mean \"production\"?"));
        assert!(details(&validator, "staging").ends_with("one of \"production\", \"development\", \"base\". Choose one of them."));
        assert!(details(&validator, "bse".repeat(100_000)).contains("Choose one"));
    }

    #[test]
    fn integers_have_a_range() {
        let validator = integer_between(90, 2_560);
        for good in ["90", "2560", "1e2"] {
            assert_eq!(details(&validator, good.parse::<Number>().unwrap()), "");
        }
        assert_eq!(details(&validator, 89), "a|Number out of range|It is 89, but must be a whole number from 90 to 2560. Raise it.");
        assert!(details(&validator, 2_561).contains("Lower it"));
        assert!(details(&validator, "90.5".parse::<Number>().unwrap()).contains("Not a whole number"));
    }

    #[test]
    fn patterns_match_the_whole_string() {
        let validator = matches("[a-z]+|[0-9]", "lower-case letters, or one digit");
        assert_eq!(details(&validator, "abc") + &details(&validator, "7"), "");
        for bad in ["", "a7", "77", "abc\n"] {
            assert_eq!(
                details(&validator, bad),
                "a|Wrong form|It must be lower-case letters, or one digit. Write it in that form.",
                "{bad:?}"
            );
        }
        assert!(details(&matches("(", "x"), "y").contains("bug in the provider"));
    }

    #[test]
    fn elements_are_checked_one_by_one() {
        let validator = each(one_of(&["a"]));
        let list = Value::List(vec!["a".into(), Value::Unknown, Value::Null, "secret".into()]);
        let found = details(&validator, list);
        assert!(found.starts_with("a[3]|") && !found.contains("secret"), "{found}");
        assert!(details(&validator, Value::object([("k", "b".into())])).starts_with("a[\"k\"]|"));
    }
}
