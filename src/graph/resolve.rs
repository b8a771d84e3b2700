//! From a node's settings to what a component is asked: inputs from other components resolved.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    Blueprint, Claim, Class, ComponentId, Failure, Found, Input, Node, Query, Wanted,
    claim::{token, wanted_tags},
    template::{filled, links},
};

/// The objects known so far.
pub(crate) type Objects = BTreeMap<ComponentId, Found>;

/// A node's settings as far as they are known; the second says whether all are.
pub(crate) fn settings(node: &Node, objects: &Objects) -> (BTreeMap<String, Json>, bool) {
    let mut complete = true;
    let mut known = BTreeMap::new();
    for (name, setting) in &node.settings {
        let value = match &setting.value {
            Input::Known(value) => Some(value.clone()),
            Input::Unknown => None,
            Input::Output(from, output) => objects.get(from).and_then(|found| found.outputs.get(output)).cloned(),
            Input::Template(template) => filled(template, objects),
        };
        match value {
            Some(value) => {
                known.insert(name.clone(), value);
            }
            None => complete = false,
        }
    }
    (known, complete)
}

/// What to look for; the second says whether every input was known.
pub(crate) fn query(blueprint: &Blueprint, node: &Node, objects: &Objects, id: Option<&str>, recover: bool) -> (Query, bool) {
    let (settings, complete) = settings(node, objects);
    let query = Query { component: node.id.0.clone(), id: id.map(str::to_owned), settings, owner: blueprint.owner.tag(), recover };
    (query, complete)
}

/// What to make. Seal settings are left out until the resource is sealed.
pub(crate) fn wanted(
    blueprint: &Blueprint,
    node: &Node,
    objects: &Objects,
    claim: Option<&Claim>,
    sealed: bool,
) -> Result<Wanted, Failure> {
    let (mut settings, _) = settings(node, objects);
    if let Some((name, setting)) = node.settings.iter().find(|(name, _)| !settings.contains_key(*name)) {
        return Err(missing(node, name, &setting.value, objects));
    }
    settings.retain(|name, _| sealed || node.settings.get(name).is_none_or(|setting| !setting.seal));
    Ok(finish(blueprint, node, settings, claim))
}

/// What to delete, or to ask guards about: inputs that are gone already are left out.
pub(crate) fn unwanted(blueprint: &Blueprint, node: &Node, objects: &Objects, claim: Option<&Claim>, sealed: bool) -> Wanted {
    let (mut settings, _) = settings(node, objects);
    settings.retain(|name, _| sealed || node.settings.get(name).is_none_or(|setting| !setting.seal));
    finish(blueprint, node, settings, claim)
}

fn finish(blueprint: &Blueprint, node: &Node, settings: BTreeMap<String, Json>, claim: Option<&Claim>) -> Wanted {
    let tags = wanted_tags(blueprint, node, claim);
    let mut wanted = Wanted { component: node.id.clone(), settings, tags, token: String::new() };
    wanted.token = token(claim.map(|claim| claim.uid.as_str()).unwrap_or_default(), node, &wanted, None);
    wanted
}

fn missing(node: &Node, name: &str, input: &Input, objects: &Objects) -> Failure {
    let message = match input {
        Input::Template(template) => {
            let absent = |(from, output): &(ComponentId, String)| objects.get(from).is_none_or(|found| !found.outputs.contains_key(output));
            let lacking = links(template).into_iter().find(absent);
            let (from, output) = lacking.unwrap_or_else(|| (node.id.clone(), name.to_owned()));
            format!("{from} has no output {output}, which setting {name} of {} takes", node.id)
        }
        Input::Output(from, output) => format!("{from} has no output {output}, which setting {name} of {} takes", node.id),
        _ => format!("setting {name} of {} is unknown", node.id),
    };
    bug(message)
}

/// A reply or blueprint that can't be.
pub(crate) fn bug(message: String) -> Failure {
    Failure { class: Class::Bug, operation: "engine".to_owned(), code: None, request_id: None, message, attribute: None, retry_after: None }
}
