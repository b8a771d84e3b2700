//! An account for environments, and their configuration.

use acceptance_tests::{Failure, Terraform, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, stage, text};

/// The address of the environment of [`environment`].
pub(crate) const ENVIRONMENT: &str = "deeploy_environment.this";

/// A fresh account with a role that administers clusters.
pub(crate) fn environment_stage() -> Result<Stage, Failure> {
    let stage = stage()?;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", stage.world.account()) },
        }],
    });
    stage.world.iam("CreateRole", &[("RoleName", ADMIN), ("AssumeRolePolicyDocument", &trust.to_string())])?;
    Ok(stage)
}

/// The role of [`environment_stage`].
pub(crate) const ADMIN: &str = "platform-admin";

/// ARN of [`ADMIN`].
pub(crate) fn admin(world: &World) -> String {
    format!("arn:aws:iam::{}:role/{ADMIN}", world.account())
}

/// The attribute `cluster` with these lines in it beside its administrator.
pub(crate) fn cluster(world: &World, more: &str) -> String {
    format!("{{\n    admin_principal_arns = [\"{}\"]\n    {more}\n  }}", admin(world))
}

/// An environment `deeploy-prod` with these lines instead of those that it has otherwise; an empty value leaves the line out.
pub(crate) fn environment(world: &World, lines: &[(&str, &str)]) -> String {
    let cluster = cluster(world, "");
    let mut all =
        vec![("name", "\"deeploy-prod\""), ("cluster", cluster.as_str()), ("monitoring", "{ alarm_emails = [\"ops@example.com\"] }")];
    for (name, value) in lines {
        all.retain(|(other, _)| other != name);
        all.push((name, value));
    }
    let lines: String = all.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("  {name} = {value}\n")).collect();
    format!("resource \"deeploy_environment\" \"this\" {{\n{lines}}}\n")
}

/// Applies an environment with these lines, sees that the next plan is empty, and gives the attributes in state.
pub(crate) fn applied(Stage { world, terraform }: &Stage, lines: &[(&str, &str)]) -> Result<Value, Failure> {
    terraform.configure(&environment(world, lines))?;
    terraform.apply::<&str>(&[])?.success()?;
    settled(terraform)
}

/// The attributes in state, of an environment that is ready and whose next plan is empty.
pub(crate) fn settled(terraform: &Terraform) -> Result<Value, Failure> {
    check::empty_plan(terraform)?;
    let made = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&made["status"], &made["drift"]), (&json!("ready"), &json!({})));
    Ok(made)
}

/// What there is beside the administrator and what AWS's services made for themselves: `TYPE ID STATE`, sorted.
pub(crate) fn left(world: &World) -> Result<Vec<String>, Failure> {
    let objects = world.objects()?;
    let theirs = |object: &&Value| object["managed"] != json!(true) && text(object, "id") != ADMIN;
    let told = |object: &Value| format!("{} {} {}", text(object, "type"), text(object, "id"), text(object, "state")).trim_end().to_owned();
    let mut left: Vec<String> = objects.iter().filter(theirs).map(told).collect();
    left.sort();
    Ok(left)
}

/// The id at the end of an ARN.
pub(crate) fn id_of(arn: &Value) -> String {
    arn.as_str().unwrap_or_default().rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}
