//! From the attributes to components.

use serde_json::{Value as Json, json};
use tf_provider::Attr;

use super::model::{RdsUser, ReadOnlyUser, known};
use crate::{
    graph::{Input, Meaning, Node, Settings, link},
    resources::setting::{fixed, input, live, or_none, settings, unread},
};

/// The owner of everything, and with one login the login itself.
pub(super) const ROLE: &str = "role";
/// The secret with its credentials.
pub(super) const SECRET: &str = "secret";
/// Its password.
pub(super) const PASSWORD: &str = "password";
/// Before a database's name.
pub(super) const DATABASE: &str = "database/";
/// Before the number of one of two users that take turns.
pub(super) const LOGIN: &str = "login/";
/// Before the name of a user that may only read.
pub(super) const READ_ONLY: &str = "read_only/";

/// The users that take turns.
pub(super) fn alternates(username: &str) -> [String; 2] {
    [format!("{username}_1"), format!("{username}_2")]
}

/// A read-only user's component, e.g. `read_only/grafana/role`.
pub(super) fn reader(name: &str, part: &str) -> String {
    format!("{READ_ONLY}{name}/{part}")
}

fn output(component: &str, name: &str) -> Input {
    Input::Output(component.into(), name.to_owned())
}

/// The resource's own databases: those that are listed, and those that were and still stand in state.
fn own_databases(model: &RdsUser) -> Vec<String> {
    let mut all = model.database_names();
    let stand = model.shared.known();
    all.extend(stand.keys().filter_map(|component| component.0.strip_prefix(DATABASE).map(str::to_owned)));
    all.sort();
    all.dedup();
    all
}

/// Every component.
pub(super) fn nodes(model: &RdsUser) -> Vec<Node> {
    let alternate = model.alternate_users.known() == Some(&true);
    let username = model.username.known().cloned().unwrap_or_default();
    let mut all = vec![role(model, ROLE, input(&model.username), !alternate, input(&model.connection_limit), None).claim()];
    let mut logins = vec![username.clone()];
    if alternate {
        logins = alternates(&username).to_vec();
        for (at, login) in logins.iter().enumerate() {
            all.push(login_node(model, &format!("{LOGIN}{}", at + 1), login));
        }
    }
    if model.has_secret() {
        all.push(Node::new(SECRET, "secret", secret(model, input(&model.secret_name), "PostgreSQL user of Deeploy")));
    }
    let secret = if model.has_secret() { output(SECRET, "arn") } else { Input::Known(json!("")) };
    let waits: Vec<String> = (1..=2).filter(|_| alternate).map(|at| format!("{LOGIN}{at}")).collect();
    all.push(
        Node::new(PASSWORD, "postgres_password", password(model, ROLE, &logins, secret, rotation(model)))
            .after(waits.iter().map(String::as_str)),
    );
    for name in model.database_names() {
        all.push(database(model, &name));
    }
    for (name, user) in model.read_only_users.known().into_iter().flatten() {
        let Some(user) = user.known() else { continue };
        all.extend(reader_nodes(model, name, user));
    }
    all
}

/// A component that the configuration no longer names, with what it takes to find and delete it.
pub(super) fn leftover(component: &str, model: &RdsUser) -> Option<Node> {
    if let Some(name) = component.strip_prefix(DATABASE) {
        return Some(database(model, name));
    }
    if let Some(at) = component.strip_prefix(LOGIN).and_then(|at| at.parse::<usize>().ok()) {
        let username = model.username.known()?;
        let login = alternates(username).get(at.checked_sub(1)?)?.clone();
        return Some(login_node(model, component, &login));
    }
    let (name, _) = component.strip_prefix(READ_ONLY)?.rsplit_once('/')?;
    reader_nodes(model, name, &ReadOnlyUser::default()).into_iter().find(|node| node.id.0 == component)
}

fn role(model: &RdsUser, id: &str, name: Input, login: bool, limit: Input, acts_as: Option<Input>) -> Node {
    let databases = Input::Known(json!(own_databases(model)));
    let all = settings([
        ("name", fixed(name)),
        ("login", live(Input::Known(json!(login)))),
        ("connection_limit", live(limit).shown()),
        ("acts_as", live(acts_as.unwrap_or_else(|| Input::Known(json!(""))))),
        ("privileges", live(Input::Known(json!([]))).meaning(Meaning::Unordered)),
        ("joined", live(Input::Known(json!(false)))),
        ("on_destroy", unread(input(&model.on_destroy))),
        ("reassign_to", unread(input(&model.reassign_to))),
        ("drop_databases", unread(input(&model.drop_databases))),
        ("databases", unread(databases)),
    ]);
    Node::new(id, "postgres_role", all).marked_only()
}

