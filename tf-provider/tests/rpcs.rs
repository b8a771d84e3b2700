//! The RPCs over the probe provider, from Terraform's side.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[allow(dead_code, unreachable_pub)]
mod probe;

use tf_provider::{
    Capabilities, Diagnostic, Type, Value,
    testing::{Action, Terraform},
};

fn terraform() -> Terraform {
    Terraform::new(probe::Probe)
}

fn text(value: &str) -> Value {
    Value::from(value)
}

fn part(tier: &str) -> Value {
    Value::object([("tier", text(tier))])
}

fn everything() -> Value {
    let list = |items: &[&str]| Value::List(items.iter().map(|item| text(item)).collect());
    Value::object([
        ("name", text("n")),
        ("text", text("t")),
        ("flag", Value::from(true)),
        ("number", Value::Number("123456789012345678901234567890.5".parse().unwrap())),
        ("anything", Value::Dynamic(Box::new((Type::list(Type::Number), Value::List(vec![Value::from(1)]))))),
        ("list", list(&["b", "a"])),
        ("set", list(&["b", "a"])),
        ("map", Value::object([("one", Value::from(1))])),
        ("tuple", Value::List(vec![text("x"), Value::from(true)])),
        ("object", Value::object([("a", text("q")), ("b", Value::List(vec![Value::from(1)]))])),
        ("single", part("gold")),
        ("parts", Value::List(vec![part("p1"), part("p2")])),
        ("members", Value::List(vec![part("m1"), part("m2")])),
        ("peers", Value::object([("k", part("k1"))])),
        ("password", text("rpc-canary-password")),
        ("password_version", Value::from(1)),
    ])
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let Value::Map(mut items) = object.clone() else { panic!("no object") };
    items.insert(name.to_owned(), value);
    Value::Map(items)
}

fn only(said: &[Diagnostic]) -> &Diagnostic {
    assert_eq!(said.len(), 1, "{said:#?}");
    &said[0]
}

#[tokio::test]
async fn one_of_everything_lives_and_dies() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    thing.check_unknowns(&everything()).await;
    thing.apply(&everything()).await.unwrap();
    assert_eq!(thing.state().get("id"), &text("id-n"));
    assert_eq!(thing.state().get("class"), &text("standard"), "the default");
    assert_eq!(thing.state().get("single").get("weight"), &Value::from(7), "the nested default");
    assert_eq!(thing.state().get("parts").as_list().unwrap()[1].get("arn"), &text("arn:p2"));
    assert!(thing.state().get("password").is_null());
    assert_eq!(thing.private(), b"applied");
    assert_eq!(thing.identity().get("name"), &text("n"));

    let changed = with(&everything(), "text", text("other"));
    assert_eq!(thing.plan(&changed).await.unwrap().action, Action::Update);
    thing.apply(&changed).await.unwrap();

    let renamed = with(&everything(), "name", text("m"));
    let plan = thing.plan(&renamed).await.unwrap();
    assert_eq!((plan.action, plan.requires_replace[0].to_string().as_str()), (Action::Replace, "name"));
    thing.apply_plan(plan, &renamed).await.unwrap();
    assert_eq!(thing.state().get("id"), &text("id-m"));
    thing.destroy().await.unwrap();
    assert!(thing.state().is_null());
}

#[tokio::test]
async fn what_is_unknown_at_plan_may_become_known_at_apply() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    let plan = thing.plan(&with(&everything(), "text", Value::Unknown)).await.unwrap();
    assert!(plan.planned.get("text").is_unknown());
    thing.apply_plan(plan, &everything()).await.unwrap();
    assert_eq!(thing.state().get("text"), &text("t"));
}

#[tokio::test]
async fn a_failed_create_is_kept_tainted_and_can_be_untainted() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    let failing = with(&everything(), "behaviour", text("fail"));
    thing.apply(&failing).await.unwrap_err();
    assert!(thing.is_tainted() && thing.state().get("id") == &text("id-n"));
    assert_eq!(thing.plan(&everything()).await.unwrap().action, Action::Replace);
    thing.untaint();
    assert_eq!(thing.plan(&everything()).await.unwrap().action, Action::Update);
    thing.apply(&everything()).await.unwrap();
}

#[tokio::test]
async fn secrets_never_show_in_diagnostics() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    let said = thing.apply(&with(&everything(), "behaviour", text("leak"))).await.unwrap();
    let shown = only(&said);
    assert!(shown.detail.contains("(sensitive value)") && !shown.detail.contains("canary"), "{shown:?}");
    // `token` is a computed sensitive attribute: what the provider made is as secret as what the user gave.
    assert!(!shown.detail.contains("token-of-n"), "{shown:?}");
}

