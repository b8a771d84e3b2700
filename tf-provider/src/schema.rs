//! Schemas: what attributes a provider, resource, data source or identity has.

mod check;
mod walk;

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::{Diagnostic, Model, Path, Type, Value};

/// Checks one known, non-null value; what it returns is shown at the value's path.
pub type Validator = Arc<dyn Fn(&Value, &Path) -> Vec<Diagnostic> + Send + Sync>;

/// A resource's, data source's or provider's attributes. This crate offers nested attributes and no blocks (I6).
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Version of the state's shape; raise it with each change that an old state can't be read by.
    pub version: i64,
    /// Markdown, for the reference docs.
    pub description: String,
    /// In the order of the struct they come from.
    pub attributes: Vec<Attribute>,
}

/// Who may set an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The user must.
    Required,
    /// The user may.
    Optional,
    /// The user may; the provider does otherwise.
    OptionalComputed,
    /// Only the provider.
    Computed,
}

/// How objects of a nested attribute are held together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

/// What an attribute holds.
#[derive(Clone, Debug)]
pub enum AttributeType {
    /// A value of a plain type.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(Nesting, Vec<Attribute>),
}

/// One attribute.
#[derive(Clone)]
pub struct Attribute {
    /// Lower-case letters, digits and underscores.
    pub name: String,
    /// What it holds.
    pub ty: AttributeType,
    /// Who sets it.
    pub mode: Mode,
    /// Markdown: the field's doc comment.
    pub description: String,
    /// Hidden in plans and outputs.
    pub sensitive: bool,
    /// Never in plan or state; read from configuration at apply (Terraform 1.11).
    pub write_only: bool,
    /// A change of it replaces the resource.
    pub replace: bool,
    /// What it becomes when the configuration is null; known at plan.
    pub default: Option<Value>,
    /// Said to users who still set it.
    pub deprecated: Option<String>,
    /// Run over the known, non-null value.
    pub validators: Vec<Validator>,
    /// Facts for the provider and the docs that the protocol doesn't know: `preset`, `change`, `controls` …
    pub notes: BTreeMap<String, String>,
}

impl Schema {
    /// A model's schema.
    #[must_use]
    pub fn of<M: Model>(version: i64) -> Self {
        Self { version, description: M::description().to_owned(), attributes: M::attributes() }
    }

    /// The object type that its attributes make.
    #[must_use]
    pub fn ty(&self) -> Type {
        object_type(&self.attributes)
    }
}

impl Attribute {
    /// The type of its value; for a nested attribute a list, set or map of objects, or an object.
    #[must_use]
    pub fn ty(&self) -> Type {
        match &self.ty {
            AttributeType::Plain(ty) => ty.clone(),
            AttributeType::Nested(Nesting::Single, attributes) => object_type(attributes),
            AttributeType::Nested(Nesting::List, attributes) => Type::list(object_type(attributes)),
            AttributeType::Nested(Nesting::Set, attributes) => Type::set(object_type(attributes)),
            AttributeType::Nested(Nesting::Map, attributes) => Type::map(object_type(attributes)),
        }
    }
}

pub(crate) fn object_type(attributes: &[Attribute]) -> Type {
    Type::Object(attributes.iter().map(|attribute| (attribute.name.clone(), attribute.ty())).collect())
}

impl fmt::Debug for Attribute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Attribute").field("name", &self.name).field("mode", &self.mode).field("ty", &self.ty).finish_non_exhaustive()
    }
}
