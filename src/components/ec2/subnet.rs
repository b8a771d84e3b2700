//! `subnet`: a subnet in one availability zone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Subnet as Net, SubnetState, Tag};
use serde_json::Value as Json;

use super::{
    blockers::{self, Of},
    reader::{Kind, Reader, every},
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A subnet.
///
/// Settings: `vpc_id`, `cidr_block`, `availability_zone_id` (fixed), `map_public_ip_on_launch` (live).
/// Outputs: `id`, `arn`, `availability_zone` (its name, which differs from account to account). Id: `subnet-…`.
pub(super) struct Subnet {
    aws: Arc<Aws>,
    subnets: Reader<Nets>,
}

/// Subnets by their ids.
pub(super) struct Nets;

#[async_trait]
impl Kind for Nets {
    type Object = Net;
    const ID: &'static str = "subnet-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Net>, Failure> {
        every!(aws.ec2.describe_subnets().set_filters(Some(filters)), "ec2:DescribeSubnets")
    }

    fn id(subnet: &Net) -> &str {
        subnet.subnet_id().unwrap_or_default()
    }

    fn tags(subnet: &Net) -> &[Tag] {
        subnet.tags()
    }
}

impl Subnet {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { subnets: Reader::new(Arc::clone(&aws)), aws }
    }

    fn found(&self, subnet: &Net) -> Found {
        let id = Nets::id(subnet);
        Found {
            id: id.to_owned(),
            settings: map([
                ("vpc_id", json(subnet.vpc_id())),
                ("cidr_block", json(subnet.cidr_block())),
                ("availability_zone_id", json(subnet.availability_zone_id())),
                ("map_public_ip_on_launch", subnet.map_public_ip_on_launch().unwrap_or_default().into()),
            ]),
            outputs: map([
                ("id", id.into()),
                ("arn", self.aws.arn("ec2", &self.aws.region, &format!("subnet/{id}")).into()),
                ("availability_zone", json(subnet.availability_zone())),
            ]),
            tags: own_tags(subnet.tags()),
            readiness: match subnet.state() {
                Some(SubnetState::Available) | None => Readiness::Ready,
                Some(state @ (SubnetState::Failed | SubnetState::FailedInsufficientCapacity)) => {
                    Readiness::Broken(format!("its state is {}", state.as_str()))
                }
                Some(state) => Readiness::Pending(state.as_str().to_owned()),
            },
        }
    }
}

