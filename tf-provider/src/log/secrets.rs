//! What must never be shown: values are registered as they come in, and cut out of every text that goes out.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

use crate::{Attribute, AttributeType, Value};

/// Shorter secrets can't be masked: they would be cut out of ordinary words.
const SECRET_CHARS_MIN: usize = 4;
/// Registered forms at most. Past it, texts are withheld as a whole: nothing leaks, and memory stays bounded.
const SECRETS_MAX: usize = 20_000;
/// What stands where a secret stood.
const MASK: &str = "(sensitive value)";

/// Longest first, so that a secret that contains another one goes as a whole.
static SECRETS: RwLock<BTreeSet<(Reverse<usize>, String)>> = RwLock::new(BTreeSet::new());

/// Registers a secret: from now on no log line and no diagnostic of this process shows it, as it is, escaped or URL-encoded.
/// Secrets of fewer than four characters can't be told from ordinary text and are not masked.
pub fn mask(secret: &str) {
    for part in [secret, secret.trim()].into_iter().chain(secret.lines()) {
        register(part);
    }
}

fn register(secret: &str) {
    if secret.chars().count() < SECRET_CHARS_MIN {
        return;
    }
    let mut secrets = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    for form in forms(secret) {
        if secrets.len() <= SECRETS_MAX {
            secrets.insert((Reverse(form.len()), form.into_owned()));
        }
    }
}

/// The ways in which a secret appears in a text: plain, in Debug output, in JSON, in a URL.
fn forms(secret: &str) -> [Cow<'_, str>; 4] {
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json).to_owned();
    let debug = secret.escape_debug().to_string();
    [secret.into(), debug.into(), json.into(), percent_encoded(secret).into()]
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The text without any registered secret.
#[must_use]
pub fn masked(text: &str) -> String {
    let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    if secrets.len() > SECRETS_MAX {
        return "(withheld: more secrets than can be masked)".to_owned();
    }
    let mut clean = text.to_owned();
    for (_, secret) in secrets.iter() {
        if clean.contains(secret.as_str()) {
            clean = clean.replace(secret.as_str(), MASK);
        }
    }
    clean
}

/// Registers every string below a sensitive or write-only attribute.
pub(crate) fn mask_value(attributes: &[Attribute], value: &Value) {
    for attribute in attributes {
        let inner = value.get(&attribute.name);
        if attribute.sensitive || attribute.write_only {
            mask_strings(inner);
        } else if let AttributeType::Nested(_, nested) = &attribute.ty {
            for object in objects(inner, nested) {
                mask_value(nested, object);
            }
        }
    }
}

/// The objects of a nested attribute, whatever holds them together.
fn objects<'v>(value: &'v Value, nested: &[Attribute]) -> Vec<&'v Value> {
    match value {
        Value::List(items) => items.iter().collect(),
        // One object has exactly its schema's attributes; a map's keys are the user's.
        Value::Map(items) if items.keys().eq(nested.iter().map(|attribute| &attribute.name).collect::<BTreeSet<_>>()) => vec![value],
        Value::Map(items) => items.values().collect(),
        _ => Vec::new(),
    }
}

fn mask_strings(value: &Value) {
    match value {
        Value::String(text) => mask(text),
        Value::List(items) => items.iter().for_each(mask_strings),
        Value::Map(items) => items.values().for_each(mask_strings),
        Value::Dynamic(inner) => mask_strings(&inner.1),
        Value::Null | Value::Unknown | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_in_each_of_its_forms() {
        let secret = "wJalr/K7+\"quoted\"";
        mask(secret);
        for text in [format!("plain {secret}."), format!("{:?}", Some(secret)), serde_json::json!({ "k": secret }).to_string()] {
            let clean = masked(&text);
            assert!(!clean.contains("K7+") && !clean.contains("quoted"), "{clean}");
        }
        assert_eq!(masked("https://x/?k=wJalr%2FK7%2B%22quoted%22&a=b"), format!("https://x/?k={MASK}&a=b"));
    }

    #[test]
    fn the_longer_of_two_overlapping_secrets_goes_whole() {
        mask("overlap");
        mask("overlap-and-more");
        assert_eq!(masked("see overlap-and-more"), format!("see {MASK}"));
    }

    #[test]
    fn each_line_of_a_private_key_is_a_secret() {
        mask("-----BEGIN TEST KEY-----\nMIIEvQIBADANBg\n");
        assert!(!masked("openssl said MIIEvQIBADANBg is odd").contains("MIIEvQIBADANBg"));
    }

    #[test]
    fn short_texts_stay_readable() {
        mask("abc");
        assert_eq!(masked("abc abcd"), "abc abcd");
    }
}
