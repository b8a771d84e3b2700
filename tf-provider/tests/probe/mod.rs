//! A small provider for tests: one resource with an attribute of each kind of value, whose `behaviour` says how it misbehaves.
//! It keeps nothing: the state is the world.

use std::{
    fs,
    path::Path as FilePath,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use tf_provider::{
    ApplyRequest, ApplyResponse, Attribute, AttributeType, ConfigureRequest, DataSource, Diagnostic, Diagnostics, EphemeralResource,
    Function, FunctionError, IdentityAttribute, IdentitySchema, ImportRequest, ImportResponse, Mode, MoveSource, Nesting, OpenRequest,
    OpenResponse, Parameter, Path, PlanRequest, PlanResponse, Provider, ReadRequest, ReadResponse, RenewRequest, RenewResponse, Resource,
    Schema, Signature, Stop, Type, Value, log,
};

/// An attribute without any extras.
pub fn attribute(name: &str, mode: Mode, ty: AttributeType) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ty,
        mode,
        description: format!("The {name}."),
        sensitive: false,
        write_only: false,
        replace: false,
        default: None,
        deprecated: None,
        validators: Vec::new(),
        notes: std::collections::BTreeMap::new(),
    }
}

/// An attribute of a plain type.
pub fn plain(name: &str, mode: Mode, ty: Type) -> Attribute {
    attribute(name, mode, AttributeType::Plain(ty))
}

/// The objects below the nested attributes.
fn part() -> Vec<Attribute> {
    vec![
        plain("tier", Mode::Required, Type::String),
        plain("size", Mode::Optional, Type::Number),
        plain("arn", Mode::Computed, Type::String),
        Attribute { default: Some(Value::from(7)), ..plain("weight", Mode::OptionalComputed, Type::Number) },
    ]
}

/// The elements of the nested set: nothing in one can be computed.
fn element() -> Vec<Attribute> {
    vec![plain("tier", Mode::Required, Type::String), plain("size", Mode::Optional, Type::Number)]
}

/// The provider.
pub struct Probe;

#[async_trait]
impl Provider for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn schema(&self) -> Schema {
        let secret = Attribute { sensitive: true, ..plain("secret", Mode::Optional, Type::String) };
        Schema {
            version: 0,
            description: "A provider for tests.".into(),
            attributes: vec![plain("region", Mode::Optional, Type::String), secret],
        }
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Thing)]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(Echo)]
    }

    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        vec![Arc::new(Secret)]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(Join)]
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        if let Some(secret) = request.config.get("secret").as_str() {
            log::debug("the probe is configured", &[("secret", &secret)]);
        }
        Vec::new()
    }
}

/// `probe_thing`.
pub struct Thing;

fn computed(object: &Value) -> Value {
    // `arn` of each nested object follows its tier; known at plan.
    let with_arn = |part: &Value| match part {
        Value::Map(items) => {
            let mut items = items.clone();
            let arn = match part.get("tier") {
                Value::String(tier) => Value::from(format!("arn:{tier}")),
                other => other.clone(),
            };
            items.insert("arn".into(), arn);
            Value::Map(items)
        }
        other => other.clone(),
    };
    let Value::Map(mut items) = object.clone() else { return object.clone() };
    for name in ["single", "parts", "peers"] {
        let value = match items.get(name) {
            Some(Value::List(parts)) => Value::List(parts.iter().map(with_arn).collect()),
            Some(Value::Map(parts)) if name == "peers" => {
                Value::Map(parts.iter().map(|(key, part)| (key.clone(), with_arn(part))).collect())
            }
            Some(other) => with_arn(other),
            None => continue,
        };
        items.insert(name.into(), value);
    }
    Value::Map(items)
}

fn set(object: Value, name: &str, value: Value) -> Value {
    let Value::Map(mut items) = object else { return object };
    items.insert(name.into(), value);
    Value::Map(items)
}

fn identity(state: &Value) -> Option<Value> {
    Some(Value::object([("name", state.get("name").clone())]))
}

