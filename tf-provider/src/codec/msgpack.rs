//! Values in MessagePack, in go-cty's form.

use std::collections::BTreeMap;

use rmp::Marker;

use super::{CodecError, Problem, VALUE_DEPTH_MAX};
use crate::{Number, NumberError, Step, Type, Value, value::canonical_set};

/// How many elements are made room for before the first is read: announced lengths are not trusted.
const PREALLOCATED_MAX: usize = 1_024;

/// What go-cty reads of an unknown's refinements, in bytes.
const REFINEMENTS_MAX: usize = 1_024;

/// An unknown value as go-cty writes it: ext code 0, one byte.
const UNKNOWN: [u8; 3] = [0xd4, 0x00, 0x00];

/// Reads one value of type `ty`, and nothing after it.
///
/// Every ext is an unknown value; refinements (ext code 12) are dropped. A set's elements come out in canonical order.
///
/// # Errors
/// [`CodecError`]: the first thing that is wrong. Objects must have exactly their type's attributes.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(ty, VALUE_DEPTH_MAX)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(Problem::Trailing.into()) }
}

/// Writes a value of type `ty`. Attributes that an object lacks are written as null.
///
/// # Errors
/// [`CodecError`], where the value has another type, an object has an attribute too much or something is nested too deep.
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    write(&mut out, value, ty, VALUE_DEPTH_MAX)?;
    Ok(out)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Problem::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Problem::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn marker(&mut self) -> Result<Marker, Problem> {
        let [byte] = self.array()?;
        Ok(Marker::from_u8(byte))
    }

    fn len8(&mut self) -> Result<usize, Problem> {
        Ok(u8::from_be_bytes(self.array()?).into())
    }

    fn len16(&mut self) -> Result<usize, Problem> {
        Ok(u16::from_be_bytes(self.array()?).into())
    }

    fn len32(&mut self) -> Result<usize, Problem> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Problem::TooLarge)
    }

    fn value(&mut self, ty: &Type, depth: usize) -> Result<Value, CodecError> {
        let depth = depth.checked_sub(1).ok_or(Problem::TooDeep)?;
        let marker = self.marker()?;
        if let Some(length) = self.ext_length(marker)? {
            return Ok(self.unknown(length)?);
        }
        match (marker, ty) {
            (Marker::Null, _) => Ok(Value::Null),
            (_, Type::Dynamic) => self.dynamic(marker, depth),
            (Marker::True, Type::Bool) => Ok(Value::Bool(true)),
            (Marker::False, Type::Bool) => Ok(Value::Bool(false)),
            (_, Type::String) => Ok(Value::String(self.text(marker)?.ok_or_else(|| mismatch(marker, ty))?.to_owned())),
            (_, Type::Number) => Ok(Value::Number(self.number(marker)?)),
            (_, Type::List(element)) => Ok(Value::List(self.elements(marker, ty, element, depth)?)),
            // An element of a set has no place of its own: its path would be its value.
            (_, Type::Set(element)) => self
                .elements(marker, ty, element, depth)
                .map(canonical_set)
                .map(Value::List)
                .map_err(|error| CodecError { path: crate::Path::root(), ..error }),
            (_, Type::Tuple(elements)) => self.tuple(marker, ty, elements, depth),
            (_, Type::Map(element)) => self.map(marker, ty, element, depth),
            (_, Type::Object(attributes)) => self.object(marker, ty, attributes, depth),
            (_, Type::Bool) => Err(mismatch(marker, ty).into()),
        }
    }

    fn ext_length(&mut self, marker: Marker) -> Result<Option<usize>, Problem> {
        Ok(Some(match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.len8()?,
            Marker::Ext16 => self.len16()?,
            Marker::Ext32 => self.len32()?,
            _ => return Ok(None),
        }))
    }

    fn unknown(&mut self, length: usize) -> Result<Value, Problem> {
        if length > REFINEMENTS_MAX {
            return Err(Problem::Refinements);
        }
        let _code: [u8; 1] = self.array()?;
        self.take(length)?;
        Ok(Value::Unknown)
    }

    /// The bytes of a string or binary; `None` for anything else.
    fn bytes(&mut self, marker: Marker) -> Result<Option<&'a [u8]>, Problem> {
        let length = match marker {
            Marker::FixStr(length) => length.into(),
            Marker::Str8 | Marker::Bin8 => self.len8()?,
            Marker::Str16 | Marker::Bin16 => self.len16()?,
            Marker::Str32 | Marker::Bin32 => self.len32()?,
            _ => return Ok(None),
        };
        self.take(length).map(Some)
    }

    fn text(&mut self, marker: Marker) -> Result<Option<&'a str>, Problem> {
        self.bytes(marker)?.map(|bytes| std::str::from_utf8(bytes).map_err(|_| Problem::Utf8)).transpose()
    }

    fn number(&mut self, marker: Marker) -> Result<Number, Problem> {
        Ok(match marker {
            Marker::FixPos(number) => i64::from(number).into(),
            Marker::FixNeg(number) => i64::from(number).into(),
            Marker::I8 => i64::from(i8::from_be_bytes(self.array()?)).into(),
            Marker::I16 => i64::from(i16::from_be_bytes(self.array()?)).into(),
            Marker::I32 => i64::from(i32::from_be_bytes(self.array()?)).into(),
            Marker::I64 => i64::from_be_bytes(self.array()?).into(),
            Marker::U8 => u64::from(u8::from_be_bytes(self.array()?)).into(),
            Marker::U16 => u64::from(u16::from_be_bytes(self.array()?)).into(),
            Marker::U32 => u64::from(u32::from_be_bytes(self.array()?)).into(),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::F32 => Number::from_f64(f32::from_be_bytes(self.array()?).into())?,
            Marker::F64 => Number::from_f64(f64::from_be_bytes(self.array()?))?,
            _ => self.text(marker)?.ok_or_else(|| mismatch(marker, &Type::Number))?.parse()?,
        })
    }

    fn array_length(&mut self, marker: Marker) -> Result<Option<usize>, Problem> {
        Ok(Some(match marker {
            Marker::FixArray(length) => length.into(),
            Marker::Array16 => self.len16()?,
            Marker::Array32 => self.len32()?,
            _ => return Ok(None),
        }))
    }

    fn map_length(&mut self, marker: Marker, ty: &Type) -> Result<usize, Problem> {
        match marker {
            Marker::FixMap(length) => Ok(length.into()),
            Marker::Map16 => self.len16(),
            Marker::Map32 => self.len32(),
            _ => Err(mismatch(marker, ty)),
        }
    }

    fn elements(&mut self, marker: Marker, ty: &Type, element: &Type, depth: usize) -> Result<Vec<Value>, CodecError> {
        let length = self.array_length(marker)?.ok_or_else(|| mismatch(marker, ty))?;
        let mut items = Vec::with_capacity(length.min(PREALLOCATED_MAX));
        for index in 0..length {
            items.push(self.value(element, depth).map_err(|error| error.within(Step::Index(index)))?);
        }
        Ok(items)
    }

    fn tuple(&mut self, marker: Marker, ty: &Type, elements: &[Type], depth: usize) -> Result<Value, CodecError> {
        let found = self.array_length(marker)?.ok_or_else(|| mismatch(marker, ty))?;
        if found != elements.len() {
            return Err(Problem::TupleLength { expected: elements.len(), found }.into());
        }
        let items = elements.iter().enumerate();
        let items = items.map(|(index, ty)| self.value(ty, depth).map_err(|error| error.within(Step::Index(index))));
        Ok(Value::List(items.collect::<Result<_, _>>()?))
    }

    fn key(&mut self) -> Result<&'a str, Problem> {
        let marker = self.marker()?;
        self.text(marker)?.ok_or(Problem::Key)
    }

    fn map(&mut self, marker: Marker, ty: &Type, element: &Type, depth: usize) -> Result<Value, CodecError> {
        let mut items = BTreeMap::new();
        for _ in 0..self.map_length(marker, ty)? {
            let key = self.key()?;
            let item = self.value(element, depth).map_err(|error| error.within(Step::Key(key.to_owned())))?;
            items.insert(key.to_owned(), item);
        }
        Ok(Value::Map(items))
    }

    fn object(&mut self, marker: Marker, ty: &Type, attributes: &BTreeMap<String, Type>, depth: usize) -> Result<Value, CodecError> {
        let mut items = BTreeMap::new();
        for _ in 0..self.map_length(marker, ty)? {
            let name = self.key()?;
            let ty = attributes.get(name).ok_or_else(|| Problem::Surplus(name.to_owned()))?;
            let item = self.value(ty, depth).map_err(|error| error.within(Step::Attribute(name.to_owned())))?;
            items.insert(name.to_owned(), item);
        }
        match attributes.keys().find(|name| !items.contains_key(*name)) {
            Some(name) => Err(Problem::Missing(name.clone()).into()),
            None => Ok(Value::Map(items)),
        }
    }

    fn dynamic(&mut self, marker: Marker, depth: usize) -> Result<Value, CodecError> {
        if self.array_length(marker)? != Some(2) {
            return Err(Problem::Dynamic.into());
        }
        let marker = self.marker()?;
        let ty = Type::from_bytes(self.bytes(marker)?.ok_or(Problem::Dynamic)?).map_err(Problem::from)?;
        let value = self.value(&ty, depth)?;
        Ok(Value::Dynamic(Box::new((ty, value))))
    }
}

