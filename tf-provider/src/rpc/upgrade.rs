//! UpgradeResourceState: called for every stored state, also for one of the current version.

use super::{Reply, Server, convert, identity};
use crate::{Diagnostic, Diagnostics, Path, codec::json, lifecycle, wire::tfplugin6 as pb};

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn state(server: &Server, request: pb::upgrade_resource_state::Request) -> pb::upgrade_resource_state::Response {
    match upgraded(server, &request) {
        Ok(state) => pb::upgrade_resource_state::Response { upgraded_state: Some(state), diagnostics: Vec::new() },
        Err(diagnostics) => Reply::refusal(convert::diagnostics(&diagnostics)),
    }
}

fn upgraded(server: &Server, request: &pb::upgrade_resource_state::Request) -> Result<pb::DynamicValue, Diagnostics> {
    let entry = server.catalog().resource(&request.type_name)?;
    let (schema, ty) = (&entry.typed.schema, &entry.typed.ty);
    let Some(raw) = &request.raw_state else { return Ok(convert::null()) };
    if request.version > schema.version {
        return Err(vec![identity::from_the_future("state", request.version, schema.version)]);
    }
    let mut state = parse(raw)?;
    if request.version < schema.version {
        state = entry.resource.upgrade(request.version, state)?;
    }
    // Decoded and encoded anew, never echoed: JSON writes `dynamic` values in another form than msgpack. An attribute that the
    // state doesn't know is null; one that the schema no longer has is dropped.
    let value = json::from_json(&state, ty, json::Surplus::Ignore)?;
    let value = lifecycle::without_write_only(&schema.attributes, value);
    Ok(convert::dynamic(&value, ty)?)
}

/// A stored state as JSON.
pub(super) fn parse(raw: &pb::RawState) -> Result<serde_json::Value, Diagnostics> {
    if raw.json.is_empty() && !raw.flatmap.is_empty() {
        let detail = "Terraform 0.11 or older wrote it, which this provider never supported. Import the object instead.";
        return Err(vec![Diagnostic::error(Path::root(), "The state is too old", detail)]);
    }
    if raw.json.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_slice(&raw.json).map_err(|error| {
        let detail = format!("It is not valid JSON (line {}, column {}).", error.line(), error.column());
        vec![Diagnostic::error(Path::root(), "The state can't be read", detail)]
    })
}
