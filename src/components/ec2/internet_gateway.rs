//! `internet_gateway`: a VPC's way to the internet.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, InternetGateway as Gateway, ResourceType, Tag};

use super::{
    blockers::{self, Of},
    reader::{Kind, Reader, every},
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required, text},
    graph::{Class, Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// An internet gateway.
///
/// Settings: `vpc_id` (live: attached after create). Outputs: `id`, `arn`. Id: `igw-…`.
pub(super) struct InternetGateway {
    aws: Arc<Aws>,
    gateways: Reader<Gateways>,
}

/// Internet gateways by their ids.
struct Gateways;

#[async_trait]
impl Kind for Gateways {
    type Object = Gateway;
    const ID: &'static str = "internet-gateway-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Gateway>, Failure> {
        every!(aws.ec2.describe_internet_gateways().set_filters(Some(filters)), "ec2:DescribeInternetGateways")
    }

    fn id(gateway: &Gateway) -> &str {
        gateway.internet_gateway_id().unwrap_or_default()
    }

    fn tags(gateway: &Gateway) -> &[Tag] {
        gateway.tags()
    }
}

impl InternetGateway {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { gateways: Reader::new(Arc::clone(&aws)), aws }
    }

    fn found(&self, gateway: &Gateway) -> Found {
        let id = Gateways::id(gateway);
        Found {
            id: id.to_owned(),
            settings: map([("vpc_id", json(gateway.attachments().first().and_then(|attachment| attachment.vpc_id())))]),
            outputs: map([("id", id.into()), ("arn", self.aws.arn("ec2", &self.aws.region, &format!("internet-gateway/{id}")).into())]),
            tags: own_tags(gateway.tags()),
            readiness: Readiness::Ready,
        }
    }

    async fn detach(&self, found: &Found) -> Result<(), Failure> {
        let Some(vpc_id) = text(&found.settings, "vpc_id") else { return Ok(()) };
        let call = self.aws.ec2.detach_internet_gateway().internet_gateway_id(&found.id).vpc_id(vpc_id);
        match call.send().await.absent("ec2:DetachInternetGateway") {
            Ok(_) => Ok(()),
            Err(failure) => Err(blockers::named(&self.aws, Of::Vpc(vpc_id), failure).await),
        }
    }
}

