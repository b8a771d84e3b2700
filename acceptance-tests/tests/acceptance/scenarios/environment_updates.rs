//! Everything of an environment that changes, changes in place: exactly the calls that it takes, nothing replaced that needn't be.

use acceptance_tests::{Failure, check};
use serde_json::{Value, json};

use super::{
    environments::{ENVIRONMENT, Lines, Step, made},
    stage::{Stage, mutations_of, stage, text},
};

const NOTHING: Step<'static> = Step { lines: &[], calls: &[], order: &[], moved: &[], says: &[] };

#[test]
fn nodes_database_and_administrators_change_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let mut lines = Lines::production(&stage.world);
    lines.set("cluster.kubernetes_version", "\"1.33\"");
    made(&stage, &lines)?;
    let steps = [
        Step {
            lines: &[("cluster.node_groups", "{ default = { min_size = 4, max_size = 9 } }")],
            calls: &["eks:UpdateNodegroupConfig"],
            ..NOTHING
        },
        Step {
            lines: &[("cluster.node_groups", "{ default = { min_size = 4, max_size = 9, disk_size = 200 } }")],
            calls: &["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate", "eks:UpdateNodegroupVersion"],
            says: &["Nodes are replaced"],
            ..NOTHING
        },
        Step {
            lines: &[(
                "cluster.node_groups",
                "{ default = { min_size = 4, max_size = 9, disk_size = 200, instance_types = [\"m7i.2xlarge\"] } }",
            )],
            calls: &["eks:CreateNodegroup", "autoscaling:DeleteTags", "autoscaling:CreateOrUpdateTags", "eks:DeleteNodegroup"],
            order: &["eks:CreateNodegroup", "eks:DeleteNodegroup"],
            moved: &["autoscaling_tags/default", "node_group/default"],
            says: &["- `node_group/default`"],
        },
        Step {
            lines: &[("cluster.admin_principal_arns", "[\"arn:aws:iam::ACCOUNT:role/other\"]")],
            calls: &["eks:CreateAccessEntry", "eks:AssociateAccessPolicy", "eks:DeleteAccessEntry"],
            order: &["eks:CreateAccessEntry", "eks:AssociateAccessPolicy", "eks:DeleteAccessEntry"],
            moved: &["access_entry/admin", "access_entry/other"],
            ..NOTHING
        },
        Step {
            lines: &[
                ("database.apply_immediately", "true"),
                ("database.instance_class", "\"db.r7g.large\""),
                ("database.allocated_storage", "200"),
                ("database.max_allocated_storage", "1000"),
            ],
            calls: &["rds:ModifyDBInstance", "cloudwatch:PutMetricAlarm", "cloudwatch:PutMetricAlarm", "cloudwatch:PutMetricAlarm"],
            order: &["rds:ModifyDBInstance", "cloudwatch:PutMetricAlarm"],
            says: &["The database will be restarted", "The database's storage will grow"],
            ..NOTHING
        },
        Step {
            lines: &[
                ("database.backup_retention_period", "20"),
                ("database.log_retention_in_days", "400"),
                ("database.parameters", "{ work_mem = \"8192\" }"),
            ],
            calls: &["rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "logs:PutRetentionPolicy", "logs:PutRetentionPolicy"],
            ..NOTHING
        },
    ];
    for step in steps {
        step.run(&stage, &mut lines)?;
    }
    upgraded(&stage, &mut lines)?;
    check::no_unsupported_call(&stage.world)
}

/// One minor up: not two, not while EKS says that it would break, and the control plane first.
fn upgraded(stage: &Stage, lines: &mut Lines) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    let refused = |lines: &mut Lines, version: &str, why: &str| -> Result<(), Failure> {
        lines.set("cluster.kubernetes_version", version);
        terraform.configure(&lines.text())?;
        let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        assert_eq!(calls, Vec::<String>::new());
        check::says(&plan.failure()?, why)
    };
    refused(lines, "\"1.35\"", "Too many Kubernetes versions at once")?;
    let insight = json!([{ "name": "Deprecated APIs", "status": "ERROR", "reason": "flowcontrol v1beta3 is in use" }]);
    world.settings(&json!({ "eks_insights": insight }))?;
    refused(lines, "\"1.34\"", "flowcontrol v1beta3 is in use")?;
    world.settings(&json!({ "eks_insights": [] }))?;
    let step = Step {
        lines: &[("cluster.kubernetes_version", "\"1.34\"")],
        calls: &[
            "eks:UpdateClusterVersion",
            // The others are the same for both versions.
            "eks:UpdateAddon",
            "eks:UpdateAddon",
            "eks:UpdateNodegroupVersion",
        ],
        order: &["eks:UpdateClusterVersion", "eks:UpdateAddon", "eks:UpdateNodegroupVersion"],
        moved: &[],
        says: &["Kubernetes is upgraded, and all nodes are replaced"],
    };
    step.run(stage, lines)?;
    let state = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&state["cluster"]["version"], &state["status"]), (&json!("1.34"), &json!("ready")));
    Ok(())
}

