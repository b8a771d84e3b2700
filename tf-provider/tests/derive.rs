//! The derive, seen from a provider: schema, descriptions, conversions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use tf_provider::{Attr, AttributeType, Diagnostic, Mode, Model, Nesting, Number, Path, Schema, Set, Type, Validator, Value};

/// Who may come in.
#[derive(Clone, Debug, Default, PartialEq, Model)]
struct Rule {
    /// First port.
    #[tf(required, validate(positive))]
    port: Attr<i64>,
    /// Whence.
    #[tf(optional)]
    cidr: Attr<String>,
}

/// A server.
///
/// With *everything* on it.
#[derive(Clone, Debug, Default, PartialEq, Model)]
struct Server {
    /// Its name.
    #[tf(required, replace, validate(not_empty(), positive))]
    name: Attr<String>,
    /// How many.
    ///
    /// Between 1 and 9.
    #[tf(optional, computed, default = 3, note(preset = "server.count", change = "live"))]
    count: Attr<i64>,
    /// Below zero.
    #[tf(optional, computed, default = -1)]
    offset: Attr<i64>,
    /// Weight.
    #[tf(optional, computed, default = half)]
    weight: Attr<Number>,
    /// Whether it is up.
    #[tf(optional, computed, default = true)]
    up: Attr<bool>,
    /// Its kind.
    #[tf(optional, computed, default = "small", deprecated = "Use `count`.")]
    r#type: Attr<String>,
    /// Its password.
    #[tf(optional, write_only, sensitive)]
    password_wo: Attr<String>,
    /// Its ids.
    #[tf(computed, name = "ids")]
    identifiers: Attr<Set<String>>,
    /// Its zones.
    #[tf(optional)]
    zones: Attr<Vec<Attr<String>>>,
    /// Its tags.
    #[tf(optional)]
    tags: Attr<BTreeMap<String, Attr<String>>>,
    /// Anything.
    #[tf(optional)]
    any: Attr<Value>,
    /// The first rule.
    #[tf(optional)]
    rule: Attr<Rule>,
    /// More of them.
    #[tf(optional)]
    rules: Attr<Vec<Attr<Rule>>>,
    /// By port.
    #[tf(optional)]
    plain_rules: Attr<Vec<Rule>>,
    /// By name.
    #[tf(optional)]
    named_rules: Attr<BTreeMap<String, Rule>>,
    /// Without order.
    #[tf(optional)]
    rule_set: Attr<Set<Rule>>,
}

fn half() -> Value {
    Value::Number("0.5".parse().unwrap())
}

fn positive(value: &Value, at: &Path) -> Vec<Diagnostic> {
    if value.as_number().is_some_and(|number| number.as_i64() <= Some(0)) {
        return vec![Diagnostic::error(at.clone(), "Not positive", "…")];
    }
    Vec::new()
}

fn not_empty() -> Validator {
    std::sync::Arc::new(|value, at| match value.as_str() {
        Some("") => vec![Diagnostic::error(at.clone(), "Empty", "…")],
        _ => Vec::new(),
    })
}

fn attribute(name: &str) -> tf_provider::Attribute {
    Server::attributes().into_iter().find(|attribute| attribute.name == name).unwrap()
}

#[test]
fn descriptions_are_the_doc_comments() {
    let schema = Schema::of::<Server>(2);
    assert_eq!((schema.version, schema.description.as_str()), (2, "A server.\n\nWith *everything* on it."));
    assert_eq!(attribute("count").description, "How many.\n\nBetween 1 and 9.");
}

#[test]
fn attributes_say_what_the_struct_says() {
    let names: Vec<_> = Server::attributes().into_iter().map(|attribute| attribute.name).collect();
    assert_eq!(names[..8], ["name", "count", "offset", "weight", "up", "type", "password_wo", "ids"]);
    assert_eq!((attribute("name").mode, attribute("name").replace, attribute("name").validators.len()), (Mode::Required, true, 2));
    assert_eq!(attribute("count").mode, Mode::OptionalComputed);
    assert_eq!(attribute("ids").mode, Mode::Computed);
    let defaults = ["count", "offset", "weight", "up", "type", "zones"].map(|name| attribute(name).default);
    assert_eq!(defaults, [Some(3.into()), Some((-1).into()), Some(half()), Some(true.into()), Some("small".into()), None]);
    assert_eq!(
        attribute("count").notes,
        [("change", "live"), ("preset", "server.count")].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    );
    assert_eq!(attribute("type").deprecated.as_deref(), Some("Use `count`."));
    let password = attribute("password_wo");
    assert_eq!((password.mode, password.sensitive, password.write_only), (Mode::Optional, true, true));
}

#[test]
fn types_follow_the_fields() {
    let rule = Type::object([("port", Type::Number), ("cidr", Type::String)]);
    let nested = [
        ("rule", Nesting::Single, rule.clone()),
        ("rules", Nesting::List, Type::list(rule.clone())),
        ("plain_rules", Nesting::List, Type::list(rule.clone())),
        ("named_rules", Nesting::Map, Type::map(rule.clone())),
        ("rule_set", Nesting::Set, Type::set(rule)),
    ];
    for (name, nesting, ty) in nested {
        let attribute = attribute(name);
        assert!(matches!(attribute.ty, AttributeType::Nested(found, _) if found == nesting), "{name}");
        assert_eq!(attribute.ty(), ty);
    }
    for (name, ty) in [
        ("name", Type::String),
        ("count", Type::Number),
        ("up", Type::Bool),
        ("ids", Type::set(Type::String)),
        ("zones", Type::list(Type::String)),
        ("tags", Type::map(Type::String)),
        ("any", Type::Dynamic),
    ] {
        assert!(matches!(attribute(name).ty, AttributeType::Plain(found) if found == ty), "{name}");
    }
}

