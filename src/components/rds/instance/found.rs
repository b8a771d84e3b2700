//! From what RDS tells of an instance to settings, outputs and readiness.

use std::collections::BTreeMap;

use aws_sdk_rds::types::{DatabaseInsightsMode, DbInstance, Endpoint, PendingModifiedValues};
use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::{Map, Value as Json};

use super::version::satisfies;
use crate::{
    components::{
        rds::own_tags,
        settings::{Settings, bug, json, map, number, text},
    },
    graph::{Failure, Found, Meaning, Readiness, same},
};

/// An instance of the API as the engine sees it. `wanted`, as far as it is known, decides how it is read:
/// with `apply_immediately` a value that waits for the maintenance window isn't there yet, without it counts; a version that AWS raised
/// and a storage that AWS grew read as what was asked for.
pub(super) fn found(instance: &DbInstance, wanted: &Settings) -> Result<Found, Failure> {
    let lacks = |what: &str| bug("rds:DescribeDBInstances", format!("the reply holds no {what}"));
    let id = instance.db_instance_identifier().ok_or_else(|| lacks("identifier"))?;
    let settings = settings(instance, wanted, id);
    let readiness = match instance.db_instance_status().unwrap_or_default() {
        status if !is_in_use(status) => readiness(instance, wanted),
        _ if settled(instance, &settings, wanted) => secret(instance),
        status => Readiness::Pending(status.to_owned()),
    };
    Ok(Found { id: id.to_owned(), settings, outputs: outputs(instance, id), tags: own_tags(instance.tag_list()), readiness })
}

fn settings(instance: &DbInstance, wanted: &Settings, id: &str) -> Settings {
    let pending = instance.pending_modified_values().filter(|_| !immediately(wanted));
    let secret = instance.master_user_secret();
    let port = instance.endpoint().and_then(Endpoint::port).or_else(|| instance.db_instance_port().filter(|port| *port != 0));
    let or = |pending: Option<&str>, actual: Option<&str>| json(pending.or(actual));
    let number = |pending: Option<i32>, actual: Option<i32>| pending.or(actual).map_or(Json::Null, Json::from);
    let flag = |pending: Option<bool>, actual: Option<bool>| pending.or(actual).map_or(Json::Null, Json::from);
    let groups = instance.vpc_security_groups().iter().filter(|group| group.status() != Some("removing"));
    let groups: Vec<&str> = groups.filter_map(|group| group.vpc_security_group_id()).collect();
    let parameter_group = instance.db_parameter_groups().first().and_then(|group| group.db_parameter_group_name());
    // The group of another family comes with its version.
    let parameter_group = match pending.and_then(|pending| pending.engine_version()) {
        Some(_) => text(wanted, "parameter_group").or(parameter_group),
        None => parameter_group,
    };
    let subnet_group = instance.db_subnet_group().and_then(|group| group.db_subnet_group_name());
    map([
        ("identifier", id.into()),
        ("engine", json(instance.engine())),
        ("engine_version", version(pending.and_then(|pending| pending.engine_version()).or(instance.engine_version()), wanted)),
        ("instance_class", or(pending.and_then(|pending| pending.db_instance_class()), instance.db_instance_class())),
        ("allocated_storage", storage(pending.and_then(PendingModifiedValues::allocated_storage).or(instance.allocated_storage()), wanted)),
        ("max_allocated_storage", number(None, instance.max_allocated_storage())),
        ("storage_type", or(pending.and_then(|pending| pending.storage_type()), instance.storage_type())),
        ("multi_az", flag(pending.and_then(PendingModifiedValues::multi_az), instance.multi_az())),
        ("storage_encrypted", flag(None, instance.storage_encrypted())),
        ("publicly_accessible", flag(None, instance.publicly_accessible())),
        ("port", number(pending.and_then(PendingModifiedValues::port), port)),
        ("subnet_group", or(pending.and_then(|pending| pending.db_subnet_group_name()), subnet_group)),
        ("security_group_ids", groups.into()),
        ("parameter_group", json(parameter_group)),
        (
            "backup_retention_period",
            number(pending.and_then(PendingModifiedValues::backup_retention_period), instance.backup_retention_period()),
        ),
        ("backup_window", spelled(instance.preferred_backup_window(), wanted, "backup_window")),
        ("maintenance_window", spelled(instance.preferred_maintenance_window(), wanted, "maintenance_window")),
        ("auto_minor_version_upgrade", flag(None, instance.auto_minor_version_upgrade())),
        ("copy_tags_to_snapshot", flag(None, instance.copy_tags_to_snapshot())),
        (
            "iam_database_authentication",
            flag(
                pending.and_then(PendingModifiedValues::iam_database_authentication_enabled),
                instance.iam_database_authentication_enabled(),
            ),
        ),
        ("master_username", json(instance.master_username())),
        ("manage_master_user_password", secret.is_some().into()),
        ("master_user_secret_kms_key_arn", json(secret.and_then(|secret| secret.kms_key_id()))),
        (
            "ca_certificate_identifier",
            or(pending.and_then(|pending| pending.ca_certificate_identifier()), instance.ca_certificate_identifier()),
        ),
        ("monitoring_interval", number(None, instance.monitoring_interval())),
        ("monitoring_role_arn", json(instance.monitoring_role_arn())),
        ("performance_insights_enabled", flag(None, instance.performance_insights_enabled())),
        ("performance_insights_retention_period", number(None, instance.performance_insights_retention_period())),
        ("database_insights_mode", json(instance.database_insights_mode().map(DatabaseInsightsMode::as_str))),
        ("enabled_cloudwatch_logs_exports", exports(instance, pending).into()),
        ("engine_lifecycle_support", json(instance.engine_lifecycle_support())),
        ("deletion_protection", instance.deletion_protection().unwrap_or(false).into()),
    ])
}

