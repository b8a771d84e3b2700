//! The provider block, and the table of everything that the provider offers.

mod block;
mod checks;
mod parse;
mod reader;
mod reasons;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use tf_provider::{ConfigureRequest, Diagnostics, EphemeralResource, Model, Provider, Resource, Schema, Value, has_errors};

pub use session::Session;

use self::block::ProviderBlock;
use crate::aws::Environment;

/// The provider `deeploy-ml/deeploy`.
#[derive(Debug, Default)]
pub struct Deeploy {
    session: Arc<Session>,
}

#[async_trait]
impl Provider for Deeploy {
    fn name(&self) -> &'static str {
        "deeploy"
    }

    fn schema(&self) -> Schema {
        Schema { version: 0, description: ProviderBlock::description().to_owned(), attributes: ProviderBlock::attributes() }
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        crate::resources::all(&self.session)
    }

    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        crate::ephemeral::all(&self.session)
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        parse::parse(config).1
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let (parsed, diagnostics) = parse::parse(&request.config);
        if !has_errors(&diagnostics) {
            self.session.configure(parsed, Environment::of_process());
        }
        diagnostics
    }
}
