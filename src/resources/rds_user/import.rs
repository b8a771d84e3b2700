//! `HOST:PORT/USERNAME` taken into state.

use std::sync::Arc;

use tf_provider::{Attr, Diagnostic, Diagnostics, Path, Value};

use super::{
    Kind,
    model::RdsUser,
    nodes::{READ_ONLY, alternates},
};
use crate::{
    aws::Aws,
    components::postgres::{self, Purpose, failure},
    graph::{COMPONENT, OWNER},
    postgres::{PgError, Server, database, role},
    resources::{
        bound::{Binding, Task},
        composite::Composite,
        report,
    },
};

const USER_VARIABLE: &str = "PGUSER";

fn refuse(summary: &str, detail: String) -> Diagnostics {
    vec![Diagnostic::error(Path::root(), summary, detail)]
}

/// `HOST:PORT/USERNAME`; an IPv6 address may stand in brackets.
pub(super) fn parse(id: &str) -> Option<(String, u16, String)> {
    let (address, user) = id.split_once('/')?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty() && !user.is_empty()).then_some((host.to_owned(), port.parse().ok()?, user.to_owned()))
}

pub(super) async fn import(model: &mut RdsUser, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
    let Some((host, port, user)) = parse(id) else {
        let detail = format!("{id:?}: it takes HOST:PORT/USERNAME, e.g. deeploy-prod.abc123.eu-central-1.rds.amazonaws.com:5432/deeploy.");
        return Err(refuse("Not an import id", detail));
    };
    administrator(model, &host, port, aws).await?;
    model.host = Attr::Known(host);
    model.port = Attr::Known(i64::from(port));
    model.username = Attr::Known(user);
    let task = Task { model: &*model, config: &Value::Null, purpose: Purpose::Read };
    let Binding::Server(server, _) = Kind::bind(task, aws).await? else {
        let detail = format!(
            "To import it, set {USER_VARIABLE} and PGPASSWORD in Terraform's environment to the administrator's name and password."
        );
        return Err(refuse("The administrator's credentials are missing", detail));
    };
    let read = read(&server, model).await;
    server.close().await;
    read.map_err(|error| vec![report::failed(Path::root(), "The server can't be read", &failure("SELECT pg_roles", error))])
}

/// By an import id alone nobody can log in: RDS knows where its administrator's secret is, else libpq's variables tell.
async fn administrator(model: &mut RdsUser, host: &str, port: u16, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
    if let Ok(user) = std::env::var(USER_VARIABLE) {
        model.admin_username = Attr::Known(user);
        return Ok(());
    }
    let found = postgres::instance_at(aws, host).await;
    let found = found.map_err(|failure| vec![report::failed(Path::root(), "RDS can't be asked for the server", &failure)])?;
    match found.and_then(|instance| instance.master_secret_arn) {
        Some(arn) => {
            model.admin_secret_arn = Attr::Known(arn);
            Ok(())
        }
        None => {
            let detail = format!(
                "RDS manages no administrator's secret for {host}:{port} in account {} and region {}. Set {USER_VARIABLE} and PGPASSWORD in Terraform's environment for this run.",
                aws.account_id, aws.region
            );
            Err(refuse("Nobody to log in as", detail))
        }
    }
}

/// What the server tells of the attributes.
async fn read(server: &Server, model: &mut RdsUser) -> Result<(), PgError> {
    let client = server.maintenance().await?;
    let user = model.username.known().cloned().unwrap_or_default();
    let Some(found) = role::find(&client, &user).await? else { return Ok(()) };
    let owner = found.comment.marks.get(OWNER).cloned();
    // `TYPE/SECRET_NAME`; a user without a secret is its own owner's name.
    if let Some(secret) = owner.as_deref().and_then(|owner| owner.strip_prefix("deeploy_rds_user/")).filter(|name| *name != user) {
        model.secret_name = Attr::Known(secret.to_owned());
    }
    model.connection_limit = Attr::Known(i64::from(found.connection_limit));
    model.alternate_users = Attr::Known(!found.login && role::find(&client, &alternates(&user)[0]).await?.is_some());
    let owned = database::owned_by(&client, &user).await?;
    if !owned.is_empty() {
        model.databases = Attr::Known(owned.into_iter().map(Attr::Known).collect());
    }
    let mut readers = std::collections::BTreeMap::new();
    for other in role::marked(&client).await? {
        let component = other.comment.marks.get(COMPONENT).filter(|_| owner.is_some() && other.comment.marks.get(OWNER) == owner.as_ref());
        if component.is_some_and(|component| component.starts_with(READ_ONLY)) {
            readers.insert(other.name, Attr::Known(super::model::ReadOnlyUser::default()));
        }
    }
    model.read_only_users = if readers.is_empty() { Attr::Null } else { Attr::Known(readers) };
    Ok(())
}
