//! The SQL side: the one layer that speaks to PostgreSQL. It knows no resource, no engine and no AWS; who logs in, and over which way, is given to it.
//!
//! `server` connects, `role`, `database`, `access` and `owned` each are the statements about one kind of object, `password` makes passwords and verifiers.

pub(crate) mod access;
pub(crate) mod database;
mod error;
pub(crate) mod marks;
pub(crate) mod owned;
pub(crate) mod password;
pub(crate) mod role;
mod roots;
pub(crate) mod server;
mod text;
pub(crate) mod tls;
pub(crate) mod via;

pub(crate) use error::{Absence, PgError};
pub(crate) use server::{Login, Logins, Server, Target};
pub(crate) use text::{identifier, literal};
