//! What a user is told: errors and warnings with the place they are about.

use crate::Path;

/// How bad it is. An error stops what Terraform was doing with the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing was or will be done, or something failed.
    Error,
    /// Worth knowing; nothing is stopped.
    Warning,
}

/// One message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One line: what is wrong.
    pub summary: String,
    /// The cause, what is in state now, what to do next.
    pub detail: String,
    /// The attribute that it is about; empty for the whole resource.
    pub path: Path,
}

impl Diagnostic {
    /// An error about the attribute at `path`.
    pub fn error(path: Path, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), detail: detail.into(), path }
    }

    /// A warning about the attribute at `path`.
    pub fn warning(path: Path, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, summary: summary.into(), detail: detail.into(), path }
    }

    /// Whether this is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// All that is to be said about one request. Conversions that fail return these, so that a user sees every mistake at once.
pub type Diagnostics = Vec<Diagnostic>;

/// Whether any of them is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}
