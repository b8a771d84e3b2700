//! `elastic_ip`: a public address of our own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Address, DomainType, Filter, ResourceType, Tag};

use super::{
    reader::{Kind, Reader},
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// An Elastic IP address.
///
/// No settings. Outputs: `id` (the allocation's), `arn`, `public_ip`. Id: `eipalloc-…`.
pub(super) struct ElasticIp {
    aws: Arc<Aws>,
    addresses: Reader<Addresses>,
}

/// Elastic IP addresses by their allocations' ids.
pub(super) struct Addresses;

#[async_trait]
impl Kind for Addresses {
    type Object = Address;
    const ID: &'static str = "allocation-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Address>, Failure> {
        let reply = aws.ec2.describe_addresses().set_filters(Some(filters)).send().await;
        reply.map(|reply| reply.addresses.unwrap_or_default()).map_err(|error| failure("ec2:DescribeAddresses", error))
    }

    fn id(address: &Address) -> &str {
        address.allocation_id().unwrap_or_default()
    }

    fn tags(address: &Address) -> &[Tag] {
        address.tags()
    }
}

impl ElasticIp {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { addresses: Reader::new(Arc::clone(&aws)), aws }
    }

    fn found(&self, id: &str, public_ip: Option<&str>, tags: BTreeMap<String, String>) -> Found {
        let arn = self.aws.arn("ec2", &self.aws.region, &format!("elastic-ip/{id}"));
        Found {
            id: id.to_owned(),
            settings: BTreeMap::new(),
            outputs: map([("id", id.into()), ("arn", arn.into()), ("public_ip", json(public_ip))]),
            tags,
            readiness: Readiness::Ready,
        }
    }

    fn of(&self, address: &Address) -> Found {
        self.found(Addresses::id(address), address.public_ip(), own_tags(address.tags()))
    }
}

#[async_trait]
impl Component for ElasticIp {
    fn kind(&self) -> &'static str {
        "elastic_ip"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["ec2:AllocateAddress", "ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeAddresses", "ec2:ReleaseAddress"]
    }

    fn tokenless(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        Ok(self.addresses.tagged(query).await?.iter().map(|address| self.of(address)).collect())
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        Ok(self.addresses.find(query).await?.map(|address| self.of(&address)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:AllocateAddress";
        let marks = specification(ResourceType::ElasticIp, &wanted.tags);
        let call = self.aws.ec2.allocate_address().domain(DomainType::Vpc).tag_specifications(marks);
        let reply = call.customize().config_override(once::ec2()).send().await.map_err(|error| failure(CALL, error))?;
        let id = reply.allocation_id().ok_or_else(|| bug(CALL, "the reply names no allocation"))?;
        Ok(self.found(id, reply.public_ip(), wanted.tags.clone()))
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reply = self.aws.ec2.release_address().allocation_id(&found.id).send().await;
        reply.absent("ec2:ReleaseAddress").map(|_| None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::replies::{self, query, wanted},
        *,
    };
    use crate::{components::replay::Script, graph::Class};

    const ID: &str = "eip/euw1-az1";

    fn component(script: &Script) -> ElasticIp {
        ElasticIp::new(script.aws("eu-west-1"))
    }

    fn addresses(tags: &str) -> String {
        let item = format!("<item><allocationId>eipalloc-1</allocationId><publicIp>198.51.100.7</publicIp>{tags}</item>");
        replies::set("DescribeAddresses", "addressesSet", &item)
    }

    #[tokio::test]
    async fn found_by_id_or_tags_and_absent_else() {
        for id in [Some("eipalloc-1"), None] {
            let script = Script::new().on("DescribeAddresses", 200, &addresses(&replies::tags(ID, &[])));
            let found = component(&script).find(&query(ID, id, [])).await.unwrap().unwrap();
            assert_eq!((found.id.as_str(), &found.outputs["public_ip"]), ("eipalloc-1", &json!("198.51.100.7")));
        }
        let script = Script::new().on("DescribeAddresses", 200, &addresses(&replies::tags("eip/euw1-az2", &[])));
        assert_eq!(component(&script).find(&query(ID, None, [])).await.unwrap(), None, "another zone's");
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags() {
        let made = "<allocationId>eipalloc-1</allocationId><publicIp>198.51.100.7</publicIp><domain>vpc</domain>";
        let script = Script::new().on("AllocateAddress", 200, &replies::reply("AllocateAddress", made));
        let made = component(&script).create(&wanted(ID, [])).await.unwrap();
        assert_eq!(made.outputs["arn"], json!("arn:aws:ec2:eu-west-1:123456789012:elastic-ip/eipalloc-1"));
        let body = &script.finish()[0].1;
        assert!(
            body.contains("Domain=vpc") && body.contains("TagSpecification.1.ResourceType=elastic-ip&TagSpecification.1.Tag.1."),
            "{body}"
        );
    }

    #[tokio::test]
    async fn released_twice_is_fine_and_while_its_gateway_goes_it_is_busy() {
        let found = Found { id: "eipalloc-1".into(), ..Found::default() };
        let script = Script::new().on("ReleaseAddress", 400, &replies::error("InvalidAllocationID.NotFound", "gone"));
        assert_eq!(component(&script).delete(&found, &wanted(ID, [])).await.unwrap(), None);
        for code in ["InvalidIPAddress.InUse", "AuthFailure"] {
            let script = Script::new().on(
                "ReleaseAddress",
                400,
                &replies::error(code, "You do not have permission to access the specified resource."),
            );
            assert_eq!(component(&script).delete(&found, &wanted(ID, [])).await.unwrap_err().class, Class::Busy, "{code}");
        }
    }
}