#[test]
fn network_identity_and_alarms_change_in_place() -> Result<(), Failure> {
    let stage = stage()?;
    let mut lines = Lines::production(&stage.world);
    made(&stage, &lines)?;
    let steps = [
        Step {
            lines: &[("network.nat", "\"single\"")],
            calls: &[
                "ec2:ReplaceRoute",
                "ec2:ReplaceRoute",
                "ec2:DeleteNatGateway",
                "ec2:DeleteNatGateway",
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DeleteAlarms",
                "ec2:ReleaseAddress",
                "ec2:ReleaseAddress",
            ],
            order: &["ec2:ReplaceRoute", "ec2:ReplaceRoute", "ec2:DeleteNatGateway", "ec2:ReleaseAddress"],
            moved: &[
                "alarm/nat-port-allocation/euc1-az2",
                "alarm/nat-port-allocation/euc1-az3",
                "eip/euc1-az2",
                "eip/euc1-az3",
                "nat_gateway/euc1-az2",
                "nat_gateway/euc1-az3",
            ],
            says: &["- `nat_gateway/euc1-az2`", "Outgoing connections end when their route moves"],
        },
        Step {
            lines: &[("network.nat", "")],
            calls: &[
                "ec2:AllocateAddress",
                "ec2:AllocateAddress",
                "ec2:CreateNatGateway",
                "ec2:CreateNatGateway",
                "ec2:ReplaceRoute",
                "ec2:ReplaceRoute",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:PutMetricAlarm",
            ],
            order: &["ec2:AllocateAddress", "ec2:CreateNatGateway", "ec2:ReplaceRoute"],
            moved: &[
                "alarm/nat-port-allocation/euc1-az2",
                "alarm/nat-port-allocation/euc1-az3",
                "eip/euc1-az2",
                "eip/euc1-az3",
                "nat_gateway/euc1-az2",
                "nat_gateway/euc1-az3",
            ],
            says: &[],
        },
        Step {
            lines: &[("network.interface_endpoints", "[\"sts\", \"logs\"]")],
            calls: &[
                "ec2:CreateSecurityGroup",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:CreateVpcEndpoint",
                "ec2:CreateVpcEndpoint",
            ],
            order: &["ec2:AuthorizeSecurityGroupIngress", "ec2:CreateVpcEndpoint"],
            moved: &["endpoint/logs", "endpoint/sts", "endpoints_security_group", "endpoints_security_group_rules"],
            says: &[],
        },
        Step {
            lines: &[("network.interface_endpoints", "[\"logs\"]"), ("network.flow_logs", "{ traffic_type = \"REJECT\" }")],
            calls: &["ec2:DeleteVpcEndpoints", "ec2:CreateFlowLogs", "ec2:DeleteFlowLogs"],
            order: &["ec2:CreateFlowLogs", "ec2:DeleteFlowLogs"],
            moved: &["endpoint/sts", "flow_logs"],
            says: &["- `endpoint/sts`", "- `flow_logs`"],
        },
        Step {
            lines: &[("identity.namespace", "\"ml\""), ("identity.service_accounts", "[\"default\"]")],
            calls: &[
                "iam:UpdateAssumeRolePolicy",
                "eks:CreatePodIdentityAssociation",
                "eks:DeletePodIdentityAssociation",
                "eks:DeletePodIdentityAssociation",
                "eks:DeletePodIdentityAssociation",
                "eks:DeletePodIdentityAssociation",
            ],
            order: &["eks:CreatePodIdentityAssociation", "eks:DeletePodIdentityAssociation"],
            moved: &[
                "pod_identity/deeploy/deeploy-deployment",
                "pod_identity/deeploy/deeploy-registration",
                "pod_identity/deeploy/deeploy-usage",
                "pod_identity/deeploy/default",
                "pod_identity/ml/default",
            ],
            says: &[],
        },
        Step {
            lines: &[("monitoring.alarm_emails", "[\"ops@example.com\", \"ml@example.com\"]")],
            calls: &["sns:Subscribe"],
            moved: &["subscription/ml@example.com"],
            ..NOTHING
        },
        Step {
            lines: &[("permissions_boundary", "\"arn:aws:iam::aws:policy/PowerUserAccess\"")],
            calls: &["iam:PutRolePermissionsBoundary"; 9],
            ..NOTHING
        },
    ];
    for step in steps {
        step.run(&stage, &mut lines)?;
    }
    tagged(&stage, &mut lines)?;
    check::no_unsupported_call(&stage.world)
}

/// A tag more, on everything that has tags of ours, by calls that only tag; instances and their disks get it when they start, and the plan says so.
fn tagged(stage: &Stage, lines: &mut Lines) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    lines.set("tags", "{ cost = \"7\" }");
    terraform.configure(&lines.text())?;
    let plan = terraform.plan::<&str>(&[])?.success()?;
    check::says(&plan, "Nodes are replaced")?;
    check::says(&plan, "- default (instance_tags)")?;
    let (done, calls) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    let mut others: Vec<&String> = calls.iter().filter(|call| !call.contains("Tag")).collect();
    others.sort();
    assert_eq!(others, ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate", "eks:UpdateNodegroupVersion"]);
    assert!(calls.len() > 80, "{}", calls.len());
    for kind in ["ec2:instance", "ec2:volume"] {
        let started: Vec<Value> = world.objects_of(kind)?.into_iter().filter(|object| object["state"] != "terminated").collect();
        assert!(!started.is_empty() && started.iter().all(|object| object["tags"]["cost"] == "7"), "{kind}: {started:?}");
    }
    // A backup that AWS took has the tags of its time.
    let tagged = |object: &Value| object["tags"]["deeploy:owner"].is_string() && text(object, "type") != "rds:snapshot";
    let objects: Vec<Value> = world.objects()?.into_iter().filter(tagged).collect();
    let bare: Vec<&str> = objects.iter().filter(|object| object["tags"]["cost"] != "7").map(|object| text(object, "id")).collect();
    assert!(objects.len() > 80 && bare.is_empty(), "{} objects; without the tag: {bare:?}", objects.len());
    check::empty_plan(terraform)
}
