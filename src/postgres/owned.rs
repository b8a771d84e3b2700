//! What a role owns and what it may, in every database of a server: PostgreSQL drops no role that has any of it left.

use tokio_postgres::Client;

use super::{PgError, identifier, role::execute_as};

/// What a role owns in one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    /// The database.
    pub(crate) database: String,
    /// Tables, views, sequences.
    pub(crate) relations: i64,
    /// Schemas, functions, types …
    pub(crate) others: i64,
}

/// The shared catalogue knows every dependency on a role, of every database, from any connection. Default privileges are no object that anybody
/// would miss: REASSIGN OWNED leaves them, DROP OWNED takes them.
const OWNED: &str = "SELECT d.datname::text, count(*) FILTER (WHERE s.classid = 'pg_class'::regclass), count(*) FILTER (WHERE s.classid <> 'pg_class'::regclass)
  FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
 WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1) AND s.deptype = 'o'
   AND s.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)
 GROUP BY 1 ORDER BY 1";

/// Where a role owns something, or has rights: in these databases it has to be looked for.
const TOUCHED: &str = "SELECT DISTINCT d.datname::text FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
 WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1) ORDER BY 1";

/// Tables that somebody made: none of the system's, none of an extension.
const USER_TABLES: &str = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
   AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')";

/// What a role owns, by database.
pub(crate) async fn by_database(client: &Client, role: &str) -> Result<Vec<Owned>, PgError> {
    let read = |row: &tokio_postgres::Row| {
        Ok::<_, tokio_postgres::Error>(Owned { database: row.try_get(0)?, relations: row.try_get(1)?, others: row.try_get(2)? })
    };
    client.query(OWNED, &[&role]).await?.iter().map(|row| read(row).map_err(Into::into)).collect()
}

/// The databases in which a role owns something or has rights.
pub(crate) async fn touched(client: &Client, role: &str) -> Result<Vec<String>, PgError> {
    client.query(TOUCHED, &[&role]).await?.iter().map(|row| row.try_get(0).map_err(Into::into)).collect()
}

/// The first tables in the database of this connection, whoever owns them, as `SCHEMA.TABLE`.
pub(crate) async fn tables(inside: &Client, at_most: i64) -> Result<Vec<String>, PgError> {
    let asked = format!("SELECT n.nspname || '.' || c.relname {USER_TABLES} ORDER BY 1 LIMIT $1");
    inside.query(&asked, &[&at_most]).await?.iter().map(|row| row.try_get(0).map_err(Into::into)).collect()
}

/// Schemas in which `$1` owns something and `$2` may not create: who gets a function or a type must be allowed to make one there.
const CLOSED: &str = "SELECT n.nspname::text FROM pg_namespace n
 WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspowner <> (SELECT oid FROM pg_roles WHERE rolname = $1)
   AND NOT has_schema_privilege($2::name, n.oid, 'CREATE')
   AND EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND pg_get_userbyid(relowner) = $1
         UNION ALL SELECT FROM pg_proc WHERE pronamespace = n.oid AND pg_get_userbyid(proowner) = $1
         UNION ALL SELECT FROM pg_type WHERE typnamespace = n.oid AND pg_get_userbyid(typowner) = $1)";

/// Whether the database of this connection holds no data: no table of anybody's, no large object.
pub(crate) async fn is_empty(inside: &Client) -> Result<bool, PgError> {
    let asked = format!("SELECT NOT EXISTS (SELECT {USER_TABLES}) AND NOT EXISTS (SELECT FROM pg_largeobject_metadata)");
    Ok(inside.query_one(&asked, &[]).await?.try_get(0)?)
}

/// Gives everything that `role` owns in the database of this connection to another role.
pub(crate) async fn hand_over(inside: &Client, role: &str, to: &str) -> Result<(), PgError> {
    let heir = identifier(to);
    let (mut open, mut shut) = (String::new(), String::new());
    for row in inside.query(CLOSED, &[&role, &to]).await? {
        let schema = identifier(row.try_get(0)?);
        open.push_str(&format!("GRANT CREATE ON SCHEMA {schema} TO {heir}; "));
        shut.push_str(&format!("; REVOKE CREATE ON SCHEMA {schema} FROM {heir}"));
    }
    execute_as(inside, &[role, to], &format!("{open}REASSIGN OWNED BY {} TO {heir}{shut}", identifier(role))).await
}

/// Who gave `role` what it may in the database of this connection, superusers aside: only who is their member may take it away.
const GRANTORS: &str = "SELECT DISTINCT g.rolname::text FROM (
       SELECT a.grantor, a.grantee FROM pg_class, aclexplode(relacl) a
       UNION SELECT a.grantor, a.grantee FROM pg_attribute, aclexplode(attacl) a
       UNION SELECT a.grantor, a.grantee FROM pg_namespace, aclexplode(nspacl) a
       UNION SELECT a.grantor, a.grantee FROM pg_proc, aclexplode(proacl) a
       UNION SELECT a.grantor, a.grantee FROM pg_type, aclexplode(typacl) a
       UNION SELECT a.grantor, a.grantee FROM pg_database, aclexplode(datacl) a
       UNION SELECT defaclrole, a.grantee FROM pg_default_acl, aclexplode(defaclacl) a) given
  JOIN pg_roles g ON g.oid = given.grantor JOIN pg_roles r ON r.oid = given.grantee
 WHERE r.rolname = $1 AND g.rolname <> $1 AND NOT g.rolsuper AND g.rolname NOT LIKE 'pg\\_%'";

/// Takes every right away that `role` has in the database of this connection and on shared objects. What it owns there must be gone or given
/// away: DROP OWNED would drop it, so that a look within the same transaction comes first.
pub(crate) async fn strip(inside: &Client, role: &str) -> Result<(), PgError> {
    let owns = "DO $check$ BEGIN IF EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
         AND classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass) AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = ";
    let checked = format!(
        "{owns}{}) AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) \
         THEN RAISE EXCEPTION 'the role owns objects again in database %', current_database() USING ERRCODE = '2BP01'; END IF; END $check$; \
         DROP OWNED BY {}",
        super::literal(role),
        identifier(role)
    );
    let mut roles = vec![role.to_owned()];
    for row in inside.query(GRANTORS, &[&role]).await? {
        roles.push(row.try_get(0)?);
    }
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    execute_as(inside, &roles, &checked).await
}
