//! `launch_template`: how the nodes of a group are started.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    Filter, LaunchTemplate as Template, LaunchTemplateBlockDeviceMappingRequest, LaunchTemplateEbsBlockDevice,
    LaunchTemplateEbsBlockDeviceRequest, LaunchTemplateHttpTokensState, LaunchTemplateInstanceMetadataEndpointState,
    LaunchTemplateInstanceMetadataOptions, LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateTagSpecificationRequest,
    LaunchTemplateVersion, LaunchTemplatesMonitoring, LaunchTemplatesMonitoringRequest, RequestLaunchTemplateData, ResourceType,
    ResponseLaunchTemplateData, Tag, TagSpecification, VolumeType,
};
use serde_json::{Map, Value as Json, json};

use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    components::settings::{Settings, bug, json, map, number, required, text, texts},
    graph::{COMPONENT, Component, Failure, Found, Kept, OWNER, Query, Readiness, Wanted},
};

#[cfg(test)]
mod tests;

/// A launch template.
///
/// Settings: `name` (fixed); live, by a new version that becomes the default: `device_name`, `disk_size` (GiB), `volume_type`, `encrypted`, `kms_key_arn`
/// (empty: the account's key for EBS), `security_group_ids`, `monitoring`, `hop_limit`, `http_tokens`, `instance_tags` (for instances, volumes and interfaces),
/// `others` (never any: what else a version says that somebody made the default).
/// Outputs: `id`, `name`, `latest_version` (text: the default version's number). Id: AWS's.
/// Caveats: versions that nodes run by stay; AWS keeps 5,000 a template.
pub(super) struct LaunchTemplate {
    aws: Arc<Aws>,
    by_name: Batch<String, Template>,
    by_owner: Batch<(String, String), Template>,
}

/// What gets the tags of a template's data: without these, tags of the group reach neither volumes nor interfaces.
const TAGGED: [ResourceType; 3] = [ResourceType::Instance, ResourceType::Volume, ResourceType::NetworkInterface];
/// AWS's longest client token.
const TOKEN_MAX: usize = 64;

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

impl LaunchTemplate {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, by_name: Batch::default(), by_owner: Batch::default() }
    }

    /// Every template that fits the filters.
    async fn list(&self, filters: Vec<Filter>) -> Result<Vec<Template>, Failure> {
        let call = self.aws.ec2.describe_launch_templates().set_filters(Some(filters));
        let items: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        Ok(items.absent("ec2:DescribeLaunchTemplates")?.unwrap_or_default())
    }

    /// There is no filter for ids, and one that is gone fails the call: asked one at a time, where the name isn't known.
    async fn by_id(&self, id: &str) -> Result<Option<Template>, Failure> {
        let reply = self.aws.ec2.describe_launch_templates().launch_template_ids(id).send().await.absent("ec2:DescribeLaunchTemplates")?;
        Ok(reply.and_then(|reply| reply.launch_templates().first().cloned()))
    }

    async fn by_name(&self, name: &str) -> Result<Option<Template>, Failure> {
        let call = |names: Vec<String>| async move {
            let found = self.list(vec![filter("launch-template-name", names)]).await?;
            Ok(found.into_iter().filter_map(|one| Some((one.launch_template_name()?.to_owned(), one))).collect())
        };
        self.by_name.get(name.to_owned(), call).await
    }

    async fn by_owner(&self, owner: &str, component: &str) -> Result<Option<Template>, Failure> {
        let call = |keys: Vec<(String, String)>| async move {
            let owners: BTreeSet<String> = keys.into_iter().map(|(owner, _)| owner).collect();
            let found = self.list(vec![filter(&format!("tag:{OWNER}"), owners.into_iter().collect())]).await?;
            let key = |one: &Template| {
                let tags = own_tags(one.tags());
                Some((tags.get(OWNER)?.clone(), tags.get(COMPONENT)?.clone()))
            };
            Ok(found.into_iter().filter_map(|one| Some((key(&one)?, one))).collect())
        };
        self.by_owner.get((owner.to_owned(), component.to_owned()), call).await
    }

    /// With the data of its default version.
    async fn with_data(&self, template: &Template) -> Result<Option<Found>, Failure> {
        const CALL: &str = "ec2:DescribeLaunchTemplateVersions";
        let id = template.launch_template_id().unwrap_or_default();
        let call = self.aws.ec2.describe_launch_template_versions().launch_template_id(id).versions("$Default");
        let Some(reply) = call.send().await.absent(CALL)? else { return Ok(None) };
        let version = reply.launch_template_versions().first().ok_or_else(|| bug(CALL, "the reply holds no version"))?;
        Ok(Some(found(template, version)))
    }
}

