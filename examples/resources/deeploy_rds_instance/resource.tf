resource "deeploy_rds_instance" "database" {
  name = "deeploy-prod"

  vpc_id                 = "vpc-0123456789abcdef0"
  subnet_ids             = ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"]
  node_security_group_id = "sg-0123456789abcdef0"

  # Its policy must let CloudWatch Logs use it.
  kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
  sns_topic_arn = "arn:aws:sns:eu-central-1:123456789012:operations"

  parameters = {
    work_mem = "16384"
  }
}

output "endpoint" {
  value = deeploy_rds_instance.database.endpoint
}
