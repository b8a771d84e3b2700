//! Which part takes what from which: the edges between parts.

use serde_json::json;
use tf_provider::{Attr, Diagnostics, Value};

use super::{CLUSTER, DATABASE, ENCRYPTION, Environment, IDENTITY, MONITORING, NETWORK, STORAGE, fate, id, preset};
use crate::{
    graph::{ComponentId, Input, Node, link},
    policies::Place,
    resources::{
        parts::{cluster, database, encryption, identity, monitoring, network, record, storage},
        setting::{or_none, settings, unread},
    },
};

/// An environment's parts with their links.
pub(super) struct Wiring<'a> {
    model: &'a Environment,
    place: &'a Place,
    name: String,
    network: network::Network,
    encryption: encryption::Encryption,
    storage: storage::Storage,
    identity: identity::Identity,
    data_key_arn: Attr<String>,
}

impl<'a> Wiring<'a> {
    pub(super) fn of(model: &'a Environment, place: &'a Place) -> Self {
        let encryption = model.encryption.known().cloned().unwrap_or_default();
        let data_key_arn = if model.encryption.is_unknown() { Attr::Unknown } else { encryption::data_key_arn(&encryption) };
        Self {
            model,
            place,
            name: model.name.known().cloned().unwrap_or_default(),
            network: model.network.known().cloned().unwrap_or_default(),
            storage: model.storage.known().cloned().unwrap_or_default(),
            identity: model.identity.known().cloned().unwrap_or_default(),
            encryption,
            data_key_arn,
        }
    }

    /// The data key's ARN as a setting's value, which may be a link.
    fn data_key(&self) -> Input {
        match &self.data_key_arn {
            Attr::Known(arn) => Input::from(json!(arn)),
            _ => Input::Unknown,
        }
    }

    fn network_links(&self) -> network::Links {
        network::Links {
            name: self.name.clone(),
            logs_key_arn: self.data_key(),
            permissions_boundary: or_none(&self.model.permissions_boundary),
            iam_path: self.iam_path(),
        }
    }

    fn iam_path(&self) -> Input {
        crate::resources::setting::input(&self.model.iam_path)
    }

    fn cluster_links(&self) -> cluster::Links {
        cluster::Links {
            name: self.model.name.clone(),
            vpc_id: network::vpc_id(&self.network),
            control_plane_subnet_ids: network::subnet_ids(&self.network, network::Purpose::ControlPlane),
            node_subnets: network::node_subnets(&self.network),
            key_arn: self.data_key_arn.clone(),
            nodes_after: network::ways_out(&self.network),
            permissions_boundary: self.model.permissions_boundary.clone(),
            iam_path: self.model.iam_path.clone(),
        }
    }

    fn database_links(&self) -> database::Links {
        let topic =
            self.model.monitoring.known().and_then(|monitoring| match (&monitoring.sns_topic_arn, monitoring::has_topic(monitoring)) {
                (Attr::Known(arn), _) => Some(Input::Known(json!(arn))),
                (Attr::Unknown, _) | (_, None) => Some(Input::Unknown),
                (_, Some(true)) => Some(Input::Output(id(monitoring::TOPIC), "arn".to_owned())),
                (_, Some(false)) => None,
            });
        database::Links {
            name: self.name.clone(),
            vpc_id: network::vpc_id(&self.network),
            database_subnet_ids: network::subnet_ids(&self.network, network::Purpose::Database),
            node_security_group_id: Input::Output(id(cluster::NODE_SECURITY_GROUP), "id".to_owned()),
            data_key_arn: self.data_key(),
            topic_arn: topic,
            permissions_boundary: or_none(&self.model.permissions_boundary),
            iam_path: self.iam_path(),
            prefix: "database.",
        }
    }

    fn identity_links(&self) -> identity::Links {
        identity::Links {
            name: self.model.name.clone(),
            bucket: self.storage.bucket.clone(),
            access: self.storage.access.clone(),
            tokens_key_arn: encryption::tokens_key_arn(&self.encryption),
            data_key_arn: self.data_key_arn.clone(),
            permissions_boundary: self.model.permissions_boundary.clone(),
            iam_path: self.model.iam_path.clone(),
        }
    }

    /// What the alarms watch. `prior`: the state, which knows what there is.
    pub(super) fn watched(model: &Environment, prior: Option<&Environment>) -> monitoring::Watched {
        let database = model.database.known();
        let before = fate(model, prior).prior(prior.and_then(|prior| prior.database.known()));
        monitoring::Watched {
            database: Some(monitoring::Database {
                instance_class: database.map(|database| database.instance_class.clone()).unwrap_or(Attr::Unknown),
                allocated_storage: database.map(|database| database::watched_storage(database, before)).unwrap_or(Attr::Unknown),
                max_connections: database.map_or(Attr::Unknown, max_connections),
            }),
            cluster: true,
            nat_zones: model.network.known().map_or(Attr::Unknown, network::nat_zones),
        }
    }

    fn monitoring_links(&self) -> monitoring::Links {
        let zones = network::nat_zones(&self.network).into_known().unwrap_or_default();
        monitoring::Links {
            name: self.model.name.clone(),
            data_key_arn: self.data_key_arn.clone(),
            database_identifier: Attr::Known(link(database::DATABASE, "identifier")),
            cluster_name: self.model.name.clone(),
            nat_gateway_ids: zones.into_iter().map(|zone| (zone.clone(), Attr::Known(link(&network::nat_gateway(&zone), "id")))).collect(),
            agent: vec![id("addon/amazon-cloudwatch-observability")],
        }
    }

