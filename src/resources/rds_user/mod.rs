//! `deeploy_rds_user`.

mod bind;
mod check;
mod import;
mod model;
mod names;
mod nodes;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use tf_provider::{Attr, Diagnostic, Diagnostics, Path};

use self::{
    model::RdsUser,
    nodes::{PASSWORD, ROLE, SECRET},
};
use super::{
    bound::{Binding, Task},
    checks,
    composite::{Composite, Decider, Foretold, Seen, deciders},
};
use crate::{
    aws::Aws,
    graph::{Blueprint, Known, Node, Observed, Owner},
    policies::Place,
};

/// A REASSIGN OWNED over many large databases takes minutes.
const OPERATION_MAX: Duration = Duration::from_secs(20 * 60);

/// [`Composite`] of `deeploy_rds_user`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = RdsUser;
    type Facts = ();
    const TYPE: &'static str = "deeploy_rds_user";
    const OPERATION_MAX: Duration = OPERATION_MAX;
    const IMPORT_IDS: &'static str = "HOST:PORT/USERNAME";
    const TAGS_OF: Option<&'static str> = Some(SECRET);

    fn deciders() -> Vec<Decider> {
        deciders("", &[("id", ROLE), ("server_version", ROLE), ("secret_arn", SECRET), ("secret_version_id", PASSWORD)])
    }

    fn check_written(written: &RdsUser) -> Diagnostics {
        check::written(written)
    }

    fn check(model: &RdsUser) -> Diagnostics {
        check::model(model)
    }

    fn check_in(model: &RdsUser, place: &Place) -> Diagnostics {
        let arns = [("admin_secret_arn", &model.admin_secret_arn), ("secret_kms_key_arn", &model.secret_kms_key_arn)];
        let known = arns.into_iter().filter_map(|(name, arn)| Some((Path::of(name), arn.as_str()?)));
        known
            .filter_map(|(path, arn)| checks::of_partition(path.clone(), arn, place).or_else(|| checks::of_region(path, arn, place)))
            .collect()
    }

    fn check_change(model: &RdsUser, prior: Option<&RdsUser>, _facts: Option<&()>) -> Diagnostics {
        prior.map(|prior| check::change(model, prior)).unwrap_or_default()
    }

    fn derive(model: &mut RdsUser, written: &RdsUser, prior: Option<&RdsUser>, _facts: Option<&()>) {
        if !model.secret_name.is_null() {
            return;
        }
        let own = written.password_wo.is_null();
        model.secret_name = match (prior.map(|prior| &prior.secret_name), &model.username) {
            (Some(Attr::Known(before)), _) => Attr::Known(before.clone()),
            _ if !own => Attr::Null,
            (_, Attr::Known(name)) => Attr::Known(format!("deeploy/{name}/database")),
            (_, Attr::Unknown) => Attr::Unknown,
            (_, Attr::Null) => Attr::Null,
        };
    }

    async fn bind(task: Task<'_, RdsUser>, aws: &Arc<Aws>) -> Result<Binding, Diagnostics> {
        bind::bind(&task, aws)
    }

    fn blueprint(model: &RdsUser, _place: &Place) -> Result<Blueprint, Diagnostics> {
        // Of two environments' users of one name, the secret's name is what differs.
        let name = model.secret_name.known().or(model.username.known()).cloned().unwrap_or_default();
        Ok(Blueprint::of(Owner { resource: Kind::TYPE.to_owned(), name }, nodes::nodes(model)))
    }

    fn leftover(component: &str, model: &RdsUser, _place: &Place) -> Result<Option<Node>, Diagnostics> {
        Ok(nodes::leftover(component, model))
    }

    fn known(state: &RdsUser) -> Known {
        state.shared.known()
    }

    fn foretell(model: &RdsUser, _place: &Place) -> Foretold {
        let mut all: Foretold = vec![("id".to_owned(), model.address().to_value())];
        if !model.has_secret() {
            all.extend(["secret_arn", "secret_version_id"].map(|name| (name.to_owned(), tf_provider::Value::Null)));
        }
        all
    }

    fn moved(planned: &RdsUser, prior: &RdsUser) -> Vec<String> {
        let elsewhere = planned.address() != prior.address();
        let mut moved = Vec::new();
        if elsewhere {
            moved.push("server_version".to_owned());
        }
        let stored = elsewhere
            || rotates(planned, prior)
            || planned.alternate_users != prior.alternate_users
            || planned.database_names().first() != prior.database_names().first()
            || drifts(prior, PASSWORD);
        if stored && planned.has_secret() {
            moved.push("secret_version_id".to_owned());
        }
        moved
    }

    fn outputs(model: &mut RdsUser, seen: &Observed) {
        let looked = Seen(seen);
        model.shared.id = model.address();
        model.server_version = looked.output(ROLE, "server_version");
        model.secret_arn = looked.output(SECRET, "arn");
        model.secret_version_id = looked.output(PASSWORD, "secret_version_id");
    }

    fn refresh(model: &mut RdsUser, seen: &Observed) {
        Seen(seen).number(ROLE, "connection_limit", &mut model.connection_limit);
        Seen(seen).text(SECRET, "kms_key_id", &mut model.secret_kms_key_arn);
    }

    async fn import(model: &mut RdsUser, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        import::import(model, id, aws).await
    }

    fn warnings(planned: &RdsUser, prior: Option<&RdsUser>, _facts: Option<&()>) -> Diagnostics {
        prior.map(|prior| warnings(planned, prior)).unwrap_or_default()
    }
}

