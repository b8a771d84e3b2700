//! When a wanted and a found value of a setting are the same.

use serde_json::{Map, Number, Value as Json};

use super::Meaning;

/// How deep two values are compared; what nests deeper counts as different. A policy document nests six deep.
const DEPTH_MAX: usize = 64;

/// Whether `found` is what `wanted` means. A wanted `Null` is the cloud's own default and never differs;
/// a wanted empty text is none, which is found as `Null`.
#[must_use]
pub fn same(meaning: Meaning, wanted: &Json, found: &Json) -> bool {
    if wanted.is_null() || (found.is_null() && wanted.as_str() == Some("")) {
        return true;
    }
    match meaning {
        Meaning::Unread => true,
        Meaning::Exact | Meaning::Note => exact(wanted, found, DEPTH_MAX),
        Meaning::Unordered => unordered(wanted, found, DEPTH_MAX),
        Meaning::Policy => match (document(wanted), document(found)) {
            (Some(wanted), Some(found)) => policy(&wanted, &found, DEPTH_MAX),
            _ => policy(wanted, found, DEPTH_MAX),
        },
    }
}

fn exact(a: &Json, b: &Json, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => number(a, b),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| exact(a, b, depth)),
        (Json::Object(a), Json::Object(b)) => objects(a, b, |a, b| exact(a, b, depth)),
        _ => a == b,
    }
}

fn unordered(a: &Json, b: &Json, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => sets(a, b, |a, b| unordered(a, b, depth)),
        (Json::Object(a), Json::Object(b)) => objects(a, b, |a, b| unordered(a, b, depth)),
        _ => exact(a, b, depth + 1),
    }
}

/// As IAM reads documents: one element stands for its array, `true` for `"true"`, the principal `"*"` for every account.
fn policy(a: &Json, b: &Json, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => sets(a, b, |a, b| policy(a, b, depth)),
        (Json::Array(many), one) | (one, Json::Array(many)) => !many.is_empty() && many.iter().all(|each| policy(each, one, depth)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, a)| {
                    b.get(name).is_some_and(|b| match name.as_str() {
                        "Principal" | "NotPrincipal" => policy(&anyone(a), &anyone(b), depth),
                        _ => policy(a, b, depth),
                    })
                })
        }
        (Json::Number(a), Json::Number(b)) => number(a, b),
        (Json::String(text), other) | (other, Json::String(text)) => match other {
            Json::String(other) => text == other,
            Json::Bool(other) => *text == other.to_string(),
            Json::Number(other) => *text == other.to_string(),
            _ => false,
        },
        _ => a == b,
    }
}

