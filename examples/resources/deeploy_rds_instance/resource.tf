resource "deeploy_network" "production" {
  name = "deeploy-prod"
  cidr = "10.20.0.0/16"
}

resource "deeploy_kms_key" "data" {
  name               = "deeploy-prod/data"
  service_principals = ["logs.eu-central-1.amazonaws.com"]
}

resource "deeploy_rds_instance" "database" {
  name = "deeploy-prod"

  vpc_id      = deeploy_network.production.vpc_id
  subnet_ids  = deeploy_network.production.database_subnet_ids
  kms_key_arn = deeploy_kms_key.data.arn

  parameters = {
    work_mem = "16384"
  }
}

output "endpoint" {
  value = deeploy_rds_instance.database.endpoint
}
