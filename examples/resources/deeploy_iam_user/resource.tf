resource "deeploy_kms_key" "tokens" {
  name = "deeploy/production/tokens"
}

resource "deeploy_s3_bucket" "artifacts" {
  bucket = "deeploy-production-artifacts"
}

resource "deeploy_iam_user" "deeploy" {
  name           = "deeploy-production"
  bucket_arn     = deeploy_s3_bucket.artifacts.arn
  tokens_key_arn = deeploy_kms_key.tokens.arn

  # Another text makes a second access key; the one before stays active until the next rotation.
  access_key_rotation = "2026-11"
}
