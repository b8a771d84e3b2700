//! A schema over a value: validators, defaults, redaction.

use std::collections::BTreeMap;

use super::{Attribute, AttributeType, Mode, Nesting, Schema};
use crate::{Diagnostic, Diagnostics, Path, Type, Value, value::canonical_set};

/// What stands in the place of a secret.
const REDACTED: &str = "(sensitive)";

impl Schema {
    /// Checks a configuration: every validator over each known value, what is required in nested objects (Terraform checks only
    /// that it is written, not that it isn't null), what only the provider may set, and deprecated attributes.
    /// Unknown values pass. What no single value tells, e.g. conflicts between attributes, is left to the resource.
    #[must_use]
    pub fn validate(&self, config: &Value) -> Diagnostics {
        let mut diagnostics = Vec::new();
        validate_object(&self.attributes, config, &Path::root(), &mut diagnostics);
        diagnostics
    }

    /// This configuration with each default in the place of a null. An object that is null itself stays null.
    #[must_use]
    pub fn apply_defaults(&self, config: &Value) -> Value {
        with_defaults(&self.attributes, config)
    }

    /// This value with every sensitive and write-only part covered, for logs.
    #[must_use]
    pub fn redact(&self, value: &Value) -> Value {
        redacted(&self.attributes, value)
    }
}

fn validate_object(attributes: &[Attribute], object: &Value, at: &Path, diagnostics: &mut Diagnostics) {
    if object.as_map().is_some() {
        for attribute in attributes {
            validate_attribute(attribute, object.get(&attribute.name), &at.attribute(&attribute.name), diagnostics);
        }
    }
}

fn validate_attribute(attribute: &Attribute, value: &Value, at: &Path, diagnostics: &mut Diagnostics) {
    if value.is_null() {
        if attribute.mode == Mode::Required {
            let detail = format!("`{}` is required, but it is null. Give it a value.", attribute.name);
            diagnostics.push(Diagnostic::error(at.clone(), "Missing value", detail));
        }
        return;
    }
    if attribute.mode == Mode::Computed {
        let detail = format!("Only the provider sets `{}`. Remove it from the configuration.", attribute.name);
        diagnostics.push(Diagnostic::error(at.clone(), "Not configurable", detail));
        return;
    }
    if let Some(text) = &attribute.deprecated {
        diagnostics.push(Diagnostic::warning(at.clone(), format!("`{}` is deprecated", attribute.name), text));
    }
    if value.is_unknown() {
        return;
    }
    let found = attribute.validators.iter().flat_map(|validator| validator(value.plain(), at));
    // Terraform has no path into a set, whatever the validator says.
    let is_set = matches!(&attribute.ty, AttributeType::Plain(Type::Set(_)) | AttributeType::Nested(Nesting::Set, _));
    diagnostics.extend(found.map(|found| if is_set { Diagnostic { path: at.clone(), ..found } } else { found }));
    let AttributeType::Nested(nesting, nested) = &attribute.ty else { return };
    match (nesting, value) {
        (Nesting::Single, object) => validate_object(nested, object, at, diagnostics),
        (Nesting::List, Value::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                validate_object(nested, item, &at.index(index), diagnostics);
            }
        }
        (Nesting::Set, Value::List(items)) => {
            // Terraform has no path into a set: what is wrong in an element is said at the set.
            let mut inner = Vec::new();
            items.iter().for_each(|item| validate_object(nested, item, &Path::root(), &mut inner));
            diagnostics.extend(inner.into_iter().map(|diagnostic| within_set(diagnostic, at)));
        }
        (Nesting::Map, Value::Map(items)) => {
            for (key, item) in items {
                validate_object(nested, item, &at.key(key), diagnostics);
            }
        }
        // Another shape than the schema's: the codecs don't let it in.
        _ => {}
    }
}

fn within_set(diagnostic: Diagnostic, set: &Path) -> Diagnostic {
    let detail = format!("In an element of this set, at `{}`: {}", diagnostic.path, diagnostic.detail);
    Diagnostic { path: set.clone(), detail, ..diagnostic }
}

/// The same value with `change` applied to every object of a nested attribute.
fn in_objects(nesting: Nesting, value: &Value, change: impl Fn(&Value) -> Value) -> Value {
    match (nesting, value) {
        (Nesting::Single, object) => change(object),
        (Nesting::List, Value::List(items)) => Value::List(items.iter().map(change).collect()),
        (Nesting::Set, Value::List(items)) => Value::List(canonical_set(items.iter().map(change).collect())),
        (Nesting::Map, Value::Map(items)) => Value::Map(items.iter().map(|(key, item)| (key.clone(), change(item))).collect()),
        (_, other) => other.clone(),
    }
}

fn in_attributes(attributes: &[Attribute], object: &Value, change: impl Fn(&Attribute, &Value) -> Value) -> Value {
    let Value::Map(items) = object else { return object.clone() };
    let mut items: BTreeMap<_, _> = items.clone();
    for attribute in attributes {
        items.insert(attribute.name.clone(), change(attribute, object.get(&attribute.name)));
    }
    Value::Map(items)
}

fn with_defaults(attributes: &[Attribute], object: &Value) -> Value {
    in_attributes(attributes, object, |attribute, value| match (&attribute.default, &attribute.ty) {
        (Some(default), _) if value.is_null() => default.clone(),
        (_, AttributeType::Nested(nesting, nested)) => in_objects(*nesting, value, |item| with_defaults(nested, item)),
        _ => value.clone(),
    })
}

