//! `autoscaling_group_tags`: what the Cluster Autoscaler finds its groups by, on the group that EKS made for nodes.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use aws_sdk_autoscaling::types::{Filter, Tag};
use serde_json::{Map, Value as Json, json};

use crate::{
    aws::{Absent, Aws, failure},
    components::settings::{map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// Tags of an Auto Scaling group.
///
/// Settings: `group_name` (the group's; they go where it goes), `tags` (map, live).
/// Outputs: `id`. Id: the group's name.
/// Caveats: they belong to the group, and go with it. Tags of others on the group are nobody's business here; EKS's own stay.
pub(super) struct AutoscalingGroupTags {
    aws: Arc<Aws>,
}

const RESOURCE_TYPE: &str = "auto-scaling-group";

impl AutoscalingGroupTags {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn put(&self, group: &str, wanted: &Wanted) -> Result<(), Failure> {
        let tags = pairs(wanted.settings.get("tags"));
        let tags = tags.into_iter().map(|(key, value)| tag(group, &key).value(value).propagate_at_launch(false).build()).collect();
        let call = self.aws.autoscaling.create_or_update_tags().set_tags(Some(tags));
        call.send().await.map(drop).map_err(|error| failure("autoscaling:CreateOrUpdateTags", error))
    }
}

fn tag(group: &str, key: &str) -> aws_sdk_autoscaling::types::builders::TagBuilder {
    Tag::builder().resource_id(group).resource_type(RESOURCE_TYPE).key(key)
}

fn pairs(tags: Option<&Json>) -> Vec<(String, String)> {
    let tags = tags.and_then(Json::as_object).into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn found(group: &str, tags: Map<String, Json>) -> Found {
    Found {
        id: group.to_owned(),
        settings: map([("group_name", json!(group)), ("tags", Json::Object(tags))]),
        outputs: map([("id", json!(group))]),
        tags: std::collections::BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for AutoscalingGroupTags {
    fn kind(&self) -> &'static str {
        "autoscaling_group_tags"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags", "autoscaling:DescribeTags"]
    }

    fn taggable(&self) -> bool {
        false
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        const CALL: &str = "autoscaling:DescribeTags";
        // The group of a node group that was replaced is another one: where it is known, the id in state says nothing.
        let Some(group) = text(&query.settings, "group_name").or(query.id.as_deref()) else { return Ok(None) };
        let keys: Vec<String> = pairs(query.settings.get("tags")).into_iter().map(|(key, _)| key).collect();
        let group_filter = Filter::builder().name("auto-scaling-group").values(group).build();
        let key_filter = Filter::builder().name("key").set_values(Some(keys.clone())).build();
        let call = self.aws.autoscaling.describe_tags().filters(group_filter).filters(key_filter);
        let tags: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let tags = tags.absent(CALL)?.unwrap_or_default();
        let tags: Map<String, Json> = (tags.iter())
            .filter_map(|tag| Some((tag.key()?.to_owned(), json!(tag.value().unwrap_or_default()))))
            .filter(|(key, _)| keys.is_empty() || keys.contains(key))
            .collect();
        Ok((!tags.is_empty()).then(|| found(group, tags)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let group = required(&wanted.settings, "group_name", "autoscaling:CreateOrUpdateTags")?;
        self.put(group, wanted).await?;
        let tags = pairs(wanted.settings.get("tags")).into_iter().map(|(key, value)| (key, json!(value))).collect();
        Ok(found(group, tags))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        self.put(text(&wanted.settings, "group_name").unwrap_or(&found.id), wanted).await
    }

    async fn tag(&self, _: &Found, _: &std::collections::BTreeMap<String, String>, _: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let tags: Vec<Tag> = pairs(found.settings.get("tags")).iter().map(|(key, _)| tag(&found.id, key).build()).collect();
        self.aws.autoscaling.delete_tags().set_tags(Some(tags)).send().await.absent("autoscaling:DeleteTags")?;
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::components::{iam::replies::reply, replay::Script};

    fn settings() -> std::collections::BTreeMap<String, Json> {
        let tags = json!({ "k8s.io/cluster-autoscaler/enabled": "true", "k8s.io/cluster-autoscaler/prod": "owned" });
        map([("group_name", json!("eks-default-1")), ("tags", tags)])
    }

    fn wanted() -> Wanted {
        Wanted { component: "autoscaling_tags/default".into(), settings: settings(), tags: [].into(), token: String::new() }
    }

    fn member(key: &str, value: &str) -> String {
        format!(
            "<member><ResourceId>eks-default-1</ResourceId><ResourceType>auto-scaling-group</ResourceType><Key>{key}</Key>\
             <Value>{value}</Value><PropagateAtLaunch>false</PropagateAtLaunch></member>"
        )
    }

    #[tokio::test]
    async fn found_by_the_group_that_the_settings_name() {
        let all = [member("k8s.io/cluster-autoscaler/enabled", "true"), member("k8s.io/cluster-autoscaler/prod", "owned")].concat();
        let script = Script::new().on("DescribeTags", 200, &reply("DescribeTags", &format!("<Tags>{all}</Tags>")));
        let script = script.on("DescribeTags", 200, &reply("DescribeTags", "<Tags></Tags>"));
        let component = AutoscalingGroupTags::new(script.aws("eu-central-1"));
        let query = Query { id: Some("eks-default-0".into()), settings: settings(), ..Query::default() };
        let found = component.find(&query).await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), &found.settings), ("eks-default-1", &settings()));
        assert_eq!(component.find(&query).await.unwrap(), None);
        let asked = script.finish();
        assert!(asked[0].1.contains("eks-default-1") && asked[0].1.contains("cluster-autoscaler"), "{asked:?}");
    }

    #[tokio::test]
    async fn put_and_deleted_by_key() {
        let script = Script::new().on("CreateOrUpdateTags", 200, &reply("CreateOrUpdateTags", ""));
        let script = script.on("CreateOrUpdateTags", 200, &reply("CreateOrUpdateTags", "")).on("DeleteTags", 200, &reply("DeleteTags", ""));
        let component = AutoscalingGroupTags::new(script.aws("eu-central-1"));
        let made = component.create(&wanted()).await.unwrap();
        component.update(&made, &wanted(), &BTreeSet::from(["tags".to_owned()])).await.unwrap();
        component.delete(&made, &wanted()).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("PropagateAtLaunch=false") && asked[0].1.contains("Value=owned"), "{asked:?}");
        assert!(asked[2].1.contains("ResourceId=eks-default-1"), "{asked:?}");
    }
}
