# By name: what the environment was configured with stands in its record, /deeploy/environment/NAME in Parameter Store.
terraform import deeploy_environment.production deeploy-prod
