//! Roles of the cluster, its nodes and its add-ons, each with what it needs and no more.

use serde_json::{Value as Json, json};

use super::{AUTOSCALER_ROLE, CLUSTER, Links, name_of};
use crate::{
    graph::{Input, Meaning, Node},
    policies::{Place, PodIdentity, document, trust_policy},
    resources::{
        parts::iam_name::iam_name,
        setting::{fixed, input, live, or_none, settings, unread},
    },
};

/// The nodes' role.
pub(super) const NODE_ROLE: &str = "node_role";
/// The control plane's role.
pub(super) const CLUSTER_ROLE: &str = "cluster_role";
/// The name of a role's own policy.
const POLICY_NAME: &str = "deeploy";

/// A role that pods of one service account take.
struct PodRole {
    component: &'static str,
    suffix: &'static str,
    description: &'static str,
    namespace: &'static str,
    service_account: &'static str,
    managed: &'static [&'static str],
}

/// The network plugin configures interfaces: as pods' role rather than the nodes', so that no other pod may.
const VPC_CNI: PodRole = PodRole {
    component: "vpc_cni_role",
    suffix: "vpc-cni",
    description: "The VPC CNI add-on",
    namespace: "kube-system",
    service_account: "aws-node",
    managed: &["AmazonEKS_CNI_Policy"],
};
const EBS_CSI: PodRole = PodRole {
    component: "ebs_csi_role",
    suffix: "ebs-csi",
    description: "The EBS CSI driver",
    namespace: "kube-system",
    service_account: "ebs-csi-controller-sa",
    managed: &["service-role/AmazonEBSCSIDriverPolicy"],
};
const CLOUDWATCH: PodRole = PodRole {
    component: "cloudwatch_role",
    suffix: "cloudwatch",
    description: "The CloudWatch agent",
    namespace: "amazon-cloudwatch",
    service_account: "cloudwatch-agent",
    managed: &["CloudWatchAgentServerPolicy"],
};
const AUTOSCALER: PodRole = PodRole {
    component: AUTOSCALER_ROLE,
    suffix: "autoscaler",
    description: "The Cluster Autoscaler",
    namespace: "kube-system",
    service_account: "cluster-autoscaler",
    managed: &[],
};

/// Pods before nodes: the network plugin runs on each from its first second on.
pub(super) const EARLY_PODS: &[&str] = &["pod_identity/kube-system/aws-node"];

/// The association of an add-on's pods with their role.
pub(super) fn association_of(addon: &str) -> Option<String> {
    let role = match addon {
        "vpc-cni" => &VPC_CNI,
        "aws-ebs-csi-driver" => &EBS_CSI,
        "amazon-cloudwatch-observability" => &CLOUDWATCH,
        _ => return None,
    };
    Some(association_id(role))
}

fn association_id(role: &PodRole) -> String {
    format!("pod_identity/{}/{}", role.namespace, role.service_account)
}

/// A role's name, where the cluster's is known.
fn name(links: &Links, suffix: &str, place: &Place) -> Option<String> {
    Some(iam_name(name_of(links)?, suffix, place))
}

/// A role's ARN, where its name and path are known.
fn arn(links: &Links, suffix: &str, place: &Place) -> Option<String> {
    let path = links.iam_path.as_str().unwrap_or("/");
    (!links.iam_path.is_unknown()).then(|| name(links, suffix, place).map(|name| place.iam(&format!("role{path}{name}")))).flatten()
}

/// The autoscaler's role's ARN.
pub(super) fn autoscaler_arn(links: &Links, place: &Place) -> Option<String> {
    arn(links, AUTOSCALER.suffix, place)
}

/// All roles, and the associations of pods with them.
pub(super) fn nodes(links: &Links, ssm_access: Option<bool>, place: &Place) -> Vec<Node> {
    let mut nodes = vec![cluster_role(links, place), node_role(links, ssm_access, place)];
    for role in [&VPC_CNI, &EBS_CSI, &CLOUDWATCH, &AUTOSCALER] {
        nodes.push(pod_role(role, links, place));
        nodes.push(association(role));
    }
    nodes.push(inline("autoscaler_policy", AUTOSCALER.component, autoscaler_policy(links, place)));
    let key = input(&links.key_arn);
    let keyless = key == Input::Known(Json::Null);
    let policy = if links.key_arn.is_unknown() { Input::Unknown } else { disks_policy(&links.key_arn) };
    nodes.push(inline("ebs_csi_policy", EBS_CSI.component, policy).absent_if(keyless));
    nodes
}

fn cluster_role(links: &Links, place: &Place) -> Node {
    let trust = assumed_by("eks.amazonaws.com");
    role(CLUSTER_ROLE, links, "cluster", "The EKS control plane", Input::Known(trust), &["AmazonEKSClusterPolicy"], place)
}

