//! EC2's objects.

use acceptance_tests::Failure;

use super::{Case, Hand, NO_CALL, by, never};

pub(super) const CASES: &[Case] = &[
    by(0, "vpc", &["enable_dns_hostnames", "enable_dns_support"], dns),
    never("vpc", &["cidr_block"], NO_CALL),
    by(0, "subnet", &["map_public_ip_on_launch"], |hand, subnet| {
        ec2(hand, "ModifySubnetAttribute", &[("SubnetId", hand.id(subnet)), ("MapPublicIpOnLaunch.Value", "true")])
    }),
    never("subnet", &["availability_zone_id", "cidr_block", "vpc_id"], NO_CALL),
    by(0, "security_group_rules", &["ingress"], |hand, rules| other_rules(hand, rules, false)),
    by(0, "security_group_rules", &["egress"], |hand, rules| other_rules(hand, rules, true))
        .except("cluster_security_group_rules", "the group is EKS's, we ask for none, and others' rules are none of our business"),
    never("security_group_rules", &["group_id"], "it says whose rules these are"),
    never("security_group", &["description", "name", "vpc_id"], NO_CALL),
    never("internet_gateway", &["vpc_id"], "AWS detaches none while addresses are mapped through it, and NAT gateways' are"),
    never("nat_gateway", &["allocation_id", "subnet_id"], NO_CALL),
    never("route_table", &["vpc_id"], NO_CALL),
    by(1, "route_table_association", &["route_table_id"], |hand, association| {
        let table = if association.starts_with("public") { "database_route_table" } else { "public_route_table" };
        ec2(hand, "ReplaceRouteTableAssociation", &[("AssociationId", hand.id(association)), ("RouteTableId", hand.id(table))])
    }),
    never("route_table_association", &["subnet_id"], NO_CALL),
    by(0, "route", &["nat_gateway_id"], |hand, route| {
        let table = route.replace("private_route", "private_route_table");
        replace_route(hand, &table, "GatewayId", "internet_gateway")
    }),
    by(0, "route", &["gateway_id"], |hand, _| {
        let nat = hand.ids.keys().find(|component| component.starts_with("nat_gateway/")).cloned().unwrap_or_default();
        replace_route(hand, "public_route_table", "NatGatewayId", &nat)
    }),
    never("route", &["destination_cidr_block", "route_table_id"], NO_CALL),
    by(0, "vpc_endpoint", &["private_dns_enabled"], |hand, endpoint| modify_endpoint(hand, endpoint, "PrivateDnsEnabled", "false")),
    by(0, "vpc_endpoint", &["security_group_ids"], |hand, endpoint| {
        modify_endpoint(hand, endpoint, "AddSecurityGroupId.1", hand.id("node_security_group"))
    }),
    by(0, "vpc_endpoint", &["subnet_ids"], |hand, endpoint| {
        let subnet = hand.ids.keys().find(|component| component.starts_with("private_subnet/")).cloned().unwrap_or_default();
        modify_endpoint(hand, endpoint, "RemoveSubnetId.1", hand.id(&subnet))
    }),
    by(0, "vpc_endpoint", &["route_table_ids"], |hand, endpoint| {
        modify_endpoint(hand, endpoint, "RemoveRouteTableId.1", hand.id("database_route_table"))
    }),
    never("vpc_endpoint", &["endpoint_type", "service_name", "vpc_id"], NO_CALL),
    never("flow_log", &["log_group_name", "max_aggregation_interval", "resource_id", "role_arn", "traffic_type"], NO_CALL),
    by(
        0,
        "launch_template",
        &[
            "device_name",
            "disk_size",
            "encrypted",
            "hop_limit",
            "http_tokens",
            "instance_tags",
            "kms_key_arn",
            "monitoring",
            "others",
            "security_group_ids",
            "volume_type",
        ],
        another_version,
    ),
    never("launch_template", &["name"], NO_CALL),
];

fn ec2(hand: &Hand<'_>, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    hand.world.query("ec2", "2016-11-15", operation, parameters).map(drop)
}

fn dns(hand: &Hand<'_>, vpc: &str) -> Result<(), Failure> {
    for attribute in ["EnableDnsHostnames.Value", "EnableDnsSupport.Value"] {
        ec2(hand, "ModifyVpcAttribute", &[("VpcId", hand.id(vpc)), (attribute, "false")])?;
    }
    Ok(())
}

/// One of our rules fewer; where there is none, one that opens everything.
fn other_rules(hand: &Hand<'_>, rules: &str, egress: bool) -> Result<(), Failure> {
    let group = hand.id(rules);
    let of_group = [("Filter.1.Name", "group-id"), ("Filter.1.Value.1", group)];
    let ours = [("Filter.2.Name", "tag-key"), ("Filter.2.Value.1", "deeploy:owner")];
    let of_direction = format!("<isEgress>{egress}</isEgress>");
    let first = |filters: &[(&str, &str)]| -> Result<Option<String>, Failure> {
        let listed = hand.world.query("ec2", "2016-11-15", "DescribeSecurityGroupRules", filters)?;
        let rules = listed.split("<securityGroupRuleId>").skip(1).filter(|rule| rule.contains(&of_direction));
        Ok(rules.filter_map(|rule| rule.split_once('<')).map(|(id, _)| id.to_owned()).next())
    };
    let rule = match first(&[of_group, ours].concat())? {
        None => first(&of_group)?,
        ours => ours,
    };
    let (revoke, authorize) = if egress {
        ("RevokeSecurityGroupEgress", "AuthorizeSecurityGroupEgress")
    } else {
        ("RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress")
    };
    match rule {
        Some(rule) => ec2(hand, revoke, &[("GroupId", group), ("SecurityGroupRuleId.1", rule.as_str())]),
        None => {
            let open = [("GroupId", group), ("IpPermissions.1.IpProtocol", "-1"), ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")];
            ec2(hand, authorize, &open)
        }
    }
}

fn replace_route(hand: &Hand<'_>, table: &str, target: &str, to: &str) -> Result<(), Failure> {
    ec2(hand, "ReplaceRoute", &[("RouteTableId", hand.id(table)), ("DestinationCidrBlock", "0.0.0.0/0"), (target, hand.id(to))])
}

fn modify_endpoint(hand: &Hand<'_>, endpoint: &str, parameter: &str, value: &str) -> Result<(), Failure> {
    ec2(hand, "ModifyVpcEndpoint", &[("VpcEndpointId", hand.id(endpoint)), (parameter, value)])
}

/// A version that has nothing of ours, as the default.
fn another_version(hand: &Hand<'_>, template: &str) -> Result<(), Failure> {
    let id = hand.id(template);
    let data = [
        ("LaunchTemplateId", id),
        ("LaunchTemplateData.BlockDeviceMapping.1.DeviceName", "/dev/sdz"),
        ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize", "33"),
        ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeType", "gp2"),
        ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.Encrypted", "false"),
        ("LaunchTemplateData.MetadataOptions.HttpTokens", "optional"),
        ("LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit", "5"),
        ("LaunchTemplateData.SecurityGroupId.1", hand.id("database_security_group")),
        ("LaunchTemplateData.UserData", "IyEvYmluL3No"),
    ];
    ec2(hand, "CreateLaunchTemplateVersion", &data)?;
    ec2(hand, "ModifyLaunchTemplate", &[("LaunchTemplateId", id), ("SetDefaultVersion", "2")])
}
