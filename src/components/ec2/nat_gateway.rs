//! `nat_gateway`: the way out of private subnets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{ConnectivityType, Filter, NatGateway as Gateway, NatGatewayState, ResourceType, Tag};

use super::{
    reader::{Kind, Reader, every, filter},
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required},
    graph::{Component, Doing, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A public NAT gateway.
///
/// Settings: `subnet_id`, `allocation_id` (both replace: a new gateway is made before the old one goes).
/// Outputs: `id`, `arn`, `public_ip`. Id: `nat-…`.
/// Caveats: one that failed to come up is told for about an hour, and is no use: it is deleted and made anew. One that was deleted is told
/// for as long, and is absent.
pub(super) struct NatGateway {
    aws: Arc<Aws>,
    gateways: Reader<Gateways>,
}

/// NAT gateways by their ids.
struct Gateways;

#[async_trait]
impl Kind for Gateways {
    type Object = Gateway;
    const ID: &'static str = "nat-gateway-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Gateway>, Failure> {
        every!(aws.ec2.describe_nat_gateways().set_filter(Some(filters)), "ec2:DescribeNatGateways")
    }

    fn id(gateway: &Gateway) -> &str {
        gateway.nat_gateway_id().unwrap_or_default()
    }

    fn tags(gateway: &Gateway) -> &[Tag] {
        gateway.tags()
    }

    fn exists(gateway: &Gateway) -> bool {
        gateway.state() != Some(&NatGatewayState::Deleted)
    }

    fn is_leaving(gateway: &Gateway) -> bool {
        matches!(gateway.state(), Some(NatGatewayState::Deleting | NatGatewayState::Failed))
    }
}

impl NatGateway {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { gateways: Reader::new(Arc::clone(&aws)), aws }
    }

    fn found(&self, gateway: &Gateway) -> Found {
        let id = Gateways::id(gateway);
        let addresses = gateway.nat_gateway_addresses();
        let address = addresses.iter().find(|address| address.is_primary() == Some(true)).or(addresses.first());
        Found {
            id: id.to_owned(),
            settings: map([
                ("subnet_id", json(gateway.subnet_id())),
                ("allocation_id", json(address.and_then(|address| address.allocation_id()))),
            ]),
            outputs: map([
                ("id", id.into()),
                ("arn", self.aws.arn("ec2", &self.aws.region, &format!("natgateway/{id}")).into()),
                ("public_ip", json(address.and_then(|address| address.public_ip()))),
            ]),
            tags: own_tags(gateway.tags()),
            readiness: readiness(gateway),
        }
    }
}

fn readiness(gateway: &Gateway) -> Readiness {
    match gateway.state() {
        Some(NatGatewayState::Available) => Readiness::Ready,
        Some(NatGatewayState::Failed) => {
            let code = gateway.failure_code().unwrap_or("failed");
            let message = gateway.failure_message().unwrap_or("AWS tells no reason");
            Readiness::Broken(format!("{}: {code}: {message}", Gateways::id(gateway)))
        }
        Some(state) => Readiness::Pending(state.as_str().to_owned()),
        None => Readiness::Pending("AWS tells no state of it".to_owned()),
    }
}

