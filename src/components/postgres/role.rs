//! `postgres_role`: a role and its marks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio_postgres::Client;

use super::{
    super::settings::{Settings, bug, map, number, required, text, texts},
    Bound, failure,
};
use crate::{
    graph::{Component, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
    postgres::{
        PgError, database,
        marks::Comment,
        owned::{self, Owned},
        role::{self, Role, Wish},
        server::version,
    },
};

/// A role of a server, made without a password.
///
/// Settings: `name` (fixed), `login`, `connection_limit` (-1: none), `acts_as` (the role that its sessions begin as; empty: itself), `privileges`
/// (always empty: no CREATEROLE, no CREATEDB), `joined` (always false: whether a run that was cut off left the administrator a member), all live. Not read: `on_destroy` (`fail`, `reassign`), `reassign_to` (a role; empty: the administrator),
/// `drop_databases`, `databases` (names of the resource's own).
/// Outputs: `name`, `server_version`. Id: its name. Tags stand in its COMMENT; only ours.
///
/// Guarantees: made with its marks in one transaction, so that a role is ours or was there before. Delete drops nothing that the role owns: with
/// `fail` the guard refuses, with `reassign` it is another's before.
/// Caveats: the administrator may be no superuser, and is a member of the role only as long as a statement needs it.
pub(super) struct PostgresRole(pub(super) Arc<Bound>);

/// How many tables a refusal names.
const NAMED_MAX: i64 = 5;

fn wish(settings: &Settings) -> Result<Wish<'_>, Failure> {
    Ok(Wish {
        name: required(settings, "name", "CREATE ROLE")?,
        login: settings.get("login") != Some(&Json::Bool(false)),
        connection_limit: number(settings, "connection_limit").unwrap_or(-1),
        acts_as: text(settings, "acts_as"),
    })
}

fn found(role: &Role, version: &str) -> Found {
    // Without the membership its sessions can't begin as that role: it is neither what is wanted nor nothing.
    let acts_as = role.set_role.as_ref().map(|other| match role.member_of.contains(other) {
        true => other.clone(),
        false => format!("{other}, without being its member"),
    });
    let mut privileges = Vec::new();
    if role.create_role {
        privileges.push("CREATEROLE");
    }
    if role.create_db {
        privileges.push("CREATEDB");
    }
    Found {
        id: role.name.clone(),
        settings: map([
            ("name", json!(role.name)),
            ("login", json!(role.login)),
            ("connection_limit", json!(role.connection_limit)),
            ("acts_as", json!(acts_as)),
            ("privileges", json!(privileges)),
            ("joined", json!(role.comment.marks.contains_key(role::JOINED))),
        ]),
        outputs: map([("name", json!(role.name)), ("server_version", json!(version))]),
        tags: role.comment.marks.clone(),
        readiness: Readiness::Ready,
    }
}

impl PostgresRole {
    async fn look(&self, name: &str) -> Result<Option<Found>, PgError> {
        let client = self.0.server.maintenance().await?;
        let Some(role) = role::find(&client, name).await? else { return Ok(None) };
        let (_, version) = version(&client).await?;
        Ok(Some(found(&role, &version)))
    }

    /// Hands over what it owns, takes its rights away and drops it.
    async fn dropped(&self, client: &Client, name: &str, reassigns: bool, to: Option<&str>) -> Result<Option<Kept>, PgError> {
        let server = &self.0.server;
        if role::find(client, name).await?.is_none() {
            return Ok(None);
        }
        role::shut_out(client, name).await?;
        let to = match to {
            Some(to) => to.to_owned(),
            None => role::current(client).await?,
        };
        let mut moved = Vec::new();
        if reassigns {
            for Owned { database, .. } in owned::by_database(client, name).await? {
                owned::hand_over(&*server.database(&database).await?, name, &to).await?;
                moved.push(format!("{database:?}"));
            }
        }
        for database in owned::touched(client, name).await? {
            owned::strip(&*server.database(&database).await?, name).await?;
        }
        // What hangs on the role beside databases: rights on shared objects.
        owned::strip(client, name).await?;
        role::drop(client, name).await?;
        let what = format!("what {name:?} owned in {} is {to:?}'s now", moved.join(", "));
        Ok((!moved.is_empty()).then_some(Kept { what, cost: String::new() }))
    }

