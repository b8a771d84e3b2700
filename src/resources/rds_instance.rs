//! `deeploy_rds_instance`.

use std::{sync::Arc, time::Duration};

use serde_json::Value as Json;
use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set};

use super::{
    change::Change,
    checks,
    composite::{Composite, Decider, Foretold, Seen, deciders},
    parts::{
        database::{self, Database, Facts, Fate, Links},
        record,
    },
    report,
    setting::{input, or_none},
    shared::Shared,
};
use crate::{
    aws::Aws,
    graph::{Blueprint, Known, Observed, Owner, patiently},
    policies::Place,
    presets::Preset,
};

/// A database in two zones takes up to half an hour, a major upgrade and a restore of a large one longer.
const OPERATION_MAX: Duration = Duration::from_secs(120 * 60);

/// A PostgreSQL database in a VPC that exists: the instance with its subnet group, parameter group, security group, log groups,
/// monitoring role and event subscriptions.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct RdsInstance {
    /// Name of the resource and, in lower case, of the database instance: letters, digits and hyphens.
    #[tf(required, replace, validate(checks::rds_name()), note(change = "replace"))]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// VPC of the database.
    #[tf(required, note(change = "fixed"))]
    pub vpc_id: Attr<String>,
    /// Subnets of the database, in two zones at least, also for one without a standby. They need no route to the internet.
    #[tf(required, note(change = "live"))]
    pub subnet_ids: Attr<Set<String>>,
    /// Security group of the nodes: it may connect, and nobody else but `allowed_security_group_ids`.
    #[tf(optional, note(change = "live"))]
    pub node_security_group_id: Attr<String>,
    /// ARN of the KMS key that encrypts the storage, the snapshots, the master user's secret, the insights and the logs. It can't be
    /// exchanged; the database is out of reach without it. Its policy must let CloudWatch Logs use it.
    #[tf(required, validate(checks::arn_of("kms", "key/")), note(change = "fixed", controls = "RDS.3"))]
    pub kms_key_arn: Attr<String>,
    /// ARN of the SNS topic that RDS tells of failures, maintenance and changed settings.
    #[tf(optional, validate(checks::arn_of("sns", "")), note(change = "live", controls = "RDS.20, RDS.21, RDS.22"))]
    pub sns_topic_arn: Attr<String>,
    /// ARN of the permissions boundary of the monitoring role.
    #[tf(optional, validate(checks::arn_of("iam", "policy/")), note(change = "live"))]
    pub permissions_boundary: Attr<String>,
    /// Path of the monitoring role.
    #[tf(optional, computed, validate(checks::iam_path()), note(preset = "iam_role.path", change = "fixed"))]
    pub iam_path: Attr<String>,
    /// The database's own attributes.
    #[tf(flatten)]
    pub database: Database,
    /// What every resource of several objects has.
    #[tf(flatten)]
    pub shared: Shared,
}

/// The second part of its record's name.
const RECORDED: &str = "rds_instance";