#[async_trait]
impl Resource for Thing {
    fn type_name(&self) -> &'static str {
        "probe_thing"
    }

    fn schema(&self) -> Schema {
        let optional = |name, ty| plain(name, Mode::Optional, ty);
        let nested = |name, nesting| attribute(name, Mode::Optional, AttributeType::Nested(nesting, part()));
        Schema {
            version: 2,
            description: "One of everything.".into(),
            attributes: vec![
                Attribute { replace: true, ..plain("name", Mode::Required, Type::String) },
                optional("behaviour", Type::String),
                optional("text", Type::String),
                optional("flag", Type::Bool),
                optional("number", Type::Number),
                optional("anything", Type::Dynamic),
                optional("list", Type::list(Type::String)),
                optional("set", Type::set(Type::String)),
                optional("map", Type::map(Type::Number)),
                optional("tuple", Type::Tuple(vec![Type::String, Type::Bool])),
                optional("object", Type::object([("a", Type::String), ("b", Type::list(Type::Number))])),
                nested("single", Nesting::Single),
                nested("parts", Nesting::List),
                attribute("members", Mode::Optional, AttributeType::Nested(Nesting::Set, element())),
                nested("peers", Nesting::Map),
                Attribute { write_only: true, ..optional("password", Type::String) },
                optional("password_version", Type::Number),
                Attribute { default: Some(Value::from("standard")), ..plain("class", Mode::OptionalComputed, Type::String) },
                plain("id", Mode::Computed, Type::String),
                plain("password_length", Mode::Computed, Type::Number),
                Attribute { sensitive: true, ..plain("token", Mode::Computed, Type::String) },
            ],
        }
    }

    fn identity(&self) -> Option<IdentitySchema> {
        let name = IdentityAttribute { name: "name", description: "Its name.", required_for_import: true };
        Some(IdentitySchema { version: 0, attributes: vec![name] })
    }

    async fn validate(&self, config: &Value, _: tf_provider::Capabilities) -> Diagnostics {
        if config.get("text").as_str() == Some("forbidden") {
            return vec![Diagnostic::error(Path::of("text"), "Forbidden text", "Choose another one.")];
        }
        Vec::new()
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        if request.config.is_null() {
            return PlanResponse::default();
        }
        let replaced = request.prior.get("name") != request.config.get("name");
        let mut planned = computed(&request.proposed);
        if replaced {
            planned = set(set(planned, "id", Value::Unknown), "token", Value::Unknown);
        }
        if replaced || request.prior.get("password_version") != request.config.get("password_version") {
            planned = set(planned, "password_length", Value::Unknown);
        }
        PlanResponse { planned, private: b"planned".to_vec(), ..PlanResponse::default() }
    }

    async fn apply(&self, mut request: ApplyRequest) -> ApplyResponse {
        if request.planned.is_null() {
            return ApplyResponse::default();
        }
        let length = request.config.get("password").as_str().map_or(0, str::len);
        let name = request.planned.get("name").as_str().unwrap_or_default().to_owned();
        let mut state = request.planned.clone();
        let values = [
            ("id", Value::from(format!("id-{name}"))),
            ("token", Value::from(format!("token-of-{name}"))),
            ("password_length", Value::from(i64::try_from(length).unwrap_or(0))),
        ];
        for (attribute, value) in values {
            if state.get(attribute).is_unknown() {
                state = set(state, attribute, value);
            }
        }
        let mut diagnostics = Vec::new();
        match request.planned.get("behaviour").as_str().unwrap_or_default() {
            "panic" => panic!("the password is {:?}", request.config.get("password")),
            "fail" => diagnostics.push(Diagnostic::error(Path::root(), "Half of it failed", "The other half exists.")),
            "wait" => diagnostics.extend(wait_for_stop(&mut request.stop).await),
            slow if slow.starts_with("mark ") => mark_when_stopped(slow, &mut request.stop).await,
            "leak" => {
                diagnostics.push(Diagnostic::warning(
                    Path::root(),
                    "Leak",
                    format!("token-of-{name} {:?}", request.config.get("password")),
                ));
            }
            _ => {}
        }
        ApplyResponse { identity: identity(&state), state, private: b"applied".to_vec(), diagnostics }
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        ReadResponse { identity: identity(&request.state), state: request.state, ..ReadResponse::default() }
    }

    async fn import(&self, request: ImportRequest) -> ImportResponse {
        let name = match &request.identity {
            Some(identity) => identity.get("name").clone(),
            None => Value::from(request.id.as_str()),
        };
        if name.as_str() == Some("missing") {
            let diagnostics = vec![Diagnostic::error(Path::root(), "There is no such thing", "Look at the name.")];
            return ImportResponse { diagnostics, ..ImportResponse::default() };
        }
        let id = format!("id-{}", name.as_str().unwrap_or_default());
        let token = format!("token-of-{}", name.as_str().unwrap_or_default());
        let state = Value::object([
            ("name", name),
            ("id", Value::from(id)),
            ("token", Value::from(token)),
            ("class", Value::from("standard")),
            ("password_length", Value::from(0)),
        ]);
        ImportResponse { identity: identity(&state), state, ..ImportResponse::default() }
    }

    fn upgrade(&self, version: i64, mut state: serde_json::Value) -> Result<serde_json::Value, Diagnostics> {
        // Version 0 called the name `title`.
        if version == 0
            && let Some(object) = state.as_object_mut()
            && let Some(title) = object.remove("title")
        {
            object.insert("name".into(), title);
        }
        Ok(state)
    }

    fn move_state(&self, source: &MoveSource) -> Option<Result<Value, Diagnostics>> {
        (source.type_name == "old_thing").then(|| {
            let name = source.state.get("label").and_then(serde_json::Value::as_str).unwrap_or_default();
            Ok(Value::object([("name", Value::from(name))]))
        })
    }
}