#[tokio::test]
async fn an_interrupt_reaches_a_running_apply() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    let waiting = with(&everything(), "behaviour", text("wait"));
    let plan = thing.plan(&waiting).await.unwrap();
    let (outcome, ()) = tokio::join!(thing.apply_plan(plan, &waiting), terraform.interrupt());
    assert_eq!(only(&outcome.unwrap_err()).summary, "Interrupted");
    assert!(!thing.state().is_null());
}

#[tokio::test]
async fn a_client_without_write_only_attributes_is_told_so_at_the_attribute() {
    let terraform = terraform().with_capabilities(Capabilities::default());
    let thing = terraform.object("probe_thing");
    let said = thing.validate(&everything()).await;
    assert_eq!(only(&said).path.to_string(), "password");
    assert!(thing.validate(&with(&everything(), "password", Value::Null)).await.is_empty());
}

#[tokio::test]
async fn states_of_older_releases_are_read() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    // Version 0 called the name `title`, had an attribute that is gone, and knew none of the newer ones.
    let old =
        r#"{"title":"n","gone":true,"number":123456789012345678901234567890.5,"anything":{"type":"number","value":1},"password":"x"}"#;
    thing.upgrade(0, old).await.unwrap();
    assert_eq!(thing.state().get("name"), &text("n"));
    assert!(thing.state().get("text").is_null());
    assert!(thing.state().get("password").is_null());
    // JSON's form of a dynamic value is not msgpack's: it must come out decoded, not echoed.
    assert_eq!(thing.state().get("anything"), &Value::Dynamic(Box::new((Type::Number, Value::from(1)))));
    assert_eq!(thing.state().get("number"), everything().get("number"));
    // The current version comes through here, too.
    thing.upgrade(2, r#"{"name":"n"}"#).await.unwrap();
    let future = thing.upgrade(3, r#"{"name":"n"}"#).await.unwrap_err();
    assert!(only(&future).detail.contains("newer release") && only(&future).detail.contains("init -upgrade"), "{future:?}");
    let broken = thing.upgrade(2, r#"{"name":"#).await.unwrap_err();
    assert!(only(&broken).detail.contains("JSON"), "{broken:?}");
}

#[tokio::test]
async fn imports_by_id_and_identity() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    thing.import("n").await.unwrap();
    assert_eq!(thing.state().get("id"), &text("id-n"));
    assert_eq!(thing.plan(&Value::object([("name", text("n"))])).await.unwrap().action, Action::NoOp);
    let mut other = terraform.object("probe_thing");
    other.import_identity(&Value::object([("name", text("by-identity"))])).await.unwrap();
    assert_eq!(other.identity().get("name"), &text("by-identity"));
    assert_eq!(only(&other.import("missing").await.unwrap_err()).summary, "There is no such thing");
}

#[tokio::test]
async fn moves_from_a_type_that_is_known_and_refuses_others() {
    let terraform = terraform();
    let mut thing = terraform.object("probe_thing");
    thing.move_from("registry.terraform.io/example/old", "old_thing", 0, r#"{"label":"n"}"#).await.unwrap();
    assert_eq!(thing.state().get("name"), &text("n"));
    let refused = thing.move_from("registry.terraform.io/example/old", "other_thing", 0, "{}").await.unwrap_err();
    assert!(only(&refused).summary.contains("other_thing") && only(&refused).detail.contains("removed"), "{refused:?}");
}

#[tokio::test]
async fn data_sources_and_functions_answer() {
    let terraform = terraform();
    let input = Value::Dynamic(Box::new((Type::Bool, Value::from(true))));
    let (state, said) = terraform.read_data_source("probe_echo", &Value::object([("input", input.clone())])).await.unwrap();
    assert!(said.is_empty());
    assert_eq!(state.get("output"), &input);

    let texts = |items: &[&str]| items.iter().map(|item| (text(item), Type::String)).collect::<Vec<_>>();
    let joined = terraform.call_function("join", &texts(&["-", "a", "b"]), &Type::String).await;
    assert_eq!(joined, Ok(text("a-b")));
    let own = terraform.call_function("join", &texts(&["-"]), &Type::String).await.unwrap_err();
    assert_eq!((own.text.as_str(), own.argument), ("there is nothing to join", Some(1)));
    assert!(terraform.call_function("join", &[], &Type::String).await.unwrap_err().text.contains("arguments"));
    let null = [(Value::Null, Type::String), (text("a"), Type::String)];
    assert_eq!(terraform.call_function("join", &null, &Type::String).await.unwrap_err().argument, Some(0));
    let wrong = [(text("-"), Type::String), (Value::from(true), Type::Bool)];
    assert_eq!(terraform.call_function("join", &wrong, &Type::String).await.unwrap_err().argument, Some(1));
}

fn secret(behaviour: Option<&str>, file: Option<&std::path::Path>) -> Value {
    let file = file.map_or(Value::Null, |file| text(file.to_str().unwrap()));
    Value::object([("name", text("n")), ("behaviour", behaviour.map_or(Value::Null, text)), ("file", file)])
}

#[tokio::test]
async fn an_ephemeral_resource_is_opened_renewed_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("happened");
    let terraform = terraform();
    let mut opened = terraform.open_ephemeral("probe_secret", &secret(Some("renew"), Some(&file))).await.unwrap();
    assert_eq!(opened.value.get("secret"), &text("ephemeral-canary-of-n"));
    assert_eq!(opened.value.get("length"), &Value::from(16), "the default");
    assert!(opened.renew_at.unwrap() > std::time::SystemTime::now() && !opened.deferred);
    opened.renew().await.unwrap();
    assert!(opened.renew_at.is_none(), "this one is renewed once");
    opened.close().await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "open\nrenew\nclose\n");
    assert_eq!(tf_provider::log::masked("ephemeral-canary-of-n"), "(sensitive value)", "what was opened is never logged");
}