fn own_tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

fn api_tags(tags: impl IntoIterator<Item = (String, String)>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn found(template: &Template, version: &LaunchTemplateVersion) -> Found {
    let (id, name) = (template.launch_template_id().unwrap_or_default(), template.launch_template_name());
    let mut settings = version.launch_template_data().map(told).unwrap_or_default();
    settings.insert("name".to_owned(), json(name));
    Found {
        id: id.to_owned(),
        settings,
        outputs: outputs(id, name, version.version_number()),
        tags: own_tags(template.tags()),
        readiness: Readiness::Ready,
    }
}

fn outputs(id: &str, name: Option<&str>, version: Option<i64>) -> Settings {
    map([("id", json!(id)), ("name", json(name)), ("latest_version", version.map_or(Json::Null, |number| json!(number.to_string())))])
}

/// A version's data as settings.
fn told(data: &ResponseLaunchTemplateData) -> Settings {
    let mapping = data.block_device_mappings().first();
    let disk = mapping.and_then(|mapping| mapping.ebs());
    let metadata = data.metadata_options();
    let groups = data.security_group_ids();
    let tags: Map<String, Json> = (data.tag_specifications().iter())
        .filter(|specification| specification.resource_type() == Some(&ResourceType::Instance))
        .flat_map(|specification| own_tags(specification.tags()))
        .map(|(key, value)| (key, json!(value)))
        .collect();
    map([
        ("device_name", json(mapping.and_then(|mapping| mapping.device_name()))),
        ("disk_size", disk.and_then(LaunchTemplateEbsBlockDevice::volume_size).map_or(Json::Null, Json::from)),
        ("encrypted", json!(disk.and_then(LaunchTemplateEbsBlockDevice::encrypted) == Some(true))),
        ("volume_type", json(disk.and_then(|disk| disk.volume_type()).map(VolumeType::as_str))),
        ("kms_key_arn", json(disk.and_then(|disk| disk.kms_key_id()))),
        ("security_group_ids", json!(groups)),
        ("monitoring", json!(data.monitoring().and_then(LaunchTemplatesMonitoring::enabled) == Some(true))),
        ("http_tokens", json(metadata.and_then(|metadata| metadata.http_tokens()).map(LaunchTemplateHttpTokensState::as_str))),
        ("hop_limit", metadata.and_then(LaunchTemplateInstanceMetadataOptions::http_put_response_hop_limit).map_or(Json::Null, Json::from)),
        ("instance_tags", Json::Object(tags)),
        ("others", json!(others(data))),
    ])
}

/// What somebody else wrote into a version and nodes would start with: everything that decides what runs on them, who reaches them and what they may.
/// AWS fills none of these in by itself.
fn others(data: &ResponseLaunchTemplateData) -> Vec<&'static str> {
    let closed = |options: &LaunchTemplateInstanceMetadataOptions| {
        options.http_endpoint() == Some(&LaunchTemplateInstanceMetadataEndpointState::Disabled)
    };
    let there = [
        ("user_data", data.user_data().is_some_and(|text| !text.is_empty())),
        ("image_id", data.image_id().is_some()),
        ("instance_type", data.instance_type().is_some()),
        ("key_name", data.key_name().is_some()),
        ("iam_instance_profile", data.iam_instance_profile().is_some()),
        ("network_interfaces", !data.network_interfaces().is_empty()),
        ("security_groups", !data.security_groups().is_empty()),
        ("block_device_mappings", data.block_device_mappings().len() > 1),
        ("http_endpoint", data.metadata_options().is_some_and(closed)),
    ];
    there.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

/// Settings as a version's data.
fn data(wanted: &Settings) -> RequestLaunchTemplateData {
    let disk = LaunchTemplateEbsBlockDeviceRequest::builder()
        .set_volume_size(number(wanted, "disk_size"))
        .volume_type(VolumeType::from(text(wanted, "volume_type").unwrap_or("gp3")))
        .encrypted(true)
        .set_kms_key_id(text(wanted, "kms_key_arn").map(str::to_owned))
        .delete_on_termination(true)
        .build();
    let disk = LaunchTemplateBlockDeviceMappingRequest::builder().set_device_name(text(wanted, "device_name").map(str::to_owned)).ebs(disk);
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Enabled)
        .http_tokens(LaunchTemplateHttpTokensState::from(text(wanted, "http_tokens").unwrap_or("required")))
        .set_http_put_response_hop_limit(number(wanted, "hop_limit"))
        .build();
    let tags: Vec<(String, String)> = (wanted.get("instance_tags").and_then(Json::as_object).into_iter().flatten())
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let specifications = TAGGED
        .into_iter()
        .filter(|_| !tags.is_empty())
        .map(|kind| LaunchTemplateTagSpecificationRequest::builder().resource_type(kind).set_tags(Some(api_tags(tags.clone()))).build());
    let on = wanted.get("monitoring").and_then(Json::as_bool);
    RequestLaunchTemplateData::builder()
        .block_device_mappings(disk.build())
        .metadata_options(metadata)
        .set_security_group_ids(texts(wanted, "security_group_ids"))
        .set_monitoring(on.map(|on| LaunchTemplatesMonitoringRequest::builder().enabled(on).build()))
        .set_tag_specifications(Some(specifications.collect::<Vec<_>>()).filter(|all| !all.is_empty()))
        .build()
}

