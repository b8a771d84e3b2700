//! Every example of examples/ does what it says: it applies, a second plan is empty, it is destroyed.

use std::fs;

use acceptance_tests::{Failure, Prerequisites, Release, Terraform, check};

use super::stage::{Stage, stage, stage_on};

/// One life of what is in the working folder.
fn runs(Stage { world, terraform }: &Stage) -> Result<(), Failure> {
    assert_eq!(terraform.validate()?["valid"], true, "{}", terraform.validate()?);
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    release_buckets(terraform)?;
    terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

/// Production's buckets are guarded by their content, and access logs come by themselves.
fn release_buckets(terraform: &Terraform) -> Result<(), Failure> {
    let bucket = "deeploy_s3_bucket.artifacts";
    let guarded = terraform.attributes(bucket).is_ok_and(|attributes| attributes["force_destroy"] == false);
    if guarded {
        terraform.write("force_override.tf", "resource \"deeploy_s3_bucket\" \"artifacts\" {\n  force_destroy = true\n}\n")?;
        terraform.apply::<&str>(&[])?.success()?;
    }
    Ok(())
}

// One test, since bucket names are global and the examples share one.
#[test]
fn every_resource_example_runs_with_the_provider_example() -> Result<(), Failure> {
    let examples = Prerequisites::find()?.folders.root.join("examples");
    let mut seen = 0;
    for folder in fs::read_dir(examples.join("resources")).unwrap() {
        let stage = stage()?;
        stage.terraform.copy(&examples.join("provider"))?;
        stage.terraform.copy(&folder.unwrap().path())?;
        runs(&stage)?;
        seen += 1;
    }
    assert!(seen >= 4, "{seen} examples");
    Ok(())
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
