//! `vpc_endpoint`: a private way to a service of AWS.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, VpcEndpoint as Endpoint, VpcEndpointType};
use serde_json::Value as Json;

use super::{
    reader::{Kind, Reader, every},
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Aws, error::partial, failure, once},
    components::settings::{Settings, bug, json, map, required, text, texts},
    graph::{Class, Component, Doing, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A gateway endpoint (S3) or an interface endpoint.
///
/// Settings: `vpc_id`, `service_name`, `endpoint_type` (`Gateway` or `Interface`; fixed), `route_table_ids` (of a gateway), `subnet_ids`,
/// `security_group_ids`, `private_dns_enabled` (of an interface), `policy` (document; all live). Outputs: `id`, `arn`. Id: `vpce-…`.
pub(super) struct VpcEndpoint {
    aws: Arc<Aws>,
    endpoints: Reader<Endpoints>,
}

/// VPC endpoints by their ids.
struct Endpoints;

#[async_trait]
impl Kind for Endpoints {
    type Object = Endpoint;
    const ID: &'static str = "vpc-endpoint-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Endpoint>, Failure> {
        every!(aws.ec2.describe_vpc_endpoints().set_filters(Some(filters)), "ec2:DescribeVpcEndpoints")
    }

    fn id(endpoint: &Endpoint) -> &str {
        endpoint.vpc_endpoint_id().unwrap_or_default()
    }

    fn tags(endpoint: &Endpoint) -> &[Tag] {
        endpoint.tags()
    }

    fn exists(endpoint: &Endpoint) -> bool {
        state(endpoint) != "deleted"
    }

    fn is_leaving(endpoint: &Endpoint) -> bool {
        ["deleting", "failed", "rejected", "expired"].contains(&state(endpoint).as_str())
    }
}

/// Lower-case: AWS documents `Available` and tells `available`.
fn state(endpoint: &Endpoint) -> String {
    endpoint.state().map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default()
}

fn readiness(endpoint: &Endpoint) -> Readiness {
    let state = state(endpoint);
    match state.as_str() {
        "available" => Readiness::Ready,
        "" => Readiness::Pending("AWS tells no state of it".to_owned()),
        "failed" | "rejected" | "expired" | "pendingacceptance" | "partial" => {
            let error = endpoint.last_error().and_then(|error| error.message()).or(endpoint.failure_reason());
            Readiness::Broken(format!("{} is {state}: {}", Endpoints::id(endpoint), error.unwrap_or("AWS tells no reason")))
        }
        _ => Readiness::Pending(state),
    }
}

impl VpcEndpoint {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { endpoints: Reader::new(Arc::clone(&aws)), aws }
    }

    fn found(&self, endpoint: &Endpoint) -> Found {
        let id = Endpoints::id(endpoint);
        let groups: Vec<&str> = endpoint.groups().iter().filter_map(|group| group.group_id()).collect();
        // A document that can't be read is told as it is, which is drift.
        let policy = endpoint.policy_document().map(|text| serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)));
        Found {
            id: id.to_owned(),
            settings: map([
                ("vpc_id", json(endpoint.vpc_id())),
                ("service_name", json(endpoint.service_name())),
                ("endpoint_type", json(endpoint.vpc_endpoint_type().map(VpcEndpointType::as_str))),
                ("route_table_ids", endpoint.route_table_ids().into()),
                ("subnet_ids", endpoint.subnet_ids().into()),
                ("security_group_ids", groups.into()),
                ("private_dns_enabled", endpoint.private_dns_enabled().unwrap_or_default().into()),
                ("policy", policy.unwrap_or_default()),
            ]),
            outputs: map([("id", id.into()), ("arn", self.aws.arn("ec2", &self.aws.region, &format!("vpc-endpoint/{id}")).into())]),
            tags: own_tags(endpoint.tags()),
            readiness: readiness(endpoint),
        }
    }
}

/// What of a list is to be added and what removed; nothing for a list that isn't changed.
fn difference(name: &str, found: &Settings, wanted: &Settings, changed: &BTreeSet<String>) -> (Option<Vec<String>>, Option<Vec<String>>) {
    if !changed.contains(name) {
        return (None, None);
    }
    let (found, wanted) = (texts(found, name).unwrap_or_default(), texts(wanted, name).unwrap_or_default());
    let without = |these: &[String], those: &[String]| {
        let rest: Vec<String> = these.iter().filter(|item| !those.contains(item)).cloned().collect();
        Some(rest).filter(|rest| !rest.is_empty())
    };
    (without(&wanted, &found), without(&found, &wanted))
}

fn policy_text(settings: &Settings) -> Option<String> {
    match settings.get("policy") {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        Some(document) => Some(document.to_string()),
    }
}

