//! What AWS offers: versions, classes, the snapshot to restore. Asked only when the plan depends on it.

use std::collections::BTreeMap;

use tf_provider::{Diagnostic, Diagnostics, Path};

use super::{DATABASE, Database};
use crate::{
    aws::Aws,
    components::{Offer, Restorable, Snapshot, Version, newest_snapshot, offers, parameters, snapshot, versions},
    graph::Failure,
    resources::{close::meant, shared::Shared},
};

/// What was looked up; `None`: not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The versions that `engine_version` names.
    pub versions: Option<Vec<Version>>,
    /// How the class is offered with the newest of them.
    pub offers: Option<Vec<Offer>>,
    /// The version in use, where another major one is wanted.
    pub actual: Option<Version>,
    /// What the snapshot holds.
    pub snapshot: Option<Option<Snapshot>>,
    /// The newest snapshot of a database that is gone.
    pub newest: Option<Restorable>,
    /// The parameters that the major version has, with whether they can be set.
    pub parameters: Option<BTreeMap<String, bool>>,
}

/// What has become of the database in state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It stands, or there was none.
    Stands,
    /// It is gone, and nobody lets it be made anew.
    Gone,
    /// It is gone, and is made anew as at create.
    Remade,
}

impl Fate {
    /// Of the database of a resource, by what was planned and what stood before.
    pub(crate) fn of(planned: &Shared, prior: Option<&Shared>) -> Self {
        match prior.is_some_and(|prior| prior.is_gone(DATABASE)) {
            false => Self::Stands,
            true if planned.recreates(DATABASE) => Self::Remade,
            true => Self::Gone,
        }
    }

    /// The state's database, as far as there is one to be changed.
    pub(crate) fn prior(self, prior: Option<&Database>) -> Option<&Database> {
        prior.filter(|_| self != Self::Remade)
    }
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// Asks AWS what the change depends on; nothing where it doesn't.
pub(crate) async fn look_up(aws: &Aws, model: &Database, prior: Option<&Database>, fate: Fate) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
    if let (Fate::Gone, Some(instance)) = (fate, prior.and_then(|prior| prior.identifier.as_str())) {
        facts.newest = newest_snapshot(aws, instance).await?;
    }
    let prior = fate.prior(prior);
    let set = |of: &Database| (of.parameters.clone(), of.engine_version.as_str().map(|version| major(version).to_owned()));
    let written = model.parameters.known().is_some_and(|all| !all.is_empty());
    if let (Some(version), true) = (model.engine_version.as_str(), written && prior.map(set) != Some(set(model))) {
        facts.parameters = Some(parameters(aws, major(version)).await?);
    }
    let prior = prior.filter(|prior| prior.identifier.known().is_some());
    let same = prior.is_some_and(|prior| prior.engine_version == model.engine_version && prior.instance_class == model.instance_class);
    if let (Some(version), false) = (model.engine_version.as_str(), same) {
        let found = versions(aws, version).await?;
        let numbers = |found: &&Version| found.version.split('.').map(|part| part.parse().unwrap_or_default()).collect::<Vec<u32>>();
        if let (Some(newest), Some(class)) = (found.iter().max_by_key(numbers), model.instance_class.as_str()) {
            facts.offers = Some(offers(aws, &newest.version, class).await?);
        }
        facts.versions = Some(found);
        if let Some(actual) = prior.and_then(|prior| prior.engine_version_actual.as_str()).filter(|actual| major(actual) != major(version))
        {
            facts.actual = versions(aws, actual).await?.into_iter().find(|found| found.version == actual);
        }
    }
    if let (Some(name), None) = (model.snapshot_identifier.as_str(), prior) {
        facts.snapshot = Some(snapshot(aws, name).await?);
    }
    Ok(facts)
}

/// Holds the configuration against what was looked up.
pub(super) fn check_facts(model: &Database, facts: &Facts, at: &Path) -> Diagnostics {
    let mut found = Diagnostics::new();
    let mut wrong =
        |attribute: &str, summary: &str, detail: String| found.push(Diagnostic::error(at.attribute(attribute), summary, detail));
    let (version, class) = (model.engine_version.as_str().unwrap_or_default(), model.instance_class.as_str().unwrap_or_default());
    if facts.versions.as_ref().is_some_and(Vec::is_empty) {
        wrong(
            "engine_version",
            "AWS doesn't offer this version",
            format!("There is no PostgreSQL {version} in this region (aws rds describe-db-engine-versions --engine postgres)."),
        );
    }
    if let Some(offers) = &facts.offers {
        let gp3 = |offer: &&Offer| offer.storage_type == "gp3";
        if !offers.iter().any(|offer| gp3(&offer)) {
            wrong(
                "instance_class",
                "AWS doesn't offer this class",
                format!("{class} can't be had for PostgreSQL {version} with gp3 storage in this region."),
            );
        } else if model.multi_az.known() == Some(&true) && !offers.iter().filter(gp3).any(|offer| offer.multi_az) {
            wrong(
                "multi_az",
                "The class can't have a standby",
                format!("{class} is offered in one zone only: choose another instance_class, or multi_az = false."),
            );
        }
    }
    if let Some(actual) = &facts.actual
        && !actual.major_targets.iter().any(|target| target == version || major(target) == version)
    {
        let detail =
            format!("AWS upgrades {} to {}, not to {version}: go by way of one of them.", actual.version, actual.major_targets.join(", "));
        wrong("engine_version", "No way from one version to the other", detail);
    }
    match &facts.snapshot {
        Some(None) => {
            let name = model.snapshot_identifier.as_str().unwrap_or_default();
            wrong(
                "snapshot_identifier",
                "No such snapshot",
                format!("There is no snapshot {name:?} in this account and region (aws rds describe-db-snapshots)."),
            );
        }
        Some(Some(snapshot)) => found.extend(unfit(model, snapshot, at)),
        None => {}
    }
    if let (Some(known), Some(written)) = (facts.parameters.as_ref().filter(|known| !known.is_empty()), model.parameters.known()) {
        found.extend(written.keys().filter_map(|name| unfit_parameter(name, known, major(version), at)));
    }
    found
}

