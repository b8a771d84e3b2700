//! Roles: how they are found, made and changed, by an administrator who may be no superuser.

use tokio_postgres::Client;

use super::{PgError, identifier, literal, marks::Comment, server::version};

/// A role as the catalogue has it. Its password is in no view that an administrator of RDS may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) login: bool,
    pub(crate) create_role: bool,
    pub(crate) create_db: bool,
    /// -1: no limit.
    pub(crate) connection_limit: i32,
    pub(crate) comment: Comment,
    /// The role that its sessions begin as (`ALTER ROLE … SET role`).
    pub(crate) set_role: Option<String>,
    /// The roles that it is a member of, in order.
    pub(crate) member_of: Vec<String>,
}

/// What a role shall be like.
#[derive(Clone, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) name: &'a str,
    pub(crate) login: bool,
    pub(crate) connection_limit: i32,
    /// Its sessions begin as this role, which it is made a member of.
    pub(crate) acts_as: Option<&'a str>,
}

/// The first version in which a membership has the options SET and INHERIT, and CREATEROLE no longer reaches every role.
const MEMBERSHIP_OPTIONS: i32 = 160_000;

const ROLES: &str =
    "SELECT r.rolname::text, r.rolcanlogin, r.rolcreaterole, r.rolcreatedb, r.rolconnlimit, shobj_description(r.oid, 'pg_authid'),
       (SELECT substr(setting, 6) FROM pg_db_role_setting s, unnest(s.setconfig) setting
         WHERE s.setrole = r.oid AND s.setdatabase = 0 AND setting LIKE 'role=%' LIMIT 1),
       ARRAY(SELECT DISTINCT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1)
  FROM pg_roles r";

/// Finds a role by its name.
pub(crate) async fn find(client: &Client, name: &str) -> Result<Option<Role>, PgError> {
    let row = client.query_opt(&format!("{ROLES} WHERE r.rolname = $1"), &[&name]).await?;
    row.map(|row| read(&row).map_err(Into::into)).transpose()
}

/// Every role whose comment has marks of ours.
pub(crate) async fn marked(client: &Client) -> Result<Vec<Role>, PgError> {
    let asked = format!("{ROLES} WHERE shobj_description(r.oid, 'pg_authid') LIKE '%[deeploy %]' ORDER BY 1");
    client.query(&asked, &[]).await?.iter().map(|row| read(row).map_err(Into::into)).collect()
}

fn read(row: &tokio_postgres::Row) -> Result<Role, tokio_postgres::Error> {
    let comment: Option<String> = row.try_get(5)?;
    Ok(Role {
        name: row.try_get(0)?,
        login: row.try_get(1)?,
        create_role: row.try_get(2)?,
        create_db: row.try_get(3)?,
        connection_limit: row.try_get(4)?,
        comment: Comment::parse(comment.as_deref()),
        set_role: row.try_get(6)?,
        member_of: row.try_get(7)?,
    })
}

/// Makes a role without a password, with its comment, in one transaction.
pub(crate) async fn create(client: &Client, wish: &Wish<'_>, comment: &Comment) -> Result<(), PgError> {
    let name = identifier(wish.name);
    let login = if wish.login { "LOGIN" } else { "NOLOGIN" };
    let mut all = format!(
        "BEGIN; CREATE ROLE {name} {login} NOCREATEROLE NOCREATEDB INHERIT CONNECTION LIMIT {}; {}",
        wish.connection_limit,
        commenting(wish.name, comment)
    );
    if let Some(owner) = wish.acts_as {
        all.push_str(&acting_as(wish.name, owner));
    }
    all.push_str("COMMIT");
    transaction(client, &all).await
}

/// Changes what differs. SUPERUSER, REPLICATION and BYPASSRLS are never named: on RDS even NO… of them is refused.
pub(crate) async fn alter(client: &Client, wish: &Wish<'_>) -> Result<(), PgError> {
    let name = identifier(wish.name);
    let login = if wish.login { "LOGIN" } else { "NOLOGIN" };
    let mut all = format!("BEGIN; ALTER ROLE {name} {login} NOCREATEROLE NOCREATEDB CONNECTION LIMIT {}; ", wish.connection_limit);
    match wish.acts_as {
        Some(owner) => all.push_str(&acting_as(wish.name, owner)),
        None => all.push_str(&format!("ALTER ROLE {name} RESET role; ")),
    }
    all.push_str("COMMIT");
    transaction(client, &all).await
}

/// Sets the verifier of a password, and a role's comment in the same transaction.
pub(crate) async fn set_verifier(client: &Client, role: &str, verifier: &str, commented: Option<(&str, &Comment)>) -> Result<(), PgError> {
    let (name, verifier) = (identifier(role), literal(verifier));
    let remark = commented.map(|(role, comment)| commenting(role, comment)).unwrap_or_default();
    transaction(client, &format!("BEGIN; ALTER ROLE {name} PASSWORD {verifier}; {remark}COMMIT")).await
}

/// Sets a role's comment.
pub(crate) async fn comment(client: &Client, role: &str, comment: &Comment) -> Result<(), PgError> {
    client.batch_execute(&commenting(role, comment)).await.map_err(Into::into)
}

