//! Ephemeral resources. Nothing of them is kept anywhere, so a failure only costs the client a new attempt.

use std::time::{Duration, SystemTime};

use super::{Reply, Server, convert, validate};
use crate::{
    Diagnostic, Diagnostics, OpenRequest, Path, RenewRequest, has_errors,
    lifecycle::{self, ephemeral::unopened},
    log,
    wire::tfplugin6 as pb,
};

/// One answer at most; an open is one or two calls of a cloud. Terraform itself waits for ever.
const ANSWER_MAX: Duration = Duration::from_secs(180);

pub(super) async fn validate(
    server: &Server,
    request: pb::validate_ephemeral_resource_config::Request,
) -> pb::validate_ephemeral_resource_config::Response {
    let diagnostics = async {
        let entry = server.catalog().ephemeral_resource(&request.type_name)?;
        let config = convert::value(request.config.as_ref(), &entry.typed.ty)?;
        log::mask_value(&entry.typed.schema.attributes, &config);
        let mut diagnostics = validate::against_schema(&entry.typed.schema, &config);
        validate::add_new(&mut diagnostics, entry.ephemeral.validate(&config).await);
        Ok::<_, Diagnostics>(diagnostics)
    };
    Reply::refusal(convert::diagnostics(&diagnostics.await.unwrap_or_else(|errors| errors)))
}

pub(super) async fn open(server: &Server, request: pb::open_ephemeral_resource::Request) -> pb::open_ephemeral_resource::Response {
    opened(server, request).await.unwrap_or_else(|errors| Reply::refusal(convert::diagnostics(&errors)))
}

async fn opened(
    server: &Server,
    request: pb::open_ephemeral_resource::Request,
) -> Result<pb::open_ephemeral_resource::Response, Diagnostics> {
    let entry = server.catalog().ephemeral_resource(&request.type_name)?;
    let (schema, ty) = (&entry.typed.schema, &entry.typed.ty);
    let config = convert::value(request.config.as_ref(), ty)?;
    log::mask_value(&schema.attributes, &config);
    let capabilities = convert::capabilities(request.client_capabilities);
    // Terraform waits by itself; a client that asks nevertheless is told to wait, or gets what a plan of it would hold.
    let later = |reason: pb::deferred::Reason| -> Result<_, Diagnostics> {
        Ok(pb::open_ephemeral_resource::Response {
            result: Some(convert::dynamic(&unopened(&schema.attributes, &config), ty)?),
            deferred: capabilities.deferral_allowed.then_some(pb::Deferred { reason: reason.into() }),
            ..pb::open_ephemeral_resource::Response::default()
        })
    };
    if !config.is_wholly_known() {
        return later(pb::deferred::Reason::ResourceConfigUnknown);
    }
    let call = OpenRequest { config: schema.apply_defaults(&config), capabilities, stop: server.operations.token() };
    let reply = in_time(entry.ephemeral.open(call)).await?;
    if reply.provider_unknown && !has_errors(&reply.diagnostics) {
        return later(pb::deferred::Reason::ProviderConfigUnknown);
    }
    log::mask_value(&schema.attributes, &reply.result);
    let mut diagnostics = reply.diagnostics;
    let result = lifecycle::ephemeral::check(schema, ty, &config, reply.result, &mut diagnostics);
    if result.is_none() && !reply.private.is_empty() {
        // A client that is told of an error never closes.
        diagnostics.extend(in_time(entry.ephemeral.close(reply.private)).await.unwrap_or_else(|errors| errors));
        return Err(diagnostics);
    }
    Ok(pb::open_ephemeral_resource::Response {
        result: result.map(|result| convert::dynamic(&result, ty)).transpose()?,
        renew_at: reply.renew_at.filter(|_| !has_errors(&diagnostics)).map(timestamp),
        private: (!reply.private.is_empty()).then_some(reply.private),
        diagnostics: convert::diagnostics(&diagnostics),
        deferred: None,
    })
}

pub(super) async fn renew(server: &Server, request: pb::renew_ephemeral_resource::Request) -> pb::renew_ephemeral_resource::Response {
    let outcome = async {
        let entry = server.catalog().ephemeral_resource(&request.type_name)?;
        let before = request.private.unwrap_or_default();
        let call = RenewRequest { private: before.clone(), stop: server.operations.token() };
        let reply = in_time(entry.ephemeral.renew(call)).await?;
        let private = if reply.private.is_empty() { before } else { reply.private };
        Ok::<_, Diagnostics>(pb::renew_ephemeral_resource::Response {
            renew_at: reply.renew_at.filter(|_| !has_errors(&reply.diagnostics)).map(timestamp),
            private: (!private.is_empty()).then_some(private),
            diagnostics: convert::diagnostics(&reply.diagnostics),
        })
    };
    outcome.await.unwrap_or_else(|errors| Reply::refusal(convert::diagnostics(&errors)))
}

pub(super) async fn close(server: &Server, request: pb::close_ephemeral_resource::Request) -> pb::close_ephemeral_resource::Response {
    let outcome = async {
        let entry = server.catalog().ephemeral_resource(&request.type_name)?;
        in_time(entry.ephemeral.close(request.private.unwrap_or_default())).await
    };
    Reply::refusal(convert::diagnostics(&outcome.await.unwrap_or_else(|errors| errors)))
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Diagnostics> {
    tokio::time::timeout(ANSWER_MAX, work).await.map_err(|_| {
        let detail = format!(
            "There was no answer for {} seconds, and the attempt was given up. Check the network between this machine and the service, \
             then run Terraform again: nothing was kept.",
            ANSWER_MAX.as_secs()
        );
        vec![Diagnostic::error(Path::root(), "The ephemeral resource took too long", detail)]
    })
}

fn timestamp(at: SystemTime) -> prost_types::Timestamp {
    at.into()
}
