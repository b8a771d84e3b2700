//! What Terraform demands of a schema. One bad attribute blocks a whole provider, so providers call this in a unit test.
//!
//! Sources: `InternalValidate` in terraform/internal/configs/configschema, and the checks of terraform-plugin-framework where
//! core would only fail later, in a plan. `Mode` and `AttributeType` rule out the rest: required with computed, type with nested type.

use std::collections::BTreeSet;

use super::{Attribute, AttributeType, Mode, Nesting, Schema};
use crate::{Type, codec};

/// Names that Terraform's language keeps for itself in resource and data blocks.
const RESERVED: [&str; 7] = ["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

/// What stands around a nested attribute.
#[derive(Clone, Copy, Default)]
struct Around {
    set: bool,
    computed: bool,
    /// Only the provider writes it.
    provider_only: bool,
    write_only: bool,
}

impl Schema {
    /// Everything that is wrong with it, as `attribute.path: what`; empty when Terraform will accept it.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.version < 0 {
            complaints.push("the version is negative".to_owned());
        }
        for attribute in self.attributes.iter().filter(|attribute| RESERVED.contains(&attribute.name.as_str())) {
            complaints.push(format!("{}: Terraform keeps this name for itself", attribute.name));
        }
        check_all(&self.attributes, "", Around::default(), &mut complaints);
        complaints
    }
}

fn check_all(attributes: &[Attribute], prefix: &str, around: Around, complaints: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for attribute in attributes {
        let place = format!("{prefix}{}", attribute.name);
        let mut complain = |what: &str| complaints.push(format!("{place}: {what}"));
        if !names.insert(&attribute.name) {
            complain("there is another attribute of this name");
        }
        check_one(attribute, around, &mut complain);
        if let AttributeType::Nested(nesting, nested) = &attribute.ty {
            let around = Around {
                set: around.set || *nesting == Nesting::Set,
                computed: around.computed || attribute.mode == Mode::Computed || attribute.mode == Mode::OptionalComputed,
                provider_only: around.provider_only || attribute.mode == Mode::Computed,
                write_only: around.write_only || attribute.write_only,
            };
            check_all(nested, &format!("{place}."), around, complaints);
        }
    }
}

fn check_one(attribute: &Attribute, around: Around, complain: &mut impl FnMut(&str)) {
    if !is_name(&attribute.name) {
        complain("a name is made of lower-case letters, digits and underscores, and starts with a letter");
    }
    if attribute.description.trim().is_empty() {
        complain("it has no description");
    }
    if attribute.deprecated.as_ref().is_some_and(|text| text.trim().is_empty()) {
        complain("its deprecation says nothing");
    }
    if has_dynamic_collection(&attribute.ty()) {
        complain("`dynamic` can't stand within a list, set or map");
    }
    if attribute.mode == Mode::Computed && !attribute.validators.is_empty() {
        complain("validators check what users set, and this is computed alone");
    }
    if around.set && !around.provider_only && matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed) {
        complain("a computed attribute can't stand within a set: Terraform finds a set's elements by their values");
    }
    check_write_only(attribute, around, complain);
    check_default(attribute, complain);
}

fn check_write_only(attribute: &Attribute, around: Around, complain: &mut impl FnMut(&str)) {
    if !attribute.write_only {
        if around.write_only {
            complain("everything within a write-only attribute must be write-only");
        }
        return;
    }
    if matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed) {
        complain("write-only can't be computed");
    }
    if attribute.replace {
        complain("write-only can't replace: it has no prior value to differ from");
    }
    if around.set {
        complain("write-only can't stand within a set");
    }
    if around.computed {
        complain("write-only can't stand within a computed attribute");
    }
}

