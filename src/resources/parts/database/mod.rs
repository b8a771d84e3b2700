//! `database`: a PostgreSQL instance in subnets of its own, that the nodes reach and nobody else.

mod changes;
mod check;
mod nodes;
mod offers;
mod windows;

use std::collections::BTreeMap;

use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set, Value, validators};

use crate::{
    graph::Observed,
    policies::Place,
    presets::{Preset, table},
    resources::{change::Change, checks, seen::Seen},
};

pub(crate) use changes::{moved, warnings};
pub(crate) use check::check;
pub(crate) use nodes::{Links, nodes};
pub(crate) use offers::{Facts, Fate, left_of, look_up};

/// The instance's component.
pub(crate) const DATABASE: &str = "database";
/// Its security group's.
const GROUP: &str = "database_security_group";

/// The instance that a database is made from, and the time to which. Name one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct RestoreToPointInTime {
    /// Identifier of an instance that exists.
    #[tf(optional)]
    pub source_db_instance_identifier: Attr<String>,
    /// Resource id (`db-…`) of an instance that was deleted and whose automated backups were kept.
    #[tf(optional)]
    pub source_dbi_resource_id: Attr<String>,
    /// ARN of retained or replicated automated backups.
    #[tf(optional, validate(checks::arn_of("rds", "auto-backup:")))]
    pub source_db_instance_automated_backups_arn: Attr<String>,
    /// The time, UTC, e.g. `2026-11-27T10:00:00Z`; without it the latest that can be restored.
    #[tf(
        optional,
        validate(validators::matches(
            "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?Z",
            "a time like 2026-11-27T10:00:00Z"
        ))
    )]
    pub restore_time: Attr<String>,
}

