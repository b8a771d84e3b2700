# A role's name or ARN. Importing changes nothing; the first apply marks the role as this resource's.
terraform import deeploy_iam_role.deeploy deeploy-production
