//! Clusters: what EKS makes, and what hangs on them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::Value as Json;

use super::settings::bug;
use crate::{
    aws::{Aws, failure},
    graph::{Component, Failure, Found},
};

mod access_entry;
mod addon;
mod autoscaling_tags;
mod begun;
mod cluster;
pub(crate) mod facts;
mod launch_template;
mod nodegroup;
mod oidc_provider;
mod pod_identity;
mod sweep;
pub(crate) mod version;

/// Every kind of this family.
pub(super) fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    vec![
        Arc::new(autoscaling_tags::AutoscalingGroupTags::new(Arc::clone(aws))),
        Arc::new(access_entry::EksAccessEntry::new(Arc::clone(aws))),
        Arc::new(addon::EksAddon::new(Arc::clone(aws))),
        Arc::new(cluster::EksCluster::new(Arc::clone(aws))),
        Arc::new(nodegroup::EksNodegroup::new(Arc::clone(aws))),
        Arc::new(pod_identity::EksPodIdentityAssociation::new(Arc::clone(aws))),
        Arc::new(launch_template::LaunchTemplate::new(Arc::clone(aws))),
        Arc::new(oidc_provider::OidcProvider::new(Arc::clone(aws))),
    ]
}

/// Tags as the API takes them.
fn api_tags(tags: &BTreeMap<String, String>) -> HashMap<String, String> {
    tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Tags as the engine takes them: those of AWS itself left out.
fn own_tags(tags: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    let own = tags.into_iter().flatten().filter(|(key, _)| !key.starts_with("aws:"));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Removes tags and sets others of an object of EKS, by the ARN among its outputs.
async fn tag(aws: &Aws, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
    let arn = found.outputs.get("arn").and_then(Json::as_str);
    let arn = arn.ok_or_else(|| bug("eks:TagResource", format!("{} has no ARN", found.id)))?;
    if !remove.is_empty() {
        let call = aws.eks.untag_resource().resource_arn(arn).set_tag_keys(Some(remove.to_vec()));
        call.send().await.map_err(|error| failure("eks:UntagResource", error))?;
    }
    if !set.is_empty() {
        let call = aws.eks.tag_resource().resource_arn(arn).set_tags(Some(api_tags(set)));
        call.send().await.map_err(|error| failure("eks:TagResource", error))?;
    }
    Ok(())
}

/// A cluster's name and what follows it, of an id like `CLUSTER:NAME`; names of clusters hold no colon.
fn of_cluster(id: Option<&str>) -> Option<(&str, &str)> {
    super::iam::parts(id, ':')
}

/// An issue in AWS's own words, with the objects that it is about.
fn issue(code: Option<&str>, message: Option<&str>, ids: &[String]) -> String {
    let about = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
    format!("{}: {}{about}", code.unwrap_or("Unknown"), message.unwrap_or("no message"))
}
