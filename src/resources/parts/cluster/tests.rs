#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use serde_json::json;
use tf_provider::Path;

use super::{plan::Facts, *};
use crate::{
    components::{Capacity, KubernetesVersion},
    graph::{Blueprint, Known, Meaning, Owner, same},
    policies::{Place, frankfurt},
    presets::{Preset, fill},
    resources::change::Change,
    resources::setting::{fixed, settings},
};

mod changes;
mod chosen;

const ADMIN: &str = "arn:aws:iam::123456789012:role/admins/platform-admin";
const DAY_S: i64 = 24 * 3600;

fn defaults(preset: Preset) -> Cluster {
    let empty = Value::Map(fill(&Cluster::attributes(), &Value::Null, &Value::Null, Some(preset)));
    let model = Cluster::from_value(&empty, &Path::root()).unwrap();
    Cluster { admin_principal_arns: Attr::Known([ADMIN.to_owned()].into_iter().collect()), ..model }
}

fn facts() -> Facts {
    let version = |version: &str, default: bool, ends: i64| KubernetesVersion {
        version: version.to_owned(),
        default,
        standard_support_ends_s: Some(ends * DAY_S),
        extended: false,
    };
    let capacity = |vcpu, gib: i64, arm| Capacity { vcpu, memory_mib: gib * 1024, arm };
    let capacities = [
        ("m6i.large", capacity(2, 8, false)),
        ("t3.large", capacity(2, 8, false)),
        ("t3.micro", capacity(2, 1, false)),
        ("m7g.large", capacity(2, 8, true)),
    ];
    Facts {
        versions: vec![version("1.34", false, 500), version("1.33", true, 300), version("1.32", false, 100), version("1.31", false, 20)],
        addon_versions: addons::NAMES.iter().map(|name| ((*name).to_owned(), "v1.0.0-eksbuild.1".to_owned())).collect(),
        capacities: capacities.map(|(name, capacity)| (name.to_owned(), capacity)).into(),
        asked: ["m6i.large", "t3.large", "t3.micro", "m7g.large", "z9.huge"].map(str::to_owned).into(),
        blockers: Vec::new(),
        now_s: 10 * DAY_S,
    }
}

fn planned(preset: Preset) -> Cluster {
    let mut model = defaults(preset);
    derive(&mut model, None, Some(&facts()), Some(preset));
    model
}

fn links() -> Links {
    Links {
        name: Attr::Known("prod".to_owned()),
        vpc_id: Input::Known(json!("vpc-1")),
        control_plane_subnet_ids: Input::Known(json!(["subnet-a", "subnet-b"])),
        node_subnets: Some([("euc1-az1", "subnet-1"), ("euc1-az2", "subnet-2")].map(|(zone, id)| (zone.to_owned(), json!(id))).into()),
        key_arn: Attr::Known("arn:aws:kms:eu-central-1:123456789012:key/1".to_owned()),
        nodes_after: Vec::new(),
        permissions_boundary: Attr::Null,
        iam_path: Attr::Known("/".to_owned()),
    }
}

fn blueprint(model: &Cluster, links: &Links) -> Blueprint {
    let record = Node::new("record", "record", settings([("name", fixed(Input::Known(json!("/deeploy/eks_cluster/prod"))))])).claim();
    let mut all = vec![record];
    all.extend(nodes(model, links, &frankfurt()));
    Blueprint::of(Owner { resource: "deeploy_eks_cluster".into(), name: "prod".into() }, all)
}

fn node<'a>(blueprint: &'a Blueprint, id: &str) -> &'a Node {
    blueprint.nodes.iter().find(|node| node.id.0 == id).unwrap_or_else(|| panic!("no {id}"))
}

fn known<'a>(node: &'a Node, setting: &str) -> &'a Json {
    match &node.settings[setting].value {
        Input::Known(value) | Input::Template(value) => value,
        other => panic!("{setting}: {other:?}"),
    }
}

/// Everything that a component waits for, on however long a way.
fn waits_for(blueprint: &Blueprint, id: &str) -> BTreeSet<String> {
    let (mut all, mut next) = (BTreeSet::new(), vec![id.to_owned()]);
    while let Some(id) = next.pop() {
        let node = node(blueprint, &id);
        let inputs = node.settings.values().flat_map(|setting| setting.value.takes());
        let late = node.late.iter().flat_map(|late| late.others.iter().cloned());
        for other in node.after.iter().cloned().chain(late).chain(inputs) {
            if all.insert(other.0.clone()) {
                next.push(other.0);
            }
        }
    }
    all
}

