//! Networks: what EC2 makes.

use std::sync::Arc;

use crate::{aws::Aws, graph::Component};

mod blockers;
mod elastic_ip;
mod endpoint_services;
mod flow_log;
mod internet_gateway;
mod lookup;
mod nat_gateway;
mod reader;
mod route;
mod route_table;
mod route_table_association;
mod security_group;
mod security_group_rules;
mod subnet;
mod tags;
mod vpc;
mod vpc_endpoint;

pub use endpoint_services::endpoint_services;
pub use lookup::{AvailabilityZone, ExistingNetwork, ExistingSubnet, availability_zones, existing_network, is_without_eks};

/// Every kind of this family.
pub(super) fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    // A route table and its routes are told by one call.
    let tables = Arc::new(reader::Reader::new(Arc::clone(aws)));
    vec![
        Arc::new(elastic_ip::ElasticIp::new(Arc::clone(aws))),
        Arc::new(flow_log::FlowLog::new(Arc::clone(aws))),
        Arc::new(internet_gateway::InternetGateway::new(Arc::clone(aws))),
        Arc::new(nat_gateway::NatGateway::new(Arc::clone(aws))),
        Arc::new(route::Route::new(Arc::clone(aws), Arc::clone(&tables))),
        Arc::new(route_table::RouteTable::new(Arc::clone(aws), tables)),
        Arc::new(route_table_association::RouteTableAssociation::new(Arc::clone(aws))),
        Arc::new(security_group::SecurityGroup::new(Arc::clone(aws))),
        Arc::new(security_group_rules::SecurityGroupRules::new(Arc::clone(aws))),
        Arc::new(subnet::Subnet::new(Arc::clone(aws))),
        Arc::new(vpc::Vpc::new(Arc::clone(aws))),
        Arc::new(vpc_endpoint::VpcEndpoint::new(Arc::clone(aws))),
    ]
}

/// Replies of EC2 for tests.
#[cfg(test)]
mod replies {
    /// A success with that inside.
    pub(super) fn reply(action: &str, inner: &str) -> String {
        format!("<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r-1</requestId>{inner}</{action}Response>")
    }

    /// A success that tells nothing.
    pub(super) fn done(action: &str) -> String {
        reply(action, "<return>true</return>")
    }

    /// A Describe's reply.
    pub(super) fn set(action: &str, name: &str, items: &str) -> String {
        reply(action, &format!("<{name}>{items}</{name}>"))
    }

    /// A refusal.
    pub(super) fn error(code: &str, message: &str) -> String {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
        )
    }

    /// An object's tags: ours for a component, and what else is given.
    pub(super) fn tags(component: &str, more: &[(&str, &str)]) -> String {
        let ours = [("deeploy:owner", "deeploy_network/n"), ("deeploy:component", component), ("aws:x", "y")];
        let items: String =
            ours.iter().chain(more).map(|(key, value)| format!("<item><key>{key}</key><value>{value}</value></item>")).collect();
        format!("<tagSet>{items}</tagSet>")
    }

    /// What a component of the network `n` looks for.
    pub(super) fn query<const N: usize>(
        component: &str,
        id: Option<&str>,
        settings: [(&str, serde_json::Value); N],
    ) -> crate::graph::Query {
        crate::graph::Query {
            component: component.into(),
            id: id.map(str::to_owned),
            settings: crate::components::settings::map(settings),
            owner: "deeploy_network/n".into(),
            recover: false,
        }
    }

    /// What a component of the network `n` makes.
    pub(super) fn wanted<const N: usize>(component: &str, settings: [(&str, serde_json::Value); N]) -> crate::graph::Wanted {
        let tags = [("deeploy:owner", "deeploy_network/n"), ("deeploy:component", component)];
        crate::graph::Wanted {
            component: component.into(),
            settings: crate::components::settings::map(settings),
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            token: "t".repeat(64),
        }
    }

    /// Names of settings.
    pub(super) fn names(changed: &[&str]) -> std::collections::BTreeSet<String> {
        changed.iter().map(|name| (*name).to_owned()).collect()
    }
}
