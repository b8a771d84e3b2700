//! Rules of a plan.

use super::{Rule, broken, conform, without_write_only};
use crate::{Attribute, AttributeType, Diagnostics, Mode, Nesting, Path, Schema, Step, Type, Value};

const I2: Rule = Rule { id: "I2", text: "what is set in the configuration is planned exactly so, or stays exactly as it was" };
const I3: Rule = Rule { id: "I3", text: "what is not set in the configuration, and isn't computed, is planned null" };
const I4: Rule = Rule { id: "I4", text: "only computed attributes that the configuration leaves out may be unknown" };
const I5: Rule = Rule { id: "I5", text: "a plan conforms to the schema, and is null exactly for a destroy" };
const I9: Rule = Rule { id: "I9", text: "every path that forces a replacement exists in the schema" };
const I11: Rule = Rule { id: "I11", text: "the plan of a destroy is null" };

/// What was asked.
pub(crate) struct Asked<'a> {
    /// The resource's schema.
    pub(crate) schema: &'a Schema,
    /// Its type.
    pub(crate) ty: &'a Type,
    /// As the user wrote it; null: destroy.
    pub(crate) config: &'a Value,
    /// The state before.
    pub(crate) prior: &'a Value,
}

/// The plan as it may be sent, if nothing is added to `diagnostics`.
pub(crate) fn check(asked: &Asked<'_>, planned: Value, replace: &[Path], diagnostics: &mut Diagnostics) -> Value {
    let root = Path::root();
    if asked.config.is_null() {
        if !planned.is_null() {
            diagnostics.push(broken(I11, &root, "The plan of a destroy holds an object"));
        }
        return Value::Null;
    }
    let planned = without_write_only(&asked.schema.attributes, planned);
    let planned = match conform(&planned, asked.ty) {
        Ok(planned) => planned,
        Err(error) => {
            diagnostics.push(broken(I5, &error.path, &format!("The plan doesn't fit the schema: {}", error.problem)));
            return asked.prior.clone();
        }
    };
    if !matches!(planned, Value::Map(_)) {
        diagnostics.push(broken(I5, &root, "The plan is null or unknown, but the configuration wants an object"));
        return asked.prior.clone();
    }
    object(&asked.schema.attributes, asked.config, asked.prior, &planned, &root, diagnostics);
    for path in replace {
        if !exists(&asked.schema.attributes, &path.0) {
            diagnostics.push(broken(I9, &root, &format!("{path} is to force a replacement, but there is no such attribute")));
        }
    }
    planned
}

fn object(attributes: &[Attribute], config: &Value, prior: &Value, planned: &Value, at: &Path, found: &mut Diagnostics) {
    for attribute in attributes {
        let name = &attribute.name;
        value(attribute, config.get(name), prior.get(name), planned.get(name), &at.attribute(name), found);
    }
}

fn value(attribute: &Attribute, config: &Value, prior: &Value, planned: &Value, at: &Path, found: &mut Diagnostics) {
    let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
    let kept = planned == prior && !prior.is_null() && !config.is_null();
    if planned == config || kept || attribute.write_only || attribute.mode == Mode::Computed || (config.is_null() && computed) {
        return;
    }
    if config.is_null() {
        let (rule, what) = if planned.is_unknown() { (I4, "is planned unknown") } else { (I3, "is planned with a value") };
        found.push(broken(rule, at, &format!("{at} is not set and not computed, but {what}")));
        return;
    }
    if let AttributeType::Nested(nesting, nested) = &attribute.ty {
        objects(*nesting, nested, [config, prior, planned], at, found);
        return;
    }
    if planned.is_unknown() {
        found.push(broken(I4, at, &format!("{at} is set, but planned unknown")));
    } else {
        found.push(broken(I2, at, &format!("{at} is planned neither as configured nor as it was")));
    }
}