#[async_trait]
impl Component for LaunchTemplate {
    fn kind(&self) -> &'static str {
        "launch_template"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:CreateLaunchTemplate",
            "ec2:CreateLaunchTemplateVersion",
            "ec2:CreateTags",
            "ec2:DeleteLaunchTemplate",
            "ec2:DeleteTags",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:DescribeLaunchTemplates",
            "ec2:ModifyLaunchTemplate",
            "ec2:RunInstances",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let mut template = match (text(&query.settings, "name"), query.id.as_deref()) {
            (Some(name), _) => self.by_name(name).await?,
            (None, Some(id)) => self.by_id(id).await?,
            (None, None) => None,
        };
        if template.is_none() && !query.owner.is_empty() {
            template = self.by_owner(&query.owner, &query.component).await?;
        }
        match &template {
            Some(template) => self.with_data(template).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateLaunchTemplate";
        let name = required(&wanted.settings, "name", CALL)?;
        let tags = TagSpecification::builder().resource_type(ResourceType::LaunchTemplate).set_tags(Some(api_tags(wanted.tags.clone())));
        let reply = (self.aws.ec2.create_launch_template())
            .launch_template_name(name)
            .launch_template_data(data(&wanted.settings))
            .tag_specifications(tags.build())
            .client_token(wanted.token.chars().take(TOKEN_MAX).collect::<String>())
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let template = reply.launch_template().ok_or_else(|| bug(CALL, "the reply holds no template"))?;
        let id = template.launch_template_id().unwrap_or_default();
        // The reply leaves out the data; all of it took effect with the call.
        Ok(Found {
            id: id.to_owned(),
            settings: wanted.settings.clone(),
            outputs: outputs(id, Some(name), template.default_version_number()),
            tags: wanted.tags.clone(),
            readiness: Readiness::Ready,
        })
    }

    async fn update(&self, found: &Found, wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "ec2:CreateLaunchTemplateVersion";
        let call = self.aws.ec2.create_launch_template_version().launch_template_id(&found.id).launch_template_data(data(&wanted.settings));
        let reply = call.customize().config_override(once::ec2()).send().await.map_err(|error| failure(CALL, error))?;
        let made = reply.launch_template_version().and_then(LaunchTemplateVersion::version_number);
        let made = made.ok_or_else(|| bug(CALL, "the reply holds no version"))?;
        let call = self.aws.ec2.modify_launch_template().launch_template_id(&found.id).default_version(made.to_string());
        call.send().await.map(drop).map_err(|error| failure("ec2:ModifyLaunchTemplate", error))
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        if !remove.is_empty() {
            let tags = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
            let call = self.aws.ec2.delete_tags().resources(&found.id).set_tags(Some(tags));
            call.send().await.map_err(|error| failure("ec2:DeleteTags", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.ec2.create_tags().resources(&found.id).set_tags(Some(api_tags(set.clone())));
            call.send().await.map_err(|error| failure("ec2:CreateTags", error))?;
        }
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let call = self.aws.ec2.delete_launch_template().launch_template_id(&found.id);
        call.send().await.absent("ec2:DeleteLaunchTemplate")?;
        Ok(None)
    }
}
