use super::*;

/// One row a rule: operation, code, text, status, class.
#[rustfmt::skip]
pub(super) const CASES: &[(&str, &str, &str, u16, Class)] = &[
    ("cloudwatch:ListTagsForResource", "ResourceNotFoundException", "", 404, NotFound),
    ("cloudwatch:DeleteAlarms", "ResourceNotFound", "", 404, NotFound),
    ("cloudwatch:TagResource", "ConcurrentModificationException", "", 429, Busy),
    ("cloudwatch:PutMetricAlarm", "LimitExceeded", "The quota for alarms for this customer has already been reached.", 400, Invalid),
    ("cloudwatch:PutMetricAlarm", "InternalServiceFault", "", 500, Ambiguous),

    ("events:PutRule", "ConcurrentModificationException", "", 400, Busy),
    ("events:PutRule", "LimitExceededException", "", 400, Invalid),
    ("events:DeleteRule", "ValidationException", "Rule can't be deleted since it has targets.", 400, Busy),
    ("events:PutRule", "ValidationException", "1 validation error detected", 400, Invalid),
    ("events:DescribeRule", "ResourceNotFoundException", "Rule x does not exist on EventBus default.", 400, NotFound),
    ("events:PutTargets", "ResourceNotFoundException", "Rule x does not exist on EventBus default.", 400, NotYetVisible),

    ("logs:CreateLogGroup", "ResourceAlreadyExistsException", "The specified log group already exists", 400, Conflict),
    ("logs:CreateLogGroup", "InvalidParameterException", "The specified KMS key does not exist or is not allowed to be used with Arn 'x'", 400, NotYetVisible),
    ("logs:AssociateKmsKey", "InvalidParameterException", "The specified KMS Key Id could not be found.", 400, NotYetVisible),
    ("logs:CreateLogGroup", "InvalidParameterException", "1 validation error detected", 400, Invalid),
    ("logs:PutRetentionPolicy", "OperationAbortedException", "A conflicting operation is currently in progress against this resource. Please try again.", 400, Busy),
    ("logs:CreateLogGroup", "LimitExceededException", "Resource limit exceeded.", 400, Invalid),
    ("logs:PutRetentionPolicy", "ResourceNotFoundException", "The specified log group does not exist.", 400, NotYetVisible),
    ("logs:DeleteLogGroup", "ResourceNotFoundException", "The specified log group does not exist.", 400, NotFound),

    ("sns:GetTopicAttributes", "NotFound", "Topic does not exist", 404, NotFound),
    ("sns:ListTagsForResource", "ResourceNotFound", "Resource does not exist", 404, NotFound),
    ("sns:CreateTopic", "InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags", 400, Conflict),
    ("sns:CreateTopic", "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes", 400, Conflict),
    ("sns:SetTopicAttributes", "InvalidParameter", "Invalid parameter: Policy statement action out of service scope!", 400, Invalid),
    ("sns:TagResource", "ConcurrentAccess", "", 400, Busy),
    ("sns:CreateTopic", "StaleTag", "", 400, Busy),
    ("sns:Subscribe", "AuthorizationError", "is not authorized to perform: SNS:Subscribe", 403, Denied),

    ("ssm:PutParameter", "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.", 400, Conflict),
    ("ssm:GetParameter", "ParameterNotFound", "", 400, NotFound),
    ("ssm:DeleteParameter", "ParameterNotFound", "", 400, NotFound),
    ("ssm:ListTagsForResource", "InvalidResourceId", "", 400, NotFound),
    ("ssm:AddTagsToResource", "InvalidResourceId", "", 400, NotYetVisible),
    ("ssm:PutParameter", "TooManyUpdates", "There are concurrent updates for a resource that supports one update at a time.", 400, Busy),
    ("ssm:PutParameter", "ParameterLimitExceeded", "", 400, Invalid),
    ("ssm:PutParameter", "HierarchyLevelLimitExceededException", "", 400, Invalid),
];
