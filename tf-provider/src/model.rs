//! Between Terraform's values and a provider's structs.

use std::collections::BTreeMap;

use crate::{Attribute, AttributeType, Diagnostic, Diagnostics, Path, Type, Value};

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

    /// The known value, taken out.
    pub fn into_known(self) -> Option<T> {
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

    /// Another known value; null and unknown stay.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Attr<U> {
        match self {
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
            Self::Known(value) => Attr::Known(change(value)),
        }
    }
}

impl Attr<String> {
    /// The known string.
    pub fn as_str(&self) -> Option<&str> {
        self.known().map(String::as_str)
    }
}

impl<T: TfType> Attr<T> {
    /// From a value of any kind.
    ///
    /// # Errors
    /// A diagnostic at the path of each part that has another type.
    pub fn from_value(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Unknown => Ok(Self::Unknown),
            known => T::from_known(known, at).map(Self::Known),
        }
    }

    /// Back to a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::Unknown,
            Self::Known(known) => known.to_value(),
        }
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

/// A Rust type that stands for a Terraform type.
///
/// | Rust | Terraform |
/// |---|---|
/// | `String`, `bool`, `Number` | `string`, `bool`, `number` |
/// | `i64` | `number`; others than whole numbers in its range are refused at their path |
/// | `Vec<Attr<T>>` | `list(T)` |
/// | [`Set<T>`](Set) | `set(T)` |
/// | `BTreeMap<String, Attr<T>>` | `map(T)` |
/// | [`Value`] | `dynamic` |
/// | a [`Model`] `M` | a nested object |
/// | `Vec<Attr<M>>`, `Vec<M>` | a nested list of objects |
/// | `BTreeMap<String, Attr<M>>`, `BTreeMap<String, M>` | a nested map of objects |
///
/// Without the inner `Attr` an unknown object reads as one whose attributes are all unknown, and a null one is refused. Use the
/// forms with it for what is handed back in a plan: Terraform wants an unknown element back as it was.
pub trait TfType: Sized {
    /// The type constraint.
    fn ty() -> Type;

    /// How an attribute of this type stands in a schema.
    #[must_use]
    fn attribute_type() -> AttributeType {
        AttributeType::Plain(Self::ty())
    }

    /// From a known, non-null value.
    ///
    /// # Errors
    /// A diagnostic at the path of each part that has another type.
    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics>;

    /// Back to a value.
    fn to_value(&self) -> Value;
}

/// A set: elements in canonical order, each once. Equal sets are equal however they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T>(Vec<Attr<T>>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Set<T> {
    /// Its elements, in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = &Attr<T>> {
        self.0.iter()
    }

    /// Its known elements, in canonical order.
    pub fn known(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(Attr::known)
    }

    /// How many elements it has; unknown ones may turn out to be the same.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: TfType> FromIterator<Attr<T>> for Set<T> {
    fn from_iter<I: IntoIterator<Item = Attr<T>>>(items: I) -> Self {
        let mut items: Vec<_> = items.into_iter().map(|item| (item.to_value(), item)).collect();
        items.sort_by(|a, b| a.0.canonical_cmp(&b.0));
        items.dedup_by(|a, b| a.0 == b.0 && a.0.is_wholly_known());
        Self(items.into_iter().map(|(_, item)| item).collect())
    }
}

impl<T: TfType> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().map(Attr::Known).collect()
    }
}

/// Reads an object's attributes for `#[derive(Model)]`, and keeps every error until the end.
#[derive(Debug)]
pub struct ObjectReader<'a> {
    value: &'a Value,
    at: &'a Path,
    errors: Diagnostics,
}

impl<'a> ObjectReader<'a> {
    /// Of an object. Null reads as an object of nulls, unknown as one of unknowns.
    #[must_use]
    pub fn new(value: &'a Value, at: &'a Path) -> Self {
        let errors = match value.plain() {
            Value::Null | Value::Unknown | Value::Map(_) => Vec::new(),
            other => wrong_type(&Type::Object(BTreeMap::new()), other, at),
        };
        Self { value: value.plain(), at, errors }
    }

    /// The attribute of this name; null where there is none or it is wrong.
    pub fn attribute<T: TfType>(&mut self, name: &str) -> Attr<T> {
        if self.value.is_unknown() {
            return Attr::Unknown;
        }
        Attr::from_value(self.value.get(name), &self.at.attribute(name)).unwrap_or_else(|errors| {
            self.errors.extend(errors);
            Attr::Null
        })
    }

    /// A model whose attributes stand in this object; `None` where one of them is wrong.
    pub fn flattened<M: Model>(&mut self) -> Option<M> {
        M::from_value(self.value, self.at).map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// What was wrong.
    ///
    /// # Errors
    /// Every diagnostic, in the order of the attributes.
    pub fn finish(self) -> Result<(), Diagnostics> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }
}

/// The text for a value of another type than its attribute's; shows no part of the value.
pub(crate) fn wrong_type(expected: &Type, found: &Value, at: &Path) -> Diagnostics {
    let detail = format!("This attribute takes a value of type {expected}, but it is {}. Write a {expected} here.", found.kind());
    vec![Diagnostic::error(at.clone(), "Wrong type of value", detail)]
}
