//! The configured provider, shared by all resources: AWS is contacted when the first of them asks for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use tf_provider::{Diagnostic, Diagnostics, Path};
use tokio::sync::OnceCell;

use super::{parse::Parsed, reasons};
use crate::{
    aws::{Aws, Environment, connect},
    graph::IgnoreTags,
};

/// The provider as it is configured now. Terraform configures it once a process; with `--debug` once a run.
#[derive(Debug, Default)]
pub struct Session {
    now: RwLock<Arc<Configured>>,
}

/// One configuration, with the connection that belongs to it.
#[derive(Debug, Default)]
struct Configured {
    parsed: Parsed,
    environment: Environment,
    /// Of success and of failure: ten resources that need AWS wait for one attempt, and tell one cause.
    connection: OnceCell<Result<Arc<Aws>, Diagnostics>>,
}

impl Session {
    /// Takes a configuration, and forgets the connection of the one before.
    pub(super) fn configure(&self, parsed: Parsed, environment: Environment) {
        let configured = Arc::new(Configured { parsed, environment, connection: OnceCell::new() });
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = configured;
    }

    fn now(&self) -> Arc<Configured> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// AWS, connected on the first call and the account checked. Concurrent callers share one attempt; it is bounded in time.
    ///
    /// # Errors
    /// Why not, and what to do about it. The same for every caller until the provider is configured again.
    pub async fn aws(&self) -> Result<Arc<Aws>, Diagnostics> {
        let now = self.now();
        now.connection.get_or_init(|| now.connect()).await.clone()
    }

    /// Whether a part of the block that AWS can't be reached without is unknown: reads then keep the state and warn,
    /// plans take what they would look up as unknown (lifecycle.md 23). Never true while applying.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.now().parsed.settings.is_none()
    }

    /// The block's `default_tags`; `None` while any of them is unknown, so that `tags_all` is too.
    #[must_use]
    pub fn default_tags(&self) -> Option<BTreeMap<String, String>> {
        self.now().parsed.default_tags.clone()
    }

    /// The block's `ignore_tags`.
    #[must_use]
    pub fn ignore_tags(&self) -> IgnoreTags {
        self.now().parsed.ignore_tags.clone()
    }
}

impl Configured {
    async fn connect(&self) -> Result<Arc<Aws>, Diagnostics> {
        let Some(settings) = &self.parsed.settings else {
            let detail = "The provider block holds values that are known only after another apply. Apply what they come from first, \
                          e.g. with -target, or write them out.";
            return Err(vec![Diagnostic::error(Path::root(), "The provider's configuration is not known yet", detail)]);
        };
        connect(settings, &self.environment).await.map(Arc::new).map_err(|error| vec![reasons::diagnostic(&error)])
    }
}
