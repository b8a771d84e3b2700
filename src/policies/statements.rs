//! Statements that users bring, and telling them from ours.

use serde_json::Value as Json;

/// The start of every `Sid` that we write: what begins otherwise is somebody else's.
pub(super) const OUR_SID: &str = "Deeploy";

/// Reads the user's `policy_statements`: one statement, a list of them, or a whole document.
///
/// # Errors
/// Says what is wrong with the text, for a diagnostic.
pub fn parse_statements(text: &str) -> Result<Vec<Json>, String> {
    parse(text, &[["Action", "NotAction"], ["Resource", "NotResource"], ["Principal", "NotPrincipal"]])
}

/// The same for a trust policy, whose resource is the role itself.
///
/// # Errors
/// Says what is wrong with the text, for a diagnostic.
pub fn parse_trust_statements(text: &str) -> Result<Vec<Json>, String> {
    parse(text, &[["Action", "NotAction"], ["Principal", "NotPrincipal"]])
}

fn parse(text: &str, elements: &[[&str; 2]]) -> Result<Vec<Json>, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("It is not JSON: {error}."))?;
    let statements = match json {
        Json::Array(items) => items,
        Json::Object(mut document) => match document.remove("Statement") {
            Some(Json::Array(items)) => items,
            Some(one) => vec![one],
            None => vec![Json::Object(document)],
        },
        _ => return Err("It is neither a statement, nor a list of statements, nor a policy document.".to_owned()),
    };
    if statements.is_empty() {
        return Err("It holds no statement.".to_owned());
    }
    for (position, statement) in statements.iter().enumerate() {
        check(statement, elements).map_err(|problem| format!("Statement {}: {problem}", position.saturating_add(1)))?;
    }
    Ok(statements)
}

/// AWS accepts a statement without actions in a key policy and silently ignores it, so the shape is checked here.
fn check(statement: &Json, elements: &[[&str; 2]]) -> Result<(), String> {
    let Some(fields) = statement.as_object() else { return Err("it is not an object.".to_owned()) };
    if !matches!(fields.get("Effect").and_then(Json::as_str), Some("Allow" | "Deny")) {
        return Err("`Effect` must be \"Allow\" or \"Deny\".".to_owned());
    }
    for alternatives in elements {
        let given = alternatives.iter().filter(|name| fields.contains_key(**name)).count();
        if given != 1 {
            return Err(format!("it needs either `{}` or `{}`.", alternatives[0], alternatives[1]));
        }
    }
    if fields.get("Sid").and_then(Json::as_str).is_some_and(|sid| sid.starts_with(OUR_SID)) {
        return Err(format!("a `Sid` that starts with {OUR_SID} is reserved for the provider's own statements: choose another."));
    }
    Ok(())
}

/// The statements of a live document that we didn't write.
#[must_use]
pub fn foreign_statements(document: &Json) -> Vec<Json> {
    statements_of(document).into_iter().filter(|statement| !sid(statement).starts_with(OUR_SID)).cloned().collect()
}

pub(super) fn statements_of(document: &Json) -> Vec<&Json> {
    match document.get("Statement") {
        Some(Json::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

pub(super) fn sid(statement: &Json) -> &str {
    statement.get("Sid").and_then(Json::as_str).unwrap_or_default()
}

/// A string or a list of strings, as IAM writes both.
pub(super) fn strings(json: Option<&Json>) -> Vec<String> {
    match json {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_a_list_and_a_document_are_read() {
        let one = r#"{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}"#;
        for text in [one.to_owned(), format!("[{one}]"), format!(r#"{{"Version":"2012-10-17","Statement":[{one}]}}"#)] {
            assert_eq!(parse_statements(&text).map(|found| found.len()), Ok(1), "{text}");
        }
    }

    #[test]
    fn what_aws_would_ignore_or_refuse_is_refused_with_its_position() {
        for (text, expected) in [
            ("{", "not JSON"),
            ("7", "neither"),
            (r#"[{"Effect":"allow"}]"#, "Statement 1: `Effect`"),
            (r#"[{"Effect":"Allow","Principal":"*","Resource":"*"}]"#, "`Action`"),
            (r#"{"Sid":"DeeployUse","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#, "reserved"),
        ] {
            let problem = parse_statements(text).expect_err(text);
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
