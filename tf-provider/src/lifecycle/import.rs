//! Rules of an import, and of a state moved from another type: both begin a resource's life in the state.

use super::{Rule, broken, conform, unknown_places, without_write_only};
use crate::{Diagnostics, Path, Schema, Type, Value};

const I28: Rule = Rule { id: "I28", text: "an import returns an object, known and conforming to the schema, or an error" };

/// The state to send, if nothing is added to `diagnostics`.
pub(crate) fn check(schema: &Schema, ty: &Type, state: Value, diagnostics: &mut Diagnostics) -> Value {
    if state.as_map().is_none() {
        diagnostics.push(broken(I28, &Path::root(), "There is no object in the answer, and no error"));
        return Value::Null;
    }
    match conform(&without_write_only(&schema.attributes, state), ty) {
        Ok(state) => {
            let mut places = Vec::new();
            unknown_places(&state, ty, &Path::root(), &mut places);
            diagnostics.extend(places.iter().map(|at| broken(I28, at, "The imported value is unknown")));
            if places.is_empty() { state } else { Value::Null }
        }
        Err(error) => {
            diagnostics.push(broken(I28, &error.path, &format!("The imported state doesn't fit the schema: {}", error.problem)));
            Value::Null
        }
    }
}
