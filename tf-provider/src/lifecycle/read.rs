//! Rules of a read.

use super::{Rule, broken, conform, known_part, unknown_places, without_write_only};
use crate::{Diagnostics, Path, Schema, Type, Value, has_errors};

const I23: Rule = Rule { id: "I23", text: "a read returns known values that conform to the schema" };

/// The state to send: what was read, or what was there before where that can't be believed. `before` is null for a data source.
pub(crate) fn check(schema: &Schema, ty: &Type, found: Value, before: &Value, diagnostics: &mut Diagnostics) -> Value {
    // I25: null says that every part is proven absent. Beside an error it proves nothing.
    if has_errors(diagnostics) && found.is_null() {
        return before.clone();
    }
    let found = without_write_only(&schema.attributes, found);
    let state = match conform(&found, ty) {
        Ok(state) => state,
        Err(error) => {
            diagnostics.push(broken(I23, &error.path, &format!("What was read doesn't fit the schema: {}", error.problem)));
            return before.clone();
        }
    };
    let mut places = Vec::new();
    unknown_places(&state, ty, &Path::root(), &mut places);
    if places.is_empty() {
        return state;
    }
    diagnostics.extend(places.iter().map(|at| broken(I23, at, "The value that was read is unknown")));
    if state.is_unknown() { before.clone() } else { known_part(state) }
}
