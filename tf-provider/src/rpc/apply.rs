//! ApplyResourceChange. Whatever happens, the reply holds every object that exists (I18): what Terraform isn't told
//! about, nobody will ever delete.

use std::sync::Arc;

use super::{Server, catalog::Catalog, convert, guard, identity};
use crate::{
    ApplyRequest, ApplyResponse, Diagnostic, Diagnostics, Path, Value,
    lifecycle::{self, apply::Asked},
    log,
    operations::Running,
    wire::tfplugin6 as pb,
};

pub(super) async fn resource(server: &Server, request: pb::apply_resource_change::Request) -> pb::apply_resource_change::Response {
    let before = pb::apply_resource_change::Response {
        new_state: request.prior_state.clone(),
        private: request.planned_private.clone(),
        new_identity: request.planned_identity.clone(),
        ..pb::apply_resource_change::Response::default()
    };
    match apply(server, request).await {
        Ok(reply) => reply,
        // Nothing was done: what was there before is still all there is.
        Err(diagnostics) => pb::apply_resource_change::Response { diagnostics: convert::diagnostics(&diagnostics), ..before },
    }
}

async fn apply(server: &Server, request: pb::apply_resource_change::Request) -> Result<pb::apply_resource_change::Response, Diagnostics> {
    let catalog = server.catalog().clone();
    let entry = catalog.resource(&request.type_name)?;
    let (schema, ty) = (&entry.typed.schema, &entry.typed.ty);
    let config = convert::value(request.config.as_ref(), ty)?;
    let prior = convert::value(request.prior_state.as_ref(), ty)?;
    let planned = convert::value(request.planned_state.as_ref(), ty)?;
    let planned_identity = identity::decode(entry, request.planned_identity.as_ref())?;
    for value in [&config, &prior] {
        log::mask_value(&schema.attributes, value);
    }
    let call = ApplyRequest {
        config,
        prior: prior.clone(),
        planned: planned.clone(),
        private: request.planned_private.clone(),
        identity: planned_identity.clone(),
        stop: server.operations.token(),
    };
    // In a task of its own: when Terraform is killed, the request's future is dropped at its await, the task is not.
    let task = tokio::spawn(run(catalog.clone(), request.type_name.clone(), call, server.operations.begin()));
    let reply = match task.await {
        Ok(Ok(reply)) => reply,
        Ok(Err(panic)) => lost(&prior, &planned, panic),
        Err(_) => lost(&prior, &planned, Diagnostic::error(Path::root(), "The apply was cut off", "The provider is ending.")),
    };
    log::mask_value(&schema.attributes, &reply.state);
    let mut diagnostics = reply.diagnostics;
    let asked = Asked { schema, ty, prior: &prior, planned: &planned };
    let state = lifecycle::apply::check(&asked, reply.state, &mut diagnostics);
    let new_identity =
        lifecycle::apply::check_identity(entry.identity.is_some(), &state, reply.identity.or(planned_identity), &mut diagnostics);
    let new_state = convert::dynamic(&state, ty)?;
    Ok(pb::apply_resource_change::Response {
        new_state: Some(new_state),
        // I19: what the resource leaves out stays as it was planned.
        private: if reply.private.is_empty() { request.planned_private } else { reply.private },
        diagnostics: convert::diagnostics(&diagnostics),
        legacy_type_system: false,
        new_identity: identity::encode(entry, new_identity.as_ref()),
    })
}

/// The apply itself, until it returns, whoever still listens.
async fn run(catalog: Arc<Catalog>, type_name: String, call: ApplyRequest, _running: Running) -> Result<ApplyResponse, Diagnostic> {
    let resource = catalog.resource(&type_name).map(|entry| entry.resource.clone());
    let work = async {
        match resource {
            Ok(resource) => resource.apply(call).await,
            Err(diagnostics) => ApplyResponse { state: call.prior, diagnostics, ..ApplyResponse::default() },
        }
    };
    guard::guarded("ApplyResourceChange", work).await
}

/// A panic: nobody knows how far it came. A create keeps what was planned, so that Terraform marks it tainted and the half-made
/// object can be found; an update or delete keeps what was there.
fn lost(prior: &Value, planned: &Value, panic: Diagnostic) -> ApplyResponse {
    let state = if prior.is_null() { lifecycle::known_part(planned.clone()) } else { prior.clone() };
    ApplyResponse { state, diagnostics: vec![panic], ..ApplyResponse::default() }
}
