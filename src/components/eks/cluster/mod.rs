//! `eks_cluster`: a control plane.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_eks::types::{AuthenticationMode, CreateAccessConfigRequest, SupportType, UpgradePolicyRequest, ZonalShiftConfigRequest};
use serde_json::Value as Json;

use super::{
    begun::{Begun, Subject},
    sweep,
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, required, text},
    graph::{Class, Component, Doing, Failure, Found, Guard, Kept, Query, Readiness, Wanted},
};

mod find;
mod update;

#[cfg(test)]
mod tests;

/// A cluster.
///
/// Settings: `name`, `role_arn` (fixed), `version` (minor; stepped one at a time; a later one that AWS chose is no difference), `subnet_ids`,
/// `endpoint_private_access`, `endpoint_public_access`, `public_access_cidrs`, `log_types`, `support_type`, `zonal_shift`,
/// `authentication_mode`, `encryption_key_arn` (from none to one), `deletion_protection` (the seal). Not read: `vpc_id`, where what
/// Kubernetes made is swept; `attribute_prefix`, what messages put before an attribute's name.
/// Outputs: `arn`, `name`, `id`, `endpoint`, `certificate_authority_data`, `version`, `issuer`, `issuer_host`, `security_group_id`, `vpc_id`, `platform_version`,
/// `service_cidr`. Id: the name.
/// Caveats: EKS takes one change at a time, so that each update makes one.
pub(super) struct EksCluster {
    aws: Arc<Aws>,
    begun: Begun,
}

/// How often a deleted cluster must be not found in a row: before that, its name may still be taken (aws-edge-cases.md, "Waiting rules").
const NOT_FOUND_TIMES: u32 = 3;
/// How long an update of a control plane may take, during which it can't be deleted (aws-edge-cases.md: "retry ≤60 min").
const UPDATE_MAX: Duration = Duration::from_secs(60 * 60);

fn protected(found: &Found) -> bool {
    found.settings.get("deletion_protection").and_then(Json::as_bool) == Some(true)
}

/// Whether the resource was ever handed out: until then its seals, and with them this setting, are left out.
fn handed_out(wanted: &Wanted) -> bool {
    wanted.settings.contains_key("deletion_protection")
}

impl EksCluster {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, begun: Begun::default() }
    }

    async fn get(&self, name: &str, wanted: Option<&str>) -> Result<Option<Found>, Failure> {
        let reply = self.aws.eks.describe_cluster().name(name).send().await.absent("eks:DescribeCluster")?;
        let Some(reply) = reply else { return Ok(None) };
        let cluster = reply.cluster().ok_or_else(|| bug("eks:DescribeCluster", "the reply holds no cluster"))?;
        let mut found = find::found(cluster, wanted);
        if found.readiness == Readiness::Ready
            && let Some(readiness) = self.begun.update(&self.aws, name, Subject { cluster: name, ..Subject::default() }).await?
        {
            found.readiness = readiness;
        }
        Ok(Some(found))
    }
}

