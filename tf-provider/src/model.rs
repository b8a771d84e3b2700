//! Between Terraform's values and a provider's structs.

use crate::{Attribute, Diagnostics, Path, Type, Value};

/// A struct that is a schema: made by `#[derive(Model)]`, see the crate's docs for its attributes.
pub trait Model: Sized + Send + Sync {
    /// The struct's doc comment, Markdown.
    fn description() -> &'static str;

    /// One attribute a field, in order.
    fn attributes() -> Vec<Attribute>;

    /// From an object.
    ///
    /// # Errors
    /// One diagnostic for each value of the wrong type, at its path.
    fn from_value(value: &Value, at: &Path) -> Result<Self, Diagnostics>;

    /// To an object with every attribute in it.
    fn to_value(&self) -> Value;
}

/// An attribute's value in a [`Model`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Attr<T> {
    /// Not set.
    #[default]
    Null,
    /// Known after apply.
    Unknown,
    /// Known.
    Known(T),
}

impl<T> Attr<T> {
    /// The known value.
    pub fn known(&self) -> Option<&T> {
        if let Self::Known(value) = self { Some(value) } else { None }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

/// A Rust type that stands for a Terraform type: `String`, `bool`, `i64`, `Number`, `Vec<Attr<T>>` (list), `Set<T>`,
/// `BTreeMap<String, Attr<T>>` (map), `Value` (dynamic).
pub trait TfType: Sized {
    /// The type constraint.
    fn ty() -> Type;

    /// From a known, non-null value.
    ///
    /// # Errors
    /// A diagnostic at the path of each part that has another type.
    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics>;

    /// Back to a value.
    fn to_value(&self) -> Value;
}
