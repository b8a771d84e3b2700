//! Blueprints to simulate.

use serde_json::{Value as Json, json};
use terraform_provider_deeploy::graph::{Blueprint, Change, ComponentId, Input, Meaning, Node, Owner, Setting, Settings};

use crate::random::Random;

pub const SHAPES: usize = 6;
/// The shape whose claim carries a lease.
pub const DIAMOND: usize = 3;

fn setting(value: Input, change: Change) -> Setting {
    Setting { value, change, meaning: Meaning::Exact, shown: false, seal: false, renews: false }
}

pub fn known(value: Json, change: Change) -> Setting {
    setting(Input::Known(value), change)
}

fn output(from: &str, change: Change) -> Setting {
    setting(Input::Output(ComponentId::from(from), "id".to_owned()), change)
}

/// What most nodes have: settings that create carries and ones that need an update, sets, documents, defaults, seals.
fn common(seals: bool) -> Settings {
    let mut settings = Settings::from([
        ("live".to_owned(), known(json!(1), Change::Live)),
        ("later".to_owned(), known(json!({"on": true}), Change::Live)),
        ("list".to_owned(), Setting { meaning: Meaning::Unordered, ..known(json!(["a", "b"]), Change::Live) }),
        ("document".to_owned(), Setting { meaning: Meaning::Policy, ..known(json!({"Action": ["x"]}), Change::Live) }),
        ("fixed".to_owned(), known(json!("f"), Change::Fixed)),
        ("default".to_owned(), known(Json::Null, Change::Live)),
        ("window".to_owned(), Setting { meaning: Meaning::Unread, ..known(json!(7), Change::Live) }),
    ]);
    if seals {
        settings.insert("sealed".to_owned(), Setting { seal: true, ..known(json!(true), Change::Live) });
    }
    settings
}

fn node(id: &str, kind: &'static str, mut settings: Settings, more: &[(&str, Setting)]) -> Node {
    settings.extend(more.iter().map(|(name, setting)| ((*name).to_owned(), setting.clone())));
    Node::new(id, kind, settings)
}

fn named(name: &str) -> Setting {
    known(json!(name), Change::Fixed)
}

/// The shape of this number, for a resource of this name.
pub fn shape(number: usize, name: &str, random: &mut Random) -> Blueprint {
    let nodes = match number % SHAPES {
        0 => vec![node("thing", "thing", common(true), &[("name", named(name))]).claim().stateful()],
        1 => vec![
            node("key", "key", common(true), &[("alias", named(name))]).claim().stateful(),
            node("alias", "alias", Settings::new(), &[("name", named(name)), ("target", output("key", Change::Live))]),
        ],
        2 => user(name),
        DIAMOND => diamond(name),
        4 => replaced(name),
        _ => dag(name, random),
    };
    let mut blueprint = Blueprint::of(Owner { resource: "deeploy_thing".to_owned(), name: name.to_owned() }, nodes);
    blueprint.tags.insert("team".to_owned(), "ml".to_owned());
    blueprint.ignore_tags.key_prefixes.push("others:".to_owned());
    blueprint
}

/// User, group, membership, policy, key, secret.
fn user(name: &str) -> Vec<Node> {
    let fixed = |from| output(from, Change::Fixed);
    vec![
        node("user", "thing", common(false), &[("name", named(name))]).claim(),
        node("group", "group", Settings::new(), &[("name", named(name)), ("live", known(json!(1), Change::Live))]),
        node("membership", "child", Settings::new(), &[("name", named("m")), ("parent", fixed("user")), ("target", fixed("group"))]),
        node(
            "policy",
            "child",
            Settings::new(),
            &[("name", named("p")), ("parent", fixed("group")), ("later", known(json!(1), Change::Live))],
        ),
        node(
            "access_key",
            "instance",
            Settings::new(),
            &[("target", output("user", Change::Live)), ("slot", known(json!(1), Change::Replace))],
        ),
        node("secret", "secret", common(true), &[("name", named(name)), ("target", output("access_key", Change::Live))]).stateful(),
    ]
}

/// Two ways from a leased claim to the end.
fn diamond(name: &str) -> Vec<Node> {
    let mut bottom =
        node("bottom", "thing", common(true), &[("name", named(&format!("{name}-bottom"))), ("target", output("left", Change::Live))]);
    bottom.after = vec!["right".into()];
    // What runs on another: after it while it is new, before it later.
    let runner = node("runner", "instance", common(false), &[("target", output("top", Change::Live))]).late(["left", "right"], "live");
    vec![
        node("top", "record", common(false), &[("name", named(name))]).claim(),
        node("left", "instance", common(false), &[("target", output("top", Change::Live))]),
        node("right", "secret", common(false), &[("name", named(&format!("{name}-right"))), ("target", output("top", Change::Live))])
            .stateful(),
        bottom.stateful(),
        runner,
    ]
}

/// Settings whose change replaces: beside a unique name, and without one.
fn replaced(name: &str) -> Vec<Node> {
    vec![
        node("top", "thing", common(true), &[("name", named(name))]).claim(),
        node("worker", "instance", common(false), &[("slot", known(json!(1), Change::Replace))]),
        node("front", "alias", Settings::new(), &[("name", named(&format!("{name}-front"))), ("target", output("worker", Change::Live))]),
        node(
            "rule",
            "child",
            Settings::new(),
            &[("name", named("r")), ("parent", output("top", Change::Fixed)), ("slot", known(json!(1), Change::Replace))],
        ),
    ]
}

/// Twelve nodes with random edges.
fn dag(name: &str, random: &mut Random) -> Vec<Node> {
    let mut nodes = vec![node("n0", "key", common(true), &[("alias", named(name))]).claim().stateful()];
    nodes.push(node("n1", "alias", Settings::new(), &[("name", named(name)), ("target", output("n0", Change::Live))]));
    for at in 2..12_usize {
        let id = format!("n{at}");
        let kind = random.one_of(&["thing", "secret", "instance", "group"]);
        let from = format!("n{}", random.index(at));
        let mut more = vec![("target", output(&from, Change::Live))];
        if kind != "instance" {
            more.push(("name", named(&format!("{name}-{id}"))));
        }
        let mut made = node(&id, kind, common(random.chance(30)), &more);
        if random.chance(50) {
            made.after = vec![format!("n{}", random.index(at)).as_str().into()];
        }
        made.stateful = random.chance(30);
        nodes.push(made);
    }
    nodes
}
