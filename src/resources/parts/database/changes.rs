//! What going from one configuration of a database to another means for those who use it.

use tf_provider::{Attr, Diagnostic, Diagnostics, Path};

use super::Database;

/// A known value that differs from the known one before.
fn changed<'a, T: PartialEq>(planned: &'a Attr<T>, prior: &'a Attr<T>) -> Option<(&'a T, &'a T)> {
    planned.known().zip(prior.known()).filter(|(planned, prior)| planned != prior)
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// Numbers of a version, for comparing.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

/// Changes that AWS can't make.
pub(super) fn refused(planned: &Database, prior: &Database, at: &Path) -> Diagnostics {
    let mut found = Diagnostics::new();
    let mut refuse =
        |attribute: &str, summary: &str, detail: String| found.push(Diagnostic::error(at.attribute(attribute), summary, detail));
    if let Some((planned, prior)) = changed(&planned.allocated_storage, &prior.allocated_storage).filter(|(planned, prior)| planned < prior)
    {
        let detail =
            format!("It has {prior} GiB, and storage of RDS never shrinks: set allocated_storage to {prior} or more, not {planned}.");
        refuse("allocated_storage", "Storage can't shrink", detail);
    }
    let actual = if prior.engine_version_actual.known().is_some() { &prior.engine_version_actual } else { &prior.engine_version };
    if let Some((wanted, actual)) = changed(&planned.engine_version, actual) {
        let (from, to) = (numbers(major(actual)), numbers(major(wanted)));
        if to < from {
            let detail = format!(
                "PostgreSQL {actual} can't go back to {wanted}. Restore a snapshot of the older version into another database instead."
            );
            refuse("engine_version", "A version can't be taken back", detail);
        } else if to > from
            && planned.allow_major_version_upgrade.known() != Some(&true)
            && !planned.allow_major_version_upgrade.is_unknown()
        {
            let detail = format!(
                "From {actual} to {wanted} is a major upgrade: the database is down for minutes, and there is no way back but the snapshot that is \
                 taken first. Test it on a restored copy, then set allow_major_version_upgrade = true."
            );
            refuse("engine_version", "A major upgrade that nobody allowed", detail);
        }
    }
    found
}

