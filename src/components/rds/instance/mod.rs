//! `rds_instance`: a PostgreSQL instance.

mod create;
mod delete;
mod found;
mod modify;
mod version;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use super::{
    super::settings::{required, text},
    retag,
};
use crate::{
    aws::{Absent, Aws},
    graph::{Component, Doing, Failure, Found, Guard, Kept, Query, Wanted},
};

/// How often a snapshot is asked whether it is done: it takes minutes.
const SNAPSHOT_POLL: Duration = Duration::from_secs(10);

/// A database instance.
///
/// Settings, all told by AWS: `identifier`, `engine`, `storage_encrypted`, `subnet_group`, `master_username` (fixed); `engine_version`
/// (`17`, or `17.4` and what is later), `instance_class`, `allocated_storage` (GiB; more is as good), `max_allocated_storage`,
/// `storage_type`, `multi_az`, `publicly_accessible`, `port`, `security_group_ids`, `parameter_group`, `backup_retention_period` (days),
/// `backup_window`, `maintenance_window`, `auto_minor_version_upgrade`, `copy_tags_to_snapshot`, `iam_database_authentication`,
/// `manage_master_user_password`, `master_user_secret_kms_key_arn`, `ca_certificate_identifier`, `monitoring_interval` (seconds),
/// `monitoring_role_arn`, `performance_insights_enabled`, `performance_insights_retention_period` (days), `database_insights_mode`,
/// `enabled_cloudwatch_logs_exports`, `engine_lifecycle_support`, `deletion_protection`.
/// Not read: `kms_key_arn` and `performance_insights_kms_key_arn` (of an instance's life they never change, and a restored one has its
/// snapshot's), `snapshot_identifier` or `restore_to_point_in_time` (what create restores), `apply_immediately`,
/// `allow_major_version_upgrade`, `final_snapshot`, `delete_automated_backups`, `attribute_prefix` (for guards).
/// Outputs: `identifier`, `id`, `arn`, `endpoint` (host name), `port`, `resource_id`, `master_secret_arn`, `engine_version`,
/// `pending_changes` (object of texts), `created`. Id: the identifier.
/// Caveats: without `apply_immediately` a change waits for the maintenance window and is found as done; `pending_changes` tells it.
pub(super) struct RdsInstance {
    aws: Arc<Aws>,
}

impl RdsInstance {
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, identifier: &str, query: &Query) -> Result<Option<Found>, Failure> {
        let reply =
            self.aws.rds.describe_db_instances().db_instance_identifier(identifier).send().await.absent("rds:DescribeDBInstances")?;
        reply.as_ref().and_then(|reply| reply.db_instances().first()).map(|instance| found::found(instance, &query.settings)).transpose()
    }
}

#[async_trait]
impl Component for RdsInstance {
    fn kind(&self) -> &'static str {
        "rds_instance"
    }

    /// RDS calls EC2, KMS and Secrets Manager with the caller's rights.
    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcs",
            "iam:CreateServiceLinkedRole",
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:GenerateDataKey",
            "rds:AddTagsToResource",
            "rds:CreateDBInstance",
            "rds:CreateDBSnapshot",
            "rds:DeleteDBInstance",
            "rds:DescribeDBEngineVersions",
            "rds:DescribeDBInstances",
            "rds:DescribeDBSnapshots",
            "rds:DescribeOrderableDBInstanceOptions",
            "rds:ModifyDBInstance",
            "rds:RemoveTagsFromResource",
            "rds:RestoreDBInstanceFromDBSnapshot",
            "rds:RestoreDBInstanceToPointInTime",
            "secretsmanager:CreateSecret",
            "secretsmanager:TagResource",
        ]
    }

    fn usual(&self, doing: Doing) -> Option<Duration> {
        match doing {
            Doing::Creating => Some(Duration::from_secs(8 * 60)),
            Doing::Updating => Some(Duration::from_secs(2 * 60)),
            Doing::Deleting => Some(Duration::from_secs(4 * 60)),
            _ => None,
        }
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "identifier");
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id, query).await?;
            if by_id.is_some() || name.is_none_or(|name| name == id) {
                return Ok(by_id);
            }
        }
        match name {
            Some(name) => self.get(name, query).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let instance = create::create(&self.aws, wanted).await?;
        let mut made = found::found(&instance, &wanted.settings)?;
        made.tags.clone_from(&wanted.tags);
        Ok(made)
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        modify::modify(&self.aws, found, wanted, changed).await
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, required(&found.outputs, "arn", "rds:AddTagsToResource")?, set, remove).await
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        delete::guards(&self.aws, found, wanted).await
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        delete::delete(&self.aws, found, wanted).await
    }
}

#[cfg(test)]
mod tests;
