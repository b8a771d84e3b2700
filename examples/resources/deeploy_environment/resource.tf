resource "deeploy_environment" "production" {
  name       = "deeploy-prod"
  preset     = "production" # or "development"
  network    = { cidr = "10.20.0.0/16" }
  cluster    = { admin_principal_arns = ["arn:aws:iam::123456789012:role/platform-admin"] }
  storage    = { bucket = "deeploy-prod-artifacts" }
  monitoring = { alarm_emails = ["ops@example.com"] }
  tags       = { team = "ml" }
}