/// The PostgreSQL database. Built in: gp3 storage encrypted with the data key, no public address, port 5432 (Deeploy's chart has it
/// fixed), tags copied to snapshots, minor upgrades by AWS, IAM authentication, the master user `deeploy_admin` with a password that RDS
/// keeps and rotates in Secrets Manager, the certificate authority `rds-ca-rsa2048-g1`, enhanced monitoring every 60 seconds,
/// Performance Insights for 7 days, and no extended support.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Database {
    /// PostgreSQL's version: a major one (`17`), or a minor one (`17.6`) and whatever is later. Minor versions that AWS raises by itself
    /// are no difference; the version in use is `engine_version_actual`.
    #[tf(
        optional,
        computed,
        validate(validators::matches("[1-9][0-9](\\.[0-9]+)?", "a version like 17 or 17.6")),
        note(preset = "database.engine_version", change = "live", controls = "RDS.13")
    )]
    pub engine_version: Attr<String>,
    /// Instance class. A change restarts the database, or fails it over where it has a standby.
    #[tf(
        optional,
        computed,
        validate(validators::matches("db\\.[a-z0-9-]+\\.[a-z0-9-]+", "an instance class like db.m7g.large")),
        note(preset = "database.instance_class", change = "live")
    )]
    pub instance_class: Attr<String>,
    /// Storage in GiB. It never shrinks; what AWS has grown by itself, up to `max_allocated_storage`, is no difference.
    #[tf(optional, computed, validate(checks::between(20, 65_536)), note(preset = "database.allocated_storage", change = "live"))]
    pub allocated_storage: Attr<i64>,
    /// GiB up to which AWS grows the storage by itself; at least a tenth above `allocated_storage`.
    #[tf(optional, computed, validate(checks::between(22, 65_536)), note(preset = "database.max_allocated_storage", change = "live"))]
    pub max_allocated_storage: Attr<i64>,
    /// Whether a standby in another zone takes over when the database fails.
    #[tf(optional, computed, note(preset = "database.multi_az", change = "live", controls = "RDS.5"))]
    pub multi_az: Attr<bool>,
    /// Days back to which the database can be restored.
    #[tf(
        optional,
        computed,
        validate(checks::between(1, 35)),
        note(preset = "database.backup_retention_period", change = "live", controls = "RDS.11")
    )]
    pub backup_retention_period: Attr<i64>,
    /// When the daily backup begins and ends, UTC: `02:00-03:00`. At least 30 minutes.
    #[tf(optional, computed, note(preset = "database.backup_window", change = "live"))]
    pub backup_window: Attr<String>,
    /// When AWS may restart the database, UTC: `sun:03:30-sun:04:30`. At least 30 minutes, and not in the backup's.
    #[tf(optional, computed, note(preset = "database.maintenance_window", change = "live"))]
    pub maintenance_window: Attr<String>,
    /// Whether AWS refuses to delete the database.
    #[tf(optional, computed, note(preset = "database.deletion_protection", change = "live", controls = "RDS.8"))]
    pub deletion_protection: Attr<bool>,
    /// Whether destroying takes a snapshot first, named `ID-final-TIME` after the time when the database was made.
    #[tf(optional, computed, note(preset = "database.final_snapshot", change = "live"))]
    pub final_snapshot: Attr<bool>,
    /// Whether destroying deletes the automated backups too. Kept ones stay for `backup_retention_period` and are paid for.
    #[tf(optional, computed, note(preset = "database.delete_automated_backups", change = "live"))]
    pub delete_automated_backups: Attr<bool>,
    /// Whether changes that restart the database are made at once. Otherwise they wait for the maintenance window and stand in
    /// `pending_changes`.
    #[tf(optional, computed, note(preset = "database.apply_immediately", change = "live"))]
    pub apply_immediately: Attr<bool>,
    /// Whether `engine_version` may go to another major version. A snapshot, `ID-before-NEW-from-OLD`, is taken first and kept.
    #[tf(optional, computed, note(preset = "database.allow_major_version_upgrade", change = "live"))]
    pub allow_major_version_upgrade: Attr<bool>,
    /// The server's parameters that differ from this provider's defaults (see `effective_parameters`); null takes a default away. A
    /// static one takes effect with the next reboot, which the provider never makes by itself.
    #[tf(optional, note(change = "live"))]
    pub parameters: Attr<BTreeMap<String, Attr<String>>>,
    /// Security groups beside the nodes' that may connect.
    #[tf(
        optional,
        validate(validators::each(validators::matches("sg-[0-9a-f]+", "a security group's id like sg-0123456789abcdef0"))),
        note(change = "live")
    )]
    pub allowed_security_group_ids: Attr<Set<String>>,
    /// Logs that go to CloudWatch: `postgresql`, `upgrade`, `iam-db-auth-error`. The first holds slow statements as they were sent, with
    /// the data in them.
    #[tf(
        optional,
        computed,
        validate(validators::each(validators::one_of(&["postgresql", "upgrade", "iam-db-auth-error"]))),
        note(preset = "database.enabled_cloudwatch_logs_exports", change = "live", controls = "RDS.9")
    )]
    pub enabled_cloudwatch_logs_exports: Attr<Set<String>>,
    /// Days for which CloudWatch keeps the logs.
    #[tf(optional, computed, note(preset = "database.log_retention_in_days", change = "live", controls = "CloudWatch.16"))]
    pub log_retention_in_days: Attr<i64>,
    /// Snapshot (its name, or its ARN where it is shared) that the database is made from. It counts at create only.
    #[tf(optional, note(change = "create"))]
    pub snapshot_identifier: Attr<String>,
    /// Another database, as it was at a time, that this one is made from. It counts at create only.
    #[tf(optional, note(change = "create"))]
    pub restore_to_point_in_time: Attr<RestoreToPointInTime>,
    /// The instance's identifier.
    #[tf(computed)]
    pub identifier: Attr<String>,
    /// The instance's ARN.
    #[tf(computed)]
    pub arn: Attr<String>,
    /// Host name that clients connect to; its certificate is for this name.
    #[tf(computed)]
    pub endpoint: Attr<String>,
    /// Port that clients connect to.
    #[tf(computed)]
    pub port: Attr<i64>,
    /// The instance's resource id (`db-…`), as IAM policies for database users and backups name it.
    #[tf(computed)]
    pub resource_id: Attr<String>,
    /// ARN of the secret with the master user's password.
    #[tf(computed)]
    pub master_secret_arn: Attr<String>,
    /// The database's security group.
    #[tf(computed)]
    pub security_group_id: Attr<String>,
    /// The version in use, e.g. `17.6`.
    #[tf(computed)]
    pub engine_version_actual: Attr<String>,
    /// GiB of storage that the database has: more than `allocated_storage` where AWS has grown it.
    #[tf(computed)]
    pub allocated_storage_actual: Attr<i64>,
    /// Changes that wait for the maintenance window, by their setting, with the value to come; `parameters = "pending-reboot"` where
    /// parameters wait for a reboot.
    #[tf(computed)]
    pub pending_changes: Attr<BTreeMap<String, Attr<String>>>,
    /// The server's parameters that are set: the preset's and, over them, `parameters`.
    #[tf(computed)]
    pub effective_parameters: Attr<BTreeMap<String, Attr<String>>>,
}

/// Computed attributes, each with the component that decides it. Not `allocated_storage_actual`: AWS may grow the storage during an apply, which then
/// ends as planned and leaves the news to the next refresh.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[
    ("identifier", DATABASE),
    ("arn", DATABASE),
    ("endpoint", DATABASE),
    ("port", DATABASE),
    ("resource_id", DATABASE),
    ("master_secret_arn", DATABASE),
    ("security_group_id", GROUP),
    ("engine_version_actual", DATABASE),
    ("pending_changes", DATABASE),
    ("effective_parameters", DATABASE),
];

/// The preset's parameters and, over them, the user's.
fn parameters(model: &Database, preset: Option<Preset>) -> Attr<BTreeMap<String, Attr<String>>> {
    let (Some(preset), false) = (preset, model.parameters.is_unknown()) else { return Attr::Unknown };
    let defaults = table(preset).get("database.default_parameters").and_then(|default| default.value.as_object());
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned).into();
    let mut all: BTreeMap<String, Attr<String>> = defaults.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect();
    all.extend(model.parameters.known().cloned().unwrap_or_default());
    all.retain(|_, value| !value.is_null());
    Attr::Known(all)
}

