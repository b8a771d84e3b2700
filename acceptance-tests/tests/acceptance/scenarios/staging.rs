//! More ways to set a stage.

use acceptance_tests::{Failure, Prerequisites, Sandbox, Terraform, World};

use super::stage::Stage;

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
        self.terraform.configure(&self.filled(text))
    }

    /// The text with the scenario's account for `ACCOUNT`.
    pub(crate) fn filled(&self, text: &str) -> String {
        text.replace("ACCOUNT", self.world.account())
    }

    /// Another working folder, and so another state, in the same account.
    pub(crate) fn beside(&self) -> Result<Self, Failure> {
        let prerequisites = Prerequisites::find()?;
        let terraform = Terraform::new(prerequisites.terraform(None)?, &prerequisites.provider, &self.world)?;
        Ok(Self { world: self.world.clone(), terraform })
    }
}

/// What stands between `<NAME>` and `</NAME>` in a reply of IAM, each time.
pub(crate) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str()).skip(1).filter_map(|rest| rest.split_once(close.as_str()).map(|(text, _)| text)).collect()
}
