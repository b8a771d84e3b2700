# What Deeploy needs beside its cluster and database: a key for its tokens, a bucket for its artefacts,
# a role for its pods, and a user for releases of Deeploy that can't take a role.

terraform {
  required_version = ">= 1.8"

  required_providers {
    deeploy = {
      source = "deeploy-ml/deeploy"
    }
  }
}

provider "deeploy" {
  default_tags = {
    tags = {
      environment = var.name
    }
  }
}

variable "name" {
  description = "Name of the environment; every object's name starts with it."
  type        = string
  default     = "deeploy-quickstart"
}

resource "deeploy_kms_key" "tokens" {
  name        = "${var.name}/tokens"
  description = "Encrypts Deeploy's tokens"
}

resource "deeploy_kms_key" "data" {
  name        = "${var.name}/data"
  description = "Encrypts Deeploy's artefacts and secrets"
}

resource "deeploy_s3_bucket" "artifacts" {
  bucket      = "${var.name}-artifacts"
  kms_key_arn = deeploy_kms_key.data.arn

  # A quickstart is thrown away, with its access logs. Leave this out where objects matter.
  force_destroy = true
}

resource "deeploy_iam_role" "deeploy" {
  name               = var.name
  bucket_arn         = deeploy_s3_bucket.artifacts.arn
  bucket_kms_key_arn = deeploy_kms_key.data.arn
  tokens_key_arn     = deeploy_kms_key.tokens.arn

  trust = {
    pod_identity = {
      cluster_name     = var.name
      namespace        = "deeploy"
      service_accounts = ["default"]
    }
  }
}

resource "deeploy_iam_user" "deeploy" {
  name               = var.name
  bucket_arn         = deeploy_s3_bucket.artifacts.arn
  bucket_kms_key_arn = deeploy_kms_key.data.arn
  tokens_key_arn     = deeploy_kms_key.tokens.arn
  secret_kms_key_arn = deeploy_kms_key.data.arn
}

output "tokens_key_arn" {
  description = "`security.keyManagement.aws.keyId` of Deeploy's Helm chart."
  value       = deeploy_kms_key.tokens.arn
}

output "bucket" {
  description = "`remoteBlobStorage.aws.bucketName` of Deeploy's Helm chart."
  value       = deeploy_s3_bucket.artifacts.id
}

output "role_arn" {
  description = "The role of Deeploy's service accounts."
  value       = deeploy_iam_role.deeploy.arn
}

output "access_key_secret_arn" {
  description = "The secret that holds the user's access key, as JSON."
  value       = deeploy_iam_user.deeploy.secret_arn
}