/// [`Composite`] of `deeploy_rds_instance`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = RdsInstance;
    type Facts = Facts;
    const TYPE: &'static str = "deeploy_rds_instance";
    const OPERATION_MAX: Duration = OPERATION_MAX;
    const IMPORT_IDS: &'static str = "the resource's name";

    fn deciders() -> Vec<Decider> {
        let mut all = deciders("", database::OUTPUTS);
        all.extend(deciders("", &[("id", record::RECORD)]));
        all
    }

    async fn look_up(model: &RdsInstance, prior: Option<&RdsInstance>, aws: &Arc<Aws>) -> Result<Option<Facts>, Diagnostics> {
        let fate = Fate::of(&model.shared, prior.map(|prior| &prior.shared));
        let before = prior.map(|prior| &prior.database);
        let facts = patiently(|| Box::pin(database::look_up(aws, &model.database, before, fate))).await;
        facts.map(Some).map_err(|failure| vec![report::failed(Path::root(), "RDS can't be asked what it offers".to_owned(), &failure)])
    }

    fn check(model: &RdsInstance) -> Diagnostics {
        let mut found = database::check(&model.database, &Path::root());
        let nodes = model.node_security_group_id.as_str();
        let allowed = model.database.allowed_security_group_ids.known();
        if allowed.is_some_and(|allowed| allowed.known().any(|group| Some(group.as_str()) == nodes)) {
            let detail = "The nodes' group may connect already: take it out of allowed_security_group_ids.";
            found.push(Diagnostic::error(Path::of("allowed_security_group_ids"), "A group that is allowed twice", detail));
        }
        if model.subnet_ids.known().is_some_and(|subnets| subnets.len() < 2 && subnets.known().count() == subnets.len()) {
            let detail = "RDS takes subnets in two zones at least, also for a database without a standby.";
            found.push(Diagnostic::error(Path::of("subnet_ids"), "Too few subnets", detail));
        }
        found
    }

    fn check_in(model: &RdsInstance, place: &Place) -> Diagnostics {
        let arns = [("kms_key_arn", &model.kms_key_arn), ("sns_topic_arn", &model.sns_topic_arn)];
        let known = arns.into_iter().filter_map(|(name, arn)| Some((Path::of(name), arn.as_str()?)));
        known
            .filter_map(|(path, arn)| checks::of_partition(path.clone(), arn, place).or_else(|| checks::of_region(path, arn, place)))
            .collect()
    }

    fn check_change(model: &RdsInstance, prior: Option<&RdsInstance>, facts: Option<&Facts>) -> Diagnostics {
        let fate = Fate::of(&model.shared, prior.map(|prior| &prior.shared));
        let mut found = database::check_change(&model.database, fate.prior(prior.map(|prior| &prior.database)), facts, &Path::root());
        let before = prior
            .and_then(|prior| prior.kms_key_arn.as_str())
            .filter(|_| prior.is_some_and(|prior| prior.database.identifier.known().is_some()));
        if let (Some(before), Some(now)) = (before, model.kms_key_arn.as_str())
            && before != now
        {
            let detail = format!(
                "The storage is encrypted with {before}, and RDS exchanges no key. Set it back; to change it, copy a snapshot under the new key \
                 (aws rds copy-db-snapshot --kms-key-id …) and restore that into another database."
            );
            found.push(Diagnostic::error(Path::of("kms_key_arn"), "The key can't be exchanged", detail));
        }
        found
    }

    fn derive(model: &mut RdsInstance, _written: &RdsInstance, _prior: Option<&RdsInstance>, _facts: Option<&Facts>) {
        let preset = preset(model);
        database::derive(&mut model.database, preset);
    }

    fn blueprint(model: &RdsInstance, place: &Place) -> Result<Blueprint, Diagnostics> {
        let name = model.name.known().cloned().unwrap_or_default();
        let mut nodes = vec![record::node(RECORDED, model)];
        nodes.extend(database::nodes(&model.database, &links(model, name.clone()), place));
        Ok(Blueprint::of(Owner { resource: Kind::TYPE.to_owned(), name }, nodes))
    }

    fn known(state: &RdsInstance) -> Known {
        state.shared.known()
    }

    fn foretell(model: &RdsInstance, place: &Place) -> Foretold {
        let mut all: Foretold = vec![("id".to_owned(), model.name.to_value())];
        all.extend(database::foretell(&model.database, &model.name, place).into_iter().map(|(name, value)| (name.to_owned(), value)));
        all
    }

    fn moved(planned: &RdsInstance, prior: &RdsInstance) -> Vec<String> {
        let repaired = prior.shared.differs(database::DATABASE);
        database::moved(&planned.database, &prior.database, repaired).into_iter().map(str::to_owned).collect()
    }

    fn outputs(model: &mut RdsInstance, seen: &Observed) {
        model.shared.id = model.name.clone();
        database::outputs(&mut model.database, seen);
    }

    fn refresh(model: &mut RdsInstance, seen: &Observed) {
        if let Some(Json::Array(subnets)) = Seen(seen).setting("database_subnet_group", "subnet_ids") {
            model.subnet_ids = Attr::Known(subnets.iter().filter_map(|subnet| subnet.as_str().map(str::to_owned)).collect());
        }
        database::refresh(&mut model.database, seen);
    }

    async fn import(model: &mut RdsInstance, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        *model = record::imported(aws, RECORDED, id, Self::TYPE).await?;
        Ok(())
    }

    fn consequences(change: &Change) -> Diagnostics {
        database::restarted(change, &Path::root()).into_iter().collect()
    }

    fn guarded(state: &RdsInstance) -> Vec<(&'static str, String)> {
        let sealed = state.shared.is_handed_out() && state.database.deletion_protection.known() == Some(&true);
        let reason = "The database is protected against deletion. Set deletion_protection = false, apply, then destroy.";
        if sealed { vec![("deletion_protection", reason.to_owned())] } else { Vec::new() }
    }

    fn left_of(component: &str, facts: Option<&Facts>) -> Option<String> {
        database::left_of(component, facts, &Path::root())
    }

    fn warnings(planned: &RdsInstance, prior: Option<&RdsInstance>, _facts: Option<&Facts>) -> Diagnostics {
        let fate = Fate::of(&planned.shared, prior.map(|prior| &prior.shared));
        database::warnings(&planned.database, fate.prior(prior.map(|prior| &prior.database)), &Path::root())
    }
}

fn preset(model: &RdsInstance) -> Option<Preset> {
    model.preset.as_str().and_then(Preset::parse)
}

fn links(model: &RdsInstance, name: String) -> Links {
    let topic = match &model.sns_topic_arn {
        Attr::Null => None,
        topic => Some(input(topic)),
    };
    Links {
        name,
        vpc_id: input(&model.vpc_id),
        database_subnet_ids: input(&model.subnet_ids),
        node_security_group_id: input(&model.node_security_group_id),
        data_key_arn: input(&model.kms_key_arn),
        topic_arn: topic,
        permissions_boundary: or_none(&model.permissions_boundary),
        iam_path: input(&model.iam_path),
        prefix: "",
    }
}
