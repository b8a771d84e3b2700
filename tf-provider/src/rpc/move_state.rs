//! MoveResourceState: a `moved` block that takes an object over from another resource type.

use super::{Reply, Server, convert, upgrade};
use crate::{Diagnostic, Diagnostics, MoveSource, Path, lifecycle, wire::tfplugin6 as pb};

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn resource(server: &Server, request: pb::move_resource_state::Request) -> pb::move_resource_state::Response {
    match moved(server, &request) {
        Ok(reply) => reply,
        Err(diagnostics) => Reply::refusal(convert::diagnostics(&diagnostics)),
    }
}

fn moved(server: &Server, request: &pb::move_resource_state::Request) -> Result<pb::move_resource_state::Response, Diagnostics> {
    let entry = server.catalog().resource(&request.target_type_name)?;
    let raw = request.source_state.clone().unwrap_or_default();
    let source = MoveSource {
        provider_address: request.source_provider_address.clone(),
        type_name: request.source_type_name.clone(),
        schema_version: request.source_schema_version,
        state: upgrade::parse(&raw)?,
    };
    let state = entry.resource.move_state(&source).unwrap_or_else(|| Err(vec![unsupported(request)]))?;
    let mut diagnostics = Diagnostics::new();
    let state = lifecycle::import::check(&entry.typed.schema, &entry.typed.ty, state, &mut diagnostics);
    Ok(pb::move_resource_state::Response {
        target_state: Some(convert::dynamic(&state, &entry.typed.ty)?),
        target_identity: None,
        target_private: Vec::new(),
        diagnostics: convert::diagnostics(&diagnostics),
    })
}

fn unsupported(request: &pb::move_resource_state::Request) -> Diagnostic {
    let (from, to) = (&request.source_type_name, &request.target_type_name);
    let detail = format!(
        "{to} can't take over a state of {from} (provider {}). Nothing was changed. Instead of `moved`, let go of the old address with a \
         `removed` block (`lifecycle {{ destroy = false }}`) and take the object in with an `import` block.",
        request.source_provider_address
    );
    Diagnostic::error(Path::root(), format!("{from} can't be moved to {to}"), detail)
}
