//! `cluster`: an EKS cluster with its nodes, add-ons, administrators and the roles of all these.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
};

use serde_json::Value as Json;
use tf_provider::{Attr, Model, Set, Value};

use crate::{
    graph::{ComponentId, Input, Node, Observed},
    resources::{checks, composite::Seen},
};

mod addons;
mod check;
mod groups;
mod nodes;
mod plan;
mod roles;
pub(crate) mod validators;

#[cfg(test)]
mod tests;

pub(crate) use check::{check, check_change};
pub(crate) use groups::{EffectiveNodeGroup, NodeGroup};
pub(crate) use nodes::{leftover, nodes};
pub(crate) use plan::{Facts, derive, foretell, look_up, rolled, warnings};

/// The control plane.
pub(crate) const CLUSTER: &str = "cluster";
/// IAM's view of the cluster's issuer.
pub(crate) const OIDC_PROVIDER: &str = "oidc_provider";
/// The nodes' security group.
pub(crate) const NODE_SECURITY_GROUP: &str = "node_security_group";
/// The Cluster Autoscaler's role.
pub(crate) const AUTOSCALER_ROLE: &str = "autoscaler_role";

/// What a principal may do in the cluster.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct AccessEntry {
    /// ARN of an IAM role or user.
    #[tf(required, validate(validators::iam_principal()), note(change = "fixed"))]
    pub principal_arn: Attr<String>,
    /// Kubernetes groups that the principal belongs to.
    #[tf(optional, note(change = "live"))]
    pub kubernetes_groups: Attr<Set<String>>,
    /// Names of EKS access policies, e.g. `AmazonEKSViewPolicy`.
    #[tf(optional, note(change = "live"))]
    pub policies: Attr<Set<String>>,
    /// Kubernetes namespaces that the policies hold for; the whole cluster by default.
    #[tf(optional, note(change = "live"))]
    pub namespaces: Attr<Set<String>>,
}

