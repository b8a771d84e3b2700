//! Each resource's life: create, empty plan, update in place, import (command and block), destroy.

use acceptance_tests::{Failure, Release, Terraform, World, check};
use serde_json::Value;

use super::stage::{Stage, stage, stage_on, text};

/// One resource's life. In the texts, ACCOUNT stands for the scenario's account, so that global names don't meet.
struct Life {
    /// The resource that the scenario is about.
    address: &'static str,
    /// What it is imported by.
    import_id: &'static str,
    /// What it needs beside itself.
    around: &'static str,
    /// Its block, without what changes.
    body: &'static str,
    /// Lines of the block at create.
    before: &'static str,
    /// Lines of the block after the update.
    after: &'static str,
    /// An attribute of `after`, and what it must be then.
    changed: (&'static str, &'static str),
}

const KEY: Life = Life {
    address: "deeploy_kms_key.this",
    import_id: "life-ACCOUNT",
    around: "",
    body: "name = \"life-ACCOUNT\"",
    before: "description = \"before\"",
    after: "description = \"after\"\nrotation_period_in_days = 180\ntags = { step = \"two\" }",
    changed: ("rotation_period_in_days", "180"),
};

const BUCKET: Life = Life {
    address: "deeploy_s3_bucket.this",
    import_id: "life-ACCOUNT",
    around: "resource \"deeploy_kms_key\" \"data\" {\n  name = \"data-ACCOUNT\"\n}",
    body: "bucket = \"life-ACCOUNT\"\nkms_key_arn = deeploy_kms_key.data.arn\nforce_destroy = true",
    before: "",
    after: "noncurrent_version_expiration_days = 45\ntags = { step = \"two\" }",
    changed: ("noncurrent_version_expiration_days", "45"),
};

const ROLE: Life = Life {
    address: "deeploy_iam_role.this",
    import_id: "life-ACCOUNT",
    around: "resource \"deeploy_s3_bucket\" \"artifacts\" {\n  bucket = \"artifacts-ACCOUNT\"\n  force_destroy = true\n}\nresource \"deeploy_kms_key\" \"tokens\" {\n  name = \"tokens-ACCOUNT\"\n}",
    body: "name = \"life-ACCOUNT\"\nbucket_arn = deeploy_s3_bucket.artifacts.arn\ntokens_key_arn = deeploy_kms_key.tokens.arn\n\
        trust = {\n  pod_identity = {\n    cluster_name = \"one\"\n    namespace = \"deeploy\"\n    service_accounts = [\"default\"]\n  }\n}",
    before: "",
    after: "access = \"documented\"\ntags = { step = \"two\" }",
    changed: ("access", "\"documented\""),
};

const USER: Life = Life {
    address: "deeploy_iam_user.this",
    import_id: "life-ACCOUNT",
    around: "resource \"deeploy_s3_bucket\" \"artifacts\" {\n  bucket = \"artifacts-ACCOUNT\"\n  force_destroy = true\n}",
    body: "name = \"life-ACCOUNT\"\nbucket_arn = deeploy_s3_bucket.artifacts.arn",
    before: "",
    after: "access_key_rotation = \"second\"\ntags = { step = \"two\" }",
    changed: ("access_key_rotation", "\"second\""),
};

impl Life {
    fn configuration(&self, world: &World, lines: &str) -> String {
        let (kind, name) = self.address.split_once('.').unwrap();
        let text = format!("{}\nresource \"{kind}\" \"{name}\" {{\n{}\n{lines}\n}}\n", self.around, self.body);
        text.replace("ACCOUNT", world.account())
    }

    fn id(&self, world: &World) -> String {
        self.import_id.replace("ACCOUNT", world.account())
    }
}

/// Nothing to do, nothing done, and the resource says that it is well.
fn is_settled(terraform: &Terraform, world: &World, address: &str) -> Result<(), Failure> {
    let mutations = world.mutations()?.len();
    check::empty_plan(terraform)?;
    assert_eq!(world.mutations()?.len(), mutations, "a plan changed something: {:?}", world.mutations()?);
    let attributes = terraform.attributes(address)?;
    assert_eq!(attributes["status"], "ready");
    assert_eq!(attributes["drift"], serde_json::json!({}));
    Ok(())
}

/// What an update must keep.
fn identity(terraform: &Terraform, address: &str) -> Result<Value, Failure> {
    let attributes = terraform.attributes(address)?;
    Ok(serde_json::json!([attributes["id"], attributes["arn"], attributes["unique_id"]]))
}

