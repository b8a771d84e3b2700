//! Rules of an apply. Here a mistake costs most: so each check also says what to keep.

use super::{Rule, broken, conform, element_type, known_part, unknown_places, without_write_only};
use crate::{Attribute, Diagnostics, Path, Schema, Type, Value, has_errors};

const I13: Rule = Rule { id: "I13", text: "every known planned value is equal in the new state, null too" };
const I14: Rule =
    Rule { id: "I14", text: "what was planned unknown becomes known, of its type; lists and maps keep their keys, sets never grow" };
const I15: Rule = Rule { id: "I15", text: "the new state is wholly known, also beside errors" };
const I16: Rule = Rule { id: "I16", text: "a create or update that succeeds returns an object, a delete that succeeds returns null" };
const I18: Rule = Rule { id: "I18", text: "beside an error, the state holds every object that exists and conforms to the schema" };
const I19: Rule = Rule { id: "I19", text: "the identity is in every reply" };
const I21: Rule = Rule { id: "I21", text: "a delete that fails returns the objects that remain" };

/// What was asked.
pub(crate) struct Asked<'a> {
    /// The resource's schema.
    pub(crate) schema: &'a Schema,
    /// Its type.
    pub(crate) ty: &'a Type,
    /// The state before; null: create.
    pub(crate) prior: &'a Value,
    /// The plan; null: delete.
    pub(crate) planned: &'a Value,
}

/// The state to send: conforms to the schema, is wholly known, and holds every object that exists. What was wrong with the one
/// that the resource returned is added to `diagnostics`.
pub(crate) fn check(asked: &Asked<'_>, returned: Value, diagnostics: &mut Diagnostics) -> Value {
    let failed = has_errors(diagnostics);
    let returned = without_write_only(&asked.schema.attributes, returned);
    let state = conforming(asked, &returned, diagnostics);
    let state = known(asked, state, diagnostics);
    let state = present(asked, state, failed, diagnostics);
    if !failed && !asked.planned.is_null() && !state.is_null() {
        compatible(asked.ty, asked.planned, &state, &Path::root(), diagnostics);
    }
    state
}

/// The identity to send, with the complaint if a living object has none.
pub(crate) fn check_identity(has_identity: bool, state: &Value, identity: Option<Value>, diagnostics: &mut Diagnostics) -> Option<Value> {
    if !has_identity || state.is_null() {
        return None;
    }
    let known = identity.as_ref().is_some_and(|identity| identity.as_map().is_some() && identity.is_wholly_known());
    if !known && !has_errors(diagnostics) {
        diagnostics.push(broken(I19, &Path::root(), "The reply holds an object without its identity"));
    }
    identity.filter(Value::is_wholly_known)
}

fn conforming(asked: &Asked<'_>, returned: &Value, diagnostics: &mut Diagnostics) -> Value {
    match conform(returned, asked.ty) {
        Ok(state) => state,
        Err(error) => {
            diagnostics.push(broken(I18, &error.path, &format!("The new state doesn't fit the schema: {}", error.problem)));
            salvaged(asked, returned)
        }
    }
}

/// Attribute by attribute what conforms: as returned, else as planned, else as it was.
fn salvaged(asked: &Asked<'_>, returned: &Value) -> Value {
    if returned.as_map().is_none() {
        return last_known(asked);
    }
    let fits = |attribute: &Attribute, value: &Value| conform(value, &attribute.ty()).map(known_part).ok();
    let attributes = asked.schema.attributes.iter().map(|attribute| {
        let name = &attribute.name;
        let candidates = [returned.get(name), asked.planned.get(name), asked.prior.get(name)];
        let value = candidates.into_iter().find_map(|value| fits(attribute, value)).unwrap_or_default();
        (name.clone(), value)
    });
    Value::Map(attributes.collect())
}

/// What is kept when the resource returned nothing of use: what was there, or else what was to be made.
fn last_known(asked: &Asked<'_>) -> Value {
    if asked.prior.is_null() { known_part(asked.planned.clone()) } else { asked.prior.clone() }
}

fn known(asked: &Asked<'_>, state: Value, diagnostics: &mut Diagnostics) -> Value {
    let mut places = Vec::new();
    unknown_places(&state, asked.ty, &Path::root(), &mut places);
    for at in &places {
        diagnostics.push(broken(I15, at, &format!("{} is still unknown in the new state", named(at))));
    }
    if state.is_unknown() {
        last_known(asked)
    } else if places.is_empty() {
        state
    } else {
        known_part(state)
    }
}

