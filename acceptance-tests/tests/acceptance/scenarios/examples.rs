//! Every example of examples/ does what it says: it applies, a second plan is empty, it is destroyed.

use std::fs;

use acceptance_tests::{Failure, Prerequisites, Release, Sandbox, Terraform, World, check};

use super::stage::{Stage, stage, stage_on};

/// The account and the role that the examples name.
const ACCOUNT: &str = "123456789012";
const ADMIN: &str = "platform-admin";

/// What the guarded examples must say before they let themselves be destroyed: resource, name, attributes.
const RELEASES: [(&str, &str, &str); 5] = [
    ("deeploy_s3_bucket", "artifacts", "force_destroy = true"),
    ("deeploy_eks_cluster", "this", "deletion_protection = false"),
    ("deeploy_rds_instance", "database", UNPROTECTED),
    ("deeploy_network", "this", ""),
    (
        "deeploy_environment",
        "production",
        "cluster = { admin_principal_arns = [\"arn:aws:iam::123456789012:role/platform-admin\"], deletion_protection = false }
  database = { deletion_protection = false, final_snapshot = false, delete_automated_backups = true }
  storage = { bucket = \"deeploy-prod-artifacts\", force_destroy = true }
  encryption = { on_destroy = \"schedule\" }",
    ),
];
const UNPROTECTED: &str = "deletion_protection = false
  final_snapshot = false
  delete_automated_backups = true";

/// One life of what is in the working folder.
fn runs(Stage { world, terraform }: &Stage) -> Result<(), Failure> {
    assert_eq!(terraform.validate()?["valid"], true, "{}", terraform.validate()?);
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    release(terraform)?;
    terraform.destroy::<&str>(&[])?.success()?;
    let left = world.objects_of("iam:role")?.iter().filter(|role| role["id"] == ADMIN).count();
    if left > 0 {
        world.iam("DeleteRole", &[("RoleName", ADMIN)])?;
    }
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

/// Production guards what holds data: each of its parts is told first that it may go.
fn release(terraform: &Terraform) -> Result<(), Failure> {
    let mut said = String::new();
    for (resource, name, attributes) in RELEASES {
        let state = terraform.attributes(&format!("{resource}.{name}")).unwrap_or_default();
        let guarded =
            state["force_destroy"] == false || state["deletion_protection"] == true || state["cluster"]["deletion_protection"] == true;
        if guarded {
            said.push_str(&format!("resource {resource:?} {name:?} {{\n  {attributes}\n}}\n"));
        }
    }
    if !said.is_empty() {
        terraform.write("release_override.tf", &said)?;
        terraform.apply::<&str>(&[])?.success()?;
    }
    Ok(())
}

/// A role that may administer clusters, as the examples name it.
fn admin(world: &World) -> Result<String, Failure> {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"sts:AssumeRole"}}]}}"#,
        world.account()
    );
    world.iam("CreateRole", &[("RoleName", ADMIN), ("AssumeRolePolicyDocument", &trust)])?;
    Ok(format!("arn:aws:iam::{}:role/{ADMIN}", world.account()))
}

// One test, since bucket names are global, and the examples share one and the account that they name.
#[test]
fn every_resource_example_runs_with_the_provider_example() -> Result<(), Failure> {
    let prerequisites = Prerequisites::find()?;
    let examples = prerequisites.folders.root.join("examples");
    let world = World::of(Sandbox::shared(&prerequisites)?, ACCOUNT);
    let mut seen = 0;
    for folder in fs::read_dir(examples.join("resources")).unwrap() {
        let folder = folder.unwrap().path();
        // It needs a server: scenarios/rds_user_example.rs.
        if folder.ends_with("deeploy_rds_user") {
            continue;
        }
        world.reset()?;
        world.settings(&serde_json::json!({ "quotas": { "elastic-ips": 20, "vpcs": 10 } }))?;
        admin(&world)?;
        let terraform = Terraform::new(prerequisites.terraform(None)?, &prerequisites.provider, &world)?;
        let stage = Stage { world: world.clone(), terraform };
        stage.terraform.copy(&examples.join("provider"))?;
        stage.terraform.copy(&folder)?;
        runs(&stage).map_err(|failure| failure.context(folder.display()))?;
        seen += 1;
    }
    assert!(seen >= 9, "{seen} examples");
    Ok(())
}

#[test]
fn both_environments_run() -> Result<(), Failure> {
    for folder in ["production", "development"] {
        let mut stage = stage()?;
        let arn = admin(&stage.world)?;
        stage.terraform.set("TF_VAR_name", format!("{}-{}", &folder[..4], stage.world.account()));
        stage.terraform.set("TF_VAR_admin_principal_arns", format!("[{arn:?}]"));
        if folder == "production" {
            stage.terraform.set("TF_VAR_alarm_emails", r#"["ops@example.com"]"#);
        }
        stage.terraform.copy(&Prerequisites::find()?.folders.root.join("examples/environments").join(folder))?;
        stage.terraform.apply::<&str>(&[])?.success()?;
        check::empty_plan(&stage.terraform)?;
        stage.terraform.set("TF_VAR_protected", "false");
        if folder == "production" {
            check::says(&stage.terraform.destroy(&["-var=protected=true"])?, "must not be destroyed")?;
            stage.terraform.apply::<&str>(&[])?.success()?;
        }
        runs_out(&stage)?;
    }
    Ok(())
}

/// What was told that it may go goes, whole.
fn runs_out(Stage { world, terraform }: &Stage) -> Result<(), Failure> {
    terraform.destroy::<&str>(&[])?.success()?;
    world.iam("DeleteRole", &[("RoleName", ADMIN)])?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

fn quickstart(release: Option<Release>) -> Result<(), Failure> {
    let mut stage = stage_on(release)?;
    stage.terraform.set("TF_VAR_name", format!("quick-{}", stage.world.account()));
    stage.terraform.copy(&Prerequisites::find()?.folders.root.join("examples").join("quickstart"))?;
    runs(&stage)
}

#[test]
fn the_quickstart_runs() -> Result<(), Failure> {
    quickstart(None)
}

#[test]
fn the_quickstart_runs_on_the_newest_terraform() -> Result<(), Failure> {
    quickstart(Some(Release::V1_15))
}

#[test]
fn the_quickstart_runs_on_the_oldest_terraform() -> Result<(), Failure> {
    quickstart(Some(Release::V1_8))
}
