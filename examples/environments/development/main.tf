# A development installation of Deeploy: smaller, cheaper, and easier to throw away.

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
  description = "Name of the environment; everything in it is named after it."
  type        = string
  default     = "deeploy-dev"
}

variable "admin_principal_arns" {
  description = "ARNs of the IAM roles and users that administer the cluster."
  type        = set(string)
}

resource "deeploy_environment" "development" {
  name    = var.name
  preset  = "development"
  cluster = { admin_principal_arns = var.admin_principal_arns }
  storage = { force_destroy = true }
}

output "cluster_endpoint" {
  description = "API of the cluster."
  value       = deeploy_environment.development.cluster.endpoint
}

output "database_endpoint" {
  description = "Host name of the database."
  value       = deeploy_environment.development.database.endpoint
}
