//! `deeploy_environment`: all parts, wired together.

use std::{collections::BTreeMap, ops::Deref, sync::Arc, time::Duration};

use tf_provider::{Attr, Diagnostics, Model, Path, Value};

use super::{
    change::Change,
    checks,
    composite::{Composite, Foretold, Seen},
    outputs::{Decider, deciders, dotted},
    parts::{
        cluster,
        database::{self, Fate},
        encryption, identity, monitoring, network, record, storage,
    },
    report,
    shared::Shared,
};
use crate::{
    aws::Aws,
    graph::{Blueprint, ComponentId, Known, Node, Observed, Owner, patiently},
    policies::Place,
    presets::Preset,
};

mod between;
#[cfg(test)]
mod tests;
mod waived;
mod wiring;

use wiring::Wiring;

/// Everything that Deeploy needs on AWS, wired together: a VPC, an EKS cluster with nodes that scale, a PostgreSQL database, a bucket, keys, the identity of
/// Deeploy's pods, alarms.
///
/// One apply makes all of it, in the order in which things can be used; a destroy takes all of it away but what it lists at its end. Every setting
/// that isn't written out follows `preset` and stands in the plan. Each part is a resource of its own, too, made by the same code.
#[derive(Clone, Debug, Model)]
pub(crate) struct Environment {
    /// Name of the environment. Everything in it is named after it; the region stands in the names of roles and users, which an account's regions
    /// share, so that there may be one environment of a name in each region.
    #[tf(required, replace, validate(checks::environment_name()), note(change = "replace"))]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`. Going from production to development is refused unless everything that it would weaken is
    /// written out.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// The VPC with its subnets, ways out and endpoints, or one that exists already.
    #[tf(optional, computed)]
    pub network: Attr<network::Network>,
    /// The Kubernetes cluster and its nodes.
    #[tf(required)]
    pub cluster: Attr<cluster::NamedCluster>,
    /// The PostgreSQL database.
    #[tf(optional, computed)]
    pub database: Attr<database::Database>,
    /// The bucket of Deeploy's model artefacts.
    #[tf(optional, computed)]
    pub storage: Attr<storage::Storage>,
    /// The keys.
    #[tf(optional, computed)]
    pub encryption: Attr<encryption::Encryption>,
    /// As whom Deeploy's pods call AWS.
    #[tf(optional, computed)]
    pub identity: Attr<identity::Identity>,
    /// Alarms, and where they go. In production `alarm_emails` or `sns_topic_arn` must be given.
    #[tf(optional, computed)]
    pub monitoring: Attr<monitoring::Monitoring>,
    /// ARN of the policy that bounds the permissions of every role and user.
    #[tf(optional, validate(checks::arn_of("iam", "policy/")), note(change = "live"))]
    pub permissions_boundary: Attr<String>,
    /// Path of every role and user.
    #[tf(optional, computed, validate(checks::iam_path()), note(preset = "iam_role.path", change = "fixed"))]
    pub iam_path: Attr<String>,
    /// Controls of AWS Security Hub's standards that the environment doesn't meet, with the reason.
    #[tf(computed)]
    pub waived_controls: Attr<BTreeMap<String, Attr<String>>>,
    #[tf(flatten)]
    pub shared: Shared,
}

/// What the plan of an environment looks up.
pub(crate) struct Facts {
    account_id: String,
    region: String,
    network: network::Facts,
    cluster: cluster::Facts,
    database: database::Facts,
    encryption: encryption::Facts,
    monitoring: Option<monitoring::Facts>,
}

/// [`Composite`] of `deeploy_environment`.
pub(crate) struct Kind;

const NETWORK: &str = "network";
const CLUSTER: &str = "cluster";
const DATABASE: &str = "database";
const STORAGE: &str = "storage";
const ENCRYPTION: &str = "encryption";
const IDENTITY: &str = "identity";
const MONITORING: &str = "monitoring";

fn preset(model: &Environment) -> Option<Preset> {
    model.preset.as_str().and_then(Preset::parse)
}

/// Two models' part: of the planned one, and of the prior one where there is one.
macro_rules! part {
    ($model:expr, $prior:expr, $part:ident, |$now:ident, $before:ident| $body:expr) => {
        match &$model.$part {
            Attr::Known($now) => {
                let $before = $prior.and_then(|prior| prior.$part.known());
                $body
            }
            _ => Default::default(),
        }
    };
}

impl Composite for Kind {
    type Model = Environment;
    type Facts = Facts;
    const TYPE: &'static str = "deeploy_environment";
    // A cluster takes up to half an hour, its nodes and add-ons as much again when AWS is slow.
    const OPERATION_MAX: Duration = Duration::from_secs(120 * 60);
    const IMPORT_IDS: &'static str = "an environment's name";

