# The name of a deeploy_rds_instance: its record tells the rest. Importing changes nothing.
terraform import deeploy_rds_instance.database deeploy-prod
