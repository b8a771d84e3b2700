//! What there is: GetMetadata and GetProviderSchema.

use super::{Server, catalog::Catalog, functions};
use crate::{Attribute, AttributeType, Mode, Nesting, Schema, wire::tfplugin6 as pb};

/// What this crate can do. `plan_destroy`: guards speak before anything is destroyed (I22).
fn capabilities() -> pb::ServerCapabilities {
    pb::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: false,
    }
}

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn metadata(server: &Server, _: pb::get_metadata::Request) -> pb::get_metadata::Response {
    use pb::get_metadata::{DataSourceMetadata, EphemeralMetadata, FunctionMetadata, ResourceMetadata, Response};
    let catalog = server.catalog();
    Response {
        server_capabilities: Some(capabilities()),
        data_sources: catalog.data_sources.keys().map(|name| DataSourceMetadata { type_name: (*name).to_owned() }).collect(),
        resources: catalog.resources.keys().map(|name| ResourceMetadata { type_name: (*name).to_owned() }).collect(),
        ephemeral_resources: catalog.ephemeral_resources.keys().map(|name| EphemeralMetadata { type_name: (*name).to_owned() }).collect(),
        functions: catalog.functions.keys().map(|name| FunctionMetadata { name: (*name).to_owned() }).collect(),
        ..Response::default()
    }
}

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn provider_schema(server: &Server, _: pb::get_provider_schema::Request) -> pb::get_provider_schema::Response {
    server.schema.get_or_init(|| everything(server.catalog())).clone()
}

fn everything(catalog: &Catalog) -> pb::get_provider_schema::Response {
    let resources = catalog.resources.iter().map(|(name, entry)| ((*name).to_owned(), schema(&entry.typed.schema)));
    let data_sources = catalog.data_sources.iter().map(|(name, entry)| ((*name).to_owned(), schema(&entry.typed.schema)));
    let ephemeral = catalog.ephemeral_resources.iter().map(|(name, entry)| ((*name).to_owned(), schema(&entry.typed.schema)));
    pb::get_provider_schema::Response {
        provider: Some(schema(&catalog.block.schema)),
        resource_schemas: resources.collect(),
        data_source_schemas: data_sources.collect(),
        ephemeral_resource_schemas: ephemeral.collect(),
        functions: functions::all(catalog),
        server_capabilities: Some(capabilities()),
        ..pb::get_provider_schema::Response::default()
    }
}

fn schema(schema: &Schema) -> pb::Schema {
    let block = pb::schema::Block {
        version: schema.version,
        attributes: schema.attributes.iter().map(attribute).collect(),
        description: schema.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        ..pb::schema::Block::default()
    };
    pb::Schema { version: schema.version, block: Some(block) }
}

fn attribute(attribute: &Attribute) -> pb::schema::Attribute {
    let mode = attribute.mode;
    // Never both: Terraform refuses the whole provider over one attribute with `type` and `nested_type`.
    let (r#type, nested_type) = match &attribute.ty {
        AttributeType::Plain(ty) => (ty.to_bytes(), None),
        AttributeType::Nested(nesting, attributes) => (Vec::new(), Some(nested(*nesting, attributes))),
    };
    pb::schema::Attribute {
        name: attribute.name.clone(),
        r#type,
        nested_type,
        description: attribute.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        required: mode == Mode::Required,
        optional: matches!(mode, Mode::Optional | Mode::OptionalComputed),
        computed: matches!(mode, Mode::Computed | Mode::OptionalComputed),
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        deprecated: attribute.deprecated.is_some(),
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn nested(nesting: Nesting, attributes: &[Attribute]) -> pb::schema::Object {
    use pb::schema::object::NestingMode;
    let mode = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::schema::Object { nesting: mode.into(), attributes: attributes.iter().map(attribute).collect(), ..pb::schema::Object::default() }
}
