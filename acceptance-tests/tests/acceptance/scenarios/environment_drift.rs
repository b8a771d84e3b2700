//! What somebody deletes or changes of an environment by hand: the plan names exactly it, one apply repairs exactly it.

use std::collections::{BTreeMap, BTreeSet};

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    environments::{ENVIRONMENT, Lines, NAME, components, made, nothing_left, stable},
    stage::{Stage, change, mutations_of, stage, text},
};

fn ec2(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    world.query("ec2", "2016-11-15", operation, parameters).map(drop)
}

fn rds(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    world.query("rds", "2014-10-31", operation, parameters).map(drop)
}

/// What the last part of a component's id tells: EKS's ids begin with the cluster's name.
fn tail(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or_default()
}

fn escaped(arn: &str) -> String {
    arn.replace(':', "%3A").replace('/', "%2F")
}

/// What the plan says is gone or different; apply makes these calls and no others (each may be asked twice: a token that an
/// object that is gone had used up answers with that one), and the next plan is empty.
fn repaired(stage: &Stage, drift: &[(&str, &[&str])], calls: &[&str]) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    let (plan, planning) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    plan.success()?;
    assert_eq!(planning, Vec::<String>::new());
    let planned = change(terraform, ENVIRONMENT)?;
    assert_eq!(planned.actions, ["update"]);
    let found: BTreeMap<&str, &Value> =
        planned.before["drift"].as_object().into_iter().flatten().map(|(component, settings)| (stable(component), settings)).collect();
    let expected: BTreeMap<&str, Value> = drift.iter().map(|(component, settings)| (*component, json!(settings))).collect();
    assert_eq!(found, expected.iter().map(|(component, settings)| (*component, settings)).collect());
    let (done, made) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    let made: BTreeSet<&str> = made.iter().map(String::as_str).filter(|call| *call != "ssm:PutParameter").collect();
    assert_eq!(made, calls.iter().copied().collect());
    check::empty_plan(terraform)?;
    let state = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&state["status"], &state["drift"]), (&json!("ready"), &json!({})));
    Ok(())
}

#[test]
fn what_holds_no_data_is_made_anew_alone() -> Result<(), Failure> {
    let stage = stage()?;
    let state = made(&stage, &Lines::production(&stage.world))?;
    let world = &stage.world;
    let ids = components(&stage)?;
    let id = |component: &str| ids[component].as_str();
    ec2(world, "DeleteRoute", &[("RouteTableId", id("private_route_table/euc1-az2")), ("DestinationCidrBlock", "0.0.0.0/0")])?;
    ec2(world, "DisassociateRouteTable", &[("AssociationId", id("database_association/euc1-az1"))])?;
    ec2(world, "DeleteVpcEndpoints", &[("VpcEndpointId.1", id("s3_endpoint"))])?;
    ec2(world, "DeleteFlowLogs", &[("FlowLogId.1", id("flow_logs"))])?;
    let admin = escaped(&format!("arn:aws:iam::{}:role/admin", world.account()));
    world.eks("DELETE", &format!("/clusters/{NAME}/addons/metrics-server"), &Value::Null)?;
    world.eks("DELETE", &format!("/clusters/{NAME}/access-entries/{admin}"), &Value::Null)?;
    let pod = tail(id("pod_identity/deeploy/default")).to_owned();
    world.eks("DELETE", &format!("/clusters/{NAME}/pod-identity-associations/{pod}"), &Value::Null)?;
    world.iam("DeleteRolePolicy", &[("RoleName", "prod-eu-central-1-autoscaler"), ("PolicyName", "deeploy")])?;
    let agent = [("RoleName", "prod-eu-central-1-cloudwatch"), ("PolicyArn", "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy")];
    world.iam("DetachRolePolicy", &agent)?;
    world.iam("DeleteRole", &agent[..1])?;
    world.iam("DeleteOpenIDConnectProvider", &[("OpenIDConnectProviderArn", text(&state["cluster"], "oidc_provider_arn"))])?;
    world.kms("DeleteAlias", &json!({ "AliasName": id("tokens_key_alias") }))?;
    rds(world, "DeleteEventSubscription", &[("SubscriptionName", id("database_events"))])?;
    world.logs("DeleteLogGroup", &json!({ "logGroupName": id("database_log_group/upgrade") }))?;
    world.cloudwatch("DeleteAlarms", &json!({ "AlarmNames": [id("alarm/node-cpu")] }))?;
    world.events("RemoveTargets", &json!({ "Rule": "prod-health", "Ids": ["deeploy"] }))?;
    world.events("DeleteRule", &json!({ "Name": "prod-health" }))?;
    let gone: &[&str] = &["absent"];
    let names = [
        "access_entry/admin",
        "addon/metrics-server",
        "alarm/node-cpu",
        "autoscaler_policy",
        "cloudwatch_role",
        "database_association/euc1-az1",
        "database_events",
        "database_log_group/upgrade",
        "flow_logs",
        "health_rule",
        "health_target",
        "oidc_provider",
        "pod_identity/deeploy/default",
        "private_route/euc1-az2",
        "s3_endpoint",
        "tokens_key_alias",
    ];
    let calls = [
        "cloudwatch:PutMetricAlarm",
        "ec2:AssociateRouteTable",
        "ec2:CreateFlowLogs",
        "ec2:CreateRoute",
        "ec2:CreateVpcEndpoint",
        "eks:AssociateAccessPolicy",
        "eks:CreateAccessEntry",
        "eks:CreateAddon",
        "eks:CreatePodIdentityAssociation",
        "events:PutRule",
        "events:PutTargets",
        "iam:AttachRolePolicy",
        "iam:CreateOpenIDConnectProvider",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "kms:CreateAlias",
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "rds:CreateEventSubscription",
    ];
    repaired(&stage, &names.map(|name| (name, gone)), &calls)?;
    larger_ones(&stage, &state)?;
    check::no_unsupported_call(world)
}

