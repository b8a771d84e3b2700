//! One ephemeral resource: opened, renewed, closed.

use std::time::SystemTime;

use tonic::Request;

use super::{Terraform, check_schema, wire};
use crate::{
    Diagnostics, Schema, Value, has_errors,
    wire::tfplugin6::{self as pb, provider_server::Provider as Rpcs},
};

/// What Terraform holds of it while a run lasts.
pub struct Opened<'t> {
    terraform: &'t Terraform,
    type_name: String,
    /// Every attribute; partly unknown where the configuration was.
    pub value: Value,
    /// When Terraform would renew it.
    pub renew_at: Option<SystemTime>,
    /// Whether the provider asked to be asked again later.
    pub deferred: bool,
    /// Warnings.
    pub diagnostics: Diagnostics,
    private: Option<Vec<u8>>,
}

impl Terraform {
    /// All that is said about an ephemeral resource's configuration.
    ///
    /// # Panics
    /// The provider has no such type, or its schema breaks Terraform's rules.
    pub async fn validate_ephemeral(&self, type_name: &str, config: &Value) -> Diagnostics {
        let config = Some(wire::encode(config, &self.ephemeral_schema(type_name).ty()));
        let request = pb::validate_ephemeral_resource_config::Request { type_name: type_name.to_owned(), config };
        wire::diagnostics(wire::reply(self.server.validate_ephemeral_resource_config(Request::new(request)).await).diagnostics)
    }

    /// Validates and opens an ephemeral resource, as each walk of a run does.
    ///
    /// # Errors
    /// What the provider says, if an error is among it.
    ///
    /// # Panics
    /// The provider has no such type, or its schema breaks Terraform's rules.
    pub async fn open_ephemeral(&self, type_name: &str, config: &Value) -> Result<Opened<'_>, Diagnostics> {
        let ty = self.ephemeral_schema(type_name).ty();
        let mut said = wire::errors_first(self.validate_ephemeral(type_name, config).await)?;
        let request = pb::open_ephemeral_resource::Request {
            type_name: type_name.to_owned(),
            config: Some(wire::encode(config, &ty)),
            client_capabilities: Some(wire::capabilities(self.capabilities)),
        };
        let reply = wire::reply(self.server.open_ephemeral_resource(Request::new(request)).await);
        said.extend(wire::diagnostics(reply.diagnostics));
        let diagnostics = wire::errors_first(said)?;
        Ok(Opened {
            terraform: self,
            type_name: type_name.to_owned(),
            value: wire::decode(reply.result.as_ref(), &ty),
            renew_at: reply.renew_at.and_then(|at| at.try_into().ok()),
            deferred: reply.deferred.is_some(),
            diagnostics,
            private: reply.private,
        })
    }

    /// I1: a valid configuration stays valid with any one of its attributes unknown, and is not opened then.
    ///
    /// # Panics
    /// It doesn't, or it is.
    pub async fn check_ephemeral_unknowns(&self, type_name: &str, config: &Value) {
        let schema = self.ephemeral_schema(type_name);
        let config = wire::complete(config, &schema.ty());
        for attribute in schema.attributes.iter().filter(|attribute| !config.get(&attribute.name).is_null()) {
            let Value::Map(mut items) = config.clone() else { return };
            items.insert(attribute.name.clone(), Value::Unknown);
            let said = self.open_ephemeral(type_name, &Value::Map(items)).await.map(|opened| opened.value.is_wholly_known());
            assert!(matches!(said, Ok(false)), "rule I1: an unknown {}: {:#?}", attribute.name, said);
        }
    }

    fn ephemeral_schema(&self, type_name: &str) -> Schema {
        let found = self.provider.ephemeral_resources().into_iter().find(|ephemeral| ephemeral.type_name() == type_name);
        let Some(ephemeral) = found else { panic!("the provider has no ephemeral resource {type_name}") };
        let schema = ephemeral.schema();
        check_schema(type_name, &schema);
        let write_only: Vec<&str> =
            schema.attributes.iter().filter(|attribute| attribute.write_only).map(|attribute| attribute.name.as_str()).collect();
        assert!(write_only.is_empty(), "nothing of an ephemeral resource is kept, so nothing is write-only: {write_only:?}");
        schema
    }
}

impl Opened<'_> {
    /// Renews it, as Terraform does when its time has come.
    ///
    /// # Errors
    /// What the provider says, if an error is among it.
    ///
    /// # Panics
    /// It has no time: Terraform would never renew it.
    pub async fn renew(&mut self) -> Result<Diagnostics, Diagnostics> {
        assert!(self.renew_at.is_some(), "{} asked for no renewal", self.type_name);
        let request = pb::renew_ephemeral_resource::Request { type_name: self.type_name.clone(), private: self.private.clone() };
        let reply = wire::reply(self.terraform.server.renew_ephemeral_resource(Request::new(request)).await);
        let said = wire::diagnostics(reply.diagnostics);
        if !has_errors(&said) {
            self.renew_at = reply.renew_at.and_then(|at| at.try_into().ok());
            self.private = reply.private;
        }
        wire::errors_first(said)
    }

    /// Closes it, as Terraform does as soon as nothing needs it any more.
    ///
    /// # Errors
    /// What the provider says, if an error is among it.
    pub async fn close(self) -> Result<Diagnostics, Diagnostics> {
        let request = pb::close_ephemeral_resource::Request { type_name: self.type_name, private: self.private };
        let reply = wire::reply(self.terraform.server.close_ephemeral_resource(Request::new(request)).await);
        wire::errors_first(wire::diagnostics(reply.diagnostics))
    }
}
