//! Values in JSON, in go-cty's form: what Terraform keeps states in.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{CodecError, Problem, VALUE_DEPTH_MAX};
use crate::{Path, Step, Type, Value, value::canonical_set};

/// What to do with attributes that the type doesn't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surplus {
    /// An error.
    Refuse,
    /// Pass over them: a state of an older release may still hold what a newer one dropped.
    Ignore,
}

/// Reads JSON text. Attributes that are missing are null: an older state doesn't know newer attributes.
///
/// As in go-cty, a string that spells a number or a bool is taken for one, and a number or bool for a string: attributes change their types.
///
/// # Errors
/// [`CodecError`]: the first thing that is wrong.
pub fn decode(text: &[u8], ty: &Type, surplus: Surplus) -> Result<Value, CodecError> {
    let json = serde_json::from_slice(text).map_err(|error| Problem::Json { line: error.line(), column: error.column() })?;
    from_json(&json, ty, surplus)
}

/// Reads JSON that is parsed already; else like [`decode`].
///
/// # Errors
/// [`CodecError`]: the first thing that is wrong.
pub fn from_json(json: &Json, ty: &Type, surplus: Surplus) -> Result<Value, CodecError> {
    read(json, ty, surplus, VALUE_DEPTH_MAX)
}

/// Writes JSON text. Attributes that an object lacks are written as null.
///
/// # Errors
/// [`CodecError`], where something is unknown, has another type, or is too much.
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, CodecError> {
    Ok(to_json(value, ty)?.to_string().into_bytes())
}

/// Writes JSON as a tree; else like [`encode`].
///
/// # Errors
/// [`CodecError`], where something is unknown, has another type, or is too much.
pub fn to_json(value: &Value, ty: &Type) -> Result<Json, CodecError> {
    write(value, ty, VALUE_DEPTH_MAX)
}

