//! Keeps the rules of docs/ARCHITECTURE.md: who may know whom, and how large a file may grow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The end of a file's growth, in lines (docs/ARCHITECTURE.md, rule 6).
const FILE_LINES_MAX: usize = 500;

/// A source file of ours.
struct Source {
    /// Relative to the workspace, with `/`.
    path: String,
    text: String,
    /// Whether all of it is compiled for tests only.
    is_test: bool,
}

impl Source {
    /// The lines that run in production, with their numbers: no comments, no test modules.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = if self.is_test { 0 } else { self.text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX) };
        let numbered = self.text.lines().enumerate().take(end);
        numbered.map(|(at, line)| (at + 1, line.trim())).filter(|(_, line)| !line.starts_with("//"))
    }
}

/// Whether a file is a test module: its parent declares it under `#[cfg(test)]`, or it is part of one that is.
fn is_test(path: &Path) -> bool {
    if path.parent().is_some_and(|folder| folder.file_name().is_some_and(|name| name == "tests") && is_test(&folder.with_extension("rs"))) {
        return true;
    }
    let (Some(name), Some(folder)) = (path.file_stem(), path.parent()) else { return false };
    let parent_file = folder.with_extension("rs");
    let parents = [folder.join("mod.rs"), folder.join("lib.rs"), parent_file];
    parents.iter().filter_map(|parent| fs::read_to_string(parent).ok()).any(|text| {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.windows(2).any(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with(&format!("mod {};", name.to_string_lossy())))
    })
}

fn root() -> PathBuf {
    // Cargo's word of now, not of the build: checkouts share a target folder, and cargo takes another's program for this one's.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().expect("xtask lies in the workspace").to_owned()
}

/// Every file of ours below these folders with this ending.
fn sources(folders: &[&str], ending: &str) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for folder in folders {
        collect(&root, &root.join(folder), ending, &mut found);
    }
    assert!(!found.is_empty(), "nothing below {folders:?}: a rule that looks at nothing keeps nothing");
    found
}

fn collect(root: &Path, folder: &Path, ending: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !["target", "__pycache__"].contains(&name.as_str()) {
            collect(root, &path, ending, found);
        } else if name.ends_with(ending) {
            let relative = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            found.push(Source { path: relative, text: fs::read_to_string(&path).expect("UTF-8"), is_test: is_test(&path) });
        }
    }
}

/// Fails with every line of code that `forbidden` finds.
fn forbid(rule: &str, sources: &[Source], forbidden: impl Fn(&Source, &str) -> bool) {
    let mut offences = Vec::new();
    for source in sources {
        for (number, line) in source.code().filter(|(_, line)| forbidden(source, line)) {
            offences.push(format!("  {}:{number}: {line}", source.path));
        }
    }
    assert!(offences.is_empty(), "{rule}\n{}", offences.join("\n"));
}

#[test]
fn crates_below_the_provider_know_no_aws() {
    for manifest in ["tf-provider/Cargo.toml", "tf-provider-derive/Cargo.toml", "xtask/Cargo.toml", "acceptance-tests/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).expect("a manifest");
        let offences: Vec<&str> = text.lines().filter(|line| line.starts_with("aws-")).collect();
        // tf-provider's TLS names its provider of cryptography: that is a feature, not a crate of AWS's.
        assert!(offences.is_empty(), "{manifest} depends on AWS: {offences:?}");
    }
}

#[test]
fn only_components_and_aws_call_aws() {
    let all = sources(&["src"], ".rs");
    let may = |path: &str| path.starts_with("src/components/") || path.starts_with("src/aws/");
    forbid("Only components/ and aws/ know the SDK.", &all, |source, line| {
        !may(&source.path) && ["aws_sdk_", "aws_config", "aws_smithy_"].iter().any(|name| line.contains(name))
    });
}

#[test]
fn only_aws_error_classifies_errors() {
    let components = sources(&["src/components"], ".rs");
    forbid("Only aws/error.rs classifies errors: components ask it.", &components, |_, line| {
        line.contains("SdkError") || line.contains(".as_service_error(") || line.contains("ProvideErrorMetadata")
    });
}

