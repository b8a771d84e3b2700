resource "deeploy_kms_key" "data" {
  name = "deeploy/production/data"
}

resource "deeploy_s3_bucket" "artifacts" {
  bucket      = "deeploy-production-artifacts"
  kms_key_arn = deeploy_kms_key.data.arn
}
