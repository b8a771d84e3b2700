//! Terraform's rules for what a provider may answer, checked before the answer leaves.
//!
//! Terraform checks most of them too, but what it does about a broken one is to discard the new state, and with it the knowledge
//! of objects that exist. So a broken rule becomes an error that names the rule and the place, beside a state that loses nothing.
//!
//! Held by construction, not by a check: I6 (this crate offers no blocks), I7 (write-only values are nulled in every reply),
//! I19 for private state (what a resource leaves out stays), I20 (`rpc::guard`), I22 (`rpc::plan`, `rpc::schema`).
//! Checked over several requests, by `testing`: I1, I8, I10, I24, I26, I28.

pub(crate) mod apply;
pub(crate) mod ephemeral;
pub(crate) mod import;
pub(crate) mod plan;
pub(crate) mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{
    Attribute, AttributeType, Diagnostic, Mode, Nesting, Path, Type, Value,
    codec::{CodecError, msgpack},
};

/// A rule of the list in docs/ARCHITECTURE.md, as a user reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// E.g. `I13`.
    pub(crate) id: &'static str,
    /// What must hold.
    pub(crate) text: &'static str,
}

/// An error about a broken rule. It never shows a value: it may be a secret, and the path says enough.
pub(crate) fn broken(rule: Rule, at: &Path, what: &str) -> Diagnostic {
    let detail = format!(
        "{what}. Rule {}: {}. This is a bug in the provider, not in your configuration: please report it with this text. \
         Every object that exists is kept in the state.",
        rule.id, rule.text
    );
    Diagnostic::error(at.clone(), format!("The provider broke rule {}", rule.id), detail)
}

/// The value as Terraform will decode it: every attribute there, sets in one order. Equal values are `==` afterwards.
pub(crate) fn conform(value: &Value, ty: &Type) -> Result<Value, CodecError> {
    msgpack::decode(&msgpack::encode(value, ty)?, ty)
}

/// The value with null for all that is unknown.
pub(crate) fn known_part(value: Value) -> Value {
    match value {
        Value::Unknown => Value::Null,
        Value::List(items) => Value::List(items.into_iter().map(known_part).collect()),
        Value::Map(items) => Value::Map(items.into_iter().map(|(name, item)| (name, known_part(item))).collect()),
        Value::Dynamic(inner) => {
            let (ty, value) = *inner;
            Value::Dynamic(Box::new((ty, known_part(value))))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Where something unknown stands; elements of sets are called by the set.
pub(crate) fn unknown_places(value: &Value, ty: &Type, at: &Path, found: &mut Vec<Path>) {
    match (value, ty) {
        (Value::Unknown, _) => found.push(at.clone()),
        (Value::Dynamic(inner), _) => unknown_places(&inner.1, &inner.0, at, found),
        (Value::List(_), Type::Set(_)) if !value.is_wholly_known() => found.push(at.clone()),
        (Value::List(items), _) => {
            for (index, item) in items.iter().enumerate() {
                if !item.is_wholly_known() {
                    unknown_places(item, element_type(ty, index), &at.index(index), found);
                }
            }
        }
        (Value::Map(items), Type::Object(attributes)) => {
            for (name, item) in items {
                if !item.is_wholly_known() {
                    unknown_places(item, attributes.get(name).unwrap_or(&Type::Dynamic), &at.attribute(name), found);
                }
            }
        }
        (Value::Map(items), _) => {
            for (key, item) in items {
                if !item.is_wholly_known() {
                    unknown_places(item, element_type(ty, 0), &at.key(key), found);
                }
            }
        }
        _ => {}
    }
}

/// The type of an element; `Dynamic` where the type has none.
pub(crate) fn element_type(ty: &Type, index: usize) -> &Type {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => element,
        Type::Tuple(elements) => elements.get(index).unwrap_or(&Type::Dynamic),
        _ => &Type::Dynamic,
    }
}

/// Calls `visit` for each object of a nested attribute, with its path; objects in sets have the set's.
pub(crate) fn each_object(nesting: Nesting, value: &Value, at: &Path, visit: &mut dyn FnMut(&Value, &Path)) {
    match (nesting, value) {
        (Nesting::Single, Value::Map(_)) => visit(value, at),
        (Nesting::List, Value::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                visit(item, &at.index(index));
            }
        }
        (Nesting::Set, Value::List(items)) => items.iter().for_each(|item| visit(item, at)),
        (Nesting::Map, Value::Map(items)) => {
            for (key, item) in items {
                visit(item, &at.key(key));
            }
        }
        _ => {}
    }
}

/// Changes each object of a nested attribute.
fn map_objects(nesting: Nesting, value: Value, change: &dyn Fn(Value) -> Value) -> Value {
    match (nesting, value) {
        (Nesting::Single, value @ Value::Map(_)) => change(value),
        (Nesting::List | Nesting::Set, Value::List(items)) => Value::List(items.into_iter().map(change).collect()),
        (Nesting::Map, Value::Map(items)) => Value::Map(items.into_iter().map(|(key, item)| (key, change(item))).collect()),
        (_, value) => value,
    }
}

/// The object with null for every write-only attribute (I7): Terraform throws a state away that has any other value there.
pub(crate) fn without_write_only(attributes: &[Attribute], object: Value) -> Value {
    let Value::Map(mut items) = object else { return object };
    for attribute in attributes {
        let Some(value) = items.remove(&attribute.name) else { continue };
        let value = match &attribute.ty {
            _ if attribute.write_only => Value::Null,
            AttributeType::Nested(nesting, nested) => map_objects(*nesting, value, &|object| without_write_only(nested, object)),
            AttributeType::Plain(_) => value,
        };
        items.insert(attribute.name.clone(), value);
    }
    Value::Map(items)
}

/// Terraform's proposal with the schema's defaults where the configuration says nothing.
pub(crate) fn with_defaults(attributes: &[Attribute], config: &Value, proposed: Value) -> Value {
    let (Value::Map(mut items), Value::Map(_)) = (proposed.clone(), config) else { return proposed };
    for attribute in attributes {
        let configured = config.get(&attribute.name);
        let value = match (&attribute.default, &attribute.ty) {
            (Some(default), _) if configured.is_null() && attribute.mode == Mode::OptionalComputed => default.clone(),
            (_, AttributeType::Nested(nesting, nested)) => {
                defaults_in(*nesting, nested, configured, items.remove(&attribute.name).unwrap_or_default())
            }
            _ => continue,
        };
        items.insert(attribute.name.clone(), value);
    }
    Value::Map(items)
}

fn defaults_in(nesting: Nesting, nested: &[Attribute], config: &Value, proposed: Value) -> Value {
    match (nesting, config, proposed) {
        (Nesting::Single, Value::Map(_), proposed) => with_defaults(nested, config, proposed),
        (Nesting::List, Value::List(configured), Value::List(items)) if configured.len() == items.len() => {
            Value::List(configured.iter().zip(items).map(|(config, item)| with_defaults(nested, config, item)).collect())
        }
        (Nesting::Map, Value::Map(configured), Value::Map(items)) => {
            let filled = items.into_iter().map(|(key, item)| match configured.get(&key) {
                Some(config) => (key, with_defaults(nested, config, item)),
                None => (key, item),
            });
            Value::Map(filled.collect::<BTreeMap<_, _>>())
        }
        // Nothing computed stands in a set (`Schema::check`), so nothing there has a default.
        (_, _, proposed) => proposed,
    }
}
