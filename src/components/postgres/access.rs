//! `postgres_access`: what a reader may read of an owner's databases.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::json;
use tokio_postgres::error::SqlState;

use super::{
    super::settings::{map, required, text, texts},
    Bound, failure,
};
use crate::{
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
    postgres::{PgError, access},
};

/// The right to read all that an owner has in some databases, and by default privileges all that it makes there later.
///
/// Settings: `owner`, `reader` (fixed, from others), `databases` (live; as found: those in which nothing is missing). Id: the reader's name.
/// Its end is the end of the reader's role, which takes every right of it away.
pub(super) struct PostgresAccess(pub(super) Arc<Bound>);

impl PostgresAccess {
    async fn look(&self, query: &Query) -> Result<Option<Found>, PgError> {
        let settings = &query.settings;
        let (Some(owner), Some(reader)) = (text(settings, "owner"), text(settings, "reader")) else { return Ok(None) };
        let mut complete = Vec::new();
        for database in texts(settings, "databases").unwrap_or_default() {
            match self.0.server.database(&database).await {
                Ok(inside) if access::is_complete(&inside, owner, reader).await? => complete.push(database),
                Ok(_) => {}
                Err(error) if error.is(&SqlState::INVALID_CATALOG_NAME) || error.is(&SqlState::INSUFFICIENT_PRIVILEGE) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Found {
            id: reader.to_owned(),
            settings: map([("owner", json!(owner)), ("reader", json!(reader)), ("databases", json!(complete))]),
            outputs: BTreeMap::new(),
            tags: BTreeMap::new(),
            readiness: Readiness::Ready,
        }))
    }
}

impl PostgresAccess {
    async fn granted(&self, database: &str, owner: &str, reader: &str) -> Result<(), PgError> {
        let inside = self.0.server.database(database).await?;
        if access::is_complete(&inside, owner, reader).await? {
            return Ok(());
        }
        access::grant(&inside, database, owner, reader).await
    }
}

#[async_trait]
impl Component for PostgresAccess {
    fn kind(&self) -> &'static str {
        "postgres_access"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[]
    }

    fn taggable(&self) -> bool {
        false
    }

    fn is_settings(&self) -> bool {
        true
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        self.0.found("SELECT pg_default_acl", self.look(query).await)
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let reader = required(&wanted.settings, "reader", "GRANT")?;
        Ok(Found { id: reader.to_owned(), ..Found::default() })
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        let (owner, reader) = (required(&wanted.settings, "owner", "GRANT")?, required(&wanted.settings, "reader", "GRANT")?);
        let server = &self.0.server;
        let done = async {
            let held = server.exclusive().await?;
            let mut done = Ok(());
            for database in texts(&wanted.settings, "databases").unwrap_or_default() {
                done = self.granted(&database, owner, reader).await;
                if done.is_err() {
                    break;
                }
            }
            held.end(done).await
        };
        done.await.map_err(|error| failure("GRANT", error))
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        Ok(None)
    }
}
