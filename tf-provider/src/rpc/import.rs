//! ImportResourceState: by id, or by identity (Terraform 1.12). A read of the result follows.

use super::{Reply, Server, convert, identity};
use crate::{Diagnostics, ImportRequest, has_errors, lifecycle, log, wire::tfplugin6 as pb};

pub(super) async fn resource(server: &Server, request: pb::import_resource_state::Request) -> pb::import_resource_state::Response {
    match imported(server, request).await {
        Ok(reply) => reply,
        Err(diagnostics) => Reply::refusal(convert::diagnostics(&diagnostics)),
    }
}

async fn imported(
    server: &Server,
    request: pb::import_resource_state::Request,
) -> Result<pb::import_resource_state::Response, Diagnostics> {
    let entry = server.catalog().resource(&request.type_name)?;
    let (schema, ty) = (&entry.typed.schema, &entry.typed.ty);
    let wanted = identity::decode(entry, request.identity.as_ref())?;
    let call = ImportRequest { id: request.id, identity: wanted.clone(), stop: server.operations.token() };
    let reply = entry.resource.import(call).await;
    log::mask_value(&schema.attributes, &reply.state);
    let mut diagnostics = reply.diagnostics;
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let state = lifecycle::import::check(schema, ty, reply.state, &mut diagnostics);
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let imported = pb::import_resource_state::ImportedResource {
        type_name: request.type_name,
        state: Some(convert::dynamic(&state, ty)?),
        private: reply.private,
        identity: identity::encode(entry, reply.identity.as_ref().or(wanted.as_ref())),
    };
    Ok(pb::import_resource_state::Response {
        imported_resources: vec![imported],
        diagnostics: convert::diagnostics(&diagnostics),
        deferred: None,
    })
}