#[async_trait]
impl Component for EksCluster {
    fn kind(&self) -> &'static str {
        "eks_cluster"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteSecurityGroup",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "eks:AssociateEncryptionConfig",
            "eks:CreateCluster",
            "eks:DeleteCluster",
            "eks:DescribeCluster",
            // What it could run, and what stands against an upgrade.
            "eks:DescribeClusterVersions",
            "eks:ListInsights",
            "eks:DescribeUpdate",
            "eks:TagResource",
            "eks:UntagResource",
            "eks:UpdateClusterConfig",
            "eks:UpdateClusterVersion",
            "elasticloadbalancing:DeleteLoadBalancer",
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTags",
            "elasticloadbalancing:DescribeTargetGroups",
            "iam:CreateServiceLinkedRole",
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:DescribeKey",
        ]
    }

    fn usual(&self, doing: Doing) -> Option<Duration> {
        match doing {
            Doing::Creating => Some(Duration::from_secs(10 * 60)),
            Doing::Updating => Some(Duration::from_secs(2 * 60)),
            Doing::Deleting => Some(Duration::from_secs(3 * 60)),
            _ => None,
        }
    }

    fn absences(&self) -> u32 {
        NOT_FOUND_TIMES
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "name");
        let wanted = text(&query.settings, "version");
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id, wanted).await?;
            if by_id.is_some() || name == Some(id) {
                return Ok(by_id);
            }
        }
        match name {
            Some(name) => self.get(name, wanted).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "eks:CreateCluster";
        let settings = &wanted.settings;
        let name = required(settings, "name", CALL)?;
        let mode = text(settings, "authentication_mode").unwrap_or("API");
        let access = CreateAccessConfigRequest::builder()
            .authentication_mode(AuthenticationMode::from(mode))
            // Who may administer the cluster is written out in access entries; nobody is an administrator by having made it.
            .bootstrap_cluster_creator_admin_permissions(false)
            .build();
        let support =
            text(settings, "support_type").map(|kind| UpgradePolicyRequest::builder().support_type(SupportType::from(kind)).build());
        let shift = settings.get("zonal_shift").and_then(Json::as_bool);
        let reply = (self.aws.eks.create_cluster())
            .name(name)
            .set_version(text(settings, "version").map(str::to_owned))
            .role_arn(required(settings, "role_arn", CALL)?)
            .resources_vpc_config(update::network(settings, true))
            .access_config(access)
            // The add-ons come as components, in their order and with their own roles.
            .bootstrap_self_managed_addons(false)
            .set_encryption_config(text(settings, "encryption_key_arn").map(|key| vec![update::encryption(key)]))
            .set_logging(update::logging(settings))
            .set_upgrade_policy(support)
            .set_zonal_shift_config(shift.map(|on| ZonalShiftConfigRequest::builder().enabled(on).build()))
            .client_request_token(&wanted.token)
            .set_tags(Some(super::api_tags(&wanted.tags)))
            .customize()
            .config_override(once::eks())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        self.begun.touch(name);
        let cluster = reply.cluster().ok_or_else(|| bug(CALL, "the reply holds no cluster"))?;
        Ok(find::found(cluster, text(settings, "version")))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        match update::one(&self.aws, found, &wanted.settings, changed).await {
            Ok(update) => self.begun.watch(&found.id, update.as_ref()),
            // "No changes needed": it is so already.
            Err(failure) if failure.class == Class::Conflict => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        super::tag(&self.aws, found, set, remove).await
    }

    async fn guards(&self, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
        let on = protected(found) && handed_out(wanted);
        let reason = format!("the cluster {} is protected: set deletion_protection = false, apply, then destroy", found.id);
        let attribute = format!("{}deletion_protection", text(&wanted.settings, "attribute_prefix").unwrap_or_default());
        Ok(on.then_some(Guard { attribute, reason }).into_iter().collect())
    }

    async fn sweep(&self, wanted: &Wanted) -> Result<Vec<Kept>, Failure> {
        let (Some(name), Some(vpc)) = (text(&wanted.settings, "name"), text(&wanted.settings, "vpc_id")) else { return Ok(Vec::new()) };
        sweep::sweep(&self.aws, name, vpc).await
    }

    fn busy(&self) -> Option<Duration> {
        // Nothing ends a control plane's update before its time.
        Some(UPDATE_MAX)
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let leaves = matches!(&found.readiness, Readiness::Pending(what) if what == "deleting");
        if !leaves && protected(found) && !handed_out(wanted) {
            // Sealed by a create that failed before its end: it was never anybody's (lifecycle.md 11).
            let call = self.aws.eks.update_cluster_config().name(&found.id).deletion_protection(false);
            match call.send().await.map_err(|error| failure("eks:UpdateClusterConfig", error)) {
                // Off already, or on its way: the delete then waits for that.
                Err(failure) if !matches!(failure.class, Class::Conflict | Class::Busy) => return Err(failure),
                _ => {}
            }
        }
        if !leaves {
            self.aws.eks.delete_cluster().name(&found.id).send().await.absent("eks:DeleteCluster")?;
        }
        Ok(None)
    }
}
