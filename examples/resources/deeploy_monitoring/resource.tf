resource "deeploy_kms_key" "data" {
  name               = "deeploy/production/data"
  service_principals = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "events.rds.amazonaws.com"]
}

resource "deeploy_monitoring" "deeploy" {
  name         = "deeploy-production"
  alarm_emails = ["ops@example.com"]
  kms_key_arn  = deeploy_kms_key.data.arn

  database_identifier        = "deeploy-production"
  database_instance_class    = "db.m7g.large"
  database_allocated_storage = 100

  cluster_name = "deeploy-production"

  nat_gateway_ids = {
    euc1-az1 = "nat-0123456789abcdef0"
    euc1-az2 = "nat-0fedcba9876543210"
  }

  tags = { team = "ml" }
}
