//! PlanResourceChange.

use super::{Reply, Server, convert, identity};
use crate::{Diagnostics, PlanRequest, Value, has_errors, lifecycle, log, wire::tfplugin6 as pb};

pub(super) async fn resource(server: &Server, request: pb::plan_resource_change::Request) -> pb::plan_resource_change::Response {
    let prior = request.prior_state.clone();
    match plan(server, request).await {
        Ok(reply) => reply,
        // Terraform reads no plan beside an error, but it decodes it.
        Err(diagnostics) => {
            pb::plan_resource_change::Response { planned_state: prior, ..Reply::refusal(convert::diagnostics(&diagnostics)) }
        }
    }
}

async fn plan(server: &Server, request: pb::plan_resource_change::Request) -> Result<pb::plan_resource_change::Response, Diagnostics> {
    let entry = server.catalog().resource(&request.type_name)?;
    let (schema, ty) = (&entry.typed.schema, &entry.typed.ty);
    let config = convert::value(request.config.as_ref(), ty)?;
    let prior = convert::value(request.prior_state.as_ref(), ty)?;
    let proposed = convert::value(request.proposed_new_state.as_ref(), ty)?;
    let known_identity = identity::decode(entry, request.prior_identity.as_ref())?;
    for value in [&config, &prior] {
        log::mask_value(&schema.attributes, value);
    }
    let proposed = lifecycle::without_write_only(&schema.attributes, proposed);
    let proposed = lifecycle::with_defaults(&schema.attributes, &config, proposed);
    let call = PlanRequest {
        config: config.clone(),
        prior: prior.clone(),
        proposed,
        private: request.prior_private.clone(),
        capabilities: convert::capabilities(request.client_capabilities),
        identity: known_identity.clone(),
        stop: server.operations.token(),
    };
    let reply = entry.resource.plan(call).await;
    let mut diagnostics = reply.diagnostics;
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let asked = lifecycle::plan::Asked { schema, ty, config: &config, prior: &prior };
    let planned = lifecycle::plan::check(&asked, reply.planned, &reply.requires_replace, &mut diagnostics);
    if has_errors(&diagnostics) {
        return Err(diagnostics);
    }
    let mut replace = reply.requires_replace;
    lifecycle::plan::add_replace_paths(&schema.attributes, &prior, &planned, &mut replace);
    let planned_identity = reply.identity.or(known_identity);
    Ok(pb::plan_resource_change::Response {
        planned_state: Some(convert::dynamic(&planned, ty)?),
        requires_replace: replace.iter().map(convert::path).collect(),
        planned_private: if reply.private.is_empty() { request.prior_private } else { reply.private },
        diagnostics: convert::diagnostics(&diagnostics),
        // Never: it would turn Terraform's own checks off (I22).
        legacy_type_system: false,
        deferred: None,
        planned_identity: identity::encode(entry, planned_identity.as_ref().filter(|_| planned != Value::Null)),
    })
}
