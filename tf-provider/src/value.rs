//! Terraform values: null, unknown or known, as they cross the protocol.

use std::collections::BTreeMap;

use crate::{Number, Type};

/// A value of any Terraform type. Lists, sets and tuples are [`Value::List`]; maps and objects are [`Value::Map`]:
/// the schema says which one is meant, so the two need no variant of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Terraform's null: not set.
    #[default]
    Null,
    /// Known only after apply.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// An exact number.
    Number(Number),
    /// A string.
    String(String),
    /// Elements of a list, set or tuple.
    List(Vec<Value>),
    /// Elements of a map, attributes of an object.
    Map(BTreeMap<String, Value>),
    /// The value of a `dynamic` attribute with the type it came with.
    Dynamic(Box<(Type, Value)>),
}

impl Value {
    /// Whether this is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this and everything in it is known; null is known.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(items) => items.iter().all(Self::is_wholly_known),
            Self::Map(items) => items.values().all(Self::is_wholly_known),
            Self::Dynamic(inner) => inner.1.is_wholly_known(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// The string, where this is a known one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The attributes or elements, where this is a known object or map.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        if let Self::Map(items) = self { Some(items) } else { None }
    }

    /// The named attribute of an object; null where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &Value {
        self.as_map().and_then(|items| items.get(name)).unwrap_or(&Self::Null)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}
