//! Reading what the engine found into attributes.

use serde_json::Value as Json;
use tf_provider::Attr;

use crate::graph::Observed;

/// What was found, with the questions that resources ask of it.
pub(crate) struct Seen<'a>(pub &'a Observed);

impl Seen<'_> {
    /// A component's setting as it is.
    pub(crate) fn setting(&self, component: &str, name: &str) -> Option<Json> {
        self.0.found.get(&component.into()).and_then(|found| found.settings.get(name)).cloned()
    }

    /// A component's output.
    pub(crate) fn output_json(&self, component: &str, name: &str) -> Option<Json> {
        self.0.found.get(&component.into()).and_then(|found| found.outputs.get(name)).cloned()
    }

    /// A component's output as a text; null where there is none.
    pub(crate) fn output(&self, component: &str, name: &str) -> Attr<String> {
        self.output_json(component, name).and_then(|json| json.as_str().map(str::to_owned)).into()
    }

    /// Sets a text to what was found, if it was found.
    pub(crate) fn text(&self, component: &str, name: &str, attribute: &mut Attr<String>) {
        match self.setting(component, name) {
            Some(Json::String(text)) => *attribute = Attr::Known(text),
            Some(Json::Null) => *attribute = Attr::Null,
            _ => {}
        }
    }

    /// Sets a flag to what was found, if it was found.
    pub(crate) fn flag(&self, component: &str, name: &str, attribute: &mut Attr<bool>) {
        if let Some(Json::Bool(flag)) = self.setting(component, name) {
            *attribute = Attr::Known(flag);
        }
    }

    /// Sets a number to what was found, if it was found.
    pub(crate) fn number(&self, component: &str, name: &str, attribute: &mut Attr<i64>) {
        if let Some(number) = self.setting(component, name).as_ref().and_then(Json::as_i64) {
            *attribute = Attr::Known(number);
        }
    }
}
