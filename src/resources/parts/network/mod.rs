//! `network`: the VPC with its subnets, ways out and endpoints, or one that exists already.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Model, Set, Value};

use super::super::{checks, composite::Seen};
use crate::{
    graph::{ComponentId, Input, Observed, link},
    presets::{Preset, table},
};

mod check;
mod choice;
mod nodes;
mod ranges;

pub(crate) use check::{check, check_change, warnings};
pub(crate) use choice::{Facts, derive, import, look_up};
pub(crate) use nodes::{Links, leftover, nodes};

/// The VPC's component.
pub(crate) const VPC: &str = "vpc";
/// S3's gateway endpoint.
const S3_ENDPOINT: &str = "s3_endpoint";
/// The log group of the flow logs.
const FLOW_LOGS_GROUP: &str = "flow_logs_group";
/// The flow log.
const FLOW_LOGS: &str = "flow_logs";

/// A gateway in each zone, one for all, none.
const PER_AZ: &str = "per_az";
const SINGLE: &str = "single";
const NONE: &str = "none";

/// Records of who talked to whom, in a log group of CloudWatch Logs.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct FlowLogs {
    /// Whether traffic is recorded.
    #[tf(optional, computed, note(preset = "network.flow_logs.enabled", change = "live", controls = "EC2.6"))]
    pub enabled: Attr<bool>,
    /// What is recorded: `ALL`, `ACCEPT` or `REJECT`.
    #[tf(
        optional,
        computed,
        validate(checks::one_of(&["ALL", "ACCEPT", "REJECT"])),
        note(preset = "network.flow_logs.traffic_type", change = "replace", controls = "EC2.6")
    )]
    pub traffic_type: Attr<String>,
    /// Days that the records are kept; one of the values that CloudWatch Logs takes.
    #[tf(optional, computed, note(preset = "network.flow_logs.retention_in_days", change = "live", controls = "CloudWatch.16"))]
    pub retention_in_days: Attr<i64>,
}

/// A network that exists already. Nothing of it is changed but what `route_table_ids` says.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Existing {
    /// The VPC's id. Both its DNS attributes must be on.
    #[tf(required, validate(checks::length(1, 32)), note(change = "fixed"))]
    pub vpc_id: Attr<String>,
    /// Subnets of nodes and pods, in at least two availability zones. They need a way to the internet.
    #[tf(required, note(change = "fixed"))]
    pub private_subnet_ids: Attr<Set<String>>,
    /// Subnets of load balancers that the internet reaches; they need the tag `kubernetes.io/role/elb = 1` of you.
    #[tf(optional, note(change = "fixed"))]
    pub public_subnet_ids: Attr<Set<String>>,
    /// Subnets of the database, in at least two availability zones; by default the private ones.
    #[tf(optional, note(change = "fixed"))]
    pub database_subnet_ids: Attr<Set<String>>,
    /// Route tables to which an S3 gateway endpoint is added; without any, none is made.
    #[tf(optional, note(change = "live"))]
    pub route_table_ids: Attr<Set<String>>,
}

