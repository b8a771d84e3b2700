//! Which Rust types stand for which Terraform types.

use std::collections::BTreeMap;

use crate::{
    Attr, AttributeType, Diagnostic, Diagnostics, Model, Nesting, Number, Path, Set, TfType, Type, Value, model::wrong_type,
    schema::object_type,
};

impl TfType for String {
    fn ty() -> Type {
        Type::String
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        value.plain().as_str().map(str::to_owned).ok_or_else(|| wrong_type(&Self::ty(), value, at))
    }

    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl TfType for bool {
    fn ty() -> Type {
        Type::Bool
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        value.plain().as_bool().ok_or_else(|| wrong_type(&Self::ty(), value, at))
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl TfType for Number {
    fn ty() -> Type {
        Type::Number
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        value.plain().as_number().cloned().ok_or_else(|| wrong_type(&Self::ty(), value, at))
    }

    fn to_value(&self) -> Value {
        Value::Number(self.clone())
    }
}

impl TfType for i64 {
    fn ty() -> Type {
        Type::Number
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        Number::from_known(value, at)?.as_i64().ok_or_else(|| {
            let detail = format!("This attribute takes a whole number from {} to {}. Write one without a fraction.", i64::MIN, i64::MAX);
            vec![Diagnostic::error(at.clone(), "Not a whole number", detail)]
        })
    }

    fn to_value(&self) -> Value {
        Value::from(*self)
    }
}

impl TfType for Value {
    fn ty() -> Type {
        Type::Dynamic
    }

    fn from_known(value: &Value, _at: &Path) -> Result<Self, Diagnostics> {
        Ok(value.clone())
    }

    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl<M: Model> TfType for M {
    fn ty() -> Type {
        object_type(&M::attributes())
    }

    fn attribute_type() -> AttributeType {
        AttributeType::Nested(Nesting::Single, M::attributes())
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        M::from_value(value, at)
    }

    fn to_value(&self) -> Value {
        Model::to_value(self)
    }
}

impl<T: TfType> TfType for Vec<Attr<T>> {
    fn ty() -> Type {
        Type::list(T::ty())
    }

    fn attribute_type() -> AttributeType {
        many_of::<T>(Nesting::List, Self::ty())
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        list_of(value, &Self::ty(), at, Attr::from_value)
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(Attr::to_value).collect())
    }
}

impl<M: Model> TfType for Vec<M> {
    fn ty() -> Type {
        Type::list(M::ty())
    }

    fn attribute_type() -> AttributeType {
        many_of::<M>(Nesting::List, Self::ty())
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        list_of(value, &Self::ty(), at, not_null)
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(Model::to_value).collect())
    }
}

impl<T: TfType> TfType for Set<T> {
    fn ty() -> Type {
        Type::set(T::ty())
    }

    fn attribute_type() -> AttributeType {
        many_of::<T>(Nesting::Set, Self::ty())
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        // An element of a set has no place of its own.
        let items: Vec<Attr<T>> = list_of(value, &Self::ty(), at, |item, _| Attr::from_value(item, at))?;
        Ok(items.into_iter().collect())
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(Attr::to_value).collect())
    }
}

impl<T: TfType> TfType for BTreeMap<String, Attr<T>> {
    fn ty() -> Type {
        Type::map(T::ty())
    }

    fn attribute_type() -> AttributeType {
        many_of::<T>(Nesting::Map, Self::ty())
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        map_of(value, &Self::ty(), at, Attr::from_value)
    }

    fn to_value(&self) -> Value {
        Value::Map(self.iter().map(|(key, item)| (key.clone(), item.to_value())).collect())
    }
}

impl<M: Model> TfType for BTreeMap<String, M> {
    fn ty() -> Type {
        Type::map(M::ty())
    }

    fn attribute_type() -> AttributeType {
        many_of::<M>(Nesting::Map, Self::ty())
    }

    fn from_known(value: &Value, at: &Path) -> Result<Self, Diagnostics> {
        map_of(value, &Self::ty(), at, not_null)
    }

    fn to_value(&self) -> Value {
        Value::Map(self.iter().map(|(key, item)| (key.clone(), Model::to_value(item))).collect())
    }
}

/// Objects stand in the schema as nested attributes; lists of lists of them, which the protocol doesn't know, as a plain type.
fn many_of<T: TfType>(nesting: Nesting, plain: Type) -> AttributeType {
    match T::attribute_type() {
        AttributeType::Nested(Nesting::Single, attributes) => AttributeType::Nested(nesting, attributes),
        _ => AttributeType::Plain(plain),
    }
}

fn not_null<M: Model>(value: &Value, at: &Path) -> Result<M, Diagnostics> {
    if value.is_null() {
        let detail = "Each element must be an object. Leave out what shall not be there, e.g. with `[for x in list : x if x != null]`.";
        return Err(vec![Diagnostic::error(at.clone(), "Null element", detail)]);
    }
    M::from_value(value, at)
}

fn list_of<T>(value: &Value, ty: &Type, at: &Path, read: impl Fn(&Value, &Path) -> Result<T, Diagnostics>) -> Result<Vec<T>, Diagnostics> {
    let items = value.plain().as_list().ok_or_else(|| wrong_type(ty, value, at))?;
    all(items.iter().enumerate().map(|(index, item)| read(item, &at.index(index))))
}

fn map_of<T>(
    value: &Value,
    ty: &Type,
    at: &Path,
    read: impl Fn(&Value, &Path) -> Result<T, Diagnostics>,
) -> Result<BTreeMap<String, T>, Diagnostics> {
    let items = value.plain().as_map().ok_or_else(|| wrong_type(ty, value, at))?;
    let items: Vec<_> = all(items.iter().map(|(key, item)| Ok((key.clone(), read(item, &at.key(key))?))))?;
    Ok(items.into_iter().collect())
}

/// Every item, or every error.
fn all<T>(results: impl Iterator<Item = Result<T, Diagnostics>>) -> Result<Vec<T>, Diagnostics> {
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(item) => items.push(item),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(items) } else { Err(errors) }
}
