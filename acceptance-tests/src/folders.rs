//! Where the checkout, the user's cache and the build output are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::Failure;

/// The folders that every command works in.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The checkout.
    pub root: PathBuf,
    /// `deeploy` in the user's cache folder: what is expensive to make and survives a checkout.
    pub cache: PathBuf,
    /// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` in the cache.
    pub target: PathBuf,
}

impl Folders {
    /// Finds them.
    ///
    /// # Errors
    /// When there is no home folder to put the cache into.
    pub fn find() -> Result<Self, Failure> {
        // Cargo's word of now, not of the build: checkouts share a target folder, and cargo takes another's program for this one's.
        let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = here.parent().unwrap_or(&here).to_path_buf();
        let cache = match env::var_os("DEEPLOY_CACHE_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => user_cache()?.join("deeploy"),
        };
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache.join("target"), |folder| root.join(folder));
        Ok(Self { root, cache, target })
    }

    /// Logs of the last run of each command and suite.
    pub fn logs(&self) -> PathBuf {
        self.target.join("deeploy-logs")
    }

    /// Where `cargo xtask package` leaves the archive.
    pub fn package(&self, release: bool) -> PathBuf {
        self.target.join("deeploy-package").join(if release { "release" } else { "debug" })
    }

    /// The provider as `cargo build` (or `cargo build --release`) leaves it.
    pub fn provider(&self, release: bool) -> PathBuf {
        self.target.join(if release { "release" } else { "debug" }).join(format!("terraform-provider-deeploy{}", env::consts::EXE_SUFFIX))
    }
}

fn user_cache() -> Result<PathBuf, Failure> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let found = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library").join("Caches"))
    } else {
        set("XDG_CACHE_HOME").filter(|folder| folder.is_absolute()).or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    found.ok_or_else(|| Failure::new("there is no cache folder for this user").remedy("set DEEPLOY_CACHE_DIR to a folder of yours"))
}

/// This machine's platform in Go's words, as the Registry's archives are named: `linux_amd64`.
pub fn platform() -> String {
    let os = if cfg!(target_os = "macos") { "darwin" } else { env::consts::OS };
    let architecture = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}_{architecture}")
}

/// Makes a folder and its parents.
///
/// # Errors
/// With the folder's name.
pub(crate) fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::io(format!("making {}", folder.display()), &error))
}
