//! What a scenario starts with.

use acceptance_tests::{Failure, Prerequisites, Release, Sandbox, Terraform, World};

/// A fresh account, and a Terraform that works in it.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) terraform: Terraform,
}

/// With the Terraform on PATH.
pub(crate) fn stage() -> Result<Stage, Failure> {
    stage_on(None)
}

/// With a certain Terraform.
pub(crate) fn stage_on(release: Option<Release>) -> Result<Stage, Failure> {
    let prerequisites = Prerequisites::find()?;
    let world = World::new(Sandbox::shared(&prerequisites)?);
    let terraform = Terraform::new(prerequisites.terraform(release)?, &prerequisites.provider, &world)?;
    Ok(Stage { world, terraform })
}

/// An object's member as text; empty when it isn't there.
pub(crate) fn text<'a>(object: &'a serde_json::Value, key: &str) -> &'a str {
    object.get(key).and_then(serde_json::Value::as_str).unwrap_or_default()
}