#[async_trait]
impl Component for NatGateway {
    fn kind(&self) -> &'static str {
        "nat_gateway"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["ec2:CreateNatGateway", "ec2:CreateTags", "ec2:DeleteNatGateway", "ec2:DeleteTags", "ec2:DescribeNatGateways"]
    }

    fn side_by_side(&self) -> bool {
        true
    }

    fn is_remade(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        Ok(self.gateways.tagged(query).await?.iter().map(|gateway| self.found(gateway)).collect())
    }

    fn usual(&self, doing: Doing) -> Option<Duration> {
        match doing {
            Doing::Creating => Some(Duration::from_secs(120)),
            Doing::Deleting => Some(Duration::from_secs(60)),
            _ => None,
        }
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        Ok(self.gateways.find(query).await?.map(|gateway| self.found(&gateway)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateNatGateway";
        let reply = (self.aws.ec2.create_nat_gateway())
            .connectivity_type(ConnectivityType::Public)
            .subnet_id(required(&wanted.settings, "subnet_id", CALL)?)
            .allocation_id(required(&wanted.settings, "allocation_id", CALL)?)
            .client_token(&wanted.token)
            .tag_specifications(specification(ResourceType::Natgateway, &wanted.tags))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let gateway = reply.nat_gateway().ok_or_else(|| bug(CALL, "the reply holds no gateway"))?;
        let made = Found { tags: wanted.tags.clone(), ..self.found(gateway) };
        // The token is remembered for longer than the gateway lives, and answered as it was then: it may be one that is gone.
        let now = Gateways::describe(&self.aws, vec![filter(Gateways::ID, vec![made.id.clone()])]).await.unwrap_or_default();
        let is_over = |gateway: &Gateway| matches!(gateway.state(), Some(NatGatewayState::Deleting | NatGatewayState::Deleted));
        Ok(if now.iter().any(is_over) { Found { readiness: Readiness::Deleted, ..made } } else { made })
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reply = self.aws.ec2.delete_nat_gateway().nat_gateway_id(&found.id).send().await;
        reply.absent("ec2:DeleteNatGateway").map(|_| None)
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
    use crate::components::replay::Script;

    const ID: &str = "nat_gateway/euw1-az1";

    fn component(script: &Script) -> NatGateway {
        NatGateway::new(script.aws("eu-west-1"))
    }

    fn body(id: &str, state: &str) -> String {
        let failure = if state == "failed" {
            "<failureCode>Gateway.NotAttached</failureCode><failureMessage>Network vpc-1 has no Internet gateway attached</failureMessage>"
        } else {
            ""
        };
        format!(
            "<natGatewayId>{id}</natGatewayId><subnetId>subnet-1</subnetId><state>{state}</state>{failure}<natGatewayAddressSet>             <item><allocationId>eipalloc-2</allocationId><isPrimary>false</isPrimary></item>             <item><allocationId>eipalloc-1</allocationId><publicIp>198.51.100.7</publicIp><isPrimary>true</isPrimary></item>             </natGatewayAddressSet>{}",
            replies::tags(ID, &[])
        )
    }

    fn gateways(items: &[(&str, &str)]) -> String {
        let items: String = items.iter().map(|(id, state)| format!("<item>{}</item>", body(id, state))).collect();
        replies::set("DescribeNatGateways", "natGatewaySet", &items)
    }

    #[tokio::test]
    async fn found_by_id_in_each_state_and_absent_when_deleted() {
        for (state, readiness) in [
            ("available", Readiness::Ready),
            ("pending", Readiness::Pending("pending".into())),
            ("deleting", Readiness::Pending("deleting".into())),
            ("failed", Readiness::Broken("nat-1: Gateway.NotAttached: Network vpc-1 has no Internet gateway attached".into())),
        ] {
            let script = Script::new().on("DescribeNatGateways", 200, &gateways(&[("nat-1", state)]));
            let found = component(&script).find(&query(ID, Some("nat-1"), [])).await.unwrap().unwrap();
            assert_eq!(found.readiness, readiness, "{state}");
            assert_eq!(found.settings, map([("subnet_id", json!("subnet-1")), ("allocation_id", json!("eipalloc-1"))]));
            assert_eq!(found.outputs["public_ip"], json!("198.51.100.7"));
        }
        let deleted = gateways(&[("nat-1", "deleted")]);
        let script = Script::new().on("DescribeNatGateways", 200, &deleted).on("DescribeNatGateways", 200, &deleted);
        assert_eq!(component(&script).find(&query(ID, Some("nat-1"), [])).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn by_its_tags_only_one_that_is_of_use_is_found_and_the_others_are_strays() {
        let three = gateways(&[("nat-1", "failed"), ("nat-2", "deleting"), ("nat-3", "available"), ("nat-0", "deleted")]);
        let script = Script::new().on("DescribeNatGateways", 200, &three).on("DescribeNatGateways", 200, &three);
        let component = component(&script);
        assert_eq!(component.find(&query(ID, None, [])).await.unwrap().unwrap().id, "nat-3");
        let strays = component.strays(&query(ID, None, [])).await.unwrap();
        assert_eq!(strays.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["nat-1", "nat-2", "nat-3"]);
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags_and_token() {
        // A look that comes too early, or not at all, says nothing.
        let made = format!("<natGateway>{}</natGateway>", body("nat-1", "pending"));
        let script = Script::new().on("CreateNatGateway", 200, &replies::reply("CreateNatGateway", &made));
        let wanted = wanted(ID, [("subnet_id", json!("subnet-1")), ("allocation_id", json!("eipalloc-1"))]);
        let made = component(&script).create(&wanted).await.unwrap();
        assert_eq!(made.readiness, Readiness::Pending("pending".into()));
        let body = &script.finish()[0].1;
        for part in [
            "AllocationId=eipalloc-1",
            "SubnetId=subnet-1",
            "ConnectivityType=public",
            "TagSpecification.1.ResourceType=natgateway&TagSpecification.1.Tag.1.",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(body.contains(&format!("ClientToken={}", "t".repeat(64))), "{body}");
    }

    #[tokio::test]
    async fn the_answer_of_a_used_up_token_is_a_deleted_one() {
        let old = format!("<natGateway>{}</natGateway>", body("nat-1", "pending"));
        let script = Script::new().on("CreateNatGateway", 200, &replies::reply("CreateNatGateway", &old));
        let script = script.on("DescribeNatGateways", 200, &gateways(&[("nat-1", "deleted")]));
        let wanted = wanted(ID, [("subnet_id", json!("subnet-1")), ("allocation_id", json!("eipalloc-1"))]);
        assert_eq!(component(&script).create(&wanted).await.unwrap().readiness, Readiness::Deleted);
    }

    #[tokio::test]
    async fn delete_may_be_repeated() {
        let found = Found { id: "nat-1".into(), ..Found::default() };
        let script = Script::new().on("DeleteNatGateway", 400, &replies::error("NatGatewayNotFound", "gone"));
        assert_eq!(component(&script).delete(&found, &wanted(ID, [])).await.unwrap(), None);
    }
}