    fn deciders() -> Vec<Decider> {
        let mut all = deciders("", &[("id", record::RECORD)]);
        for (at, table) in [
            (NETWORK, network::OUTPUTS),
            (CLUSTER, cluster::OUTPUTS),
            (CLUSTER, cluster::NAME),
            (DATABASE, database::OUTPUTS),
            (STORAGE, storage::OUTPUTS),
            (ENCRYPTION, encryption::OUTPUTS),
            (IDENTITY, identity::OUTPUTS),
            (MONITORING, monitoring::OUTPUTS),
        ] {
            all.extend(deciders(at, table));
        }
        all
    }

    fn check(model: &Environment) -> Diagnostics {
        let mut found = Diagnostics::new();
        found.extend::<Diagnostics>(part!(model, None::<&Environment>, network, |now, _before| network::check(now, &Path::of(NETWORK))));
        found.extend::<Diagnostics>(part!(model, None::<&Environment>, cluster, |now, _before| cluster::check(now, &Path::of(CLUSTER))));
        found.extend::<Diagnostics>(part!(model, None::<&Environment>, database, |now, _before| database::check(now, &Path::of(DATABASE))));
        found.extend::<Diagnostics>(part!(model, None::<&Environment>, monitoring, |now, _before| monitoring::check(
            now,
            preset(model),
            &Path::of(MONITORING)
        )));
        found.extend(between::check(model));
        found
    }

    async fn look_up(model: &Environment, prior: Option<&Environment>, aws: &Arc<Aws>) -> Result<Option<Facts>, Diagnostics> {
        let failed = |at: &'static str| move |failure| vec![report::failed(Path::of(at), "The plan can't be made", &failure)];
        let network = async {
            let model = model.network.known().cloned().unwrap_or_default();
            let before = prior.and_then(|prior| prior.network.known());
            patiently(|| Box::pin(network::look_up(aws, &model, before))).await.map_err(failed(NETWORK))
        };
        let cluster = async {
            let of = model.cluster.known().cloned().unwrap_or_default();
            let prior = prior.and_then(|prior| prior.cluster.known()).map(Deref::deref);
            patiently(|| Box::pin(cluster::look_up(aws, &model.name, &of, prior, preset(model)))).await.map_err(failed(CLUSTER))
        };
        let database = async {
            let of = model.database.known().cloned().unwrap_or_default();
            let before = prior.and_then(|prior| prior.database.known());
            patiently(|| Box::pin(database::look_up(aws, &of, before, fate(model, prior)))).await.map_err(failed(DATABASE))
        };
        let encryption = async {
            let model = model.encryption.known().cloned().unwrap_or_default();
            let before = prior.and_then(|prior| prior.encryption.known());
            patiently(|| Box::pin(encryption::look_up(aws, &model, before))).await.map_err(failed(ENCRYPTION))
        };
        let (network, cluster, database, encryption) = tokio::try_join!(network, cluster, database, encryption)?;
        let of = model.monitoring.known().cloned().unwrap_or_default();
        let before = prior.and_then(|prior| Some((prior.monitoring.known()?, Wiring::watched(prior, None))));
        let before = before.as_ref().map(|(monitoring, watched)| (*monitoring, watched));
        let watched = Wiring::watched(model, prior);
        let monitoring = patiently(|| Box::pin(monitoring::look_up(aws, &of, &watched, before))).await.map_err(failed(MONITORING))?;
        let (account_id, region) = (aws.account_id.clone(), aws.region.clone());
        Ok(Some(Facts { account_id, region, network, cluster, database, encryption, monitoring }))
    }

    fn derive(model: &mut Environment, written: &Environment, prior: Option<&Environment>, facts: Option<&Facts>) {
        let preset = preset(model);
        if let Attr::Known(network) = &mut model.network {
            let nothing = network::Network::default();
            let written = written.network.known().unwrap_or(&nothing);
            let before = prior.and_then(|prior| prior.network.known());
            network::derive(network, written, before, facts.map(|facts| &facts.network), preset);
        }
        if let Attr::Known(cluster) = &mut model.cluster {
            let before = prior.and_then(|prior| prior.cluster.known()).map(Deref::deref);
            cluster::derive(cluster, before, facts.map(|facts| &facts.cluster), preset);
        }
        if let Attr::Known(database) = &mut model.database {
            database::derive(database, preset);
        }
        if let Attr::Known(storage) = &mut model.storage {
            let place = facts.map(|facts| (facts.account_id.as_str(), facts.region.as_str()));
            storage::derive(storage, &model.name, prior.and_then(|prior| prior.storage.known()), place);
        }
        let watched = Wiring::watched(model, prior);
        if let Attr::Known(monitoring) = &mut model.monitoring {
            let before = prior.and_then(|prior| Some((prior.monitoring.known()?, Wiring::watched(prior, None))));
            let before = before.as_ref().map(|(monitoring, watched)| (*monitoring, watched));
            monitoring::derive(monitoring, &watched, before, facts.and_then(|facts| facts.monitoring.as_ref()));
        }
    }