fn login_node(model: &RdsUser, id: &str, login: &str) -> Node {
    let mut node = role(model, id, Input::Known(json!(login)), true, input(&model.connection_limit), Some(output(ROLE, "name")));
    if let Some(limit) = node.settings.get_mut("connection_limit") {
        limit.shown = false;
    }
    node
}

fn secret(model: &RdsUser, name: Input, description: &str) -> Settings {
    settings([
        ("name", fixed(name)),
        ("kms_key_id", live(or_none(&model.secret_kms_key_arn)).shown()),
        ("description", live(Input::Known(json!(description)))),
        ("recovery_window_in_days", unread(input(&model.secret_recovery_window_in_days))),
        ("recover", unread(Input::Known(json!(true)))),
    ])
}

fn password(model: &RdsUser, role: &str, logins: &[String], secret: Input, rotation: Input) -> Settings {
    settings([
        ("role", live(output(role, "name"))),
        ("logins", live(Input::Known(json!(logins)))),
        ("secret_arn", live(secret)),
        ("rotation", live(rotation)),
        ("accepted", live(Input::Known(json!(true)))),
        ("place", live(place(model))),
    ])
}

/// What a change of makes another password; null: nothing does.
fn rotation(model: &RdsUser) -> Input {
    match (input(&model.password_rotation), input(&model.password_wo_version)) {
        (Input::Known(Json::Null), Input::Known(Json::Null)) => Input::Known(Json::Null),
        (Input::Known(rotation), Input::Known(version)) => Input::Known(json!({ "rotation": rotation, "version": version })),
        _ => Input::Unknown,
    }
}

/// Where the users log in, as their secrets say.
fn place(model: &RdsUser) -> Input {
    let first = model.databases.known().and_then(|all| all.first());
    match (&model.host, &model.port, first) {
        (Attr::Known(host), Attr::Known(port), Some(Attr::Known(name))) => {
            Input::Known(json!({ "host": host, "port": port, "dbname": name }))
        }
        _ => Input::Unknown,
    }
}

fn database(model: &RdsUser, name: &str) -> Node {
    let extensions = match &model.extensions {
        Attr::Known(all) => Input::Known(json!(known(all.iter()))),
        Attr::Null => Input::Known(json!([])),
        Attr::Unknown => Input::Unknown,
    };
    let all = settings([
        ("name", fixed(Input::Known(json!(name)))),
        ("owner", live(output(ROLE, "name"))),
        ("extensions", live(extensions).meaning(Meaning::Unordered)),
        ("closed", live(Input::Known(json!(true)))),
        ("reassign_to", unread(input(&model.reassign_to))),
        ("drop_databases", unread(input(&model.drop_databases))),
    ]);
    Node::new(&format!("{DATABASE}{name}"), "postgres_database", all).marked_only().stateful()
}

fn reader_nodes(model: &RdsUser, name: &str, user: &ReadOnlyUser) -> Vec<Node> {
    let id = |part: &str| reader(name, part);
    let secret_name = match (&user.secret_name, &model.secret_name) {
        (Attr::Null, Attr::Known(own)) => Input::Known(json!(format!("{own}/{name}"))),
        (Attr::Null, Attr::Null) => Input::Known(json!(format!("deeploy/{name}/database"))),
        (Attr::Null, Attr::Unknown) => Input::Unknown,
        (own, _) => input(own),
    };
    let limit = match input(&user.connection_limit) {
        Input::Known(Json::Null) => Input::Known(json!(-1)),
        limit => limit,
    };
    let mut reading = role(model, &id("role"), Input::Known(json!(name)), true, limit, None);
    if let Some(limit) = reading.settings.get_mut("connection_limit") {
        limit.shown = false;
    }
    // Two of one resource: the one that acts as the owner comes first, so that a name is refused before anything hangs on it.
    let reading = reading.after([ROLE]);
    let databases: Vec<Json> =
        model.database_names().iter().map(|database| json!(link(&format!("{DATABASE}{database}"), "name"))).collect();
    let access = settings([
        ("owner", fixed(output(ROLE, "name"))),
        ("reader", fixed(output(&id("role"), "name"))),
        ("databases", live(Input::from(Json::Array(databases))).meaning(Meaning::Unordered)),
    ]);
    let stored = password(model, &id("role"), &[name.to_owned()], output(&id("secret"), "arn"), Input::Known(Json::Null));
    vec![
        reading,
        Node::new(&id("secret"), "secret", secret(model, secret_name, "PostgreSQL user that reads Deeploy's databases")),
        Node::new(&id("password"), "postgres_password", stored),
        Node::new(&id("access"), "postgres_access", access),
    ]
}
