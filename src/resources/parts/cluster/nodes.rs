//! The components of a cluster and their edges: readiness is what each waits for, never time.

use serde_json::{Value as Json, json};
use tf_provider::{Attr, TfType};

use super::{
    AccessEntry, CLUSTER, Cluster, EffectiveNodeGroup, Links, NODE_SECURITY_GROUP, OIDC_PROVIDER,
    addons::{self, INSIGHTS_LOGS, never},
    cut, hash, ids, name_of, roles,
};
use crate::{
    aws::Arn,
    graph::{Change, Input, Meaning, Node, Setting, link},
    policies::{Place, principal_of},
    resources::{
        access,
        setting::{fixed, input, live, or_none, settings, to_json, unread},
        tags::LAUNCHED,
    },
};

const LOG_GROUP: &str = "cluster_log_group";
const NODE_RULES: &str = "node_security_group_rules";
const CLUSTER_RULES: &str = "cluster_security_group_rules";
/// Who may do everything in the cluster.
const ADMIN_POLICY: &str = "AmazonEKSClusterAdminPolicy";
/// Ports of nodes that the control plane calls: the API of pods (443), kubelets, the webhooks of Istio (15017), of cert-manager and the load balancer
/// controller (10250, 9443), of ingress controllers (8443), the metrics server (4443, 10251).
const CONTROL_PLANE_PORTS: [u16; 7] = [443, 4443, 8443, 9443, 10250, 10251, 15017];
/// AWS's longest name of a launch template and of a security group.
const NAME_MAX: usize = 128;
/// Pods can't reach the instance's own credentials: their packets take two hops.
const HOP_LIMIT: u8 = 1;

/// All components.
pub(crate) fn nodes(model: &Cluster, links: &Links, place: &Place) -> Vec<Node> {
    let mut nodes = roles::nodes(links, model.ssm_access.known().copied(), place);
    nodes.extend([log_group(model, links), cluster(model, links), oidc_provider()]);
    nodes.extend(insights_log_groups(model, links));
    nodes.extend([node_security_group(links), node_rules(), cluster_rules(model)]);
    let entries = access_entries(model, place);
    // Whoever administers the cluster can look into it while its nodes come up.
    nodes.extend(entries);
    let groups: Vec<Node> =
        model.effective_node_groups.known().into_iter().flatten().map(|(name, group)| node_group(name, group, model, links)).collect();
    let group_ids = ids(&groups);
    for (name, group) in model.effective_node_groups.known().into_iter().flatten() {
        nodes.extend([launch_template(name, group, model, links), autoscaling_tags(name, links)]);
    }
    nodes.extend(groups);
    nodes.extend(addons::nodes(model, &group_ids));
    nodes
}

fn of_cluster(output: &str) -> Input {
    Input::Output(CLUSTER.into(), output.to_owned())
}

fn named(links: &Links, suffix: &str) -> Input {
    name_of(links).map_or(Input::Unknown, |name| Input::Known(json!(cut(&format!("{name}-{suffix}"), NAME_MAX))))
}

/// A link, a known text, or null.
fn linked(attribute: &Attr<String>) -> Input {
    match attribute {
        Attr::Known(text) => Input::from(json!(text)),
        other => input(other),
    }
}

/// As [`linked`], where null means that there shall be none.
fn linked_or_none(attribute: &Attr<String>) -> Input {
    if attribute.is_null() { or_none(attribute) } else { linked(attribute) }
}

fn log_group(model: &Cluster, links: &Links) -> Node {
    // EKS makes it by itself, without retention and key, where it isn't there first.
    let mut group = service_log_group(LOG_GROUP, |cluster| format!("/aws/eks/{cluster}/cluster"), model, links);
    // `log_retention_in_days` shows this one's; what the others have shows in `drift`.
    if let Some(setting) = group.settings.get_mut("retention_in_days") {
        setting.shown = true;
    }
    group
}

/// The add-on's agent and Fluent Bit make theirs in the same way, and leave them behind.
fn insights_log_groups(model: &Cluster, links: &Links) -> impl Iterator<Item = Node> {
    INSIGHTS_LOGS.iter().map(|kind| {
        service_log_group(&addons::insights_log_group(kind), |cluster| format!("/aws/containerinsights/{cluster}/{kind}"), model, links)
    })
}

