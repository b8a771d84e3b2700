//! `cargo xtask docs`: the Registry's pages, out of the provider's schemas and examples/.

mod attributes;
mod page;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use acceptance_tests::{Failure, Folders};
use serde_json::Value;

use crate::{arguments::Arguments, cargo, screen};

/// The folders that hold nothing but generated pages.
const GENERATED: [&str; 4] = ["resources", "data-sources", "ephemeral-resources", "functions"];

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let check = arguments.flag("--check");
    arguments.end()?;
    let pages = pages(&schemas(folders)?, &folders.root.join("examples"))?;
    let docs = folders.root.join("docs");
    let stale = stale(&docs, &pages)?;
    if check {
        return Ok(report(&docs, &pages, &stale));
    }
    for file in &stale {
        fs::remove_file(file).map_err(|error| Failure::io(format!("removing {}", file.display()), &error))?;
    }
    for (name, text) in &pages {
        let file = docs.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(|error| Failure::io(format!("making {}", folder.display()), &error))?;
        }
        fs::write(&file, text).map_err(|error| Failure::io(format!("writing {}", file.display()), &error))?;
    }
    screen::step(format!("{} pages in {}", pages.len(), docs.display()));
    Ok(ExitCode::SUCCESS)
}

/// What the provider offers, as tools/schema_json.rs prints it.
fn schemas(folders: &Folders) -> Result<Value, Failure> {
    let program = cargo::build_schema_json(folders)?;
    let ran = Command::new(&program).output().map_err(|error| Failure::io(format!("starting {}", program.display()), &error))?;
    if !ran.status.success() {
        return Err(Failure::new(format!("the provider's schemas can't be read\n{}", String::from_utf8_lossy(&ran.stderr))));
    }
    serde_json::from_slice(&ran.stdout).map_err(|error| Failure::new(format!("schema_json printed no JSON: {error}")))
}

/// Every page by its path under docs/.
fn pages(schemas: &Value, examples: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut pages = BTreeMap::from([("index.md".to_owned(), page::index(schemas, examples)?)]);
    for kind in &page::KINDS {
        for (name, object) in entries(schemas, kind.key) {
            let short = name.strip_prefix("deeploy_").unwrap_or(name);
            pages.insert(format!("{}/{short}.md", kind.folder), page::object(kind, name, object, schemas, examples)?);
        }
    }
    for (name, function) in entries(schemas, "functions") {
        pages.insert(format!("functions/{name}.md"), page::function(name, function, examples)?);
    }
    Ok(pages)
}

fn entries<'a>(schemas: &'a Value, kind: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    schemas.get(kind).and_then(Value::as_object).into_iter().flatten().map(|(name, object)| (name.as_str(), object))
}

/// Generated pages of what no longer exists.
fn stale(docs: &Path, pages: &BTreeMap<String, String>) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    for folder in GENERATED {
        let Ok(files) = fs::read_dir(docs.join(folder)) else { continue };
        for file in files {
            let file = file.map_err(|error| Failure::io("reading docs/", &error))?;
            if !pages.contains_key(&format!("{folder}/{}", file.file_name().to_string_lossy())) {
                found.insert(file.path());
            }
        }
    }
    Ok(found)
}

fn report(docs: &Path, pages: &BTreeMap<String, String>, stale: &BTreeSet<PathBuf>) -> ExitCode {
    let mut differing: Vec<String> = stale.iter().map(|file| format!("docs/ has {}, which nothing generates", file.display())).collect();
    for (name, text) in pages {
        // A checkout on Windows may have other line ends.
        let found = fs::read_to_string(docs.join(name)).unwrap_or_default().replace("\r\n", "\n");
        if let Some(line) = first_difference(&found, text) {
            differing.push(format!("docs/{name} differs from line {line} on"));
        }
    }
    if differing.is_empty() {
        screen::step(format!("{} pages are up to date", pages.len()));
        return ExitCode::SUCCESS;
    }
    println!("error: docs/ is not what the schemas and examples give\n  {}\n  → run `cargo xtask docs` and commit", differing.join("\n  "));
    ExitCode::FAILURE
}

/// The number of the first line that differs, from 1.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    if left == right {
        return None;
    }
    let same = left.lines().zip(right.lines()).take_while(|(left, right)| left == right).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
    }
}
