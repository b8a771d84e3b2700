//! What names may be, and defaults.

use std::collections::BTreeSet;

use tf_provider::{Path, Validator, Value};

use super::model::texts;
use crate::{
    postgres::tls,
    resources::checks::{Problem, each, problem, said, text},
};

/// PostgreSQL cuts longer names off, with a notice that nobody reads.
const NAME_BYTES_MAX: usize = 63;
/// A host name's length by RFC 1035.
const HOST_MAX: usize = 253;

/// Databases of Deeploy's chart.
pub(super) fn default_databases() -> Value {
    texts(&["deeploy", "deeploy_kratos"])
}

/// What the databases of Deeploy's services use.
pub(super) fn default_extensions() -> Value {
    texts(&["pgcrypto", "uuid-ossp"])
}

fn name(kind: &str, name: &str) -> Problem {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0') {
        let detail = format!("{name:?} has {} bytes: PostgreSQL takes 1 to {NAME_BYTES_MAX}, none of them zero.", name.len());
        return problem(&format!("Not a {kind}'s name"), detail);
    }
    None
}

/// A role that isn't PostgreSQL's or RDS's own.
pub(super) fn role() -> Validator {
    text(|role| {
        let reserved = ["public", "none", "postgres", "rdsadmin", "current_user", "session_user"].contains(&role);
        if reserved || role.starts_with("pg_") || role.starts_with("rds_") {
            return problem("A reserved name", format!("{role:?} is PostgreSQL's or RDS's own. Choose another one."));
        }
        name("user", role)
    })
}

/// Databases that aren't PostgreSQL's or RDS's own, each once.
pub(super) fn databases() -> Validator {
    let legal = each(|database| {
        if ["postgres", "template0", "template1", "rdsadmin"].contains(&database) {
            return problem("A reserved name", format!("{database:?} is PostgreSQL's or RDS's own. Choose another one."));
        }
        name("database", database)
    });
    std::sync::Arc::new(move |value: &Value, path: &Path| {
        let Value::List(items) = value else { return Vec::new() };
        if items.is_empty() {
            return said(path, problem("No database", "Name one at least: a user without a database has nowhere to log in."));
        }
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        let mut seen = BTreeSet::new();
        match texts.iter().find(|text| !seen.insert(**text)) {
            Some(twice) => said(path, problem("A database twice", format!("{twice:?} stands twice in the list."))),
            None => legal(value, path),
        }
    })
}

/// A host name or an address, without port and scheme.
pub(super) fn host() -> Validator {
    text(|host| {
        let legal = |character: char| character.is_ascii_alphanumeric() || ".-_:".contains(character);
        if host.is_empty() || host.len() > HOST_MAX || !host.chars().all(legal) {
            return problem("Not a host", format!("{host:?}: a host name or an IP address, without scheme and path."));
        }
        let port = host.rsplit_once(':').filter(|(before, port)| !before.contains(':') && port.parse::<u16>().is_ok());
        match port {
            Some((before, port)) => problem("A host with a port", format!("Write host = {before:?} and port = {port}.")),
            None => None,
        }
    })
}

/// PEM certificates.
pub(super) fn certificates() -> Validator {
    text(|pem| match tls::store(pem) {
        Ok(_) => None,
        Err(cause) => problem("Not certificates", format!("{cause}. It takes PEM, e.g. file(\"ca.pem\").")),
    })
}
