# The administrator's secret is looked up at RDS. Without one, PGUSER and PGPASSWORD tell the administrator.
terraform import deeploy_rds_user.deeploy deeploy-prod.abc123.eu-central-1.rds.amazonaws.com:5432/deeploy