fn service_log_group(id: &str, named: impl Fn(&str) -> String, model: &Cluster, links: &Links) -> Node {
    let name = name_of(links).map_or(Input::Unknown, |cluster| Input::Known(json!(named(cluster))));
    let group = settings([
        ("name", fixed(name)),
        ("retention_in_days", live(input(&model.log_retention_in_days))),
        ("kms_key_arn", live(linked_or_none(&links.key_arn))),
    ]);
    Node::new(id, "log_group", group).adopting()
}

fn cluster(model: &Cluster, links: &Links) -> Node {
    let public = match &model.public_access_cidrs {
        Attr::Unknown => Input::Unknown,
        Attr::Null => Input::Known(json!(false)),
        Attr::Known(cidrs) => Input::Known(json!(!cidrs.is_empty())),
    };
    let cidrs = match input(&model.public_access_cidrs) {
        Input::Known(Json::Array(cidrs)) if cidrs.is_empty() => Input::Known(Json::Null),
        other => other,
    };
    let cluster = settings([
        ("name", fixed(input(&links.name))),
        ("role_arn", fixed(Input::Output(roles::CLUSTER_ROLE.into(), "arn".to_owned()))),
        ("version", live(input(&model.kubernetes_version))),
        ("subnet_ids", live(links.control_plane_subnet_ids.clone()).meaning(Meaning::Unordered)),
        ("endpoint_private_access", live(Input::Known(json!(true)))),
        ("endpoint_public_access", live(public)),
        ("public_access_cidrs", live(cidrs).meaning(Meaning::Unordered)),
        ("log_types", live(input(&model.enabled_cluster_log_types)).meaning(Meaning::Unordered).shown()),
        ("support_type", live(input(&model.support_type)).shown()),
        ("zonal_shift", live(input(&model.zonal_shift)).shown()),
        ("authentication_mode", live(Input::Known(json!("API")))),
        ("encryption_key_arn", live(linked(&links.key_arn))),
        ("deletion_protection", live(input(&model.deletion_protection)).shown().sealed()),
        ("vpc_id", unread(links.vpc_id.clone())),
    ]);
    Node::new(CLUSTER, "eks_cluster", cluster).stateful().after([LOG_GROUP])
}

fn oidc_provider() -> Node {
    // The same in every partition (amazon-eks-pod-identity-webhook's default audience).
    let provider = settings([
        // A cluster that is made anew has another issuer.
        ("url", replace(of_cluster("issuer"))),
        ("client_ids", live(Input::Known(json!(["sts.amazonaws.com"]))).meaning(Meaning::Unordered)),
    ]);
    Node::new(OIDC_PROVIDER, "oidc_provider", provider)
}

fn node_security_group(links: &Links) -> Node {
    let group = settings([
        ("name", fixed(named(links, "nodes"))),
        ("description", fixed(Input::Known(json!("EKS nodes")))),
        ("vpc_id", fixed(links.vpc_id.clone())),
    ]);
    Node::new(NODE_SECURITY_GROUP, "security_group", group)
}

fn from_group(port: u16, group: &str, description: &str) -> Json {
    json!({ "protocol": "tcp", "from_port": port, "to_port": port, "referenced_security_group_id": group, "description": description })
}

/// Not exclusive: controllers in the cluster add rules for load balancers.
fn node_rules() -> Node {
    let (cluster, own) = (link(CLUSTER, "security_group_id"), link(NODE_SECURITY_GROUP, "id"));
    let mut ingress: Vec<Json> = CONTROL_PLANE_PORTS.iter().map(|port| from_group(*port, &cluster, "Control plane to nodes")).collect();
    ingress.push(json!({ "protocol": "-1", "referenced_security_group_id": own, "description": "Between nodes" }));
    let egress = json!([{ "protocol": "-1", "cidr_ipv4": "0.0.0.0/0", "description": "Out" }]);
    let rules = settings([
        ("group_id", fixed(Input::Output(NODE_SECURITY_GROUP.into(), "id".to_owned()))),
        ("ingress", live(Input::from(json!(ingress))).meaning(Meaning::Unordered)),
        ("egress", live(Input::Known(egress)).meaning(Meaning::Unordered)),
        ("exclusive", unread(Input::Known(json!(false)))),
    ]);
    Node::new(NODE_RULES, "security_group_rules", rules)
}