fn live(life: &Life, stage: &Stage) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    terraform.configure(&life.configuration(world, life.before))?;
    terraform.apply::<&str>(&[])?.success()?;
    is_settled(terraform, world, life.address)?;
    let made = identity(terraform, life.address)?;

    terraform.configure(&life.configuration(world, life.after))?;
    terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(check::planned_actions(terraform, life.address)?, ["update"]);
    terraform.apply_plan()?.success()?;
    is_settled(terraform, world, life.address)?;
    assert_eq!(identity(terraform, life.address)?, made, "an update replaced it");
    assert_eq!(terraform.attributes(life.address)?[life.changed.0].to_string(), life.changed.1);

    imported_by_command(life, stage)?;
    imported_by_block(life, stage)?;
    assert_eq!(identity(terraform, life.address)?, made, "an import is of the same object");

    // The generated configuration has no `force_destroy`, which AWS doesn't know: back to the one by hand.
    terraform.remove(&["generated.tf", "import.tf"])?;
    terraform.configure(&life.configuration(world, life.after))?;
    terraform.apply::<&str>(&[])?.success()?;
    assert_eq!(identity(terraform, life.address)?, made, "the configuration by hand replaced it");
    terraform.destroy::<&str>(&[])?.success()?;
    check::only_pending_objects(world)?;
    check::no_unsupported_call(world)
}

fn imported_by_command(life: &Life, Stage { world, terraform }: &Stage) -> Result<(), Failure> {
    terraform.run(&["state", "rm", life.address])?.success()?;
    terraform.import(life.address, &life.id(world))?.success()?;
    adopted(terraform, life.address)?;
    is_settled(terraform, world, life.address)
}

fn imported_by_block(life: &Life, Stage { world, terraform }: &Stage) -> Result<(), Failure> {
    terraform.run(&["state", "rm", life.address])?.success()?;
    terraform.configure(&life.around.replace("ACCOUNT", world.account()))?;
    terraform.write("import.tf", &format!("import {{\n  to = {}\n  id = \"{}\"\n}}\n", life.address, life.id(world)))?;
    terraform.plan(&["-generate-config-out=generated.tf"])?.success()?;
    terraform.apply_plan()?.success()?;
    adopted(terraform, life.address)?;
    is_settled(terraform, world, life.address)
}

/// After an import the plan is empty or one update in place, which is applied here.
fn adopted(terraform: &Terraform, address: &str) -> Result<(), Failure> {
    let plan = terraform.plan(&["-detailed-exitcode"])?;
    if plan.code == Some(0) {
        return Ok(());
    }
    assert_eq!(plan.code, Some(2), "{}", plan.output());
    assert_eq!(check::planned_actions(terraform, address)?, ["update"]);
    terraform.apply_plan()?.success().map(|_| ())
}

#[test]
fn a_key_lives() -> Result<(), Failure> {
    live(&KEY, &stage()?)
}

#[test]
fn a_bucket_lives() -> Result<(), Failure> {
    live(&BUCKET, &stage()?)
}

#[test]
fn a_role_lives() -> Result<(), Failure> {
    live(&ROLE, &stage()?)
}

#[test]
fn a_user_lives() -> Result<(), Failure> {
    live(&USER, &stage()?)
}

#[test]
fn a_key_lives_on_the_newest_and_the_oldest_terraform() -> Result<(), Failure> {
    live(&KEY, &stage_on(Some(Release::V1_15))?)?;
    live(&KEY, &stage_on(Some(Release::V1_8))?)
}

#[test]
fn a_destroyed_key_is_taken_back_with_its_id() -> Result<(), Failure> {
    let Stage { world, terraform } = stage()?;
    terraform.configure(&KEY.configuration(&world, KEY.before))?;
    terraform.apply::<&str>(&[])?.success()?;
    let first = identity(&terraform, KEY.address)?;
    terraform.destroy::<&str>(&[])?.success()?;
    let pending = check::only_pending_objects(&world)?;
    assert_eq!(pending.iter().map(|object| text(object, "type")).collect::<Vec<_>>(), ["kms:key"]);
    terraform.apply::<&str>(&[])?.success()?;
    assert_eq!(identity(&terraform, KEY.address)?, first);
    is_settled(&terraform, &world, KEY.address)?;
    assert_eq!(world.objects_of("kms:key")?.len(), 1);
    Ok(())
}
