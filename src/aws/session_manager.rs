//! Sessions of AWS Systems Manager that forward a port of this machine, through a node, to a database.
//!
//! API references of StartSession, TerminateSession and DescribeInstanceInformation; user guide, "Starting a session (port forwarding to remote host)".
//! The plugin that speaks on a session is `postgres/via/ssm`'s part.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, Reservation};
use aws_sdk_ssm::types::{InstanceInformationStringFilter, PingStatus};

use super::{Aws, failure};
use crate::{
    graph::{Class, Failure},
    postgres::via::{Secret, Session, Sessions, ViaError},
};

/// AWS's document for it.
pub(crate) const DOCUMENT: &str = "AWS-StartPortForwardingSessionToRemoteHost";

/// What the way through one instance calls.
pub(crate) const INSTANCE_ACTIONS: [&str; 2] = ["ssm:StartSession", "ssm:TerminateSession"];

/// Tags by which a cluster's nodes are known, tried in this order: EKS's own on the nodes of node groups, and on their instances by Auto Scaling.
const CLUSTER_TAGS: [&str; 2] = ["eks:cluster-name", "aws:eks:cluster-name"];

/// Most nodes of a cluster that are looked at; DescribeInstanceInformation shows as many a page.
const NODES_MAX: usize = 50;

/// Most nodes that a session is tried on: one may go while a cluster scales.
const NODES_TRIED_MAX: usize = 3;

/// What a node needs before Session Manager reaches it.
const NODE_NEEDS: &str = "It must run SSM Agent 3.1.1374.0 or later, reach Systems Manager by HTTPS (NAT or the endpoints ssm, ssmmessages and \
                          ec2messages), and its role must have AmazonSSMManagedInstanceCore (`ssm_access` of deeploy_eks_cluster)";

/// Which node forwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// An instance, e.g. `i-0123456789abcdef0`; hybrid nodes (`mi-…`) too.
    Instance(String),
    /// Any node of an EKS cluster, by its name.
    Cluster(String),
}

impl fmt::Display for Through {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => write!(out, "through the instance {id} (Session Manager)"),
            Self::Cluster(name) => write!(out, "through a node of the cluster {name} (Session Manager)"),
        }
    }
}

/// Starts and ends sessions.
pub(crate) struct SessionManager {
    aws: Arc<Aws>,
    through: Through,
    /// Of Systems Manager; only told to the plugin.
    endpoint: String,
}

impl SessionManager {
    /// `endpoint` is the provider's own for Systems Manager, if it has one.
    pub(crate) fn new(aws: Arc<Aws>, through: Through, endpoint: Option<String>) -> Self {
        let endpoint = endpoint.unwrap_or_else(|| format!("https://ssm.{}.{}", aws.region, aws.dns_suffix));
        Self { aws, through, endpoint }
    }

    /// The nodes that a session may go through, best first.
    async fn nodes(&self) -> Result<Vec<String>, ViaError> {
        let cluster = match &self.through {
            Through::Instance(id) => return Ok(vec![id.clone()]),
            Through::Cluster(name) => name,
        };
        let none = |cause: String| ViaError::NoNode { cluster: cluster.clone(), cause };
        let refused = |failure| refused(self.through.to_string(), failure);
        let mut running = Vec::new();
        for tag in CLUSTER_TAGS {
            running = running_instances(&self.aws, tag, cluster).await.map_err(refused)?;
            if !running.is_empty() {
                break;
            }
        }
        if running.is_empty() {
            return Err(none(format!(
                "no running instance of this account and region ({}) has the tag {} = {cluster}",
                self.aws.region,
                CLUSTER_TAGS.join(" or ")
            )));
        }
        let online = online(&self.aws, &running).await.map_err(refused)?;
        if online.is_empty() {
            return Err(none(format!("of its {} running nodes none is online in Systems Manager. {NODE_NEEDS}", running.len())));
        }
        Ok(online)
    }

    async fn start_on(&self, node: &str, host: &str, port: u16) -> Result<Session, Failure> {
        let parameters = [("host", host.to_owned()), ("portNumber", port.to_string()), ("localPortNumber", "0".to_owned())];
        let mut call = self.aws.ssm.start_session().target(node).document_name(DOCUMENT);
        for (name, value) in &parameters {
            call = call.parameters(*name, vec![value.clone()]);
        }
        let reply = call.send().await.map_err(|error| failure("ssm:StartSession", error))?;
        let (Some(id), Some(token), Some(stream_url)) = (reply.session_id, reply.token_value, reply.stream_url) else {
            return Err(incomplete());
        };
        let told: serde_json::Map<String, serde_json::Value> =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), vec![value].into())).collect();
        let request = serde_json::json!({ "Target": node, "DocumentName": DOCUMENT, "Parameters": told }).to_string();
        Ok(Session {
            id,
            token: Secret::new(token),
            stream_url,
            node: node.to_owned(),
            region: self.aws.region.clone(),
            request,
            endpoint: self.endpoint.clone(),
        })
    }
}

