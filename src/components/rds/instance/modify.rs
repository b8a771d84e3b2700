//! Changing an instance.

use std::collections::BTreeSet;

use aws_sdk_rds::{
    operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder,
    types::{CloudwatchLogsExportConfiguration, DatabaseInsightsMode},
};
use serde_json::Value as Json;

use super::{delete::BEFORE, version::major};
use crate::{
    aws::{Absent, Aws, failure},
    components::{
        rds::api_tags,
        settings::{Settings, failure as refusal, number, required, text, texts},
    },
    graph::{Class, Failure, Found, Wanted},
};

const CALL: &str = "rds:ModifyDBInstance";

/// The master user's secret and the engine's version go alone: AWS takes neither together with everything else, and the engine comes
/// back with the rest.
pub(super) async fn modify(aws: &Aws, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
    let settings = &wanted.settings;
    let changes = |name: &str| changed.contains(name);
    if changes("manage_master_user_password") || changes("master_user_secret_kms_key_arn") {
        return manage_password(aws, found, settings).await;
    }
    if changes("engine_version") {
        return upgrade(aws, found, wanted).await;
    }
    let mut call = call(aws, found, settings);
    let number = |name: &str| number::<i32>(settings, name).filter(|_| changes(name));
    let flag = |name: &str| settings.get(name).and_then(Json::as_bool).filter(|_| changes(name));
    let owned = |name: &str| text(settings, name).map(str::to_owned).filter(|_| changes(name));
    call = call
        .set_db_instance_class(owned("instance_class"))
        .set_allocated_storage(number("allocated_storage"))
        .set_max_allocated_storage(number("max_allocated_storage"))
        .set_storage_type(owned("storage_type"))
        .set_multi_az(flag("multi_az"))
        .set_publicly_accessible(flag("publicly_accessible"))
        .set_db_port_number(number("port"))
        .set_vpc_security_group_ids(texts(settings, "security_group_ids").filter(|_| changes("security_group_ids")))
        .set_db_parameter_group_name(owned("parameter_group"))
        .set_backup_retention_period(number("backup_retention_period"))
        .set_preferred_backup_window(owned("backup_window"))
        .set_preferred_maintenance_window(owned("maintenance_window"))
        .set_auto_minor_version_upgrade(flag("auto_minor_version_upgrade"))
        .set_copy_tags_to_snapshot(flag("copy_tags_to_snapshot"))
        .set_enable_iam_database_authentication(flag("iam_database_authentication"))
        .set_ca_certificate_identifier(owned("ca_certificate_identifier"))
        .set_engine_lifecycle_support(owned("engine_lifecycle_support"))
        .set_deletion_protection(flag("deletion_protection"))
        .set_cloudwatch_logs_export_configuration(exports(found, settings).filter(|_| changes("enabled_cloudwatch_logs_exports")));
    call = insights(monitoring(call, settings, changed), settings, changed);
    call.send().await.map(drop).map_err(|error| failure(CALL, error))
}

fn call(aws: &Aws, found: &Found, settings: &Settings) -> ModifyDBInstanceFluentBuilder {
    let now = settings.get("apply_immediately").and_then(Json::as_bool).unwrap_or(false);
    aws.rds.modify_db_instance().db_instance_identifier(&found.id).apply_immediately(now)
}

/// The interval and the role belong together.
fn monitoring(call: ModifyDBInstanceFluentBuilder, settings: &Settings, changed: &BTreeSet<String>) -> ModifyDBInstanceFluentBuilder {
    if !["monitoring_interval", "monitoring_role_arn"].iter().any(|name| changed.contains(*name)) {
        return call;
    }
    call.set_monitoring_interval(number(settings, "monitoring_interval"))
        .set_monitoring_role_arn(text(settings, "monitoring_role_arn").map(str::to_owned))
}

/// Insights are switched on with their key, which AWS never changes afterwards.
fn insights(call: ModifyDBInstanceFluentBuilder, settings: &Settings, changed: &BTreeSet<String>) -> ModifyDBInstanceFluentBuilder {
    let names = ["performance_insights_enabled", "performance_insights_retention_period", "database_insights_mode"];
    if !names.iter().any(|name| changed.contains(*name)) {
        return call;
    }
    let on = settings.get("performance_insights_enabled").and_then(Json::as_bool);
    let switched = changed.contains("performance_insights_enabled") && on == Some(true);
    call.set_enable_performance_insights(on)
        .set_performance_insights_kms_key_id(text(settings, "performance_insights_kms_key_arn").map(str::to_owned).filter(|_| switched))
        .set_performance_insights_retention_period(number(settings, "performance_insights_retention_period").filter(|_| on == Some(true)))
        .set_database_insights_mode(text(settings, "database_insights_mode").map(DatabaseInsightsMode::from))
}

