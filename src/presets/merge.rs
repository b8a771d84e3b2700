//! Merges a preset with what the user wrote and with what was chosen before.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tf_provider::{Attribute, AttributeType, Mode, Nesting, Path, Value};

use super::{Kind, Preset, table};

/// The note of an attribute that names its default in the preset's table.
const NOTE: &str = "preset";

/// The planned inputs: every attribute that the user may set, with the user's value, or the preset's, or (for an initial default)
/// the one chosen before. Computed attributes are left null. While the preset is unknown, so is everything that it decides.
#[must_use]
pub fn fill(attributes: &[Attribute], config: &Value, prior: &Value, preset: Option<Preset>) -> BTreeMap<String, Value> {
    attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), fill_one(attribute, config.get(&attribute.name), prior.get(&attribute.name), preset)))
        .collect()
}

fn fill_one(attribute: &Attribute, config: &Value, prior: &Value, preset: Option<Preset>) -> Value {
    if attribute.mode == Mode::Computed || attribute.write_only {
        return Value::Null;
    }
    if let AttributeType::Nested(Nesting::Single, below) = &attribute.ty
        && !matches!(config, Value::Unknown)
        // One that must or may be set has defaults of its own within, once it is set.
        && (attribute.mode == Mode::OptionalComputed || !config.is_null())
    {
        return Value::Map(fill(below, config, prior, preset));
    }
    if !config.is_null() || attribute.mode != Mode::OptionalComputed {
        return config.clone();
    }
    let Some(name) = attribute.notes.get(NOTE) else {
        // Chosen once by the schema or by the resource itself (a name made of other attributes).
        return attribute.default.clone().unwrap_or(Value::Null);
    };
    let Some(preset) = preset else { return Value::Unknown };
    match table(preset).get(name) {
        Some(default) if default.kind == Kind::Initial && !prior.is_null() => prior.clone(),
        Some(default) => from_json(&default.value),
        None => Value::Null,
    }
}

/// The settings that going from `production` to `development` would weaken and the configuration doesn't write out.
#[must_use]
pub fn weakened(attributes: &[Attribute], config: &Value, at: &Path) -> Vec<(Path, Json, Json)> {
    let mut found = Vec::new();
    for attribute in attributes {
        let path = at.attribute(&attribute.name);
        let written = config.get(&attribute.name);
        if let AttributeType::Nested(Nesting::Single, below) = &attribute.ty {
            found.extend(weakened(below, written, &path));
        } else if let (Value::Null, Some(name)) = (written, attribute.notes.get(NOTE))
            && let (Some(strict), Some(loose)) = (table(Preset::Production).get(name), table(Preset::Development).get(name))
            && strict.kind == Kind::Enforced
            && strict.value != loose.value
        {
            found.push((path, strict.value.clone(), loose.value.clone()));
        }
    }
    found
}

fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.to_string().parse().map_or(Value::Null, Value::Number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(fields) => Value::Map(fields.iter().map(|(name, field)| (name.clone(), from_json(field))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use tf_provider::{Attr, Model};

    use super::*;

    /// Where logs go.
    #[derive(Clone, Debug, Model)]
    struct Logging {
        /// Whether.
        #[tf(optional, computed, note(preset = "s3_bucket.access_logging.enabled"))]
        enabled: Attr<bool>,
        /// Where to.
        #[tf(optional)]
        bucket: Attr<String>,
    }

    /// A resource.
    #[derive(Clone, Debug, Model)]
    struct Thing {
        /// Its name.
        #[tf(required)]
        name: Attr<String>,
        /// Enforced.
        #[tf(optional, computed, note(preset = "s3_bucket.noncurrent_version_expiration_days"))]
        days: Attr<i64>,
        /// Initial.
        #[tf(optional, computed, note(preset = "iam_role.path"))]
        path: Attr<String>,
        /// Nested.
        #[tf(optional, computed)]
        logging: Attr<Logging>,
        /// Only the provider's.
        #[tf(computed)]
        id: Attr<String>,
    }

    fn thing(pairs: &[(&str, Value)]) -> Value {
        Value::Map(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn what_is_written_stays_and_the_rest_follows_the_preset() {
        let config = thing(&[("name", "a".into()), ("logging", thing(&[("bucket", "logs".into())]))]);
        let filled = fill(&Thing::attributes(), &config, &Value::Null, Some(Preset::Production));
        assert_eq!(filled["days"], Value::from(90));
        assert_eq!(filled["logging"], thing(&[("enabled", true.into()), ("bucket", "logs".into())]));
        assert_eq!(filled["id"], Value::Null);
        let filled = fill(&Thing::attributes(), &thing(&[("days", 5.into())]), &Value::Null, Some(Preset::Development));
        assert_eq!(filled["days"], Value::from(5));
        assert_eq!(filled["logging"], thing(&[("enabled", false.into()), ("bucket", Value::Null)]));
    }

    #[test]
    fn an_initial_default_keeps_what_was_chosen_and_an_enforced_one_does_not() {
        let prior = thing(&[("path", "/chosen/".into()), ("days", 7.into())]);
        let filled = fill(&Thing::attributes(), &thing(&[]), &prior, Some(Preset::Production));
        assert_eq!(filled["path"], Value::from("/chosen/"));
        assert_eq!(filled["days"], Value::from(90));
    }

    #[test]
    fn an_unknown_preset_makes_unknown_what_it_decides_and_nothing_else() {
        let filled = fill(&Thing::attributes(), &thing(&[("name", "a".into()), ("days", 3.into())]), &Value::Null, None);
        assert_eq!((&filled["name"], &filled["days"], &filled["path"]), (&Value::from("a"), &Value::from(3), &Value::Unknown));
        assert_eq!(filled["logging"].get("enabled"), &Value::Unknown);
    }

    #[test]
    fn what_development_weakens_and_nobody_wrote_is_listed() {
        let paths = |config| {
            weakened(&Thing::attributes(), &config, &Path::root()).into_iter().map(|(path, ..)| path.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(paths(thing(&[])), ["days", "logging.enabled"]);
        assert_eq!(paths(thing(&[("days", 30.into())])), ["logging.enabled"]);
        assert_eq!(paths(thing(&[("days", 30.into()), ("logging", thing(&[("enabled", true.into())]))])), Vec::<String>::new());
    }
}
