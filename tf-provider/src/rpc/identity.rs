//! Resource identities (Terraform 1.12): what an object is, apart from its state.

use super::{Reply, Server, catalog::ResourceEntry, convert};
use crate::{Diagnostic, Diagnostics, Path, Type, Value, codec::json, wire::tfplugin6 as pb};

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn schemas(server: &Server, _: pb::get_resource_identity_schemas::Request) -> pb::get_resource_identity_schemas::Response {
    use pb::resource_identity_schema::IdentityAttribute;
    let described = server.catalog().resources.iter().filter_map(|(name, entry)| {
        let (identity, _) = entry.identity.as_ref()?;
        let identity_attributes = identity.attributes.iter().map(|attribute| IdentityAttribute {
            name: attribute.name.to_owned(),
            r#type: Type::String.to_bytes(),
            required_for_import: attribute.required_for_import,
            optional_for_import: !attribute.required_for_import,
            description: attribute.description.to_owned(),
        });
        let schema = pb::ResourceIdentitySchema { version: identity.version, identity_attributes: identity_attributes.collect() };
        Some(((*name).to_owned(), schema))
    });
    pb::get_resource_identity_schemas::Response { identity_schemas: described.collect(), diagnostics: Vec::new() }
}

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn upgrade(server: &Server, request: pb::upgrade_resource_identity::Request) -> pb::upgrade_resource_identity::Response {
    let raw = request.raw_identity.unwrap_or_default();
    let upgraded = server.catalog().resource(&request.type_name).and_then(|entry| {
        let Some((identity, ty)) = &entry.identity else {
            let detail = format!("{:?} has no identity in this release of the provider.", request.type_name);
            return Err(vec![Diagnostic::error(Path::root(), "No identity", detail)]);
        };
        if request.version > identity.version {
            return Err(vec![from_the_future("identity", request.version, identity.version)]);
        }
        // Identities have had one shape so far: attributes that an old one lacks are null, those it has too many are dropped.
        let value = json::decode(&raw.json, ty, json::Surplus::Ignore)?;
        Ok(encode(entry, Some(&value)))
    });
    match upgraded {
        Ok(upgraded_identity) => pb::upgrade_resource_identity::Response { upgraded_identity, diagnostics: Vec::new() },
        Err(diagnostics) => Reply::refusal(convert::diagnostics(&diagnostics)),
    }
}

/// Said about a state or identity that a newer release wrote.
pub(super) fn from_the_future(what: &str, found: i64, known: i64) -> Diagnostic {
    let detail = format!(
        "It was written by a newer release of this provider (version {found} of its shape; this release knows {known} at most). \
         Nothing was changed. Use that release, or a newer one: raise the version constraint and run `terraform init -upgrade`."
    );
    Diagnostic::error(Path::root(), format!("The {what} is from a newer release"), detail)
}

/// The identity that Terraform sent, if the resource has one.
pub(super) fn decode(entry: &ResourceEntry, wire: Option<&pb::ResourceIdentityData>) -> Result<Option<Value>, Diagnostics> {
    let (Some((_, ty)), Some(data)) = (&entry.identity, wire) else { return Ok(None) };
    let value = convert::value(data.identity_data.as_ref(), ty)?;
    Ok(Some(value).filter(|value| !value.is_null()))
}

/// The identity for a reply. One that doesn't fit its own schema is left out: it must not make Terraform throw the state away.
pub(super) fn encode(entry: &ResourceEntry, identity: Option<&Value>) -> Option<pb::ResourceIdentityData> {
    let (_, ty) = entry.identity.as_ref()?;
    let identity_data = convert::dynamic(identity?, ty).ok()?;
    Some(pb::ResourceIdentityData { identity_data: Some(identity_data) })
}