/// Drops a role that owns nothing and has no rights left. One that is gone already is as good.
pub(crate) async fn drop(client: &Client, name: &str) -> Result<(), PgError> {
    client.batch_execute(&format!("DROP ROLE IF EXISTS {}", identifier(name))).await.map_err(Into::into)
}

/// Ends a role's sessions, and lets it begin no others.
pub(crate) async fn shut_out(client: &Client, name: &str) -> Result<(), PgError> {
    client.batch_execute(&format!("ALTER ROLE {} NOLOGIN", identifier(name))).await?;
    client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()", &[&name]).await?;
    Ok(())
}

/// The name of the role that this connection is.
pub(crate) async fn current(client: &Client) -> Result<String, PgError> {
    Ok(client.query_one("SELECT current_user::text", &[]).await?.try_get(0)?)
}

/// The mark on a role of which the administrator is a member right now, for a statement that runs in no transaction: a run that was cut off leaves it,
/// and the next one ends the membership.
pub(crate) const JOINED: &str = "deeploy:joined";

/// Runs statements while the connection's role is a member of these roles: so it may give away and change what they own. All of it is one
/// transaction, so that a membership never outlives it. A membership that was there before stays.
pub(crate) async fn execute_as(client: &Client, roles: &[&str], statements: &str) -> Result<(), PgError> {
    let (mut before, mut after) = (String::new(), String::new());
    for role in roles {
        if let Some((join, leave)) = joining(client, role).await? {
            before.push_str(&join);
            after.insert_str(0, &leave);
        }
    }
    transaction(client, &format!("BEGIN; {before}{statements}; {after}COMMIT")).await
}

/// The same for one statement that runs in no transaction (CREATE DATABASE, DROP DATABASE).
pub(crate) async fn execute_alone_as(client: &Client, role: &str, statement: &str) -> Result<(), PgError> {
    let Some((join, leave)) = joining(client, role).await? else { return client.batch_execute(statement).await.map_err(Into::into) };
    let comment = find(client, role).await?.map(|role| role.comment).filter(|comment| !comment.marks.is_empty());
    let joined = [(JOINED.to_owned(), "true".to_owned())].into();
    let mark = comment.clone().map(|comment| commenting(role, &comment.marked(&joined, &[]))).unwrap_or_default();
    let unmark = comment.map(|comment| commenting(role, &comment)).unwrap_or_default();
    transaction(client, &format!("BEGIN; {join}{mark}COMMIT")).await?;
    let done = client.batch_execute(statement).await.map_err(PgError::from);
    let left = transaction(client, &format!("BEGIN; {leave}{unmark}COMMIT")).await;
    done.and(left)
}

/// Ends the membership that a run which was cut off has left.
pub(crate) async fn leave(client: &Client, role: &str) -> Result<(), PgError> {
    let Some(found) = find(client, role).await?.filter(|found| found.comment.marks.contains_key(JOINED)) else { return Ok(()) };
    let comment = commenting(role, &found.comment.marked(&Default::default(), &[JOINED.to_owned()]));
    let revoke = revoking(role, version(client).await?.0);
    transaction(client, &format!("BEGIN; {revoke}{comment}COMMIT")).await
}

/// The statements that make the connection's role a member, and that end it; `None`: it is one.
async fn joining(client: &Client, role: &str) -> Result<Option<(String, String)>, PgError> {
    let (number, _) = version(client).await?;
    let options = number >= MEMBERSHIP_OPTIONS;
    // Since 16 a membership may lack SET or INHERIT: the one of a role's creator has neither.
    let asked =
        if options { "SELECT pg_has_role(r.oid, 'SET') AND pg_has_role(r.oid, 'USAGE')" } else { "SELECT pg_has_role(r.oid, 'USAGE')" };
    let row = client.query_opt(&format!("{asked} FROM pg_roles r WHERE r.rolname = $1"), &[&role]).await?;
    if row.map(|row| row.try_get(0)).transpose()?.unwrap_or(true) {
        return Ok(None);
    }
    let with = if options { " WITH INHERIT TRUE, SET TRUE" } else { "" };
    Ok(Some((format!("GRANT {} TO CURRENT_USER{with}; ", identifier(role)), revoking(role, number))))
}

fn revoking(role: &str, number: i32) -> String {
    let by = if number >= MEMBERSHIP_OPTIONS { " GRANTED BY CURRENT_USER" } else { "" };
    format!("REVOKE {} FROM CURRENT_USER{by}; ", identifier(role))
}

fn acting_as(name: &str, owner: &str) -> String {
    let (name, quoted) = (identifier(name), identifier(owner));
    format!("GRANT {quoted} TO {name}; ALTER ROLE {name} SET role TO {}; ", literal(owner))
}

fn commenting(role: &str, comment: &Comment) -> String {
    let text = comment.print();
    let text = if text.is_empty() { "NULL".to_owned() } else { literal(&text) };
    format!("COMMENT ON ROLE {} IS {text}; ", identifier(role))
}

/// Runs statements from BEGIN to COMMIT; after an error the connection is usable again.
async fn transaction(client: &Client, statements: &str) -> Result<(), PgError> {
    let done = client.batch_execute(statements).await;
    if done.is_err() {
        let _ = client.batch_execute("ROLLBACK").await;
    }
    done.map_err(Into::into)
}