#[async_trait]
impl Component for InternetGateway {
    fn kind(&self) -> &'static str {
        "internet_gateway"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:AttachInternetGateway",
            "ec2:CreateInternetGateway",
            "ec2:CreateTags",
            "ec2:DeleteInternetGateway",
            "ec2:DeleteTags",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DetachInternetGateway",
        ]
    }

    fn tokenless(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        Ok(self.gateways.tagged(query).await?.iter().map(|gateway| self.found(gateway)).collect())
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        Ok(self.gateways.find(query).await?.map(|gateway| self.found(&gateway)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateInternetGateway";
        let call = self.aws.ec2.create_internet_gateway().tag_specifications(specification(ResourceType::InternetGateway, &wanted.tags));
        let reply = call.customize().config_override(once::ec2()).send().await.map_err(|error| failure(CALL, error))?;
        let gateway = reply.internet_gateway().ok_or_else(|| bug(CALL, "the reply holds no gateway"))?;
        Ok(Found { tags: wanted.tags.clone(), ..self.found(gateway) })
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "ec2:AttachInternetGateway";
        if changed.contains("vpc_id") {
            self.detach(found).await?;
            let vpc_id = required(&wanted.settings, "vpc_id", CALL)?;
            let call = self.aws.ec2.attach_internet_gateway().internet_gateway_id(&found.id).vpc_id(vpc_id);
            if let Err(failure) = call.send().await.map_err(|error| failure(CALL, error)) {
                // The reply of the call that attached it may have been lost.
                let now = if failure.class == Class::Conflict { self.gateways.get(&found.id).await? } else { None };
                if now.is_none_or(|now| text(&self.found(&now).settings, "vpc_id") != Some(vpc_id)) {
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.detach(found).await?;
        let reply = self.aws.ec2.delete_internet_gateway().internet_gateway_id(&found.id).send().await;
        reply.absent("ec2:DeleteInternetGateway").map(|_| None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::replies::{self, names, query, wanted},
        *,
    };
    use crate::components::replay::Script;

    const ID: &str = "internet_gateway";

    fn component(script: &Script) -> InternetGateway {
        InternetGateway::new(script.aws("eu-west-1"))
    }

    fn gateways(items: &str) -> String {
        replies::set("DescribeInternetGateways", "internetGatewaySet", items)
    }

    fn attached() -> Found {
        Found { id: "igw-1".into(), settings: map([("vpc_id", json!("vpc-1"))]), ..Found::default() }
    }

    #[tokio::test]
    async fn found_with_the_vpc_that_it_is_attached_to() {
        let attachments = "<attachmentSet><item><vpcId>vpc-1</vpcId><state>available</state></item></attachmentSet>";
        for (inside, vpc) in [(attachments, json!("vpc-1")), ("", json!(null))] {
            let item = format!("<item><internetGatewayId>igw-1</internetGatewayId>{inside}{}</item>", replies::tags(ID, &[]));
            let script = Script::new().on("DescribeInternetGateways", 200, &gateways(&item));
            let found = component(&script).find(&query(ID, Some("igw-1"), [])).await.unwrap().unwrap();
            assert_eq!((&found.settings["vpc_id"], found.tags.len()), (&vpc, 2));
        }
        let script = Script::new().on("DescribeInternetGateways", 200, &gateways("")).on("DescribeInternetGateways", 200, &gateways(""));
        assert_eq!(component(&script).find(&query(ID, Some("igw-1"), [])).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn create_is_one_call_and_the_attachment_another() {
        let made = "<internetGateway><internetGatewayId>igw-1</internetGatewayId></internetGateway>";
        let script = Script::new().on("CreateInternetGateway", 200, &replies::reply("CreateInternetGateway", made));
        let script = script.on("AttachInternetGateway", 200, &replies::done("AttachInternetGateway"));
        let (component, wanted) = (component(&script), wanted(ID, [("vpc_id", json!("vpc-1"))]));
        let made = component.create(&wanted).await.unwrap();
        component.update(&made, &wanted, &names(&["vpc_id"])).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("TagSpecification.1.ResourceType=internet-gateway&TagSpecification.1.Tag.1."), "{asked:?}");
        assert!(asked[1].1.contains("InternetGatewayId=igw-1&VpcId=vpc-1"), "{asked:?}");
    }

    #[tokio::test]
    async fn attached_elsewhere_it_is_detached_first() {
        let script = Script::new().on("DetachInternetGateway", 200, &replies::done("DetachInternetGateway"));
        let script = script.on("AttachInternetGateway", 200, &replies::done("AttachInternetGateway"));
        component(&script).update(&attached(), &wanted(ID, [("vpc_id", json!("vpc-2"))]), &names(&["vpc_id"])).await.unwrap();
        assert!(script.finish()[0].1.contains("VpcId=vpc-1"));
    }

    #[tokio::test]
    async fn attached_by_a_call_whose_reply_was_lost_it_is_as_wanted() {
        let (found, wanted) = (Found { id: "igw-1".into(), ..Found::default() }, wanted(ID, [("vpc_id", json!("vpc-1"))]));
        for (vpc, fine) in [("vpc-1", true), ("vpc-2", false)] {
            let inside = format!("<attachmentSet><item><vpcId>{vpc}</vpcId><state>available</state></item></attachmentSet>");
            let item = format!("<item><internetGatewayId>igw-1</internetGatewayId>{inside}</item>");
            let script = Script::new()
                .on("AttachInternetGateway", 400, &replies::error("Resource.AlreadyAssociated", "resource igw-1 is already attached"))
                .on("DescribeInternetGateways", 200, &gateways(&item));
            assert_eq!(component(&script).update(&found, &wanted, &names(&["vpc_id"])).await.is_ok(), fine, "{vpc}");
            script.finish();
        }
    }

    #[tokio::test]
    async fn delete_detaches_and_may_be_repeated() {
        let script = Script::new().on("DetachInternetGateway", 400, &replies::error("Gateway.NotAttached", "no"));
        let script = script.on("DeleteInternetGateway", 400, &replies::error("InvalidInternetGatewayID.NotFound", "gone"));
        assert_eq!(component(&script).delete(&attached(), &wanted(ID, [])).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn a_load_balancer_that_keeps_it_is_named() {
        let text = "Network vpc-1 has some mapped public address(es).";
        let eni = "<item><networkInterfaceId>eni-1</networkInterfaceId><description>ELB app/web/1</description><requesterManaged>true</requesterManaged></item>";
        let script = Script::any_order()
            .on("DetachInternetGateway", 400, &replies::error("DependencyViolation", text))
            .on("DescribeNetworkInterfaces", 200, &replies::set("DescribeNetworkInterfaces", "networkInterfaceSet", eni))
            .on("DescribeSecurityGroups", 200, &replies::set("DescribeSecurityGroups", "securityGroupInfo", ""));
        let failure = component(&script).delete(&attached(), &wanted(ID, [])).await.unwrap_err();
        assert_eq!((failure.class, failure.message.contains("eni-1 (ELB app/web/1)")), (Class::Conflict, true), "{failure}");
    }
}
