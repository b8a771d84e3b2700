# Everything that a production installation of Deeploy needs on AWS. Settings that aren't written out are the preset's; the plan shows each.

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
  default     = "deeploy-prod"
}

variable "admin_principal_arns" {
  description = "ARNs of the IAM roles and users that administer the cluster."
  type        = set(string)
}

variable "alarm_emails" {
  description = "Who is told of alarms."
  type        = set(string)
}

variable "protected" {
  description = "Whether AWS and the provider refuse to destroy the environment. To take it down for good, with its data, apply once with false."
  type        = bool
  default     = true
}

resource "deeploy_environment" "production" {
  name   = var.name
  preset = "production"

  network = {
    cidr = "10.20.0.0/16"
  }

  cluster = {
    admin_principal_arns = var.admin_principal_arns
    deletion_protection  = var.protected
  }

  database = {
    deletion_protection      = var.protected
    final_snapshot           = var.protected
    delete_automated_backups = !var.protected
  }

  storage = {
    force_destroy = !var.protected
  }

  encryption = {
    on_destroy = var.protected ? "retain" : "schedule"
  }

  monitoring = {
    alarm_emails = var.alarm_emails
  }

  tags = {
    team = "ml"
  }
}

output "cluster" {
  description = "Name and API of the cluster: aws eks update-kubeconfig --name NAME."
  value = {
    name     = deeploy_environment.production.name
    endpoint = deeploy_environment.production.cluster.endpoint
    version  = deeploy_environment.production.cluster.version
  }
}

output "database" {
  description = "Where the database is, and the secret with its master user."
  value = {
    host              = deeploy_environment.production.database.endpoint
    port              = deeploy_environment.production.database.port
    master_secret_arn = deeploy_environment.production.database.master_secret_arn
  }
}

output "bucket" {
  description = "The bucket of Deeploy's model artefacts."
  value       = deeploy_environment.production.storage.bucket
}

output "tokens_key_arn" {
  description = "The key that encrypts Deeploy's tokens."
  value       = deeploy_environment.production.encryption.tokens_key_arn
}

output "role_arn" {
  description = "The role that Deeploy's pods have."
  value       = deeploy_environment.production.identity.role_arn
}

output "nat_public_ips" {
  description = "Addresses from which Deeploy reaches the internet, for allow lists of Git hosts and others."
  value       = deeploy_environment.production.network.nat_public_ips
}
