use super::*;

/// One row a rule: operation, code, text, status, class.
#[rustfmt::skip]
pub(super) const CASES: &[(&str, &str, &str, u16, Class)] = &[
    ("ssm:PutParameter", "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.", 400, Conflict),
    ("ssm:GetParameter", "ParameterNotFound", "", 400, NotFound),
    ("ssm:DeleteParameter", "ParameterNotFound", "", 400, NotFound),
    ("ssm:ListTagsForResource", "InvalidResourceId", "", 400, NotFound),
    ("ssm:AddTagsToResource", "InvalidResourceId", "", 400, NotYetVisible),
    ("ssm:PutParameter", "TooManyUpdates", "There are concurrent updates for a resource that supports one update at a time.", 400, Busy),
    ("ssm:PutParameter", "ParameterLimitExceeded", "", 400, Invalid),
    ("ssm:PutParameter", "HierarchyLevelLimitExceededException", "", 400, Invalid),
];
