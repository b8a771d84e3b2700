//! From a model's attributes to a blueprint's settings.

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Number, TfType, Value};

use crate::graph::{Change, Input, Meaning, Setting, Settings};

/// A setting that AWS changes in place.
pub(super) fn live(value: Input) -> Setting {
    Setting { value, change: Change::Live, meaning: Meaning::Exact, shown: false, seal: false, renews: false }
}

/// A setting that is never changed.
pub(super) fn fixed(value: Input) -> Setting {
    Setting { change: Change::Fixed, ..live(value) }
}

/// A setting that AWS never tells.
pub(super) fn unread(value: Input) -> Setting {
    Setting { meaning: Meaning::Unread, ..live(value) }
}

impl Setting {
    /// The resource has an attribute for it, which shows its drift.
    pub(super) fn shown(self) -> Self {
        Self { shown: true, ..self }
    }

    /// Set when everything else is there.
    pub(super) fn sealed(self) -> Self {
        Self { seal: true, ..self }
    }

    /// A change in place gives the object another id.
    pub(super) fn renewing(self) -> Self {
        Self { renews: true, ..self }
    }

    /// How wanted and found are compared.
    pub(super) fn meaning(self, meaning: Meaning) -> Self {
        Self { meaning, ..self }
    }
}

/// Settings by name.
pub(super) fn settings<const N: usize>(named: [(&str, Setting); N]) -> Settings {
    named.into_iter().map(|(name, setting)| (name.to_owned(), setting)).collect()
}

/// An attribute as a setting's value; null stays null.
pub(super) fn input<T: TfType>(attribute: &Attr<T>) -> Input {
    match attribute {
        Attr::Null => Input::Known(Json::Null),
        Attr::Unknown => Input::Unknown,
        Attr::Known(value) => to_json(&value.to_value()).map_or(Input::Unknown, Input::Known),
    }
}

/// An attribute whose null means that there shall be none: the engine then takes away what is there.
pub(super) fn or_none(attribute: &Attr<String>) -> Input {
    match input(attribute) {
        Input::Known(Json::Null) => Input::Known(json!("")),
        other => other,
    }
}

/// A list of the one text that an attribute holds.
pub(super) fn just(attribute: &Attr<String>) -> Input {
    match input(attribute) {
        Input::Known(text) => Input::Known(json!([text])),
        other => other,
    }
}

/// A policy as an attribute shows it.
pub(super) fn document(policy: &Input) -> Attr<String> {
    match policy {
        Input::Known(Json::Null) => Attr::Null,
        Input::Known(document) => Attr::Known(document.to_string()),
        _ => Attr::Unknown,
    }
}

/// A value as JSON; `None` where part of it is unknown.
pub(super) fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Unknown => return None,
        Value::Bool(flag) => json!(flag),
        Value::Number(number) => number_json(number),
        Value::String(text) => json!(text),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(fields) => {
            Json::Object(fields.iter().map(|(name, field)| Some((name.clone(), to_json(field)?))).collect::<Option<_>>()?)
        }
        Value::Dynamic(inner) => to_json(&inner.1)?,
    })
}

fn number_json(number: &Number) -> Json {
    serde_json::from_str(&number.to_string()).unwrap_or(Json::Null)
}
