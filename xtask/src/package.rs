//! `cargo xtask package`: this machine's archive, in the Registry's layout. Releases for every platform are GoReleaser's.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use acceptance_tests::{Failure, Folders, base_python, platform, run_bounded};

use crate::{arguments::Arguments, cargo, screen};

/// A debug build has 200 MB.
const PACK_MAX: Duration = Duration::from_secs(300);

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let release = arguments.flag("--release");
    arguments.end()?;
    let archive = make(folders, release)?;
    let size = fs::metadata(&archive).map_err(|error| Failure::io("reading the archive", &error))?.len();
    screen::step(format!("{} ({} kB)", archive.display(), size / 1_000));
    Ok(ExitCode::SUCCESS)
}

/// Makes the archive, the checksums and the manifest, and gives the archive's path.
pub(crate) fn make(folders: &Folders, release: bool) -> Result<PathBuf, Failure> {
    let provider = cargo::build_provider(folders, release)?;
    let python = base_python()?;
    let folder = folders.package(release);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| Failure::io(format!("removing {}", folder.display()), &error))?;
    }
    fs::create_dir_all(&folder).map_err(|error| Failure::io(format!("making {}", folder.display()), &error))?;
    let version = env!("CARGO_PKG_VERSION");
    let archive = folder.join(format!("terraform-provider-deeploy_{version}_{}.zip", platform()));
    let binary = format!("terraform-provider-deeploy_v{version}{}={}", env::consts::EXE_SUFFIX, provider.display());
    let licence = format!("LICENSE={}", folders.root.join("LICENSE").display());
    let mut pack = Command::new(&python);
    // What CI makes to test is packed quickly, what is handed out is packed well.
    pack.arg(folders.root.join("xtask").join("archive.py")).arg(if release { "9" } else { "1" }).arg(&archive).args([binary, licence]);
    run_bounded(&mut pack, PACK_MAX)?.success()?;
    let manifest = folder.join(format!("terraform-provider-deeploy_{version}_manifest.json"));
    fs::copy(folders.root.join("terraform-registry-manifest.json"), &manifest)
        .map_err(|error| Failure::io("copying the manifest", &error))?;
    let sums = [&archive, &manifest].iter().map(|file| sum(&python, file)).collect::<Result<String, Failure>>()?;
    let file = folder.join(format!("terraform-provider-deeploy_{version}_SHA256SUMS"));
    fs::write(&file, sums).map_err(|error| Failure::io(format!("writing {}", file.display()), &error))?;
    Ok(archive)
}

fn sum(python: &Path, file: &Path) -> Result<String, Failure> {
    let program = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
    let told = run_bounded(Command::new(python).args(["-c", program]).arg(file), PACK_MAX)?.success()?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(format!("{}  {name}\n", told.stdout.trim()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_release() {
        let folders = Folders::find().unwrap();
        let goreleaser = fs::read_to_string(folders.root.join(".goreleaser.yml")).unwrap();
        for part in [
            "project_name: terraform-provider-deeploy\n",
            "binary: \"{{ .ProjectName }}_v{{ .Version }}\"",
            "name_template: \"{{ .ProjectName }}_{{ .Version }}_{{ .Os }}_{{ .Arch }}\"",
            "name_template: \"{{ .ProjectName }}_{{ .Version }}_SHA256SUMS\"",
            "name_template: \"{{ .ProjectName }}_{{ .Version }}_manifest.json\"",
        ] {
            assert!(goreleaser.contains(part), "{part}");
        }
    }

    #[test]
    fn the_manifest_names_the_protocol() {
        let text = fs::read_to_string(Folders::find().unwrap().root.join("terraform-registry-manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(manifest, serde_json::json!({"version": 1, "metadata": {"protocol_versions": ["6.0"]}}));
    }
}