/// EKS's own group, on the control plane's interfaces: the nodes aren't in it, so that each node is in one group only (two tagged as the cluster's break
/// the load balancer controller).
fn cluster_rules(model: &Cluster) -> Node {
    let nodes = from_group(443, &link(NODE_SECURITY_GROUP, "id"), "Nodes to control plane");
    let ingress = match &model.private_access_cidrs {
        Attr::Unknown => Input::Unknown,
        other => {
            let cidrs = access::names(other).unwrap_or_default();
            let more = cidrs.iter().map(|cidr| {
                json!({ "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": cidr, "description": "private_access_cidrs" })
            });
            Input::from(Json::Array(std::iter::once(nodes).chain(more).collect()))
        }
    };
    let rules = settings([
        // A cluster that is made anew has another group.
        ("group_id", replace(of_cluster("security_group_id"))),
        ("ingress", live(ingress).meaning(Meaning::Unordered)),
        ("egress", live(Input::Known(json!([]))).meaning(Meaning::Unordered)),
        ("exclusive", unread(Input::Known(json!(false)))),
    ]);
    Node::new(CLUSTER_RULES, "security_group_rules", rules)
}

/// A principal's component: the end of its name, and what tells it from others that end alike.
pub(super) fn entry_id(principal: &str) -> String {
    let resource = Arn::parse(principal).map(|arn| arn.resource).unwrap_or_default();
    let name = resource.rsplit('/').next().unwrap_or_default();
    format!("access_entry/{name}-{}", hash(principal))
}

fn access_entries(model: &Cluster, place: &Place) -> Vec<Node> {
    let policy = |name: &str, namespaces: &[String]| json!({ "policy_arn": format!("arn:{}:eks::aws:cluster-access-policy/{name}", place.partition), "namespaces": namespaces });
    let admins = model.admin_principal_arns.known().into_iter().flat_map(tf_provider::Set::known);
    let admins = admins.map(|principal| (principal.clone(), Input::Known(json!([policy(ADMIN_POLICY, &[])])), Input::Known(json!([]))));
    let more = model.access_entries.known().into_iter().flatten().filter_map(|(_, entry)| {
        let principal = entry.principal_arn.known()?.clone();
        Some((principal, policies_of(entry, policy), groups_of(entry)))
    });
    admins.chain(more).map(|(principal, policies, groups)| access_entry(&principal_of(place, &principal), policies, groups)).collect()
}

fn groups_of(entry: &AccessEntry) -> Input {
    if entry.kubernetes_groups.is_null() { Input::Known(json!([])) } else { input(&entry.kubernetes_groups) }
}

fn policies_of(entry: &AccessEntry, policy: impl Fn(&str, &[String]) -> Json) -> Input {
    if entry.policies.is_unknown() || entry.namespaces.is_unknown() {
        return Input::Unknown;
    }
    let namespaces = access::names(&entry.namespaces).unwrap_or_default();
    let names = access::names(&entry.policies).unwrap_or_default();
    Input::Known(Json::Array(names.iter().map(|name| policy(name, &namespaces)).collect()))
}

fn access_entry(principal: &str, policies: Input, groups: Input) -> Node {
    let entry = settings([
        ("cluster_name", fixed(of_cluster("name"))),
        ("principal_arn", fixed(Input::Known(json!(principal)))),
        ("kubernetes_groups", live(groups).meaning(Meaning::Unordered)),
        ("policies", live(policies).meaning(Meaning::Unordered)),
        ("current", replace(Input::Known(json!(true)))),
    ]);
    // EKS makes entries by itself too, and so did whoever migrated from the config map.
    Node::new(&entry_id(principal), "eks_access_entry", entry).adopting()
}

fn replace(value: Input) -> Setting {
    Setting { change: Change::Replace, ..live(value) }
}

/// The disk that holds images and pods. Bottlerocket has its system on another one.
fn device(ami_type: &Attr<String>) -> Input {
    match ami_type {
        Attr::Known(image) if image.starts_with("BOTTLEROCKET") => Input::Known(json!("/dev/xvdb")),
        Attr::Known(image) if image.starts_with("WINDOWS") => Input::Known(json!("/dev/sda1")),
        Attr::Unknown => Input::Unknown,
        _ => Input::Known(json!("/dev/xvda")),
    }
}

fn launch_template(name: &str, group: &EffectiveNodeGroup, _model: &Cluster, links: &Links) -> Node {
    // The user's come to them with the blueprint's.
    let tags = name_of(links).map_or(Input::Unknown, |cluster| Input::Known(json!({ "Name": format!("{cluster}-{name}") })));
    let template = settings([
        ("name", fixed(named(links, name))),
        ("device_name", live(device(&group.ami_type))),
        ("disk_size", live(input(&group.disk_size))),
        ("encrypted", live(Input::Known(json!(true)))),
        ("volume_type", live(Input::Known(json!("gp3")))),
        ("kms_key_arn", live(linked_or_none(&links.key_arn))),
        ("security_group_ids", live(Input::from(json!([link(NODE_SECURITY_GROUP, "id")]))).meaning(Meaning::Unordered)),
        ("monitoring", live(Input::Known(json!(true)))),
        ("http_tokens", live(Input::Known(json!("required")))),
        ("hop_limit", live(Input::Known(json!(HOP_LIMIT)))),
        ("others", live(Input::Known(json!([])))),
        (LAUNCHED, live(tags)),
    ]);
    Node::new(&format!("launch_template/{name}"), "launch_template", template)
}