#[async_trait]
impl Component for VpcEndpoint {
    fn kind(&self) -> &'static str {
        "vpc_endpoint"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:CreateTags",
            "ec2:CreateVpcEndpoint",
            "ec2:DeleteTags",
            "ec2:DeleteVpcEndpoints",
            // Which services there are, and their full names, is asked at plan.
            "ec2:DescribeVpcEndpointServices",
            "ec2:DescribeVpcEndpoints",
            "ec2:ModifyVpcEndpoint",
        ]
    }

    fn is_remade(&self) -> bool {
        true
    }

    fn usual(&self, doing: Doing) -> Option<Duration> {
        match doing {
            Doing::Creating => Some(Duration::from_secs(60)),
            Doing::Deleting => Some(Duration::from_secs(30)),
            _ => None,
        }
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        Ok(self.endpoints.find(query).await?.map(|endpoint| self.found(&endpoint)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateVpcEndpoint";
        let settings = &wanted.settings;
        let reply = (self.aws.ec2.create_vpc_endpoint())
            .vpc_id(required(settings, "vpc_id", CALL)?)
            .service_name(required(settings, "service_name", CALL)?)
            .vpc_endpoint_type(VpcEndpointType::from(required(settings, "endpoint_type", CALL)?))
            .set_route_table_ids(texts(settings, "route_table_ids"))
            .set_subnet_ids(texts(settings, "subnet_ids"))
            .set_security_group_ids(texts(settings, "security_group_ids"))
            .set_private_dns_enabled(settings.get("private_dns_enabled").and_then(Json::as_bool))
            .set_policy_document(policy_text(settings))
            .client_token(&wanted.token)
            .tag_specifications(specification(ResourceType::VpcEndpoint, &wanted.tags))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let endpoint = reply.vpc_endpoint().ok_or_else(|| bug(CALL, "the reply holds no endpoint"))?;
        Ok(Found { tags: wanted.tags.clone(), ..self.found(endpoint) })
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.is_empty() {
            return Ok(());
        }
        let settings = &wanted.settings;
        let of = |name| difference(name, &found.settings, settings, changed);
        let (add_tables, remove_tables) = of("route_table_ids");
        let (add_subnets, remove_subnets) = of("subnet_ids");
        let (add_groups, remove_groups) = of("security_group_ids");
        let private_dns = settings.get("private_dns_enabled").and_then(Json::as_bool).filter(|_| changed.contains("private_dns_enabled"));
        let policy = policy_text(settings).filter(|_| changed.contains("policy"));
        // An empty text means AWS's own policy.
        let reset = (changed.contains("policy") && policy.is_none() && text(settings, "policy").is_none()).then_some(true);
        (self.aws.ec2.modify_vpc_endpoint())
            .vpc_endpoint_id(&found.id)
            .set_add_route_table_ids(add_tables)
            .set_remove_route_table_ids(remove_tables)
            .set_add_subnet_ids(add_subnets)
            .set_remove_subnet_ids(remove_subnets)
            .set_add_security_group_ids(add_groups)
            .set_remove_security_group_ids(remove_groups)
            .set_private_dns_enabled(private_dns)
            .set_policy_document(policy)
            .set_reset_policy(reset)
            .send()
            .await
            .map(drop)
            .map_err(|error| failure("ec2:ModifyVpcEndpoint", error))
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        const CALL: &str = "ec2:DeleteVpcEndpoints";
        let reply = self.aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&found.id).send().await.map_err(|error| failure(CALL, error))?;
        refused(CALL, reply.unsuccessful())
    }
}

