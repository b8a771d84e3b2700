//! Each rule with a resource that breaks it. What a user would see is looked at from Terraform's side (`testing`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod apply;
mod ephemeral;
mod plan;
mod read;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::{
    ApplyRequest, ApplyResponse, Attribute, AttributeType, ConfigureRequest, Diagnostic, Diagnostics, EphemeralResource, IdentityAttribute,
    IdentitySchema, ImportRequest, ImportResponse, Mode, Nesting, OpenRequest, OpenResponse, Path, PlanRequest, PlanResponse, Provider,
    ReadRequest, ReadResponse, Resource, Schema, Type, Value, has_errors,
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
    open: Reply<OpenRequest, OpenResponse>,
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
            open: reply(|request: OpenRequest| OpenResponse { result: opened(request.config), ..OpenResponse::default() }),
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
    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        vec![Arc::new(self.clone())]
    }
    async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
        Vec::new()
    }
}

#[async_trait]
impl EphemeralResource for Puppet {
    fn type_name(&self) -> &'static str {
        "puppet_value"
    }
    fn schema(&self) -> Schema {
        let mut schema = schema();
        schema.attributes.retain(|attribute| !attribute.write_only);
        schema
    }
    async fn open(&self, request: OpenRequest) -> OpenResponse {
        self.open.lock().unwrap()(request)
    }
}

/// What an open that does everything right makes of a configuration.
fn opened(config: Value) -> Value {
    let arns = |parts: &Value| match parts {
        Value::List(parts) => Value::List(parts.iter().map(|part| with(part.clone(), "arn", Value::from("a"))).collect()),
        other => other.clone(),
    };
    let parts = arns(config.get("parts"));
    with(with(with(config, "parts", parts), "id", Value::from("i")), "class", Value::from("c"))
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

/// The broken rules with their paths. That of a nested attribute is in the summary: Terraform is given its outermost one's.
fn rules(said: &Diagnostics) -> Vec<(String, String)> {
    let rule = |found: &Diagnostic| {
        let (said, path) = found.summary.split_once(": ").unwrap_or((&found.summary, ""));
        let rule = said.rsplit(' ').next().unwrap_or_default();
        (rule.to_owned(), if path.is_empty() { found.path.to_string() } else { path.to_owned() })
    };
    said.iter().filter(|found| found.is_error()).map(rule).collect()
}

fn at(rule: &str, path: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), path.to_owned())]
}

fn failure() -> Diagnostics {
    vec![Diagnostic::error(Path::root(), "Refused by the cloud X", "")]
}