/// An EKS cluster: private API, customer-key encryption, no administrator but those named, managed nodes that scale, and the add-ons that these need.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Cluster {
    /// ARNs of the IAM roles and users that administer the cluster, at least one. Nobody administers it by having made it.
    #[tf(required, validate(validators::iam_principals()), note(change = "live"))]
    pub admin_principal_arns: Attr<Set<String>>,
    /// Further principals, by a name of yours, with what they may do.
    #[tf(optional, note(change = "live"))]
    pub access_entries: Attr<BTreeMap<String, AccessEntry>>,
    /// Kubernetes minor version, e.g. `1.33`; by default the one that EKS recommends when the cluster is made. It goes up one minor an apply
    /// (`max_minor_steps`), never down: control plane, then add-ons, then nodes, which are replaced one after the other.
    #[tf(optional, computed, validate(validators::kubernetes_version()), note(change = "live"))]
    pub kubernetes_version: Attr<String>,
    /// How many Kubernetes minors one apply may go up; the control plane steps through each.
    #[tf(optional, computed, validate(checks::between(1, 10)), note(preset = "cluster.max_minor_steps", change = "live"))]
    pub max_minor_steps: Attr<i64>,
    /// IPv4 ranges that reach the cluster's API from outside the VPC. Without any the API is private: only what is in the VPC, or connected to it, reaches it.
    #[tf(optional, validate(validators::public_cidrs()), note(change = "live", controls = "EKS.1"))]
    pub public_access_cidrs: Attr<Set<String>>,
    /// Whether `public_access_cidrs` may hold `0.0.0.0/0`.
    #[tf(optional, computed, note(preset = "cluster.allow_public_access_from_anywhere", change = "live", controls = "EKS.1"))]
    pub allow_public_access_from_anywhere: Attr<bool>,
    /// IPv4 ranges beside the nodes that reach the API's private endpoint: a VPN's, a peered network's, a build machine's.
    #[tf(optional, validate(validators::cidrs()), note(change = "live"))]
    pub private_access_cidrs: Attr<Set<String>>,
    /// Groups of nodes by name. What a group leaves out is chosen when it is made, and stands in `effective_node_groups`. By default there is one, `default`.
    /// Instances and their disks carry the resource's tags; what changes a group's launch template, tags too, replaces its nodes one after the other.
    #[tf(optional, validate(validators::node_group_names()))]
    pub node_groups: Attr<BTreeMap<String, NodeGroup>>,
    /// Percentage of a group's nodes that are replaced at once.
    #[tf(optional, computed, validate(checks::between(1, 100)), note(preset = "cluster.max_unavailable_percentage", change = "live"))]
    pub max_unavailable_percentage: Attr<i64>,
    /// Whether EKS replaces nodes that are ill.
    #[tf(optional, computed, note(preset = "cluster.node_repair", change = "live"))]
    pub node_repair: Attr<bool>,
    /// What happens when a version's standard support ends: with `STANDARD` AWS raises the version by itself, with `EXTENDED` it stays, at a higher price.
    #[tf(optional, computed, validate(checks::one_of(&["STANDARD", "EXTENDED"])), note(preset = "cluster.support_type", change = "live"))]
    pub support_type: Attr<String>,
    /// Control plane logs: `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`.
    #[tf(
        optional,
        computed,
        validate(validators::log_types()),
        note(preset = "cluster.enabled_cluster_log_types", change = "live", controls = "EKS.8")
    )]
    pub enabled_cluster_log_types: Attr<Set<String>>,
    /// Days that control plane logs are kept.
    #[tf(
        optional,
        computed,
        validate(validators::retention()),
        note(preset = "cluster.log_retention_in_days", change = "live", controls = "CloudWatch.16")
    )]
    pub log_retention_in_days: Attr<i64>,
    /// Whether traffic can be shifted away from an impaired zone (ARC zonal shift).
    #[tf(optional, computed, note(preset = "cluster.zonal_shift", change = "live"))]
    pub zonal_shift: Attr<bool>,
    /// Whether nodes take sessions of Systems Manager. Whoever may start one reaches what nodes reach, the database too.
    #[tf(optional, computed, note(preset = "cluster.ssm_access", change = "live"))]
    pub ssm_access: Attr<bool>,
    /// Whether AWS refuses to delete the cluster. Switched on as the last step of a create.
    #[tf(optional, computed, note(preset = "cluster.deletion_protection", change = "live"))]
    pub deletion_protection: Attr<bool>,
    /// The node groups with everything that was chosen for them.
    #[tf(computed)]
    pub effective_node_groups: Attr<BTreeMap<String, EffectiveNodeGroup>>,
    /// Versions of the add-ons: AWS's default for the Kubernetes version when it was chosen.
    #[tf(computed)]
    pub addon_versions: Attr<BTreeMap<String, Attr<String>>>,
    /// The cluster's ARN.
    #[tf(computed)]
    pub arn: Attr<String>,
    /// URL of the Kubernetes API.
    #[tf(computed)]
    pub endpoint: Attr<String>,
    /// Certificate of the API's authority, base64.
    #[tf(computed)]
    pub certificate_authority_data: Attr<String>,
    /// Kubernetes version that the control plane runs; later than `kubernetes_version` where AWS raised it.
    #[tf(computed)]
    pub version: Attr<String>,
    /// The cluster's OIDC issuer, with `https://`.
    #[tf(computed)]
    pub oidc_issuer_url: Attr<String>,
    /// ARN of IAM's OIDC provider of the cluster.
    #[tf(computed)]
    pub oidc_provider_arn: Attr<String>,
    /// Id of the nodes' security group: what a database admits.
    #[tf(computed)]
    pub node_security_group_id: Attr<String>,
    /// ARN of the Cluster Autoscaler's role, for the service account `cluster-autoscaler` in `kube-system`.
    #[tf(computed)]
    pub autoscaler_role_arn: Attr<String>,
}

/// An EKS cluster within an environment, which it is named after: private API, customer-key encryption, no administrator but those named, managed nodes that
/// scale, and the add-ons that these need.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct NamedCluster {
    /// The cluster's own attributes.
    #[tf(flatten)]
    pub cluster: Cluster,
    /// The cluster's name: the environment's.
    #[tf(computed)]
    pub name: Attr<String>,
}

impl Deref for NamedCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl DerefMut for NamedCluster {
    fn deref_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }
}

/// What a [`NamedCluster`] has beyond.
pub(crate) const NAME: &[(&str, &str)] = &[("name", CLUSTER)];

/// Computed attributes and their components.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[
    ("arn", CLUSTER),
    ("endpoint", CLUSTER),
    ("certificate_authority_data", CLUSTER),
    ("version", CLUSTER),
    ("oidc_issuer_url", CLUSTER),
    ("oidc_provider_arn", OIDC_PROVIDER),
    // Its name is made of the cluster's issuer.
    ("oidc_provider_arn", CLUSTER),
    ("node_security_group_id", NODE_SECURITY_GROUP),
    ("autoscaler_role_arn", AUTOSCALER_ROLE),
    ("effective_node_groups", "node_group/*"),
    ("addon_versions", "addon/*"),
];