    /// All components, the claim first.
    pub(super) fn nodes(&self) -> Result<Vec<Node>, Diagnostics> {
        let preset = preset(self.model);
        let mut nodes = vec![record::node(record::ENVIRONMENT, self.model)];
        if self.model.encryption.known().is_some() {
            let links = encryption::Links { identity_arn: identity::arn(&self.identity) };
            nodes.extend(encryption::nodes(&self.encryption, &self.model.name, preset, &links, self.place)?);
        }
        if self.model.network.known().is_some() {
            nodes.extend(network::nodes(&self.network, &self.network_links(), self.place));
        }
        if let Attr::Known(cluster) = &self.model.cluster {
            nodes.extend(cluster::nodes(cluster, &self.cluster_links(), self.place));
        }
        if let Attr::Known(database) = &self.model.database {
            nodes.extend(database::nodes(database, &self.database_links(), self.place));
        }
        if self.model.storage.known().is_some() {
            nodes.extend(storage::nodes(&self.storage, preset, &self.data_key_arn, self.place)?);
        }
        if self.model.identity.known().is_some() {
            nodes.extend(identity::nodes(&self.identity, &self.identity_links(), preset, self.place)?);
        }
        if let Attr::Known(monitoring) = &self.model.monitoring {
            nodes.extend(monitoring::nodes(monitoring, &self.monitoring_links(), self.place));
        }
        around_the_cluster(&mut nodes);
        // At plan a part may not be known yet: what links to it then waits for it.
        let there: Vec<ComponentId> = nodes.iter().map(|node| node.id.clone()).collect();
        for node in &mut nodes {
            node.after.retain(|other| there.contains(other));
            if let Some(late) = &mut node.late {
                late.others.retain(|other| there.contains(other));
            }
            for setting in node.settings.values_mut() {
                if setting.value.takes().iter().any(|from| !there.contains(from)) {
                    setting.value = Input::Unknown;
                }
            }
        }
        Ok(nodes)
    }

    /// What stands in state and is wanted no more.
    pub(super) fn leftover(&self, component: &str) -> Result<Option<Node>, Diagnostics> {
        let logs = storage::leftover(component, &self.storage, preset(self.model), &self.data_key_arn, self.place)?;
        Ok(logs
            .or_else(|| network::leftover(component, &self.network, self.place))
            .or_else(|| cluster::leftover(component, &self.cluster_links()))
            .or_else(|| identity::leftover(component))
            .or_else(|| monitoring::leftover(component, &self.monitoring_links())))
    }

    /// What the configuration decides of each part's outputs.
    pub(super) fn foretold(&self) -> Vec<(&'static str, Vec<(&'static str, Value)>)> {
        let mut told = Vec::new();
        if self.model.network.known().is_some() {
            told.push((NETWORK, network::foretell(&self.network)));
        }
        if let Attr::Known(cluster) = &self.model.cluster {
            let mut of_cluster = cluster::foretell(cluster, &self.cluster_links(), self.place);
            of_cluster.push(("name", self.model.name.to_value()));
            told.push((CLUSTER, of_cluster));
        }
        if let Attr::Known(database) = &self.model.database {
            told.push((DATABASE, database::foretell(database, &self.model.name, self.place)));
        }
        if self.model.storage.known().is_some() {
            told.push((STORAGE, storage::foretell(&self.storage, self.place)));
        }
        if self.model.encryption.known().is_some() {
            told.push((ENCRYPTION, encryption::foretell(&self.encryption)));
        }
        if self.model.identity.known().is_some() {
            told.push((IDENTITY, identity::foretell(&self.identity, &self.identity_links(), self.place)));
        }
        if let Attr::Known(monitoring) = &self.model.monitoring {
            told.push((MONITORING, monitoring::foretell(monitoring, &self.model.name, self.place)));
        }
        told
    }
}

/// What Kubernetes' load balancers and interfaces stand in goes after the cluster, with which they are swept: AWS would refuse it before.
fn around_the_cluster(nodes: &mut [Node]) {
    let holds = |id: &str| {
        ["private_subnet", "public_subnet", "internet_gateway", "node_security_group"].contains(&id.split('/').next().unwrap_or(id))
    };
    let held: Vec<ComponentId> = nodes.iter().map(|node| &node.id).filter(|id| holds(&id.0)).cloned().collect();
    if let Some(cluster) = nodes.iter_mut().find(|node| node.id.0 == cluster::CLUSTER) {
        cluster.after.extend(held);
        let prefix = Input::Known(format!("{CLUSTER}.").into());
        cluster.settings.extend(settings([("attribute_prefix", unread(prefix))]));
    }
}

/// The parameter of that name; null: the class's default.
fn max_connections(database: &database::Database) -> Attr<i64> {
    match &database.parameters {
        Attr::Unknown => Attr::Unknown,
        Attr::Null => Attr::Null,
        Attr::Known(parameters) => match parameters.get("max_connections") {
            Some(Attr::Unknown) => Attr::Unknown,
            Some(Attr::Known(text)) => text.parse::<i64>().ok().into(),
            Some(Attr::Null) | None => Attr::Null,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn connections_that_are_not_known_yet_are_no_default() {
        let of = |parameters| max_connections(&database::Database { parameters, ..database::Database::default() });
        let written = |value| Attr::Known(BTreeMap::from([("max_connections".to_owned(), value)]));
        assert_eq!(of(Attr::Unknown), Attr::Unknown);
        assert_eq!(of(written(Attr::Unknown)), Attr::Unknown);
        assert_eq!(of(written(Attr::Known("500".to_owned()))), Attr::Known(500));
        assert_eq!(of(Attr::Known(BTreeMap::new())), Attr::Null);
    }
}
