//! The archive of a release, installed as users do: `terraform init`, a version constraint, the lock file, then a plan.

use std::fs;

use acceptance_tests::{Failure, Prerequisites, Release, Sandbox, Terraform, World};

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    deeploy = {
      source  = "deeploy-ml/deeploy"
      version = "~> 0.1"
    }
  }
}

provider "deeploy" {}

resource "deeploy_kms_key" "tokens" {
  name = "mirror"
}
"#;

fn installs(release: Option<Release>) -> Result<(), Failure> {
    let prerequisites = Prerequisites::find()?;
    let archive = prerequisites.archive()?;
    let mut terraform = Terraform::without_provider(prerequisites.terraform(release)?)?;
    let mirror = terraform.home().join("mirror");
    let folder = mirror.join("registry.terraform.io/deeploy-ml/deeploy");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(&archive, folder.join(archive.file_name().unwrap())).unwrap();
    let settings = terraform.home().join("terraform.rc");
    let path = mirror.display().to_string().replace('\\', "/");
    fs::write(&settings, format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{path}\"\n  }}\n}}\n")).unwrap();
    terraform.set("TF_CLI_CONFIG_FILE", settings.display().to_string());
    for (name, value) in World::new(Sandbox::shared(&prerequisites)?).environment() {
        terraform.set(&name, value);
    }
    terraform.write("main.tf", CONFIGURATION)?;

    terraform.init()?;
    let lock = fs::read_to_string(terraform.path().join(".terraform.lock.hcl")).unwrap();
    assert!(lock.contains("deeploy-ml/deeploy") && lock.contains("h1:"), "{lock}");
    assert_eq!(terraform.validate()?["valid"], true);
    let plan = terraform.plan::<&str>(&[])?.success()?;
    assert!(plan.text().contains("Plan: 1 to add, 0 to change, 0 to destroy."), "{}", plan.output());
    Ok(())
}

#[test]
fn the_archive_installs_from_a_mirror_and_plans() -> Result<(), Failure> {
    installs(None)
}

#[test]
fn the_archive_installs_on_the_newest_and_the_oldest_terraform() -> Result<(), Failure> {
    installs(Some(Release::V1_15))?;
    installs(Some(Release::V1_8))
}
