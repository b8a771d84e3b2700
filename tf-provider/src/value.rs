//! Terraform values: null, unknown or known, as they cross the protocol.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use crate::{Number, Type};

/// A value of any Terraform type. Lists, sets and tuples are [`Value::List`]; maps and objects are [`Value::Map`]:
/// the schema says which one is meant, so the two need no variant of their own. The codecs give a set's elements in
/// [canonical order](Value::canonical), so that two decoded values of one type are equal exactly if Terraform says so.
#[derive(Clone, Default, PartialEq)]
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
    /// Whether this is null, also a `dynamic` attribute's null of a known type.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.plain(), Self::Null)
    }

    /// Whether this itself is unknown; what is in it may be unknown even if not.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.plain(), Self::Unknown)
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

    /// The value without the type that a `dynamic` one brings.
    #[must_use]
    pub fn plain(&self) -> &Value {
        if let Self::Dynamic(inner) = self { inner.1.plain() } else { self }
    }

    /// The string, where this is a known one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The flag, where this is a known boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// The number, where this is a known one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The elements, where this is a known list, set or tuple.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(items) = self { Some(items) } else { None }
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

    /// An object or map of these.
    #[must_use]
    pub fn object<'a>(attributes: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Map(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// An object of these attributes and those of other objects.
    #[must_use]
    pub fn joined<'a>(attributes: impl IntoIterator<Item = (&'a str, Value)>, others: &[Self]) -> Self {
        let mut all: BTreeMap<String, Self> = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for other in others {
            all.extend(other.as_map().cloned().unwrap_or_default());
        }
        Self::Map(all)
    }

    /// The type of a value that came without one: a list counts as tuple, a map as object, null and unknown as `dynamic`.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        match self {
            Self::Null | Self::Unknown => Type::Dynamic,
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::List(items) => Type::Tuple(items.iter().map(Self::implied_type).collect()),
            Self::Map(items) => Type::Object(items.iter().map(|(name, value)| (name.clone(), value.implied_type())).collect()),
            Self::Dynamic(inner) => inner.0.clone(),
        }
    }

    /// A total order over values of any kind, for sets: the same on every machine and in every release.
    #[must_use]
    pub fn canonical_cmp(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => in_turn(a, b, Self::canonical_cmp),
            (Self::Map(a), Self::Map(b)) => in_turn(a, b, |a, b| a.0.cmp(b.0).then_with(|| a.1.canonical_cmp(b.1))),
            (Self::Dynamic(a), Self::Dynamic(b)) => {
                a.1.canonical_cmp(&b.1).then_with(|| if a.0 == b.0 { Ordering::Equal } else { a.0.to_bytes().cmp(&b.0.to_bytes()) })
            }
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    /// For messages: what this is, never what is in it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown => "unknown",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "an object or map",
            Self::Dynamic(_) => "a value with a type of its own",
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Unknown => 1,
            Self::Bool(_) => 2,
            Self::Number(_) => 3,
            Self::String(_) => 4,
            Self::List(_) => 5,
            Self::Map(_) => 6,
            Self::Dynamic(_) => 7,
        }
    }

    /// This value of type `ty` with every set in it sorted and without repetitions. Elements that are not wholly known stay
    /// apart: they may turn out to differ.
    #[must_use]
    pub fn canonical(self, ty: &Type) -> Self {
        match (self, ty) {
            (Self::List(items), Type::Set(element)) => {
                Self::List(canonical_set(items.into_iter().map(|item| item.canonical(element)).collect()))
            }
            (Self::List(items), Type::List(element)) => Self::List(items.into_iter().map(|item| item.canonical(element)).collect()),
            (Self::List(items), Type::Tuple(elements)) if items.len() == elements.len() => {
                Self::List(items.into_iter().zip(elements).map(|(item, element)| item.canonical(element)).collect())
            }
            (Self::Map(items), Type::Map(element)) => {
                Self::Map(items.into_iter().map(|(key, item)| (key, item.canonical(element))).collect())
            }
            (Self::Map(items), Type::Object(attributes)) => {
                let canonical = |(name, item): (String, Self)| {
                    let item = if let Some(ty) = attributes.get(&name) { item.canonical(ty) } else { item };
                    (name, item)
                };
                Self::Map(items.into_iter().map(canonical).collect())
            }
            (Self::Dynamic(inner), _) => {
                let (ty, value) = *inner;
                let value = value.canonical(&ty);
                Self::Dynamic(Box::new((ty, value)))
            }
            (other, _) => other,
        }
    }

    /// Whether two values of type `ty` are the same to Terraform: sets have no order.
    #[must_use]
    pub fn same(&self, other: &Value, ty: &Type) -> bool {
        self == other || self.clone().canonical(ty) == other.clone().canonical(ty)
    }
}