fn check_default(attribute: &Attribute, complain: &mut impl FnMut(&str)) {
    let Some(default) = &attribute.default else { return };
    if attribute.mode != Mode::OptionalComputed {
        complain("only what is optional and computed can have a default");
    }
    if default.is_null() || !default.is_wholly_known() {
        complain("its default must be known and not null");
    } else if let Err(error) = codec::msgpack::encode(default, &attribute.ty()) {
        complain(&format!("its default has another type: {error}"));
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
}

fn has_dynamic_collection(ty: &Type) -> bool {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_dynamic(),
        Type::Tuple(elements) => elements.iter().any(has_dynamic_collection),
        Type::Object(attributes) => attributes.values().any(has_dynamic_collection),
        Type::String | Type::Number | Type::Bool | Type::Dynamic => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Value;

    fn attribute(name: &str, ty: AttributeType, mode: Mode) -> Attribute {
        Attribute {
            name: name.to_owned(),
            ty,
            mode,
            description: "It.".to_owned(),
            sensitive: false,
            write_only: false,
            replace: false,
            default: None,
            deprecated: None,
            validators: Vec::new(),
            notes: BTreeMap::new(),
        }
    }

    fn plain(mode: Mode) -> Attribute {
        attribute("a", AttributeType::Plain(Type::String), mode)
    }

    fn nested(nesting: Nesting, mode: Mode, inner: Attribute) -> Attribute {
        attribute("n", AttributeType::Nested(nesting, vec![inner]), mode)
    }

    #[test]
    fn good_schemas_pass() {
        let with_default = Attribute { default: Some(Value::from("x")), ..plain(Mode::OptionalComputed) };
        let secret = Attribute { write_only: true, ..attribute("s", AttributeType::Plain(Type::String), Mode::Required) };
        let single = nested(Nesting::Single, Mode::Optional, Attribute { name: "w".to_owned(), ..secret.clone() });
        let found = Attribute { name: "f".to_owned(), ..nested(Nesting::Set, Mode::Computed, plain(Mode::Computed)) };
        let schema = Schema { attributes: vec![with_default, secret, single, found], ..Schema::default() };
        assert_eq!(schema.check(), Vec::<String>::new());
    }

    #[test]
    fn each_rule_is_kept() {
        let write_only = |mode: Mode| Attribute { write_only: true, ..plain(mode) };
        let default = |value: Value| Attribute { default: Some(value), ..plain(Mode::OptionalComputed) };
        let typed = |ty: Type| attribute("a", AttributeType::Plain(ty), Mode::Optional);
        let cases = [
            (vec![Attribute { name: "Aa".to_owned(), ..plain(Mode::Optional) }], "Aa: a name is made of"),
            (vec![Attribute { name: String::new(), ..plain(Mode::Optional) }], ": a name is made of"),
            (vec![Attribute { name: "1a".to_owned(), ..plain(Mode::Optional) }], "1a: a name is made of"),
            (vec![Attribute { name: "count".to_owned(), ..plain(Mode::Optional) }], "count: Terraform keeps this name"),
            (vec![plain(Mode::Optional), plain(Mode::Computed)], "a: there is another attribute"),
            (vec![Attribute { description: " ".to_owned(), ..plain(Mode::Optional) }], "a: it has no description"),
            (vec![Attribute { deprecated: Some(String::new()), ..plain(Mode::Optional) }], "a: its deprecation"),
            (vec![typed(Type::list(Type::Dynamic))], "a: `dynamic` can't stand"),
            (vec![typed(Type::object([("x", Type::set(Type::Dynamic))]))], "a: `dynamic` can't stand"),
            (vec![nested(Nesting::Set, Mode::Optional, typed(Type::Dynamic))], "n: `dynamic` can't stand"),
            (vec![write_only(Mode::OptionalComputed)], "a: write-only can't be computed"),
            (vec![Attribute { replace: true, ..write_only(Mode::Optional) }], "a: write-only can't replace"),
            (vec![nested(Nesting::Set, Mode::Optional, write_only(Mode::Optional))], "n.a: write-only can't stand within a set"),
            (vec![nested(Nesting::Single, Mode::Computed, write_only(Mode::Optional))], "n.a: write-only can't stand within a computed"),
            (
                vec![Attribute { write_only: true, ..nested(Nesting::Single, Mode::Optional, plain(Mode::Optional)) }],
                "n.a: everything within",
            ),
            (vec![Attribute { default: Some(Value::from("x")), ..plain(Mode::Optional) }], "a: only what is optional and computed"),
            (vec![nested(Nesting::Set, Mode::Optional, default(Value::from("x")))], "n.a: a computed attribute can't stand within a set"),
            (
                vec![nested(Nesting::Set, Mode::OptionalComputed, plain(Mode::Computed))],
                "n.a: a computed attribute can't stand within a set",
            ),
            (vec![default(Value::Null)], "a: its default must be known"),
            (vec![default(Value::Unknown)], "a: its default must be known"),
            (vec![default(Value::from(1))], "a: its default has another type: a string required, but this is a number"),
            (vec![Attribute { validators: vec![std::sync::Arc::new(|_, _| Vec::new())], ..plain(Mode::Computed) }], "a: validators check"),
        ];
        for (attributes, want) in cases {
            let complaints = Schema { attributes, ..Schema::default() }.check();
            assert!(complaints.iter().any(|complaint| complaint.starts_with(want)), "{want}: {complaints:?}");
        }
        assert_eq!(Schema { version: -1, ..Schema::default() }.check(), ["the version is negative"]);
    }
}
