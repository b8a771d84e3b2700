//! `vpc`: a virtual private cloud.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Tag, Vpc as Cloud, VpcAttributeName, VpcState};

use super::{
    blockers::{self, Of},
    reader::{Kind, Reader, every, filter},
    security_group::Groups,
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A VPC.
///
/// Settings: `cidr_block` (fixed), `enable_dns_support`, `enable_dns_hostnames` (live; one call each, AWS takes no two).
/// Outputs: `id`, `arn`, `cidr_block`, and what AWS makes with it: `default_security_group_id`, `main_route_table_id`. Id: `vpc-…`.
pub(super) struct Vpc {
    aws: Arc<Aws>,
    clouds: Reader<Clouds>,
}

/// VPCs by their ids.
pub(super) struct Clouds;

#[async_trait]
impl Kind for Clouds {
    type Object = Cloud;
    const ID: &'static str = "vpc-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Cloud>, Failure> {
        every!(aws.ec2.describe_vpcs().set_filters(Some(filters)), "ec2:DescribeVpcs")
    }

    fn id(vpc: &Cloud) -> &str {
        vpc.vpc_id().unwrap_or_default()
    }

    fn tags(vpc: &Cloud) -> &[Tag] {
        vpc.tags()
    }
}

/// What other calls than DescribeVpcs tell.
#[derive(Debug)]
struct Beside {
    dns_support: bool,
    dns_hostnames: bool,
    group: Option<String>,
    table: Option<String>,
}

/// Whether instances can resolve names; of a VPC that went while we asked there is no answer.
pub(super) async fn dns(aws: &Aws, id: &str, attribute: VpcAttributeName) -> Result<Option<bool>, Failure> {
    let call = aws.ec2.describe_vpc_attribute().vpc_id(id).attribute(attribute);
    let reply = call.send().await.absent("ec2:DescribeVpcAttribute")?;
    let value = |value: Option<&AttributeBooleanValue>| value.and_then(AttributeBooleanValue::value);
    Ok(reply.map(|reply| value(reply.enable_dns_support()).or(value(reply.enable_dns_hostnames())).unwrap_or_default()))
}

impl Vpc {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { clouds: Reader::new(Arc::clone(&aws)), aws }
    }

    async fn beside(&self, id: &str) -> Result<Option<Beside>, Failure> {
        let support = dns(&self.aws, id, VpcAttributeName::EnableDnsSupport);
        let hostnames = dns(&self.aws, id, VpcAttributeName::EnableDnsHostnames);
        let of = || filter("vpc-id", vec![id.to_owned()]);
        let group = Groups::describe(&self.aws, vec![of(), filter("group-name", vec!["default".to_owned()])]);
        let table = async {
            let main = filter("association.main", vec!["true".to_owned()]);
            every!(self.aws.ec2.describe_route_tables().filters(of()).filters(main), "ec2:DescribeRouteTables")
        };
        let (support, hostnames, group, table) = tokio::try_join!(support, hostnames, group, table)?;
        let (Some(dns_support), Some(dns_hostnames)) = (support, hostnames) else { return Ok(None) };
        let group = group.first().and_then(|group| group.group_id()).map(str::to_owned);
        let table = table.first().and_then(|table| table.route_table_id()).map(str::to_owned);
        Ok(Some(Beside { dns_support, dns_hostnames, group, table }))
    }

    fn found(&self, vpc: &Cloud, beside: &Beside) -> Found {
        let id = Clouds::id(vpc);
        let mut outputs = map([
            ("id", id.into()),
            ("arn", self.aws.arn("ec2", &self.aws.region, &format!("vpc/{id}")).into()),
            ("cidr_block", json(vpc.cidr_block())),
        ]);
        let made = [("default_security_group_id", &beside.group), ("main_route_table_id", &beside.table)];
        outputs.extend(made.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id.as_deref()?.into()))));
        Found {
            id: id.to_owned(),
            settings: map([
                ("cidr_block", json(vpc.cidr_block())),
                ("enable_dns_support", beside.dns_support.into()),
                ("enable_dns_hostnames", beside.dns_hostnames.into()),
            ]),
            outputs,
            tags: own_tags(vpc.tags()),
            readiness: match vpc.state() {
                Some(VpcState::Pending) => Readiness::Pending("pending".to_owned()),
                Some(VpcState::Deleting) => Readiness::Pending("deleting".to_owned()),
                _ if beside.group.is_none() || beside.table.is_none() => {
                    Readiness::Pending("its default security group and main route table don't show yet".to_owned())
                }
                _ => Readiness::Ready,
            },
        }
    }

    async fn set(&self, id: &str, name: &str, value: bool) -> Result<(), Failure> {
        let value = AttributeBooleanValue::builder().value(value).build();
        let call = self.aws.ec2.modify_vpc_attribute().vpc_id(id);
        let call = if name == "enable_dns_support" { call.enable_dns_support(value) } else { call.enable_dns_hostnames(value) };
        call.send().await.map(drop).map_err(|error| failure("ec2:ModifyVpcAttribute", error))
    }
}

