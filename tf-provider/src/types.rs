//! Terraform's type constraints.

use std::collections::BTreeMap;

/// A type constraint, as schemas name it (cty's JSON form: `"string"`, `["list","string"]`, `["object",{…}]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `string`
    String,
    /// `number`
    Number,
    /// `bool`
    Bool,
    /// `dynamic`: the value brings its type.
    Dynamic,
    /// `list(T)`
    List(Box<Type>),
    /// `set(T)`
    Set(Box<Type>),
    /// `map(T)`
    Map(Box<Type>),
    /// `tuple([T, …])`
    Tuple(Vec<Type>),
    /// `object({name = T, …})`
    Object(BTreeMap<String, Type>),
}