    /// What keeps a role from being dropped although nothing of it may be lost.
    async fn owned(&self, name: &str, wanted: &Wanted) -> Result<Vec<String>, PgError> {
        let (server, mut said) = (&self.0.server, Vec::new());
        let client = server.maintenance().await?;
        let drops = wanted.settings.get("drop_databases") == Some(&Json::Bool(true));
        let ours = texts(&wanted.settings, "databases").unwrap_or_default();
        let owned = owned::by_database(&client, name).await?;
        for database in database::owned_by(&client, name).await? {
            if ours.contains(&database) && drops {
                continue;
            }
            let inside = server.database(&database).await?;
            let tables = owned::tables(&inside, NAMED_MAX).await?;
            if !ours.contains(&database) {
                said.push(format!("it owns the database {database:?}, which this resource didn't make"));
            } else if !tables.is_empty() {
                said.push(format!("the database {database:?} holds tables: {}", tables.join(", ")));
            } else if !owned::is_empty(&inside).await? {
                said.push(format!("the database {database:?} holds large objects"));
            }
        }
        let mine: BTreeSet<String> = database::owned_by(&client, name).await?.into_iter().collect();
        for Owned { database, relations, others } in owned.iter().filter(|owned| !mine.contains(&owned.database)) {
            said.push(format!("in the database {database:?} it owns {relations} tables, views or sequences and {others} other objects"));
        }
        Ok(said)
    }
}

/// Writes marks beside what others wrote.
async fn mark(client: &Client, name: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), PgError> {
    let Some(role) = role::find(client, name).await? else { return Ok(()) };
    role::comment(client, name, &role.comment.marked(set, remove)).await
}

#[async_trait]
impl Component for PostgresRole {
    fn kind(&self) -> &'static str {
        "postgres_role"
    }

    /// What its connection needs besides: the administrator's secret or token, a way through Session Manager, what RDS knows of a server out of reach.
    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:DescribeInstances",
            "kms:Decrypt",
            "rds-db:connect",
            "rds:DescribeDBClusters",
            "rds:DescribeDBInstances",
            "secretsmanager:GetSecretValue",
            "ssm:DescribeInstanceInformation",
            "ssm:StartSession",
            "ssm:TerminateSession",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let Some(name) = text(&query.settings, "name").or(query.id.as_deref()) else { return Ok(None) };
        self.0.found("SELECT pg_roles", self.look(name).await)
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let wish = wish(&wanted.settings)?;
        let comment = Comment { text: String::new(), marks: wanted.tags.clone() };
        let made = async {
            let held = self.0.server.exclusive().await?;
            let made = role::create(&held.client, &wish, &comment).await;
            held.end(made).await
        };
        made.await.map_err(|error| failure("CREATE ROLE", error))?;
        let found = self.look(wish.name).await.map_err(|error| failure("SELECT pg_roles", error))?;
        found.ok_or_else(|| bug("SELECT pg_roles", "the role was made and is not there"))
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        let wish = wish(&wanted.settings)?;
        let done = async {
            let held = self.0.server.exclusive().await?;
            let mut done = role::alter(&held.client, &wish).await;
            if done.is_ok() {
                done = role::leave(&held.client, wish.name).await;
            }
            held.end(done).await
        };
        done.await.map_err(|error| failure("ALTER ROLE", error))
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let done = async {
            let held = self.0.server.exclusive().await?;
            let done = mark(&held.client, &found.id, set, remove).await;
            held.end(done).await
        };
        done.await.map_err(|error| failure("COMMENT ON ROLE", error))
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        if text(&wanted.settings, "on_destroy") == Some("reassign") {
            return Ok(Vec::new());
        }
        let owned = self.owned(&found.id, wanted).await.map_err(|error| failure("SELECT pg_shdepend", error))?;
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        let reason = format!(
            "The user {:?} can't be dropped without losing data: {}. `on_destroy = \"reassign\"` hands everything to another role, `drop_databases = true` drops \
             the databases with their tables, `on_destroy = \"keep\"` leaves it all as it is; set one, apply, then destroy.",
            found.id,
            owned.join("; ")
        );
        Ok(vec![Guard { attribute: "on_destroy".to_owned(), reason }])
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reassigns = text(&wanted.settings, "on_destroy") == Some("reassign");
        let to = text(&wanted.settings, "reassign_to");
        let server = &self.0.server;
        let done = async {
            let held = server.exclusive().await?;
            let done = self.dropped(&held.client, &found.id, reassigns, to).await;
            held.end(done).await
        };
        done.await.map_err(|error| failure("DROP ROLE", error))
    }
}
