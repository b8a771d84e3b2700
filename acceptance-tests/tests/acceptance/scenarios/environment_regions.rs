//! One account, several regions: what they share tells them apart.

use acceptance_tests::{Failure, World, check};
use serde_json::json;

use super::{
    environment_stage::{cluster, environment_stage, left},
    stage::{Stage, text},
};

const PROVIDERS: &str = "provider \"deeploy\" {}\nprovider \"deeploy\" {\n  alias  = \"ireland\"\n  region = \"eu-west-1\"\n}\n";
const FRANKFURT: &str = "deeploy_environment.frankfurt";
const IRELAND: &str = "deeploy_environment.ireland";

/// An environment of the one name, with more lines.
fn environment(world: &World, label: &str, more: &str) -> String {
    let cluster = cluster(world, "");
    format!(
        "resource \"deeploy_environment\" \"{label}\" {{\n  name = \"prod\"\n  preset = \"development\"\n  cluster = {cluster}\n{more}}}\n"
    )
}

#[test]
fn two_environments_of_one_name_in_two_regions_leave_each_other_alone() -> Result<(), Failure> {
    let Stage { world, terraform } = &environment_stage()?;
    let frankfurt = environment(world, "frankfurt", "");
    let ireland = environment(world, "ireland", "  provider = deeploy.ireland\n");
    terraform.configure_with(PROVIDERS, &frankfurt)?;
    terraform.apply::<&str>(&[])?.success()?;
    terraform.configure_with(PROVIDERS, &format!("{frankfurt}{ireland}"))?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let (first, second) = (terraform.attributes(FRANKFURT)?, terraform.attributes(IRELAND)?);
    assert_eq!((&first["status"], &second["status"]), (&json!("ready"), &json!("ready")));
    assert_ne!(first["identity"]["role_arn"], second["identity"]["role_arn"]);

    terraform.configure_with(PROVIDERS, &frankfurt)?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(FRANKFURT)?, first);
    let left = left(world)?;
    let of_ireland: Vec<_> = left.iter().filter(|object| object.starts_with("iam:") && object.contains("eu-west-1")).collect();
    assert!(of_ireland.is_empty(), "{of_ireland:?}");
    let roles = world.objects_of("iam:role")?;
    assert!(roles.iter().any(|role| text(role, "id") == "prod-eu-central-1-nodes"), "{roles:?}");
    check::no_unsupported_call(world)
}
