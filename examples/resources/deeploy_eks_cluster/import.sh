# The name of a cluster that this resource made. Importing changes nothing; the first apply marks its objects as this resource's.
terraform import deeploy_eks_cluster.this deeploy-prod
