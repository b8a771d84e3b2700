//! Applies that break the rules.

use super::*;

/// What is said about a create whose result is changed so, and what the state is then.
async fn create_with(change: impl Fn(ApplyResponse) -> ApplyResponse + Send + 'static) -> (Vec<(String, String)>, Value, bool) {
    let right = Puppet::default();
    let apply = reply(move |request: ApplyRequest| change(ApplyResponse { state: finished(request.planned), ..ApplyResponse::default() }));
    let terraform = Terraform::new(Puppet { apply, ..right });
    let mut object = terraform.object("puppet_thing");
    let outcome = object.apply(&config()).await;
    (rules(&outcome.err().unwrap_or_default()), object.state().clone(), object.is_tainted())
}

#[tokio::test]
async fn a_resource_that_keeps_the_rules_passes() {
    let terraform = Terraform::new(Puppet::default());
    let mut object = terraform.object("puppet_thing");
    object.check_unknowns(&config()).await;
    assert_eq!(object.apply(&config()).await, Ok(vec![]));
    assert_eq!(object.state().get("id"), &Value::from("i"));
    assert_eq!(object.plan(&config()).await.unwrap().action, Action::NoOp);
    assert_eq!(object.destroy().await, Ok(vec![]));
    assert!(object.state().is_null());
}

#[tokio::test]
async fn i13_what_was_planned_is_what_is_made() {
    for (name, value) in [
        ("name", Value::from("other")),
        ("note", Value::from("was null")),
        ("list", Value::Null),
        ("set", Value::List(vec![Value::from("a"), Value::from("c")])),
        ("single", Value::Null),
    ] {
        let (found, state, tainted) =
            create_with(move |reply| ApplyResponse { state: with(reply.state, name, value.clone()), ..reply }).await;
        assert_eq!(found, at("I13", name));
        assert_eq!(state.get("id"), &Value::from("i"), "the object is kept");
        assert!(tainted);
    }
}

#[tokio::test]
async fn i14_collections_keep_their_shape() {
    let texts = |items: &[&str]| Value::List(items.iter().map(|item| Value::from(*item)).collect());
    for (name, value) in [
        ("list", texts(&["a", "b", "c"])),
        ("set", texts(&["a", "b", "c"])),
        ("map", Value::object([("k", Value::from("v")), ("new", Value::from("v"))])),
    ] {
        let (found, state, _) = create_with(move |reply| ApplyResponse { state: with(reply.state, name, value.clone()), ..reply }).await;
        assert_eq!(found, at("I14", name));
        assert_eq!(state.get("id"), &Value::from("i"));
    }
}

#[tokio::test]
async fn i14_a_dynamic_value_keeps_its_type() {
    let dynamic = |ty: Type, value: Value| Value::Dynamic(Box::new((ty, value)));
    let terraform = Terraform::new(Puppet {
        apply: reply(move |request: ApplyRequest| {
            let state = with(finished(request.planned), "any", dynamic(Type::Number, Value::from(1)));
            ApplyResponse { state, ..ApplyResponse::default() }
        }),
        ..Puppet::default()
    });
    let mut object = terraform.object("puppet_thing");
    let said = object.apply(&with(config(), "any", dynamic(Type::String, Value::from("1")))).await.unwrap_err();
    assert_eq!(rules(&said), at("I14", "any"));
}

#[tokio::test]
async fn i15_nothing_stays_unknown() {
    let (found, state, _) = create_with(|reply| ApplyResponse { state: with(reply.state, "id", Value::Unknown), ..reply }).await;
    assert_eq!(found, at("I15", "id"));
    assert!(state.get("id").is_null() && state.get("name") == &Value::from("n"));
    // Also beside an error.
    let (found, state, _) = create_with(|reply| {
        let outputs = Value::List(vec![Value::from("o"), Value::Unknown]);
        ApplyResponse { state: with(reply.state, "outputs", outputs), diagnostics: failure(), ..reply }
    })
    .await;
    assert_eq!(found, [at("X", ""), at("I15", "outputs[1]")].concat());
    assert_eq!(state.get("outputs"), &Value::List(vec![Value::from("o"), Value::Null]));
    let (found, state, _) = create_with(|reply| ApplyResponse { state: Value::Unknown, ..reply }).await;
    assert_eq!(found, at("I15", ""));
    assert_eq!(state.get("name"), &Value::from("n"));
}

#[tokio::test]
async fn i16_success_returns_an_object_and_delete_none() {
    let (found, state, tainted) = create_with(|reply| ApplyResponse { state: Value::Null, ..reply }).await;
    assert_eq!(found, at("I16", ""));
    assert_eq!(state.get("name"), &Value::from("n"), "what may exist is in the state");
    assert!(tainted);

    let right = Puppet::default();
    let inner = right.apply.clone();
    let apply = reply(move |request: ApplyRequest| {
        if request.planned.is_null() {
            return ApplyResponse { state: request.prior, ..ApplyResponse::default() };
        }
        inner.lock().unwrap()(request)
    });
    let terraform = Terraform::new(Puppet { apply, ..right });
    let mut object = terraform.object("puppet_thing");
    object.apply(&config()).await.unwrap();
    assert_eq!(rules(&object.destroy().await.unwrap_err()), at("I16", ""));
    assert!(!object.state().is_null());
}