fn immediately(wanted: &Settings) -> bool {
    wanted.get("apply_immediately").and_then(Json::as_bool) == Some(true)
}

fn version(actual: Option<&str>, wanted: &Settings) -> Json {
    match (actual, text(wanted, "engine_version")) {
        (Some(actual), Some(wanted)) if satisfies(wanted, actual) => wanted.into(),
        (actual, _) => json(actual),
    }
}

/// Storage never shrinks: where there is more than was asked for, there is nothing to do.
fn storage(actual: Option<i32>, wanted: &Settings) -> Json {
    match (actual, number::<i32>(wanted, "allocated_storage")) {
        (Some(actual), Some(wanted)) if actual >= wanted => wanted.into(),
        (actual, _) => actual.map_or(Json::Null, Json::from),
    }
}

/// A window, which AWS tells in lower case, as it was written.
fn spelled(actual: Option<&str>, wanted: &Settings, name: &str) -> Json {
    match (actual, text(wanted, name)) {
        (Some(actual), Some(wanted)) if actual.eq_ignore_ascii_case(wanted) => wanted.into(),
        (actual, _) => json(actual),
    }
}

/// The log types that are exported, or will be.
fn exports(instance: &DbInstance, pending: Option<&PendingModifiedValues>) -> Vec<String> {
    let mut types = instance.enabled_cloudwatch_logs_exports().to_vec();
    if let Some(pending) = pending.and_then(|pending| pending.pending_cloudwatch_logs_exports()) {
        types.retain(|kind| !pending.log_types_to_disable().contains(kind));
        types.extend(pending.log_types_to_enable().iter().cloned());
    }
    types.sort();
    types.dedup();
    types
}

/// What waits, by the attribute that it is about: for the maintenance window, or (parameters) for a reboot.
fn waiting(instance: &DbInstance) -> Map<String, Json> {
    let mut waiting = BTreeMap::new();
    if let Some(pending) = instance.pending_modified_values() {
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
        let text = |text: Option<&str>| text.map(str::to_owned);
        for (name, value) in [
            ("engine_version", text(pending.engine_version())),
            ("instance_class", text(pending.db_instance_class())),
            ("allocated_storage", number(pending.allocated_storage())),
            ("storage_type", text(pending.storage_type())),
            ("iops", number(pending.iops())),
            ("storage_throughput", number(pending.storage_throughput())),
            ("multi_az", flag(pending.multi_az())),
            ("port", number(pending.port())),
            ("backup_retention_period", number(pending.backup_retention_period())),
            ("ca_certificate_identifier", text(pending.ca_certificate_identifier())),
            ("subnet_group", text(pending.db_subnet_group_name())),
            ("iam_database_authentication", flag(pending.iam_database_authentication_enabled())),
            ("master_user_password", pending.master_user_password().map(|_| "changing".to_owned())),
            (
                "enabled_cloudwatch_logs_exports",
                pending.pending_cloudwatch_logs_exports().map(|_| exports(instance, Some(pending)).join(", ")),
            ),
        ] {
            waiting.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), Json::from(value))));
        }
    }
    let status = instance.db_parameter_groups().iter().find_map(|group| group.parameter_apply_status());
    waiting.extend(status.filter(|status| *status == "pending-reboot").map(|status| ("parameters".to_owned(), Json::from(status))));
    waiting.into_iter().collect()
}

