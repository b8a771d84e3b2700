#![allow(clippy::unwrap_used, clippy::expect_used)]

use aws_smithy_runtime_api::{client::result::ConnectorError, http::StatusCode};
use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

use super::*;
use Class::{Ambiguous, Bug, Busy, Conflict, Credentials, Denied, Invalid, NotFound, NotYetVisible, Throttled, Transient};

type Reply = SdkError<ErrorMetadata, HttpResponse>;

fn reply(status: u16) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty())
}

fn refused(code: &str, message: &str, status: u16) -> Reply {
    let mut meta = ErrorMetadata::builder().message(message);
    if !code.is_empty() {
        meta = meta.code(code);
    }
    SdkError::service_error(meta.build(), reply(status))
}

mod ec2;
mod eks;
mod monitoring;
mod rds;

/// Every family's cases.
fn cases() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str, u16, Class)> + Clone {
    [CASES, ec2::CASES, eks::CASES, monitoring::CASES, rds::CASES].into_iter().flatten()
}

/// One row a rule: operation, code, text, status, class. Texts are AWS's own, abridged.
#[rustfmt::skip]
const CASES: &[(&str, &str, &str, u16, Class)] = &[
    (NEW_KEY_PROBE, "InvalidClientTokenId", "The security token included in the request is invalid.", 403, NotYetVisible),
    (NEW_KEY_PROBE, "InvalidAccessKeyId", "", 403, NotYetVisible),
    (NEW_KEY_PROBE, "SignatureDoesNotMatch", "The request signature we calculated does not match", 403, NotYetVisible),
    (NEW_KEY_PROBE, "UnrecognizedClientException", "", 400, NotYetVisible),
    (NEW_KEY_PROBE, "AccessDenied", "", 403, NotYetVisible),

    ("kms:CreateKey", "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.", 400, NotYetVisible),
    ("kms:PutKeyPolicy", "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.", 400, NotYetVisible),
    ("kms:PutKeyPolicy", "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.", 400, Invalid),
    ("kms:PutKeyPolicy", "MalformedPolicyDocumentException", "Policy contains an invalid action.", 400, Invalid),
    ("kms:CreateGrant", "InvalidArnException", "ARN does not refer to a valid principal", 400, NotYetVisible),
    ("kms:EnableKey", "KMSInvalidStateException", "arn:aws:kms:eu-west-1:123456789012:key/1 is pending deletion.", 400, Conflict),
    ("kms:EnableKey", "KMSInvalidStateException", "key/1 is creating.", 400, Busy),
    ("kms:EnableKey", "KMSInvalidStateException", "key/1 is updating.", 400, Busy),
    ("kms:EnableKeyRotation", "KMSInvalidStateException", "key/1 is pending import.", 400, Invalid),
    ("kms:EnableKeyRotation", "DisabledException", "key/1 is disabled.", 400, NotYetVisible),
    ("kms:DisableKeyRotation", "DisabledException", "key/1 is disabled.", 400, NotYetVisible),
    ("kms:RotateKeyOnDemand", "ConflictException", "rotation in progress", 400, Busy),
    ("kms:CreateKey", "DependencyTimeoutException", "", 500, Ambiguous),
    ("kms:DescribeKey", "DependencyTimeoutException", "", 500, Transient),
    ("kms:GenerateDataKey", "KeyUnavailableException", "", 500, Transient),
    ("kms:CreateKey", "LimitExceededException", "Rate exceeded", 400, Throttled),
    ("kms:CreateKey", "LimitExceededException", "You have reached the limit of keys", 400, Invalid),
    ("kms:CreateKey", "KMSInternalException", "", 500, Ambiguous),
    ("kms:DescribeKey", "NotFoundException", "Key 'arn:…' does not exist", 400, NotFound),
    ("kms:ScheduleKeyDeletion", "NotFoundException", "Key 'arn:…' does not exist", 400, NotFound),
    ("kms:PutKeyPolicy", "NotFoundException", "Key 'arn:…' does not exist", 400, NotYetVisible),
    ("kms:CreateAlias", "NotFoundException", "Key 'arn:…' does not exist", 400, NotYetVisible),
    ("kms:CreateAlias", "AlreadyExistsException", "An alias with the name arn:… already exists", 400, Conflict),
    ("kms:CreateKey", "TagException", "", 400, Invalid),
    ("kms:CreateAlias", "InvalidAliasNameException", "", 400, Invalid),

    ("iam:CreateRole", "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"arn:…\"", 400, NotYetVisible),
    ("iam:UpdateAssumeRolePolicy", "MalformedPolicyDocument", "Invalid principal in policy", 400, NotYetVisible),
    ("iam:PutRolePolicy", "MalformedPolicyDocument", "Syntax errors in policy.", 400, Invalid),
    ("iam:DeleteRole", "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409, Busy),
    ("iam:DeleteUser", "EntityTemporarilyUnmodifiable", "try again after several minutes", 409, Busy),
    ("iam:UpdateRole", "ConcurrentModification", "", 409, Busy),
    ("iam:CreateAccessKey", "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409, Invalid),
    ("iam:CreateRole", "EntityAlreadyExists", "Role with name x already exists.", 409, Conflict),
    ("iam:GetRole", "NoSuchEntity", "The role with name x cannot be found.", 404, NotFound),
    ("iam:DeleteRolePolicy", "NoSuchEntity", "", 404, NotFound),
    ("iam:PutRolePolicy", "NoSuchEntity", "The role with name x cannot be found.", 404, NotYetVisible),
    ("iam:CreateAccessKey", "NoSuchEntity", "The user with name x cannot be found.", 404, NotYetVisible),
    ("iam:AddUserToGroup", "NoSuchEntity", "", 404, NotYetVisible),
    ("iam:CreateRole", "ServiceFailure", "", 500, Ambiguous),
    ("iam:GetRole", "ServiceFailure", "", 500, Transient),
    ("iam:CreateRole", "InvalidInput", "", 400, Invalid),
    ("iam:CreateRole", "UnmodifiableEntity", "", 400, Invalid),

    ("s3:PutBucketVersioning", "OperationAborted", "A conflicting conditional operation is currently in progress against this resource.", 409, Busy),
    ("s3:CreateBucket", "OperationAborted", "A conflicting conditional operation is currently in progress against this resource.", 409, Busy),
    ("s3:PutObject", "ConditionalRequestConflict", "", 409, Busy),
    ("s3:DeleteBucket", "BucketNotEmpty", "The bucket you tried to delete is not empty", 409, Conflict),
    ("s3:CreateBucket", "BucketAlreadyExists", "", 409, Conflict),
    ("s3:CreateBucket", "BucketAlreadyOwnedByYou", "", 409, Conflict),
    ("s3:PutBucketPolicy", "MalformedPolicy", "Invalid principal in policy", 400, NotYetVisible),
    ("s3:PutBucketPolicy", "MalformedPolicy", "Policy has invalid resource", 400, Invalid),
    ("s3:PutBucketPolicy", "AccessDenied", "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", 403, Invalid),
    ("s3:PutBucketPolicy", "AccessDenied", "with an explicit deny in a resource-based policy", 403, Denied),
    ("s3:PutBucketAcl", "AccessControlListNotSupported", "", 400, Invalid),
    ("s3:PutObject", "TemporaryRedirect", "", 307, Transient),
    ("s3:GetBucketTagging", "PermanentRedirect", "", 301, Invalid),
    ("s3:ListBuckets", "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'", 400, Invalid),
    ("s3:ListBuckets", "AuthorizationHeaderMalformed", "a non-empty Access Key (AKID) must be provided", 400, Credentials),
    ("s3:CreateBucket", "IllegalLocationConstraintException", "", 400, Invalid),
    ("s3:ListBuckets", "InvalidToken", "", 400, Credentials),
    ("s3:ListBuckets", "TokenRefreshRequired", "", 400, Credentials),
    ("s3:CreateBucket", "ServiceUnavailable", "Reduce your request rate.", 503, Throttled),
    ("s3:CreateBucket", "SlowDown", "Please reduce your request rate.", 503, Throttled),
    ("s3:PutObject", "PreconditionFailed", "", 412, Conflict),
    ("s3:CreateBucket", "InternalError", "We encountered an internal error. Please try again.", 500, Ambiguous),
    ("s3:GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError", "", 404, NotFound),
    ("s3:GetBucketReplication", "ReplicationConfigurationNotFoundError", "", 404, NotFound),
    ("s3:GetBucketOwnershipControls", "OwnershipControlsNotFoundError", "", 404, NotFound),
    ("s3:GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "", 404, NotFound),
    ("s3:GetBucketPolicy", "NoSuchBucketPolicy", "", 404, NotFound),
    ("s3:GetBucketTagging", "NoSuchTagSet", "", 404, NotFound),
    ("s3:DeleteBucket", "NoSuchBucket", "", 404, NotFound),
    ("s3:PutBucketVersioning", "NoSuchBucket", "", 404, NotYetVisible),
    ("s3:HeadBucket", "", "", 404, NotFound),
    ("s3:HeadBucket", "NotFound", "", 404, NotFound),
    ("s3:HeadBucket", "", "", 403, Denied),
    ("s3:HeadBucket", "", "", 400, Invalid),
    ("s3:HeadBucket", "", "", 301, Invalid),
    ("s3:CreateBucket", "TooManyBuckets", "", 400, Invalid),
    ("s3:PutBucketPolicy", "MethodNotAllowed", "", 405, Invalid),
    ("s3:ListBuckets", "RequestTimeTooSkewed", "", 403, Credentials),
    ("s3:ListBuckets", "InvalidSecurity", "", 403, Credentials),
    ("s3:PutObject", "RequestTimeout", "Your socket connection to the server was not read from", 400, Transient),
    ("s3:ListObjectsV2", "AllAccessDisabled", "", 403, Denied),
    ("s3:ListObjectsV2", "AccountProblem", "", 403, Denied),

    ("secretsmanager:CreateSecret", "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.", 400, Conflict),
    ("secretsmanager:PutSecretValue", "InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.", 400, Conflict),
    ("secretsmanager:CreateSecret", "InvalidRequestException", "something else", 400, Invalid),
    ("secretsmanager:CreateSecret", "ResourceExistsException", "", 400, Conflict),
    ("secretsmanager:DescribeSecret", "ResourceNotFoundException", "", 400, NotFound),
    ("secretsmanager:PutSecretValue", "ResourceNotFoundException", "", 400, NotYetVisible),
    ("secretsmanager:RestoreSecret", "ResourceNotFoundException", "", 400, NotYetVisible),
    ("secretsmanager:PutResourcePolicy", "MalformedPolicyDocumentException", "Invalid principal", 400, NotYetVisible),
    ("secretsmanager:PutResourcePolicy", "MalformedPolicyDocumentException", "This resource policy contains an unsupported principal.", 400, NotYetVisible),
    ("secretsmanager:PutResourcePolicy", "MalformedPolicyDocumentException", "syntax", 400, Invalid),
    ("secretsmanager:CreateSecret", "AccessDeniedException", "Access to KMS is not allowed", 400, NotYetVisible),
    ("secretsmanager:CreateSecret", "EncryptionFailure", "", 400, Invalid),
    ("secretsmanager:GetSecretValue", "DecryptionFailure", "", 400, Invalid),
    ("secretsmanager:CreateSecret", "LimitExceededException", "", 400, Invalid),
    ("secretsmanager:CreateSecret", "InternalServiceError", "", 500, Ambiguous),

    ("sts:AssumeRoleWithWebIdentity", "InvalidIdentityToken", "", 400, Credentials),
    ("sts:AssumeRoleWithWebIdentity", "IDPRejectedClaim", "", 403, Credentials),
    ("sts:AssumeRoleWithWebIdentity", "IDPCommunicationError", "", 400, Transient),
    ("sts:AssumeRole", "RegionDisabledException", "STS is not activated in this region", 403, Invalid),
    ("sts:AssumeRole", "MalformedPolicyDocument", "", 400, Invalid),
    ("sts:AssumeRole", "PackedPolicyTooLarge", "", 400, Invalid),
    ("sts:AssumeRole", "AccessDenied", "is not authorized to perform: sts:AssumeRole", 403, Denied),

    ("iam:GetRole", "Throttling", "Rate exceeded", 400, Throttled),
    ("kms:CreateKey", "ThrottlingException", "", 400, Throttled),
    ("x:Y", "ThrottledException", "", 400, Throttled),
    ("x:Y", "RequestThrottledException", "", 400, Throttled),
    ("x:Y", "TooManyRequestsException", "", 429, Throttled),
    ("x:Y", "RequestLimitExceeded", "", 503, Throttled),
    ("x:Y", "BandwidthLimitExceeded", "", 503, Throttled),
    ("x:Y", "ProvisionedThroughputExceededException", "", 400, Throttled),
    ("x:Y", "TransactionInProgressException", "", 400, Throttled),
    ("x:Y", "PriorRequestNotComplete", "", 400, Throttled),
    ("x:Y", "EC2ThrottledException", "", 400, Throttled),
    ("x:Y", "Whatever", "Rate exceeded", 400, Throttled),
    ("x:Y", "", "", 429, Throttled),

    ("iam:GetRole", "ExpiredToken", "The security token included in the request is expired", 403, Credentials),
    ("kms:CreateKey", "ExpiredTokenException", "", 400, Credentials),
    ("x:Y", "RequestExpired", "", 400, Credentials),
    ("iam:GetRole", "InvalidClientTokenId", "", 403, Credentials),
    ("kms:CreateKey", "UnrecognizedClientException", "", 400, Credentials),
    ("s3:ListBuckets", "InvalidAccessKeyId", "", 403, Credentials),
    ("iam:GetRole", "SignatureDoesNotMatch", "", 403, Credentials),
    ("kms:CreateKey", "InvalidSignatureException", "", 400, Credentials),
    ("kms:CreateKey", "IncompleteSignatureException", "", 400, Credentials),
    ("kms:CreateKey", "MissingAuthenticationTokenException", "", 400, Credentials),
    ("ec2:DescribeVpcs", "AuthFailure", "", 401, Credentials),
    ("x:Y", "RequestInTheFuture", "", 403, Credentials),

    ("iam:CreateRole", "AccessDenied", "is not authorized to perform: iam:CreateRole with an explicit deny in a service control policy", 403, Denied),
    ("kms:CreateKey", "AccessDeniedException", "because no permissions boundary allows", 400, Denied),
    ("ec2:CreateVpc", "UnauthorizedOperation", "", 403, Denied),
    ("x:Y", "UnauthorizedException", "", 400, Denied),
    ("x:Y", "NotAuthorized", "", 400, Denied),
    ("x:Y", "OptInRequired", "", 400, Denied),
    ("s3:HeadBucket", "Forbidden", "", 403, Denied),
    ("x:Y", "", "", 401, Denied),

    ("iam:CreateRole", "ServiceUnavailable", "", 503, Transient),
    ("x:Y", "InternalFailure", "", 500, Ambiguous),
    ("x:Y", "InternalServerError", "", 500, Ambiguous),
    ("x:Y", "", "", 502, Ambiguous),
    ("iam:ListRoles", "", "", 502, Transient),
    ("x:Y", "", "", 503, Transient),
    ("x:Y", "", "", 408, Transient),
    ("x:Y", "", "", 501, Invalid),
    ("x:Y", "", "", 409, Conflict),
    ("x:Y", "Odd", "", 200, Bug),
];

#[test]
fn each_error_of_aws_has_its_class() {
    for (operation, code, message, status, class) in cases() {
        let failure = failure(operation, refused(code, message, *status));
        assert_eq!(failure.class, *class, "{operation} {code} {message:?} {status}");
        assert_eq!(failure.code.as_deref().unwrap_or_default(), *code);
        assert!(!failure.message.is_empty(), "{operation} {code} {status} tells nothing");
    }
}

#[test]
fn every_rule_decides_at_least_one_case() {
    let unused = rules::unused(cases().map(|(operation, code, message, ..)| (*operation, *code, *message)));
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn code_request_id_and_wait_are_kept() {
    let mut raw = reply(503);
    raw.headers_mut().insert("x-amzn-requestid", "req-1");
    raw.headers_mut().insert("x-amz-retry-after", "1500");
    let meta = ErrorMetadata::builder().code("SlowDown").message("later").build();
    let failure = failure("s3:PutObject", Reply::service_error(meta, raw));
    assert_eq!(failure.request_id.as_deref(), Some("req-1"));
    assert_eq!(failure.retry_after, Some(Duration::from_millis(1500)));
    assert_eq!(failure.to_string(), "s3:PutObject: later");
}

#[test]
fn waits_are_read_in_both_units_and_bounded() {
    assert_eq!(retry_after(Some("20"), Some("7")), Some(Duration::from_millis(20)));
    assert_eq!(retry_after(None, Some("7")), Some(Duration::from_secs(7)));
    assert_eq!(retry_after(None, Some("99999999999999999999")), None);
    assert_eq!(retry_after(None, Some("9999999")), Some(Duration::from_secs(60)));
    assert_eq!(retry_after(None, Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
}

#[test]
fn a_bucket_elsewhere_names_its_region() {
    let mut raw = reply(301);
    raw.headers_mut().insert("x-amz-bucket-region", "eu-central-1");
    let head = failure("s3:HeadBucket", Reply::service_error(ErrorMetadata::builder().build(), raw));
    assert_eq!(head.class, Invalid);
    assert!(head.message.starts_with("status 301 without a text. The bucket is in eu-central-1"), "{head}");
    let text = refused("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'", 400);
    let list = failure("s3:ListObjectsV2", text);
    assert!(list.message.contains("expecting 'eu-west-1'. The bucket is in eu-west-1: "), "{list}");
}

#[test]
fn a_request_without_a_reply() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused).into();
    let reset = || io::Error::from(io::ErrorKind::ConnectionReset).into();
    let credentials = || CredentialsError::not_loaded("no providers in chain provided credentials");
    let dispatch = |error| Reply::dispatch_failure(error);
    for (operation, error, class) in [
        ("kms:CreateKey", dispatch(ConnectorError::io(refused())), Transient),
        ("kms:CreateKey", dispatch(ConnectorError::io(reset())), Ambiguous),
        ("kms:DescribeKey", dispatch(ConnectorError::io(reset())), Transient),
        ("kms:CreateKey", dispatch(ConnectorError::io(ResolveDnsError::new("no such host").into())), Transient),
        ("kms:CreateKey", dispatch(ConnectorError::timeout("read timeout".into())), Ambiguous),
        ("kms:CreateKey", dispatch(ConnectorError::timeout("HTTP connect timeout occurred after 3s".into())), Transient),
        ("kms:CreateKey", dispatch(ConnectorError::user("bad URI".into())), Bug),
        ("kms:CreateKey", dispatch(ConnectorError::other("invalid peer certificate: UnknownIssuer".into(), None)), Invalid),
        ("kms:CreateKey", dispatch(ConnectorError::other(credentials().into(), None)), Credentials),
        ("kms:CreateKey", Reply::construction_failure(credentials()), Credentials),
        ("kms:CreateKey", Reply::construction_failure("a field is missing"), Bug),
        ("kms:CreateKey", Reply::construction_failure(ResolveEndpointError::message("Invalid region")), Invalid),
        ("kms:CreateKey", Reply::timeout_error("operation timeout"), Ambiguous),
        ("kms:ListAliases", Reply::timeout_error("operation timeout"), Transient),
        ("kms:CreateKey", Reply::response_error("body cut short", reply(200)), Ambiguous),
        ("kms:CreateKey", Reply::response_error("html", reply(502)), Ambiguous),
        ("kms:CreateKey", Reply::response_error("html", reply(403)), Denied),
    ] {
        let text = format!("{error:?}");
        assert_eq!(failure(operation, error).class, class, "{operation} {text}");
    }
}

#[test]
fn what_is_not_there_is_an_answer() {
    let gone: Result<(), Reply> = Err(refused("NoSuchEntity", "gone", 404));
    assert_eq!(gone.absent("iam:GetRole"), Ok(None));
    let there: Result<u8, Reply> = Ok(7);
    assert_eq!(there.absent("iam:GetRole"), Ok(Some(7)));
    let denied: Result<(), Reply> = Err(refused("AccessDenied", "no", 403));
    assert_eq!(denied.absent("iam:GetRole").unwrap_err().class, Denied);
}

#[test]
fn secrets_on_their_way_out_are_recognised() {
    let secret = failure("secretsmanager:CreateSecret", refused("InvalidRequestException", "already scheduled for deletion", 400));
    assert!(is_scheduled_for_deletion(&secret));
    let key = failure("kms:EnableKey", refused("KMSInvalidStateException", "key/1 is pending deletion.", 400));
    assert!(!is_scheduled_for_deletion(&key));
}

#[test]
fn keys_never_stand_in_a_message() {
    let text = "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found";
    let failure = failure("iam:DeleteAccessKey", refused("NoSuchEntity", text, 404));
    assert!(!failure.to_string().contains("AKIA"), "{failure}");
}
