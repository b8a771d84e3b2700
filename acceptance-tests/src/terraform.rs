//! One working folder and one Terraform.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Failure, Finished, World, process, run_bounded};

/// A command on the sandbox takes under a second; this is for a machine that is busy with everything else.
const COMMAND_MAX: Duration = Duration::from_secs(180);

/// How a Terraform is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cli {
    /// `terraform`, or the Python that embeds one.
    pub program: PathBuf,
    /// What comes before Terraform's own arguments.
    pub arguments: Vec<OsString>,
}

/// A configuration in a folder of its own, the Terraform that runs it and the account that it works in.
#[derive(Debug)]
pub struct Terraform {
    cli: Cli,
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

impl Terraform {
    /// An empty folder outside the checkout, with the provider at `provider` in place of the Registry's.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn new(cli: Cli, provider: &Path, world: &World) -> Result<Self, Failure> {
        let mut terraform = Self::without_provider(cli)?;
        let overrides = write_overrides(&terraform.home().join("terraform.rc"), provider)?;
        terraform.environment.insert("TF_CLI_CONFIG_FILE".to_owned(), overrides);
        terraform.environment.extend(world.environment());
        Ok(terraform)
    }

    /// The same, where each process of the provider writes its id to [`Terraform::provider_pids`], so that a fault can name it.
    ///
    /// # Errors
    /// When the folder can't be made.
    #[cfg(unix)]
    pub fn recorded(cli: Cli, provider: &Path, world: &World) -> Result<Self, Failure> {
        use std::os::unix::fs::PermissionsExt;
        let mut terraform = Self::without_provider(cli)?;
        let folder = terraform.home().join("provider");
        crate::folders::make(&folder)?;
        let wrapper = folder.join("terraform-provider-deeploy");
        let script = format!("#!/bin/sh\necho $$ >> '{}'\nexec '{}' \"$@\"\n", terraform.provider_pids().display(), provider.display());
        let written = fs::write(&wrapper, script).and_then(|()| fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)));
        written.map_err(|error| Failure::io(format!("writing {}", wrapper.display()), &error))?;
        let overrides = write_overrides(&terraform.home().join("terraform.rc"), &wrapper)?;
        terraform.environment.insert("TF_CLI_CONFIG_FILE".to_owned(), overrides);
        terraform.environment.extend(world.environment());
        Ok(terraform)
    }

    /// Where a [`Terraform::recorded`] provider writes its process ids, one a line, the newest last.
    pub fn provider_pids(&self) -> PathBuf {
        self.home().join("provider.pids")
    }

    /// An empty folder, with neither provider nor account; `set` gives what is needed.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn without_provider(cli: Cli) -> Result<Self, Failure> {
        let folder =
            tempfile::Builder::new().prefix("deeploy-").tempdir().map_err(|error| Failure::io("making a temporary folder", &error))?;
        let terraform = Self { cli, folder, environment: BTreeMap::new() };
        for path in [terraform.path(), terraform.home()] {
            crate::folders::make(&path)?;
        }
        Ok(terraform)
    }

    /// The folder of the configuration.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("configuration")
    }

    /// What stands for the user's home folder, so that no file of the real one matters.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Sets a variable for all following commands.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// Removes a variable that [`Terraform::new`] or [`Terraform::set`] set.
    pub fn unset(&mut self, name: &str) {
        self.environment.remove(name);
    }

    /// Writes a file of the configuration, e.g. `main.tf`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, name: &str, content: &str) -> Result<(), Failure> {
        let file = self.path().join(name);
        fs::write(&file, content).map_err(|error| Failure::io(format!("writing {}", file.display()), &error))
    }

    /// Writes `main.tf`: the terraform and provider blocks, and `configuration`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn configure(&self, configuration: &str) -> Result<(), Failure> {
        self.configure_with("provider \"deeploy\" {}\n", configuration)
    }

    /// The same with a provider block of one's own.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn configure_with(&self, provider: &str, configuration: &str) -> Result<(), Failure> {
        self.write("main.tf", &format!("{TERRAFORM_BLOCK}\n{provider}\n{configuration}"))
    }

    /// Removes files of the configuration.
    ///
    /// # Errors
    /// When one isn't there.
    pub fn remove(&self, names: &[&str]) -> Result<(), Failure> {
        for name in names {
            let file = self.path().join(name);
            fs::remove_file(&file).map_err(|error| Failure::io(format!("removing {}", file.display()), &error))?;
        }
        Ok(())
    }

    /// Copies the `.tf` files of a folder.
    ///
    /// # Errors
    /// When there are none.
    pub fn copy(&self, from: &Path) -> Result<(), Failure> {
        let entries = fs::read_dir(from).map_err(|error| Failure::io(format!("reading {}", from.display()), &error))?;
        let mut copied = 0;
        for entry in entries.flatten().filter(|entry| entry.path().extension().is_some_and(|extension| extension == "tf")) {
            fs::copy(entry.path(), self.path().join(entry.file_name())).map_err(|error| Failure::io("copying a configuration", &error))?;
            copied += 1;
        }
        if copied > 0 { Ok(()) } else { Err(Failure::new(format!("there are no .tf files in {}", from.display()))) }
    }

    /// Any command.
    ///
    /// # Errors
    /// When Terraform can't be started or doesn't end; a failing command is no error here: see [`Finished::success`].
    pub fn run<A: AsRef<str>>(&self, arguments: &[A]) -> Result<Finished, Failure> {
        run_bounded(self.command(arguments).stdin(Stdio::null()), COMMAND_MAX)
    }

    /// `terraform init`. Needless, and failing, while the provider is overridden.
    ///
    /// # Errors
    /// When it fails.
    pub fn init(&self) -> Result<Finished, Failure> {
        self.run(&["init", "-input=false", "-no-color"])?.success()
    }

    /// `terraform validate`, as JSON.
    ///
    /// # Errors
    /// When there is no answer; what is invalid is in the answer's `diagnostics`.
    pub fn validate(&self) -> Result<Value, Failure> {
        json(&self.run(&["validate", "-json"])?)
    }

    /// `terraform plan`, kept for [`Terraform::plan_json`] and [`Terraform::apply_plan`].
    ///
    /// # Errors
    /// When Terraform can't run.
    pub fn plan<A: AsRef<str>>(&self, more: &[A]) -> Result<Finished, Failure> {
        self.run(&with(&["plan", "-input=false", "-no-color", "-out=plan.bin"], more))
    }

    /// The last plan, by Terraform's JSON output format.
    ///
    /// # Errors
    /// When there is none.
    pub fn plan_json(&self) -> Result<Value, Failure> {
        json(&self.run(&["show", "-json", "-no-color", "plan.bin"])?.success()?)
    }

    /// Applies the last plan.
    ///
    /// # Errors
    /// When Terraform can't run.
    pub fn apply_plan(&self) -> Result<Finished, Failure> {
        self.run(&["apply", "-input=false", "-no-color", "plan.bin"])
    }

    /// `terraform apply`, without asking.
    ///
    /// # Errors
    /// When Terraform can't run.
    pub fn apply<A: AsRef<str>>(&self, more: &[A]) -> Result<Finished, Failure> {
        self.run(&with(&["apply", "-input=false", "-no-color", "-auto-approve"], more))
    }

    /// `terraform destroy`, without asking.
    ///
    /// # Errors
    /// When Terraform can't run.
    pub fn destroy<A: AsRef<str>>(&self, more: &[A]) -> Result<Finished, Failure> {
        self.run(&with(&["destroy", "-input=false", "-no-color", "-auto-approve"], more))
    }

    /// `terraform import ADDRESS ID`.
    ///
    /// # Errors
    /// When Terraform can't run.
    pub fn import(&self, address: &str, id: &str) -> Result<Finished, Failure> {
        self.run(&["import", "-input=false", "-no-color", address, id])
    }

    /// The state, by Terraform's JSON output format.
    ///
    /// # Errors
    /// When it can't be shown.
    pub fn show_json(&self) -> Result<Value, Failure> {
        json(&self.run(&["show", "-json", "-no-color"])?.success()?)
    }

    /// A resource's attributes in state.
    ///
    /// # Errors
    /// When it isn't there.
    pub fn attributes(&self, address: &str) -> Result<Value, Failure> {
        let state = self.show_json()?;
        let resources = state.pointer("/values/root_module/resources").and_then(Value::as_array);
        let found = resources.into_iter().flatten().find(|resource| resource.get("address").and_then(Value::as_str) == Some(address));
        let values = found.and_then(|resource| resource.get("values")).cloned();
        values.ok_or_else(|| Failure::new(format!("{address} is not in the state: {state}")))
    }

    /// The outputs: name → value.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn outputs(&self) -> Result<BTreeMap<String, Value>, Failure> {
        let told = json(&self.run(&["output", "-json", "-no-color"])?.success()?)?;
        let Value::Object(outputs) = told else { return Ok(BTreeMap::new()) };
        Ok(outputs.into_iter().map(|(name, output)| (name, output.get("value").cloned().unwrap_or_default())).collect())
    }

    /// The state file as it is on disk; empty when there is none.
    pub fn state_file(&self) -> String {
        fs::read_to_string(self.path().join("terraform.tfstate")).unwrap_or_default()
    }

    /// The command with its folder and environment, not started.
    pub fn command<A: AsRef<str>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.cli.program);
        command.args(&self.cli.arguments).args(arguments.iter().map(AsRef::as_ref));
        self.prepare(&mut command);
        command
    }

    /// Starts a command that waits, with its process id known, until [`Held::release`]: so a fault can name its process before its first call.
    ///
    /// # Errors
    /// When it can't be started.
    #[cfg(unix)]
    pub fn hold<A: AsRef<str>>(&self, arguments: &[A]) -> Result<Held, Failure> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read -r go && exec \"$@\" </dev/null", "sh"]).arg(&self.cli.program).args(&self.cli.arguments);
        command.args(arguments.iter().map(AsRef::as_ref));
        self.prepare(&mut command);
        // Its own group, so that a signal to the group reaches Terraform and the provider as Ctrl-C does, and not the tests.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| Failure::io("starting Terraform", &error))?;
        Ok(Held { child, what: process::name(&command) })
    }

    fn prepare(&self, command: &mut Command) {
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if ["AWS_", "TF_", "DEEPLOY_", "GODEBUG"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name.as_ref());
            }
        }
        command.current_dir(self.path()).env("HOME", self.home()).env("CHECKPOINT_DISABLE", "1");
        command.env("NO_PROXY", "127.0.0.1,localhost").envs(&self.environment);
    }
}