/// Why a parameter can't be set.
fn unfit_parameter(name: &str, known: &BTreeMap<String, bool>, major: &str, at: &Path) -> Option<Diagnostic> {
    let (summary, detail) = match known.get(name) {
        Some(true) => return None,
        Some(false) => ("A parameter that AWS sets itself", format!("RDS lets nobody change {name:?}: take it out.")),
        None => {
            let near = meant(name, known.keys().map(String::as_str));
            ("No such parameter", format!("PostgreSQL {major} on RDS has no parameter {name:?}.{near}"))
        }
    };
    Some(Diagnostic::error(at.attribute("parameters").key(name), summary, detail))
}

/// What is left of a database that is gone, and how to get it back.
pub(crate) fn left_of(component: &str, facts: Option<&Facts>, at: &Path) -> Option<String> {
    let facts = facts.filter(|_| component == DATABASE)?;
    let attribute = at.attribute("snapshot_identifier");
    Some(match &facts.newest {
        Some(Restorable { name, taken }) => {
            format!(
                "Its newest snapshot is {name}, taken {taken}: with `{attribute} = {name:?}` beside it the database is restored from that."
            )
        }
        None => "No snapshot of it is left in this account and region.".to_owned(),
    })
}

/// Why a snapshot can't become this database.
fn unfit(model: &Database, snapshot: &Snapshot, at: &Path) -> Diagnostics {
    let mut found = Diagnostics::new();
    let mut wrong =
        |attribute: &str, summary: &str, detail: String| found.push(Diagnostic::error(at.attribute(attribute), summary, detail));
    if snapshot.engine != "postgres" {
        wrong("snapshot_identifier", "A snapshot of another engine", format!("It holds {}, not PostgreSQL.", snapshot.engine));
        return found;
    }
    if snapshot.status != "available" {
        wrong(
            "snapshot_identifier",
            "The snapshot can't be used yet",
            format!("Its status is {}: wait until it is available.", snapshot.status),
        );
    }
    if !snapshot.encrypted {
        let detail = "A database that is restored from it would not be encrypted either. Copy it with the data key (aws rds copy-db-snapshot --kms-key-id …) and name the copy.";
        wrong("snapshot_identifier", "The snapshot is not encrypted", detail.to_owned());
    }
    if let Some(version) = model.engine_version.as_str().filter(|version| major(version) != major(&snapshot.engine_version)) {
        let detail = format!(
            "The snapshot holds PostgreSQL {}: restore it with engine_version = {:?}, and go to {version} afterwards.",
            snapshot.engine_version,
            major(&snapshot.engine_version)
        );
        wrong("engine_version", "A snapshot of another major version", detail);
    }
    if let Some(storage) = model.allocated_storage.known().filter(|storage| **storage < snapshot.allocated_storage) {
        let detail = format!(
            "The snapshot holds a storage of {} GiB, and storage never shrinks: set at least that, not {storage}.",
            snapshot.allocated_storage
        );
        wrong("allocated_storage", "Less storage than the snapshot's", detail);
    }
    found
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use tf_provider::Attr;

    use super::*;

    #[test]
    fn parameters_that_the_server_has_not_are_told_with_what_was_meant() {
        let known = BTreeMap::from(
            [("work_mem", true), ("max_connections", true), ("server_version", false)].map(|(name, set)| (name.to_owned(), set)),
        );
        let facts = Facts { parameters: Some(known), ..Facts::default() };
        let set = ["work_men", "max_connections", "server_version"].map(|name| (name.to_owned(), Attr::Known("1".to_owned())));
        let model = Database { engine_version: Attr::Known("17".to_owned()), parameters: Attr::Known(set.into()), ..Database::default() };
        let found = check_facts(&model, &facts, &Path::of("database"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].path.to_string(), "database.parameters[\"server_version\"]");
        assert!(found[1].detail.ends_with("has no parameter \"work_men\". Did you mean `work_mem`?"), "{found:?}");
        assert_eq!(check_facts(&model, &Facts::default(), &Path::root()), Vec::new());
    }

    #[test]
    fn what_is_left_of_a_lost_database_is_named() {
        let newest = Restorable { name: "prod-final-1".to_owned(), taken: "2026-11-27T02:00:00Z".to_owned() };
        let facts = Facts { newest: Some(newest), ..Facts::default() };
        let told = left_of("database", Some(&facts), &Path::of("database")).unwrap_or_default();
        assert!(told.contains("`database.snapshot_identifier = \"prod-final-1\"`") && told.contains("2026-11-27T02"), "{told}");
        assert!(left_of("database", Some(&Facts::default()), &Path::root()).is_some_and(|told| told.starts_with("No snapshot")));
        assert_eq!(left_of("bucket", Some(&facts), &Path::root()), None);
    }
}
