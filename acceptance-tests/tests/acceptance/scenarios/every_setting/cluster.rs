//! EKS's objects, and what stands around the nodes.

use acceptance_tests::Failure;
use serde_json::{Value, json};

use super::{Case, Hand, NO_CALL, by, never};
use crate::scenarios::{environments::NAME, stage::text};

pub(super) const CASES: &[Case] = &[
    by(0, "eks_cluster", &["endpoint_private_access", "endpoint_public_access"], |hand, _| {
        let open = json!({ "endpointPublicAccess": true, "endpointPrivateAccess": false, "publicAccessCidrs": ["0.0.0.0/0"] });
        update(hand, &json!({ "resourcesVpcConfig": open }))
    }),
    by(1, "eks_cluster", &["subnet_ids"], |hand, _| {
        let subnets = hand.state["network"]["control_plane_subnet_ids"].as_array().cloned().unwrap_or_default();
        update(hand, &json!({ "resourcesVpcConfig": { "subnetIds": subnets[..2] } }))
    }),
    by(0, "eks_cluster", &["deletion_protection"], |hand, _| update(hand, &json!({ "deletionProtection": true }))),
    by(0, "eks_cluster", &["log_types"], |hand, _| {
        update(hand, &json!({ "logging": { "clusterLogging": [{ "types": ["audit"], "enabled": false }] } }))
    }),
    by(0, "eks_cluster", &["support_type"], |hand, _| update(hand, &json!({ "upgradePolicy": { "supportType": "EXTENDED" } }))),
    by(0, "eks_cluster", &["zonal_shift"], |hand, _| update(hand, &json!({ "zonalShiftConfig": { "enabled": false } }))),
    never("eks_cluster", &["authentication_mode"], "AWS has no way back from access entries to a ConfigMap"),
    never("eks_cluster", &["encryption_key_arn"], "AWS has no way to another key, once there is one"),
    never("eks_cluster", &["name", "role_arn"], NO_CALL),
    never("eks_cluster", &["version"], "it only rises; an upgrade by hand is met by the plan's steps, and cluster_upgrade shows these"),
    by(0, "eks_access_entry", &["kubernetes_groups"], |hand, _| {
        hand.world.eks("POST", &admin(hand, ""), &json!({ "kubernetesGroups": ["another"] })).map(drop)
    }),
    by(0, "eks_access_entry", &["policies"], |hand, _| {
        let policy = "/access-policies/arn%3Aaws%3Aeks%3A%3Aaws%3Acluster-access-policy%2FAmazonEKSClusterAdminPolicy";
        hand.world.eks("DELETE", &admin(hand, policy), &Value::Null).map(drop)
    }),
    never("eks_access_entry", &["cluster_name", "principal_arn"], NO_CALL),
    by(2, "eks_access_entry", &["current"], |hand, _| {
        // Who made the role anew is another principal, though of the same name.
        hand.world.iam("DeleteRole", &[("RoleName", "admin")])?;
        let trust = format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"arn:aws:iam::{}:root\"}},\
             \"Action\":\"sts:AssumeRole\"}}]}}",
            hand.world.account()
        );
        hand.world.iam("CreateRole", &[("RoleName", "admin"), ("AssumeRolePolicyDocument", &trust)]).map(drop)
    }),
    by(0, "eks_addon", &["addon_version"], |hand, addon| {
        let name = addon.rsplit('/').next().unwrap_or_default();
        let now = hand.world.eks("GET", &format!("/clusters/{NAME}/addons/{name}"), &Value::Null)?;
        let offered = hand.world.eks("GET", &format!("/addons/supported-versions?addonName={name}"), &Value::Null)?;
        let now = text(&now["addon"], "addonVersion");
        let versions = offered["addons"][0]["addonVersions"].as_array().cloned().unwrap_or_default();
        let other = versions.iter().map(|version| text(version, "addonVersion")).find(|version| *version != now).unwrap_or_default();
        hand.world.eks("POST", &format!("/clusters/{NAME}/addons/{name}/update"), &json!({ "addonVersion": other })).map(drop)
    }),
    never("eks_addon", &["addon_name", "cluster_name"], NO_CALL),
    never("eks_addon", &["create_failed", "health"], "EKS tells how it fares"),
    by(0, "eks_nodegroup", &["labels", "taints"], |hand, group| {
        let taint = json!([{ "key": "a", "value": "b", "effect": "NO_SCHEDULE" }]);
        configure(hand, group, &json!({ "labels": { "addOrUpdateLabels": { "a": "b" } }, "taints": { "addOrUpdateTaints": taint } }))
    }),
    by(0, "eks_nodegroup", &["max_size", "min_size"], |hand, group| {
        configure(hand, group, &json!({ "scalingConfig": { "minSize": 1, "maxSize": 20 } }))
    }),
    by(0, "eks_nodegroup", &["max_unavailable_percentage"], |hand, group| {
        configure(hand, group, &json!({ "updateConfig": { "maxUnavailable": 1 } }))
    }),
    by(0, "eks_nodegroup", &["node_repair"], |hand, group| configure(hand, group, &json!({ "nodeRepairConfig": { "enabled": false } }))),
    // Of this round's other version of its launch template, which is the default, and not the one that it runs by.
    by(0, "eks_nodegroup", &["launch_template_version"], |_, _| Ok(())),
    never(
        "eks_nodegroup",
        &["ami_type", "capacity_type", "cluster_name", "instance_types", "launch_template_id", "name", "node_role_arn", "subnet_ids"],
        NO_CALL,
    ),
    never("eks_nodegroup", &["create_failed", "health"], "EKS tells how it fares"),
    never("eks_nodegroup", &["version"], "it only rises, and not above the cluster's"),
    by(0, "eks_pod_identity_association", &["role_arn"], |hand, pod| {
        let autoscaler = pod.contains("autoscaler");
        let other =
            if autoscaler { text(&hand.state["identity"], "role_arn") } else { text(&hand.state["cluster"], "autoscaler_role_arn") };
        let other = json!({ "roleArn": other });
        hand.world.eks("POST", &format!("/clusters/{NAME}/pod-identity-associations/{}", hand.tail(pod)), &other).map(drop)
    }),
    never("eks_pod_identity_association", &["cluster_name", "namespace", "service_account"], NO_CALL),
    by(0, "autoscaling_group_tags", &["tags"], |hand, tags| {
        let tag = [
            ("Tags.member.1.ResourceId", hand.id(tags)),
            ("Tags.member.1.ResourceType", "auto-scaling-group"),
            ("Tags.member.1.Key", "k8s.io/cluster-autoscaler/enabled"),
        ];
        hand.world.query("autoscaling", "2011-01-01", "DeleteTags", &tag).map(drop)
    }),
    never("autoscaling_group_tags", &["group_name"], "it says whose tags these are"),
];

fn update(hand: &Hand<'_>, change: &Value) -> Result<(), Failure> {
    hand.world.eks("POST", &format!("/clusters/{NAME}/update-config"), change).map(drop)
}

/// The path of the administrators' access entry.
fn admin(hand: &Hand<'_>, more: &str) -> String {
    format!("/clusters/{NAME}/access-entries/arn%3Aaws%3Aiam%3A%3A{}%3Arole%2Fadmin{more}", hand.world.account())
}

fn group_path(hand: &Hand<'_>, group: &str, what: &str) -> String {
    format!("/clusters/{NAME}/node-groups/{}/{what}", hand.tail(group))
}

fn configure(hand: &Hand<'_>, group: &str, change: &Value) -> Result<(), Failure> {
    hand.world.eks("POST", &group_path(hand, group, "update-config"), change).map(drop)
}