fn read(json: &Json, ty: &Type, surplus: Surplus, depth: usize) -> Result<Value, CodecError> {
    let depth = depth.checked_sub(1).ok_or(Problem::TooDeep)?;
    let next = |json: &Json, ty: &Type, step: Step| read(json, ty, surplus, depth).map_err(|error| error.within(step));
    match (json, ty) {
        (Json::Null, _) => Ok(Value::Null),
        (_, Type::Dynamic) => read_dynamic(json, surplus, depth),
        (_, Type::Bool | Type::Number | Type::String) => Ok(read_primitive(json, ty)?),
        (Json::Array(items), Type::List(element)) => {
            let items = items.iter().enumerate().map(|(index, item)| next(item, element, Step::Index(index)));
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        (Json::Array(items), Type::Set(element)) => {
            // An element of a set has no place of its own: its path would be its value.
            let items = items.iter().map(|item| read(item, element, surplus, depth));
            let items: Result<Vec<_>, _> = items.collect();
            items.map(canonical_set).map(Value::List).map_err(|error| CodecError { path: Path::root(), ..error })
        }
        (Json::Array(items), Type::Tuple(elements)) => {
            if items.len() != elements.len() {
                return Err(Problem::TupleLength { expected: elements.len(), found: items.len() }.into());
            }
            let items = items.iter().zip(elements).enumerate().map(|(index, (item, ty))| next(item, ty, Step::Index(index)));
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        (Json::Object(items), Type::Map(element)) => {
            let items = items.iter().map(|(key, item)| Ok((key.clone(), next(item, element, Step::Key(key.clone()))?)));
            Ok(Value::Map(items.collect::<Result<_, CodecError>>()?))
        }
        (Json::Object(items), Type::Object(attributes)) => {
            let unsupported = items.keys().find(|name| !attributes.contains_key(*name));
            if let (Some(name), Surplus::Refuse) = (unsupported, surplus) {
                return Err(Problem::Surplus(name.clone()).into());
            }
            let attribute = |(name, ty): (&String, &Type)| {
                let json = items.get(name).unwrap_or(&Json::Null);
                Ok((name.clone(), next(json, ty, Step::Attribute(name.clone()))?))
            };
            Ok(Value::Map(attributes.iter().map(attribute).collect::<Result<_, CodecError>>()?))
        }
        (found, expected) => Err(Problem::kind(expected, kind(found)).into()),
    }
}

fn read_primitive(json: &Json, ty: &Type) -> Result<Value, Problem> {
    match (json, ty) {
        (Json::Bool(flag), Type::Bool) => Ok(Value::Bool(*flag)),
        (Json::String(text), Type::Bool) => match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(Problem::kind(ty, "a string")),
        },
        (Json::Number(number), Type::Number) => Ok(Value::Number(number.as_str().parse()?)),
        (Json::String(text), Type::Number) => Ok(Value::Number(text.parse()?)),
        (Json::String(text), Type::String) => Ok(Value::String(text.clone())),
        (Json::Number(number), Type::String) => Ok(Value::String(number.to_string())),
        (Json::Bool(flag), Type::String) => Ok(Value::String(flag.to_string())),
        (found, expected) => Err(Problem::kind(expected, kind(found))),
    }
}

fn read_dynamic(json: &Json, surplus: Surplus, depth: usize) -> Result<Value, CodecError> {
    let parts = json.as_object().filter(|parts| parts.len() == 2).ok_or(Problem::Dynamic)?;
    let (Some(ty), Some(value)) = (parts.get("type"), parts.get("value")) else { return Err(Problem::Dynamic.into()) };
    let ty = Type::from_json(ty).map_err(Problem::from)?;
    let value = read(value, &ty, surplus, depth)?;
    Ok(Value::Dynamic(Box::new((ty, value))))
}

fn write(value: &Value, ty: &Type, depth: usize) -> Result<Json, CodecError> {
    let depth = depth.checked_sub(1).ok_or(Problem::TooDeep)?;
    let next = |value: &Value, ty: &Type, step: Step| write(value, ty, depth).map_err(|error| error.within(step));
    match (value, ty) {
        (Value::Null, _) => Ok(Json::Null),
        (Value::Unknown, _) => Err(Problem::Unknown.into()),
        (Value::Dynamic(inner), Type::Dynamic) => write_dynamic(&inner.1, &inner.0, depth),
        (_, Type::Dynamic) => write_dynamic(value, &value.implied_type(), depth),
        // Within a dynamic value everything has one type already.
        (Value::Dynamic(inner), ty) if inner.0 == *ty => write(&inner.1, ty, depth),
        (Value::Bool(flag), Type::Bool) => Ok(Json::Bool(*flag)),
        (Value::String(text), Type::String) => Ok(Json::String(text.clone())),
        (Value::Number(number), Type::Number) => {
            let number = number.to_string().parse().map_err(|_| crate::NumberError::Malformed)?;
            Ok(Json::Number(number))
        }
        (Value::List(items), Type::List(element)) => {
            items.iter().enumerate().map(|(index, item)| next(item, element, Step::Index(index))).collect()
        }
        (Value::List(items), Type::Set(element)) => {
            let items: Result<Json, _> = items.iter().map(|item| write(item, element, depth)).collect();
            items.map_err(|error| CodecError { path: Path::root(), ..error })
        }
        (Value::List(items), Type::Tuple(elements)) => {
            if items.len() != elements.len() {
                return Err(Problem::TupleLength { expected: elements.len(), found: items.len() }.into());
            }
            items.iter().zip(elements).enumerate().map(|(index, (item, ty))| next(item, ty, Step::Index(index))).collect()
        }
        (Value::Map(items), Type::Map(element)) => {
            let items = items.iter().map(|(key, item)| Ok((key.clone(), next(item, element, Step::Key(key.clone()))?)));
            Ok(Json::Object(items.collect::<Result<_, CodecError>>()?))
        }
        (Value::Map(items), Type::Object(attributes)) => write_object(items, attributes, depth),
        (found, expected) => Err(Problem::kind(expected, found.kind()).into()),
    }
}

fn write_object(items: &BTreeMap<String, Value>, attributes: &BTreeMap<String, Type>, depth: usize) -> Result<Json, CodecError> {
    if let Some(name) = items.keys().find(|name| !attributes.contains_key(*name)) {
        return Err(Problem::Surplus(name.clone()).into());
    }
    let mut object = Map::new();
    for (name, ty) in attributes {
        let item = items.get(name).unwrap_or(&Value::Null);
        object.insert(name.clone(), write(item, ty, depth).map_err(|error| error.within(Step::Attribute(name.clone())))?);
    }
    Ok(Json::Object(object))
}

fn write_dynamic(value: &Value, ty: &Type, depth: usize) -> Result<Json, CodecError> {
    let mut object = Map::new();
    object.insert("type".to_owned(), ty.to_json());
    object.insert("value".to_owned(), write(value, ty, depth)?);
    Ok(Json::Object(object))
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
