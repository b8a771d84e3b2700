//! What others change of a cluster shows in a plan, and one apply repairs it.

use acceptance_tests::{Failure, check};
use serde_json::{Value, json};

use super::{
    cluster::{CLUSTER, cluster, made},
    stage::{Stage, stage, text},
};

#[test]
fn what_others_change_or_delete_is_shown_and_repaired() -> Result<(), Failure> {
    let stage = stage()?;
    let before = made(&stage, &[])?;
    let Stage { world, terraform } = &stage;
    let admin = format!("arn:aws:iam::{}:role/admin", world.account());
    let group = text(&world.objects_of("eks:nodegroup")?[0], "id").trim_start_matches("prod/").to_owned();
    let asg = text(&world.objects_of("autoscaling:group")?[0], "id").to_owned();
    let escaped = admin.replace(':', "%3A").replace('/', "%2F");
    let policy = "arn%3Aaws%3Aeks%3A%3Aaws%3Acluster-access-policy%2FAmazonEKSClusterAdminPolicy";
    world.eks("DELETE", "/clusters/prod/addons/coredns", &Value::Null)?;
    world.eks("DELETE", &format!("/clusters/prod/access-entries/{escaped}/access-policies/{policy}"), &Value::Null)?;
    let labels = json!({ "labels": { "addOrUpdateLabels": { "foreign": "yes" } } });
    world.eks("POST", &format!("/clusters/prod/node-groups/{group}/update-config"), &labels)?;
    let associations =
        world.eks("GET", "/clusters/prod/pod-identity-associations?serviceAccount=aws-node&namespace=kube-system", &Value::Null)?;
    let association = text(&associations["associations"][0], "associationId");
    world.eks("DELETE", &format!("/clusters/prod/pod-identity-associations/{association}"), &Value::Null)?;
    let logging = json!({ "logging": { "clusterLogging": [{ "types": ["scheduler"], "enabled": true }] } });
    world.eks("POST", "/clusters/prod/update-config", &logging)?;
    let provider = text(&before, "oidc_provider_arn");
    world.iam("DeleteOpenIDConnectProvider", &[("OpenIDConnectProviderArn", provider)])?;
    let tag = [
        ("Tags.member.1.ResourceId", asg.as_str()),
        ("Tags.member.1.ResourceType", "auto-scaling-group"),
        ("Tags.member.1.Key", "k8s.io/cluster-autoscaler/enabled"),
    ];
    world.query("autoscaling", "2011-01-01", "DeleteTags", &tag)?;

    terraform.run(&["apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color"])?.success()?;
    let state = terraform.attributes(CLUSTER)?;
    let drift = state["drift"].as_object().unwrap();
    let expected = [
        ("access_entry", json!(["policies"])),
        ("addon/coredns", json!(["absent"])),
        ("autoscaling_tags/default", json!(["tags"])),
        ("node_group/default", json!(["labels"])),
        ("oidc_provider", json!(["absent"])),
        ("pod_identity/kube-system/aws-node", json!(["absent"])),
    ];
    assert_eq!(drift.len(), expected.len(), "{drift:?}");
    for (component, settings) in expected {
        let found = drift.iter().find(|(name, _)| name.starts_with(component));
        assert_eq!(found.map(|(_, settings)| settings), Some(&settings), "{component}: {drift:?}");
    }
    assert!(state["enabled_cluster_log_types"].as_array().unwrap().contains(&json!("scheduler")));

    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let after = terraform.attributes(CLUSTER)?;
    assert_eq!((&after["drift"], &after["status"]), (&json!({}), &json!("ready")));
    assert_eq!((&after["oidc_provider_arn"], &after["arn"]), (&before["oidc_provider_arn"], &before["arn"]));
    Ok(())
}