/// What comes from outside the cluster.
pub(crate) struct Links {
    /// The cluster's name: the resource's own.
    pub(crate) name: Attr<String>,
    pub(crate) vpc_id: Input,
    /// Where the control plane's interfaces stand: a list of ids.
    pub(crate) control_plane_subnet_ids: Input,
    /// The nodes' subnets: the zone's id and the subnet's, possibly a link. `None`: unknown.
    pub(crate) node_subnets: Option<Vec<(String, Json)>>,
    /// Key of secrets, disks and logs; possibly a link, null for AWS's own keys.
    pub(crate) key_arn: Attr<String>,
    /// What must be there before a node starts: routes to the internet, endpoints.
    pub(crate) nodes_after: Vec<ComponentId>,
    pub(crate) permissions_boundary: Attr<String>,
    pub(crate) iam_path: Attr<String>,
}

/// Fills the computed attributes from what was found.
pub(crate) fn outputs(model: &mut Cluster, seen: &Observed) {
    let seen = Seen(seen);
    model.arn = seen.output(CLUSTER, "arn");
    model.endpoint = seen.output(CLUSTER, "endpoint");
    model.certificate_authority_data = seen.output(CLUSTER, "certificate_authority_data");
    model.version = seen.output(CLUSTER, "version");
    model.oidc_issuer_url = seen.output(CLUSTER, "issuer");
    model.oidc_provider_arn = seen.output(OIDC_PROVIDER, "arn");
    model.node_security_group_id = seen.output(NODE_SECURITY_GROUP, "id");
    model.autoscaler_role_arn = seen.output(AUTOSCALER_ROLE, "arn");
    if model.addon_versions.known().is_none() {
        // Chosen by AWS, since the plan could not ask.
        let version = |name: &&str| (name.to_string(), seen.output(&addons::id(name), "version"));
        model.addon_versions = Attr::Known(addons::NAMES.iter().map(version).collect());
    }
}

/// Sets the inputs that AWS tells to what AWS tells.
pub(crate) fn refresh(model: &mut Cluster, seen: &Observed) {
    let read = Seen(seen);
    if model.kubernetes_version.known().is_none() {
        model.kubernetes_version = read.output(CLUSTER, "version");
    }
    read.text(CLUSTER, "support_type", &mut model.support_type);
    read.flag(CLUSTER, "zonal_shift", &mut model.zonal_shift);
    read.flag(CLUSTER, "deletion_protection", &mut model.deletion_protection);
    if let Some(Json::Array(types)) = read.setting(CLUSTER, "log_types") {
        model.enabled_cluster_log_types = Attr::Known(types.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect());
    }
    read.number("cluster_log_group", "retention_in_days", &mut model.log_retention_in_days);
}

/// Reads what was chosen for the groups back from them, once, at import.
pub(crate) fn adopt(model: &mut Cluster, seen: &Observed) {
    let read = Seen(seen);
    let Attr::Known(groups) = &mut model.effective_node_groups else { return };
    for (name, group) in groups {
        let of = format!("node_group/{name}");
        read.text(&of, "ami_type", &mut group.ami_type);
        read.text(&of, "capacity_type", &mut group.capacity_type);
        read.number(&of, "min_size", &mut group.min_size);
        read.number(&of, "max_size", &mut group.max_size);
        read.number(&of, "desired_size", &mut group.desired_size);
        read.number(&format!("launch_template/{name}"), "disk_size", &mut group.disk_size);
        if let Some(Json::Array(types)) = read.setting(&of, "instance_types") {
            group.instance_types =
                Attr::Known(types.iter().filter_map(|one| one.as_str().map(|one| Attr::Known(one.to_owned()))).collect());
        }
    }
}

/// The principals that access entries name: sessions among them stand for their roles, which are looked up.
pub(crate) fn principals(model: &Cluster) -> Vec<String> {
    let admins = model.admin_principal_arns.known().into_iter().flat_map(Set::known).cloned();
    let entries = model.access_entries.known().into_iter().flatten().filter_map(|(_, entry)| entry.principal_arn.known().cloned());
    admins.chain(entries).collect()
}

/// Values by name, of the kind that [`crate::resources::composite::Composite::foretell`] tells.
type Told = Vec<(&'static str, Value)>;

/// The cluster's name, where it is known.
fn name_of(links: &Links) -> Option<&str> {
    links.name.as_str()
}

/// A name of AWS's, cut to its limit with a hash of the whole at its end.
fn cut(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let kept: String = name.chars().take(max.saturating_sub(HASH + 1)).collect();
    format!("{kept}-{}", hash(name))
}

/// Hex digits of a hash that tells names apart.
const HASH: usize = 8;

fn hash(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(HASH / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that stands in the blueprint, for its edges.
fn ids(nodes: &[Node]) -> Vec<ComponentId> {
    nodes.iter().map(|node| node.id.clone()).collect()
}
