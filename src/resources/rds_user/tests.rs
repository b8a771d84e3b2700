//! Pure parts: what a configuration says, before anybody connects.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use tf_provider::{Model, Path, Value};

use super::{Composite, Kind, RdsUser, check, import, nodes};
use crate::graph::{ComponentId, Input};

fn value(attributes: &[(&str, Value)]) -> RdsUser {
    let nulls = RdsUser::attributes().into_iter().map(|attribute| (attribute.name, Value::Null));
    let mut all: BTreeMap<String, Value> = nulls.collect();
    let usual = [
        ("host", Value::from("db")),
        ("port", 5432.into()),
        ("username", "deeploy".into()),
        ("databases", Value::List(vec!["deeploy".into(), "kratos".into()])),
        ("secret_name", "s".into()),
    ];
    for (name, value) in usual.iter().chain(attributes) {
        all.insert((*name).to_owned(), value.clone());
    }
    RdsUser::from_value(&Value::Map(all), &Path::root()).unwrap()
}

fn ids(model: &RdsUser) -> Vec<String> {
    nodes::nodes(model).into_iter().map(|node| node.id.0).collect()
}

#[test]
fn components_follow_the_configuration() {
    assert_eq!(ids(&value(&[])), ["role", "secret", "password", "database/deeploy", "database/kratos"]);
    let given = value(&[("secret_name", Value::Null)]);
    assert_eq!(ids(&given), ["role", "password", "database/deeploy", "database/kratos"]);
    let reader = Value::object([("secret_name", Value::Null), ("connection_limit", Value::Null)]);
    let all = value(&[("alternate_users", true.into()), ("read_only_users", Value::object([("a/b", reader)]))]);
    let expected = [
        "role",
        "login/1",
        "login/2",
        "secret",
        "password",
        "database/deeploy",
        "database/kratos",
        "read_only/a/b/role",
        "read_only/a/b/secret",
        "read_only/a/b/password",
        "read_only/a/b/access",
    ];
    assert_eq!(ids(&all), expected);
}

/// Whatever was made once is found again when the configuration no longer names it.
#[test]
fn every_component_can_be_a_leftover() {
    let reader = Value::object([("secret_name", Value::Null), ("connection_limit", Value::Null)]);
    let all = value(&[("alternate_users", true.into()), ("read_only_users", Value::object([("a/b", reader)]))]);
    let plain = value(&[]);
    for node in nodes::nodes(&all).into_iter().filter(|node| !["role", "secret", "password"].contains(&node.id.0.as_str())) {
        let left = nodes::leftover(&node.id.0, &plain).unwrap();
        assert_eq!((left.id, left.kind), (node.id.clone(), node.kind));
        let (wanted, found) = (node.settings.get("name"), left.settings.get("name"));
        assert_eq!(wanted.map(|setting| &setting.value), found.map(|setting| &setting.value), "{}", node.id);
    }
    assert!(nodes::leftover("nothing/x", &plain).is_none());
}

#[test]
fn only_what_holds_data_is_stateful_and_only_the_role_claims() {
    let all = nodes::nodes(&value(&[]));
    let of = |pick: fn(&crate::graph::Node) -> bool| all.iter().filter(|node| pick(node)).map(|node| node.id.clone()).collect::<Vec<_>>();
    assert_eq!(of(|node| node.claim), [ComponentId::from("role")]);
    assert_eq!(of(|node| node.stateful), [ComponentId::from("database/deeploy"), ComponentId::from("database/kratos")]);
}

#[test]
fn an_unknown_host_leaves_only_what_hangs_on_it_unknown() {
    let model = value(&[("host", Value::Unknown)]);
    let all = nodes::nodes(&model);
    let unknown: Vec<String> = all
        .iter()
        .flat_map(|node| {
            node.settings.iter().filter(|(_, setting)| setting.value == Input::Unknown).map(move |(name, _)| format!("{}.{name}", node.id))
        })
        .collect();
    assert_eq!(unknown, ["password.place"]);
    let told: BTreeMap<String, Value> = Kind::foretell(&model, &crate::policies::frankfurt()).into_iter().collect();
    assert_eq!(told.get("id"), Some(&Value::Unknown));
}

#[test]
fn a_new_password_moves_the_version_and_an_old_value_does_not() {
    let (one, two) = (value(&[("password_rotation", "1".into())]), value(&[("password_rotation", "2".into())]));
    assert_eq!(Kind::moved(&two, &one), ["secret_version_id"]);
    assert!(Kind::moved(&one, &one).is_empty());
    // Without a value nothing rotates.
    assert!(Kind::moved(&value(&[]), &one).is_empty());
    assert_eq!(Kind::moved(&value(&[("host", "other".into())]), &value(&[])), ["server_version", "secret_version_id"]);
}

#[test]
fn administrators_are_told_in_one_way() {
    let admin =
        |attributes: &[(&str, Value)]| check::written(&value(attributes)).into_iter().map(|problem| problem.summary).collect::<Vec<_>>();
    let (secret, user, password, iam) = (
        ("admin_secret_arn", "a".into()),
        ("admin_username", "u".into()),
        ("admin_password_wo", "p".into()),
        ("admin_iam_auth", true.into()),
    );
    for good in [
        vec![secret.clone()],
        vec![user.clone(), password.clone()],
        vec![user.clone(), iam.clone()],
        vec![("admin_secret_arn", Value::Unknown)],
    ] {
        assert!(admin(&good).is_empty(), "{good:?}");
    }
    assert_eq!(admin(&[]), ["No administrator"]);
    assert_eq!(admin(std::slice::from_ref(&user)), ["An administrator without credentials"]);
    for many in [vec![secret.clone(), user.clone()], vec![secret, iam.clone()], vec![user, password, iam]] {
        assert_eq!(admin(&many), ["More than one administrator"], "{many:?}");
    }
}

#[test]
fn import_ids_are_addresses() {
    assert_eq!(import::parse("db.example.com:5432/dee/ploy"), Some(("db.example.com".into(), 5432, "dee/ploy".into())));
    assert_eq!(import::parse("[::1]:1/u"), Some(("::1".into(), 1, "u".into())));
    for wrong in ["", "db/u", "db:x/u", ":1/u", "db:1/", "db:70000/u"] {
        assert_eq!(import::parse(wrong), None, "{wrong}");
    }
}