/// Whether another password is made.
fn rotates(planned: &RdsUser, prior: &RdsUser) -> bool {
    let other = |now: bool, same: bool| !now && !same;
    other(planned.password_rotation.is_null(), planned.password_rotation == prior.password_rotation)
        || other(planned.password_wo_version.is_null(), planned.password_wo_version == prior.password_wo_version)
}

fn drifts(prior: &RdsUser, component: &str) -> bool {
    prior.shared.drift.known().is_some_and(|drift| drift.contains_key(component))
}

fn warnings(planned: &RdsUser, prior: &RdsUser) -> Diagnostics {
    let mut said = Diagnostics::new();
    let user = planned.username.as_str().unwrap_or_default();
    let alternate = planned.alternate_users.known() == Some(&true);
    if rotates(planned, prior) && !alternate {
        let attribute = if planned.password_rotation == prior.password_rotation { "password_wo_version" } else { "password_rotation" };
        let detail = "PostgreSQL holds one password a user: sessions that are open stay, and whoever logs in with the old one is refused from then on. Restart \
                      Deeploy's pods after the apply, so that they read the secret; with `alternate_users = true` the previous login stays valid until the next rotation.";
        said.push(Diagnostic::warning(Path::of(attribute), format!("{user:?} gets another password"), detail));
    }
    if planned.alternate_users != prior.alternate_users && prior.alternate_users.known().is_some() {
        let detail = "The secret names another login after the apply, and the login before can't be used any more: restart Deeploy's pods, so that they read the secret.";
        said.push(Diagnostic::warning(Path::of("alternate_users"), format!("The login of {user:?} changes"), detail));
    }
    if prior.shared.status.as_str() == Some(super::plan::UNCLAIMED) && drifts(prior, PASSWORD) && planned.has_secret() {
        let detail = "No secret holds the password that the user has now, and nobody can read it from the server. The apply makes another one and stores it in \
                      `secret_name`. To keep the present one, set password_wo.";
        said.push(Diagnostic::warning(Path::of("secret_name"), format!("{user:?} gets another password"), detail));
    }
    let gone: Vec<String> = prior.database_names().into_iter().filter(|name| !planned.database_names().contains(name)).collect();
    if !gone.is_empty() && planned.databases.known().is_some() {
        let detail = format!(
            "{} stay as they are, owned by {user:?}, until this resource is destroyed: what holds data is never dropped by an update. To be rid of one now, drop it with \
             psql (DROP DATABASE).",
            gone.join(", ")
        );
        said.push(Diagnostic::warning(Path::of("databases"), "Databases that are no longer listed stay", detail));
    }
    said
}
