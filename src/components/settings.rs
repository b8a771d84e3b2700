//! Reading settings: the engine hands them over as JSON by name.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::graph::{Class, Failure};

/// Settings by name.
pub(super) type Settings = BTreeMap<String, Json>;

/// A text that is there and not empty.
pub(super) fn text<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// A text that the blueprint must give. Errors: [`Class::Bug`], since a resource's model makes sure of it.
pub(super) fn required<'a>(settings: &'a Settings, name: &str, operation: &str) -> Result<&'a str, Failure> {
    text(settings, name).ok_or_else(|| bug(operation, format!("the setting `{name}` is missing")))
}

/// A JSON value that the blueprint must give.
pub(super) fn value<'a>(settings: &'a Settings, name: &str, operation: &str) -> Result<&'a Json, Failure> {
    settings.get(name).filter(|value| !value.is_null()).ok_or_else(|| bug(operation, format!("the setting `{name}` is missing")))
}

/// A whole number that fits the SDK's type.
pub(super) fn number<N: TryFrom<i64>>(settings: &Settings, name: &str) -> Option<N> {
    settings.get(name).and_then(Json::as_i64).and_then(|number| N::try_from(number).ok())
}

/// The texts of a list; `None` where the list isn't given.
pub(super) fn texts(settings: &Settings, name: &str) -> Option<Vec<String>> {
    let list = settings.get(name)?.as_array()?;
    Some(list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

/// An optional text as JSON: null where there is none.
pub(super) fn json(text: Option<&str>) -> Json {
    text.filter(|text| !text.is_empty()).map_or(Json::Null, Json::from)
}

/// Pairs of name and value as a map.
pub(super) fn map<const N: usize>(pairs: [(&str, Json); N]) -> Settings {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A reply or a blueprint that can't be.
pub(super) fn bug(operation: &str, message: impl Into<String>) -> Failure {
    failure(Class::Bug, operation, message)
}

/// A refusal of ours, without a reply of AWS.
pub(super) fn failure(class: Class, operation: &str, message: impl Into<String>) -> Failure {
    Failure {
        class,
        operation: operation.to_owned(),
        code: None,
        request_id: None,
        message: message.into(),
        attribute: None,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn empty_and_null_are_nothing() {
        let settings = map([("a", json!("x")), ("b", json!("")), ("c", Json::Null), ("n", json!(3600)), ("l", json!(["p", "q"]))]);
        assert_eq!((text(&settings, "a"), text(&settings, "b"), text(&settings, "c"), text(&settings, "d")), (Some("x"), None, None, None));
        assert_eq!(number::<i32>(&settings, "n"), Some(3600));
        assert_eq!(number::<u8>(&settings, "n"), None);
        assert_eq!(texts(&settings, "l").unwrap(), ["p", "q"]);
        assert_eq!(texts(&settings, "a"), None);
        assert_eq!(required(&settings, "b", "iam:X").unwrap_err().class, Class::Bug);
        assert_eq!(value(&settings, "c", "iam:X").unwrap_err().message, "the setting `c` is missing");
        assert_eq!((json(Some("")), json(None), json(Some("x"))), (Json::Null, Json::Null, json!("x")));
    }
}
