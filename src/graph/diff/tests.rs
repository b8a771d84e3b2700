#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::graph::{Claim, Input, Meaning, Owner, Phase, Setting};

fn setting(value: Json, change: Change) -> Setting {
    Setting { value: Input::Known(value), change, meaning: Meaning::Exact, shown: false, seal: false, renews: false }
}

fn blueprint() -> Blueprint {
    let mut key = Node::new("key", "key", [("rotation".into(), setting(json!(true), Change::Live))].into()).claim();
    key.settings.insert("shown".into(), Setting { shown: true, ..setting(json!(1), Change::Live) });
    key.settings.insert("spec".into(), setting(json!("AES"), Change::Fixed));
    let mut alias = Node::new("alias", "alias", [("name".into(), setting(json!("a"), Change::Fixed))].into());
    alias.settings.insert("target".into(), Setting { value: Input::Output("key".into(), "id".into()), ..setting(json!(0), Change::Live) });
    let mut log = Node::new("log", "log", [].into());
    log.settings.insert("name".into(), Setting { value: Input::Unknown, ..setting(json!(0), Change::Live) });
    let mut blueprint = Blueprint::of(Owner { resource: "t".into(), name: "n".into() }, vec![key, alias, log]);
    blueprint.tags.insert("team".into(), "ml".into());
    blueprint.ignore_tags.keys.push("mine".into());
    blueprint.ignore_tags.key_prefixes.push("others:".into());
    blueprint
}

fn tags(component: &str) -> BTreeMap<String, String> {
    [(OWNER, "t/n"), (COMPONENT, component), ("team", "ml")].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn as_wanted() -> Observed {
    let mut key = Found { id: "k".into(), tags: tags("key"), outputs: [("id".into(), json!("k"))].into(), ..Found::default() };
    key.settings =
        [("rotation", json!(true)), ("shown", json!(1)), ("spec", json!("AES"))].map(|(name, value)| (name.into(), value)).into();
    key.tags.extend(Claim { uid: "u".into(), incarnation: "i".into(), phase: Phase::Ready }.tags());
    let alias = Found { id: "a".into(), settings: [("name".into(), json!("a")), ("target".into(), json!("k"))].into(), ..Found::default() };
    let log = Found { id: "l".into(), tags: tags("log"), ..Found::default() };
    Observed {
        claim: Claim::of(&key.tags),
        found: [("key", key), ("alias", alias), ("log", log)].map(|(id, found)| (id.into(), found)).into(),
        untaggable: ["alias".into()].into(),
        ..Observed::default()
    }
}

fn whats(blueprint: &Blueprint, observed: &Observed) -> Vec<(String, What)> {
    diff(blueprint, observed).into_iter().map(|difference| (difference.component.0, difference.what)).collect()
}

#[test]
fn what_is_as_wanted_does_not_differ_and_unknown_is_not_compared() {
    assert_eq!(diff(&blueprint(), &as_wanted()), []);
    assert!(drift(&blueprint(), &as_wanted()).is_empty());
}

#[test]
fn settings_by_what_they_take_and_only_hidden_ones_drift() {
    let mut observed = as_wanted();
    let key = observed.found.get_mut(&"key".into()).unwrap();
    key.settings.extend([("rotation".into(), json!(false)), ("shown".into(), json!(2)), ("spec".into(), json!("RSA"))]);
    let found = whats(&blueprint(), &observed);
    assert_eq!(found.len(), 3);
    assert!(found.iter().any(|(_, what)| matches!(what, What::Setting { name, change: Change::Fixed, .. } if name == "spec")));
    assert_eq!(drift(&blueprint(), &observed), [("key".to_owned(), vec!["rotation".to_owned(), "spec".to_owned()])].into());
}

#[test]
fn outputs_are_resolved_from_what_exists() {
    let mut observed = as_wanted();
    observed.found.get_mut(&"alias".into()).unwrap().settings.insert("target".into(), json!("other"));
    let found = whats(&blueprint(), &observed);
    assert!(matches!(found.as_slice(), [(id, What::Setting { wanted, .. })] if id == "alias" && *wanted == json!("k")), "{found:?}");
    observed.found.remove(&"key".into());
    assert_eq!(whats(&blueprint(), &observed), [("key".to_owned(), What::Absent)]);
}

#[test]
fn tags_of_others_stay_and_ours_are_named() {
    let mut observed = as_wanted();
    let key = &mut observed.found.get_mut(&"key".into()).unwrap().tags;
    key.extend(["others:x", "mine", "aws:created", "deeploy:later", "by-hand"].map(|tag| (tag.to_owned(), "v".to_owned())));
    let found = whats(&blueprint(), &observed);
    let only = What::Tags { set: BTreeMap::new(), remove: vec!["by-hand".to_owned()] };
    assert_eq!(found, [("key".to_owned(), only)]);
    assert!(drift(&blueprint(), &observed).is_empty(), "the claim's tags are shown in tags_all");

    for (tag, name) in [(OWNER, "tags:owner"), (COMPONENT, "tags:component"), ("deeploy:uid", "tags:claim")] {
        let mut observed = as_wanted();
        observed.found.get_mut(&"key".into()).unwrap().tags.remove(tag);
        assert_eq!(drift(&blueprint(), &observed)["key"], [name]);
    }
    let mut observed = as_wanted();
    observed.found.get_mut(&"log".into()).unwrap().tags.remove("team");
    assert_eq!(drift(&blueprint(), &observed)["log"], ["tags"]);
}

#[test]
fn what_could_not_be_read_is_neither_absent_nor_different() {
    let mut observed = as_wanted();
    observed.found.remove(&"log".into());
    let mut failed = observed.clone();
    failed.failures.push(("log".into(), crate::graph::resolve::bug("no".into())));
    assert_eq!(whats(&blueprint(), &observed), [("log".to_owned(), What::Absent)]);
    assert_eq!(whats(&blueprint(), &failed), []);
}

#[test]
fn superfluous_is_what_is_ours_only() {
    let mut blueprint = blueprint();
    blueprint.nodes[2].absent = true;
    let mut observed = as_wanted();
    assert_eq!(drift(&blueprint, &observed)["log"], ["superfluous"]);
    observed.found.get_mut(&"log".into()).unwrap().tags.insert(OWNER.into(), "t/another".into());
    assert_eq!(whats(&blueprint, &observed), []);
    observed.found.remove(&"log".into());
    assert_eq!(whats(&blueprint, &observed), []);
}