fn outputs(instance: &DbInstance, id: &str) -> Settings {
    let endpoint = instance.endpoint();
    let all = map([
        ("identifier", id.into()),
        ("id", id.into()),
        ("arn", json(instance.db_instance_arn())),
        ("endpoint", json(endpoint.and_then(|endpoint| endpoint.address()))),
        ("port", endpoint.and_then(Endpoint::port).map_or(Json::Null, Json::from)),
        ("resource_id", json(instance.dbi_resource_id())),
        ("master_secret_arn", json(instance.master_user_secret().and_then(|secret| secret.secret_arn()))),
        ("engine_version", json(instance.engine_version())),
        // What AWS has grown by itself is no difference of the setting; alarms go by what there is.
        ("allocated_storage", instance.allocated_storage().map_or(Json::Null, Json::from)),
        ("pending_changes", waiting(instance).into()),
        ("created", json(instance.instance_create_time().map(compact).as_deref())),
    ]);
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// `yyyymmddhhmmss`, UTC.
fn compact(time: &DateTime) -> String {
    let text = time.fmt(Format::DateTime).unwrap_or_default();
    text.chars().filter(char::is_ascii_digit).take(14).collect()
}

/// Whether the database can be used while AWS is busy with it. It then takes no change, but where none is to be made nobody need wait:
/// the daily backup is no reason for another plan.
fn is_in_use(status: &str) -> bool {
    matches!(status, "backing-up" | "modifying" | "resetting-master-credentials" | "storage-config-upgrade")
        || status.starts_with("configuring-")
}

/// Whether it is as it shall be, with nothing on its way where all is to be applied at once.
fn settled(instance: &DbInstance, settings: &Settings, wanted: &Settings) -> bool {
    let same = |(name, found): (&String, &Json)| wanted.get(name).is_none_or(|wanted| same(Meaning::Unordered, wanted, found));
    let changing = waiting(instance).keys().any(|name| name != "parameters");
    settings.iter().all(same) && !(changing && immediately(wanted))
}

/// What the status means. Source: "Viewing Amazon RDS DB instance status", Amazon RDS User Guide.
fn readiness(instance: &DbInstance, wanted: &Settings) -> Readiness {
    let status = instance.db_instance_status().unwrap_or_default();
    let broken = |why: &str| Readiness::Broken(format!("its status is {status}: {why}"));
    match status {
        "available" | "storage-optimization" | "storage-initialization" => secret(instance),
        "storage-full" => match growing(instance, wanted) {
            Some(readiness) => readiness,
            None => broken("it takes no more data. Raise allocated_storage, or max_allocated_storage to let AWS grow it"),
        },
        "stopped" => broken(
            "start it (aws rds start-db-instance): AWS changes nothing of a stopped instance, and starts it by itself after seven days",
        ),
        "inaccessible-encryption-credentials-recoverable" => broken(
            "its KMS key was disabled or not allowed. Once the key can be used again, start the instance (aws rds start-db-instance) within seven days: \
             after that only a restore from a backup helps",
        ),
        "inaccessible-encryption-credentials" => {
            broken("its KMS key is gone or not allowed; only a restore from a backup under a usable key helps")
        }
        "incompatible-parameters" => broken("it can't start with its parameters. Change them, then reboot it"),
        "incompatible-network" => broken("its subnets have no free address, or its VPC or security group is gone"),
        "insufficient-capacity" => broken("AWS has no capacity for its class in its zone. Wait, or choose another instance_class"),
        "failed" | "restore-error" => broken("AWS could not bring it up. Restore it to a point in time"),
        "incompatible-create" | "incompatible-option-group" | "incompatible-restore" => broken(&told(instance)),
        "" => Readiness::Pending("AWS tells no status of it".to_owned()),
        other => Readiness::Pending(other.to_owned()),
    }
}

fn told(instance: &DbInstance) -> String {
    let messages: Vec<&str> = instance.status_infos().iter().filter_map(|info| info.message()).collect();
    if messages.is_empty() { "see its events (aws rds describe-events)".to_owned() } else { messages.join("; ") }
}

/// Full storage is mended by more of it: that must be possible, and waited for. `None`: nothing will.
fn growing(instance: &DbInstance, wanted: &Settings) -> Option<Readiness> {
    let more = |name: &str, actual: Option<i32>| number::<i32>(wanted, name).zip(actual).is_some_and(|(wanted, actual)| wanted > actual);
    if instance.pending_modified_values().is_some_and(|pending| pending.allocated_storage().is_some()) {
        return Some(Readiness::Pending("storage-full, and growing".to_owned()));
    }
    let raised = more("allocated_storage", instance.allocated_storage()) || more("max_allocated_storage", instance.max_allocated_storage());
    raised.then_some(Readiness::Ready)
}

/// The master user's secret is made beside the instance, and may be later than it.
fn secret(instance: &DbInstance) -> Readiness {
    match instance.master_user_secret().and_then(|secret| secret.secret_status()) {
        Some("creating") => Readiness::Pending("the master user's secret is being made".to_owned()),
        _ => Readiness::Ready,
    }
}
