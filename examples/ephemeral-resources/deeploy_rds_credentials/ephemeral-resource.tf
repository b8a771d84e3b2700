ephemeral "deeploy_rds_credentials" "deeploy" {
  secret_id = "deeploy/deeploy-prod/database"

  lifecycle {
    postcondition {
      condition     = self.engine == "postgres"
      error_message = "The secret is of another database engine."
    }
  }
}

# For what takes ephemeral values: another provider's block, a write-only attribute, a provisioner.
locals {
  database_url = format(
    "postgresql://%s:%s@%s:%d/%s?sslmode=verify-full",
    urlencode(ephemeral.deeploy_rds_credentials.deeploy.username),
    urlencode(ephemeral.deeploy_rds_credentials.deeploy.password),
    ephemeral.deeploy_rds_credentials.deeploy.host,
    ephemeral.deeploy_rds_credentials.deeploy.port,
    ephemeral.deeploy_rds_credentials.deeploy.dbname,
  )
}