/// The subnets of the group's zones.
fn subnets(group: &EffectiveNodeGroup, links: &Links) -> Input {
    let Some(all) = &links.node_subnets else { return Input::Unknown };
    let zones = match &group.availability_zones {
        Attr::Unknown => return Input::Unknown,
        Attr::Null => None,
        Attr::Known(zones) => Some(zones),
    };
    let chosen = all.iter().filter(|(zone, _)| zones.is_none_or(|zones| zones.known().any(|one| one == zone)));
    Input::from(Json::Array(chosen.map(|(_, subnet)| subnet.clone()).collect()))
}

fn node_group(name: &str, group: &EffectiveNodeGroup, model: &Cluster, links: &Links) -> Node {
    let template = format!("launch_template/{name}");
    let taints = match &group.taints {
        Attr::Known(taints) => to_json(&taints.to_value()).map_or(Input::Unknown, Input::Known),
        _ => Input::Unknown,
    };
    let settings = settings([
        ("cluster_name", fixed(of_cluster("name"))),
        ("name", fixed(Input::Known(json!(name)))),
        ("version", live(input(&model.kubernetes_version))),
        ("launch_template_id", replace(Input::Output(template.as_str().into(), "id".to_owned()))),
        ("launch_template_version", live(Input::Output(template.as_str().into(), "latest_version".to_owned()))),
        ("min_size", live(input(&group.min_size))),
        ("max_size", live(input(&group.max_size))),
        ("desired_size", unread(input(&group.desired_size))),
        ("labels", live(input(&group.labels))),
        ("taints", live(taints).meaning(Meaning::Unordered)),
        ("max_unavailable_percentage", live(input(&model.max_unavailable_percentage))),
        ("node_repair", live(input(&model.node_repair))),
        ("instance_types", replace(input(&group.instance_types))),
        ("ami_type", replace(input(&group.ami_type))),
        ("capacity_type", replace(input(&group.capacity_type))),
        ("subnet_ids", replace(subnets(group, links)).meaning(Meaning::Unordered)),
        ("node_role_arn", replace(Input::Output(roles::NODE_ROLE.into(), "arn".to_owned()))),
        ("health", live(Input::Known(json!([])))),
        ("create_failed", never()),
    ]);
    Node::new(&format!("node_group/{name}"), "eks_nodegroup", settings)
        .after(addons::early())
        .after(roles::EARLY_PODS.iter().copied())
        .after([NODE_RULES, CLUSTER_RULES])
        .after(links.nodes_after.iter().cloned())
}

fn autoscaling_tags(name: &str, links: &Links) -> Node {
    let tags = match name_of(links) {
        None => Input::Unknown,
        Some(cluster) => {
            Input::Known(json!({ "k8s.io/cluster-autoscaler/enabled": "true", format!("k8s.io/cluster-autoscaler/{cluster}"): "owned" }))
        }
    };
    let tags = settings([
        // A node group that is replaced has another group of Auto Scaling.
        ("group_name", replace(Input::Output(format!("node_group/{name}").as_str().into(), "autoscaling_group_name".to_owned()))),
        ("tags", live(tags)),
    ]);
    Node::new(&format!("autoscaling_tags/{name}"), "autoscaling_group_tags", tags)
}

/// A node group or an access entry that was taken out. Tags of a group's Auto Scaling group go with it.
pub(crate) fn leftover(component: &str, links: &Links) -> Option<Node> {
    let (kind, name) = component.split_once('/')?;
    match kind {
        "node_group" => {
            let group = settings([("cluster_name", fixed(of_cluster("name"))), ("name", fixed(Input::Known(json!(name))))]);
            Some(Node::new(component, "eks_nodegroup", group))
        }
        "launch_template" => Some(Node::new(component, "launch_template", settings([("name", fixed(named(links, name)))]))),
        "access_entry" => Some(Node::new(component, "eks_access_entry", settings([("cluster_name", fixed(of_cluster("name")))]))),
        _ => None,
    }
}
