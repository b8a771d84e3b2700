//! The record of a resource of several named objects: its claim, and what it takes to import the resource by name.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tf_provider::{Diagnostic, Diagnostics, Model, Path, Schema, Value, codec::json as codec};

use crate::{
    aws::Aws,
    components::record_value,
    graph::{Input, Meaning, Node},
    resources::{
        outputs, report,
        setting::{fixed, live, settings, to_json},
    },
};

/// The claim's component.
pub(crate) const RECORD: &str = "record";
/// The second part of the names of environments' records.
pub(crate) const ENVIRONMENT: &str = "environment";

/// The version of what a record notes.
const FORMAT: u64 = 1;
/// The longest value of a parameter of the standard tier, which costs nothing.
const VALUE_MAX: usize = 4096;
/// Attributes that say nothing of the objects.
const NOT_NOTED: [&str; 3] = ["timeouts", "recreate", "tags"];

/// A record's name.
fn name_of(kind: &str, name: &str) -> String {
    format!("/deeploy/{kind}/{name}")
}

/// The record of `model`, whose resource's name is its attribute `name`. It notes the inputs, which hold no secret, so that an import by name finds
/// everything again.
pub(crate) fn node<M: Model>(kind: &str, model: &M) -> Node {
    let value = model.to_value();
    let name = value.get("name").as_str().map_or(Input::Unknown, |name| Input::Known(json!(name_of(kind, name))));
    let record = settings([("name", fixed(name)), ("value", live(noted::<M>(&value)).meaning(Meaning::Note))]);
    Node::new(RECORD, "record", record).claim()
}

fn noted<M: Model>(value: &Value) -> Input {
    let mut inputs = outputs::inputs(&M::attributes(), value);
    for name in NOT_NOTED {
        outputs::set(&mut inputs, name, Value::Null);
    }
    let Some(inputs) = to_json(&inputs) else { return Input::Unknown };
    let text = json!({ "deeploy": FORMAT, "inputs": without_nulls(inputs) }).to_string();
    // Too long to be noted: an import then needs the configuration, and says so.
    let text = if text.len() > VALUE_MAX { json!({ "deeploy": FORMAT }).to_string() } else { text };
    Input::Known(json!(text))
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(fields) => Json::Object(
            fields.into_iter().filter(|(_, field)| !field.is_null()).map(|(name, field)| (name, without_nulls(field))).collect(),
        ),
        other => other,
    }
}

/// The model of a resource that stands in this account and region, by its record.
pub(crate) async fn imported<M: Model>(aws: &Arc<Aws>, kind: &str, name: &str, resource: &str) -> Result<M, Diagnostics> {
    let refused = |summary: &str, detail: String| vec![Diagnostic::error(Path::root(), summary.to_owned(), detail)];
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(legal) {
        return Err(refused("Not an import id", format!("{name:?} is no name of a {resource}.")));
    }
    let record = name_of(kind, name);
    let found = record_value(aws, &record).await;
    let found = found.map_err(|failure| vec![report::failed(Path::root(), format!("The record {record} can't be read"), &failure)])?;
    let Some(text) = found else {
        return Err(refused(
            "Nothing to import",
            format!(
                "There is no {resource} {name:?} in account {} and region {}: the parameter {record} doesn't exist. Check the name, and the provider's region \
                 and credentials.",
                aws.account_id, aws.region
            ),
        ));
    };
    let inputs = serde_json::from_str::<Json>(&text).ok().and_then(|noted| noted.get("inputs").cloned());
    let Some(inputs) = inputs else {
        return Err(refused(
            "The record doesn't tell the configuration",
            format!(
                "The parameter {record} holds no inputs, e.g. since they are longer than Parameter Store takes. Restore the state from a backup of it."
            ),
        ));
    };
    let ty = Schema::of::<M>(0).ty();
    let value = codec::from_json(&inputs, &ty, codec::Surplus::Ignore)
        .map_err(|error| refused("The record is of another release", format!("The parameter {record} can't be read: {error:?}.")))?;
    M::from_value(&value, &Path::root())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tf_provider::Attr;

    use super::*;

    /// A thing.
    #[derive(Clone, Debug, Model)]
    struct Thing {
        /// Its name.
        #[tf(required)]
        name: Attr<String>,
        /// Its size.
        #[tf(optional)]
        size: Attr<i64>,
        /// Its tags.
        #[tf(optional)]
        tags: Attr<String>,
        /// Its id.
        #[tf(computed)]
        id: Attr<String>,
    }

    #[test]
    fn inputs_are_noted_and_read_back() {
        let thing =
            Thing { name: Attr::Known("a".into()), size: Attr::Known(3), tags: Attr::Known("x".into()), id: Attr::Known("i".into()) };
        let node = node(ENVIRONMENT, &thing);
        assert_eq!(node.settings.get("name").unwrap().value, Input::Known(json!("/deeploy/environment/a")));
        let Input::Known(Json::String(text)) = &node.settings.get("value").unwrap().value else { panic!() };
        assert_eq!(text, r#"{"deeploy":1,"inputs":{"name":"a","size":3}}"#);
        let unknown = Thing { size: Attr::Unknown, ..thing };
        assert_eq!(super::node(ENVIRONMENT, &unknown).settings.get("value").unwrap().value, Input::Unknown);
    }
}