fn mismatch(marker: Marker, expected: &Type) -> Problem {
    let found = match marker {
        Marker::Null => "null",
        Marker::True | Marker::False => "a bool",
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => "a string",
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => "binary data",
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "a list",
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "a map",
        Marker::Reserved => "nothing that MessagePack knows",
        _ => "a number",
    };
    Problem::kind(expected, found)
}

fn write(out: &mut Vec<u8>, value: &Value, ty: &Type, depth: usize) -> Result<(), CodecError> {
    let depth = depth.checked_sub(1).ok_or(Problem::TooDeep)?;
    match (value, ty) {
        (Value::Null, _) => out.push(Marker::Null.to_u8()),
        (Value::Unknown, _) => out.extend_from_slice(&UNKNOWN),
        (Value::Dynamic(inner), Type::Dynamic) => write_dynamic(out, &inner.1, &inner.0, depth)?,
        (_, Type::Dynamic) => write_dynamic(out, value, &value.implied_type(), depth)?,
        // Within a dynamic value everything has one type already.
        (Value::Dynamic(inner), ty) if inner.0 == *ty => write(out, &inner.1, ty, depth)?,
        (Value::Bool(flag), Type::Bool) => out.push(if *flag { Marker::True } else { Marker::False }.to_u8()),
        (Value::String(text), Type::String) => write_text(out, text)?,
        (Value::Number(number), Type::Number) => write_number(out, number)?,
        (Value::List(items), Type::List(element)) => write_elements(out, items, element, depth)?,
        (Value::List(items), Type::Set(element)) => {
            write_elements(out, items, element, depth).map_err(|error| CodecError { path: crate::Path::root(), ..error })?;
        }
        (Value::List(items), Type::Tuple(elements)) => write_tuple(out, items, elements, depth)?,
        (Value::Map(items), Type::Map(element)) => {
            written(rmp::encode::write_map_len(out, length(items.len())?))?;
            for (key, item) in items {
                write_text(out, key)?;
                write(out, item, element, depth).map_err(|error| error.within(Step::Key(key.clone())))?;
            }
        }
        (Value::Map(items), Type::Object(attributes)) => write_object(out, items, attributes, depth)?,
        (found, expected) => return Err(Problem::kind(expected, found.kind()).into()),
    }
    Ok(())
}

