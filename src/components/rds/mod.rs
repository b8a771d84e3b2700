//! Databases: what RDS makes.

mod event_subscription;
mod instance;
mod lookup;
mod parameter_group;
mod subnet_group;

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_rds::types::Tag;

use crate::{
    aws::{Absent, Aws, failure},
    graph::{Component, Failure},
};

pub use lookup::{Offer, Restorable, Snapshot, Version, newest_snapshot, offers, parameters, snapshot, versions};

/// Every kind of this family.
pub(super) fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    vec![
        Arc::new(event_subscription::RdsEventSubscription::new(Arc::clone(aws))),
        Arc::new(instance::RdsInstance::new(Arc::clone(aws))),
        Arc::new(parameter_group::RdsParameterGroup::new(Arc::clone(aws))),
        Arc::new(subnet_group::RdsSubnetGroup::new(Arc::clone(aws))),
    ]
}

/// Tags as the API takes them.
fn api_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Tags as the engine takes them: those of AWS itself left out.
fn own_tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// The tags of an object whose description doesn't hold them; none where it has gone meanwhile.
async fn tags_of(aws: &Aws, arn: &str) -> Result<BTreeMap<String, String>, Failure> {
    let reply = aws.rds.list_tags_for_resource().resource_name(arn).send().await.absent("rds:ListTagsForResource")?;
    Ok(reply.map(|reply| own_tags(reply.tag_list())).unwrap_or_default())
}

/// Removes tags, then sets the others.
async fn retag(aws: &Aws, arn: &str, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
    if !remove.is_empty() {
        let call = aws.rds.remove_tags_from_resource().resource_name(arn).set_tag_keys(Some(remove.to_vec()));
        call.send().await.map_err(|error| failure("rds:RemoveTagsFromResource", error))?;
    }
    if !set.is_empty() {
        let call = aws.rds.add_tags_to_resource().resource_name(arn).set_tags(Some(api_tags(set)));
        call.send().await.map_err(|error| failure("rds:AddTagsToResource", error))?;
    }
    Ok(())
}
