//! ReadResource.

use super::{Reply, Server, convert, identity};
use crate::{Diagnostics, ReadRequest, lifecycle, log, wire::tfplugin6 as pb};

pub(super) async fn resource(server: &Server, request: pb::read_resource::Request) -> pb::read_resource::Response {
    let before = (request.current_state.clone(), request.private.clone(), request.current_identity.clone());
    match read(server, request).await {
        Ok(reply) => reply,
        Err(diagnostics) => {
            let (new_state, private, new_identity) = before;
            pb::read_resource::Response { new_state, private, new_identity, ..Reply::refusal(convert::diagnostics(&diagnostics)) }
        }
    }
}

async fn read(server: &Server, request: pb::read_resource::Request) -> Result<pb::read_resource::Response, Diagnostics> {
    let entry = server.catalog().resource(&request.type_name)?;
    let (schema, ty) = (&entry.typed.schema, &entry.typed.ty);
    let before = convert::value(request.current_state.as_ref(), ty)?;
    let known_identity = identity::decode(entry, request.current_identity.as_ref())?;
    log::mask_value(&schema.attributes, &before);
    let call = ReadRequest {
        state: before.clone(),
        private: request.private.clone(),
        identity: known_identity.clone(),
        capabilities: convert::capabilities(request.client_capabilities),
        stop: server.operations.token(),
    };
    let reply = entry.resource.read(call).await;
    log::mask_value(&schema.attributes, &reply.state);
    let mut diagnostics = reply.diagnostics;
    let state = lifecycle::read::check(schema, ty, reply.state, &before, &mut diagnostics);
    let found_identity = reply.identity.or(known_identity);
    Ok(pb::read_resource::Response {
        new_state: Some(convert::dynamic(&state, ty)?),
        diagnostics: convert::diagnostics(&diagnostics),
        // I19: what the resource leaves out stays as it was.
        private: if reply.private.is_empty() { request.private } else { reply.private },
        deferred: None,
        new_identity: identity::encode(entry, found_identity.as_ref().filter(|_| !state.is_null())),
    })
}