/// A VPC over several availability zones: in each a public subnet for load balancers, a private one for nodes and pods, one for the database
/// without a way to the internet, and one for the Kubernetes control plane; NAT gateways, an S3 gateway endpoint, flow logs, and a default
/// security group that lets nothing through.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Network {
    /// IPv4 range of the VPC, from a /16 to a /20. It must overlap neither the ranges from which EKS numbers Kubernetes services (10.100.0.0/16,
    /// 172.20.0.0/16) nor a network that the VPC shall be connected with.
    #[tf(optional, computed, note(preset = "network.cidr", change = "fixed"))]
    pub cidr: Attr<String>,
    /// Ids of two to six availability zones, e.g. `euc1-az1`: names like `eu-central-1a` mean other zones in other accounts. By default the
    /// first three (production) or two (development) of the region in which EKS can run, chosen once.
    #[tf(optional, computed, note(change = "fixed"))]
    pub availability_zones: Attr<Set<String>>,
    /// Prefix length of the private subnets, 16 to 26. By default a /19 (production) or /20 (development), or the largest that fits. Public and
    /// database subnets get a /24, or the largest that fits, the control plane's a /28.
    #[tf(optional, computed, validate(checks::between(16, 26)), note(preset = "network.private_subnet_prefix_length", change = "fixed"))]
    pub private_subnet_prefix_length: Attr<i64>,
    /// How private subnets reach the internet: `per_az` with a NAT gateway in each zone, `single` with one for all, `none` not at all.
    #[tf(
        optional,
        computed,
        validate(checks::one_of(&[PER_AZ, SINGLE, NONE])),
        note(preset = "network.nat", change = "live")
    )]
    pub nat: Attr<String>,
    /// Allocation ids of Elastic IP addresses of your own for the NAT gateways, one for each, in the order of the zones' ids. They are
    /// neither tagged nor released. By default the resource allocates addresses.
    #[tf(optional, note(change = "replace"))]
    pub nat_eip_allocation_ids: Attr<Vec<Attr<String>>>,
    /// Services that are reached by interface endpoints instead of the internet, by the end of their names: `ecr.api`, `ecr.dkr`, `sts`,
    /// `logs`, `ec2`, `eks`, `eks-auth`, `secretsmanager`, `kms` … S3 has a gateway endpoint in any case.
    #[tf(optional, computed, note(preset = "network.interface_endpoints", change = "live"))]
    pub interface_endpoints: Attr<Set<String>>,
    /// Flow logs of the VPC.
    #[tf(optional, computed)]
    pub flow_logs: Attr<FlowLogs>,
    /// A network that exists already and is used as it is; nothing else of this part may be set then.
    #[tf(optional, note(change = "fixed"))]
    pub existing: Attr<Existing>,
    /// The full names of `interface_endpoints`, as the region has them.
    #[tf(computed)]
    pub interface_endpoint_services: Attr<BTreeMap<String, Attr<String>>>,
    /// The VPC's id.
    #[tf(computed)]
    pub vpc_id: Attr<String>,
    /// Ids of the private subnets, in the order of the zones' ids.
    #[tf(computed)]
    pub private_subnet_ids: Attr<Vec<Attr<String>>>,
    /// Ids of the public subnets, in the order of the zones' ids.
    #[tf(computed)]
    pub public_subnet_ids: Attr<Vec<Attr<String>>>,
    /// Ids of the database's subnets, in the order of the zones' ids.
    #[tf(computed)]
    pub database_subnet_ids: Attr<Vec<Attr<String>>>,
    /// Ids of the subnets of the control plane's network interfaces, in the order of the zones' ids.
    #[tf(computed)]
    pub control_plane_subnet_ids: Attr<Vec<Attr<String>>>,
    /// Id of the S3 gateway endpoint.
    #[tf(computed)]
    pub s3_endpoint_id: Attr<String>,
    /// Addresses from which the private subnets reach the internet, for allow lists of others.
    #[tf(computed)]
    pub nat_public_ips: Attr<Vec<Attr<String>>>,
}

/// Computed attributes and their components.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[
    ("vpc_id", VPC),
    ("private_subnet_ids", "private_subnet/*"),
    ("public_subnet_ids", "public_subnet/*"),
    ("database_subnet_ids", "database_subnet/*"),
    ("control_plane_subnet_ids", "control_plane_subnet/*"),
    ("s3_endpoint_id", S3_ENDPOINT),
    ("nat_public_ips", "nat_gateway/*"),
];

/// What subnets are for; the beginning of their components' ids, and of their associations'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Private,
    Public,
    Database,
    ControlPlane,
}

impl Purpose {
    /// All, in the order of [`ranges::Plan`].
    const ALL: [Self; 4] = [Self::Private, Self::Public, Self::Database, Self::ControlPlane];

    const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::Database => "database",
            Self::ControlPlane => "control_plane",
        }
    }

    fn subnet(self, zone: &str) -> String {
        format!("{}_subnet/{zone}", self.name())
    }
}

/// Where the subnets of a network come from.
enum Source<'a> {
    /// Made here, in these zones.
    Own(Vec<&'a str>),
    Existing(&'a Existing),
    /// Not known yet.
    Unknown,
}

fn source(model: &Network) -> Source<'_> {
    match &model.existing {
        Attr::Unknown => Source::Unknown,
        Attr::Known(existing) => Source::Existing(existing),
        Attr::Null => zones(model).map_or(Source::Unknown, Source::Own),
    }
}