fn redacted(attributes: &[Attribute], object: &Value) -> Value {
    in_attributes(attributes, object, |attribute, value| match &attribute.ty {
        _ if (attribute.sensitive || attribute.write_only) && !value.is_null() && !value.is_unknown() => Value::from(REDACTED),
        AttributeType::Nested(nesting, nested) => in_objects(*nesting, value, |item| redacted(nested, item)),
        AttributeType::Plain(_) => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Attr, Model, Set, Validator, validators};

    /// A port that is open.
    #[derive(Clone, Debug, Default, PartialEq, Model)]
    struct Port {
        /// Its number.
        #[tf(required, validate(validators::integer_between(1, 65_535)))]
        number: Attr<i64>,
        /// Its protocol.
        #[tf(optional, computed, default = "tcp")]
        protocol: Attr<String>,
        /// Its key.
        #[tf(optional, sensitive)]
        key: Attr<String>,
        /// Its id.
        #[tf(computed)]
        id: Attr<String>,
    }

    /// A firewall.
    #[derive(Clone, Debug, Default, PartialEq, Model)]
    struct Firewall {
        /// Its name.
        #[tf(required, validate(validators::length_between(1, 3)))]
        name: Attr<String>,
        /// Its old name.
        #[tf(optional, deprecated = "Use `name`.")]
        label: Attr<String>,
        /// Its password.
        #[tf(optional, write_only)]
        password: Attr<String>,
        /// One port.
        #[tf(optional)]
        single: Attr<Port>,
        /// Some.
        #[tf(optional, validate(at_most_two()))]
        list: Attr<Vec<Attr<Port>>>,
        /// More.
        #[tf(optional)]
        map: Attr<BTreeMap<String, Attr<Port>>>,
        /// Others.
        #[tf(optional)]
        set: Attr<Set<UnorderedPort>>,
        /// Its zones.
        #[tf(optional, validate(validators::each(validators::one_of(&["a"]))))]
        zones: Attr<Set<String>>,
    }

    /// A port in a set.
    #[derive(Clone, Debug, Default, PartialEq, Model)]
    struct UnorderedPort {
        /// Its number.
        #[tf(required)]
        number: Attr<i64>,
    }

    fn at_most_two() -> Validator {
        validators::length_between(0, 2)
    }

    fn port(number: Value) -> Value {
        Value::object([("number", number), ("key", "s3cret".into())])
    }

    fn firewall(attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        Value::object([("name", Value::from("a"))].into_iter().chain(attributes))
    }

    fn places(config: &Value) -> Vec<String> {
        Schema::of::<Firewall>(0).validate(config).into_iter().map(|found| format!("{}: {}", found.path, found.summary)).collect()
    }

    #[test]
    fn the_schema_is_a_good_one() {
        assert_eq!(Schema::of::<Firewall>(0).check(), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_found_at_its_path() {
        let config = Value::object([
            ("name", Value::from("abcd")),
            ("label", Value::from("x")),
            ("single", port(Value::Null)),
            ("list", Value::List(vec![port(1.into()), port(0.into()), Value::Unknown])),
            ("map", Value::object([("k", Value::object([("number", 1.into()), ("id", "x".into())]))])),
            ("set", Value::List(vec![Value::object([("number", Value::Null)])])),
            ("zones", Value::from(vec!["a", "b"])),
        ]);
        let want = [
            "name: Wrong length",
            "label: `label` is deprecated",
            "single.number: Missing value",
            "list: Wrong length",
            "list[1].number: Number out of range",
            "map[\"k\"].id: Not configurable",
            "set: Missing value",
            "zones: Not one of the allowed values",
        ];
        assert_eq!(places(&config), want);
    }

    #[test]
    fn unknown_and_null_pass() {
        for value in [Value::Null, Value::Unknown, Value::List(vec![Value::Unknown, Value::Null])] {
            assert_eq!(places(&firewall([("list", value)])), Vec::<String>::new());
        }
        assert_eq!(places(&Value::Unknown), Vec::<String>::new());
        assert_eq!(places(&Value::Null), Vec::<String>::new());
        assert_eq!(places(&Value::object([("name", Value::Unknown)])), Vec::<String>::new());
        assert_eq!(places(&Value::object([])), ["name: Missing value"]);
    }

    #[test]
    fn defaults_fill_nulls_in_every_known_object() {
        let config = firewall([
            ("single", port(1.into())),
            ("list", Value::List(vec![Value::Unknown, Value::Null, port(2.into())])),
            ("map", Value::object([("k", Value::object([("protocol", "udp".into())]))])),
        ]);
        let full = Schema::of::<Firewall>(0).apply_defaults(&config);
        assert_eq!(full.get("single").get("protocol"), &Value::from("tcp"));
        assert_eq!(full.get("map").get("k").get("protocol"), &Value::from("udp"));
        let list = full.get("list").as_list().unwrap_or_default();
        assert!(matches!(list, [Value::Unknown, Value::Null, third] if third.get("protocol") == &Value::from("tcp")));
        assert_eq!(full.get("set"), &Value::Null);
        assert_eq!(Schema::of::<Firewall>(0).apply_defaults(&Value::Unknown), Value::Unknown);
    }

    #[test]
    fn redaction_covers_secrets_at_every_depth() {
        let config = firewall([
            ("password", "hunter2".into()),
            ("single", port(1.into())),
            ("list", Value::List(vec![port(2.into())])),
            ("map", Value::object([("k", port(3.into()))])),
        ]);
        let text = format!("{:?}", Schema::of::<Firewall>(0).redact(&config));
        assert!(!text.contains("s3cret") && !text.contains("hunter2"), "{text}");
        assert_eq!(text.matches(REDACTED).count(), 4);
        assert!(text.contains("number: 3"));
    }
}
