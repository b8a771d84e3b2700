//! Reads and imports that break the rules.

use super::*;

/// What a read says, of an object that exists, when it answers so; and whether the state is still what it was.
async fn read_with(change: impl Fn(ReadRequest) -> ReadResponse + Send + 'static) -> (Vec<(String, String)>, bool) {
    let terraform = Terraform::new(Puppet { read: reply(change), ..Puppet::default() });
    let mut object = terraform.object("puppet_thing");
    object.set_state(&Value::object([("name", Value::from("n")), ("id", Value::from("i"))]));
    let before = object.state().clone();
    let outcome = object.read().await;
    (rules(&outcome.err().unwrap_or_default()), object.state() == &before)
}

#[tokio::test]
async fn i23_a_read_is_known_and_conforms() {
    let changed = |name: &'static str, value: Value| {
        move |request: ReadRequest| ReadResponse { state: with(request.state, name, value.clone()), ..ReadResponse::default() }
    };
    assert_eq!(read_with(changed("id", Value::Unknown)).await, (at("I23", "id"), true));
    assert_eq!(read_with(changed("outputs", Value::from("no list"))).await, (at("I23", "outputs"), true));
    assert_eq!(read_with(changed("class", Value::from("drifted"))).await, (vec![], false));
}

#[tokio::test]
async fn i25_a_failed_read_proves_nothing() {
    assert_eq!(read_with(|_| ReadResponse { diagnostics: failure(), ..ReadResponse::default() }).await, (at("X", ""), true));
    assert_eq!(read_with(|_| ReadResponse::default()).await, (vec![], false));
}

#[tokio::test]
#[should_panic(expected = "rule I26")]
async fn i26_a_read_after_an_apply_shows_no_change() {
    let read = reply(|request: ReadRequest| ReadResponse { state: with(request.state, "name", Value::from("N")), ..Default::default() });
    let terraform = Terraform::new(Puppet { read, ..Puppet::default() });
    let _ = terraform.object("puppet_thing").apply(&config()).await;
}

#[tokio::test]
async fn i28_an_import_is_an_object_or_an_error() {
    for (state, expected) in [
        (Value::Null, at("I28", "")),
        (Value::object([("id", Value::Unknown)]), at("I28", "id")),
        (Value::object([("outputs", Value::from("no list"))]), at("I28", "outputs")),
        (Value::object([("name", Value::from("n"))]), vec![]),
    ] {
        let import = reply(move |_| ImportResponse { state: state.clone(), ..ImportResponse::default() });
        let terraform = Terraform::new(Puppet { import, ..Puppet::default() });
        let outcome = terraform.object("puppet_thing").import("i").await;
        assert_eq!(rules(&outcome.err().unwrap_or_default()), expected);
    }
}

#[tokio::test]
#[should_panic(expected = "rule I28")]
async fn i28_an_import_of_nothing_is_not_silent() {
    let read = reply(|_| ReadResponse::default());
    let _ = Terraform::new(Puppet { read, ..Puppet::default() }).object("puppet_thing").import("i").await;
}
