//! A resource's tags and the provider's.

use std::collections::BTreeMap;

use tf_provider::Value;

pub(super) use crate::graph::PREFIX as OURS;
use crate::{graph::Found, provider::Session};

/// `default_tags` with the resource's own `tags` over them; `None` where any of them is unknown.
pub(super) fn wanted(session: &Session, resource: &Value) -> Option<BTreeMap<String, String>> {
    let mut all = session.default_tags()?;
    match resource.get("tags") {
        Value::Unknown => return None,
        Value::Map(tags) => {
            for (key, value) in tags {
                match value {
                    Value::String(text) => drop(all.insert(key.clone(), text.clone())),
                    Value::Unknown => return None,
                    _ => {}
                }
            }
        }
        _ => {}
    }
    // What is ignored is somebody else's, also when both name it.
    let ignored = session.ignore_tags();
    all.retain(|key, _| !ignored.covers(key));
    Some(all)
}

/// The tags that a state says: while `default_tags` is unknown, what was there is no drift.
pub(super) fn stated(resource: &Value) -> BTreeMap<String, String> {
    let all = resource.get("tags_all").as_map().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The tags of an object that users see: all but ours and the ignored ones.
pub(super) fn visible(session: &Session, found: &Found) -> BTreeMap<String, String> {
    let ignored = session.ignore_tags();
    found
        .tags
        .iter()
        .filter(|(key, _)| !key.starts_with(OURS) && !ignored.covers(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// As a value of `tags_all`.
pub(super) fn to_value(tags: &BTreeMap<String, String>) -> Value {
    Value::Map(tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect())
}
