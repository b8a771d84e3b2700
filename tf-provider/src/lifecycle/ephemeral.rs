//! Rules of an opened ephemeral resource.

use super::{plan, unknown_places};
use crate::{Attribute, Diagnostic, Diagnostics, Mode, Path, Schema, Type, Value, has_errors};

/// The value to send, or `None` where there is an error.
pub(crate) fn check(schema: &Schema, ty: &Type, config: &Value, result: Value, diagnostics: &mut Diagnostics) -> Option<Value> {
    if has_errors(diagnostics) {
        return None;
    }
    // Terraform holds it to the rules of a new object's plan, and here nothing is left to become known.
    let mut found = Vec::new();
    let asked = plan::Asked { schema, ty, config, prior: &Value::Null };
    let result = plan::check(&asked, result, &[], &mut found);
    let mut places: Vec<(Path, &str)> =
        found.into_iter().map(|found| (found.path, "doesn't fit the schema, or isn't what the configuration sets")).collect();
    if places.is_empty() {
        let mut unknown = Vec::new();
        unknown_places(&result, ty, &Path::root(), &mut unknown);
        places = unknown.into_iter().map(|place| (place, "is unknown")).collect();
    }
    diagnostics.extend(places.iter().map(|(at, what)| broken(at, what)));
    places.is_empty().then_some(result)
}

/// I31. It never shows a value: it may be a secret, and the path says enough.
fn broken(at: &Path, what: &str) -> Diagnostic {
    let place = if at.0.is_empty() { "the value as a whole".to_owned() } else { at.to_string() };
    let detail = format!(
        "What the ephemeral resource gave {what}: {place}. Rule I31: what is opened is known, fits its schema and keeps what the \
         configuration sets. This is a bug in the provider, not in your configuration: please report it with this text."
    );
    Diagnostic::error(at.clone(), "The provider broke rule I31", detail)
}

/// What stands for it while the configuration isn't known yet: unknown where the provider will set something.
pub(crate) fn unopened(attributes: &[Attribute], config: &Value) -> Value {
    let value = |attribute: &Attribute| match config.get(&attribute.name) {
        Value::Null if matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed) => Value::Unknown,
        configured => configured.clone(),
    };
    Value::Map(attributes.iter().map(|attribute| (attribute.name.clone(), value(attribute))).collect())
}