#[test]
fn ids_are_a_public_format() {
    let ids: BTreeSet<String> = blueprint(&planned(Preset::Production), &links()).nodes.into_iter().map(|node| node.id.0).collect();
    let golden = [
        "access_entry/platform-admin-b0cd07a8",
        "addon/amazon-cloudwatch-observability",
        "addon/aws-ebs-csi-driver",
        "addon/coredns",
        "addon/eks-pod-identity-agent",
        "addon/kube-proxy",
        "addon/metrics-server",
        "addon/vpc-cni",
        "autoscaler_policy",
        "autoscaler_role",
        "autoscaling_tags/default",
        "cloudwatch_role",
        "cluster",
        "cluster_log_group",
        "cluster_role",
        "cluster_security_group_rules",
        "ebs_csi_policy",
        "ebs_csi_role",
        "insights_log_group/application",
        "insights_log_group/dataplane",
        "insights_log_group/host",
        "insights_log_group/performance",
        "launch_template/default",
        "node_group/default",
        "node_role",
        "node_security_group",
        "node_security_group_rules",
        "oidc_provider",
        "pod_identity/amazon-cloudwatch/cloudwatch-agent",
        "pod_identity/kube-system/aws-node",
        "pod_identity/kube-system/cluster-autoscaler",
        "pod_identity/kube-system/ebs-csi-controller-sa",
        "record",
        "vpc_cni_role",
    ];
    assert_eq!(ids.iter().map(String::as_str).collect::<Vec<_>>(), golden);
}

#[test]
fn the_order_is_that_of_readiness() {
    let blueprint = blueprint(&planned(Preset::Production), &links());
    let group = waits_for(&blueprint, "node_group/default");
    for first in [
        "cluster",
        "addon/vpc-cni",
        "addon/kube-proxy",
        "addon/eks-pod-identity-agent",
        "pod_identity/kube-system/aws-node",
        "vpc_cni_role",
        "node_security_group_rules",
        "cluster_security_group_rules",
        "launch_template/default",
        "node_role",
    ] {
        assert!(group.contains(first), "nodes don't wait for {first}");
    }
    for late in ["addon/coredns", "addon/aws-ebs-csi-driver", "addon/metrics-server", "addon/amazon-cloudwatch-observability"] {
        assert!(waits_for(&blueprint, late).contains("node_group/default"), "{late} doesn't wait for nodes");
        assert!(!group.contains(late));
    }
    let cluster = waits_for(&blueprint, "cluster");
    assert_eq!(
        cluster.iter().map(String::as_str).collect::<Vec<_>>(),
        ["cluster_log_group", "cluster_role"],
        "nothing holds the control plane up"
    );
    assert!(!waits_for(&blueprint, "access_entry/platform-admin-b0cd07a8").contains("node_group/default"));
}

#[test]
fn every_edge_leads_somewhere() {
    let blueprint = blueprint(&planned(Preset::Production), &links());
    for node in &blueprint.nodes {
        waits_for(&blueprint, &node.id.0);
    }
    let stateful: Vec<&str> = blueprint.nodes.iter().filter(|node| node.stateful).map(|node| node.id.0.as_str()).collect();
    assert_eq!(stateful, ["cluster"]);
}