    fn check_change(model: &Environment, prior: Option<&Environment>, facts: Option<&Facts>) -> Diagnostics {
        let mut found = Diagnostics::new();
        found.extend::<Diagnostics>(part!(model, prior, network, |now, before| network::check_change(
            now,
            before,
            facts.map(|facts| &facts.network),
            &Path::of(NETWORK)
        )));
        found.extend::<Diagnostics>(part!(model, prior, cluster, |now, before| cluster::check_change(
            now,
            before.map(Deref::deref),
            facts.map(|facts| &facts.cluster),
            &Path::of(CLUSTER)
        )));
        found.extend::<Diagnostics>(part!(model, prior, database, |now, before| database::check_change(
            now,
            fate(model, prior).prior(before),
            facts.map(|facts| &facts.database),
            &Path::of(DATABASE)
        )));
        found.extend::<Diagnostics>(part!(model, prior, storage, |now, before| storage::check_change(now, before, &Path::of(STORAGE))));
        found.extend::<Diagnostics>(part!(model, prior, encryption, |now, before| encryption::check_change(
            now,
            before,
            &Path::of(ENCRYPTION)
        )));
        found.extend(facts.into_iter().flat_map(|facts| encryption::check_facts(&facts.encryption, &Path::of(ENCRYPTION))));
        found
    }

    fn principals(model: &Environment) -> Vec<(&'static str, String)> {
        let all = model.cluster.known().map(|cluster| cluster::principals(cluster)).unwrap_or_default();
        all.into_iter().map(|arn| ("cluster.admin_principal_arns", arn)).collect()
    }

    fn blueprint(model: &Environment, place: &Place) -> Result<Blueprint, Diagnostics> {
        let owner = Owner { resource: Self::TYPE.to_owned(), name: model.name.known().cloned().unwrap_or_default() };
        Ok(Blueprint::of(owner, Wiring::of(model, place).nodes()?))
    }

    fn leftover(component: &str, model: &Environment, place: &Place) -> Result<Option<Node>, Diagnostics> {
        Wiring::of(model, place).leftover(component)
    }

    fn known(state: &Environment) -> Known {
        state.shared.known()
    }

    fn foretell(model: &Environment, place: &Place) -> Foretold {
        let wiring = Wiring::of(model, place);
        let mut told = vec![
            ("id".to_owned(), model.name.to_value()),
            ("waived_controls".to_owned(), waived::controls(model).map_or(Value::Unknown, |controls| waived::to_value(&controls))),
        ];
        for (at, part) in wiring.foretold() {
            told.extend(part.into_iter().map(|(name, value)| (dotted(at, name), value)));
        }
        told
    }

    fn moved(planned: &Environment, prior: &Environment) -> Vec<String> {
        let mut moved = Vec::new();
        if let (Attr::Known(now), Attr::Known(before)) = (&planned.database, &prior.database) {
            let repaired = prior.shared.differs(database::DATABASE);
            moved.extend(database::moved(now, before, repaired).into_iter().map(|name| dotted(DATABASE, name)));
        }
        if let (Attr::Known(now), Attr::Known(before)) = (&planned.identity, &prior.identity) {
            let keys: Vec<&str> = identity::moved(now, before, &prior.shared.drift).collect();
            // Another key is another id of its component.
            moved.extend(keys.contains(&"access_key_id").then(|| "components".to_owned()));
            moved.extend(keys.into_iter().map(|name| dotted(IDENTITY, name)));
        }
        if let (Attr::Known(now), Attr::Known(before)) = (&planned.monitoring, &prior.monitoring)
            && monitoring::moved(now, before)
        {
            moved.push(dotted(MONITORING, "unconfirmed_emails"));
        }
        moved
    }

    fn outputs(model: &mut Environment, seen: &Observed) {
        model.shared.id = model.name.clone();
        if let Attr::Known(part) = &mut model.network {
            network::outputs(part, seen);
        }
        if let Attr::Known(part) = &mut model.cluster {
            cluster::outputs(part, seen);
            part.name = Seen(seen).output(cluster::CLUSTER, "name");
        }
        if let Attr::Known(part) = &mut model.database {
            database::outputs(part, seen);
        }
        if let Attr::Known(part) = &mut model.storage {
            storage::outputs(part, seen);
        }
        if let Attr::Known(part) = &mut model.encryption {
            encryption::outputs(part, seen);
        }
        if let Attr::Known(part) = &mut model.identity {
            identity::outputs(part, seen);
        }
        if let Attr::Known(part) = &mut model.monitoring {
            monitoring::outputs(part, seen);
        }
        model.waived_controls = waived::controls(model)
            .map(|all| all.into_iter().map(|(control, reason)| (control.to_owned(), Attr::Known(reason))).collect())
            .into();
    }

