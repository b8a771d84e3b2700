//! Plans that break the rules.

use super::*;

/// What is said about a create whose plan is changed so.
async fn plan_with(change: impl Fn(Value) -> Value + Send + 'static) -> Vec<(String, String)> {
    let right = Puppet::default();
    let inner = right.plan.clone();
    let plan = reply(move |request| {
        let mut answer = inner.lock().unwrap()(request);
        answer.planned = change(answer.planned);
        answer
    });
    let terraform = Terraform::new(Puppet { plan, ..right });
    let outcome = terraform.object("puppet_thing").plan(&config()).await;
    rules(&outcome.err().unwrap_or_default())
}

#[tokio::test]
async fn i2_what_is_set_is_planned_so() {
    assert_eq!(plan_with(|planned| with(planned, "name", Value::from("other"))).await, at("I2", "name"));
    assert_eq!(plan_with(|planned| with(planned, "list", Value::List(vec![Value::from("a")]))).await, at("I2", "list"));
    let tier = |path: &'static str, wrap: fn(Value) -> Value| {
        move |planned| with(planned, path, wrap(Value::object([("tier", Value::from("x")), ("arn", Value::Null)])))
    };
    assert_eq!(plan_with(tier("single", |part| part)).await, at("I2", "single.tier"));
    assert_eq!(plan_with(tier("parts", |part| Value::List(vec![part]))).await, at("I2", "parts[0].tier"));
    assert_eq!(plan_with(tier("peers", |part| Value::object([("k", part)]))).await, at("I2", "peers[\"k\"].tier"));
    assert_eq!(plan_with(tier("peers", |part| Value::object([("other", part)]))).await, at("I2", "peers"));
    assert_eq!(
        plan_with(|planned| with(
            planned,
            "members",
            Value::List(vec![Value::object([("tier", Value::from("x"))]), Value::object([("tier", Value::from("y"))])])
        ))
        .await,
        at("I2", "members")
    );
    assert_eq!(plan_with(|planned| with(planned, "parts", Value::Null)).await, at("I2", "parts"));
}

#[tokio::test]
async fn i2_what_is_set_may_stay_as_it_was() {
    let right = Puppet::default();
    let inner = right.plan.clone();
    let plan = reply(move |request: PlanRequest| {
        let prior = request.prior.clone();
        let mut answer = inner.lock().unwrap()(request);
        // The two spellings mean the same to this resource.
        if prior.as_map().is_some() && answer.planned.as_map().is_some() {
            answer.planned = with(answer.planned, "name", prior.get("name").clone());
        }
        answer
    });
    let terraform = Terraform::new(Puppet { plan, ..right });
    let mut object = terraform.object("puppet_thing");
    object.apply(&config()).await.unwrap();
    assert_eq!(object.plan(&with(config(), "name", Value::from("N"))).await.unwrap().action, Action::NoOp);
}

#[tokio::test]
async fn i3_what_is_left_out_and_not_computed_is_null() {
    assert_eq!(plan_with(|planned| with(planned, "note", Value::from("invented"))).await, at("I3", "note"));
    assert_eq!(plan_with(|planned| with(planned, "class", Value::from("computed"))).await, vec![]);
}

#[tokio::test]
async fn i4_only_what_is_computed_and_left_out_is_unknown() {
    assert_eq!(plan_with(|planned| with(planned, "note", Value::Unknown)).await, at("I4", "note"));
    assert_eq!(plan_with(|planned| with(planned, "name", Value::Unknown)).await, at("I4", "name"));
    assert_eq!(plan_with(|planned| with(planned, "single", Value::Unknown)).await, at("I4", "single"));
    assert_eq!(plan_with(|planned| with(planned, "class", Value::Unknown)).await, vec![]);
}

#[tokio::test]
async fn i5_a_plan_conforms() {
    assert_eq!(plan_with(|_| Value::Null).await, at("I5", ""));
    assert_eq!(plan_with(|_| Value::Unknown).await, at("I5", ""));
    assert_eq!(plan_with(|planned| with(planned, "outputs", Value::from("no list"))).await, at("I5", "outputs"));
    assert_eq!(plan_with(|planned| with(planned, "surplus", Value::Null)).await, at("I5", ""));
}

