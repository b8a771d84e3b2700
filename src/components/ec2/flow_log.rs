//! `flow_log`: who talked to whom in a VPC.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, FlowLog as Log, FlowLogsResourceType, LogDestinationType, ResourceType, Tag, TrafficType};

use super::{
    reader::{Kind, Reader, every},
    tags::{own_tags, retag, specification},
    vpc_endpoint::refused,
};
use crate::{
    aws::{Aws, error::partial, failure, once},
    components::settings::{bug, json, map, number, required},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A VPC's flow log into a log group.
///
/// Settings, all replace: `resource_id` (the VPC), `traffic_type` (`ALL`, `ACCEPT`, `REJECT`), `log_group_name`, `role_arn`,
/// `max_aggregation_interval` (seconds: 60 or 600). Outputs: `id`, `arn`. Id: `fl-…`.
pub(super) struct FlowLog {
    aws: Arc<Aws>,
    logs: Reader<Logs>,
}

/// Flow logs by their ids.
struct Logs;

#[async_trait]
impl Kind for Logs {
    type Object = Log;
    const ID: &'static str = "flow-log-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Log>, Failure> {
        every!(aws.ec2.describe_flow_logs().set_filter(Some(filters)), "ec2:DescribeFlowLogs")
    }

    fn id(log: &Log) -> &str {
        log.flow_log_id().unwrap_or_default()
    }

    fn tags(log: &Log) -> &[Tag] {
        log.tags()
    }
}

impl FlowLog {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { logs: Reader::new(Arc::clone(&aws)), aws }
    }

    fn found(&self, log: &Log) -> Found {
        let id = Logs::id(log);
        // Told by its name, or as the end of its ARN.
        let destination = log.log_destination().and_then(|arn| arn.split_once(":log-group:")).map(|(_, name)| name.trim_end_matches(":*"));
        Found {
            id: id.to_owned(),
            settings: map([
                ("resource_id", json(log.resource_id())),
                ("traffic_type", json(log.traffic_type().map(TrafficType::as_str))),
                ("log_group_name", json(log.log_group_name().or(destination))),
                ("role_arn", json(log.deliver_logs_permission_arn())),
                ("max_aggregation_interval", log.max_aggregation_interval().into()),
            ]),
            outputs: self.outputs(id),
            tags: own_tags(log.tags()),
            readiness: Readiness::Ready,
        }
    }

    fn outputs(&self, id: &str) -> BTreeMap<String, serde_json::Value> {
        map([("id", id.into()), ("arn", self.aws.arn("ec2", &self.aws.region, &format!("vpc-flow-log/{id}")).into())])
    }
}

