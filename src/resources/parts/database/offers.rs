//! What AWS offers: versions, classes, the snapshot to restore. Asked only when the plan depends on it.

use tf_provider::{Diagnostic, Diagnostics, Path};

use super::Database;
use crate::{
    aws::Aws,
    components::{Offer, Snapshot, Version, offers, snapshot, versions},
    graph::Failure,
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
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// Asks AWS what the change depends on; nothing where it doesn't.
pub(crate) async fn look_up(aws: &Aws, model: &Database, prior: Option<&Database>) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
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
    found
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