fn rule(port: i64) -> Rule {
    Rule { port: Attr::Known(port), cidr: Attr::Null }
}

#[test]
fn values_come_back_as_they_were() {
    let server = Server {
        name: Attr::Known("a".to_owned()),
        count: Attr::Unknown,
        weight: Attr::Known("123456789012345678901234567890.5".parse().unwrap()),
        identifiers: Attr::Known(["b".to_owned(), "a".to_owned(), "b".to_owned()].into_iter().collect()),
        zones: Attr::Known(vec![Attr::Known("z".to_owned()), Attr::Unknown, Attr::Null]),
        tags: Attr::Known(BTreeMap::from([("k".to_owned(), Attr::Unknown)])),
        any: Attr::Known(Value::Dynamic(Box::new((Type::Bool, Value::from(true))))),
        rule: Attr::Known(rule(1)),
        rules: Attr::Known(vec![Attr::Known(rule(2)), Attr::Unknown, Attr::Null]),
        plain_rules: Attr::Known(vec![rule(3)]),
        named_rules: Attr::Known(BTreeMap::from([("x".to_owned(), rule(4))])),
        rule_set: Attr::Known([rule(6), rule(5), rule(6)].into_iter().collect()),
        ..Server::default()
    };
    let value = server.to_value();
    assert_eq!(value.as_map().unwrap().len(), Server::attributes().len(), "every attribute is there");
    assert_eq!(value.get("ids"), &Value::from(vec!["a", "b"]));
    assert_eq!(Server::from_value(&value, &Path::root()).unwrap(), server);
    let ty = Schema::of::<Server>(0).ty();
    let bytes = tf_provider::codec::msgpack::encode(&value, &ty).unwrap();
    assert_eq!(tf_provider::codec::msgpack::decode(&bytes, &ty).unwrap(), value);
}

#[test]
fn every_error_is_at_its_path() {
    let bad_rule = Value::object([("port", "x".into()), ("cidr", true.into())]);
    let value = Value::object([
        ("count", half()),
        ("zones", Value::List(vec!["a".into(), 1.into()])),
        ("tags", Value::object([("k", 2.into())])),
        ("rules", Value::List(vec![Value::Unknown, bad_rule])),
        ("plain_rules", Value::List(vec![Value::Null])),
        ("named_rules", Value::object([("n", "x".into())])),
        ("ids", Value::List(vec![1.into()])),
        ("up", Value::List(vec![])),
    ]);
    let errors = Server::from_value(&value, &Path::of("outer")).unwrap_err();
    let mut places: Vec<_> = errors.iter().map(|error| error.path.to_string()).collect();
    places.sort();
    let want = [
        "outer.count",
        "outer.ids",
        "outer.named_rules[\"n\"]",
        "outer.plain_rules[0]",
        "outer.rules[1].cidr",
        "outer.rules[1].port",
        "outer.tags[\"k\"]",
        "outer.up",
        "outer.zones[1]",
    ];
    assert_eq!(places, want);
    assert!(Server::from_value(&Value::from("x"), &Path::root()).is_err());
}

#[test]
fn null_and_unknown_objects_read() {
    assert_eq!(Server::from_value(&Value::Null, &Path::root()).unwrap(), Server::default());
    let unknown = Rule::from_value(&Value::Unknown, &Path::root()).unwrap();
    assert_eq!(unknown, Rule { port: Attr::Unknown, cidr: Attr::Unknown });
}

#[test]
fn whole_numbers_have_a_range() {
    for (text, good) in [("9223372036854775807", true), ("9223372036854775808", false), ("1.5", false), ("1e2", true)] {
        let value = Value::object([("port", Value::Number(text.parse().unwrap()))]);
        assert_eq!(Rule::from_value(&value, &Path::root()).is_ok(), good, "{text}");
    }
}

/// What several things have.
#[derive(Clone, Debug, Default, PartialEq, Model)]
struct Shared {
    /// Its state.
    #[tf(computed)]
    status: Attr<String>,
    /// Its port.
    #[tf(optional)]
    port: Attr<i64>,
}

/// A thing.
#[derive(Clone, Debug, PartialEq, Model)]
struct Thing {
    /// Its name.
    #[tf(required)]
    name: Attr<String>,
    #[tf(flatten)]
    shared: Shared,
}

#[test]
fn a_flattened_models_attributes_are_its_holders() {
    let names: Vec<_> = Thing::attributes().into_iter().map(|attribute| attribute.name).collect();
    assert_eq!(names, ["name", "status", "port"]);
    let value = Value::object([("name", "a".into()), ("status", Value::Unknown), ("port", 5.into())]);
    let thing = Thing::from_value(&value, &Path::root()).unwrap();
    assert_eq!((&thing.shared.status, &thing.shared.port), (&Attr::Unknown, &Attr::Known(5)));
    assert_eq!(thing.to_value(), value);
    let wrong = Value::object([("name", "a".into()), ("port", "x".into())]);
    let errors = Thing::from_value(&wrong, &Path::root()).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.path.to_string()).collect::<Vec<_>>(), ["port"]);
    let unknown = Thing::from_value(&Value::Unknown, &Path::root()).unwrap();
    assert_eq!((unknown.name, unknown.shared.port), (Attr::Unknown, Attr::Unknown));
}
