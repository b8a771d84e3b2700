//! EKS, and launch templates and Auto Scaling as far as node groups go.

use super::super::{Rule, rule};
use crate::graph::Class::{Ambiguous, Busy, Conflict, Invalid, NotFound, NotYetVisible, Transient};

/// Before the general rules. EKS gives one code to what is wrong and to what is only too early: the text decides.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // A role that was made, or given its policies, seconds ago (hashicorp/aws retries the same texts).
    rule("eks:CreateCluster", "InvalidParameterException", "does not exist", NotYetVisible),
    rule("eks:CreateCluster", "InvalidParameterException", "Error in role params", NotYetVisible),
    rule("eks:CreateCluster", "InvalidParameterException", "Role could not be assumed because the trusted entity is not correct", NotYetVisible),
    rule("eks:CreateCluster", "InvalidParameterException", "The provided role doesn't have the Amazon EKS Managed Policies associated with it", NotYetVisible),
    rule("eks:CreateCluster", "InvalidParameterException", "IAM role's policy must include", NotYetVisible),
    rule("eks:CreateAccessEntry", "InvalidParameterException", "invalid principal", NotYetVisible),
    rule("eks:CreatePodIdentityAssociation", "InvalidParameterException", "Role provided in the request does not exist", NotYetVisible),
    rule("eks:UpdatePodIdentityAssociation", "InvalidParameterException", "Role provided in the request does not exist", NotYetVisible),
    rule("eks:CreateAddon", "InvalidParameterException", "CREATE_FAILED", NotYetVisible),
    rule("eks:CreateAddon", "InvalidParameterException", "does not exist", NotYetVisible),
    rule("eks:CreateNodegroup", "InvalidParameterException", "does not exist", NotYetVisible),
    rule("eks:CreateNodegroup", "InvalidParameterException", "The provided role doesn't have", NotYetVisible),
    rule("eks:CreateNodegroup", "InvalidParameterException", "trusted entity is not correct", NotYetVisible),
    // "It is so already": no difference is left, which the next find shows.
    rule("eks:UpdateClusterConfig", "InvalidParameterException", "No changes", Conflict),
    rule("eks:UpdateClusterConfig", "InvalidParameterException", "already at the desired configuration", Conflict),
    rule("eks:UpdateClusterVersion", "InvalidParameterException", "already at", Conflict),
    rule("eks:AssociateEncryptionConfig", "InvalidParameterException", "already", Conflict),
    // Another operation is under way on the cluster, the group or the add-on.
    rule("eks:DeleteCluster", "ResourceInUseException", "in progress", Busy),
    rule("eks:Update", "ResourceInUseException", "", Busy),
    rule("eks:AssociateEncryptionConfig", "ResourceInUseException", "", Busy),
    rule("eks:DeleteNodegroup", "ResourceInUseException", "in progress", Busy),
    rule("eks:DeleteAddon", "ResourceInUseException", "in progress", Busy),
    rule("eks:", "InvalidRequestException", "is not in ACTIVE", Busy),
    rule("eks:", "InvalidRequestException", "currently updating", Busy),
    rule("eks:", "InvalidRequestException", "in progress", Busy),
    // "Cluster already exists with name", node groups that are still attached.
    rule("eks:", "ResourceInUseException", "", Conflict),
    rule("eks:", "ClientException", "No cluster found for name", NotFound),
    rule("eks:", "ResourceLimitExceededException", "", Invalid),
    rule("eks:", "ResourcePropagationDelayException", "", NotYetVisible),
    rule("eks:", "ServerException", "", Ambiguous),
    rule("eks:", "UnsupportedAvailabilityZoneException", "", Invalid),

    rule("ec2:", "InvalidLaunchTemplateId.NotFound", "", NotFound),
    rule("ec2:", "InvalidLaunchTemplateName.NotFoundException", "", NotFound),
    rule("ec2:", "InvalidLaunchTemplateName.AlreadyExistsException", "", Conflict),

    rule("autoscaling:", "ScalingActivityInProgress", "", Busy),
    rule("autoscaling:", "ResourceInUse", "", Busy),
    rule("autoscaling:", "ResourceContention", "", Transient),
    // A group that is gone is no validation's matter.
    rule("autoscaling:", "ValidationError", "not found", NotFound),
];
