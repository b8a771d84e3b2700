//! A resource's tags and the provider's.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tf_provider::Value;

pub(super) use crate::graph::PREFIX as OURS;
use crate::{
    graph::{Found, Input, Node},
    provider::Session,
};

/// The setting that holds the tags of what a component starts beyond itself: a launch template's instances, disks and interfaces.
pub(super) const LAUNCHED: &str = "instance_tags";

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

/// Gives what components start beyond themselves the user's tags too.
pub(super) fn spread(nodes: &mut [Node], tags: &BTreeMap<String, String>) {
    for setting in nodes.iter_mut().filter_map(|node| node.settings.get_mut(LAUNCHED)) {
        if let Input::Known(Json::Object(all)) = &mut setting.value {
            all.extend(tags.iter().map(|(key, value)| (key.clone(), Json::from(value.as_str()))));
        }
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::setting::{live, settings};

    #[test]
    fn what_is_launched_has_the_users_tags_over_its_own() {
        let template = |value| Node::new("launch_template/default", "launch_template", settings([(LAUNCHED, live(value))]));
        let mut nodes = [
            template(Input::Known(json!({ "Name": "prod-default", "team": "ops" }))),
            template(Input::Unknown),
            Node::new("x", "y", [].into()),
        ];
        spread(&mut nodes, &BTreeMap::from([("team".to_owned(), "ml".to_owned())]));
        let values: Vec<&Input> = nodes.iter().filter_map(|node| Some(&node.settings.get(LAUNCHED)?.value)).collect();
        assert_eq!(values, [&Input::Known(json!({ "Name": "prod-default", "team": "ml" })), &Input::Unknown]);
    }
}
