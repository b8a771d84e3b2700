//! Why something could not be done, and what to do about it.

use std::{error::Error, fmt};

/// One failure, for a person to read. `Debug` prints the same text, so that a test that returns it reads well.
#[derive(Clone)]
pub struct Failure {
    what: String,
    remedy: Option<String>,
}

impl Failure {
    /// What went wrong.
    pub fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), remedy: None }
    }

    /// An I/O error, and what it happened to.
    pub fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(format!("{doing}: {error}"))
    }

    /// The same, said of something.
    #[must_use]
    pub fn context(mut self, of: impl fmt::Display) -> Self {
        self.what = format!("{of}: {}", self.what);
        self
    }

    /// With what the reader can do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.what)?;
        match &self.remedy {
            Some(remedy) => write!(out, "\n  → {remedy}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Error for Failure {}
