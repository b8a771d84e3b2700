# The name of a deeploy_rds_instance, or the ARN of its database instance. Importing changes nothing.
terraform import deeploy_rds_instance.database deeploy-prod
