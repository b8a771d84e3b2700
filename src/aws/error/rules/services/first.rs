//! KMS, IAM, S3, Secrets Manager, STS.

use super::super::{Rule, rule};
use crate::{
    aws::error::NEW_KEY_PROBE,
    graph::Class::{Ambiguous, Busy, Conflict, Credentials, Invalid, NotFound, NotYetVisible, Throttled, Transient},
};

/// Before the general rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // A key made seconds ago is unknown, or its signature doesn't match, for about 10 s.
    rule(NEW_KEY_PROBE, "InvalidClientTokenId", "", NotYetVisible),
    rule(NEW_KEY_PROBE, "InvalidAccessKeyId", "", NotYetVisible),
    rule(NEW_KEY_PROBE, "SignatureDoesNotMatch", "", NotYetVisible),
    rule(NEW_KEY_PROBE, "UnrecognizedClientException", "", NotYetVisible),
    rule(NEW_KEY_PROBE, "AccessDenied", "", NotYetVisible),

    // KMS gives one code to principals that aren't visible yet, to the lockout check and to syntax errors.
    rule("kms:", "MalformedPolicyDocumentException", "will not allow you to update the key policy", Invalid),
    rule("kms:", "MalformedPolicyDocumentException", "invalid principal", NotYetVisible),
    rule("kms:", "MalformedPolicyDocumentException", "", Invalid),
    rule("kms:CreateGrant", "InvalidArnException", "does not refer to a valid principal", NotYetVisible),
    rule("kms:", "KMSInvalidStateException", "pending deletion", Conflict),
    rule("kms:", "KMSInvalidStateException", "is creating", Busy),
    rule("kms:", "KMSInvalidStateException", "is updating", Busy),
    rule("kms:", "KMSInvalidStateException", "", Invalid),
    // Rotation right after EnableKey still sees the disabled key.
    rule("kms:EnableKeyRotation", "DisabledException", "", NotYetVisible),
    rule("kms:DisableKeyRotation", "DisabledException", "", NotYetVisible),
    // "An automatic rotation is in progress or begins within 20 minutes."
    rule("kms:", "ConflictException", "", Busy),
    rule("kms:", "DependencyTimeoutException", "", Ambiguous),
    rule("kms:", "KeyUnavailableException", "", Transient),
    rule("kms:", "LimitExceededException", "Rate exceeded", Throttled),
    rule("kms:", "LimitExceededException", "", Invalid),

    rule("iam:", "MalformedPolicyDocument", "nvalid principal", NotYetVisible),
    rule("iam:", "MalformedPolicyDocument", "", Invalid),
    // What was detached a second ago still counts.
    rule("iam:", "DeleteConflict*", "", Busy),
    rule("iam:", "EntityTemporarilyUnmodifiable*", "", Busy),
    rule("iam:", "ConcurrentModification*", "", Busy),
    rule("iam:", "LimitExceeded*", "", Invalid),

    // S3's names stay busy up to an hour after a deletion, and its settings take one write at a time.
    rule("s3:", "OperationAborted", "", Busy),
    rule("s3:", "ConditionalRequestConflict", "", Busy),
    rule("s3:", "BucketNotEmpty", "", Conflict),
    rule("s3:", "MalformedPolicy", "nvalid principal", NotYetVisible),
    rule("s3:", "MalformedPolicy", "", Invalid),
    rule("s3:PutBucketPolicy", "AccessDenied", "BlockPublicPolicy", Invalid),
    // The account's name for another region's bucket travels in minutes.
    rule("s3:", "TemporaryRedirect", "", Transient),
    rule("s3:", "PermanentRedirect", "", Invalid),
    rule("s3:", "AuthorizationHeaderMalformed", "expecting", Invalid),
    rule("s3:", "AuthorizationHeaderMalformed", "", Credentials),
    rule("s3:", "IllegalLocationConstraintException", "", Invalid),
    rule("s3:", "InvalidToken", "", Credentials),
    rule("s3:", "TokenRefreshRequired", "", Credentials),
    rule("s3:", "ServiceUnavailable", "", Throttled),
    rule("s3:", "PreconditionFailed", "", Conflict),
    rule("s3:", "ServerSideEncryptionConfigurationNotFoundError", "", NotFound),
    rule("s3:", "ReplicationConfigurationNotFoundError", "", NotFound),
    rule("s3:", "OwnershipControlsNotFoundError", "", NotFound),
    rule("s3:", "ObjectLockConfigurationNotFoundError", "", NotFound),

    rule("secretsmanager:", "InvalidRequestException", "scheduled for deletion", Conflict),
    rule("secretsmanager:", "InvalidRequestException", "marked for deletion", Conflict),
    rule("secretsmanager:", "MalformedPolicyDocumentException", "nvalid principal", NotYetVisible),
    rule("secretsmanager:", "MalformedPolicyDocumentException", "unsupported principal", NotYetVisible),
    rule("secretsmanager:", "MalformedPolicyDocumentException", "", Invalid),
    // A key policy that was just written.
    rule("secretsmanager:", "AccessDeniedException", "Access to KMS is not allowed", NotYetVisible),
    rule("secretsmanager:", "EncryptionFailure", "", Invalid),
    rule("secretsmanager:", "DecryptionFailure", "", Invalid),
    rule("secretsmanager:", "LimitExceededException", "", Invalid),

    rule("sts:", "InvalidIdentityToken*", "", Credentials),
    rule("sts:", "IDPRejectedClaim*", "", Credentials),
    rule("sts:", "IDPCommunicationError*", "", Transient),
    rule("sts:", "RegionDisabledException", "", Invalid),
    rule("sts:", "MalformedPolicyDocument*", "", Invalid),
    rule("sts:", "PackedPolicyTooLarge*", "", Invalid),
];