#[async_trait]
impl Component for Subnet {
    fn kind(&self) -> &'static str {
        "subnet"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:CreateSubnet",
            "ec2:CreateTags",
            "ec2:DeleteSubnet",
            "ec2:DeleteTags",
            // Which zones there are is asked at plan.
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:ModifySubnetAttribute",
        ]
    }

    fn tokenless(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        Ok(self.subnets.tagged(query).await?.iter().map(|subnet| self.found(subnet)).collect())
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        Ok(self.subnets.find(query).await?.map(|subnet| self.found(&subnet)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateSubnet";
        let settings = &wanted.settings;
        let reply = (self.aws.ec2.create_subnet())
            .vpc_id(required(settings, "vpc_id", CALL)?)
            .cidr_block(required(settings, "cidr_block", CALL)?)
            .availability_zone_id(required(settings, "availability_zone_id", CALL)?)
            .tag_specifications(specification(ResourceType::Subnet, &wanted.tags))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let subnet = reply.subnet().ok_or_else(|| bug(CALL, "the reply holds no subnet"))?;
        Ok(Found { tags: wanted.tags.clone(), ..self.found(subnet) })
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const NAME: &str = "map_public_ip_on_launch";
        if let (true, Some(value)) = (changed.contains(NAME), wanted.settings.get(NAME).and_then(Json::as_bool)) {
            let value = AttributeBooleanValue::builder().value(value).build();
            let call = self.aws.ec2.modify_subnet_attribute().subnet_id(&found.id).map_public_ip_on_launch(value);
            call.send().await.map_err(|error| failure("ec2:ModifySubnetAttribute", error))?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reply = self.aws.ec2.delete_subnet().subnet_id(&found.id).send().await;
        match reply.absent("ec2:DeleteSubnet") {
            Ok(_) => Ok(None),
            Err(failure) => Err(blockers::named(&self.aws, Of::Subnet(&found.id), failure).await),
        }
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

    const ID: &str = "public_subnet/euw1-az1";

    fn component(script: &Script) -> Subnet {
        Subnet::new(script.aws("eu-west-1"))
    }

    fn body(state: &str) -> String {
        format!(
            "<subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/24</cidrBlock><availabilityZone>eu-west-1b</availabilityZone>             <availabilityZoneId>euw1-az1</availabilityZoneId><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch><state>{state}</state>{}",
            replies::tags(ID, &[])
        )
    }

    fn subnets(items: &str) -> String {
        replies::set("DescribeSubnets", "subnetSet", items)
    }

    fn fixed() -> [(&'static str, Json); 3] {
        [("vpc_id", json!("vpc-1")), ("cidr_block", json!("10.0.0.0/24")), ("availability_zone_id", json!("euw1-az1"))]
    }

    #[tokio::test]
    async fn found_by_id_or_tags_it_is_complete() {
        for (id, filter) in
            [(Some("subnet-1"), "Filter.1.Name=subnet-id&Filter.1.Value.1=subnet-1"), (None, "Filter.1.Name=tag%3Adeeploy%3Aowner")]
        {
            let script = Script::new().on("DescribeSubnets", 200, &subnets(&format!("<item>{}</item>", body("available"))));
            let found = component(&script).find(&query(ID, id, fixed())).await.unwrap().unwrap();
            let mut expected = map(fixed());
            expected.insert("map_public_ip_on_launch".into(), json!(true));
            assert_eq!((found.settings, found.readiness), (expected, Readiness::Ready));
            assert_eq!(found.outputs["availability_zone"], json!("eu-west-1b"));
            assert!(script.finish()[0].1.contains(filter));
        }
    }

    #[tokio::test]
    async fn absence_is_proven_by_id_and_tags_and_a_refusal_is_none() {
        let script = Script::new().on("DescribeSubnets", 200, &subnets("")).on("DescribeSubnets", 200, &subnets(""));
        assert_eq!(component(&script).find(&query(ID, Some("subnet-1"), fixed())).await.unwrap(), None);
        script.finish();
        let script = Script::new().on("DescribeSubnets", 403, &replies::error("UnauthorizedOperation", "no"));
        assert_eq!(component(&script).find(&query(ID, Some("subnet-1"), fixed())).await.unwrap_err().class, crate::graph::Class::Denied);
    }

    #[tokio::test]
    async fn strays_are_all_with_our_tags() {
        let two = format!("<item>{}</item><item>{}</item>", body("available"), body("available").replace("subnet-1", "subnet-0"));
        let script = Script::new().on("DescribeSubnets", 200, &subnets(&two));
        let strays = component(&script).strays(&query(ID, None, [])).await.unwrap();
        assert_eq!(strays.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["subnet-0", "subnet-1"]);
    }

    #[test]
    fn its_states() {
        let component = component(&Script::new());
        let of = |state| component.found(&Net::builder().state(state).build()).readiness;
        assert_eq!(of(SubnetState::Pending), Readiness::Pending("pending".into()));
        assert_eq!(of(SubnetState::FailedInsufficientCapacity), Readiness::Broken("its state is failed-insufficient-capacity".into()));
    }

    #[tokio::test]
    async fn create_is_one_call_and_the_public_ip_another() {
        let script =
            Script::new().on("CreateSubnet", 200, &replies::reply("CreateSubnet", &format!("<subnet>{}</subnet>", body("pending"))));
        let script = script.on("ModifySubnetAttribute", 200, &replies::done("ModifySubnetAttribute"));
        let component = component(&script);
        let made = component.create(&wanted(ID, fixed())).await.unwrap();
        let wanted = wanted(ID, [("map_public_ip_on_launch", json!(false))]);
        component.update(&made, &wanted, &names(&["map_public_ip_on_launch"])).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("AvailabilityZoneId=euw1-az1&CidrBlock=10.0.0.0%2F24&VpcId=vpc-1"), "{asked:?}");
        assert!(asked[0].1.contains("TagSpecification.1.ResourceType=subnet&TagSpecification.1.Tag.1."), "{asked:?}");
        assert!(asked[1].1.contains("MapPublicIpOnLaunch.Value=false&SubnetId=subnet-1"), "{asked:?}");
    }

    #[tokio::test]
    async fn delete_may_be_repeated() {
        let found = Found { id: "subnet-1".into(), ..Found::default() };
        let script = Script::new().on("DeleteSubnet", 400, &replies::error("InvalidSubnetID.NotFound", "gone"));
        assert_eq!(component(&script).delete(&found, &wanted(ID, [])).await.unwrap(), None);
    }
}
