//! Somebody changes a network by hand: each part is found, named and repaired in place.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    network::{NETWORK, ec2, id_of, network},
    stage::{Stage, change, mutations_of, stage},
};

type Parameters = Vec<(&'static str, String)>;

/// One change by hand: the call, what `drift` then says, and the mutating calls of the repair.
struct Case {
    call: &'static str,
    parameters: Parameters,
    drift: Value,
    repair: &'static [&'static str],
}

fn cases(made: &Value) -> Vec<Case> {
    let of = |component: &str| id_of(made, component);
    let case = |call, parameters, drift, repair| Case { call, parameters, drift, repair };
    vec![
        case(
            "DeleteRoute",
            vec![("RouteTableId", of("private_route_table/euc1-az1")), ("DestinationCidrBlock", "0.0.0.0/0".into())],
            json!({ "private_route/euc1-az1": ["absent"] }),
            &["ec2:CreateRoute"],
        ),
        case(
            "ReplaceRoute",
            vec![
                ("RouteTableId", of("private_route_table/euc1-az2")),
                ("DestinationCidrBlock", "0.0.0.0/0".into()),
                ("GatewayId", of("internet_gateway")),
            ],
            json!({ "private_route/euc1-az2": ["nat_gateway_id"] }),
            &["ec2:ReplaceRoute"],
        ),
        case(
            "DisassociateRouteTable",
            vec![("AssociationId", of("database_association/euc1-az2"))],
            json!({ "database_association/euc1-az2": ["absent"] }),
            &["ec2:AssociateRouteTable"],
        ),
        case(
            "ModifySubnetAttribute",
            vec![("SubnetId", of("public_subnet/euc1-az1")), ("MapPublicIpOnLaunch.Value", "true".into())],
            json!({ "public_subnet/euc1-az1": ["map_public_ip_on_launch"] }),
            &["ec2:ModifySubnetAttribute"],
        ),
        case(
            "ModifyVpcAttribute",
            vec![("VpcId", of("vpc")), ("EnableDnsHostnames.Value", "false".into())],
            json!({ "vpc": ["enable_dns_hostnames"] }),
            &["ec2:ModifyVpcAttribute"],
        ),
        case(
            "AuthorizeSecurityGroupIngress",
            vec![
                ("GroupId", of("default_security_group")),
                ("IpPermissions.1.IpProtocol", "tcp".into()),
                ("IpPermissions.1.FromPort", "22".into()),
                ("IpPermissions.1.ToPort", "22".into()),
                ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0".into()),
            ],
            json!({ "default_security_group": ["ingress"] }),
            &["ec2:RevokeSecurityGroupIngress"],
        ),
        case(
            "ModifyVpcEndpoint",
            vec![("VpcEndpointId", of("s3_endpoint")), ("RemoveRouteTableId.1", of("public_route_table"))],
            json!({ "s3_endpoint": ["route_table_ids"] }),
            &["ec2:ModifyVpcEndpoint"],
        ),
        case("DeleteFlowLogs", vec![("FlowLogId.1", of("flow_logs"))], json!({ "flow_logs": ["absent"] }), &["ec2:CreateFlowLogs"]),
        case(
            "DeleteTags",
            vec![("ResourceId.1", of("private_subnet/euc1-az1")), ("Tag.1.Key", "kubernetes.io/role/internal-elb".into())],
            json!({ "private_subnet/euc1-az1": ["tags"] }),
            &["ec2:CreateTags"],
        ),
        case(
            "DeleteTags",
            vec![("ResourceId.1", of("internet_gateway")), ("Tag.1.Key", "deeploy:owner".into())],
            json!({ "internet_gateway": ["tags:owner"] }),
            &["ec2:CreateTags"],
        ),
        case(
            "DeleteVpcEndpoints",
            vec![("VpcEndpointId.1", of("s3_endpoint"))],
            json!({ "s3_endpoint": ["absent"] }),
            &["ec2:CreateVpcEndpoint"],
        ),
    ]
}

fn by_hand(world: &World, case: &Case) -> Result<(), Failure> {
    let parameters: Vec<(&str, &str)> = case.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    ec2(world, case.call, &parameters).map(drop)
}

#[test]
fn every_drift_of_a_network_is_found_named_and_repaired_in_place() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    terraform.configure(&network("  preset = \"development\""))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let mut wrong = Vec::new();
    for case in cases(&terraform.attributes(NETWORK)?) {
        by_hand(world, &case)?;
        terraform.plan::<&str>(&[])?.success()?;
        let planned = change(terraform, NETWORK)?;
        let (applied, repair) = mutations_of(world, || terraform.apply_plan())?;
        if applied.code != Some(0) {
            wrong.push(format!("{}: not repaired:\n{}", case.call, applied.output()));
        } else if planned.actions != ["update"] || planned.before["drift"] != case.drift || repair != case.repair {
            wrong.push(format!("{}: {:?} {} {repair:?}", case.call, planned.actions, planned.before["drift"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    check::empty_plan(terraform)?;
    check::no_unsupported_call(world)
}

/// An update that fails leaves parts missing: the state says so, also after a refresh, and only what hangs on them is unknown.
#[test]
fn an_update_that_failed_does_not_read_ready() -> Result<(), Failure> {
    let Stage { world, terraform } = &stage()?;
    terraform.configure(&network("  preset = \"development\""))?;
    terraform.apply::<&str>(&[])?.success()?;
    terraform.configure(&network("  preset = \"development\"\n  interface_endpoints = [\"sts\"]"))?;
    world.order(&json!([{ "on": { "operation": "ec2:CreateVpcEndpoint" }, "do": "error", "code": "UnauthorizedOperation", "message": "no", "status": 403 }]))?;
    terraform.apply::<&str>(&[])?.failure()?;
    world.faults_fired()?;
    world.order(&json!([]))?;
    let told = terraform.attributes(NETWORK)?;
    assert_ne!(told["status"], json!("ready"));
    terraform.apply(&["-refresh-only"])?.success()?;
    let told = terraform.attributes(NETWORK)?;
    assert_eq!((&told["status"], &told["drift"]), (&json!("degraded"), &json!({ "endpoint/sts": ["absent"] })));
    terraform.plan::<&str>(&[])?.success()?;
    let plan = terraform.plan_json()?;
    let unknown = &plan["resource_changes"][0]["change"]["after_unknown"];
    for (name, expected) in
        [("vpc_id", false), ("nat_public_ips", false), ("private_subnet_ids", false), ("status", true), ("components", true)]
    {
        assert_eq!(unknown[name] == json!(true), expected, "{name}: {unknown}");
    }
    terraform.apply_plan()?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(NETWORK)?["status"], json!("ready"));
    Ok(())
}
