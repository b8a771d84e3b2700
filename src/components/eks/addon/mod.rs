//! `eks_addon`: a part of Kubernetes that EKS installs and looks after.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_eks::types::{Addon, AddonHealth, AddonInfo, AddonIssueCode, AddonStatus, ResolveConflicts};
use serde_json::{Value as Json, json};

use super::{
    api_tags,
    begun::{Begun, Subject},
    issue, of_cluster, own_tags, version,
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{Settings, bug, json, map, required, text},
    graph::{Component, Doing, Failure, Found, Kept, Query, Readiness, Wanted},
};

#[cfg(test)]
mod tests;

/// An add-on.
///
/// Settings: `cluster_name`, `addon_name` (fixed), `addon_version`, `configuration_values` (JSON; live), `health` (shall be empty), `create_failed` (shall be
/// false; replace: what EKS could not make is made anew).
/// Outputs: `arn`, `id`, `version`. Id: `CLUSTER:NAME`.
/// Caveats: roles come by pod identity associations of their own, which are there first.
pub(super) struct EksAddon {
    aws: Arc<Aws>,
    begun: Begun,
}

/// Add-ons that AWS lets go up or down by one minor version at a time only.
const ONE_MINOR: &str = "vpc-cni";

impl EksAddon {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, begun: Begun::default() }
    }

    async fn get(&self, cluster: &str, name: &str) -> Result<Option<Found>, Failure> {
        let call = self.aws.eks.describe_addon().cluster_name(cluster).addon_name(name);
        let Some(reply) = call.send().await.absent("eks:DescribeAddon")? else { return Ok(None) };
        let addon = reply.addon().ok_or_else(|| bug("eks:DescribeAddon", "the reply holds no add-on"))?;
        let mut found = self.found(cluster, addon);
        let subject = Subject { cluster, addon: Some(name), nodegroup: None };
        if let Some(readiness) = self.begun.update(&self.aws, &found.id, subject).await?
            && !matches!(found.readiness, Readiness::Broken(_))
        {
            found.readiness = readiness;
        }
        Ok(Some(found))
    }

    fn found(&self, cluster: &str, addon: &Addon) -> Found {
        let name = addon.addon_name().unwrap_or_default();
        let id = format!("{cluster}:{name}");
        let (readiness, health) = self.state(&id, addon);
        let failed = addon.status() == Some(&AddonStatus::CreateFailed);
        Found {
            settings: map([
                ("cluster_name", cluster.into()),
                ("addon_name", name.into()),
                ("addon_version", json(addon.addon_version())),
                ("configuration_values", addon.configuration_values().map_or(Json::Null, values)),
                ("health", health),
                ("create_failed", failed.into()),
            ]),
            outputs: map([("arn", json(addon.addon_arn())), ("id", json!(id)), ("version", json(addon.addon_version()))]),
            tags: own_tags(addon.tags()),
            readiness,
            id,
        }
    }

    fn state(&self, id: &str, addon: &Addon) -> (Readiness, Json) {
        let issues = addon.health().map(AddonHealth::issues).unwrap_or_default();
        let told: Vec<(bool, String)> = (issues.iter())
            .map(|one| {
                let words = issue(one.code().map(AddonIssueCode::as_str), one.message(), one.resource_ids());
                (one.code().is_some_and(|code| !passing(code)), words)
            })
            .collect();
        let words: Vec<&str> = told.iter().map(|(_, words)| words.as_str()).collect();
        let words = if words.is_empty() { "AWS gives no reason".to_owned() } else { words.join("; ") };
        match addon.status() {
            Some(AddonStatus::Active) => (Readiness::Ready, json!([])),
            Some(AddonStatus::Degraded) if told.is_empty() => self.begun.health(id, &[(false, "degraded".to_owned())]),
            Some(AddonStatus::Degraded) => self.begun.health(id, &told),
            Some(AddonStatus::CreateFailed) if !self.begun.touched(id) => (Readiness::Ready, json!([])),
            Some(AddonStatus::CreateFailed) => (Readiness::Broken(format!("EKS could not install the add-on: {words}")), json!([])),
            Some(AddonStatus::UpdateFailed) => self.begun.health(id, &[(true, format!("the update failed: {words}"))]),
            Some(AddonStatus::DeleteFailed) => (Readiness::Broken(format!("EKS could not remove the add-on: {words}")), json!([])),
            Some(AddonStatus::Deleting) => (Readiness::Pending("deleting".to_owned()), json!([])),
            Some(AddonStatus::Creating) if told.iter().any(|(lasting, _)| *lasting) => (Readiness::Broken(words), json!([])),
            other => (Readiness::Pending(other.map_or_else(String::new, |status| status.as_str().to_lowercase())), json!([])),
        }
    }

    async fn change(&self, found: &Found, wanted: &Settings, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "eks:UpdateAddon";
        let (cluster, name) = of_cluster(Some(&found.id)).ok_or_else(|| bug(CALL, "not an add-on's id"))?;
        let target = match changed.contains("addon_version") {
            true => Some(self.next(name, text(&found.outputs, "version"), required(wanted, "addon_version", CALL)?).await?),
            false => None,
        };
        let call = (self.aws.eks.update_addon())
            .cluster_name(cluster)
            .addon_name(name)
            .set_addon_version(target)
            .set_configuration_values(wanted.get("configuration_values").filter(|values| !values.is_null()).map(text_of))
            // What people changed in the cluster by other means stays: only a first installation overwrites.
            .resolve_conflicts(ResolveConflicts::Preserve);
        let reply = call.send().await.map_err(|error| failure(CALL, error))?;
        self.begun.watch(&found.id, reply.update());
        Ok(())
    }

    /// The version to ask for on the way to `wanted`.
    async fn next(&self, name: &str, live: Option<&str>, wanted: &str) -> Result<String, Failure> {
        let (Some((major, now)), Some((wanted_major, then))) = (live.and_then(version::minor), version::minor(wanted)) else {
            return Ok(wanted.to_owned());
        };
        if name != ONE_MINOR || major != wanted_major || now.abs_diff(then) <= 1 {
            return Ok(wanted.to_owned());
        }
        let between = if then > now { now + 1 } else { now - 1 };
        let call = self.aws.eks.describe_addon_versions().addon_name(name);
        let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let all = all.map_err(|error| failure("eks:DescribeAddonVersions", error))?;
        let versions = all.iter().flat_map(AddonInfo::addon_versions).filter_map(|one| one.addon_version());
        let next = versions.filter(|one| version::minor(one) == Some((major, between))).max_by_key(|one| version::numbers(one));
        next.map(str::to_owned).ok_or_else(|| {
            let why =
                format!("AWS offers no version v{major}.{between} of {name}, which leads from {} to {wanted}", live.unwrap_or_default());
            crate::components::settings::failure(crate::graph::Class::Invalid, "eks:UpdateAddon", why)
        })
    }
}

