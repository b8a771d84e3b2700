//! What a PostgreSQL server holds: roles, passwords, databases, rights. Bound to one operation of one resource, whose connection they share.

mod access;
mod database;
mod failure;
mod instance;
mod logins;
mod password;
mod role;
mod stored;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use zeroize::Zeroizing;

use crate::{
    aws::Aws,
    graph::{Component, Failure},
    postgres::{PgError, Server},
};

pub(crate) use self::{
    failure::failure,
    instance::{Instance, instance_at},
    logins::{Admin, AdminLogins},
};

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Only look.
    Read,
    /// Make and change.
    Apply,
    /// Delete. A server that is proven gone took everything with it.
    Destroy,
}

/// The connection of one operation, and what only this operation knows.
pub(crate) struct Bound {
    /// The server.
    pub(crate) server: Arc<Server>,
    /// For secrets.
    pub(crate) aws: Arc<Aws>,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// The user's password, where the configuration gives it: write-only, so that no setting may hold it.
    pub(crate) given_password: Option<Zeroizing<String>>,
    /// Databases that were handed over in this operation: they exist and are nobody's here any more.
    released: Mutex<BTreeSet<String>>,
}

impl Bound {
    /// Connects to nothing yet.
    pub(crate) fn new(server: Arc<Server>, aws: Arc<Aws>, purpose: Purpose, given_password: Option<Zeroizing<String>>) -> Self {
        Self { server, aws, purpose, given_password, released: Mutex::default() }
    }

    fn release(&self, database: &str) {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).insert(database.to_owned());
    }

    fn is_released(&self, database: &str) -> bool {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).contains(database)
    }

    /// The result of a find: on the way of a destroy, what a server held that is proven gone is gone.
    fn found<T>(&self, operation: &str, result: Result<Option<T>, PgError>) -> Result<Option<T>, Failure> {
        match result {
            Err(PgError::Gone(_)) if self.purpose == Purpose::Destroy => Ok(None),
            result => result.map_err(|error| failure(operation, error)),
        }
    }
}

/// The components over one connection.
pub(crate) fn bound(bound: &Arc<Bound>) -> Vec<Arc<dyn Component>> {
    vec![
        Arc::new(role::PostgresRole(Arc::clone(bound))),
        Arc::new(password::PostgresPassword(Arc::clone(bound))),
        Arc::new(database::PostgresDatabase(Arc::clone(bound))),
        Arc::new(access::PostgresAccess(Arc::clone(bound))),
    ]
}