/// Fills what is made of other attributes.
pub(crate) fn derive(model: &mut Database, preset: Option<Preset>) {
    model.effective_parameters = parameters(model, preset);
}

/// What AWS can't change, or doesn't offer.
pub(crate) fn check_change(model: &Database, prior: Option<&Database>, facts: Option<&Facts>, at: &Path) -> Diagnostics {
    let mut found = prior.map(|prior| changes::refused(model, prior, at)).unwrap_or_default();
    // Where there is no way back or nobody allowed it, the way that AWS offers is beside the point.
    if found.is_empty() {
        found.extend(facts.into_iter().flat_map(|facts| offers::check_facts(model, facts, at)));
    }
    found
}

/// Settings that somebody else changed, and whose repair restarts the instance.
pub(crate) fn restarted(change: &Change, at: &Path) -> Option<Diagnostic> {
    const RESTART: [&str; 2] = ["ca_certificate_identifier", "port"];
    let changed = change.changed().get(&DATABASE.into()).filter(|_| change.stays(&DATABASE.into()))?;
    let named: Vec<&str> = changed.iter().map(String::as_str).filter(|name| RESTART.contains(name)).collect();
    (!named.is_empty()).then(|| {
        let detail = format!(
            "It differs in {} and is set back. RDS restarts the instance for a port at once, whatever `apply_immediately` says, and for a certificate where the engine \
             can't take it up while it runs: every connection is cut for about a minute.",
            named.join(" and ")
        );
        Diagnostic::warning(at.clone(), "The database may restart", detail)
    })
}

/// Outputs that are known before anything is made.
pub(crate) fn foretell(model: &Database, name: &Attr<String>, place: &Place) -> Vec<(&'static str, Value)> {
    let identifier = name.clone().map(|name| name.to_ascii_lowercase());
    vec![
        ("arn", identifier.clone().map(|identifier| place.regional("rds", &format!("db:{identifier}"))).to_value()),
        ("identifier", identifier.to_value()),
        ("port", Value::from(nodes::PORT)),
        ("effective_parameters", model.effective_parameters.to_value()),
    ]
}

/// Fills the computed attributes from what was found.
pub(crate) fn outputs(model: &mut Database, seen: &Observed) {
    let seen = Seen(seen);
    model.identifier = seen.output(DATABASE, "identifier");
    model.arn = seen.output(DATABASE, "arn");
    model.endpoint = seen.output(DATABASE, "endpoint");
    model.port = seen.output_json(DATABASE, "port").and_then(|port| port.as_i64()).into();
    model.resource_id = seen.output(DATABASE, "resource_id");
    model.master_secret_arn = seen.output(DATABASE, "master_secret_arn");
    model.security_group_id = seen.output(GROUP, "id");
    model.engine_version_actual = seen.output(DATABASE, "engine_version");
    if let Some(size) = seen.output_json(DATABASE, "allocated_storage").and_then(|size| size.as_i64()) {
        model.allocated_storage_actual = Attr::Known(size);
    }
    let pending = seen.output_json(DATABASE, "pending_changes");
    let texts = |pending: &serde_json::Map<String, serde_json::Value>| {
        pending.iter().map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned).into())).collect()
    };
    model.pending_changes = pending.as_ref().and_then(|pending| pending.as_object()).map(texts).into();
}

/// GiB that alarms count with: at the next apply also what AWS has grown by itself. `before`: the same database, as state has it.
pub(crate) fn watched_storage(model: &Database, before: Option<&Database>) -> Attr<i64> {
    let live = before.and_then(|before| before.allocated_storage_actual.known()).copied().unwrap_or_default();
    model.allocated_storage.clone().map(|size| size.max(live))
}

/// Sets the inputs that AWS tells to what AWS tells.
pub(crate) fn refresh(model: &mut Database, seen: &Observed) {
    let seen = Seen(seen);
    seen.text(DATABASE, "engine_version", &mut model.engine_version);
    seen.text(DATABASE, "instance_class", &mut model.instance_class);
    seen.number(DATABASE, "allocated_storage", &mut model.allocated_storage);
    seen.number(DATABASE, "max_allocated_storage", &mut model.max_allocated_storage);
    seen.flag(DATABASE, "multi_az", &mut model.multi_az);
    seen.number(DATABASE, "backup_retention_period", &mut model.backup_retention_period);
    seen.text(DATABASE, "backup_window", &mut model.backup_window);
    seen.text(DATABASE, "maintenance_window", &mut model.maintenance_window);
    seen.flag(DATABASE, "deletion_protection", &mut model.deletion_protection);
    if let Some(serde_json::Value::Array(types)) = seen.setting(DATABASE, "enabled_cloudwatch_logs_exports") {
        model.enabled_cloudwatch_logs_exports = Attr::Known(types.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect());
    }
    seen.number(nodes::SHOWN_LOG_GROUP, "retention_in_days", &mut model.log_retention_in_days);
}

#[cfg(test)]
mod tests;