fn exports(found: &Found, settings: &Settings) -> Option<CloudwatchLogsExportConfiguration> {
    let wanted = texts(settings, "enabled_cloudwatch_logs_exports")?;
    let there = texts(&found.settings, "enabled_cloudwatch_logs_exports").unwrap_or_default();
    let (on, off): (Vec<String>, Vec<String>) = (
        wanted.iter().filter(|kind| !there.contains(kind)).cloned().collect(),
        there.iter().filter(|kind| !wanted.contains(kind)).cloned().collect(),
    );
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    Some(CloudwatchLogsExportConfiguration::builder().set_enable_log_types(some(on)).set_disable_log_types(some(off)).build())
}

async fn manage_password(aws: &Aws, found: &Found, settings: &Settings) -> Result<(), Failure> {
    let managed = found.settings.get("manage_master_user_password").and_then(Json::as_bool) == Some(true);
    if managed {
        let message = "AWS can't give the master user's secret another key. Stop managing it and manage it again: aws rds modify-db-instance \
                       --no-manage-master-user-password --master-user-password … --apply-immediately, and apply again";
        return Err(refusal(Class::Invalid, CALL, message));
    }
    (call(aws, found, settings))
        .manage_master_user_password(true)
        .set_master_user_secret_kms_key_id(text(settings, "master_user_secret_kms_key_arn").map(str::to_owned))
        .send()
        .await
        .map(drop)
        .map_err(|error| failure(CALL, error))
}

/// A major version comes with the parameter group of its family, and after a snapshot: AWS can't go back.
async fn upgrade(aws: &Aws, found: &Found, wanted: &Wanted) -> Result<(), Failure> {
    let settings = &wanted.settings;
    let target = required(settings, "engine_version", CALL)?;
    let actual = text(&found.outputs, "engine_version").unwrap_or_default();
    let mut call = call(aws, found, settings).engine_version(target);
    if major(target) != major(actual) {
        snapshot_first(aws, found, wanted, target, actual).await?;
        let allowed = settings.get("allow_major_version_upgrade").and_then(Json::as_bool).unwrap_or(false);
        call = call.allow_major_version_upgrade(allowed).set_db_parameter_group_name(text(settings, "parameter_group").map(str::to_owned));
    }
    call.send().await.map(drop).map_err(|error| failure(CALL, error))
}

/// The snapshot of the instance before the upgrade, by a name that a retry finds: `ID-before-18-from-17-6`.
async fn snapshot_first(aws: &Aws, found: &Found, wanted: &Wanted, target: &str, actual: &str) -> Result<(), Failure> {
    const CREATE: &str = "rds:CreateDBSnapshot";
    let hyphened = |version: &str| version.replace('.', "-");
    let name = format!("{}{BEFORE}{}-from-{}", found.id, hyphened(target), hyphened(actual));
    let reply = aws.rds.describe_db_snapshots().db_snapshot_identifier(&name).send().await.absent("rds:DescribeDBSnapshots")?;
    let there = reply.as_ref().and_then(|reply| reply.db_snapshots().first());
    let unfinished = || refusal(Class::Unfinished, CREATE, format!("the snapshot {name} is being made"));
    match there.map(|snapshot| (snapshot.status().unwrap_or_default(), snapshot.percent_progress().unwrap_or(0))) {
        Some(("available", _)) => Ok(()),
        Some(("failed", _)) => Err(refusal(
            Class::Invalid,
            CREATE,
            format!("the snapshot {name}, taken before the upgrade, failed: delete it and apply again"),
        )),
        Some(_) => Err(Failure { retry_after: Some(super::SNAPSHOT_POLL), ..unfinished() }),
        None => {
            let tags = api_tags(&wanted.tags);
            let call = aws.rds.create_db_snapshot().db_instance_identifier(&found.id).db_snapshot_identifier(&name).set_tags(Some(tags));
            call.send().await.map_err(|error| failure(CREATE, error))?;
            Err(Failure { retry_after: Some(super::SNAPSHOT_POLL), ..unfinished() })
        }
    }
}