#[tokio::test]
async fn an_ephemeral_resource_waits_for_what_it_needs_to_know() {
    let terraform = terraform();
    terraform.check_ephemeral_unknowns("probe_secret", &secret(Some("panic"), None)).await;
    let unknown = with(&secret(None, None), "name", Value::Unknown);
    let opened = terraform.open_ephemeral("probe_secret", &unknown).await.unwrap();
    assert!(!opened.deferred && opened.value.get("secret").is_unknown() && opened.value.get("file").is_null());
    let patient = self::terraform().with_capabilities(Capabilities { deferral_allowed: true, ..Capabilities::default() });
    assert!(patient.open_ephemeral("probe_secret", &unknown).await.unwrap().deferred);
    // The same, where it is the provider block that isn't known yet.
    let opened = terraform.open_ephemeral("probe_secret", &secret(Some("later"), None)).await.unwrap();
    assert!(!opened.deferred && opened.value.get("secret").is_unknown() && opened.value.get("name") == &text("n"));
    assert!(patient.open_ephemeral("probe_secret", &secret(Some("later"), None)).await.unwrap().deferred);
}

#[tokio::test]
async fn what_goes_wrong_with_an_ephemeral_resource_is_told_and_gives_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("happened");
    let terraform = terraform();
    for (behaviour, summary) in
        [("fail", "It can't be opened"), ("panic", "The provider panicked"), ("rename", "The provider broke rule I31")]
    {
        let said = terraform.open_ephemeral("probe_secret", &secret(Some(behaviour), Some(&file))).await.err().unwrap();
        assert_eq!(only(&said).summary, summary);
        assert!(!only(&said).detail.contains("canary"), "{said:?}");
    }
    // Terraform closes nothing that it was told an error about.
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "open\nclose\nopen\nopen\nclose\n");
    let forbidden = terraform.validate_ephemeral("probe_secret", &with(&secret(None, None), "name", text("forbidden"))).await;
    assert_eq!(only(&forbidden).path.to_string(), "name");
    let null = terraform.validate_ephemeral("probe_secret", &with(&secret(None, None), "name", Value::Null)).await;
    assert_eq!(only(&null).summary, "Missing value");
}

#[tokio::test(start_paused = true)]
async fn an_ephemeral_resource_that_never_answers_is_given_up() {
    let terraform = terraform();
    let said = terraform.open_ephemeral("probe_secret", &secret(Some("never"), None)).await.err().unwrap();
    assert!(only(&said).summary.contains("took too long") && only(&said).detail.contains("180 seconds"), "{said:?}");
}

#[tokio::test]
async fn requests_run_side_by_side() {
    let terraform = terraform();
    let lives = (0..10).map(|number| {
        let mut thing = terraform.object("probe_thing");
        async move {
            let config = with(&everything(), "name", text(&format!("n{number}")));
            thing.apply(&config).await.unwrap();
            assert_eq!(thing.state().get("id"), &text(&format!("id-n{number}")));
        }
    });
    futures_util::future::join_all(lives).await;
}

#[tokio::test]
async fn the_provider_block_is_checked_and_its_secrets_masked() {
    let terraform = terraform();
    let said = terraform.configure(&Value::object([("secret", text("provider-canary"))])).await.unwrap();
    assert!(said.is_empty());
    assert_eq!(tf_provider::log::masked("a provider-canary"), "a (sensitive value)");
}
