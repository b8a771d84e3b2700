//! What the provider offers, by name, with schemas and types made once.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    DataSource, Diagnostic, Diagnostics, EphemeralResource, Function, IdentitySchema, Path, Provider, Resource, Schema, Signature, Type,
};

/// A schema and the type of its values.
pub(crate) struct Typed {
    /// The attributes.
    pub(crate) schema: Schema,
    /// The object type that they make.
    pub(crate) ty: Type,
}

impl Typed {
    fn new(schema: Schema) -> Self {
        Self { ty: schema.ty(), schema }
    }
}

/// A resource type.
pub(crate) struct ResourceEntry {
    /// The resource.
    pub(crate) resource: Arc<dyn Resource>,
    /// Its attributes.
    pub(crate) typed: Typed,
    /// Its identity and the type of that, where it has one.
    pub(crate) identity: Option<(IdentitySchema, Type)>,
}

/// A data source.
pub(crate) struct DataSourceEntry {
    /// The data source.
    pub(crate) data_source: Arc<dyn DataSource>,
    /// Its attributes.
    pub(crate) typed: Typed,
}

/// An ephemeral resource.
pub(crate) struct EphemeralEntry {
    /// The ephemeral resource.
    pub(crate) ephemeral: Arc<dyn EphemeralResource>,
    /// Its attributes.
    pub(crate) typed: Typed,
}

/// A function.
pub(crate) struct FunctionEntry {
    /// The function.
    pub(crate) function: Arc<dyn Function>,
    /// What it takes and gives.
    pub(crate) signature: Signature,
}

/// All of it.
pub(crate) struct Catalog {
    /// The provider itself.
    pub(crate) provider: Arc<dyn Provider>,
    /// The provider block.
    pub(crate) block: Typed,
    /// By type name.
    pub(crate) resources: BTreeMap<&'static str, ResourceEntry>,
    /// By type name.
    pub(crate) data_sources: BTreeMap<&'static str, DataSourceEntry>,
    /// By type name.
    pub(crate) ephemeral_resources: BTreeMap<&'static str, EphemeralEntry>,
    /// By name.
    pub(crate) functions: BTreeMap<&'static str, FunctionEntry>,
}

impl Catalog {
    pub(crate) fn new(provider: Arc<dyn Provider>) -> Self {
        let resources = provider.resources().into_iter().map(|resource| {
            let identity = resource.identity().map(|identity| {
                let ty = Type::object(identity.attributes.iter().map(|attribute| (attribute.name, Type::String)));
                (identity, ty)
            });
            (resource.type_name(), ResourceEntry { typed: Typed::new(resource.schema()), resource, identity })
        });
        let data_sources = provider.data_sources().into_iter();
        let data_sources = data_sources
            .map(|data_source| (data_source.type_name(), DataSourceEntry { typed: Typed::new(data_source.schema()), data_source }));
        let ephemeral_resources = provider.ephemeral_resources().into_iter();
        let ephemeral_resources = ephemeral_resources
            .map(|ephemeral| (ephemeral.type_name(), EphemeralEntry { typed: Typed::new(ephemeral.schema()), ephemeral }));
        let functions = provider.functions().into_iter();
        let functions = functions.map(|function| (function.name(), FunctionEntry { signature: function.signature(), function }));
        Self {
            block: Typed::new(provider.schema()),
            resources: resources.collect(),
            data_sources: data_sources.collect(),
            ephemeral_resources: ephemeral_resources.collect(),
            functions: functions.collect(),
            provider,
        }
    }

    pub(crate) fn resource(&self, type_name: &str) -> Result<&ResourceEntry, Diagnostics> {
        self.resources.get(type_name).ok_or_else(|| self.unknown("resource type", type_name))
    }

    pub(crate) fn data_source(&self, type_name: &str) -> Result<&DataSourceEntry, Diagnostics> {
        self.data_sources.get(type_name).ok_or_else(|| self.unknown("data source", type_name))
    }

    pub(crate) fn ephemeral_resource(&self, type_name: &str) -> Result<&EphemeralEntry, Diagnostics> {
        self.ephemeral_resources.get(type_name).ok_or_else(|| self.unknown("ephemeral resource type", type_name))
    }

    /// What is said about a name that there isn't.
    pub(crate) fn unknown(&self, kind: &str, type_name: &str) -> Diagnostics {
        let detail = format!(
            "The provider {:?} has no {kind} {type_name:?}. Another release of it may have one: look at the version constraint, then run `terraform init -upgrade`.",
            self.provider.name()
        );
        vec![Diagnostic::error(Path::root(), format!("Unknown {kind}"), detail)]
    }
}
