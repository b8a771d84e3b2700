//! Plays Terraform's part in-process, so that a provider's rules can be tested without a CLI.
//!
//! Every request is encoded and every reply decoded as on the wire; what core computes (the proposed state, replacement, taint) is
//! computed here, too. Rules that need several requests are checked along the way and **panic** when broken, with the rule's name:
//! I8 (a second plan keeps what was known), I10 and I26 (nothing to do after an apply, before and after a read), I28 (an import
//! can be read). Rules of a single reply come back as error diagnostics, as a user would see them.
//!
//! ```
//! # use std::sync::Arc;
//! # use tf_provider::*;
//! use tf_provider::testing::{Action, Terraform};
//! # struct Empty;
//! # #[async_trait::async_trait]
//! # impl Provider for Empty {
//! #     fn name(&self) -> &'static str { "empty" }
//! #     fn schema(&self) -> Schema { Schema::default() }
//! #     fn resources(&self) -> Vec<Arc<dyn Resource>> { vec![Arc::new(Note)] }
//! #     async fn configure(&self, _: ConfigureRequest) -> Diagnostics { Vec::new() }
//! # }
//! # /// A note.
//! # #[derive(Debug, Model)]
//! # struct NoteModel {
//! #     /// The text.
//! #     #[tf(required)]
//! #     text: Attr<String>,
//! # }
//! # struct Note;
//! # #[async_trait::async_trait]
//! # impl Resource for Note {
//! #     fn type_name(&self) -> &'static str { "empty_note" }
//! #     fn schema(&self) -> Schema { Schema::of::<NoteModel>(0) }
//! #     async fn plan(&self, r: PlanRequest) -> PlanResponse { PlanResponse { planned: r.proposed, ..Default::default() } }
//! #     async fn apply(&self, r: ApplyRequest) -> ApplyResponse { ApplyResponse { state: r.planned, ..Default::default() } }
//! #     async fn read(&self, r: ReadRequest) -> ReadResponse { ReadResponse { state: r.state, ..Default::default() } }
//! #     async fn import(&self, _: ImportRequest) -> ImportResponse { ImportResponse::default() }
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let terraform = Terraform::new(Empty);
//! let mut note = terraform.object("empty_note");
//! let config = Value::object([("text", Value::from("hello"))]);
//! assert_eq!(note.plan(&config).await.unwrap().action, Action::Create);
//! note.apply(&config).await.unwrap();
//! assert_eq!(note.state().get("text"), &Value::from("hello"));
//! note.destroy().await.unwrap();
//! assert!(note.state().is_null());
//! # });
//! ```
#![allow(clippy::panic, reason = "runs in tests only: a broken rule must fail them")]

mod ephemeral;
mod object;
mod proposed;
mod rules;
mod wire;

use std::sync::Arc;

use tonic::Request;

pub use ephemeral::Opened;
pub use object::{Action, Object, Plan};

use crate::{
    Capabilities, Diagnostics, FunctionError, Provider, Schema, Type, Value, has_errors,
    operations::Operations,
    rpc::Server,
    wire::tfplugin6::{self as pb, provider_server::Provider as Rpcs},
};

/// Terraform's core, and the provider that it talks to.
pub struct Terraform {
    server: Server,
    provider: Arc<dyn Provider>,
    capabilities: Capabilities,
}

/// What is told to the provider in place of a version; nothing may depend on it.
const VERSION: &str = "1.11.4";

impl Terraform {
    /// A run of Terraform that is about to use this provider. It can write-only attributes, and not deferral.
    pub fn new(provider: impl Provider) -> Self {
        let provider: Arc<dyn Provider> = Arc::new(provider);
        Self {
            server: Server::new(provider.clone(), Arc::new(Operations::default())),
            provider,
            capabilities: Capabilities { deferral_allowed: false, write_only_attributes_allowed: true },
        }
    }