/// Returns when Terraform is interrupted; says so if it isn't.
async fn wait_for_stop(stop: &mut Stop) -> Diagnostics {
    log::error("the probe waits", &[]);
    let stopped = tokio::time::timeout(Duration::from_secs(30), stop.wait()).await.is_ok();
    let summary = if stopped { "Interrupted" } else { "Nobody interrupted it" };
    vec![Diagnostic::error(Path::root(), summary, "What exists is in the state.")]
}

/// Writes `began` into the folder that the behaviour names, waits to be stopped, then finishes its "call in flight" with `ended`.
async fn mark_when_stopped(behaviour: &str, stop: &mut Stop) {
    let folder = FilePath::new(behaviour.trim_start_matches("mark ")).to_owned();
    let _ = fs::write(folder.join("began"), std::process::id().to_string());
    let began = Instant::now();
    stop.wait().await;
    let _ = fs::write(folder.join("ended"), began.elapsed().as_millis().to_string());
}

/// `data.probe_echo`.
pub struct Echo;

#[async_trait]
impl DataSource for Echo {
    fn type_name(&self) -> &'static str {
        "probe_echo"
    }

    fn schema(&self) -> Schema {
        let attributes = vec![plain("input", Mode::Required, Type::Dynamic), plain("output", Mode::Computed, Type::Dynamic)];
        Schema { version: 0, description: "Says what it hears.".into(), attributes }
    }

    async fn read(&self, config: Value, _: Stop) -> (Value, Diagnostics) {
        let input = config.get("input").clone();
        (set(config, "output", input), Vec::new())
    }
}

/// `probe_secret`, whose `behaviour` says how it misbehaves. `file` gets a line for each thing that happens to it.
pub struct Secret;

fn note(file: &str, what: &str) {
    let before = fs::read_to_string(file).unwrap_or_default();
    if let Err(error) = fs::write(file, format!("{before}{what}\n")) {
        panic!("{file}: {error}");
    }
}

#[async_trait]
impl EphemeralResource for Secret {
    fn type_name(&self) -> &'static str {
        "probe_secret"
    }

    fn schema(&self) -> Schema {
        let attributes = vec![
            plain("name", Mode::Required, Type::String),
            plain("file", Mode::Optional, Type::String),
            plain("behaviour", Mode::Optional, Type::String),
            Attribute { default: Some(Value::from(16)), ..plain("length", Mode::OptionalComputed, Type::Number) },
            Attribute { sensitive: true, ..plain("secret", Mode::Computed, Type::String) },
        ];
        Schema { version: 0, description: "A value for one run.".into(), attributes }
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        if config.get("name").as_str() == Some("forbidden") {
            return vec![Diagnostic::error(Path::of("name"), "Forbidden name", "Choose another name.")];
        }
        Vec::new()
    }

    async fn open(&self, request: OpenRequest) -> OpenResponse {
        assert!(request.config.is_wholly_known());
        let name = request.config.get("name").as_str().unwrap_or_default().to_owned();
        let file = request.config.get("file").as_str().unwrap_or_default().to_owned();
        if !file.is_empty() {
            note(&file, "open");
        }
        let secret = format!("ephemeral-canary-of-{name}");
        let result = set(request.config.clone(), "secret", Value::from(secret.as_str()));
        let response = OpenResponse { result, private: file.into_bytes(), ..OpenResponse::default() };
        match request.config.get("behaviour").as_str() {
            Some("panic") => panic!("as asked"),
            Some("later") => OpenResponse { provider_unknown: true, ..OpenResponse::default() },
            Some("never") => std::future::pending().await,
            Some("fail") => {
                let failed = Diagnostic::error(Path::of("name"), "It can't be opened", format!("Not with {secret}."));
                OpenResponse { diagnostics: vec![failed], ..response }
            }
            Some("rename") => OpenResponse { result: set(response.result, "name", Value::from("other")), ..response },
            Some("renew") => OpenResponse { renew_at: Some(SystemTime::now() + Duration::from_millis(300)), ..response },
            _ => response,
        }
    }

    async fn renew(&self, request: RenewRequest) -> RenewResponse {
        note(&String::from_utf8_lossy(&request.private), "renew");
        RenewResponse::default()
    }

    async fn close(&self, private: Vec<u8>) -> Diagnostics {
        if !private.is_empty() {
            note(&String::from_utf8_lossy(&private), "close");
        }
        Vec::new()
    }
}

/// `provider::probe::join`.
pub struct Join;

impl Function for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn signature(&self) -> Signature {
        let text = |name: &str| Parameter { name: name.into(), ty: Type::String, description: "A text.".into(), allow_null: false };
        Signature {
            summary: "Joins texts.".into(),
            description: "Joins texts.".into(),
            parameters: vec![text("separator")],
            variadic: Some(text("part")),
            returns: Type::String,
        }
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let texts: Vec<_> = arguments.iter().filter_map(Value::as_str).collect();
        match texts.split_first() {
            Some((_, [])) | None => Err(FunctionError { text: "there is nothing to join".into(), argument: Some(1) }),
            Some((separator, parts)) => Ok(Value::from(parts.join(separator))),
        }
    }
}
