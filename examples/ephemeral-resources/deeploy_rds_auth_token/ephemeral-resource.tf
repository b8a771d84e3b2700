# The database user must be in the role rds_iam: GRANT rds_iam TO reader;
ephemeral "deeploy_rds_auth_token" "reader" {
  host     = "deeploy-prod.c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com"
  port     = 5432
  username = "reader"
}

# For what takes ephemeral values: another provider's block, a write-only attribute, a provisioner.
locals {
  reader = {
    PGUSER     = "reader"
    PGPASSWORD = ephemeral.deeploy_rds_auth_token.reader.token
    PGSSLMODE  = "verify-full"
  }
}
