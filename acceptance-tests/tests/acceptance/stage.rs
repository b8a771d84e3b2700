//! What a scenario starts with, and what all of them ask.

use acceptance_tests::{Failure, Prerequisites, Release, Sandbox, Terraform, World};
use serde_json::Value;

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

/// With a provider whose process ids are known to faults.
#[cfg(unix)]
pub(crate) fn recorded_stage() -> Result<Stage, Failure> {
    let prerequisites = Prerequisites::find()?;
    let world = World::new(Sandbox::shared(&prerequisites)?);
    let terraform = Terraform::recorded(prerequisites.terraform(None)?, &prerequisites.provider, &world)?;
    Ok(Stage { world, terraform })
}

impl Stage {
    /// Writes the configuration, with the scenario's account for `ACCOUNT`: bucket names are global.
    pub(crate) fn configure(&self, text: &str) -> Result<(), Failure> {
        self.terraform.configure(&text.replace("ACCOUNT", self.world.account()))
    }

    /// Another working folder in the same account.
    pub(crate) fn beside(&self) -> Result<Self, Failure> {
        let prerequisites = Prerequisites::find()?;
        let terraform = Terraform::new(prerequisites.terraform(None)?, &prerequisites.provider, &self.world)?;
        Ok(Self { world: self.world.clone(), terraform })
    }
}

/// An object's member as text; empty when it isn't there.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What stands between `<NAME>` and `</NAME>` in a reply of IAM, each time.
pub(crate) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str()).skip(1).filter_map(|rest| rest.split_once(close.as_str()).map(|(text, _)| text)).collect()
}
