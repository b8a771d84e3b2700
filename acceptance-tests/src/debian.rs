//! Programs that tests run and that no Python environment brings. On CI they are installed from Debian; a person is told how.

use std::{env, path::Path, process::Command, time::Duration};

use crate::{Failure, on_path, run_bounded};

/// An update of the package lists and a few small packages.
const INSTALL_MAX: Duration = Duration::from_secs(1_200);

/// A program, and the package that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name on the PATH, or its full path.
    pub name: &'static str,
    /// Debian's package.
    pub package: &'static str,
}

/// What the tests of the way through an SSH bastion run.
pub const SSH: [Program; 5] = [
    Program { name: "/usr/sbin/sshd", package: "openssh-server" },
    Program { name: "ssh-keygen", package: "openssh-client" },
    Program { name: "ssh-agent", package: "openssh-client" },
    Program { name: "ssh-add", package: "openssh-client" },
    Program { name: "ps", package: "procps" },
];

impl Program {
    fn is_there(self) -> bool {
        Path::new(self.name).is_file() || on_path(self.name).is_some()
    }
}

/// Sees to it that the programs are there.
///
/// # Errors
/// One is missing, and this is not CI on Debian, or the installation failed.
pub fn prepare(programs: &[Program], progress: &dyn Fn(&str)) -> Result<(), Failure> {
    let missing: Vec<Program> = programs.iter().copied().filter(|program| !program.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&'static str> = missing.iter().map(|program| program.package).collect();
    packages.dedup();
    let names: Vec<&str> = missing.iter().map(|program| program.name).collect();
    let advice = format!("install it (Debian, Ubuntu: `apt-get install {}`)", packages.join(" "));
    if !may_install() {
        return Err(Failure::new(format!("tests need {}", names.join(", "))).remedy(advice));
    }
    install(&packages, progress).map_err(|failure| failure.remedy(advice))
}

/// Whether packages may be installed without asking: on CI, on Debian.
pub(crate) fn may_install() -> bool {
    env::var("CI").is_ok_and(|value| value == "true") && Path::new("/usr/bin/apt-get").is_file()
}

/// Installs packages.
///
/// # Errors
/// What apt-get says.
pub(crate) fn install(packages: &[&str], progress: &dyn Fn(&str)) -> Result<(), Failure> {
    progress(&format!("installing Debian's {}", packages.join(", ")));
    let arguments = [vec!["update", "--quiet"], [&["install", "--quiet", "--yes", "--no-install-recommends"], packages].concat()];
    for arguments in arguments {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        run_bounded(&mut command, INSTALL_MAX)?.success()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_needs_nothing_and_what_is_missing_is_named() {
        let program = env::current_exe().expect("this program");
        let name: &'static str = Box::leak(program.to_string_lossy().into_owned().into_boxed_str());
        assert!(Program { name, package: "none" }.is_there());
        assert!(Program { name: "cargo", package: "cargo" }.is_there());
        assert!(!Program { name: "no-such-program-anywhere", package: "none" }.is_there());
    }
}