#[async_trait]
impl Component for FlowLog {
    fn kind(&self) -> &'static str {
        "flow_log"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:CreateFlowLogs",
            "ec2:CreateTags",
            "ec2:DeleteFlowLogs",
            "ec2:DeleteTags",
            "ec2:DescribeFlowLogs",
            "iam:PassRole",
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
        ]
    }

    fn side_by_side(&self) -> bool {
        true
    }

    async fn strays(&self, query: &Query) -> Result<Vec<Found>, Failure> {
        Ok(self.logs.tagged(query).await?.iter().map(|log| self.found(log)).collect())
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        Ok(self.logs.find(query).await?.map(|log| self.found(&log)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateFlowLogs";
        let settings = &wanted.settings;
        let reply = (self.aws.ec2.create_flow_logs())
            .resource_type(FlowLogsResourceType::Vpc)
            .resource_ids(required(settings, "resource_id", CALL)?)
            .traffic_type(TrafficType::from(required(settings, "traffic_type", CALL)?))
            .log_destination_type(LogDestinationType::CloudWatchLogs)
            .log_group_name(required(settings, "log_group_name", CALL)?)
            .deliver_logs_permission_arn(required(settings, "role_arn", CALL)?)
            .set_max_aggregation_interval(number(settings, "max_aggregation_interval"))
            .client_token(&wanted.token)
            .tag_specifications(specification(ResourceType::VpcFlowLog, &wanted.tags))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        if let Some(error) = reply.unsuccessful().first().and_then(|item| item.error()) {
            return Err(partial(CALL, error.code(), error.message().unwrap_or_default()));
        }
        let id = reply.flow_log_ids().first().ok_or_else(|| bug(CALL, "the reply names no flow log"))?;
        Ok(Found {
            id: id.clone(),
            settings: settings.clone(),
            outputs: self.outputs(id),
            tags: wanted.tags.clone(),
            readiness: Readiness::Ready,
        })
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        const CALL: &str = "ec2:DeleteFlowLogs";
        let reply = self.aws.ec2.delete_flow_logs().flow_log_ids(&found.id).send().await;
        match reply.map_err(|error| failure(CALL, error)) {
            Ok(reply) => refused(CALL, reply.unsuccessful()),
            Err(failure) if failure.class == crate::graph::Class::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::{Value as Json, json};

    use super::{
        super::replies::{self, query, wanted},
        *,
    };
    use crate::{components::replay::Script, graph::Class};

    const ID: &str = "flow_logs";

    fn component(script: &Script) -> FlowLog {
        FlowLog::new(script.aws("eu-west-1"))
    }

    fn settings() -> [(&'static str, Json); 5] {
        [
            ("resource_id", json!("vpc-1")),
            ("traffic_type", json!("ALL")),
            ("log_group_name", json!("/deeploy/n/flow-logs")),
            ("role_arn", json!("arn:aws:iam::123456789012:role/r")),
            ("max_aggregation_interval", json!(600)),
        ]
    }

    fn logs(destination: &str) -> String {
        let log = format!(
            "<item><flowLogId>fl-1</flowLogId><resourceId>vpc-1</resourceId><trafficType>ALL</trafficType>{destination}             <deliverLogsPermissionArn>arn:aws:iam::123456789012:role/r</deliverLogsPermissionArn>             <maxAggregationInterval>600</maxAggregationInterval>{}</item>",
            replies::tags(ID, &[])
        );
        replies::set("DescribeFlowLogs", "flowLogSet", &log)
    }

    #[tokio::test]
    async fn found_by_id_or_tags_with_its_group_in_both_spellings() {
        let by_name = "<logGroupName>/deeploy/n/flow-logs</logGroupName>";
        let by_arn = "<logDestination>arn:aws:logs:eu-west-1:123456789012:log-group:/deeploy/n/flow-logs</logDestination>";
        for (id, destination) in [(Some("fl-1"), by_name), (None, by_arn)] {
            let script = Script::new().on("DescribeFlowLogs", 200, &logs(destination));
            let found = component(&script).find(&query(ID, id, [])).await.unwrap().unwrap();
            assert_eq!((found.id.as_str(), found.settings), ("fl-1", map(settings())));
        }
        let none = replies::set("DescribeFlowLogs", "flowLogSet", "");
        let script = Script::new().on("DescribeFlowLogs", 200, &none).on("DescribeFlowLogs", 200, &none);
        assert_eq!(component(&script).find(&query(ID, Some("fl-1"), [])).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags_and_token() {
        let script = Script::new().on("CreateFlowLogs", 200, &replies::set("CreateFlowLogs", "flowLogIdSet", "<item>fl-1</item>"));
        let made = component(&script).create(&wanted(ID, settings())).await.unwrap();
        assert_eq!((made.id.as_str(), made.settings), ("fl-1", map(settings())));
        let body = &script.finish()[0].1;
        for part in [
            "ResourceId.1=vpc-1",
            "ResourceType=VPC",
            "TrafficType=ALL",
            "TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(body.contains(&format!("ClientToken={}", "t".repeat(64))), "{body}");
    }

    #[tokio::test]
    async fn a_refusal_in_the_reply_is_one() {
        let item = "<item><resourceId>vpc-1</resourceId><error><code>FlowLogAlreadyExists</code><message>There is an existing Flow Log</message></error></item>";
        let script = Script::new().on("CreateFlowLogs", 200, &replies::set("CreateFlowLogs", "unsuccessful", item));
        assert_eq!(component(&script).create(&wanted(ID, settings())).await.unwrap_err().class, Class::Conflict);
        let script = Script::new().on("CreateFlowLogs", 400, &replies::error("InvalidParameter", "Unable to assume given IAM role"));
        assert_eq!(component(&script).create(&wanted(ID, settings())).await.unwrap_err().class, Class::NotYetVisible);
    }

    #[tokio::test]
    async fn delete_may_be_repeated() {
        let found = Found { id: "fl-1".into(), ..Found::default() };
        let script = Script::new().on("DeleteFlowLogs", 200, &replies::set("DeleteFlowLogs", "unsuccessful", ""));
        let script = script.on("DeleteFlowLogs", 400, &replies::error("InvalidFlowLogId.NotFound", "gone"));
        let component = component(&script);
        for _ in 0..2 {
            assert_eq!(component.delete(&found, &wanted(ID, [])).await.unwrap(), None);
        }
        script.finish();
    }
}
