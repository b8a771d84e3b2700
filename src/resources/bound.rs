//! Components that one operation of one resource brings along: they hold its connection and its write-only values.

use std::sync::Arc;

use tf_provider::{Diagnostic, Value};

use super::composite::Composite;
use crate::{
    aws::Aws,
    components::postgres::Purpose,
    graph::{Cloud, Component, Kept, Limits},
    postgres::Server,
};

/// What an operation is about.
pub(crate) struct Task<'a, M> {
    /// As planned, or as it stands in state.
    pub(crate) model: &'a M,
    /// The configuration, which alone holds the write-only values; null on a read and a destroy.
    pub(crate) config: &'a Value,
    /// What it is for.
    pub(crate) purpose: Purpose,
}

/// What an operation works with.
#[derive(Default)]
pub(crate) enum Binding {
    /// The account's components.
    #[default]
    Account,
    /// Those, and these over a server of the resource's own.
    Server(Arc<Server>, Vec<Arc<dyn Component>>),
    /// A read has no way to look: the state stays as it is, with a word about it where the user can change that.
    Blind(Option<Diagnostic>),
    /// A destroy forgets everything and touches nothing.
    Leave(Vec<Kept>),
}

impl Binding {
    /// The engine over what is bound. A server's catalogue doesn't lag, so that a claim there needs no rest.
    pub(super) fn cloud(&self, cloud: Cloud) -> Cloud {
        match self {
            Self::Server(_, components) => cloud.also(components).adjusted(|limits| Limits {
                settle: std::time::Duration::ZERO,
                fresh: std::time::Duration::ZERO,
                ..limits
            }),
            _ => cloud,
        }
    }

    /// Ends the connections.
    pub(super) async fn close(&self) {
        if let Self::Server(server, _) = self {
            server.close().await;
        }
    }
}

/// The binding of an operation, where the resource has any.
pub(super) async fn bind<C: Composite>(
    aws: &Arc<Aws>,
    model: &C::Model,
    config: &Value,
    purpose: Purpose,
) -> Result<Binding, tf_provider::Diagnostics> {
    C::bind(Task { model, config, purpose }, aws).await
}