fn write_elements(out: &mut Vec<u8>, items: &[Value], element: &Type, depth: usize) -> Result<(), CodecError> {
    written(rmp::encode::write_array_len(out, length(items.len())?))?;
    for (index, item) in items.iter().enumerate() {
        write(out, item, element, depth).map_err(|error| error.within(Step::Index(index)))?;
    }
    Ok(())
}

fn write_tuple(out: &mut Vec<u8>, items: &[Value], elements: &[Type], depth: usize) -> Result<(), CodecError> {
    if items.len() != elements.len() {
        return Err(Problem::TupleLength { expected: elements.len(), found: items.len() }.into());
    }
    written(rmp::encode::write_array_len(out, length(items.len())?))?;
    for (index, (item, ty)) in items.iter().zip(elements).enumerate() {
        write(out, item, ty, depth).map_err(|error| error.within(Step::Index(index)))?;
    }
    Ok(())
}

fn write_object(
    out: &mut Vec<u8>,
    items: &BTreeMap<String, Value>,
    attributes: &BTreeMap<String, Type>,
    depth: usize,
) -> Result<(), CodecError> {
    if let Some(surplus) = items.keys().find(|name| !attributes.contains_key(*name)) {
        return Err(Problem::Surplus(surplus.clone()).into());
    }
    written(rmp::encode::write_map_len(out, length(attributes.len())?))?;
    for (name, ty) in attributes {
        write_text(out, name)?;
        let item = items.get(name).unwrap_or(&Value::Null);
        write(out, item, ty, depth).map_err(|error| error.within(Step::Attribute(name.clone())))?;
    }
    Ok(())
}

fn write_dynamic(out: &mut Vec<u8>, value: &Value, ty: &Type, depth: usize) -> Result<(), CodecError> {
    written(rmp::encode::write_array_len(out, 2))?;
    let ty_bytes = ty.to_bytes();
    length(ty_bytes.len())?;
    written(rmp::encode::write_bin(out, &ty_bytes))?;
    write(out, value, ty, depth)
}

/// As go-cty does: integers that fit as such, other numbers as floats where that is exact, everything else as text.
fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), Problem> {
    if let Some(integer) = number.as_i64() {
        return written(rmp::encode::write_sint(out, integer));
    }
    match number.as_exact_f64() {
        Some(float) if !number.is_integer() => written(rmp::encode::write_f64(out, float)),
        _ => write_text(out, &number.to_string()),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) -> Result<(), Problem> {
    length(text.len())?;
    written(rmp::encode::write_str(out, text))
}

fn length(length: usize) -> Result<u32, Problem> {
    u32::try_from(length).map_err(|_| Problem::TooLarge)
}

/// Writing to memory fails for no other reason than its size.
fn written<T, E>(result: Result<T, E>) -> Result<(), Problem> {
    result.map(|_| ()).map_err(|_| Problem::TooLarge)
}

impl From<NumberError> for CodecError {
    fn from(error: NumberError) -> Self {
        Problem::from(error).into()
    }
}

#[cfg(test)]
#[path = "msgpack_tests.rs"]
mod tests;