/// An account's id, where a principal names the account in one of its two spellings: the bare id, or its root's ARN.
fn account(principal: &str) -> Option<&str> {
    let id = match principal.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "iam", "", id, "root"] | [id] => *id,
        _ => return None,
    };
    (id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

/// `"*"` and `{"AWS": ["*"]}` spelled alike, and accounts too.
fn anyone(principal: &Json) -> Json {
    let everyone = |value: &Json| match value {
        Json::String(text) => text == "*",
        Json::Array(many) => many.len() == 1 && many.iter().all(|each| each == "*"),
        _ => false,
    };
    match principal {
        Json::Object(map) if map.len() == 1 && map.get("AWS").is_some_and(everyone) => Json::from("*"),
        Json::Array(_) if everyone(principal) => Json::from("*"),
        Json::Object(map) => Json::Object(map.iter().map(|(kind, names)| (kind.clone(), accounts(names))).collect()),
        other => other.clone(),
    }
}

fn accounts(names: &Json) -> Json {
    match names {
        Json::String(name) => Json::from(account(name).unwrap_or(name)),
        Json::Array(names) => Json::Array(names.iter().map(accounts).collect()),
        other => other.clone(),
    }
}

/// A policy document that came as text.
fn document(value: &Json) -> Option<Json> {
    match value {
        Json::String(text) => serde_json::from_str(text).ok().filter(Json::is_object),
        other => Some(other.clone()),
    }
}

fn objects(a: &Map<String, Json>, b: &Map<String, Json>, same: impl Fn(&Json, &Json) -> bool) -> bool {
    a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
}

fn sets(a: &[Json], b: &[Json], same: impl Fn(&Json, &Json) -> bool) -> bool {
    a.iter().all(|a| b.iter().any(|b| same(a, b))) && b.iter().all(|b| a.iter().any(|a| same(a, b)))
}

/// `1`, `1.0` and `1e0` are one number.
fn number(a: &Number, b: &Number) -> bool {
    if a == b {
        return true;
    }
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn meanings() {
        let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({ "x": [inner] }));
        let cases = [
            (Meaning::Exact, json!(null), json!(7), true),
            (Meaning::Exact, json!(7), json!(null), false),
            (Meaning::Exact, json!(""), json!(null), true),
            (Meaning::Exact, json!(""), json!("x"), false),
            (Meaning::Exact, json!("x"), json!(null), false),
            (Meaning::Exact, json!(1), serde_json::from_str("1.0").unwrap(), true),
            (Meaning::Exact, json!(1), json!(2), false),
            (Meaning::Exact, json!(1), json!("1"), false),
            (Meaning::Exact, json!([1, 2]), json!([2, 1]), false),
            (Meaning::Exact, json!({"a": 1}), json!({"a": 1, "b": null}), false),
            (Meaning::Unordered, json!([1, 2]), json!([2, 1]), true),
            (Meaning::Unordered, json!([1, 2]), json!([2, 1, 3]), false),
            (Meaning::Unordered, json!([1, 2, 3]), json!([2, 1]), false),
            (Meaning::Unordered, json!({"a": [[1, 2], 3]}), json!({"a": [3, [2, 1]]}), true),
            (Meaning::Unordered, json!(["a"]), json!("a"), false),
            (Meaning::Policy, json!({"Action": ["a"]}), json!({"Action": "a"}), true),
            (
                Meaning::Policy,
                json!({"Principal": {"AWS": "123456789012"}}),
                json!({"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}}),
                true,
            ),
            (
                Meaning::Policy,
                json!({"Principal": {"AWS": "123456789012"}}),
                json!({"Principal": {"AWS": "arn:aws:iam::210987654321:root"}}),
                false,
            ),
            (Meaning::Policy, json!({"Action": ["a", "b"]}), json!({"Action": ["b", "a"]}), true),
            (Meaning::Policy, json!({"Action": ["a", "b"]}), json!({"Action": "a"}), false),
            (Meaning::Policy, json!({"Action": []}), json!({"Action": "a"}), false),
            (Meaning::Policy, json!({"C": {"B": {"k": false}}}), json!({"C": {"B": {"k": "false"}}}), true),
            (Meaning::Policy, json!({"C": {"B": {"k": false}}}), json!({"C": {"B": {"k": "true"}}}), false),
            (Meaning::Policy, json!({"Principal": "*"}), json!({"Principal": {"AWS": ["*"]}}), true),
            (Meaning::Policy, json!({"Principal": "*"}), json!({"Principal": {"AWS": ["*", "x"]}}), false),
            (Meaning::Policy, json!(r#"{"Action": ["a"]}"#), json!({"Action": "a"}), true),
            (Meaning::Policy, json!({"Action": "a"}), json!({"Action": "a", "Sid": "x"}), false),
            (Meaning::Policy, json!("not JSON"), json!("not JSON"), true),
            (Meaning::Policy, json!("not JSON"), json!({"Action": "a"}), false),
            (Meaning::Unread, json!(1), json!(2), true),
            (Meaning::Exact, deep(20), deep(20), true),
            (Meaning::Exact, deep(100), deep(100), false),
        ];
        for (meaning, wanted, found, expected) in cases {
            assert_eq!(same(meaning, &wanted, &found), expected, "{meaning:?} {wanted} {found}");
        }
    }
}