#[async_trait]
impl Sessions for SessionManager {
    async fn start(&self, host: &str, port: u16) -> Result<Session, ViaError> {
        let mut last = incomplete();
        for node in self.nodes().await?.iter().take(NODES_TRIED_MAX) {
            match self.start_on(node, host, port).await {
                Ok(session) => return Ok(session),
                Err(failure) if is_away(&failure) => last = failure,
                Err(failure) => return Err(refused(self.describe(), failure)),
            }
        }
        Err(refused(self.describe(), last))
    }

    async fn end(&self, session_id: &str) -> Result<(), ViaError> {
        let ended = self.aws.ssm.terminate_session().session_id(session_id).send().await;
        ended.map(|_| ()).map_err(|error| refused(self.describe(), failure("ssm:TerminateSession", error)))
    }

    fn describe(&self) -> String {
        self.through.to_string()
    }
}

/// The running instances that carry a tag, in the order of their ids.
async fn running_instances(aws: &Aws, tag: &str, value: &str) -> Result<Vec<String>, Failure> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let call = aws.ec2.describe_instances().filters(filter(&format!("tag:{tag}"), value)).filters(filter("instance-state-name", "running"));
    let reservations: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let reservations = reservations.map_err(|error| failure("ec2:DescribeInstances", error))?;
    let instances = reservations.iter().flat_map(Reservation::instances);
    let mut ids: Vec<String> = instances.filter_map(|instance| instance.instance_id().map(str::to_owned)).collect();
    ids.sort();
    Ok(ids)
}

/// Those of the instances that Systems Manager is in touch with.
async fn online(aws: &Aws, instances: &[String]) -> Result<Vec<String>, Failure> {
    const CALL: &str = "ssm:DescribeInstanceInformation";
    let asked: Vec<String> = instances.iter().take(NODES_MAX).cloned().collect();
    let filter = InstanceInformationStringFilter::builder().key("InstanceIds").set_values(Some(asked)).build();
    let Ok(filter) = filter else { return Err(incomplete()) };
    let told: Result<Vec<_>, _> = aws.ssm.describe_instance_information().filters(filter).into_paginator().items().send().collect().await;
    let told = told.map_err(|error| failure(CALL, error))?;
    let online = told.iter().filter(|one| one.ping_status() == Some(&PingStatus::Online));
    let mut ids: Vec<String> = online.filter_map(|one| one.instance_id().map(str::to_owned)).collect();
    ids.sort();
    Ok(ids)
}

/// The node is not connected to Systems Manager.
fn is_away(failure: &Failure) -> bool {
    failure.code.as_deref() == Some("TargetNotConnected")
}

/// A reply of StartSession that lacks something.
fn incomplete() -> Failure {
    Failure {
        class: Class::Bug,
        operation: "ssm:StartSession".to_owned(),
        code: None,
        request_id: None,
        message: "the reply names no session".to_owned(),
        attribute: None,
        retry_after: None,
    }
}

