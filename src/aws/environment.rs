//! The process's environment variables, as far as this layer reads them itself.

use std::collections::BTreeMap;

/// What is read here. The SDK reads `AWS_PROFILE`, `AWS_ENDPOINT_URL*`, credentials and the rest by itself.
const NAMES: &[&str] = &[
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CA_BUNDLE",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Environment variables by name; empty ones count as not set.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        Self::from_iter(NAMES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))))
    }

    /// The first of these that is set, with its name.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.0.get(*name).map(String::as_str).filter(|value| !value.is_empty())?)))
    }

    /// The region that the environment names.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).map(|(_, region)| region)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: a proxy's URL may hold a password.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}
