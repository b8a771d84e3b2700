//! `eks_nodegroup`: nodes that EKS starts and replaces.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_eks::types::{AmiTypes, CapacityTypes, NodegroupStatus};
use serde_json::{Value as Json, json};

use super::{
    api_tags,
    begun::{Begun, Subject},
    of_cluster,
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, number, required, text, texts},
    graph::{COMPONENT, Component, Doing, Failure, Found, Kept, OWNER, Query, Readiness, Wanted},
};

mod find;
mod launches;
mod update;

#[cfg(test)]
mod tests;

/// A managed node group.
///
/// Settings: `cluster_name`, `name` (fixed; AWS's name adds eight digits, so that a new group can stand beside the old one), `version` (live; a later one
/// that AWS chose is no difference), `launch_template_id`, `launch_template_version` (live), `min_size`, `max_size`, `labels`, `taints`,
/// `max_unavailable_percentage`, `node_repair` (live), `instance_types`, `ami_type`, `capacity_type`, `subnet_ids`, `node_role_arn` (replace), `health` (shall be
/// empty), `create_failed` (shall be false; replace). Not read: `desired_size`, at creation only; afterwards the autoscaler's.
/// Outputs: `arn`, `id`, `name`, `autoscaling_group_name`. Id: `CLUSTER:NAME`.
/// Caveats: without a launch failure that AWS tells at once, a group whose nodes don't join fails after 20 minutes.
pub(super) struct EksNodegroup {
    aws: Arc<Aws>,
    begun: Begun,
}

/// EKS's longest name of a node group.
const NAME_MAX: usize = 63;
/// Digits of the token that end the name.
const DIGITS: usize = 8;

impl EksNodegroup {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, begun: Begun::default() }
    }

    async fn get(&self, cluster: &str, name: &str, version: Option<&str>) -> Result<Option<Found>, Failure> {
        let call = self.aws.eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(name);
        let Some(reply) = call.send().await.absent("eks:DescribeNodegroup")? else { return Ok(None) };
        let group = reply.nodegroup().ok_or_else(|| bug("eks:DescribeNodegroup", "the reply holds no node group"))?;
        let mut found = find::found(cluster, group, version, &self.begun);
        if group.status() == Some(&NodegroupStatus::Creating)
            && matches!(found.readiness, Readiness::Pending(_))
            && let Some(readiness) = launches::readiness(&self.aws, group).await?
        {
            found.readiness = readiness;
        }
        let subject = Subject { cluster, nodegroup: Some(name), addon: None };
        if !matches!(found.readiness, Readiness::Broken(_))
            && let Some(readiness) = self.begun.update(&self.aws, &found.id, subject).await?
        {
            found.readiness = readiness;
        }
        Ok(Some(found))
    }

    /// Every group of the cluster that carries our tags, those on their way out left out.
    async fn ours(&self, query: &Query, cluster: &str) -> Result<Vec<Found>, Failure> {
        let call = self.aws.eks.list_nodegroups().cluster_name(cluster);
        let names: Result<Vec<String>, _> = call.into_paginator().items().send().collect().await;
        let mut ours = Vec::new();
        for name in names.absent("eks:ListNodegroups")?.unwrap_or_default() {
            let found = self.get(cluster, &name, text(&query.settings, "version")).await?;
            let mine = |found: &Found| {
                found.tags.get(OWNER) == Some(&query.owner)
                    && found.tags.get(COMPONENT) == Some(&query.component)
                    && found.readiness != Readiness::Pending(find::DELETING.to_owned())
            };
            ours.extend(found.filter(mine));
        }
        Ok(ours)
    }
}

/// AWS's name of the group: the wanted one, and digits of the token, which is another one for what replaces a group.
fn name(base: &str, token: &str) -> String {
    let digits: String = token.chars().take(DIGITS).collect();
    let base: String = base.chars().take(NAME_MAX - DIGITS - 1).collect();
    format!("{base}-{digits}")
}