/// A set's elements in canonical order, each known one once.
pub(crate) fn canonical_set(mut items: Vec<Value>) -> Vec<Value> {
    items.sort_by(Value::canonical_cmp);
    items.dedup_by(|a, b| a == b && a.is_wholly_known());
    items
}

fn in_turn<A, B>(
    a: impl IntoIterator<Item = A, IntoIter: ExactSizeIterator>,
    b: impl IntoIterator<Item = B, IntoIter: ExactSizeIterator>,
    compare: impl Fn(A, B) -> Ordering,
) -> Ordering {
    let (a, b) = (a.into_iter(), b.into_iter());
    let lengths = a.len().cmp(&b.len());
    a.zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne()).unwrap_or(lengths)
}

/// Compact, in HCL's words: `{name: "x", ids: [unknown], size: 3}`. It shows strings: never log a value that may hold a
/// secret without [`crate::Schema::redact`].
impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Unknown => out.write_str("unknown"),
            Self::Bool(flag) => write!(out, "{flag}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::String(text) => write!(out, "{text:?}"),
            Self::List(items) => out.debug_list().entries(items).finish(),
            Self::Map(items) => out.debug_map().entries(items.iter().map(|(name, value)| (Bare(name), value))).finish(),
            Self::Dynamic(inner) => write!(out, "dynamic({}, {:?})", inner.0, inner.1),
        }
    }
}

struct Bare<'a>(&'a str);

impl fmt::Debug for Bare<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
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

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<Value>> From<BTreeMap<String, V>> for Value {
    fn from(items: BTreeMap<String, V>) -> Self {
        Self::Map(items.into_iter().map(|(key, item)| (key, item.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Value {
        Value::from(items.to_vec())
    }

    #[test]
    fn sets_have_no_order_and_no_repetitions() {
        let set = Type::set(Type::String);
        assert!(list(&["b", "a", "b"]).same(&list(&["a", "b"]), &set));
        assert!(!list(&["a"]).same(&list(&["a", "b"]), &set));
        assert!(!list(&["b", "a"]).same(&list(&["a", "b"]), &Type::list(Type::String)));
        let nested = Type::object([("s", set.clone()), ("d", Type::Dynamic)]);
        let value = |items: &[&str]| {
            Value::object([("s", list(items)), ("d", Value::Dynamic(Box::new((set.clone(), list(items))))), ("surplus", list(items))])
        };
        assert_eq!(value(&["b", "a"]).canonical(&nested).get("d"), value(&["a", "b"]).get("d"));
        assert_eq!(value(&["b", "a"]).canonical(&nested).get("s"), &list(&["a", "b"]));
        assert_eq!(value(&["b", "a"]).canonical(&nested).get("surplus"), &list(&["b", "a"]), "what the type doesn't know stays");
    }

    #[test]
    fn unknown_elements_of_a_set_stay_apart() {
        let unknowns = Value::List(vec![Value::Unknown, Value::from("a"), Value::Unknown]);
        assert_eq!(unknowns.canonical(&Type::set(Type::String)), Value::List(vec![Value::Unknown, Value::Unknown, Value::from("a")]));
    }

    #[test]
    fn a_dynamic_null_is_null() {
        assert!(Value::Dynamic(Box::new((Type::String, Value::Null))).is_null());
        assert!(Value::Dynamic(Box::new((Type::String, Value::Unknown))).is_unknown());
        assert!(!Value::Dynamic(Box::new((Type::String, Value::from("")))).is_null());
    }

    #[test]
    fn debug_is_short() {
        let value = Value::object([("n", Value::from(3)), ("s", list(&["a"])), ("u", Value::Unknown), ("z", Value::Null)]);
        assert_eq!(format!("{value:?}"), r#"{n: 3, s: ["a"], u: unknown, z: null}"#);
    }
}