#[test]
fn the_engine_names_no_service_and_does_no_io() {
    let engine = sources(&["src/graph"], ".rs");
    forbid("graph/ names no AWS service.", &engine, |_, line| {
        ["kms", "s3_", "iam_", "secretsmanager", "aws_", "crate::aws", "crate::components", "crate::policies"]
            .iter()
            .any(|name| line.contains(name))
    });
    forbid("graph/ does no I/O and spawns nothing.", &engine, |_, line| {
        ["std::fs", "std::net", "tokio::net", "tokio::spawn", "spawn(", "std::process", "SystemTime::now", "thread::sleep"]
            .iter()
            .any(|name| line.contains(name))
    });
}

#[test]
fn what_is_pure_is_sync() {
    let mut pure = sources(&["src/presets", "src/policies"], ".rs");
    pure.extend(
        sources(&["src/graph"], ".rs")
            .into_iter()
            .filter(|source| ["src/graph/diff.rs", "src/graph/compare.rs"].contains(&source.path.as_str())),
    );
    forbid("presets/, policies/ and graph::diff are pure and sync.", &pure, |_, line| {
        line.contains("async ") || line.contains(".await") || line.contains("tokio::")
    });
}

#[test]
fn plan_and_read_only_look() {
    let looking = ["src/resources/plan.rs", "src/resources/read.rs", "src/resources/import.rs"];
    let found: Vec<Source> =
        sources(&["src/resources"], ".rs").into_iter().filter(|source| looking.contains(&source.path.as_str())).collect();
    assert_eq!(found.len(), looking.len());
    forbid("plan, read and import never run the engine.", &found, |_, line| {
        ["graph::run", "graph::destroy", " run(", " destroy(", "run(&", "destroy(&"].iter().any(|call| line.contains(call))
    });
}

#[test]
fn no_arn_is_spelled_for_one_partition() {
    let all = sources(&["src", "tf-provider/src"], ".rs");
    forbid("ARNs are made of the partition.", &all, |_, line| line.contains("arn:aws:"));
}

#[test]
fn nothing_is_left_undone() {
    let all = sources(&["src", "tf-provider", "tf-provider-derive/src", "acceptance-tests", "xtask/src"], ".rs");
    forbid("No stub, no ignored test.", &all, |_, line| {
        ["todo!(", "unimplemented!(", "#[ignore"].iter().any(|mark| line.contains(mark)) || line.contains("FIXME")
    });
}

#[test]
fn files_end_at_their_limit() {
    let mut all = sources(&["src", "tf-provider", "tf-provider-derive", "acceptance-tests", "xtask"], ".rs");
    all.extend(sources(&["acceptance-tests"], ".py"));
    let long: Vec<String> = all
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .map(|(lines, path)| format!("  {path}: {lines}"))
        .collect();
    assert!(long.is_empty(), "Files over {FILE_LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn files_are_named_for_what_they_are() {
    let all = sources(&["src", "tf-provider", "tf-provider-derive", "acceptance-tests", "xtask"], ".rs");
    let vague: Vec<&String> = all
        .iter()
        .map(|source| &source.path)
        .filter(|path| {
            ["utils", "util", "helpers", "helper", "manager", "common", "misc"]
                .iter()
                .any(|name| path.ends_with(&format!("/{name}.rs")) || path.contains(&format!("/{name}/")))
        })
        .collect();
    assert!(vague.is_empty(), "{vague:?}");
}

#[test]
fn only_the_postgres_layer_speaks_sql() {
    let all = sources(&["src"], ".rs");
    forbid("Only postgres/ speaks SQL.", &all, |source, line| {
        !source.path.starts_with("src/postgres/")
            && ["batch_execute(", ".query_opt(", ".query_one(", ".simple_query("].iter().any(|call| line.contains(call))
    });
    let postgres = sources(&["src/postgres"], ".rs");
    forbid("postgres/ knows no resource, no engine and no AWS.", &postgres, |_, line| {
        ["crate::aws", "crate::graph", "crate::components", "crate::resources"].iter().any(|layer| line.contains(layer))
    });
}
