# By the network's name.
terraform import deeploy_network.production deeploy-prod
