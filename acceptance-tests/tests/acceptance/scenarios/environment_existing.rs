//! An environment in a VPC that somebody else made by hand: it works there, and leaves everything as it was found.

use acceptance_tests::{Failure, World, check};
use serde_json::json;

use super::{
    database::between,
    environments::{ENVIRONMENT, Lines, made},
    network::ec2,
    stage::{Stage, mutations_of, stage},
};

/// Somebody's VPC with two zones, a NAT gateway, and a default group that lets things through.
struct Theirs {
    vpc: String,
    public: Vec<String>,
    private: Vec<String>,
    database: Vec<String>,
    private_table: String,
}

fn theirs(world: &World) -> Result<Theirs, Failure> {
    let make =
        |operation: &str, parameters: &[(&str, &str)], tag: &str| ec2(world, operation, parameters).map(|reply| between(&reply, tag));
    let vpc = make("CreateVpc", &[("CidrBlock", "10.7.0.0/16")], "vpcId")?;
    ec2(world, "ModifyVpcAttribute", &[("VpcId", &vpc), ("EnableDnsHostnames.Value", "true")])?;
    let gateway = make("CreateInternetGateway", &[], "internetGatewayId")?;
    ec2(world, "AttachInternetGateway", &[("InternetGatewayId", &gateway), ("VpcId", &vpc)])?;
    let table = || make("CreateRouteTable", &[("VpcId", &vpc)], "routeTableId");
    let (public_table, private_table) = (table()?, table()?);
    let anywhere = ("DestinationCidrBlock", "0.0.0.0/0");
    ec2(world, "CreateRoute", &[("RouteTableId", &public_table), anywhere, ("GatewayId", &gateway)])?;
    let subnets = |third: u8, table: Option<&str>| -> Result<Vec<String>, Failure> {
        let zones = [("eu-central-1a", third), ("eu-central-1b", third + 16)];
        let one = |(zone, third): (&str, u8)| {
            let subnet = make(
                "CreateSubnet",
                &[("VpcId", &vpc), ("CidrBlock", &format!("10.7.{third}.0/20")), ("AvailabilityZone", zone)],
                "subnetId",
            )?;
            if let Some(table) = table {
                ec2(world, "AssociateRouteTable", &[("RouteTableId", table), ("SubnetId", &subnet)])?;
            }
            Ok(subnet)
        };
        zones.into_iter().map(one).collect()
    };
    let (public, private) = (subnets(0, Some(&public_table))?, subnets(32, Some(&private_table))?);
    let database = subnets(64, None)?;
    let address = make("AllocateAddress", &[("Domain", "vpc")], "allocationId")?;
    let nat = make("CreateNatGateway", &[("SubnetId", &public[0]), ("AllocationId", &address)], "natGatewayId")?;
    ec2(world, "CreateRoute", &[("RouteTableId", &private_table), anywhere, ("NatGatewayId", &nat)])?;
    let groups = ec2(world, "DescribeSecurityGroups", &[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", &vpc)])?;
    let rule = [
        ("GroupId", between(&groups, "groupId")),
        ("IpPermissions.1.IpProtocol", "tcp".to_owned()),
        ("IpPermissions.1.FromPort", "443".to_owned()),
        ("IpPermissions.1.ToPort", "443".to_owned()),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8".to_owned()),
    ];
    let rule: Vec<(&str, &str)> = rule.iter().map(|(name, value)| (*name, value.as_str())).collect();
    ec2(world, "AuthorizeSecurityGroupIngress", &rule)?;
    Ok(Theirs { vpc, public, private, database, private_table })
}

/// What EC2 tells of the network, without what changes with each call.
fn pictures(world: &World, vpc: &str) -> Result<Vec<String>, Failure> {
    let of_vpc = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc)];
    ["DescribeVpcs", "DescribeSubnets", "DescribeRouteTables", "DescribeSecurityGroups", "DescribeNetworkAcls", "DescribeVpcEndpoints"]
        .into_iter()
        .map(|operation| {
            let told = ec2(world, operation, &of_vpc)?;
            Ok(told.replace(&between(&told, "requestId"), ""))
        })
        .collect()
}

#[test]
fn somebodys_vpc_is_left_as_it_was_found() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let theirs = theirs(world)?;
    let before = pictures(world, &theirs.vpc)?;
    assert!(before[3].contains("10.0.0.0/8"), "{}", before[3]);
    let mut lines = Lines::development(world);
    lines.set("network.cidr", "");
    let existing = format!(
        "{{ vpc_id = \"{}\", private_subnet_ids = {:?}, public_subnet_ids = {:?}, database_subnet_ids = {:?}, route_table_ids = [\"{}\"] }}",
        theirs.vpc, theirs.private, theirs.public, theirs.database, theirs.private_table
    );
    lines.set("network.existing", &existing);
    let state = made(&stage, &lines)?;
    check::empty_plan(terraform)?;
    assert_eq!((&state["status"], &state["network"]["vpc_id"]), (&json!("ready"), &json!(theirs.vpc)));
    let during = pictures(world, &theirs.vpc)?;
    assert_eq!(during[0], before[0], "the VPC");
    assert_eq!(during[4], before[4], "the ACLs");
    let from = json!({ "security_groups": [state["cluster"]["node_security_group_id"]], "subnet_id": theirs.private[0] });
    let to = json!({ "security_groups": [state["database"]["security_group_id"]], "subnet_id": theirs.database[0] });
    let way = world.ask("reach", &json!({ "from": from, "to": to, "port": 5432, "protocol": "tcp" }))?;
    assert_eq!(way["allowed"], true, "{way}");

    let (gone, calls) = mutations_of(world, || terraform.destroy::<&str>(&[]))?;
    gone.success()?;
    assert!(!calls.iter().any(|call| ["ec2:DeleteVpc", "ec2:DeleteSubnet", "ec2:DeleteRouteTable"].contains(&call.as_str())), "{calls:?}");
    let after = pictures(world, &theirs.vpc)?;
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(after, before);
    }
    assert!(terraform.attributes(ENVIRONMENT).is_err(), "it is in no state");
    check::no_unsupported_call(world)
}