#[tokio::test]
async fn i7_write_only_values_never_leave() {
    let seen = Arc::new(Mutex::new(Value::Null));
    let heard = seen.clone();
    let apply = reply(move |request: ApplyRequest| {
        *heard.lock().unwrap() = request.config.get("password").clone();
        let state = with(finished(request.planned), "password", request.config.get("password").clone());
        ApplyResponse { state, ..ApplyResponse::default() }
    });
    let read =
        reply(|request: ReadRequest| ReadResponse { state: with(request.state, "password", Value::from("x")), ..Default::default() });
    let plan = Puppet::default().plan;
    let leaking = reply(move |request: PlanRequest| {
        let password = request.config.get("password").clone();
        let mut answer = plan.lock().unwrap()(request);
        answer.planned = with(answer.planned, "password", password);
        answer
    });
    let terraform = Terraform::new(Puppet { apply, read, plan: leaking, ..Puppet::default() });
    let mut object = terraform.object("puppet_thing");
    assert!(object.plan(&config()).await.unwrap().planned.get("password").is_null());
    object.apply(&config()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Value::from("write-only-canary"), "apply must see it in the configuration");
    assert!(object.state().get("password").is_null());
    object.import("i").await.unwrap();
    assert!(object.state().get("password").is_null());
}

#[tokio::test]
#[should_panic(expected = "rule I8")]
async fn i8_a_second_plan_keeps_what_was_known() {
    let mut calls = 0;
    let plan = reply(move |request: PlanRequest| {
        calls += 1;
        let planned = with(with(request.proposed, "class", Value::from(format!("call {calls}"))), "id", Value::from("i"));
        PlanResponse { planned, ..PlanResponse::default() }
    });
    let terraform = Terraform::new(Puppet { plan, ..Puppet::default() });
    let _ = terraform.object("puppet_thing").apply(&config()).await;
}

#[tokio::test]
async fn i9_paths_that_replace_exist() {
    for (path, exists) in [
        (Path::of("name"), true),
        (Path::of("single.tier"), true),
        (Path::of("parts").index(0).attribute("tier"), true),
        (Path::of("peers").key("k").attribute("tier"), true),
        (Path::of("map").key("k"), true),
        (Path::of("list").index(1), true),
        (Path::of("nonsense"), false),
        (Path::of("single.nonsense"), false),
        (Path::of("members").index(0), false),
        (Path::of("map").index(0), false),
        (Path::root(), false),
    ] {
        let right = Puppet::default();
        let (inner, shown) = (right.plan.clone(), path.clone());
        let plan = reply(move |request| PlanResponse { requires_replace: vec![path.clone()], ..inner.lock().unwrap()(request) });
        let terraform = Terraform::new(Puppet { plan, ..right });
        let outcome = terraform.object("puppet_thing").plan(&config()).await;
        let expected = if exists { vec![] } else { at("I9", "") };
        assert_eq!(rules(&outcome.err().unwrap_or_default()), expected, "{shown}");
    }
}

#[tokio::test]
#[should_panic(expected = "rule I10")]
async fn i10_an_apply_leaves_nothing_to_do() {
    let right = Puppet::default();
    let inner = right.plan.clone();
    let plan = reply(move |request: PlanRequest| {
        let updating = request.prior.as_map().is_some();
        let mut answer = inner.lock().unwrap()(request);
        if updating {
            answer.planned = with(answer.planned, "class", Value::Unknown);
        }
        answer
    });
    let terraform = Terraform::new(Puppet { plan, ..right });
    let _ = terraform.object("puppet_thing").apply(&config()).await;
}

#[tokio::test]
async fn i11_a_destroy_is_planned_null_and_guards_may_speak() {
    for stubborn in [true, false] {
        let right = Puppet::default();
        let inner = right.plan.clone();
        let plan = reply(move |request: PlanRequest| {
            if !request.config.is_null() {
                return inner.lock().unwrap()(request);
            }
            let diagnostics = if stubborn { vec![] } else { failure() };
            PlanResponse { planned: request.prior, diagnostics, ..PlanResponse::default() }
        });
        let terraform = Terraform::new(Puppet { plan, ..right });
        let mut object = terraform.object("puppet_thing");
        object.apply(&config()).await.unwrap();
        let said = object.destroy().await.unwrap_err();
        assert_eq!(rules(&said), at(if stubborn { "I11" } else { "X" }, ""));
        assert!(!object.state().is_null());
    }
}
