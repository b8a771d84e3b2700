//! The components of one resource as components of another: under other names, and no longer the claim.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::graph::{ComponentId, Input, Node, link};

/// Nodes under other names, with every edge between them; none is the claim.
pub(crate) fn renamed(nodes: Vec<Node>, names: &[(&str, &str)]) -> Vec<Node> {
    let names: BTreeMap<&str, &str> = names.iter().copied().collect();
    let rename = |id: &ComponentId| names.get(id.0.as_str()).map_or_else(|| id.clone(), |new| ComponentId::from(*new));
    let one = |mut node: Node| {
        node.id = rename(&node.id);
        node.after = node.after.iter().map(rename).collect();
        if let Some(late) = &mut node.late {
            late.others = late.others.iter().map(rename).collect();
        }
        node.claim = false;
        for setting in node.settings.values_mut() {
            setting.value = match &setting.value {
                Input::Output(from, output) => Input::Output(rename(from), output.clone()),
                Input::Template(template) => Input::Template(relinked(template, &names)),
                other => other.clone(),
            };
        }
        node
    };
    nodes.into_iter().map(one).collect()
}

/// Texts that are one whole link; a granular resource's own components are linked so.
fn relinked(template: &Json, names: &BTreeMap<&str, &str>) -> Json {
    match template {
        Json::String(text) => {
            let changed = names.iter().fold(text.clone(), |text, (old, new)| {
                let (before, after) = (link(old, ""), link(new, ""));
                // A link ends with its output: compare up to where that begins.
                let end = |link: &str| link.chars().take(link.chars().count().saturating_sub(1)).collect::<String>();
                text.replace(&end(&before), &end(&after))
            });
            Json::String(changed)
        }
        Json::Array(items) => Json::Array(items.iter().map(|item| relinked(item, names)).collect()),
        Json::Object(fields) => Json::Object(fields.iter().map(|(name, field)| (name.clone(), relinked(field, names))).collect()),
        plain => plain.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::setting::{live, settings};

    #[test]
    fn edges_follow_their_ends() {
        let alias = settings([
            ("key_id", live(Input::Output("key".into(), "id".into()))),
            ("policy", live(Input::from(json!({ "Resource": link("key", "arn"), "Other": link("bucket", "arn") })))),
        ]);
        let nodes = vec![Node::new("key", "kms_key", settings([])).claim(), Node::new("alias", "kms_alias", alias).after(["key"])];
        let renamed = renamed(nodes, &[("key", "tokens_key"), ("alias", "tokens_key_alias")]);
        let [key, alias] = renamed.as_slice() else { panic!("{renamed:?}") };
        assert_eq!((key.id.0.as_str(), key.claim, alias.id.0.as_str()), ("tokens_key", false, "tokens_key_alias"));
        assert_eq!(alias.after, ["tokens_key".into()]);
        assert_eq!(alias.settings.get("key_id").unwrap().value, Input::Output("tokens_key".into(), "id".into()));
        let template = json!({ "Resource": link("tokens_key", "arn"), "Other": link("bucket", "arn") });
        assert_eq!(alias.settings.get("policy").unwrap().value, Input::Template(template));
    }
}
