//! Databases: their owner, who may connect, and their extensions.

use tokio_postgres::Client;

use super::{
    PgError, identifier, literal,
    marks::Comment,
    role::{execute_alone_as, execute_as},
};

/// A database as the catalogue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) owner: String,
    /// Whether PUBLIC, that is everybody, may connect.
    pub(crate) public_connect: bool,
    /// Whether the administrator may.
    pub(crate) admin_connect: bool,
    pub(crate) comment: Comment,
}

/// A null ACL is the default one, in which PUBLIC may connect.
const FIND: &str = "SELECT pg_get_userbyid(d.datdba)::text,
       EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT'),
       shobj_description(d.oid, 'pg_database'), has_database_privilege(d.oid, 'CONNECT')
  FROM pg_database d WHERE d.datname = $1";

/// Finds a database by its name, from any other.
pub(crate) async fn find(client: &Client, name: &str) -> Result<Option<Database>, PgError> {
    let Some(row) = client.query_opt(FIND, &[&name]).await? else { return Ok(None) };
    let comment: Option<String> = row.try_get(2)?;
    Ok(Some(Database {
        owner: row.try_get(0)?,
        public_connect: row.try_get(1)?,
        admin_connect: row.try_get(3)?,
        comment: Comment::parse(comment.as_deref()),
    }))
}

/// The databases that a role owns and that hold connections, by name.
pub(crate) async fn owned_by(client: &Client, role: &str) -> Result<Vec<String>, PgError> {
    let all = "SELECT datname::text FROM pg_database WHERE pg_get_userbyid(datdba) = $1 AND NOT datistemplate AND datallowconn ORDER BY 1";
    client.query(all, &[&role]).await?.iter().map(|row| row.try_get(0).map_err(Into::into)).collect()
}

/// Makes an empty database in UTF-8. It runs in no transaction.
pub(crate) async fn create(client: &Client, name: &str, owner: &str) -> Result<(), PgError> {
    let statement = format!("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'", identifier(name), identifier(owner));
    execute_alone_as(client, owner, &statement).await
}

/// Takes CONNECT and TEMPORARY from PUBLIC: who is not named has nothing to do in there. The administrator is named, who is no superuser on RDS.
pub(crate) async fn close_to_public(client: &Client, name: &str, owner: &str) -> Result<(), PgError> {
    let database = identifier(name);
    let statement =
        format!("GRANT CONNECT ON DATABASE {database} TO CURRENT_USER; REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC");
    execute_as(client, &[owner], &statement).await
}

/// Gives it to another owner, with the comment that goes with it.
pub(crate) async fn give(client: &Client, name: &str, from: &str, to: &str, comment: &Comment) -> Result<(), PgError> {
    let statements = format!("{}; ALTER DATABASE {} OWNER TO {}", commenting(name, comment), identifier(name), identifier(to));
    execute_as(client, &[from, to], &statements).await
}

/// Sets its comment, as its owner.
pub(crate) async fn comment(client: &Client, name: &str, owner: &str, comment: &Comment) -> Result<(), PgError> {
    let statement = commenting(name, comment);
    execute_as(client, &[owner], &statement).await
}

/// Drops it and ends the sessions in it. One that is gone already is as good.
pub(crate) async fn drop(client: &Client, name: &str, owner: &str) -> Result<(), PgError> {
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(name));
    execute_alone_as(client, owner, &statement).await
}

/// Extensions that are installed in the database of this connection, by name.
pub(crate) async fn extensions(inside: &Client) -> Result<Vec<String>, PgError> {
    let all = "SELECT extname::text FROM pg_extension ORDER BY 1";
    inside.query(all, &[]).await?.iter().map(|row| row.try_get(0).map_err(Into::into)).collect()
}

/// Installs extensions. The membership in the owner gives CREATE on the database, which trusted extensions ask for.
pub(crate) async fn install(inside: &Client, owner: &str, extensions: &[String]) -> Result<(), PgError> {
    let all: String = extensions.iter().map(|name| format!("CREATE EXTENSION IF NOT EXISTS {}; ", identifier(name))).collect();
    execute_as(inside, &[owner], &all).await
}

/// Whether PUBLIC may create in the schema `public` of this connection's database, and the administrator could end it: so it is in what was restored
/// or upgraded from PostgreSQL 14.
pub(crate) async fn public_creates(inside: &Client, owner: &str) -> Result<bool, PgError> {
    let asked = "SELECT EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a
         WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'
           AND (pg_get_userbyid(n.nspowner) IN ($1, current_user, 'pg_database_owner')))";
    Ok(inside.query_one(asked, &[&owner]).await?.try_get(0)?)
}

/// Takes CREATE in the schema `public` from PUBLIC, as PostgreSQL 15 does in new databases; the owner keeps it.
pub(crate) async fn revoke_public_create(inside: &Client, owner: &str) -> Result<(), PgError> {
    let role = identifier(owner);
    let all = format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    execute_as(inside, &[owner], &all).await
}

fn commenting(name: &str, comment: &Comment) -> String {
    let text = comment.print();
    let text = if text.is_empty() { "NULL".to_owned() } else { literal(&text) };
    format!("COMMENT ON DATABASE {} IS {text}", identifier(name))
}
