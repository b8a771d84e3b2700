//! ValidateResourceConfig and ValidateDataResourceConfig. Unknowns are fine anywhere (I1).

use super::{Reply, Server, convert};
use crate::{Attribute, AttributeType, Capabilities, Diagnostic, Diagnostics, Path, Schema, Value, log, wire::tfplugin6 as pb};

pub(super) async fn resource(server: &Server, request: pb::validate_resource_config::Request) -> pb::validate_resource_config::Response {
    let diagnostics = async {
        let entry = server.catalog().resource(&request.type_name)?;
        let config = convert::value(request.config.as_ref(), &entry.typed.ty)?;
        let attributes = &entry.typed.schema.attributes;
        log::mask_value(attributes, &config);
        let capabilities = convert::capabilities(request.client_capabilities);
        let mut diagnostics = against_schema(&entry.typed.schema, &config);
        write_only_refused(attributes, &config, capabilities, &Path::root(), &mut diagnostics);
        add_new(&mut diagnostics, entry.resource.validate(&config, capabilities).await);
        Ok::<_, Diagnostics>(diagnostics)
    };
    Reply::refusal(convert::diagnostics(&diagnostics.await.unwrap_or_else(|errors| errors)))
}

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn data_source(
    server: &Server,
    request: pb::validate_data_resource_config::Request,
) -> pb::validate_data_resource_config::Response {
    let checked = server.catalog().data_source(&request.type_name).and_then(|entry| {
        let config = convert::value(request.config.as_ref(), &entry.typed.ty)?;
        log::mask_value(&entry.typed.schema.attributes, &config);
        Ok(against_schema(&entry.typed.schema, &config))
    });
    Reply::refusal(convert::diagnostics(&checked.unwrap_or_else(|errors| errors)))
}

/// One mistake, one error: what the schema found wrong can't be read as the resource's model either.
pub(super) fn add_new(diagnostics: &mut Diagnostics, more: Diagnostics) {
    let known: Vec<Path> = diagnostics.iter().filter(|found| found.is_error()).map(|found| found.path.clone()).collect();
    diagnostics.extend(more.into_iter().filter(|found| found.path.0.is_empty() || !known.contains(&found.path)));
}

/// The schema's own checks.
pub(super) fn against_schema(schema: &Schema, config: &Value) -> Diagnostics {
    schema.validate(config)
}

/// A client that doesn't know write-only attributes would keep their values in its state.
fn write_only_refused(attributes: &[Attribute], config: &Value, client: Capabilities, at: &Path, found: &mut Diagnostics) {
    if client.write_only_attributes_allowed {
        return;
    }
    for attribute in attributes {
        let (value, at) = (config.get(&attribute.name), at.attribute(&attribute.name));
        if attribute.write_only && !value.is_null() {
            let detail = "This attribute is write-only: its value is never kept in plan or state. Only Terraform and OpenTofu 1.11 and newer \
                          can do that; this CLI would store it. Upgrade the CLI, or leave the attribute out.";
            found.push(Diagnostic::error(at.clone(), "Write-only attributes need a newer CLI", detail));
        } else if let AttributeType::Nested(nesting, nested) = &attribute.ty {
            crate::lifecycle::each_object(*nesting, value, &at, &mut |object, at| {
                write_only_refused(nested, object, client, at, found);
            });
        }
    }
}
