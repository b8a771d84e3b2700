//! How each kind of component goes by somebody's hand: AWS's own calls, in the order that AWS asks for.

use std::collections::{BTreeMap, BTreeSet};

use acceptance_tests::{Failure, World};
use serde_json::{Value, json};

use super::{environments::NAME, network::ec2, stage::text};

/// An environment, and the account that it stands in.
pub(super) struct Made<'a> {
    pub(super) world: &'a World,
    /// Component → id.
    pub(super) ids: BTreeMap<String, String>,
}

impl Made<'_> {
    pub(super) fn id(&self, component: &str) -> &str {
        self.ids.get(component).map_or("", String::as_str)
    }

    /// The components whose name begins with this, up to the first `/`.
    pub(super) fn of(&self, base: &str) -> Vec<&str> {
        self.ids.keys().map(String::as_str).filter(|component| base_of(component) == base).collect()
    }
}

/// `private_route` of `private_route/euc1-az1`.
pub(super) fn base_of(component: &str) -> &str {
    component.split('/').next().unwrap_or_default()
}

/// `euc1-az1` of `private_route/euc1-az1`.
pub(super) fn rest_of(component: &str) -> &str {
    component.split_once('/').map_or("", |(_, rest)| rest)
}

/// What AWS is asked to remove one component.
pub(super) type Removal = fn(&Made<'_>, &str) -> Result<(), Failure>;

/// The texts of all elements of that name.
fn texts(xml: &str, name: &str) -> BTreeSet<String> {
    xml.split(&format!("<{name}>")).skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

/// What the last part of an id tells: EKS's begin with the cluster's name.
fn tail(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or_default()
}

fn rds(made: &Made<'_>, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
    made.world.query("rds", "2014-10-31", operation, parameters).map(drop)
}

fn eks(made: &Made<'_>, what: &str) -> Result<(), Failure> {
    made.world.eks("DELETE", &format!("/clusters/{NAME}{what}"), &Value::Null).map(drop)
}

pub(super) fn access_entry(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let principal = made.id(component).split_once(':').map_or("", |(_, principal)| principal);
    eks(made, &format!("/access-entries/{}", principal.replace(':', "%3A").replace('/', "%2F")))
}

pub(super) fn addon(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    eks(made, &format!("/addons/{}", tail(made.id(component))))
}

pub(super) fn pod_identity(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    eks(made, &format!("/pod-identity-associations/{}", tail(made.id(component))))
}

pub(super) fn node_group(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    eks(made, &format!("/node-groups/{}", tail(made.id(component))))
}

/// With its node groups, without which EKS refuses.
pub(super) fn cluster(made: &Made<'_>, _component: &str) -> Result<(), Failure> {
    for group in made.of("node_group") {
        node_group(made, group)?;
    }
    eks(made, "")
}

pub(super) fn autoscaling_tags(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    for key in ["k8s.io/cluster-autoscaler/enabled".to_owned(), format!("k8s.io/cluster-autoscaler/{NAME}")] {
        let tag = [
            ("Tags.member.1.ResourceId", made.id(component)),
            ("Tags.member.1.ResourceType", "auto-scaling-group"),
            ("Tags.member.1.Key", key.as_str()),
        ];
        made.world.query("autoscaling", "2011-01-01", "DeleteTags", &tag)?;
    }
    Ok(())
}

pub(super) fn alarm(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.cloudwatch("DeleteAlarms", &json!({ "AlarmNames": [made.id(component)] })).map(drop)
}

pub(super) fn log_group(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.logs("DeleteLogGroup", &json!({ "logGroupName": made.id(component) })).map(drop)
}

pub(super) fn topic(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.query("sns", "2010-03-31", "DeleteTopic", &[("TopicArn", made.id(component))]).map(drop)
}

/// Confirmed before: SNS lets nobody end a subscription that waits for that.
pub(super) fn subscription(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.settings(&json!({ "sns_confirm": rest_of(component) }))?;
    for subscription in made.world.objects_of("sns:subscription")? {
        if text(&subscription, "endpoint") == rest_of(component) {
            made.world.query("sns", "2010-03-31", "Unsubscribe", &[("SubscriptionArn", text(&subscription, "arn"))])?;
        }
    }
    Ok(())
}

pub(super) fn event_target(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let (rule, target) = made.id(component).split_once('/').unwrap_or_default();
    made.world.events("RemoveTargets", &json!({ "Rule": rule, "Ids": [target] })).map(drop)
}

pub(super) fn event_rule(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    event_target(made, "health_target")?;
    made.world.events("DeleteRule", &json!({ "Name": made.id(component) })).map(drop)
}

pub(super) fn role_policy(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let (role, policy) = made.id(component).split_once(':').unwrap_or_default();
    made.world.iam("DeleteRolePolicy", &[("RoleName", role), ("PolicyName", policy)]).map(drop)
}

/// Without its policies first, IAM refuses.
pub(super) fn role(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let role = ("RoleName", made.id(component));
    for arn in texts(&made.world.iam("ListAttachedRolePolicies", &[role])?, "PolicyArn") {
        made.world.iam("DetachRolePolicy", &[role, ("PolicyArn", &arn)])?;
    }
    for name in texts(&made.world.iam("ListRolePolicies", &[role])?, "member") {
        made.world.iam("DeleteRolePolicy", &[role, ("PolicyName", &name)])?;
    }
    made.world.iam("DeleteRole", &[role]).map(drop)
}

pub(super) fn service_role(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.iam("DeleteServiceLinkedRole", &[("RoleName", made.id(component))]).map(drop)
}

pub(super) fn oidc_provider(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.iam("DeleteOpenIDConnectProvider", &[("OpenIDConnectProviderArn", made.id(component))]).map(drop)
}

pub(super) fn key_alias(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.kms("DeleteAlias", &json!({ "AliasName": made.id(component) })).map(drop)
}

pub(super) fn key(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.kms("ScheduleKeyDeletion", &json!({ "KeyId": made.id(component), "PendingWindowInDays": 7 })).map(drop)
}

pub(super) fn parameter(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    made.world.ssm("DeleteParameter", &json!({ "Name": made.id(component) })).map(drop)
}

pub(super) fn event_subscription(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    rds(made, "DeleteEventSubscription", &[("SubscriptionName", made.id(component))])
}

pub(super) fn parameter_group(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    rds(made, "DeleteDBParameterGroup", &[("DBParameterGroupName", made.id(component))])
}

pub(super) fn subnet_group(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    rds(made, "DeleteDBSubnetGroup", &[("DBSubnetGroupName", made.id(component))])
}

pub(super) fn database(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let nothing_kept = [("SkipFinalSnapshot", "true"), ("DeleteAutomatedBackups", "true")];
    let instance = [[("DBInstanceIdentifier", made.id(component))].as_slice(), &nothing_kept].concat();
    rds(made, "DeleteDBInstance", &instance)
}

/// With all that is in it, version by version.
pub(super) fn bucket(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let bucket = format!("/{}", made.id(component));
    let listed = made.world.s3("GET", &format!("{bucket}?versions"), "")?;
    for version in listed.split("<Version>").skip(1) {
        let one = |name| texts(version, name).pop_first().unwrap_or_default();
        made.world.s3("DELETE", &format!("{bucket}/{}?versionId={}", one("Key"), one("VersionId")), "")?;
    }
    made.world.s3("DELETE", &bucket, "").map(drop)
}

pub(super) fn vpc(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DeleteVpc", &[("VpcId", made.id(component))]).map(drop)
}

pub(super) fn subnet(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DeleteSubnet", &[("SubnetId", made.id(component))]).map(drop)
}

pub(super) fn security_group(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DeleteSecurityGroup", &[("GroupId", made.id(component))]).map(drop)
}

/// Every rule of a security group but those of EKS itself, which makes them anew whenever it updates the cluster.
pub(super) fn rules(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let group = made.id(component);
    let listed = ec2(made.world, "DescribeSecurityGroupRules", &[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", group)])?;
    for rule in listed.split("<securityGroupRuleId>").skip(1) {
        if component == "cluster_security_group_rules" && !rule.contains(made.id("node_security_group")) {
            continue;
        }
        let id = rule.split('<').next().unwrap_or_default();
        let operation = if rule.contains("<isEgress>true") { "RevokeSecurityGroupEgress" } else { "RevokeSecurityGroupIngress" };
        ec2(made.world, operation, &[("GroupId", group), ("SecurityGroupRuleId.1", id)])?;
    }
    Ok(())
}

/// A VPC's default group has no rule that could be taken away: it gets some.
pub(super) fn opened(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let rule = [("GroupId", made.id(component)), ("IpPermissions.1.IpProtocol", "-1"), ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")];
    for operation in ["AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"] {
        ec2(made.world, operation, &rule)?;
    }
    Ok(())
}

pub(super) fn internet_gateway(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let gateway = ("InternetGatewayId", made.id(component));
    ec2(made.world, "DetachInternetGateway", &[gateway, ("VpcId", made.id("vpc"))])?;
    ec2(made.world, "DeleteInternetGateway", &[gateway]).map(drop)
}

pub(super) fn nat_gateway(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DeleteNatGateway", &[("NatGatewayId", made.id(component))]).map(drop)
}

pub(super) fn address(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "ReleaseAddress", &[("AllocationId", made.id(component))]).map(drop)
}

pub(super) fn association(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DisassociateRouteTable", &[("AssociationId", made.id(component))]).map(drop)
}

pub(super) fn route(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let (table, destination) = made.id(component).split_once(':').unwrap_or_default();
    ec2(made.world, "DeleteRoute", &[("RouteTableId", table), ("DestinationCidrBlock", destination)]).map(drop)
}

/// Out of its subnets and of the gateway endpoint first, or EC2 refuses.
pub(super) fn route_table(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    let table = made.id(component);
    let described = ec2(made.world, "DescribeRouteTables", &[("RouteTableId.1", table)])?;
    for association in texts(&described, "routeTableAssociationId") {
        ec2(made.world, "DisassociateRouteTable", &[("AssociationId", &association)])?;
    }
    let endpoint = ("VpcEndpointId", made.id("s3_endpoint"));
    ec2(made.world, "ModifyVpcEndpoint", &[endpoint, ("RemoveRouteTableId.1", table)])?;
    ec2(made.world, "DeleteRouteTable", &[("RouteTableId", table)]).map(drop)
}

pub(super) fn endpoint(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DeleteVpcEndpoints", &[("VpcEndpointId.1", made.id(component))]).map(drop)
}

pub(super) fn flow_logs(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DeleteFlowLogs", &[("FlowLogId.1", made.id(component))]).map(drop)
}

pub(super) fn launch_template(made: &Made<'_>, component: &str) -> Result<(), Failure> {
    ec2(made.world, "DeleteLaunchTemplate", &[("LaunchTemplateId", made.id(component))]).map(drop)
}