#[async_trait]
impl Component for Vpc {
    fn kind(&self) -> &'static str {
        "vpc"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:CreateTags",
            "ec2:CreateVpc",
            "ec2:DeleteTags",
            "ec2:DeleteVpc",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcs",
            "ec2:ModifyVpcAttribute",
        ]
    }

    fn tokenless(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        let mut found = Vec::new();
        for vpc in self.clouds.tagged(query).await? {
            if let Some(beside) = self.beside(Clouds::id(&vpc)).await? {
                found.push(self.found(&vpc, &beside));
            }
        }
        Ok(found)
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        // With an id all is asked at once.
        let by_id = async {
            match &query.id {
                Some(id) => tokio::try_join!(self.clouds.get(id), self.beside(id)),
                None => Ok((None, None)),
            }
        };
        if let (Some(vpc), Some(beside)) = by_id.await? {
            return Ok(Some(self.found(&vpc, &beside)));
        }
        let Some(vpc) = self.clouds.find(&Query { id: None, ..query.clone() }).await? else { return Ok(None) };
        let beside = self.beside(Clouds::id(&vpc)).await?;
        Ok(beside.map(|beside| self.found(&vpc, &beside)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateVpc";
        let reply = (self.aws.ec2.create_vpc())
            .cidr_block(required(&wanted.settings, "cidr_block", CALL)?)
            .tag_specifications(specification(ResourceType::Vpc, &wanted.tags))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let vpc = reply.vpc().ok_or_else(|| bug(CALL, "the reply holds no VPC"))?;
        // As AWS makes every VPC that isn't the default one.
        let beside = Beside { dns_support: true, dns_hostnames: false, group: None, table: None };
        Ok(Found { tags: wanted.tags.clone(), ..self.found(vpc, &beside) })
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        // Names need resolution first.
        for name in ["enable_dns_support", "enable_dns_hostnames"] {
            if let (true, Some(value)) = (changed.contains(name), wanted.settings.get(name).and_then(serde_json::Value::as_bool)) {
                self.set(&found.id, name, value).await?;
            }
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reply = self.aws.ec2.delete_vpc().vpc_id(&found.id).send().await;
        match reply.absent("ec2:DeleteVpc") {
            Ok(_) => Ok(None),
            Err(failure) => Err(blockers::named(&self.aws, Of::Vpc(&found.id), failure).await),
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

    fn component(script: &Script) -> Vpc {
        Vpc::new(script.aws("eu-west-1"))
    }

    fn vpcs(items: &str) -> String {
        replies::set("DescribeVpcs", "vpcSet", items)
    }

    fn vpc() -> String {
        let tags = replies::tags("vpc", &[("Name", "n-vpc")]);
        format!("<item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><state>available</state>{tags}</item>")
    }

    fn beside(script: Script, group: &str) -> Script {
        let dns = |name: &str, on: bool| {
            replies::reply("DescribeVpcAttribute", &format!("<vpcId>vpc-1</vpcId><{name}><value>{on}</value></{name}>"))
        };
        script
            .on("DescribeVpcAttribute", 200, &dns("enableDnsSupport", true))
            .on("DescribeVpcAttribute", 200, &dns("enableDnsHostnames", false))
            .on("DescribeSecurityGroups", 200, &replies::set("DescribeSecurityGroups", "securityGroupInfo", group))
            .on(
                "DescribeRouteTables",
                200,
                &replies::set("DescribeRouteTables", "routeTableSet", "<item><routeTableId>rtb-m</routeTableId></item>"),
            )
    }

    #[tokio::test]
    async fn found_by_its_id_it_is_complete() {
        let script = beside(Script::any_order().on("DescribeVpcs", 200, &vpcs(&vpc())), "<item><groupId>sg-d</groupId></item>");
        let found = component(&script).find(&query("vpc", Some("vpc-1"), [])).await.unwrap().unwrap();
        script.finish();
        let expected = [("cidr_block", json!("10.0.0.0/16")), ("enable_dns_support", json!(true)), ("enable_dns_hostnames", json!(false))];
        assert_eq!(found.settings, map(expected));
        let outputs = [
            ("id", json!("vpc-1")),
            ("arn", json!("arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1")),
            ("cidr_block", json!("10.0.0.0/16")),
            ("default_security_group_id", json!("sg-d")),
            ("main_route_table_id", json!("rtb-m")),
        ];
        assert_eq!((found.outputs, found.readiness), (map(outputs), Readiness::Ready));
        assert_eq!(found.tags.len(), 3);
    }

    #[tokio::test]
    async fn found_by_its_tags_and_not_ready_before_what_comes_with_it_shows() {
        let script = beside(Script::any_order().on("DescribeVpcs", 200, &vpcs(&vpc())), "");
        let found = component(&script).find(&query("vpc", None, [])).await.unwrap().unwrap();
        assert!(matches!(found.readiness, Readiness::Pending(_)));
        assert_eq!(found.outputs.get("default_security_group_id"), None);
    }

    #[tokio::test]
    async fn what_is_gone_is_absent_by_id_and_tags() {
        let gone = replies::error("InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist");
        let script = Script::any_order().on("DescribeVpcs", 200, &vpcs("")).on("DescribeVpcs", 200, &vpcs(""));
        let script = script.on("DescribeVpcAttribute", 400, &gone).on("DescribeVpcAttribute", 400, &gone);
        let script = script.on("DescribeSecurityGroups", 200, &replies::set("DescribeSecurityGroups", "securityGroupInfo", ""));
        let script = script.on("DescribeRouteTables", 200, &replies::set("DescribeRouteTables", "routeTableSet", ""));
        assert_eq!(component(&script).find(&query("vpc", Some("vpc-1"), [])).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags() {
        let script = Script::new().on(
            "CreateVpc",
            200,
            &replies::reply("CreateVpc", "<vpc><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><state>pending</state></vpc>"),
        );
        let made = component(&script).create(&wanted("vpc", [("cidr_block", json!("10.0.0.0/16"))])).await.unwrap();
        assert_eq!((made.id.as_str(), made.readiness, made.tags.len()), ("vpc-1", Readiness::Pending("pending".into()), 2));
        let body = &script.finish()[0].1;
        assert!(
            body.contains("CidrBlock=10.0.0.0%2F16") && body.contains("TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1."),
            "{body}"
        );
    }

    #[tokio::test]
    async fn each_attribute_is_one_call_resolution_first() {
        let script = Script::new();
        let script = script.on("ModifyVpcAttribute", 200, &replies::done("ModifyVpcAttribute")).on(
            "ModifyVpcAttribute",
            200,
            &replies::done("ModifyVpcAttribute"),
        );
        let wanted = wanted("vpc", [("enable_dns_support", json!(true)), ("enable_dns_hostnames", json!(true))]);
        let found = Found { id: "vpc-1".into(), ..Found::default() };
        component(&script).update(&found, &wanted, &names(&["enable_dns_hostnames", "enable_dns_support"])).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("EnableDnsSupport.Value=true") && asked[1].1.contains("EnableDnsHostnames.Value=true"), "{asked:?}");
    }

    #[tokio::test]
    async fn delete_may_be_repeated() {
        let found = Found { id: "vpc-1".into(), ..Found::default() };
        let script = Script::new().on("DeleteVpc", 200, &replies::done("DeleteVpc"));
        let script = script.on("DeleteVpc", 400, &replies::error("InvalidVpcID.NotFound", "gone"));
        let component = component(&script);
        for _ in 0..2 {
            assert_eq!(component.delete(&found, &wanted("vpc", [])).await.unwrap(), None);
        }
        script.finish();
    }
}
