# The resource's name. Importing changes nothing; the first apply marks the objects as this resource's.
terraform import deeploy_monitoring.deeploy deeploy-production
