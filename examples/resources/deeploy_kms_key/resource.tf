resource "deeploy_kms_key" "tokens" {
  name        = "deeploy/production/tokens"
  description = "Encrypts Deeploy's tokens"
}