#[async_trait]
impl Component for EksNodegroup {
    fn kind(&self) -> &'static str {
        "eks_nodegroup"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "autoscaling:DescribeScalingActivities",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:RunInstances",
            "eks:CreateNodegroup",
            "eks:DeleteNodegroup",
            "eks:DescribeNodegroup",
            "eks:DescribeUpdate",
            "eks:ListNodegroups",
            "eks:TagResource",
            "eks:UntagResource",
            "eks:UpdateNodegroupConfig",
            "eks:UpdateNodegroupVersion",
            "iam:CreateServiceLinkedRole",
            "iam:GetRole",
            "iam:PassRole",
        ]
    }

    fn side_by_side(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        match text(&query.settings, "cluster_name") {
            Some(cluster) => self.ours(query, cluster).await,
            None => Ok(Vec::new()),
        }
    }

    fn usual(&self, doing: Doing) -> Option<Duration> {
        match doing {
            Doing::Creating | Doing::Deleting => Some(Duration::from_secs(3 * 60)),
            // Sizes and labels; a roll takes as long as there are nodes.
            Doing::Updating => Some(Duration::from_secs(30)),
            _ => None,
        }
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let cluster = text(&query.settings, "cluster_name");
        if let Some((of, name)) = of_cluster(query.id.as_deref())
            && cluster.is_none_or(|cluster| cluster == of)
            && let Some(found) = self.get(of, name, text(&query.settings, "version")).await?
        {
            return Ok(Some(found));
        }
        match cluster {
            Some(cluster) => Ok(self.ours(query, cluster).await?.into_iter().next()),
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "eks:CreateNodegroup";
        let settings = &wanted.settings;
        let cluster = required(settings, "cluster_name", CALL)?;
        let name = name(required(settings, "name", CALL)?, &wanted.token);
        let reply = (self.aws.eks.create_nodegroup())
            .cluster_name(cluster)
            .nodegroup_name(&name)
            .set_subnets(texts(settings, "subnet_ids"))
            .set_instance_types(texts(settings, "instance_types"))
            .set_ami_type(text(settings, "ami_type").map(AmiTypes::from))
            .set_capacity_type(text(settings, "capacity_type").map(CapacityTypes::from))
            .node_role(required(settings, "node_role_arn", CALL)?)
            .scaling_config(update::scaling(settings, number(settings, "desired_size")))
            .set_labels(Some(update::labels(settings.get("labels"))))
            .set_taints(Some(update::taints(settings.get("taints"))))
            .launch_template(update::template(settings))
            .set_update_config(update::pace(settings))
            .set_node_repair_config(update::repair(settings))
            .set_version(text(settings, "version").map(str::to_owned))
            .client_request_token(&wanted.token)
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::eks())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        self.begun.touch(&format!("{cluster}:{name}"));
        let group = reply.nodegroup().ok_or_else(|| bug(CALL, "the reply holds no node group"))?;
        Ok(find::found(cluster, group, text(settings, "version"), &self.begun))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let (cluster, name) = of_cluster(Some(&found.id)).ok_or_else(|| bug("eks:UpdateNodegroupConfig", "not a node group's id"))?;
        match update::one(&self.aws, (cluster, name), found, &wanted.settings, changed).await? {
            Some(update) => self.begun.watch(&found.id, Some(&update)),
            // Only its health differs: from now on that is waited for.
            None => self.begun.touch(&found.id),
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        super::tag(&self.aws, found, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let Some((cluster, name)) = of_cluster(Some(&found.id)) else { return Ok(None) };
        if found.readiness != Readiness::Pending(find::DELETING.to_owned()) {
            self.aws.eks.delete_nodegroup().cluster_name(cluster).nodegroup_name(name).send().await.absent("eks:DeleteNodegroup")?;
        }
        Ok(None)
    }
}

/// What the autoscaler set stays, within the bounds: `max(min, min(live, max))`.
fn clamped(live: Option<i32>, min: Option<i32>, max: Option<i32>) -> Option<i32> {
    let live = live.or(min)?;
    let below = max.map_or(live, |max| live.min(max));
    Some(min.map_or(below, |min| below.max(min)))
}

/// A map as JSON.
fn object<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Json {
    Json::Object(pairs.into_iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}