    fn refresh(model: &mut Environment, seen: &Observed) {
        if let Attr::Known(part) = &mut model.network {
            network::refresh(part, seen);
        }
        if let Attr::Known(part) = &mut model.cluster {
            cluster::refresh(part, seen);
        }
        if let Attr::Known(part) = &mut model.database {
            database::refresh(part, seen);
        }
        if let Attr::Known(part) = &mut model.storage {
            storage::refresh(part, seen);
        }
        if let Attr::Known(part) = &mut model.encryption {
            encryption::refresh(part, seen);
        }
    }

    fn adopt(model: &mut Environment, seen: &Observed) {
        if let Attr::Known(part) = &mut model.cluster {
            cluster::adopt(part, seen);
        }
    }

    fn guarded(state: &Environment) -> Vec<(&'static str, String)> {
        if !state.shared.is_handed_out() {
            return Vec::new();
        }
        let mut guards = Vec::new();
        if state.cluster.known().is_some_and(|cluster| cluster.deletion_protection.known() == Some(&true)) {
            let reason = "The cluster is protected against deletion. Set cluster.deletion_protection = false, apply, then destroy.";
            guards.push(("cluster.deletion_protection", reason.to_owned()));
        }
        if state.database.known().is_some_and(|database| database.deletion_protection.known() == Some(&true)) {
            let reason = "The database is protected against deletion. Set database.deletion_protection = false, apply, then destroy.";
            guards.push(("database.deletion_protection", reason.to_owned()));
        }
        let leaves = |database: &database::Database| {
            database.final_snapshot.known() == Some(&true) || database.delete_automated_backups.known() == Some(&false)
        };
        let kept = state.database.known().is_some_and(leaves);
        let reason = state.encryption.known().and_then(|keys| encryption::guarded(keys, kept));
        guards.extend(reason.map(|reason| ("encryption.on_destroy", reason)));
        guards
    }

    fn consequences(change: &Change) -> Diagnostics {
        cluster::rolled(change, &Path::of(CLUSTER)).into_iter().chain(database::restarted(change, &Path::of(DATABASE))).collect()
    }

    fn left_of(component: &str, facts: Option<&Facts>) -> Option<String> {
        database::left_of(component, facts.map(|facts| &facts.database), &Path::of(DATABASE))
    }

    fn warnings(planned: &Environment, prior: Option<&Environment>, facts: Option<&Facts>) -> Diagnostics {
        let mut said = Diagnostics::new();
        said.extend::<Diagnostics>(part!(planned, prior, network, |now, before| network::warnings(now, before, &Path::of(NETWORK))));
        said.extend::<Diagnostics>(part!(planned, prior, cluster, |now, before| cluster::warnings(
            now,
            before.map(Deref::deref),
            facts.map(|facts| &facts.cluster),
            &Path::of(CLUSTER)
        )));
        said.extend::<Diagnostics>(part!(planned, prior, database, |now, before| database::warnings(
            now,
            fate(planned, prior).prior(before),
            &Path::of(DATABASE)
        )));
        said.extend::<Diagnostics>(part!(planned, prior, identity, |now, before| identity::warnings(now, before, &Path::of(IDENTITY))));
        said.extend::<Diagnostics>(part!(planned, prior, monitoring, |now, before| monitoring::warnings(
            now,
            before,
            &Wiring::watched(planned, prior),
            facts.and_then(|facts| facts.monitoring.as_ref()),
            &Path::of(MONITORING)
        )));
        said
    }

    async fn import(model: &mut Environment, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        *model = record::imported::<Environment>(aws, record::ENVIRONMENT, id, Self::TYPE).await?;
        if let Attr::Known(part) = &mut model.network {
            let named = network::import(aws, part).await;
            named.map_err(|failure| vec![report::failed(Path::of(NETWORK), "The services of the endpoints can't be read", &failure)])?;
        }
        let watched = Wiring::watched(model, None);
        let Attr::Known(part) = &mut model.monitoring else { return Ok(()) };
        let made = monitoring::import(aws, part, &watched).await;
        made.map_err(|failure| vec![report::failed(Path::of(MONITORING), "The alarms' thresholds can't be made", &failure)])
    }
}

/// What has become of the database.
fn fate(planned: &Environment, prior: Option<&Environment>) -> Fate {
    Fate::of(&planned.shared, prior.map(|prior| &prior.shared))
}

/// A component's id of a part that has a name of its own.
fn id(component: &str) -> ComponentId {
    component.into()
}
