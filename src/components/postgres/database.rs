//! `postgres_database`: a database that a role owns.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio_postgres::{Client, error::SqlState};

use super::{
    super::settings::{bug, map, required, text, texts},
    Bound, failure,
};
use crate::{
    graph::{COMPONENT, Component, Failure, Found, Kept, OWNER, Query, Readiness, Wanted},
    postgres::{PgError, database, marks::Comment, owned, role},
};

/// A database in UTF-8, in which its owner, the administrator and those who are named may do something, and nobody else.
///
/// Settings: `name` (fixed), `owner`, `extensions` (what is installed beside them is not told), `closed` (true: PUBLIC may neither connect nor create in the schema
/// `public`, the administrator may connect), all live. Not read: `on_destroy`, `reassign_to`, `drop_databases`, as of the role.
/// Outputs: `name`. Id: its name. Tags stand in its COMMENT; only ours.
///
/// Guarantees: delete drops it when it holds no table, or with `drop_databases`; else it is handed to another role and kept.
/// Caveats: CREATE DATABASE runs in no transaction. One without marks that its owner's role owns counts as made by us: a kill may fall in between.
pub(super) struct PostgresDatabase(pub(super) Arc<Bound>);

/// What is known of a database from inside.
struct Inside {
    extensions: Vec<String>,
    closed: bool,
}

impl PostgresDatabase {
    async fn look(&self, query: &Query) -> Result<Option<Found>, PgError> {
        let Some(name) = text(&query.settings, "name").or(query.id.as_deref()) else { return Ok(None) };
        let client = self.0.server.maintenance().await?;
        let Some(database) = database::find(&client, name).await?.filter(|_| !self.0.is_released(name)) else { return Ok(None) };
        let mut tags = database.comment.marks.clone();
        if !tags.contains_key(OWNER) && text(&query.settings, "owner") == Some(database.owner.as_str()) {
            tags.insert(OWNER.to_owned(), query.owner.clone());
        }
        let ours = tags.get(OWNER) == Some(&query.owner);
        let wanted = texts(&query.settings, "extensions").unwrap_or_default();
        let inside = if ours { self.inside(name, &database.owner).await? } else { Inside { extensions: Vec::new(), closed: false } };
        let extensions: Vec<String> = inside.extensions.into_iter().filter(|extension| wanted.contains(extension)).collect();
        Ok(Some(Found {
            id: name.to_owned(),
            settings: map([
                ("name", json!(name)),
                ("owner", json!(database.owner)),
                ("extensions", json!(extensions)),
                ("closed", json!(inside.closed && database.admin_connect && !database.public_connect)),
            ]),
            outputs: map([("name", json!(name))]),
            tags,
            readiness: Readiness::Ready,
        }))
    }

    async fn inside(&self, name: &str, owner: &str) -> Result<Inside, PgError> {
        match self.0.server.database(name).await {
            Ok(client) => {
                Ok(Inside { extensions: database::extensions(&client).await?, closed: !database::public_creates(&client, owner).await? })
            }
            // Another administrator than the one who made it.
            Err(error) if error.is(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(Inside { extensions: Vec::new(), closed: false }),
            Err(error) => Err(error),
        }
    }

    async fn change(&self, name: &str, owner: &str, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), PgError> {
        let server = &self.0.server;
        let owner_now = text(&wanted.settings, "owner").unwrap_or(owner);
        let held = server.exclusive().await?;
        let done = async {
            if changed.contains("owner") && owner_now != owner {
                let comment = database::find(&held.client, name).await?.map(|found| found.comment).unwrap_or_default();
                let comment = comment.marked(&wanted.tags, &[]);
                database::give(&held.client, name, owner, owner_now, &comment).await?;
            }
            // With another owner the ACL's entries are others', too.
            if changed.contains("closed") || changed.contains("owner") {
                database::close_to_public(&held.client, name, owner_now).await?;
                let inside = server.database(name).await?;
                if database::public_creates(&inside, owner_now).await? {
                    database::revoke_public_create(&inside, owner_now).await?;
                }
            }
            if changed.contains("extensions") {
                let all = texts(&wanted.settings, "extensions").unwrap_or_default();
                database::install(&*server.database(name).await?, owner_now, &all).await?;
            }
            Ok(())
        };
        let done = done.await;
        held.end(done).await
    }

    /// Drops it, or hands it over with what it holds; who has it then.
    async fn let_go(&self, client: &Client, name: &str, drops: bool, to: Option<&str>) -> Result<Option<String>, PgError> {
        let Some(database) = database::find(client, name).await? else { return Ok(None) };
        let empty = owned::is_empty(&*self.0.server.database(name).await?).await?;
        if drops || empty {
            self.0.server.leave(name).await;
            database::drop(client, name, &database.owner).await?;
            return Ok(None);
        }
        let to = match to {
            Some(to) => to.to_owned(),
            None => role::current(client).await?,
        };
        let ours = [OWNER.to_owned(), COMPONENT.to_owned()];
        database::give(client, name, &database.owner, &to, &database.comment.marked(&BTreeMap::new(), &ours)).await?;
        Ok(Some(to))
    }
}

/// Writes marks beside what others wrote.
async fn mark(client: &Client, name: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), PgError> {
    let Some(database) = database::find(client, name).await? else { return Ok(()) };
    database::comment(client, name, &database.owner, &database.comment.marked(set, remove)).await
}

#[async_trait]
impl Component for PostgresDatabase {
    fn kind(&self) -> &'static str {
        "postgres_database"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        self.0.found("SELECT pg_database", self.look(query).await)
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "CREATE DATABASE";
        let name = required(&wanted.settings, "name", CALL)?;
        let owner = required(&wanted.settings, "owner", CALL)?;
        let comment = Comment { text: String::new(), marks: wanted.tags.clone() };
        let made = async {
            let held = self.0.server.exclusive().await?;
            let mut made = database::create(&held.client, name, owner).await;
            if made.is_ok() {
                made = database::comment(&held.client, name, owner, &comment).await;
            }
            held.end(made).await
        };
        made.await.map_err(|error| failure(CALL, error))?;
        let query =
            Query { settings: wanted.settings.clone(), owner: wanted.tags.get(OWNER).cloned().unwrap_or_default(), ..Query::default() };
        let found = self.look(&query).await.map_err(|error| failure("SELECT pg_database", error))?;
        found.ok_or_else(|| bug("SELECT pg_database", "the database was made and is not there"))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let owner = required(&found.settings, "owner", "ALTER DATABASE")?;
        self.change(&found.id, owner, wanted, changed).await.map_err(|error| failure("ALTER DATABASE", error))
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let done = async {
            let held = self.0.server.exclusive().await?;
            let done = mark(&held.client, &found.id, set, remove).await;
            held.end(done).await
        };
        done.await.map_err(|error| failure("COMMENT ON DATABASE", error))
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let drops = wanted.settings.get("drop_databases") == Some(&Json::Bool(true));
        let to = text(&wanted.settings, "reassign_to");
        let name = found.id.as_str();
        let done = async {
            let held = self.0.server.exclusive().await?;
            let done = self.let_go(&held.client, name, drops, to).await;
            held.end(done).await
        };
        let heir = done.await.map_err(|error| failure("DROP DATABASE", error))?;
        Ok(heir.map(|heir| {
            self.0.release(name);
            Kept { what: format!("the database {name:?} with its tables, which is {heir:?}'s now"), cost: String::new() }
        }))
    }
}
