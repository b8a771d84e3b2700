//! What no part of an environment sees by itself.

use tf_provider::{Diagnostic, Diagnostics, Path};

use super::{CLUSTER, Environment, network};

/// Node groups stand in zones where the network has subnets.
pub(super) fn check(model: &Environment) -> Diagnostics {
    let Some(network) = model.network.known() else { return Vec::new() };
    let Some(subnets) = network::node_subnets(network).filter(|subnets| !subnets.is_empty()) else { return Vec::new() };
    let zones: Vec<&str> = subnets.iter().map(|(zone, _)| zone.as_str()).collect();
    let groups = model.cluster.known().and_then(|cluster| cluster.node_groups.known());
    let mut found = Diagnostics::new();
    for (name, group) in groups.into_iter().flatten() {
        let wanted = group.availability_zones.known().into_iter().flat_map(tf_provider::Set::known);
        let Some(missing) = wanted.into_iter().find(|zone| !zones.contains(&zone.as_str())) else { continue };
        let detail = if network.existing.is_null() {
            format!(
                "The network has no subnet in {missing}; it has subnets in {}. Name some of these, or leave the attribute out.",
                zones.join(", ")
            )
        } else {
            "In a network that exists already nodes stand in all of `network.existing.private_subnet_ids`. Leave the attribute out."
                .to_owned()
        };
        let path = Path::of(CLUSTER).attribute("node_groups").key(name).attribute("availability_zones");
        found.push(Diagnostic::error(path, "A zone without a subnet", detail));
    }
    found
}

#[cfg(test)]
mod tests {
    use tf_provider::{Model, Value};

    use super::*;

    fn model(zones: Value) -> Environment {
        let group = Value::object([("availability_zones", zones)]);
        let cluster = Value::object([("node_groups", Value::object([("a", group)]))]);
        let network = Value::object([("availability_zones", Value::List(vec!["euc1-az1".into(), "euc1-az2".into()]))]);
        Environment::from_value(&Value::object([("cluster", cluster), ("network", network)]), &Path::root()).unwrap()
    }

    #[test]
    fn a_group_stands_where_the_network_has_subnets() {
        for fine in [Value::List(vec!["euc1-az2".into()]), Value::Null, Value::Unknown] {
            assert_eq!(check(&model(fine)), Vec::new());
        }
        let refused = check(&model(Value::List(vec!["euc1-az1".into(), "euc1-az9".into()])));
        assert_eq!(refused.len(), 1);
        assert!(refused[0].detail.contains("no subnet in euc1-az9; it has subnets in euc1-az1, euc1-az2"));
        assert_eq!(refused[0].path.to_string(), "cluster.node_groups[\"a\"].availability_zones");
    }
}
