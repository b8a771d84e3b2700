//! What IAM's components share: policy documents, tags, absence.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use crate::graph::Guard;

/// IAM's documents as the API takes them: JSON text. A string is taken as text already.
pub(super) fn text_of(document: &Json) -> String {
    match document {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A document as the API gives it (percent-encoded JSON, RFC 3986) as JSON; what isn't JSON is reported as it is, which is drift.
pub(super) fn document(encoded: &str) -> Json {
    let text = percent_decode_str(encoded).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_else(|_| Json::String(text.into_owned()))
}

/// Tags as the API takes them.
pub(super) fn api_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    // `build` fails only without key or value, and both are given.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// Tags as the engine takes them: those of AWS itself left out.
pub(super) fn own_tags(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().filter(|tag| !tag.key().starts_with("aws:")).map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// Every item of a paginated list; none where what it is asked of has gone.
macro_rules! all {
    ($call:expr, $action:expr) => {{
        let items: Result<Vec<_>, _> = $call.into_paginator().items().send().collect().await;
        crate::aws::Absent::absent(items, $action).map(Option::unwrap_or_default)
    }};
}
pub(super) use all;

/// The two parts of an id like `ROLE:NAME`.
pub(super) fn parts(id: Option<&str>, separator: char) -> Option<(&str, &str)> {
    id?.split_once(separator).filter(|(first, second)| !first.is_empty() && !second.is_empty())
}

/// The guard for what others attached to `holder`: all of `names` that are not `ours`. No attribute allows it.
pub(super) fn foreign(holder: &str, what: &str, remedy: &str, names: &[String], ours: &[String]) -> Option<Guard> {
    let foreign: Vec<&str> = names.iter().filter(|name| !ours.contains(name)).map(String::as_str).collect();
    (!foreign.is_empty()).then(|| {
        let list = foreign.join(", ");
        Guard { attribute: String::new(), reason: format!("{holder} {what}, not made by this resource: {list}; {remedy} them first") }
    })
}

/// Replies of a Query service for tests.
#[cfg(test)]
pub(super) mod replies {
    /// A success.
    pub(in super::super) fn reply(action: &str, result: &str) -> String {
        format!(
            "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>{result}</{action}Result>\
             <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>"
        )
    }

    /// An error.
    pub(in super::super) fn error(code: &str, message: &str) -> String {
        format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_come_percent_encoded() {
        assert_eq!(document("%7B%22Version%22%3A%20%222012-10-17%22%7D"), json!({"Version": "2012-10-17"}));
        assert_eq!(document(r#"{"Resource":"a+b"}"#), json!({"Resource": "a+b"}), "a plus is a plus: IAM encodes by RFC 3986");
        assert_eq!(document("%7Bbroken"), json!("{broken"));
        assert_eq!(document("%FF"), json!("\u{fffd}"));
    }

    #[test]
    fn documents_go_as_text() {
        assert_eq!(text_of(&json!({"a": [1]})), r#"{"a":[1]}"#);
        assert_eq!(text_of(&json!("{ }")), "{ }");
    }

    #[test]
    fn tags_of_aws_are_not_ours() {
        let tags = BTreeMap::from([("aws:cloudformation:stack".to_owned(), "x".to_owned()), ("team".to_owned(), String::new())]);
        assert_eq!(own_tags(&api_tags(&tags)), BTreeMap::from([("team".to_owned(), String::new())]));
    }

    #[test]
    fn ids_of_two_parts() {
        let cases = [
            (Some("r:p"), Some(("r", "p"))),
            (Some("r:p:q"), Some(("r", "p:q"))),
            (Some("r"), None),
            (Some(":p"), None),
            (Some("r:"), None),
            (None, None),
        ];
        for (id, expected) in cases {
            assert_eq!(parts(id, ':'), expected, "{id:?}");
        }
    }
}
