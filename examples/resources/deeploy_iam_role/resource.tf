resource "deeploy_kms_key" "tokens" {
  name = "deeploy/production/tokens"
}

resource "deeploy_s3_bucket" "artifacts" {
  bucket = "deeploy-production-artifacts"
}

resource "deeploy_iam_role" "deeploy" {
  name           = "deeploy-production"
  bucket_arn     = deeploy_s3_bucket.artifacts.arn
  tokens_key_arn = deeploy_kms_key.tokens.arn

  trust = {
    pod_identity = {
      cluster_name     = "deeploy-production"
      namespace        = "deeploy"
      service_accounts = ["default"]
    }
  }
}
