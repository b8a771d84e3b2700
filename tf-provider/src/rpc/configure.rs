//! The provider block, and the interrupt.

use super::{Reply, Server, convert, validate};
use crate::{ConfigureRequest, Diagnostics, log, wire::tfplugin6 as pb};

pub(super) async fn validate(server: &Server, request: pb::validate_provider_config::Request) -> pb::validate_provider_config::Response {
    let catalog = server.catalog();
    let outcome: Result<(), Diagnostics> = async {
        let config = convert::value(request.config.as_ref(), &catalog.block.ty)?;
        log::mask_value(&catalog.block.schema.attributes, &config);
        let mut diagnostics = validate::against_schema(&catalog.block.schema, &config);
        diagnostics.extend(catalog.provider.validate(&config).await);
        if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics) }
    }
    .await;
    Reply::refusal(convert::diagnostics(&outcome.err().unwrap_or_default()))
}

pub(super) async fn configure(server: &Server, request: pb::configure_provider::Request) -> pb::configure_provider::Response {
    let catalog = server.catalog();
    server.operations.renew();
    let diagnostics = match convert::value(request.config.as_ref(), &catalog.block.ty) {
        Err(diagnostics) => diagnostics,
        Ok(config) => {
            log::mask_value(&catalog.block.schema.attributes, &config);
            log::debug("configured", &[("terraform_version", &request.terraform_version)]);
            let capabilities = convert::capabilities(request.client_capabilities);
            let request = ConfigureRequest { config, terraform_version: request.terraform_version, capabilities };
            catalog.provider.configure(request).await
        }
    };
    Reply::refusal(convert::diagnostics(&diagnostics))
}

/// Answers at once (I30): it only sets the token, and never stops the server.
#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn stop(server: &Server, _: pb::stop_provider::Request) -> pb::stop_provider::Response {
    log::info("Terraform asks to stop: calls in flight are finished, none is started", &[]);
    server.operations.stop();
    pb::stop_provider::Response::default()
}
