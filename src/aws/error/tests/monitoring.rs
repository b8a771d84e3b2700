use super::*;

/// One row a rule: operation, code, text, status, class.
#[rustfmt::skip]
pub(super) const CASES: &[(&str, &str, &str, u16, Class)] = &[
    ("logs:CreateLogGroup", "ResourceAlreadyExistsException", "The specified log group already exists", 400, Conflict),
    ("logs:CreateLogGroup", "InvalidParameterException", "The specified KMS key does not exist or is not allowed to be used with Arn 'x'", 400, NotYetVisible),
    ("logs:AssociateKmsKey", "InvalidParameterException", "The specified KMS Key Id could not be found.", 400, NotYetVisible),
    ("logs:CreateLogGroup", "InvalidParameterException", "1 validation error detected", 400, Invalid),
    ("logs:PutRetentionPolicy", "OperationAbortedException", "A conflicting operation is currently in progress against this resource. Please try again.", 400, Busy),
    ("logs:CreateLogGroup", "LimitExceededException", "Resource limit exceeded.", 400, Invalid),
    ("logs:PutRetentionPolicy", "ResourceNotFoundException", "The specified log group does not exist.", 400, NotYetVisible),
    ("logs:DeleteLogGroup", "ResourceNotFoundException", "The specified log group does not exist.", 400, NotFound),

    ("ssm:PutParameter", "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.", 400, Conflict),
    ("ssm:GetParameter", "ParameterNotFound", "", 400, NotFound),
    ("ssm:DeleteParameter", "ParameterNotFound", "", 400, NotFound),
    ("ssm:ListTagsForResource", "InvalidResourceId", "", 400, NotFound),
    ("ssm:AddTagsToResource", "InvalidResourceId", "", 400, NotYetVisible),
    ("ssm:PutParameter", "TooManyUpdates", "There are concurrent updates for a resource that supports one update at a time.", 400, Busy),
    ("ssm:PutParameter", "ParameterLimitExceeded", "", 400, Invalid),
    ("ssm:PutParameter", "HierarchyLevelLimitExceededException", "", 400, Invalid),
];