/// A nested attribute that is set, and planned in another way than it is set.
fn objects(nesting: Nesting, nested: &[Attribute], values: [&Value; 3], at: &Path, found: &mut Diagnostics) {
    let [config, prior, planned] = values;
    match (nesting, config, planned) {
        (_, Value::Unknown, _) => found.push(broken(I2, at, &format!("{at} is unknown in the configuration, but planned with a value"))),
        (_, _, Value::Unknown) => found.push(broken(I4, at, &format!("{at} is set, but planned unknown as a whole"))),
        (_, _, Value::Null) => found.push(broken(I2, at, &format!("{at} is set, but planned null"))),
        (Nesting::Single, ..) => object(nested, config, prior, planned, at, found),
        (Nesting::List, Value::List(configured), Value::List(items)) if configured.len() == items.len() => {
            let before = prior.as_list().unwrap_or_default();
            for (index, (config, planned)) in configured.iter().zip(items).enumerate() {
                object(nested, config, before.get(index).unwrap_or(&Value::Null), planned, &at.index(index), found);
            }
        }
        (Nesting::Map, Value::Map(configured), Value::Map(items)) if configured.keys().eq(items.keys()) => {
            for (key, planned) in items {
                object(nested, config.get(key), prior.get(key), planned, &at.key(key), found);
            }
        }
        // Elements of a set have no name to be compared by; Terraform counts them, too.
        (Nesting::Set, Value::List(configured), Value::List(items)) => {
            let exact = config.is_wholly_known() && planned.is_wholly_known();
            if items.len() > configured.len() || (exact && items.len() != configured.len()) {
                found.push(broken(I2, at, &format!("{at} is planned with another number of elements than is set")));
            }
        }
        _ => found.push(broken(I2, at, &format!("{at} is planned with other elements than are set"))),
    }
}

fn exists(attributes: &[Attribute], path: &[Step]) -> bool {
    let Some((Step::Attribute(name), rest)) = path.split_first() else { return false };
    let Some(attribute) = attributes.iter().find(|attribute| attribute.name == *name) else { return false };
    match &attribute.ty {
        AttributeType::Plain(ty) => exists_in_type(ty, rest),
        AttributeType::Nested(_, _) if rest.is_empty() => true,
        AttributeType::Nested(Nesting::Single, nested) => exists(nested, rest),
        AttributeType::Nested(Nesting::List, nested) => {
            matches!(rest.split_first(), Some((Step::Index(_), below)) if below.is_empty() || exists(nested, below))
        }
        AttributeType::Nested(Nesting::Map, nested) => {
            matches!(rest.split_first(), Some((Step::Key(_), below)) if below.is_empty() || exists(nested, below))
        }
        // Terraform has no step into a set.
        AttributeType::Nested(Nesting::Set, _) => false,
    }
}

fn exists_in_type(ty: &Type, path: &[Step]) -> bool {
    match (ty, path.split_first()) {
        (_, None) | (Type::Dynamic, _) => true,
        (Type::List(element), Some((Step::Index(_), rest))) | (Type::Map(element), Some((Step::Key(_), rest))) => {
            exists_in_type(element, rest)
        }
        (Type::Tuple(elements), Some((Step::Index(index), rest))) => elements.get(*index).is_some_and(|ty| exists_in_type(ty, rest)),
        (Type::Object(attributes), Some((Step::Attribute(name), rest))) => attributes.get(name).is_some_and(|ty| exists_in_type(ty, rest)),
        _ => false,
    }
}

/// Adds the attributes marked `replace` that change, unless the object is new (I9: a replacement's second call has no prior).
pub(crate) fn add_replace_paths(attributes: &[Attribute], prior: &Value, planned: &Value, paths: &mut Vec<Path>) {
    if prior.as_map().is_some() && planned.as_map().is_some() {
        replaced(attributes, prior, planned, &Path::root(), paths);
    }
}

fn replaced(attributes: &[Attribute], prior: &Value, planned: &Value, at: &Path, paths: &mut Vec<Path>) {
    for attribute in attributes {
        let (before, after, at) = (prior.get(&attribute.name), planned.get(&attribute.name), at.attribute(&attribute.name));
        if before == after {
            continue;
        }
        if attribute.replace {
            add(at, paths);
            continue;
        }
        let AttributeType::Nested(nesting, nested) = &attribute.ty else { continue };
        match (nesting, before, after) {
            (Nesting::Single, ..) => replaced(nested, before, after, &at, paths),
            (Nesting::List, _, Value::List(items)) => {
                for (index, after) in items.iter().enumerate() {
                    let before = before.as_list().and_then(|items| items.get(index)).unwrap_or(&Value::Null);
                    replaced(nested, before, after, &at.index(index), paths);
                }
            }
            (Nesting::Map, _, Value::Map(items)) => {
                for (key, after) in items {
                    replaced(nested, before.get(key), after, &at.key(key), paths);
                }
            }
            // There is no path into a set: a change in one that holds such an attribute is a change of it.
            (Nesting::Set, ..) if nested.iter().any(|attribute| attribute.replace) => add(at, paths),
            _ => {}
        }
    }
}

fn add(path: Path, paths: &mut Vec<Path>) {
    if !paths.contains(&path) {
        paths.push(path);
    }
}
