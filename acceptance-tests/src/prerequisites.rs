//! What scenarios need beside their own code: handed over by `cargo xtask test`, or found where it left them.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{Cli, Environment, Failure, Folders, Venv, platform};

/// Everything that is not made by a scenario itself.
#[derive(Clone, Debug)]
pub struct Prerequisites {
    /// The checkout and its output.
    pub folders: Folders,
    /// The provider's binary.
    pub provider: PathBuf,
    /// The sandbox's Python.
    pub sandbox_python: PathBuf,
}

impl Prerequisites {
    /// Finds them: `DEEPLOY_PROVIDER_BIN`, else cargo's target folder; the cache's Python environment.
    ///
    /// # Errors
    /// With the command that makes what is missing.
    pub fn find() -> Result<Self, Failure> {
        let folders = Folders::find()?;
        let provider = env::var_os("DEEPLOY_PROVIDER_BIN").map_or_else(|| folders.provider(false), PathBuf::from);
        if !provider.is_file() {
            return Err(Failure::new(format!("the provider is not built: there is no {}", provider.display()))
                .remedy("run `cargo xtask test` (or `cargo build` for the provider alone)"));
        }
        let sandbox_python = Venv::find(&folders, Environment::SANDBOX)?.python();
        Ok(Self { folders, provider, sandbox_python })
    }

    /// The archive that `cargo xtask package` made: `DEEPLOY_ARCHIVE`, else the one in the target folder.
    ///
    /// # Errors
    /// With the command that makes it.
    pub fn archive(&self) -> Result<PathBuf, Failure> {
        let name = format!("terraform-provider-deeploy_{}_{}.zip", env!("CARGO_PKG_VERSION"), platform());
        let archive = env::var_os("DEEPLOY_ARCHIVE").map_or_else(|| self.folders.package(false).join(name), PathBuf::from);
        if archive.is_file() {
            return Ok(archive);
        }
        Err(Failure::new(format!("there is no archive {}", archive.display())).remedy("run `cargo xtask package`"))
    }

    /// Prowler's program.
    ///
    /// # Errors
    /// With the command that installs it.
    pub fn prowler(&self) -> Result<PathBuf, Failure> {
        let found = Venv::find(&self.folders, Environment::PROWLER).map(|venv| venv.program("prowler"));
        found.map_err(|failure| failure.remedy("run `cargo xtask prepare --all` once"))
    }

    /// A Terraform: the one on PATH, or the named release out of its Python environment.
    ///
    /// # Errors
    /// With the command that installs it.
    pub fn terraform(&self, release: Option<Release>) -> Result<Cli, Failure> {
        match release {
            Some(release) => Ok(embedded(&self.folders, &Venv::find(&self.folders, release.environment())?)),
            None => match on_path("terraform") {
                Some(program) => Ok(Cli { program, arguments: Vec::new() }),
                None => self.terraform(Some(Release::V1_15)),
            },
        }
    }
}

/// A Terraform release that a Python package embeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The newest that can be had.
    V1_15,
    /// The oldest that the provider supports.
    V1_8,
}

impl Release {
    /// Where it is installed.
    pub fn environment(self) -> Environment {
        match self {
            Self::V1_15 => Environment::TERRAFORM_1_15,
            Self::V1_8 => Environment::TERRAFORM_1_8,
        }
    }
}

/// The command line of the Terraform in an environment.
pub fn embedded(folders: &Folders, venv: &Venv) -> Cli {
    let script = folders.root.join("acceptance-tests").join("terraform").join("terraform.py");
    Cli { program: venv.python(), arguments: vec![script.into_os_string()] }
}

/// A program's file, looked up as a shell does.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    folders.iter().map(|folder: &PathBuf| folder.join(&file)).find(|file: &PathBuf| Path::is_file(file))
}
