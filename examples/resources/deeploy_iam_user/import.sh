# A user's name or ARN. Importing changes nothing; the first apply makes what is missing and marks the user as this resource's.
terraform import deeploy_iam_user.deeploy deeploy-production
