//! EC2, Auto Scaling, Elastic Load Balancing.

use super::super::{Rule, rule};
use crate::graph::Class::{Busy, Conflict, NotFound, NotYetVisible};

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // EC2's ids: gone for a read or a delete, not visible yet for what follows a create (docs: "Eventual consistency in the EC2 API").
    rule("ec2:", "InvalidVpcID.NotFound", "", NotFound),
    rule("ec2:", "InvalidSubnetID.NotFound", "", NotFound),
    rule("ec2:", "InvalidInternetGatewayID.NotFound", "", NotFound),
    rule("ec2:", "InvalidAllocationID.NotFound", "", NotFound),
    rule("ec2:", "InvalidNatGatewayID.NotFound", "", NotFound),
    rule("ec2:", "NatGatewayNotFound", "", NotFound),
    rule("ec2:", "InvalidRouteTableID.NotFound", "", NotFound),
    rule("ec2:", "InvalidRoute.NotFound", "", NotFound),
    rule("ec2:", "InvalidAssociationID.NotFound", "", NotFound),
    rule("ec2:", "InvalidVpcEndpoint*", "does not exist", NotFound),
    rule("ec2:", "InvalidFlowLogId.NotFound", "", NotFound),
    rule("ec2:", "InvalidGroup.NotFound", "", NotFound),
    rule("ec2:", "InvalidSecurityGroupRuleId.NotFound", "", NotFound),
    rule("ec2:", "InvalidPermission.NotFound", "", NotFound),
    rule("ec2:", "InvalidID", "does not exist", NotFound),
    rule("ec2:Detach", "Gateway.NotAttached", "", NotFound),

    rule("ec2:", "InvalidGroup.Duplicate", "", Conflict),
    rule("ec2:", "InvalidPermission.Duplicate", "", Conflict),
    rule("ec2:", "RouteAlreadyExists", "", Conflict),
    rule("ec2:", "Resource.AlreadyAssociated", "", Conflict),
    rule("ec2:", "FlowLogAlreadyExists", "", Conflict),
    rule("ec2:CreateVpcEndpoint", "InvalidParameter", "conflicting DNS domain", Conflict),

    // What hangs on it was deleted a moment ago, or is another's: the components look up what it is.
    rule("ec2:", "DependencyViolation", "", Busy),
    rule("ec2:", "InvalidGroup.InUse", "", Busy),
    // A gateway that is being deleted holds its address until it is gone.
    rule("ec2:", "InvalidIPAddress.InUse", "", Busy),
    rule("ec2:ReleaseAddress", "AuthFailure", "", Busy),
    rule("ec2:", "IncorrectState", "", Busy),
    rule("ec2:", "Resource.InProgress", "", Busy),

    // The flow log's role was made a moment ago.
    rule("ec2:CreateFlowLogs", "InvalidParameter", "Unable to assume given IAM role", NotYetVisible),
];
