//! Making an instance: empty, from a snapshot, or as another one was at a point in time. Each is one call.

use aws_sdk_rds::types::{DatabaseInsightsMode, DbInstance};
use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::Value as Json;

use crate::{
    aws::{Aws, failure, once},
    components::{
        rds::api_tags,
        settings::{Settings, bug, failure as refusal, number, required, text, texts},
    },
    graph::{Class, Failure, Wanted},
};

/// What all three calls carry.
macro_rules! carried {
    ($call:expr, $wanted:expr) => {{
        let settings = &$wanted.settings;
        $call
            .set_db_instance_class(owned(settings, "instance_class"))
            .set_db_subnet_group_name(owned(settings, "subnet_group"))
            .set_vpc_security_group_ids(texts(settings, "security_group_ids"))
            .set_db_parameter_group_name(owned(settings, "parameter_group"))
            .set_multi_az(flag(settings, "multi_az"))
            .set_port(number(settings, "port"))
            .set_storage_type(owned(settings, "storage_type"))
            .set_publicly_accessible(flag(settings, "publicly_accessible"))
            .set_auto_minor_version_upgrade(flag(settings, "auto_minor_version_upgrade"))
            .set_copy_tags_to_snapshot(flag(settings, "copy_tags_to_snapshot"))
            .set_enable_iam_database_authentication(flag(settings, "iam_database_authentication"))
            .set_enable_cloudwatch_logs_exports(texts(settings, "enabled_cloudwatch_logs_exports"))
            .set_backup_retention_period(number(settings, "backup_retention_period"))
            .set_preferred_backup_window(owned(settings, "backup_window"))
            .set_ca_certificate_identifier(owned(settings, "ca_certificate_identifier"))
            .set_engine_lifecycle_support(owned(settings, "engine_lifecycle_support"))
            .set_tags(Some(api_tags(&$wanted.tags)))
    }};
}

fn owned(settings: &Settings, name: &str) -> Option<String> {
    text(settings, name).map(str::to_owned)
}

fn flag(settings: &Settings, name: &str) -> Option<bool> {
    settings.get(name).and_then(Json::as_bool)
}

/// What shall be restored: setting `restore_to_point_in_time`, an object, null where nothing.
fn origin(settings: &Settings) -> Settings {
    let restore = settings.get("restore_to_point_in_time").and_then(Json::as_object);
    restore.map(|restore| restore.clone().into_iter().collect()).unwrap_or_default()
}

/// Makes it. What a restore doesn't take (the master user's secret, which it takes of Oracle's engine only, monitoring, insights …) is an
/// update's.
pub(super) async fn create(aws: &Aws, wanted: &Wanted) -> Result<DbInstance, Failure> {
    let origin = origin(&wanted.settings);
    match text(&wanted.settings, "snapshot_identifier") {
        Some(snapshot) => from_snapshot(aws, wanted, snapshot).await,
        None if !origin.is_empty() => to_point_in_time(aws, wanted, &origin).await,
        None => empty(aws, wanted).await,
    }
}

async fn empty(aws: &Aws, wanted: &Wanted) -> Result<DbInstance, Failure> {
    const CALL: &str = "rds:CreateDBInstance";
    let settings = &wanted.settings;
    let insights = flag(settings, "performance_insights_enabled");
    let call = (aws.rds.create_db_instance())
        .db_instance_identifier(required(settings, "identifier", CALL)?)
        .engine(required(settings, "engine", CALL)?)
        .set_engine_version(owned(settings, "engine_version"))
        .set_allocated_storage(number(settings, "allocated_storage"))
        .set_max_allocated_storage(number(settings, "max_allocated_storage"))
        .set_storage_encrypted(flag(settings, "storage_encrypted"))
        .set_kms_key_id(owned(settings, "kms_key_arn"))
        .set_master_username(owned(settings, "master_username"))
        .set_manage_master_user_password(flag(settings, "manage_master_user_password"))
        .set_master_user_secret_kms_key_id(owned(settings, "master_user_secret_kms_key_arn"))
        .set_preferred_maintenance_window(owned(settings, "maintenance_window"))
        .set_monitoring_interval(number(settings, "monitoring_interval"))
        .set_monitoring_role_arn(owned(settings, "monitoring_role_arn"))
        .set_database_insights_mode(text(settings, "database_insights_mode").map(DatabaseInsightsMode::from))
        .set_enable_performance_insights(insights)
        .set_performance_insights_kms_key_id(owned(settings, "performance_insights_kms_key_arn").filter(|_| insights == Some(true)))
        .set_performance_insights_retention_period(
            number(settings, "performance_insights_retention_period").filter(|_| insights == Some(true)),
        );
    let reply = carried!(call, wanted).customize().config_override(once::rds()).send().await.map_err(|error| failure(CALL, error))?;
    reply.db_instance.ok_or_else(|| bug(CALL, "the reply holds no instance"))
}

async fn from_snapshot(aws: &Aws, wanted: &Wanted, snapshot: &str) -> Result<DbInstance, Failure> {
    const CALL: &str = "rds:RestoreDBInstanceFromDBSnapshot";
    let settings = &wanted.settings;
    let call = (aws.rds.restore_db_instance_from_db_snapshot())
        .db_instance_identifier(required(settings, "identifier", CALL)?)
        .db_snapshot_identifier(snapshot)
        .set_allocated_storage(number(settings, "allocated_storage"));
    let reply = carried!(call, wanted).customize().config_override(once::rds()).send().await.map_err(|error| failure(CALL, error))?;
    reply.db_instance.ok_or_else(|| bug(CALL, "the reply holds no instance"))
}

async fn to_point_in_time(aws: &Aws, wanted: &Wanted, origin: &Settings) -> Result<DbInstance, Failure> {
    const CALL: &str = "rds:RestoreDBInstanceToPointInTime";
    let settings = &wanted.settings;
    let time = match text(origin, "restore_time") {
        None => None,
        Some(text) => Some(DateTime::from_str(text, Format::DateTime).map_err(|_| {
            let message = format!("{text:?} is not a time like 2026-11-27T10:00:00Z");
            Failure { attribute: Some("restore_to_point_in_time.restore_time".to_owned()), ..refusal(Class::Invalid, CALL, message) }
        })?),
    };
    let latest = time.is_none().then_some(true);
    let call = (aws.rds.restore_db_instance_to_point_in_time())
        .target_db_instance_identifier(required(settings, "identifier", CALL)?)
        .set_source_db_instance_identifier(owned(origin, "source_db_instance_identifier"))
        .set_source_dbi_resource_id(owned(origin, "source_dbi_resource_id"))
        .set_source_db_instance_automated_backups_arn(owned(origin, "source_db_instance_automated_backups_arn"))
        .set_restore_time(time)
        .set_use_latest_restorable_time(latest)
        .set_allocated_storage(number(settings, "allocated_storage"))
        .set_max_allocated_storage(number(settings, "max_allocated_storage"));
    let reply = carried!(call, wanted).customize().config_override(once::rds()).send().await.map_err(|error| failure(CALL, error))?;
    reply.db_instance.ok_or_else(|| bug(CALL, "the reply holds no instance"))
}