/// No policy of the network plugin: that has a role of its own.
fn node_role(links: &Links, ssm_access: Option<bool>, place: &Place) -> Node {
    let trust = assumed_by(&format!("ec2.{}", place.dns_suffix));
    let mut policies = vec!["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"];
    if ssm_access == Some(true) {
        policies.push("AmazonSSMManagedInstanceCore");
    }
    let mut node = role(NODE_ROLE, links, "nodes", "EKS nodes", Input::Known(trust), &policies, place);
    if ssm_access.is_none() {
        node.settings.insert("managed_policies".to_owned(), live(Input::Unknown).meaning(Meaning::Unordered));
    }
    node
}

fn assumed_by(service: &str) -> Json {
    document(&[json!({ "Sid": "DeeployService", "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" })])
}

fn pod_role(of: &PodRole, links: &Links, place: &Place) -> Node {
    let trust = match name_of(links) {
        None => Input::Unknown,
        Some(cluster) => {
            let pods = PodIdentity {
                cluster_name: cluster.to_owned(),
                namespace: of.namespace.to_owned(),
                service_accounts: vec![of.service_account.to_owned()],
            };
            Input::Known(trust_policy(place, None, Some(&pods), &[]))
        }
    };
    role(of.component, links, of.suffix, of.description, trust, of.managed, place)
}

fn role(component: &str, links: &Links, suffix: &str, description: &str, trust: Input, managed: &[&str], place: &Place) -> Node {
    let policies: Vec<String> = managed.iter().map(|name| format!("arn:{}:iam::aws:policy/{name}", place.partition)).collect();
    let path = if links.iam_path.is_null() { Input::Known(json!("/")) } else { input(&links.iam_path) };
    let role = settings([
        ("name", fixed(name(links, suffix, place).map_or(Input::Unknown, |name| Input::Known(json!(name))))),
        ("path", fixed(path)),
        ("trust_policy", live(trust).meaning(Meaning::Policy)),
        ("permissions_boundary", live(or_none(&links.permissions_boundary))),
        ("description", live(Input::Known(json!(description)))),
        ("managed_policies", live(Input::Known(json!(policies))).meaning(Meaning::Unordered)),
        ("inline_policies", unread(Input::Known(json!([POLICY_NAME])))),
    ]);
    Node::new(component, "iam_role", role)
}

fn association(role: &PodRole) -> Node {
    let association = settings([
        ("cluster_name", fixed(Input::Output(CLUSTER.into(), "name".to_owned()))),
        ("namespace", fixed(Input::Known(json!(role.namespace)))),
        ("service_account", fixed(Input::Known(json!(role.service_account)))),
        ("role_arn", live(Input::Output(role.component.into(), "arn".to_owned()))),
    ]);
    Node::new(&association_id(role), "eks_pod_identity_association", association)
}

fn inline(component: &str, role: &str, policy: Input) -> Node {
    let inline = settings([
        ("role", fixed(Input::Output(role.into(), "name".to_owned()))),
        ("name", fixed(Input::Known(json!(POLICY_NAME)))),
        ("policy", live(policy).meaning(Meaning::Policy)),
    ]);
    Node::new(component, "iam_role_policy", inline)
}

/// The autoscaler's own documentation ("Full Cluster Autoscaler Features Policy"), with writes for this cluster's groups only.
fn autoscaler_policy(links: &Links, place: &Place) -> Input {
    let Some(cluster) = name_of(links) else { return Input::Unknown };
    Input::Known(document(&[
        json!({
            "Sid": "DeeployRead", "Effect": "Allow", "Resource": "*",
            "Action": [
                "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
        }),
        json!({
            "Sid": "DeeployNodeGroups", "Effect": "Allow", "Action": "eks:DescribeNodegroup",
            "Resource": place.regional("eks", &format!("nodegroup/{cluster}/*")),
        }),
        json!({
            "Sid": "DeeployScale", "Effect": "Allow",
            "Action": ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            "Resource": place.regional("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*"),
            "Condition": { "StringEquals": { format!("aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}"): "owned" } },
        }),
    ]))
}

/// Disks of PersistentVolumes that are encrypted with the key (EBS CSI driver, "Create an IAM role", step for customer keys).
fn disks_policy(key: &tf_provider::Attr<String>) -> Input {
    let Some(key) = key.as_str() else { return Input::Known(Json::Null) };
    Input::from(document(&[
        json!({
            "Sid": "DeeployGrants", "Effect": "Allow", "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": key,
            "Condition": { "Bool": { "kms:GrantIsForAWSResource": "true" } },
        }),
        json!({
            "Sid": "DeeployDisks", "Effect": "Allow", "Resource": key,
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        }),
    ]))
}