/// Nodes, a way out, the topic: others hang on these.
fn larger_ones(stage: &Stage, state: &Value) -> Result<(), Failure> {
    let world = &stage.world;
    let ids = components(stage)?;
    let id = |component: &str| ids[component].as_str();
    world.eks("DELETE", &format!("/clusters/{NAME}/node-groups/{}", tail(id("node_group/default"))), &Value::Null)?;
    ec2(world, "DeleteLaunchTemplate", &[("LaunchTemplateId", id("launch_template/default"))])?;
    ec2(world, "DeleteNatGateway", &[("NatGatewayId", id("nat_gateway/euc1-az3"))])?;
    ec2(world, "ReleaseAddress", &[("AllocationId", id("eip/euc1-az3"))])?;
    world.query("sns", "2010-03-31", "DeleteTopic", &[("TopicArn", text(&state["monitoring"], "topic_arn"))])?;
    let gone: &[&str] = &["absent"];
    let ill: &[&str] = &["health"];
    let drift = [
        ("addon/amazon-cloudwatch-observability", ill),
        ("addon/aws-ebs-csi-driver", ill),
        ("addon/coredns", ill),
        ("addon/metrics-server", ill),
        ("autoscaling_tags/default", gone),
        ("eip/euc1-az3", gone),
        ("launch_template/default", gone),
        ("nat_gateway/euc1-az3", gone),
        ("node_group/default", gone),
        ("subscription/ops@example.com", gone),
        ("topic", gone),
    ];
    // RDS's subscriptions are told the topic again: that it has the old one's name helps them nothing.
    let calls = [
        "cloudwatch:PutMetricAlarm",
        "ec2:AllocateAddress",
        "ec2:CreateLaunchTemplate",
        "ec2:CreateNatGateway",
        "ec2:ReplaceRoute",
        "eks:CreateNodegroup",
        "rds:ModifyEventSubscription",
        "sns:CreateTopic",
        "sns:Subscribe",
    ];
    repaired(stage, &drift, &calls)
}

