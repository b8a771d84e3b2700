//! RDS.

use super::super::{Rule, rule};
use crate::graph::Class::{Busy, Conflict, Invalid, NotFound, NotYetVisible, Transient};

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("rds:", "DBInstanceNotFound*", "", NotFound),
    rule("rds:", "DBSnapshotNotFound*", "", NotFound),
    rule("rds:", "DBSubnetGroupNotFound*", "", NotFound),
    rule("rds:", "DBParameterGroupNotFound*", "", NotFound),
    rule("rds:", "SubscriptionNotFound*", "", NotFound),
    rule("rds:", "SourceNotFound*", "", NotFound),
    rule("rds:", "SNSTopicArnNotFound*", "", NotYetVisible),
    // The topic's policy was written a moment ago.
    rule("rds:", "SNSNoAuthorization*", "", NotYetVisible),

    rule("rds:", "DBInstanceAlreadyExists*", "", Conflict),
    rule("rds:", "DBSnapshotAlreadyExists*", "", Conflict),
    rule("rds:", "DBSubnetGroupAlreadyExists*", "", Conflict),
    rule("rds:", "DBParameterGroupAlreadyExists*", "", Conflict),
    rule("rds:", "SubscriptionAlreadyExist*", "", Conflict),

    // Another change is under way, or what uses it is still on its way out.
    rule("rds:", "InvalidDBInstanceState*", "is stopped", Invalid),
    rule("rds:", "InvalidDBInstanceState*", "stopped state", Invalid),
    rule("rds:", "InvalidDBInstanceState*", "", Busy),
    rule("rds:", "InvalidDBSnapshotState*", "", Busy),
    rule("rds:", "InvalidDBSubnetGroupState*", "", Busy),
    rule("rds:", "InvalidDBParameterGroupState*", "", Busy),
    rule("rds:", "InvalidEventSubscriptionState*", "", Busy),
    // Storage can be changed again when it is optimized (older text: six hours after the last change).
    rule("rds:ModifyDBInstance", "", "being optimized", Busy),
    rule("rds:ModifyDBInstance", "", "storage-optimization", Busy),
    rule("rds:ModifyDBInstance", "", "currently modify the storage", Busy),
    rule("rds:ModifyDBInstance", "", "storage has been modified recently", Busy),

    // A role that was made a moment ago.
    rule("rds:", "InvalidParameterValue", "IAM role ARN value is invalid", NotYetVisible),
    rule("rds:", "InvalidParameterCombination", "IAM role ARN value is invalid", NotYetVisible),
    rule("rds:", "InvalidParameterValue", "does not include the required permissions", NotYetVisible),
    rule("rds:", "InvalidParameterValue", "ENHANCED_MONITORING", NotYetVisible),
    // In a fresh account AWSServiceRoleForRDS is made with the first instance.
    rule("rds:", "", "permission to create service linked role", NotYetVisible),
    // A group, subnet or key that was made a moment ago.
    rule("rds:", "InvalidParameterValue", "security group", NotYetVisible),
    rule("rds:", "InvalidSubnet", "", NotYetVisible),
    rule("rds:", "KMSKeyNotAccessible*", "", NotYetVisible),
    rule("rds:", "InsufficientDBInstanceCapacity*", "", Invalid),
    rule("rds:", "DBUpgradeDependencyFailure*", "", Transient),
];