/// A Terraform that has not begun.
#[derive(Debug)]
pub struct Held {
    child: Child,
    what: String,
}

impl Held {
    /// Terraform's process id; its group has the same.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it run to its end.
    ///
    /// # Errors
    /// When it can't begin or doesn't end.
    pub fn release(mut self) -> Result<Finished, Failure> {
        use std::io::Write;
        let go = self.child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(b"go\n"));
        go.map_err(|error| Failure::io("starting Terraform", &error))?;
        process::finish(self.child, self.what, Instant::now(), COMMAND_MAX)
    }
}

/// What [`Terraform::configure`] puts before a configuration.
const TERRAFORM_BLOCK: &str =
    "terraform {\n  required_providers {\n    deeploy = {\n      source = \"deeploy-ml/deeploy\"\n    }\n  }\n}\n";

/// Writes a CLI configuration that takes the provider from `provider` instead of the Registry; gives its path.
///
/// # Errors
/// When it can't be written.
pub fn write_overrides(file: &Path, provider: &Path) -> Result<String, Failure> {
    let folder = provider.parent().unwrap_or(provider).display().to_string().replace('\\', "/");
    let content =
        format!("provider_installation {{\n  dev_overrides {{\n    \"deeploy-ml/deeploy\" = \"{folder}\"\n  }}\n  direct {{}}\n}}\n");
    fs::write(file, content).map_err(|error| Failure::io(format!("writing {}", file.display()), &error))?;
    Ok(file.display().to_string())
}

fn with<A: AsRef<str>>(first: &[&str], more: &[A]) -> Vec<String> {
    first.iter().map(|word| (*word).to_owned()).chain(more.iter().map(|word| word.as_ref().to_owned())).collect()
}

fn json(run: &Finished) -> Result<Value, Failure> {
    serde_json::from_str(&run.stdout).map_err(|error| Failure::new(format!("{} printed no JSON ({error}): {}", run.what, run.output())))
}