fn refused(way: String, failure: Failure) -> ViaError {
    let away = is_away(&failure);
    // What AWS says often ends in a full stop.
    let stop = if failure.message.ends_with('.') { "" } else { "." };
    let advice = match failure.class {
        _ if away => format!("{stop} {NODE_NEEDS}"),
        Class::Denied => {
            format!("{stop} The caller needs {} on the instance and on the document {DOCUMENT}", INSTANCE_ACTIONS.join(" and "))
        }
        _ => String::new(),
    };
    ViaError::SessionRefused { way, away: away || failure.class == Class::Transient, cause: Box::new(failure), advice }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::replay::Script;

    const STARTED: &str =
        r#"{"SessionId":"me-1","TokenValue":"canary","StreamUrl":"wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/me-1"}"#;
    const AWAY: &str = r#"{"__type":"TargetNotConnected","message":"i-1 is not connected."}"#;

    fn instances(ids: &[&str]) -> String {
        let each: String =
            ids.iter().map(|id| format!("<item><instancesSet><item><instanceId>{id}</instanceId></item></instancesSet></item>")).collect();
        format!(
            "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet>{each}</reservationSet></DescribeInstancesResponse>"
        )
    }

    fn information(all: &[(&str, &str)]) -> String {
        let list: Vec<_> = all.iter().map(|(id, status)| serde_json::json!({"InstanceId": id, "PingStatus": status})).collect();
        serde_json::json!({ "InstanceInformationList": list }).to_string()
    }

    fn through(script: &Script, through: Through) -> SessionManager {
        SessionManager::new(script.aws("eu-west-1"), through, None)
    }

    fn cluster() -> Through {
        Through::Cluster("prod".into())
    }

    #[tokio::test]
    async fn an_instance_is_told_host_and_port_and_so_is_the_plugin() {
        let script = Script::new().on("StartSession", 200, STARTED).on("TerminateSession", 200, r#"{"SessionId":"me-1"}"#);
        let manager = through(&script, Through::Instance("i-1".into()));
        let session = manager.start("db.example", 5432).await.unwrap();
        manager.end(&session.id).await.unwrap();
        assert_eq!((session.endpoint.as_str(), session.node.as_str()), ("https://ssm.eu-west-1.amazonaws.com", "i-1"));
        let asked = script.finish();
        let sent: serde_json::Value = serde_json::from_str(&asked[0].1).unwrap();
        let expected = serde_json::json!({
            "Target": "i-1",
            "DocumentName": "AWS-StartPortForwardingSessionToRemoteHost",
            "Parameters": {"host": ["db.example"], "portNumber": ["5432"], "localPortNumber": ["0"]},
        });
        assert_eq!(sent, expected);
        // The plugin gets what the AWS CLI would give it: the same request.
        assert_eq!(serde_json::from_str::<serde_json::Value>(&session.request).unwrap(), expected);
        assert!(asked[1].1.contains("me-1") && !format!("{session:?}").contains("canary"));
    }

    #[tokio::test]
    async fn a_cluster_is_any_of_its_nodes_that_is_online_and_stays_so() {
        let script = Script::new()
            .on("DescribeInstances", 200, &instances(&["i-3", "i-1", "i-2"]))
            .on("DescribeInstanceInformation", 200, &information(&[("i-1", "Online"), ("i-2", "ConnectionLost"), ("i-3", "Online")]))
            .on("StartSession", 400, AWAY)
            .on("StartSession", 200, STARTED);
        let session = through(&script, cluster()).start("db.example", 5432).await.unwrap();
        assert_eq!(session.node, "i-3");
        let asked = script.finish();
        assert!(asked[0].1.contains("tag%3Aeks%3Acluster-name") && asked[0].1.contains("running"), "{}", asked[0].1);
        assert!(asked[1].1.contains(r#""Values":["i-1","i-2","i-3"]"#), "{}", asked[1].1);
    }

    #[tokio::test]
    async fn a_cluster_without_nodes_says_what_is_missing() {
        let none = instances(&[]);
        let script = Script::new().on("DescribeInstances", 200, &none).on("DescribeInstances", 200, &none);
        let error = through(&script, cluster()).start("db", 5432).await.unwrap_err();
        assert!(
            matches!(error, ViaError::NoNode { .. }) && error.to_string().contains("eks:cluster-name or aws:eks:cluster-name = prod"),
            "{error}"
        );
        assert!(script.finish()[1].1.contains("aws%3Aeks%3Acluster-name"));
        let script = Script::new().on("DescribeInstances", 200, &instances(&["i-1"])).on(
            "DescribeInstanceInformation",
            200,
            &information(&[("i-1", "ConnectionLost")]),
        );
        let error = through(&script, cluster()).start("db", 5432).await.unwrap_err();
        assert!(error.is_unreachable() && error.to_string().contains("of its 1 running nodes none is online"), "{error}");
        script.finish();
    }

    #[tokio::test]
    async fn refusals_say_what_to_do() {
        let denied = r#"{"__type":"AccessDeniedException","message":"User is not authorized to perform: ssm:StartSession"}"#;
        for (body, expected, unreachable) in
            [(AWAY, "AmazonSSMManagedInstanceCore", true), (denied, "The caller needs ssm:StartSession and ssm:TerminateSession", false)]
        {
            let script = Script::new().on("StartSession", 400, body);
            let error = through(&script, Through::Instance("i-1".into())).start("db", 5432).await.unwrap_err();
            assert!(
                error.to_string().contains(expected) && !error.to_string().contains("..") && error.is_unreachable() == unreachable,
                "{error}"
            );
            assert!(
                error
                    .to_string()
                    .starts_with("Session Manager does not start a session through the instance i-1 (Session Manager): ssm:StartSession: "),
                "{error}"
            );
            script.finish();
        }
    }
}