/// What is restarted, disconnected, made anew or left as it is.
pub(crate) fn warnings(planned: &Database, prior: Option<&Database>, at: &Path) -> Diagnostics {
    let Some(prior) = prior.filter(|prior| prior.identifier.known().is_some()) else { return Diagnostics::new() };
    let mut found = Diagnostics::new();
    let mut warn =
        |attribute: &str, summary: String, detail: String| found.push(Diagnostic::warning(at.attribute(attribute), summary, detail));
    let when = match planned.apply_immediately.known() {
        Some(true) => "at once, within this apply",
        _ => "in the maintenance window; until then it stands in pending_changes",
    };
    let standby = planned.multi_az.known() == Some(&true) && prior.multi_az.known() == Some(&true);
    let how = if standby {
        "The standby takes over: connections break for a minute or two"
    } else {
        "It has no standby: it is down for several minutes"
    };
    if let Some((planned, prior)) = changed(&planned.instance_class, &prior.instance_class) {
        warn("instance_class", "The database will be restarted".to_owned(), format!("From {prior} to {planned}. {how}, {when}."));
    }
    let actual = prior.engine_version_actual.as_str().or(prior.engine_version.as_str());
    if let (Some((wanted, _)), Some(actual)) = (changed(&planned.engine_version, &prior.engine_version), actual) {
        if numbers(major(wanted)) > numbers(major(actual)) {
            let detail = format!(
                "From {actual} to {wanted}: down for ten minutes and more, {when}. A snapshot is taken first and kept (it is paid for), and a new \
                 parameter group takes the old one's place. Run ANALYZE afterwards: the planner's statistics are not taken along."
            );
            warn("engine_version", "A major upgrade of the database".to_owned(), detail);
        } else if numbers(wanted) > numbers(actual) {
            warn(
                "engine_version",
                "The database will be restarted".to_owned(),
                format!("From {actual} to {wanted}. It is down for a minute or more, {when}."),
            );
        }
    }
    if let Some((planned, prior)) = changed(&planned.allocated_storage, &prior.allocated_storage).filter(|(planned, prior)| planned > prior)
    {
        let detail = format!(
            "From {prior} to {planned} GiB, without a restart. AWS then optimizes the storage for hours, and takes no other change of it meanwhile."
        );
        warn("allocated_storage", "The database's storage will grow".to_owned(), detail);
    }
    if let Some((planned, _)) = changed(&planned.multi_az, &prior.multi_az) {
        let (summary, detail) = match planned {
            true => (
                "A standby will be added",
                format!("AWS copies the storage: writes are slower for a while, {when}. It doubles the instance's price."),
            ),
            false => ("The standby will be removed", format!("The database is then down when its zone or host is, {when}.")),
        };
        warn("multi_az", summary.to_owned(), detail);
    }
    parameters(planned, prior, &mut warn);
    let gone: Vec<&str> = match (&planned.allowed_security_group_ids, &prior.allowed_security_group_ids) {
        (Attr::Unknown, _) => Vec::new(),
        (planned, Attr::Known(prior)) => prior
            .known()
            .filter(|group| !planned.known().is_some_and(|planned| planned.known().any(|each| each == *group)))
            .map(String::as_str)
            .collect(),
        _ => Vec::new(),
    };
    if !gone.is_empty() {
        warn("allowed_security_group_ids", "Some lose the database".to_owned(), format!("{} can't connect any more.", gone.join(", ")));
    }
    if let (Some((true, false)), Some(pending)) =
        (changed(&planned.apply_immediately, &prior.apply_immediately), prior.pending_changes.known())
        && pending.keys().any(|name| name != "parameters")
    {
        let names: Vec<&str> = pending.keys().map(String::as_str).collect();
        warn(
            "apply_immediately",
            "What was waiting is made now".to_owned(),
            format!("{}: that may restart the database within this apply.", names.join(", ")),
        );
    }
    for (attribute, changed) in [
        ("snapshot_identifier", planned.snapshot_identifier != prior.snapshot_identifier && planned.snapshot_identifier.known().is_some()),
        (
            "restore_to_point_in_time",
            planned.restore_to_point_in_time != prior.restore_to_point_in_time && planned.restore_to_point_in_time.known().is_some(),
        ),
    ] {
        if changed {
            let detail = "The database exists: nothing is restored into it. To restore, make another one, or destroy this one first.";
            warn(attribute, "Without effect on a database that exists".to_owned(), detail.to_owned());
        }
    }
    found
}

fn parameters(planned: &Database, prior: &Database, warn: &mut impl FnMut(&str, String, String)) {
    if let Some((planned, prior)) = changed(&planned.effective_parameters, &prior.effective_parameters) {
        let differs = |name: &&String| planned.get(*name) != prior.get(*name);
        let mut names: Vec<&str> = planned.keys().chain(prior.keys()).filter(differs).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let detail = format!(
            "{}: dynamic ones take effect at once, static ones with the next reboot. pending_changes then says parameters = \"pending-reboot\"; \
             AWS doesn't reboot by itself, not in the maintenance window either, and neither does the provider: aws rds reboot-db-instance.",
            names.join(", ")
        );
        warn("parameters", "Parameters may wait for a reboot".to_owned(), detail);
    }
}

/// Outputs that the change may move. `repaired`: the instance differs, and its repair may wait for the maintenance window, too.
pub(crate) fn moved(planned: &Database, prior: &Database, repaired: bool) -> Vec<&'static str> {
    let version = planned.engine_version != prior.engine_version;
    let pending = repaired
        || version
        || planned.instance_class != prior.instance_class
        || planned.allocated_storage != prior.allocated_storage
        || planned.multi_az != prior.multi_az
        || planned.backup_retention_period != prior.backup_retention_period
        || planned.apply_immediately != prior.apply_immediately
        || planned.effective_parameters != prior.effective_parameters
        || planned.enabled_cloudwatch_logs_exports != prior.enabled_cloudwatch_logs_exports;
    let mut moved = Vec::new();
    if version {
        moved.push("engine_version_actual");
    }
    if planned.allocated_storage != prior.allocated_storage {
        moved.push("allocated_storage_actual");
    }
    if pending {
        moved.push("pending_changes");
    }
    // Somebody took the password into their own hands: with the repair RDS keeps it in a secret again.
    if repaired && prior.master_secret_arn.is_null() {
        moved.push("master_secret_arn");
    }
    moved
}