#[test]
fn nobody_and_nothing_gets_more_than_it_needs() {
    let blueprint = blueprint(&planned(Preset::Production), &links());
    let policies = known(node(&blueprint, "node_role"), "managed_policies").to_string();
    assert!(policies.contains("AmazonEKSWorkerNodePolicy") && !policies.contains("CNI") && !policies.contains("SSM"), "{policies}");
    let template = node(&blueprint, "launch_template/default");
    assert_eq!((known(template, "http_tokens"), known(template, "hop_limit")), (&json!("required"), &json!(1)));
    assert_eq!(known(template, "instance_tags"), &json!({ "Name": "prod-default" }));
    let rules = known(node(&blueprint, "node_security_group_rules"), "ingress").to_string();
    for port in [443, 10250, 15017, 9443, 8443, 4443, 10251] {
        assert!(rules.contains(&format!(r#""from_port":{port},"#)), "{port}");
    }
    let cluster = node(&blueprint, "cluster");
    assert_eq!(known(cluster, "endpoint_public_access"), &json!(false));
    assert_eq!(known(cluster, "authentication_mode"), &json!("API"));
    assert!(cluster.settings["deletion_protection"].seal);
    let scale = known(node(&blueprint, "autoscaler_policy"), "policy").to_string();
    assert!(scale.contains(r#""aws:ResourceTag/k8s.io/cluster-autoscaler/prod":"owned""#), "{scale}");
    let with = Cluster { ssm_access: Attr::Known(true), ..planned(Preset::Production) };
    let policies = known(node(&self::blueprint(&with, &links()), "node_role"), "managed_policies").to_string();
    assert!(policies.contains("AmazonSSMManagedInstanceCore"));
}

#[test]
fn nodes_are_in_one_group_of_the_cluster_only() {
    let blueprint = blueprint(&planned(Preset::Production), &links());
    let groups = known(node(&blueprint, "launch_template/default"), "security_group_ids");
    assert_eq!(groups.as_array().unwrap().len(), 1);
}

#[test]
fn other_partitions_have_their_own_names() {
    let place = Place { partition: "aws-cn".into(), region: "cn-north-1".into(), dns_suffix: "amazonaws.com.cn".into(), ..frankfurt() };
    let all = nodes(&planned(Preset::Production), &links(), &place);
    let made = all.iter().filter(|node| node.kind != "eks_access_entry");
    let texts: String = made.map(|node| format!("{:?}", node.settings)).collect();
    assert!(
        !texts.contains("arn:aws:iam")
            && texts.contains("ec2.amazonaws.com.cn")
            && texts.contains("arn:aws-cn:iam::aws:policy/AmazonEKSClusterPolicy")
    );
}

#[test]
fn zones_choose_subnets() {
    let mut model = planned(Preset::Production);
    let zones = |zones: &[&str]| Attr::Known(zones.iter().map(|zone| (*zone).to_owned()).collect());
    model.node_groups =
        Attr::Known([("a".to_owned(), NodeGroup { availability_zones: zones(&["euc1-az2"]), ..NodeGroup::default() })].into());
    derive(&mut model, None, Some(&facts()), Some(Preset::Production));
    assert_eq!(known(node(&blueprint(&model, &links()), "node_group/a"), "subnet_ids"), &json!(["subnet-2"]));
}

#[test]
fn groups_are_completed_by_the_preset_once_and_kept() {
    for (preset, sizes) in [(Preset::Production, (3, 3, 9, 100)), (Preset::Development, (2, 2, 4, 50))] {
        let model = planned(preset);
        let group = &model.effective_node_groups.known().unwrap()["default"];
        let number = |attribute: &Attr<i64>| *attribute.known().unwrap();
        assert_eq!((number(&group.min_size), number(&group.desired_size), number(&group.max_size), number(&group.disk_size)), sizes);
    }
    let prior = planned(Preset::Production);
    let mut model = defaults(Preset::Development);
    derive(&mut model, Some(&prior), None, Some(Preset::Development));
    assert_eq!(model.effective_node_groups.to_value(), prior.effective_node_groups.to_value(), "a preset's change moves no size");
    assert_eq!((&model.kubernetes_version, &model.addon_versions), (&prior.kubernetes_version, &prior.addon_versions));
}

#[test]
fn what_is_not_written_gives_way_to_what_is() {
    let mut model = defaults(Preset::Production);
    let group = NodeGroup { min_size: Attr::Known(12), ..NodeGroup::default() };
    let small = NodeGroup { max_size: Attr::Known(2), ..NodeGroup::default() };
    let arm = NodeGroup { instance_types: Attr::Known(vec![Attr::Known("m7g.large".to_owned())]), ..NodeGroup::default() };
    model.node_groups = Attr::Known([("a", group), ("b", small), ("c", arm)].map(|(name, group)| (name.to_owned(), group)).into());
    derive(&mut model, None, Some(&facts()), Some(Preset::Production));
    let groups = model.effective_node_groups.known().unwrap();
    let sizes =
        |name: &str| [&groups[name].min_size, &groups[name].desired_size, &groups[name].max_size].map(|size| *size.known().unwrap());
    assert_eq!((sizes("a"), sizes("b")), ([12, 12, 12], [2, 2, 2]));
    assert_eq!(groups["c"].ami_type.as_str(), Some("AL2023_ARM_64_STANDARD"), "Graviton nodes get an image that they can run");
    assert!(check(&model, &Path::root()).is_empty() && check_change(&model, None, Some(&facts()), &Path::root()).is_empty());
}

/// Summaries at their paths.
fn told(problems: &[tf_provider::Diagnostic]) -> Vec<String> {
    problems.iter().map(|one| format!("{}: {}", one.path, one.summary)).collect()
}

#[test]
fn wrong_input_is_refused_at_its_attribute() {
    let at = Path::of("cluster");
    let set = |all: &[&str]| Attr::Known(all.iter().map(|one| (*one).to_owned()).collect());
    let entry = AccessEntry { principal_arn: Attr::Known(ADMIN.to_owned()), ..AccessEntry::default() };
    let sizes = |min, max| NodeGroup { min_size: Attr::Known(min), max_size: Attr::Known(max), ..NodeGroup::default() };
    let base = || planned(Preset::Production);
    let cases = [
        (Cluster { admin_principal_arns: set(&[]), ..base() }, "cluster.admin_principal_arns: A cluster without an administrator"),
        (Cluster { public_access_cidrs: set(&["0.0.0.0/0"]), ..base() }, "cluster.public_access_cidrs: The API would be open to everybody"),
        (
            Cluster { kubernetes_version: Attr::Known("1.22".into()), ..base() },
            "cluster.kubernetes_version: A Kubernetes version that is too old",
        ),
        (
            Cluster { access_entries: Attr::Known([("me".to_owned(), entry)].into()), ..base() },
            r#"cluster.access_entries["me"].principal_arn: A principal stands twice"#,
        ),
        (
            Cluster { node_groups: Attr::Known([("a".to_owned(), sizes(5, 3))].into()), effective_node_groups: Attr::Null, ..base() },
            r#"cluster.node_groups["a"]: Sizes that exclude each other"#,
        ),
    ];
    assert_eq!(told(&check(&base(), &at)), Vec::<String>::new());
    for (model, expected) in cases {
        assert_eq!(told(&check(&model, &at)), [expected]);
    }
    let open = Cluster { public_access_cidrs: set(&["0.0.0.0/0"]), allow_public_access_from_anywhere: Attr::Known(true), ..base() };
    assert!(check(&open, &at).is_empty());
    let unknown =
        Cluster::from_value(&Value::object(Cluster::attributes().iter().map(|one| (one.name.as_str(), Value::Unknown))), &at).unwrap();
    assert!(check(&unknown, &at).is_empty() && check_change(&unknown, Some(&base()), Some(&facts()), &at).is_empty());
}

#[test]
fn facts_refuse_what_cannot_be() {
    let at = Path::root();
    let with = |types: &str, min: i64| {
        let mut model = defaults(Preset::Production);
        let types = Attr::Known(vec![Attr::Known(types.to_owned())]);
        let group = NodeGroup { instance_types: types, min_size: Attr::Known(min), ..NodeGroup::default() };
        model.node_groups = Attr::Known([("a".to_owned(), group)].into());
        derive(&mut model, None, Some(&facts()), Some(Preset::Production));
        model
    };
    let change = |model: &Cluster| told(&check_change(model, None, Some(&facts()), &at));
    assert_eq!(change(&with("m6i.large", 2)), Vec::<String>::new(), "4 vCPU, 16 GiB");
    assert_eq!(change(&with("m6i.large", 1)), ["node_groups: Too few or too small nodes for Deeploy"]);
    assert_eq!(change(&with("t3.micro", 4)), ["node_groups: Too few or too small nodes for Deeploy"]);
    assert_eq!(change(&with("z9.huge", 3)), [r#"node_groups["a"].instance_types: An instance type that isn't offered"#]);
    let mut wrong = with("m7g.large", 3);
    wrong.effective_node_groups.known().unwrap();
    if let Attr::Known(groups) = &mut wrong.effective_node_groups {
        groups.get_mut("a").unwrap().ami_type = Attr::Known("AL2023_x86_64_STANDARD".into());
    }
    assert_eq!(change(&wrong), [r#"node_groups["a"].ami_type: An image of another architecture"#]);
    let gone = Cluster { kubernetes_version: Attr::Known("1.28".into()), ..planned(Preset::Production) };
    assert_eq!(change(&gone), ["kubernetes_version: A Kubernetes version that EKS doesn't offer"]);
}

#[test]
fn without_facts_the_plan_stays_open_instead_of_guessing() {
    let mut model = defaults(Preset::Production);
    derive(&mut model, None, None, Some(Preset::Production));
    assert_eq!((&model.kubernetes_version, model.addon_versions.is_unknown()), (&Attr::Unknown, true));
    let blueprint = blueprint(&model, &links());
    assert_eq!(node(&blueprint, "cluster").settings["version"].value, Input::Unknown);
    assert_eq!(node(&blueprint, "addon/coredns").settings["addon_version"].value, Input::Unknown);
}

#[test]
fn what_the_configuration_decides_is_foretold() {
    let told: BTreeMap<&str, Value> = foretell(&planned(Preset::Production), &links(), &frankfurt()).into_iter().collect();
    assert_eq!(told["arn"], "arn:aws:eks:eu-central-1:123456789012:cluster/prod".into());
    assert_eq!(told["autoscaler_role_arn"], "arn:aws:iam::123456789012:role/prod-eu-central-1-autoscaler".into());
    assert_eq!(told["version"], Value::Unknown, "nothing runs yet");
    assert!(told["addon_versions"].is_wholly_known() && told["effective_node_groups"].is_wholly_known());
    let unnamed = Links { name: Attr::Unknown, ..links() };
    let told: BTreeMap<&str, Value> = foretell(&planned(Preset::Production), &unnamed, &frankfurt()).into_iter().collect();
    assert_eq!(told["arn"], Value::Unknown);
}

#[test]
fn the_version_that_runs_is_foretold_where_it_does_not_change() {
    let prior = Cluster { version: Attr::Known("1.34".into()), ..planned(Preset::Production) };
    for (wanted, told) in [("1.33", Attr::Known("1.34".to_owned())), ("1.34", Attr::Known("1.34".to_owned())), ("1.35", Attr::Unknown)] {
        let mut model = Cluster { kubernetes_version: Attr::Known(wanted.to_owned()), ..defaults(Preset::Production) };
        derive(&mut model, Some(&prior), Some(&facts()), Some(Preset::Production));
        assert_eq!(model.version, told, "{wanted}");
    }
}

#[test]
fn leftovers_are_what_users_take_out() {
    for (component, kind) in [
        ("node_group/old", Some("eks_nodegroup")),
        ("launch_template/old", Some("launch_template")),
        ("access_entry/me-1", Some("eks_access_entry")),
        ("cluster", None),
    ] {
        assert_eq!(leftover(component, &links()).map(|node| node.kind), kind, "{component}");
    }
}

#[test]
fn names_are_cut_with_what_tells_them_apart() {
    let (one, other) = (cut(&"a".repeat(70), 64), cut(&"a".repeat(71), 64));
    assert!(one.len() == 64 && other.len() == 64 && one != other);
    assert_eq!(cut("short", 64), "short");
}

#[test]
fn sessions_stand_for_their_roles() {
    let session = "arn:aws:sts::123456789012:assumed-role/platform-admin/me";
    let mut place = frankfurt();
    place.roles.insert("platform-admin".to_owned(), ADMIN.to_owned());
    let model = Cluster { admin_principal_arns: Attr::Known([session.to_owned()].into_iter().collect()), ..planned(Preset::Production) };
    let all = nodes(&model, &links(), &place);
    let entry = all.iter().find(|node| node.kind == "eks_access_entry").unwrap();
    assert!(same(Meaning::Exact, &json!(ADMIN), known(entry, "principal_arn")), "a session ends; EKS takes its role, path and all");
}

#[test]
fn the_logs_of_container_insights_end_and_go() {
    let all = blueprint(&planned(Preset::Production), &links());
    for kind in ["application", "dataplane", "host", "performance"] {
        let id = format!("insights_log_group/{kind}");
        let group = node(&all, &id);
        assert_eq!(*known(group, "name"), json!(format!("/aws/containerinsights/prod/{kind}")));
        assert_eq!((known(group, "retention_in_days"), group.adopt), (&json!(365), true));
        assert_eq!(*known(group, "kms_key_arn"), json!("arn:aws:kms:eu-central-1:123456789012:key/1"));
        // Deletions go against the edges: a group that went before the add-on would be made again.
        assert!(waits_for(&all, "addon/amazon-cloudwatch-observability").contains(&id), "{id}");
    }
}