fn present(asked: &Asked<'_>, state: Value, failed: bool, diagnostics: &mut Diagnostics) -> Value {
    let root = Path::root();
    let (deleting, creating) = (asked.planned.is_null(), asked.prior.is_null());
    match (state.is_null(), failed) {
        (false, false) if deleting => {
            diagnostics.push(broken(I16, &root, "The delete succeeded, but returned an object"));
            state
        }
        (true, true) if deleting && !creating => {
            diagnostics.push(broken(I21, &root, "The delete failed, but returned no object"));
            asked.prior.clone()
        }
        (true, false) if !deleting => {
            diagnostics.push(broken(I16, &root, "The apply succeeded, but returned no object"));
            last_known(asked)
        }
        // A failed create may return null: nothing was made. A failed update may not: the object was there.
        (true, true) if !deleting && !creating => {
            diagnostics.push(broken(I18, &root, "The update failed, but returned no object"));
            asked.prior.clone()
        }
        _ => state,
    }
}

/// Adds to `found` where a known planned value differs, or an unknown one became what it must not.
pub(crate) fn compatible(ty: &Type, planned: &Value, actual: &Value, at: &Path, found: &mut Diagnostics) {
    match (ty, planned, actual) {
        (_, Value::Unknown, _) | (_, Value::Null, Value::Null) => {}
        (_, Value::Null, _) => found.push(broken(I13, at, &format!("{} was planned null, but has a value", named(at)))),
        (_, _, Value::Null) => found.push(broken(I13, at, &format!("{} was planned with a value, but is null", named(at)))),
        (Type::Dynamic, Value::Dynamic(planned), Value::Dynamic(actual)) => {
            if planned.0 == actual.0 {
                compatible(&planned.0, &planned.1, &actual.1, at, found);
            } else {
                found.push(broken(I14, at, &format!("{} has another type than was planned", named(at))));
            }
        }
        (Type::Set(element), Value::List(planned), Value::List(actual)) => set(element, planned, actual, at, found),
        (Type::List(_) | Type::Tuple(_), Value::List(planned), Value::List(actual)) => {
            if planned.len() != actual.len() {
                found.push(broken(I14, at, &format!("{} has another number of elements than was planned", named(at))));
                return;
            }
            for (index, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                compatible(element_type(ty, index), planned, actual, &at.index(index), found);
            }
        }
        (Type::Object(attributes), Value::Map(_), Value::Map(_)) => {
            for (name, ty) in attributes {
                compatible(ty, planned.get(name), actual.get(name), &at.attribute(name), found);
            }
        }
        (Type::Map(element), Value::Map(planned), Value::Map(actual)) => {
            if !planned.keys().eq(actual.keys()) {
                found.push(broken(I14, at, &format!("{} has other keys than were planned", named(at))));
                return;
            }
            for ((key, planned), actual) in planned.iter().zip(actual.values()) {
                compatible(element, planned, actual, &at.key(key), found);
            }
        }
        _ if planned == actual => {}
        _ => found.push(broken(I13, at, &format!("{} has another value than was planned", named(at)))),
    }
}

/// Elements of sets are compared each with each: one that was planned must have become one that is there, and none came from nowhere.
fn set(element: &Type, planned: &[Value], actual: &[Value], at: &Path, found: &mut Diagnostics) {
    if actual.len() > planned.len() {
        found.push(broken(I14, at, &format!("{} has more elements than were planned", named(at))));
        return;
    }
    let matches = |planned: &Value, actual: &Value| {
        let mut differences = Diagnostics::new();
        compatible(element, planned, actual, at, &mut differences);
        differences.is_empty()
    };
    let vanished = planned.iter().any(|planned| !actual.iter().any(|actual| matches(planned, actual)));
    let appeared = actual.iter().any(|actual| !planned.iter().any(|planned| matches(planned, actual)));
    if vanished || appeared {
        found.push(broken(I13, at, &format!("{} has other elements than were planned", named(at))));
    }
}

fn named(at: &Path) -> String {
    if at.0.is_empty() { "The object".to_owned() } else { at.to_string() }
}