    /// The same with another client: an older Terraform can do less.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Validates the provider block and configures the provider.
    ///
    /// # Errors
    /// What either says, if an error is among it.
    pub async fn configure(&self, config: &Value) -> Result<Diagnostics, Diagnostics> {
        let schema = self.provider.schema();
        let config = Some(wire::encode(config, &schema.ty()));
        let request = pb::validate_provider_config::Request { config: config.clone() };
        let mut said = wire::diagnostics(wire::reply(self.server.validate_provider_config(Request::new(request)).await).diagnostics);
        if !has_errors(&said) {
            let client_capabilities = Some(wire::capabilities(self.capabilities));
            let request = pb::configure_provider::Request { config, terraform_version: VERSION.to_owned(), client_capabilities };
            said.extend(wire::diagnostics(wire::reply(self.server.configure_provider(Request::new(request)).await).diagnostics));
        }
        wire::errors_first(said)
    }

    /// A resource address of this type, without an object yet.
    ///
    /// # Panics
    /// The provider has no such type, or its schema breaks Terraform's rules.
    #[must_use]
    pub fn object(&self, type_name: &str) -> Object<'_> {
        let resource = self.provider.resources().into_iter().find(|resource| resource.type_name() == type_name);
        let Some(resource) = resource else { panic!("the provider has no resource type {type_name}") };
        let schema = resource.schema();
        check_schema(type_name, &schema);
        Object::new(self, type_name.to_owned(), schema, resource.identity().map(|identity| wire::identity_type(&identity)))
    }

    /// Reads a data source.
    ///
    /// # Errors
    /// What the provider says, if an error is among it.
    ///
    /// # Panics
    /// The provider has no such type.
    pub async fn read_data_source(&self, type_name: &str, config: &Value) -> Result<(Value, Diagnostics), Diagnostics> {
        let data_source = self.provider.data_sources().into_iter().find(|data_source| data_source.type_name() == type_name);
        let Some(data_source) = data_source else { panic!("the provider has no data source {type_name}") };
        let schema = data_source.schema();
        check_schema(type_name, &schema);
        let ty = schema.ty();
        let (type_name, config) = (type_name.to_owned(), Some(wire::encode(config, &ty)));
        let request = pb::validate_data_resource_config::Request { type_name: type_name.clone(), config: config.clone() };
        let reply = wire::reply(self.server.validate_data_resource_config(Request::new(request)).await);
        wire::errors_first(wire::diagnostics(reply.diagnostics))?;
        let client_capabilities = Some(wire::capabilities(self.capabilities));
        let request = pb::read_data_source::Request { type_name, config, provider_meta: None, client_capabilities };
        let reply = wire::reply(self.server.read_data_source(Request::new(request)).await);
        let said = wire::errors_first(wire::diagnostics(reply.diagnostics))?;
        Ok((wire::decode(reply.state.as_ref(), &ty), said))
    }

    /// Calls a function; `ty` is the result's type.
    ///
    /// # Errors
    /// The function's own.
    pub async fn call_function(&self, name: &str, arguments: &[(Value, Type)], ty: &Type) -> Result<Value, FunctionError> {
        let arguments = arguments.iter().map(|(value, ty)| wire::encode(value, ty)).collect();
        let request = pb::call_function::Request { name: name.to_owned(), arguments };
        let reply = wire::reply(self.server.call_function(Request::new(request)).await);
        match reply.error {
            Some(error) => {
                let argument = error.function_argument.and_then(|position| usize::try_from(position).ok());
                Err(FunctionError { text: error.text, argument })
            }
            None => Ok(wire::decode(reply.result.as_ref(), ty)),
        }
    }

    /// Interrupts, as one Ctrl-C does: running operations are asked to return.
    pub async fn interrupt(&self) {
        wire::reply(self.server.stop_provider(Request::new(pb::stop_provider::Request {})).await);
    }
}

/// One bad attribute would block the whole provider.
fn check_schema(type_name: &str, schema: &Schema) {
    let problems = schema.check();
    assert!(problems.is_empty(), "the schema of {type_name} breaks Terraform's rules: {problems:#?}");
}