/// The zones' ids, sorted; `None` while one is unknown.
fn zones(model: &Network) -> Option<Vec<&str>> {
    let set = model.availability_zones.known()?;
    let mut zones = set.iter().map(Attr::as_str).collect::<Option<Vec<_>>>()?;
    zones.sort_unstable();
    Some(zones)
}

/// A set's elements as JSON; `None` while one is unknown.
fn elements(set: &Attr<Set<String>>) -> Option<Vec<Json>> {
    match set {
        Attr::Unknown => None,
        Attr::Null => Some(Vec::new()),
        Attr::Known(set) => set.iter().map(|item| item.as_str().map(Json::from)).collect(),
    }
}

/// The VPC's id, for the settings of others.
pub(crate) fn vpc_id(model: &Network) -> Input {
    match source(model) {
        Source::Own(_) => Input::Output(VPC.into(), "id".to_owned()),
        Source::Existing(existing) => existing.vpc_id.as_str().map_or(Input::Unknown, |id| Input::Known(id.into())),
        Source::Unknown => Input::Unknown,
    }
}

/// The ids of subnets, for the settings of others.
pub(crate) fn subnet_ids(model: &Network, purpose: Purpose) -> Input {
    match source(model) {
        Source::Own(zones) => Input::from(Json::from_iter(zones.iter().map(|zone| link(&purpose.subnet(zone), "id")))),
        Source::Existing(existing) => elements(existing_subnets(existing, purpose)).map_or(Input::Unknown, |ids| Input::Known(json!(ids))),
        Source::Unknown => Input::Unknown,
    }
}

/// The subnets of nodes with their zones, for node groups of one zone; in a network that isn't ours the zones' ids are empty. `None`: not known yet.
pub(crate) fn node_subnets(model: &Network) -> Option<Vec<(String, Json)>> {
    match source(model) {
        Source::Own(zones) => {
            Some(zones.iter().map(|zone| ((*zone).to_owned(), link(&Purpose::Private.subnet(zone), "id").into())).collect())
        }
        Source::Existing(existing) => {
            let subnets = elements(existing_subnets(existing, Purpose::Private))?;
            Some(subnets.into_iter().map(|subnet| (String::new(), subnet)).collect())
        }
        Source::Unknown => None,
    }
}

/// The zones that have a NAT gateway of ours.
pub(crate) fn nat_zones(model: &Network) -> Attr<BTreeSet<String>> {
    match (source(model), model.nat.as_str()) {
        (Source::Existing(_), _) | (_, Some(NONE)) => Attr::Known(BTreeSet::new()),
        (Source::Own(zones), Some(PER_AZ)) => Attr::Known(zones.into_iter().map(str::to_owned).collect()),
        (Source::Own(zones), Some(SINGLE)) => Attr::Known(zones.into_iter().take(1).map(str::to_owned).collect()),
        _ => Attr::Unknown,
    }
}

/// A zone's NAT gateway.
pub(crate) fn nat_gateway(zone: &str) -> String {
    format!("nat_gateway/{zone}")
}

/// The components without which nothing in a private subnet reaches AWS: who starts there comes after them.
pub(crate) fn ways_out(model: &Network) -> Vec<ComponentId> {
    let Source::Own(zones) = source(model) else { return Vec::new() };
    let per_zone = |kind: &str| zones.iter().map(|zone| format!("{kind}/{zone}")).collect::<Vec<_>>();
    let mut all = per_zone("private_association");
    if model.nat.as_str() != Some(NONE) {
        all.extend(per_zone("private_route"));
    }
    all.push(S3_ENDPOINT.to_owned());
    let services = elements(&model.interface_endpoints).unwrap_or_default();
    all.extend(services.iter().filter_map(Json::as_str).map(|service| format!("endpoint/{service}")));
    all.into_iter().map(ComponentId::from).collect()
}