#[test]
fn what_others_own_is_no_drift() -> Result<(), Failure> {
    let stage = stage()?;
    made(&stage, &[])?;
    let Stage { world, terraform } = &stage;
    let group = text(&world.objects_of("eks:nodegroup")?[0], "id").trim_start_matches("prod/").to_owned();
    // The autoscaler's size, and a controller's rule on the nodes' group.
    let size = json!({ "scalingConfig": { "desiredSize": 4 } });
    world.eks("POST", &format!("/clusters/prod/node-groups/{group}/update-config"), &size)?;
    let nodes = terraform.attributes(CLUSTER)?;
    let rule = [
        ("GroupId", text(&nodes, "node_security_group_id")),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "8080"),
        ("IpPermissions.1.ToPort", "8080"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.20.0.0/16"),
    ];
    world.query("ec2", "2016-11-15", "AuthorizeSecurityGroupIngress", &rule)?;
    check::empty_plan(terraform)?;
    // New bounds keep the autoscaler's size.
    terraform.configure(&cluster(world, &[("node_groups", "{ default = { min_size = 3, max_size = 6 } }")]))?;
    terraform.apply::<&str>(&[])?.success()?;
    let group = world.eks("GET", &format!("/clusters/prod/node-groups/{group}"), &Value::Null)?;
    assert_eq!(group["nodegroup"]["scalingConfig"], json!({ "minSize": 3, "maxSize": 6, "desiredSize": 4 }));
    check::empty_plan(terraform)
}

#[test]
fn a_cluster_that_vanished_is_made_anew_only_when_that_is_said() -> Result<(), Failure> {
    let stage = stage()?;
    made(&stage, &[])?;
    let Stage { world, terraform } = &stage;
    for group in world.objects_of("eks:nodegroup")? {
        let name = text(&group, "id").trim_start_matches("prod/");
        world.eks("DELETE", &format!("/clusters/prod/node-groups/{name}"), &Value::Null)?;
    }
    world.eks("DELETE", "/clusters/prod", &Value::Null)?;
    check::says(&terraform.plan::<&str>(&[])?, "`cluster` prod is gone")?;
    terraform.configure(&cluster(world, &[("recreate", r#"["cluster"]"#)]))?;
    terraform.apply::<&str>(&[])?.success()?;
    terraform.configure(&cluster(world, &[]))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(CLUSTER)?["status"], "ready");
    Ok(())
}

/// Nodes that start from it would run somebody else's script, as root.
#[test]
fn what_others_wrote_into_a_launch_template_is_drift_and_never_rolled_out() -> Result<(), Failure> {
    const EC2: &str = "2016-11-15";
    let stage = stage()?;
    made(&stage, &[])?;
    let Stage { world, terraform } = &stage;
    let id = text(&terraform.attributes(CLUSTER)?["components"], "launch_template/default").to_owned();
    let template = ("LaunchTemplateId", id.as_str());
    let theirs =
        [template, ("SourceVersion", "1"), ("LaunchTemplateData.UserData", "IyEvYmluL3No"), ("LaunchTemplateData.ImageId", "ami-1")];
    world.query("ec2", EC2, "CreateLaunchTemplateVersion", &theirs)?;
    world.query("ec2", EC2, "ModifyLaunchTemplate", &[template, ("SetDefaultVersion", "2")])?;
    let plan = terraform.plan::<&str>(&[])?.success()?;
    check::says(&plan, "- default (others)")?;
    terraform.apply_plan()?.success()?;
    check::empty_plan(terraform)?;
    let data = world.query("ec2", EC2, "DescribeLaunchTemplateVersions", &[template, ("LaunchTemplateVersion.1", "$Default")])?;
    assert!(data.contains("<versionNumber>3</versionNumber>") && !data.contains("IyEvYmluL3No") && !data.contains("ami-1"), "{data}");
    let group = world.eks("GET", "/clusters/prod/node-groups", &Value::Null)?;
    let group = text(&json!({ "name": group["nodegroups"][0] }), "name").to_owned();
    let runs = world.eks("GET", &format!("/clusters/prod/node-groups/{group}"), &Value::Null)?;
    assert_eq!(runs["nodegroup"]["launchTemplate"]["version"], "3");
    Ok(())
}
