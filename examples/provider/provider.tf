terraform {
  required_providers {
    deeploy = {
      source = "deeploy-ml/deeploy"
    }
  }
}

provider "deeploy" {
  region = "eu-central-1"

  default_tags = {
    tags = {
      team = "ml-platform"
    }
  }
}
