//! Best practices as data, and the pure code that merges them with a configuration.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::Deserialize;

mod merge;

pub use merge::{fill, weakened};

/// A set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// For what customers depend on.
    Production,
    /// Cheaper, and easier to throw away.
    Development,
}

impl Preset {
    /// Both, the strict one first.
    pub const ALL: [Self; 2] = [Self::Production, Self::Development];

    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }

    /// From what users write.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }
}

/// Who has the last word on a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Follows the preset and the release.
    Enforced,
    /// Chosen at create; then prior state wins.
    Initial,
}

/// One default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Default {
    /// What it is.
    pub value: serde_json::Value,
    /// Whether it moves with preset and release.
    pub kind: Kind,
    /// Why this value.
    pub reason: String,
    /// The control or page that says so.
    pub source: String,
}

/// Defaults by their dotted name, e.g. `kms_key.enable_key_rotation`.
pub type Table = BTreeMap<String, Default>;

/// The defaults of a preset.
#[must_use]
pub fn table(preset: Preset) -> &'static Table {
    static TABLES: OnceLock<[Table; 2]> = OnceLock::new();
    let [production, development] = TABLES.get_or_init(|| {
        let all = |preset, own| {
            let mut all = read(own);
            all.extend(PARTS.iter().flat_map(|part| read_part(part, preset)));
            all
        };
        [all(Preset::Production, include_str!("production.toml")), all(Preset::Development, include_str!("development.toml"))]
    });
    match preset {
        Preset::Production => production,
        Preset::Development => development,
    }
}

/// The parts of an environment; in their files both presets' values stand side by side.
const PARTS: &[&str] = &[
    include_str!("network.toml"),
    include_str!("cluster.toml"),
    include_str!("database.toml"),
    include_str!("monitoring.toml"),
    include_str!("environment.toml"),
];

/// One default of a part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    production: serde_json::Value,
    development: serde_json::Value,
    kind: Kind,
    reason: String,
    source: String,
}

fn read_part(text: &str, preset: Preset) -> Table {
    let mut all = BTreeMap::new();
    if let Ok(tree) = text.parse::<toml::Table>() {
        flatten("", "production", toml::Value::Table(tree), &mut all);
    }
    let choose = |(name, both): (String, Both)| {
        let value = if preset == Preset::Production { both.production } else { both.development };
        (name, Default { value, kind: both.kind, reason: both.reason, source: both.source })
    };
    all.into_iter().map(choose).collect()
}

/// `base.toml` and the preset's own file. The files are part of the binary and a test reads them, so a broken one never ships.
fn read(own: &str) -> Table {
    let mut all = Table::new();
    for text in [include_str!("base.toml"), own] {
        if let Ok(tree) = text.parse::<toml::Table>() {
            flatten("", "value", toml::Value::Table(tree), &mut all);
        }
    }
    all
}

/// Collects the tables that have the field `mark`, by their dotted names.
fn flatten<T: for<'a> Deserialize<'a>>(prefix: &str, mark: &str, tree: toml::Value, into: &mut BTreeMap<String, T>) {
    let toml::Value::Table(fields) = tree else { return };
    if fields.contains_key(mark) {
        if let Ok(default) = toml::Value::Table(fields).try_into::<T>() {
            into.insert(prefix.to_owned(), default);
        }
        return;
    }
    for (name, below) in fields {
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        flatten(&path, mark, below, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_of_the_files_is_read() {
        let count = |text: &str| text.lines().filter(|line| line.starts_with('[')).count();
        let base = count(include_str!("base.toml")) + PARTS.iter().map(|part| count(part)).sum::<usize>();
        assert_eq!(table(Preset::Production).len(), base + count(include_str!("production.toml")));
        assert_eq!(table(Preset::Development).len(), base + count(include_str!("development.toml")));
    }

    #[test]
    fn presets_name_the_same_settings() {
        assert!(table(Preset::Production).keys().eq(table(Preset::Development).keys()));
    }
}