/// Without subnets of their own, database and control plane are in the private ones.
fn existing_subnets(existing: &Existing, purpose: Purpose) -> &Attr<Set<String>> {
    match purpose {
        Purpose::Public => &existing.public_subnet_ids,
        Purpose::Database if !existing.database_subnet_ids.is_null() => &existing.database_subnet_ids,
        Purpose::Private | Purpose::Database | Purpose::ControlPlane => &existing.private_subnet_ids,
    }
}

/// How many zones a preset takes; `None` while it is unknown.
fn zone_count(preset: Option<Preset>) -> Option<usize> {
    let default = table(preset?).get("network.availability_zone_count")?;
    default.value.as_u64().and_then(|count| usize::try_from(count).ok())
}

/// Outputs that the configuration decides.
pub(crate) fn foretell(model: &Network) -> Vec<(&'static str, Value)> {
    let none = || Value::List(Vec::new());
    let mut told = vec![("interface_endpoint_services", model.interface_endpoint_services.to_value())];
    if let Attr::Known(existing) = &model.existing {
        let of = |purpose| match existing_subnets(existing, purpose) {
            Attr::Known(set) => Value::List(set.iter().map(Attr::to_value).collect()),
            Attr::Unknown => Value::Unknown,
            Attr::Null => none(),
        };
        told.extend([
            ("vpc_id", existing.vpc_id.to_value()),
            ("private_subnet_ids", of(Purpose::Private)),
            ("public_subnet_ids", of(Purpose::Public)),
            ("database_subnet_ids", of(Purpose::Database)),
            ("control_plane_subnet_ids", of(Purpose::ControlPlane)),
            ("nat_public_ips", none()),
        ]);
        if elements(&existing.route_table_ids).is_some_and(|tables| tables.is_empty()) {
            told.push(("s3_endpoint_id", Value::Null));
        }
    } else if model.nat.as_str() == Some(NONE) {
        told.push(("nat_public_ips", none()));
    }
    told
}

/// The computed attributes.
pub(crate) fn outputs(model: &mut Network, seen: &Observed) {
    let foretold = foretell(model);
    let of = |kind: &str, output: &str| -> Attr<Vec<Attr<String>>> {
        let found = zones(model).unwrap_or_default();
        Attr::Known(found.iter().map(|zone| Seen(seen).output(&format!("{kind}/{zone}"), output)).filter(|id| !id.is_null()).collect())
    };
    let subnets = |purpose: Purpose| of(&format!("{}_subnet", purpose.name()), "id");
    let [private, public, database, control_plane] = Purpose::ALL.map(subnets);
    let ips = of("nat_gateway", "public_ip");
    model.s3_endpoint_id = Seen(seen).output(S3_ENDPOINT, "id");
    if let Attr::Known(existing) = &model.existing {
        model.vpc_id = existing.vpc_id.clone();
        let list = |name: &str| {
            let told = foretold.iter().find(|(told, _)| *told == name).map_or(Value::Null, |(_, value)| value.clone());
            Attr::from_value(&told, &tf_provider::Path::root()).unwrap_or_default()
        };
        model.private_subnet_ids = list("private_subnet_ids");
        model.public_subnet_ids = list("public_subnet_ids");
        model.database_subnet_ids = list("database_subnet_ids");
        model.control_plane_subnet_ids = list("control_plane_subnet_ids");
        model.nat_public_ips = list("nat_public_ips");
        return;
    }
    model.vpc_id = Seen(seen).output(VPC, "id");
    (model.private_subnet_ids, model.public_subnet_ids) = (private, public);
    (model.database_subnet_ids, model.control_plane_subnet_ids) = (database, control_plane);
    model.nat_public_ips = ips;
}

/// What AWS tells of the inputs.
pub(crate) fn refresh(model: &mut Network, seen: &Observed) {
    if !model.existing.is_null() {
        return;
    }
    Seen(seen).text(VPC, "cidr_block", &mut model.cidr);
    if let Attr::Known(logs) = &mut model.flow_logs {
        Seen(seen).text(FLOW_LOGS, "traffic_type", &mut logs.traffic_type);
        Seen(seen).number(FLOW_LOGS_GROUP, "retention_in_days", &mut logs.retention_in_days);
    }
}

#[cfg(test)]
mod tests;
