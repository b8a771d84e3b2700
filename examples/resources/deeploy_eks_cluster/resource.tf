resource "deeploy_network" "this" {
  name = "deeploy-prod"
  cidr = "10.20.0.0/16"
}

resource "deeploy_eks_cluster" "this" {
  name                     = "deeploy-prod"
  vpc_id                   = deeploy_network.this.vpc_id
  private_subnet_ids       = deeploy_network.this.private_subnet_ids
  control_plane_subnet_ids = deeploy_network.this.control_plane_subnet_ids
  admin_principal_arns     = ["arn:aws:iam::123456789012:role/platform-admin"]

  node_groups = {
    default = { min_size = 3, max_size = 9 }
    models = {
      instance_types = ["m6i.2xlarge"]
      min_size       = 0
      desired_size   = 0
      max_size       = 4
      labels         = { workload = "models" }
      taints         = [{ key = "workload", value = "models", effect = "NO_SCHEDULE" }]
    }
  }
}