#[test]
fn what_is_managed_is_set_back_and_what_is_not_is_left() -> Result<(), Failure> {
    let stage = stage()?;
    let state = made(&stage, &Lines::development(&stage.world))?;
    let Stage { world, terraform } = &stage;
    let ids = components(&stage)?;
    let id = |component: &str| ids[component].as_str();
    let open = |group: &'_ str, port: &'_ str| {
        let rule = [
            ("GroupId", group),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", port),
            ("IpPermissions.1.ToPort", port),
            ("IpPermissions.1.IpRanges.1.CidrIp", "203.0.113.0/24"),
        ];
        ec2(world, "AuthorizeSecurityGroupIngress", &rule)
    };
    // The autoscaler's size, a load balancer's rule at the nodes, somebody's own access: none of ours.
    let group = tail(id("node_group/default")).to_owned();
    let viewer = format!("arn:aws:iam::{}:role/viewer", world.account());
    let sizes = &state["cluster"]["effective_node_groups"]["default"];
    let scaled = json!({ "minSize": sizes["min_size"], "maxSize": sizes["max_size"], "desiredSize": sizes["max_size"] });
    let scaled = json!({ "scalingConfig": scaled });
    world.eks("POST", &format!("/clusters/{NAME}/node-groups/{group}/update-config"), &scaled)?;
    world.eks("POST", &format!("/clusters/{NAME}/access-entries"), &json!({ "principalArn": viewer }))?;
    open(id("node_security_group"), "30000")?;
    check::empty_plan(terraform)?;

    let subnet = [("SubnetId", id("private_subnet/euc1-az1")), ("MapPublicIpOnLaunch.Value", "true")];
    ec2(world, "ModifySubnetAttribute", &subnet)?;
    open(id("database_security_group"), "5432")?;
    let everything =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }] }).to_string();
    world.iam(
        "PutRolePolicy",
        &[("RoleName", "prod-eu-central-1-deeploy"), ("PolicyName", "deeploy"), ("PolicyDocument", everything.as_str())],
    )?;
    let anybody = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", world.account()) }, "Action": "sts:AssumeRole" },
    ] });
    world.iam("UpdateAssumeRolePolicy", &[("RoleName", "prod-eu-central-1-nodes"), ("PolicyDocument", anybody.to_string().as_str())])?;
    let suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    world.s3("PUT", &format!("/{}?versioning", text(&state["storage"], "bucket")), suspended)?;
    let parameters = [
        ("DBParameterGroupName", "prod-postgres17"),
        ("Parameters.Parameter.1.ParameterName", "rds.force_ssl"),
        ("Parameters.Parameter.1.ParameterValue", "0"),
        ("Parameters.Parameter.1.ApplyMethod", "immediate"),
    ];
    rds(world, "ModifyDBParameterGroup", &parameters)?;
    let drift: [(&str, &[&str]); 6] = [
        ("bucket", &["versioning"]),
        ("database_parameter_group/postgres17", &["parameters"]),
        ("database_security_group_rules", &["ingress"]),
        ("node_role", &["trust_policy"]),
        ("private_subnet/euc1-az1", &["map_public_ip_on_launch"]),
        ("role_policy", &["policy"]),
    ];
    let calls = [
        "ec2:ModifySubnetAttribute",
        "ec2:RevokeSecurityGroupIngress",
        "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        "rds:ModifyDBParameterGroup",
        "s3:PutBucketVersioning",
    ];
    repaired(&stage, &drift, &calls)?;
    check::no_unsupported_call(world)
}

#[test]
fn what_holds_data_is_made_anew_only_when_it_is_named() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let mut lines = Lines::development(world);
    let state = made(&stage, &lines)?;
    let before = components(&stage)?;
    let bucket = format!("/{}", text(&state["storage"], "bucket"));
    let database = [("DBInstanceIdentifier", NAME), ("SkipFinalSnapshot", "true"), ("DeleteAutomatedBackups", "true")];
    world.s3("DELETE", &bucket, "")?;
    rds(world, "DeleteDBInstance", &database)?;
    // Not even the second time, when the state has seen it.
    for _ in 0..2 {
        terraform.apply(&["-refresh-only"])?;
        let (plan, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
        let plan = plan.failure()?;
        check::says(&plan, &format!("`bucket` {} is gone", text(&state["storage"], "bucket")))?;
        check::says(&plan, "`database` prod is gone")?;
        check::says(&plan, "recreate = [\"database\"]")?;
        assert_eq!((calls, plan.stderr.matches("Error: ").count()), (Vec::<String>::new(), 2), "{}", plan.output());
    }
    lines.set("recreate", "[\"bucket\", \"database\"]");
    terraform.configure(&lines.text())?;
    let (done, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    done.success()?;
    assert!(!calls.iter().any(|call| call.contains(":Delete")), "{calls:?}");
    check::empty_plan(terraform)?;
    lines.set("recreate", "");
    terraform.configure(&lines.text())?;
    terraform.apply::<&str>(&[])?.success()?;
    let moved: Vec<String> =
        components(&stage)?.into_iter().filter(|(name, id)| before.get(name) != Some(id)).map(|(name, _)| name).collect();
    assert_eq!(moved, Vec::<String>::new(), "names are ids, and nothing else is another one");
    assert_ne!(terraform.attributes(ENVIRONMENT)?["database"]["resource_id"], state["database"]["resource_id"]);

    // Whoever wants none of it any more needn't make it anew first.
    world.s3("DELETE", &bucket, "")?;
    check::says(&terraform.destroy::<&str>(&[])?.failure()?, "terraform destroy -refresh=false")?;
    terraform.destroy(&["-refresh=false"])?.success()?;
    nothing_left(world)?;
    check::no_unsupported_call(world)
}
