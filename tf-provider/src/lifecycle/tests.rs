//! Each rule with a resource that breaks it. What a user would see is looked at from Terraform's side (`testing`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::{
    ApplyRequest, ApplyResponse, Attribute, AttributeType, ConfigureRequest, Diagnostic, Diagnostics, IdentityAttribute, IdentitySchema,
    ImportRequest, ImportResponse, Mode, Nesting, Path, PlanRequest, PlanResponse, Provider, ReadRequest, ReadResponse, Resource, Schema,
    Type, Value, has_errors,
    testing::{Action, Terraform},
};

type Reply<Q, A> = Arc<Mutex<Box<dyn FnMut(Q) -> A + Send>>>;

/// A resource whose answers are closures.
#[derive(Clone)]
struct Puppet {
    plan: Reply<PlanRequest, PlanResponse>,
    apply: Reply<ApplyRequest, ApplyResponse>,
    read: Reply<ReadRequest, ReadResponse>,
    import: Reply<ImportRequest, ImportResponse>,
    identity: bool,
}

fn reply<Q, A>(answer: impl FnMut(Q) -> A + Send + 'static) -> Reply<Q, A> {
    Arc::new(Mutex::new(Box::new(answer)))
}

impl Default for Puppet {
    /// Does everything right.
    fn default() -> Self {
        Self {
            plan: reply(|request: PlanRequest| {
                let fresh = request.prior.is_null() && !request.config.is_null();
                let planned = if request.config.is_null() { Value::Null } else { request.proposed };
                let planned = if fresh { with(planned, "id", Value::Unknown) } else { planned };
                PlanResponse { planned, ..PlanResponse::default() }
            }),
            apply: reply(|request: ApplyRequest| ApplyResponse { state: finished(request.planned), ..ApplyResponse::default() }),
            read: reply(|request: ReadRequest| ReadResponse { state: request.state, ..ReadResponse::default() }),
            import: reply(|request: ImportRequest| {
                let state = Value::object([("name", Value::from(request.id)), ("id", Value::from("i"))]);
                ImportResponse { state, ..ImportResponse::default() }
            }),
            identity: false,
        }
    }
}

#[async_trait]
impl Provider for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }
    fn schema(&self) -> Schema {
        Schema::default()
    }
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(self.clone())]
    }
    async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
        Vec::new()
    }
}

fn attribute(name: &str, mode: Mode, ty: AttributeType) -> Attribute {
    let (description, deprecated, notes) = (format!("The {name}."), None, std::collections::BTreeMap::new());
    let (sensitive, write_only, replace, default, validators) = (false, false, false, None, Vec::new());
    Attribute { name: name.into(), ty, mode, description, sensitive, write_only, replace, default, deprecated, validators, notes }
}

fn plain(name: &str, mode: Mode, ty: Type) -> Attribute {
    attribute(name, mode, AttributeType::Plain(ty))
}

fn schema() -> Schema {
    let part = || vec![plain("tier", Mode::Required, Type::String), plain("arn", Mode::Computed, Type::String)];
    let nested = |name, nesting| attribute(name, Mode::Optional, AttributeType::Nested(nesting, part()));
    let attributes = vec![
        plain("name", Mode::Required, Type::String),
        plain("note", Mode::Optional, Type::String),
        plain("class", Mode::OptionalComputed, Type::String),
        plain("list", Mode::Optional, Type::list(Type::String)),
        plain("set", Mode::Optional, Type::set(Type::String)),
        plain("map", Mode::Optional, Type::map(Type::String)),
        plain("any", Mode::Optional, Type::Dynamic),
        nested("single", Nesting::Single),
        nested("parts", Nesting::List),
        attribute("members", Mode::Optional, AttributeType::Nested(Nesting::Set, vec![plain("tier", Mode::Required, Type::String)])),
        nested("peers", Nesting::Map),
        Attribute { write_only: true, ..plain("password", Mode::Optional, Type::String) },
        plain("id", Mode::Computed, Type::String),
        plain("outputs", Mode::Computed, Type::list(Type::String)),
    ];
    Schema { version: 0, description: String::new(), attributes }
}

#[async_trait]
impl Resource for Puppet {
    fn type_name(&self) -> &'static str {
        "puppet_thing"
    }
    fn schema(&self) -> Schema {
        schema()
    }
    fn identity(&self) -> Option<IdentitySchema> {
        let name = IdentityAttribute { name: "name", description: "", required_for_import: true };
        self.identity.then(|| IdentitySchema { version: 0, attributes: vec![name] })
    }
    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        self.plan.lock().unwrap()(request)
    }
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        self.apply.lock().unwrap()(request)
    }
    async fn read(&self, request: ReadRequest) -> ReadResponse {
        self.read.lock().unwrap()(request)
    }
    async fn import(&self, request: ImportRequest) -> ImportResponse {
        self.import.lock().unwrap()(request)
    }
}

fn with(object: Value, name: &str, value: Value) -> Value {
    let Value::Map(mut items) = object else { return object };
    items.insert(name.into(), value);
    Value::Map(items)
}

/// What an apply that does everything right makes of a plan.
fn finished(planned: Value) -> Value {
    if planned.get("id").is_unknown() { with(planned, "id", Value::from("i")) } else { planned }
}

fn config() -> Value {
    let part = |tier: &str| Value::object([("tier", Value::from(tier)), ("arn", Value::Null)]);
    let texts = |items: &[&str]| Value::List(items.iter().map(|item| Value::from(*item)).collect());
    Value::object([
        ("name", Value::from("n")),
        ("list", texts(&["a", "b"])),
        ("set", texts(&["a", "b"])),
        ("map", Value::object([("k", Value::from("v"))])),
        ("single", part("s")),
        ("parts", Value::List(vec![part("p")])),
        ("members", Value::List(vec![Value::object([("tier", Value::from("m"))])])),
        ("peers", Value::object([("k", part("k"))])),
        ("password", Value::from("write-only-canary")),
    ])
}

fn rules(said: &Diagnostics) -> Vec<(String, String)> {
    let rule = |found: &Diagnostic| found.summary.rsplit(' ').next().unwrap_or_default().to_owned();
    said.iter().filter(|found| found.is_error()).map(|found| (rule(found), found.path.to_string())).collect()
}

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

/// What is said about a create whose result is changed so, and what the state is then.
async fn create_with(change: impl Fn(ApplyResponse) -> ApplyResponse + Send + 'static) -> (Vec<(String, String)>, Value, bool) {
    let right = Puppet::default();
    let apply = reply(move |request: ApplyRequest| change(ApplyResponse { state: finished(request.planned), ..ApplyResponse::default() }));
    let terraform = Terraform::new(Puppet { apply, ..right });
    let mut object = terraform.object("puppet_thing");
    let outcome = object.apply(&config()).await;
    (rules(&outcome.err().unwrap_or_default()), object.state().clone(), object.is_tainted())
}

fn at(rule: &str, path: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), path.to_owned())]
}

fn failure() -> Diagnostics {
    vec![Diagnostic::error(Path::root(), "Refused by the cloud X", "")]
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
