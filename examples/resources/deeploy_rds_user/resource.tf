# Deeploy's user and databases, on an instance that is made in the same apply.
resource "deeploy_rds_user" "deeploy" {
  host             = deeploy_environment.production.database.endpoint
  port             = deeploy_environment.production.database.port
  admin_secret_arn = deeploy_environment.production.database.master_secret_arn

  username    = "deeploy"
  databases   = ["deeploy", "deeploy_kratos"]
  secret_name = "deeploy/deeploy-prod/database"

  # The database has no public address: through a node of the cluster, by Session Manager.
  via = {
    ssm = { cluster_name = deeploy_environment.production.cluster.name }
  }

  # For dashboards: it reads everything, also what is made later, and nothing more.
  read_only_users = {
    grafana = { connection_limit = 5 }
  }

  # Another date makes another password; two logins take turns, so that pods with the previous one go on.
  alternate_users   = true
  password_rotation = "2026-11"
}

output "credentials" {
  description = "Secret with the user's credentials, for Deeploy's chart."
  value       = deeploy_rds_user.deeploy.secret_arn
}
