//! Reads the block's attributes, remembers what is unknown, and collects every mistake.

use std::collections::BTreeMap;

use tf_provider::{Attr, Diagnostic, Diagnostics, Path};

/// What has been found while reading.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Every mistake, at its attribute.
    pub(super) diagnostics: Diagnostics,
    /// Whether anything read so far is unknown.
    pub(super) unknown: bool,
}

impl Reader {
    /// Terraform shows the line of an attribute, but for one inside of another only that of the block: the path says which.
    pub(super) fn error(&mut self, at: &Path, summary: &str, detail: impl Into<String>) {
        let summary = if at.0.len() > 1 { format!("{summary}: {at}") } else { summary.to_owned() };
        self.diagnostics.push(Diagnostic::error(at.clone(), summary, detail));
    }

    /// Terraform drops attributes that it doesn't know from an object, so that a misspelled one looks like none.
    pub(super) fn empty(&mut self, at: &Path, form: &str) {
        let detail = format!(
            "It holds nothing that the provider knows. Its form is {at} = {{ {form} }}; Terraform leaves anything else in it out without a word."
        );
        self.diagnostics.push(Diagnostic::warning(at.clone(), "Nothing in it", detail));
    }

    pub(super) fn value<'a, T>(&mut self, attribute: &'a Attr<T>) -> Option<&'a T> {
        self.unknown |= attribute.is_unknown();
        attribute.known()
    }

    /// A text that is not empty, and passes the check: `Err` says what is wrong and what to write instead.
    pub(super) fn text(&mut self, attribute: &Attr<String>, at: &Path, check: impl Fn(&str) -> Result<(), String>) -> Option<String> {
        let text = self.value(attribute)?;
        if text.is_empty() {
            self.error(at, "Empty value", "This is an empty text. Give a value, or leave the attribute out.");
            return None;
        }
        match check(text) {
            Ok(()) => Some(text.clone()),
            Err(problem) => {
                self.error(at, "Invalid value", problem);
                None
            }
        }
    }

    /// Texts, each checked. Null elements are left out.
    pub(super) fn texts(
        &mut self,
        attribute: &Attr<Vec<Attr<String>>>,
        at: &Path,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Vec<String> {
        let Some(items) = self.value(attribute) else { return Vec::new() };
        items.iter().enumerate().filter_map(|(index, item)| self.text(item, &at.index(index), &check)).collect()
    }

    /// A map of texts, which may be empty. Each key and value is checked together.
    pub(super) fn map(
        &mut self,
        attribute: &Attr<BTreeMap<String, Attr<String>>>,
        at: &Path,
        check: impl Fn(&str, Option<&str>) -> Result<(), String>,
    ) -> BTreeMap<String, String> {
        let Some(items) = self.value(attribute) else { return BTreeMap::new() };
        let mut found = BTreeMap::new();
        for (key, item) in items {
            let text = self.value(item).cloned();
            if let Err(problem) = check(key, text.as_deref()) {
                self.error(&at.key(key), "Invalid value", problem);
            } else if let Some(text) = text {
                found.insert(key.clone(), text);
            }
        }
        found
    }
}