#[tokio::test]
async fn i18_a_state_that_does_not_conform_is_saved_attribute_by_attribute() {
    let (found, state, tainted) = create_with(|reply| {
        let state = with(with(reply.state, "outputs", Value::from("no list")), "id", Value::from("made"));
        ApplyResponse { state: with(state, "surplus", Value::from(true)), diagnostics: failure(), ..reply }
    })
    .await;
    assert_eq!(found.first(), at("X", "").first());
    assert_eq!(found[1].0, "I18");
    assert_eq!(state.get("id"), &Value::from("made"));
    assert!(state.get("outputs").is_null() && tainted);
    let (_, state, _) = create_with(|reply| ApplyResponse { state: Value::from("no object"), diagnostics: failure(), ..reply }).await;
    assert_eq!(state.get("name"), &Value::from("n"));
}

#[tokio::test]
async fn i18_a_failed_create_may_have_made_nothing_a_failed_update_not() {
    let (found, state, tainted) = create_with(|reply| ApplyResponse { state: Value::Null, diagnostics: failure(), ..reply }).await;
    assert_eq!(found, at("X", ""));
    assert!(state.is_null() && !tainted);

    let right = Puppet::default();
    let inner = right.apply.clone();
    let apply = reply(move |request: ApplyRequest| {
        if request.prior.is_null() {
            return inner.lock().unwrap()(request);
        }
        ApplyResponse { diagnostics: failure(), ..ApplyResponse::default() }
    });
    let terraform = Terraform::new(Puppet { apply, ..right });
    let mut object = terraform.object("puppet_thing");
    object.apply(&config()).await.unwrap();
    let before = object.state().clone();
    let said = object.apply(&with(config(), "note", Value::from("new"))).await.unwrap_err();
    assert_eq!(rules(&said), [at("X", ""), at("I18", "")].concat());
    assert_eq!(object.state(), &before);
    // I21: the same for a delete.
    assert_eq!(rules(&object.destroy().await.unwrap_err()), [at("X", ""), at("I21", "")].concat());
    assert_eq!(object.state(), &before);
}

#[tokio::test]
async fn i19_private_state_and_identity_are_in_every_reply() {
    let right = Puppet::default();
    let inner = right.plan.clone();
    let name = |value: &str| Some(Value::object([("name", Value::from(value))]));
    let plan = reply(move |request| {
        let mut answer = inner.lock().unwrap()(request);
        answer.private = b"planned".to_vec();
        answer.identity = name("n");
        answer
    });
    let mut calls = 0;
    let apply = reply(move |request: ApplyRequest| {
        calls += 1;
        let diagnostics = if calls == 1 { failure() } else { vec![] };
        ApplyResponse { state: finished(request.planned), diagnostics, ..ApplyResponse::default() }
    });
    let terraform = Terraform::new(Puppet { plan, apply, identity: true, ..right });
    let mut object = terraform.object("puppet_thing");
    assert!(object.apply(&config()).await.is_err());
    assert_eq!((object.private(), object.identity()), (b"planned".as_slice(), name("n").unwrap()));

    let terraform = Terraform::new(Puppet { identity: true, ..Puppet::default() });
    let mut object = terraform.object("puppet_thing");
    assert_eq!(rules(&object.apply(&config()).await.unwrap_err()), at("I19", ""));
    assert!(!object.state().is_null());
}

#[tokio::test]
async fn i20_a_panic_is_a_diagnostic_and_keeps_the_object() {
    let apply = reply(|request: ApplyRequest| -> ApplyResponse { panic!("secret: {:?}", request.config.get("password")) });
    let terraform = Terraform::new(Puppet { apply, ..Puppet::default() });
    let mut object = terraform.object("puppet_thing");
    let said = object.apply(&config()).await.unwrap_err();
    assert!(said[0].summary.contains("panicked") && !format!("{said:?}").contains("canary"), "{said:?}");
    assert!(object.is_tainted());
    assert_eq!(object.state().get("name"), &Value::from("n"));
    assert!(object.state().get("id").is_null());

    let plan = reply(|_| -> PlanResponse { panic!() });
    let read = reply(|_| -> ReadResponse { panic!() });
    let import = reply(|_| -> ImportResponse { panic!() });
    let terraform = Terraform::new(Puppet { plan, read, import, ..Puppet::default() });
    let mut object = terraform.object("puppet_thing");
    assert!(has_errors(&object.plan(&config()).await.unwrap_err()));
    assert!(has_errors(&object.import("i").await.unwrap_err()));
    object.set_state(&config());
    assert!(has_errors(&object.read().await.unwrap_err()));
    assert!(!object.state().is_null());
}
