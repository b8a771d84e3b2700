//! What one role may read of another's: now, and of what the other makes later.

use tokio_postgres::Client;

use super::{PgError, identifier, role::execute_as};

/// Relations that can be read, beside tables: views, materialised ones, foreign tables, sequences.
const READABLE: &str = "('r', 'p', 'v', 'm', 'f', 'S')";
const NOT_SYSTEM: &str = "n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'";

/// Whether `reader` may read everything that `owner` has in the database of this connection, and whatever it makes there.
pub(crate) async fn is_complete(inside: &Client, owner: &str, reader: &str) -> Result<bool, PgError> {
    let default = |kind: &str, privilege: &str| {
        format!(
            "EXISTS (SELECT FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE d.defaclrole = o.oid AND d.defaclnamespace = 0
              AND d.defaclobjtype = '{kind}' AND a.grantee = r.oid AND a.privilege_type = '{privilege}')"
        )
    };
    let asked = format!(
        "SELECT has_database_privilege(r.oid, current_database(), 'CONNECT') AND {} AND {} AND {}
            AND NOT EXISTS (SELECT FROM pg_namespace n WHERE (n.nspowner = o.oid OR n.nspname = 'public') AND {NOT_SYSTEM}
                              AND NOT has_schema_privilege(r.oid, n.oid, 'USAGE'))
            AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                             WHERE c.relowner = o.oid AND c.relkind IN {READABLE} AND {NOT_SYSTEM} AND NOT has_table_privilege(r.oid, c.oid, 'SELECT'))
           FROM pg_roles o, pg_roles r WHERE o.rolname = $1 AND r.rolname = $2",
        default("r", "SELECT"),
        default("S", "SELECT"),
        default("n", "USAGE"),
    );
    let row = inside.query_opt(&asked, &[&owner, &reader]).await?;
    Ok(row.map(|row| row.try_get::<_, Option<bool>>(0)).transpose()?.flatten().unwrap_or(false))
}

/// Lets `reader` read everything that `owner` has in this connection's database, and by default privileges whatever it makes there later.
pub(crate) async fn grant(inside: &Client, database: &str, owner: &str, reader: &str) -> Result<(), PgError> {
    let (role, to) = (identifier(owner), identifier(reader));
    let schemas = format!(
        "SELECT format('GRANT USAGE ON SCHEMA %I TO {0}; ', n.nspname) FROM pg_namespace n
          WHERE (n.nspowner = (SELECT oid FROM pg_roles WHERE rolname = $1) OR n.nspname = 'public') AND {NOT_SYSTEM}",
        format_quoted(&to)
    );
    let relations = format!(
        "SELECT format('GRANT SELECT ON %s %s TO {0}; ', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('%I.%I', n.nspname, c.relname))
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relowner = (SELECT oid FROM pg_roles WHERE rolname = $1) AND c.relkind IN {READABLE} AND {NOT_SYSTEM}",
        format_quoted(&to)
    );
    let mut all = format!("SET LOCAL ROLE {role}; GRANT CONNECT ON DATABASE {} TO {to}; ", identifier(database));
    for asked in [schemas, relations] {
        for row in inside.query(&asked, &[&owner]).await? {
            all.push_str(row.try_get(0)?);
        }
    }
    for (what, kind) in [("USAGE", "SCHEMAS"), ("SELECT", "TABLES"), ("SELECT", "SEQUENCES")] {
        all.push_str(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role} GRANT {what} ON {kind} TO {to}; "));
    }
    // The membership is ended by whoever it was given to.
    all.push_str("RESET ROLE");
    execute_as(inside, &[owner], &all).await
}

/// A quoted name inside a text constant that is a pattern of `format`.
fn format_quoted(identifier: &str) -> String {
    identifier.replace('%', "%%").replace('\'', "''")
}