/// Issues that time or the coming nodes heal.
fn passing(code: &AddonIssueCode) -> bool {
    matches!(
        code,
        AddonIssueCode::ClusterUnreachable
            | AddonIssueCode::InsufficientNumberOfReplicas
            | AddonIssueCode::InternalFailure
            | AddonIssueCode::K8SResourceNotFound
    )
}

/// The configuration as JSON; what is YAML stays text.
fn values(text: &str) -> Json {
    if text.is_empty() { Json::Null } else { serde_json::from_str(text).unwrap_or_else(|_| json!(text)) }
}

fn text_of(values: &Json) -> String {
    values.as_str().map_or_else(|| values.to_string(), str::to_owned)
}

#[async_trait]
impl Component for EksAddon {
    fn kind(&self) -> &'static str {
        "eks_addon"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "eks:CreateAddon",
            "eks:DeleteAddon",
            "eks:DescribeAddon",
            "eks:DescribeAddonVersions",
            "eks:DescribeUpdate",
            "eks:TagResource",
            "eks:UntagResource",
            "eks:UpdateAddon",
        ]
    }

    fn usual(&self, doing: Doing) -> Option<Duration> {
        matches!(doing, Doing::Creating | Doing::Updating | Doing::Deleting).then_some(Duration::from_secs(30))
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let named = text(&query.settings, "cluster_name").zip(text(&query.settings, "addon_name"));
        match named.or(of_cluster(query.id.as_deref())) {
            Some((cluster, name)) => self.get(cluster, name).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "eks:CreateAddon";
        let settings = &wanted.settings;
        let cluster = required(settings, "cluster_name", CALL)?;
        let reply = (self.aws.eks.create_addon())
            .cluster_name(cluster)
            .addon_name(required(settings, "addon_name", CALL)?)
            .set_addon_version(text(settings, "addon_version").map(str::to_owned))
            .set_configuration_values(settings.get("configuration_values").filter(|values| !values.is_null()).map(text_of))
            // A self-managed copy of it may be in a cluster that was made by other means.
            .resolve_conflicts(ResolveConflicts::Overwrite)
            .client_request_token(&wanted.token)
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::eks())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let addon = reply.addon().ok_or_else(|| bug(CALL, "the reply holds no add-on"))?;
        self.begun.touch(&format!("{cluster}:{}", addon.addon_name().unwrap_or_default()));
        Ok(self.found(cluster, addon))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.contains("addon_version") || changed.contains("configuration_values") {
            return self.change(found, &wanted.settings, changed).await;
        }
        // Only its health differs: from now on that is waited for.
        self.begun.touch(&found.id);
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        super::tag(&self.aws, found, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let Some((cluster, name)) = of_cluster(Some(&found.id)) else { return Ok(None) };
        if matches!(&found.readiness, Readiness::Pending(what) if what == "deleting") {
            return Ok(None);
        }
        self.aws.eks.delete_addon().cluster_name(cluster).addon_name(name).send().await.absent("eks:DeleteAddon")?;
        Ok(None)
    }
}
