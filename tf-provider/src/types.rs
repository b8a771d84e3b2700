//! Terraform's type constraints.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value as Json, json};

/// Deepest nesting of a type constraint that is read, in levels. A type comes from Terraform with each `dynamic` value.
pub const TYPE_DEPTH_MAX: usize = 64;

/// A type constraint, as schemas name it (cty's JSON form: `"string"`, `["list","string"]`, `["object",{…}]`).
/// [`fmt::Display`] writes it as Terraform's messages do: `list of string`.
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

/// Why a text is no type constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// Not JSON, or JSON of another shape.
    #[error("this is not a type constraint in JSON")]
    Malformed,
    /// Nested deeper than [`TYPE_DEPTH_MAX`].
    #[error("a type constraint may be nested at most {TYPE_DEPTH_MAX} levels deep")]
    TooDeep,
}

impl Type {
    /// A list of this.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of this.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of this.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object of these.
    #[must_use]
    pub fn object<'a>(attributes: impl IntoIterator<Item = (&'a str, Type)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, ty)| (name.to_owned(), ty)).collect())
    }

    /// cty's JSON form.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Tuple(elements) => json!(["tuple", elements.iter().map(Self::to_json).collect::<Vec<_>>()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes.iter().map(|(name, ty)| (name.clone(), ty.to_json())).collect();
                json!(["object", attributes])
            }
        }
    }

    /// cty's JSON form, as it stands in the protocol.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// From cty's JSON form.
    ///
    /// # Errors
    /// [`TypeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TypeError> {
        Self::from_json(&serde_json::from_slice(bytes).map_err(|_| TypeError::Malformed)?)
    }

    /// From cty's JSON form.
    ///
    /// # Errors
    /// [`TypeError`].
    pub fn from_json(json: &Json) -> Result<Self, TypeError> {
        Self::from_json_at(json, 1)
    }

    fn from_json_at(json: &Json, depth: usize) -> Result<Self, TypeError> {
        if depth > TYPE_DEPTH_MAX {
            return Err(TypeError::TooDeep);
        }
        let nested = |json: &Json| Self::from_json_at(json, depth + 1);
        if let Some(primitive) = json.as_str() {
            return primitive_named(primitive).ok_or(TypeError::Malformed);
        }
        let parts = json.as_array().map(Vec::as_slice).unwrap_or_default();
        let (kind, of) = match parts {
            [kind, of] => (kind, of),
            // The third part names an object's optional attributes, which values don't have.
            [kind, of, Json::Array(names)] if kind == "object" && names.iter().all(Json::is_string) => (kind, of),
            _ => return Err(TypeError::Malformed),
        };
        match (kind.as_str(), of) {
            (Some("list"), of) => Ok(Self::list(nested(of)?)),
            (Some("set"), of) => Ok(Self::set(nested(of)?)),
            (Some("map"), of) => Ok(Self::map(nested(of)?)),
            (Some("tuple"), Json::Array(of)) => Ok(Self::Tuple(of.iter().map(nested).collect::<Result<_, _>>()?)),
            (Some("object"), Json::Object(of)) => {
                let attributes = of.iter().map(|(name, ty)| Ok((name.clone(), nested(ty)?)));
                Ok(Self::Object(attributes.collect::<Result<_, TypeError>>()?))
            }
            _ => Err(TypeError::Malformed),
        }
    }

    /// Whether `dynamic` stands anywhere in it.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::String | Self::Number | Self::Bool => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
        }
    }
}

fn primitive_named(name: &str) -> Option<Type> {
    match name {
        "string" => Some(Type::String),
        "number" => Some(Type::Number),
        "bool" => Some(Type::Bool),
        "dynamic" => Some(Type::Dynamic),
        _ => None,
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => out.write_str("string"),
            Self::Number => out.write_str("number"),
            Self::Bool => out.write_str("bool"),
            Self::Dynamic => out.write_str("dynamic"),
            Self::List(element) => write!(out, "list of {element}"),
            Self::Set(element) => write!(out, "set of {element}"),
            Self::Map(element) => write!(out, "map of {element}"),
            Self::Tuple(_) => out.write_str("tuple"),
            Self::Object(_) => out.write_str("object"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn json_form_is_ctys() {
        let cases = [
            (Type::String, r#""string""#, "string"),
            (Type::Number, r#""number""#, "number"),
            (Type::Bool, r#""bool""#, "bool"),
            (Type::Dynamic, r#""dynamic""#, "dynamic"),
            (Type::list(Type::String), r#"["list","string"]"#, "list of string"),
            (Type::set(Type::map(Type::Bool)), r#"["set",["map","bool"]]"#, "set of map of bool"),
            (Type::Tuple(vec![Type::Bool, Type::Number]), r#"["tuple",["bool","number"]]"#, "tuple"),
            (
                Type::object([("b", Type::Bool), ("a", Type::list(Type::Dynamic))]),
                r#"["object",{"a":["list","dynamic"],"b":"bool"}]"#,
                "object",
            ),
        ];
        for (ty, json, words) in cases {
            assert_eq!(String::from_utf8(ty.to_bytes()).unwrap(), json);
            assert_eq!(Type::from_bytes(json.as_bytes()).unwrap(), ty);
            assert_eq!(ty.to_string(), words);
        }
    }

    #[test]
    fn optional_attributes_are_passed_over() {
        assert_eq!(Type::from_bytes(br#"["object",{"a":"bool"},["a"]]"#).unwrap(), Type::object([("a", Type::Bool)]));
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in [
            "",
            "{",
            "null",
            "3",
            r#""text""#,
            "[]",
            r#"["list"]"#,
            r#"["list","string","string"]"#,
            r#"["list","string",[]]"#,
            r#"["bag","string"]"#,
            r#"["tuple",{}]"#,
            r#"["object",[]]"#,
            r#"["object",{"a":1}]"#,
            r#"["object",{},[1]]"#,
            r#"[["list"],"string"]"#,
            r#""string" "string""#,
        ] {
            assert_eq!(Type::from_bytes(text.as_bytes()), Err(TypeError::Malformed), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| format!("{}\"bool\"{}", r#"["list","#.repeat(levels), "]".repeat(levels));
        assert!(Type::from_bytes(nested(TYPE_DEPTH_MAX - 1).as_bytes()).is_ok());
        assert_eq!(Type::from_bytes(nested(TYPE_DEPTH_MAX).as_bytes()), Err(TypeError::TooDeep));
        // serde_json's own bound comes first here: an error either way, never a stack overflow.
        assert!(Type::from_bytes(nested(1_000_000).as_bytes()).is_err());
    }
}
