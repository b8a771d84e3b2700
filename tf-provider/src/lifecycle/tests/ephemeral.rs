//! Ephemeral resources that break the rule.

use super::*;

/// What is said about an open that answers so, and whether a value came of it.
async fn open_with(change: impl Fn(Value) -> Value + Send + 'static) -> (Vec<(String, String)>, bool) {
    let open = reply(move |request: OpenRequest| OpenResponse { result: change(opened(request.config)), ..OpenResponse::default() });
    let terraform = Terraform::new(Puppet { open, ..Puppet::default() });
    let part = Value::object([("tier", Value::from("p"))]);
    let config = Value::object([("name", Value::from("n")), ("parts", Value::List(vec![part]))]);
    match terraform.open_ephemeral("puppet_value", &config).await {
        Ok(opened) => (rules(&opened.diagnostics), opened.value.is_wholly_known() && !opened.value.is_null()),
        Err(said) => (rules(&said), false),
    }
}

#[tokio::test]
async fn i31_what_is_opened_is_known_conforms_and_keeps_what_is_set() {
    assert_eq!(open_with(|value| value).await, (vec![], true));
    assert_eq!(open_with(|value| with(value, "name", Value::from("other"))).await, (at("I31", "name"), false));
    assert_eq!(open_with(|value| with(value, "note", Value::from("not set"))).await, (at("I31", "note"), false));
    assert_eq!(open_with(|value| with(value, "id", Value::Unknown)).await, (at("I31", "id"), false));
    assert_eq!(open_with(|value| with(value, "outputs", Value::from("no list"))).await, (at("I31", "outputs"), false));
    assert_eq!(open_with(|_| Value::Null).await, (at("I31", ""), false));
    let other = Value::object([("tier", Value::from("q")), ("arn", Value::from("a"))]);
    assert_eq!(open_with(move |value| with(value, "parts", Value::List(vec![other.clone()]))).await, (at("I31", "parts[0].tier"), false));
}

#[tokio::test]
async fn an_error_of_its_own_stays_the_only_one() {
    let open = reply(|_| OpenResponse { diagnostics: failure(), ..OpenResponse::default() });
    let terraform = Terraform::new(Puppet { open, ..Puppet::default() });
    let said = terraform.open_ephemeral("puppet_value", &Value::object([("name", Value::from("n"))])).await.err().unwrap();
    assert_eq!(rules(&said), at("X", ""));
}
