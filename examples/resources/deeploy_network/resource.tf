# A VPC over three availability zones, with a NAT gateway in each.
resource "deeploy_network" "production" {
  name = "deeploy-prod"
  cidr = "10.20.0.0/16"
}

# A smaller one with a single gateway, and AWS's container registry reached without the internet.
resource "deeploy_network" "development" {
  name                = "deeploy-dev"
  preset              = "development"
  cidr                = "10.21.0.0/18"
  interface_endpoints = ["ecr.api", "ecr.dkr"]
}