/// The refusal in a reply that says of each object whether it went.
pub(super) fn refused(call: &'static str, items: &[aws_sdk_ec2::types::UnsuccessfulItem]) -> Result<Option<Kept>, Failure> {
    let Some(error) = items.first().and_then(|item| item.error()) else { return Ok(None) };
    let refused = partial(call, error.code(), error.message().unwrap_or_default());
    if refused.class == Class::NotFound { Ok(None) } else { Err(refused) }
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

    const ID: &str = "endpoint/sts";

    fn component(script: &Script) -> VpcEndpoint {
        VpcEndpoint::new(script.aws("eu-west-1"))
    }

    fn body(id: &str, state: &str) -> String {
        format!(
            "<vpcEndpointId>{id}</vpcEndpointId><vpcEndpointType>Interface</vpcEndpointType><vpcId>vpc-1</vpcId>             <serviceName>com.amazonaws.eu-west-1.sts</serviceName><state>{state}</state><policyDocument>{{\"Statement\":[]}}</policyDocument>             <subnetIdSet><item>subnet-1</item></subnetIdSet><groupSet><item><groupId>sg-1</groupId></item></groupSet>             <privateDnsEnabled>true</privateDnsEnabled><lastError><message>why</message><code>c</code></lastError>{}",
            replies::tags(ID, &[])
        )
    }

    fn endpoints(items: &[(&str, &str)]) -> String {
        let items: String = items.iter().map(|(id, state)| format!("<item>{}</item>", body(id, state))).collect();
        replies::set("DescribeVpcEndpoints", "vpcEndpointSet", &items)
    }

    fn settings() -> [(&'static str, Json); 8] {
        [
            ("vpc_id", json!("vpc-1")),
            ("service_name", json!("com.amazonaws.eu-west-1.sts")),
            ("endpoint_type", json!("Interface")),
            ("route_table_ids", json!([])),
            ("subnet_ids", json!(["subnet-1"])),
            ("security_group_ids", json!(["sg-1"])),
            ("private_dns_enabled", json!(true)),
            ("policy", json!({ "Statement": [] })),
        ]
    }

    #[tokio::test]
    async fn found_by_id_in_each_state_and_absent_when_deleted() {
        for (state, readiness) in [
            ("available", Readiness::Ready),
            ("Available", Readiness::Ready),
            ("pending", Readiness::Pending("pending".into())),
            ("deleting", Readiness::Pending("deleting".into())),
            ("failed", Readiness::Broken("vpce-1 is failed: why".into())),
            ("pendingAcceptance", Readiness::Broken("vpce-1 is pendingacceptance: why".into())),
        ] {
            let script = Script::new().on("DescribeVpcEndpoints", 200, &endpoints(&[("vpce-1", state)]));
            let found = component(&script).find(&query(ID, Some("vpce-1"), [])).await.unwrap().unwrap();
            assert_eq!((found.settings, found.readiness), (map(settings()), readiness), "{state}");
        }
        let gone = endpoints(&[("vpce-1", "deleted")]);
        let script = Script::new().on("DescribeVpcEndpoints", 200, &gone).on("DescribeVpcEndpoints", 200, &gone);
        assert_eq!(component(&script).find(&query(ID, Some("vpce-1"), [])).await.unwrap(), None);
        let several = endpoints(&[("vpce-1", "deleting"), ("vpce-2", "available")]);
        let script = Script::new().on("DescribeVpcEndpoints", 200, &several);
        assert_eq!(component(&script).find(&query(ID, None, [])).await.unwrap().unwrap().id, "vpce-2");
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags_and_token() {
        let made = format!("<vpcEndpoint>{}</vpcEndpoint>", body("vpce-1", "pending"));
        let script = Script::new().on("CreateVpcEndpoint", 200, &replies::reply("CreateVpcEndpoint", &made));
        component(&script).create(&wanted(ID, settings())).await.unwrap();
        let body = &script.finish()[0].1;
        for part in [
            "VpcEndpointType=Interface",
            "SubnetId.1=subnet-1",
            "SecurityGroupId.1=sg-1",
            "PrivateDnsEnabled=true",
            "TagSpecification.1.ResourceType=vpc-endpoint",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(body.contains(&format!("ClientToken={}", "t".repeat(64))), "{body}");
    }

    #[tokio::test]
    async fn lists_are_changed_by_what_comes_and_goes() {
        let script = Script::new().on("ModifyVpcEndpoint", 200, &replies::done("ModifyVpcEndpoint"));
        let found = Found {
            id: "vpce-1".into(),
            settings: map([("subnet_ids", json!(["subnet-1", "subnet-2"])), ("security_group_ids", json!(["sg-1"]))]),
            ..Found::default()
        };
        let wanted =
            wanted(ID, [("subnet_ids", json!(["subnet-2", "subnet-3"])), ("security_group_ids", json!(["sg-2"])), ("policy", json!(""))]);
        component(&script).update(&found, &wanted, &names(&["subnet_ids", "policy"])).await.unwrap();
        let body = &script.finish()[0].1;
        for part in ["AddSubnetId.1=subnet-3", "RemoveSubnetId.1=subnet-1", "ResetPolicy=true"] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(!body.contains("subnet-2") && !body.contains("sg-2"), "{body}");
    }

    #[tokio::test]
    async fn delete_may_be_repeated_and_its_refusal_stands_in_the_reply() {
        let found = Found { id: "vpce-1".into(), ..Found::default() };
        let refused = |code: &str| {
            let item = format!(
                "<item><resourceId>vpce-1</resourceId><error><code>{code}</code><message>The Vpc Endpoint Id 'vpce-1' does not exist</message></error></item>"
            );
            replies::set("DeleteVpcEndpoints", "unsuccessful", &item)
        };
        let script = Script::new().on("DeleteVpcEndpoints", 200, &replies::set("DeleteVpcEndpoints", "unsuccessful", ""));
        let script = script.on("DeleteVpcEndpoints", 200, &refused("InvalidVpcEndpoint.NotFound")).on(
            "DeleteVpcEndpoints",
            200,
            &refused("UnauthorizedOperation"),
        );
        let component = component(&script);
        assert_eq!(component.delete(&found, &wanted(ID, [])).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted(ID, [])).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted(ID, [])).await.unwrap_err().class, Class::Denied);
    }
}
