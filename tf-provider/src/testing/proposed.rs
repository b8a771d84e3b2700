//! The proposed new state: what core makes of configuration and prior state before it asks for a plan.

use crate::{Attribute, AttributeType, Mode, Nesting, Value};

/// Computed attributes that the configuration leaves out keep their prior value, everything else is the configuration's.
pub(super) fn proposed(attributes: &[Attribute], prior: &Value, config: &Value) -> Value {
    if config.as_map().is_none() {
        return config.clone();
    }
    let merged = attributes.iter().map(|attribute| {
        let name = &attribute.name;
        (name.clone(), merge(attribute, prior.get(name), config.get(name)))
    });
    Value::Map(merged.collect())
}

fn merge(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
    if computed && config.is_null() {
        // A prior object with parts that only a user can set was the user's: leaving it out now takes it away.
        let was_configured = attribute.mode == Mode::OptionalComputed
            && matches!(&attribute.ty, AttributeType::Nested(nesting, nested) if has_users_part(*nesting, nested, prior));
        return if was_configured { Value::Null } else { prior.clone() };
    }
    let AttributeType::Nested(nesting, nested) = &attribute.ty else { return config.clone() };
    match (nesting, config) {
        (Nesting::Single, Value::Map(_)) => proposed(nested, prior, config),
        (Nesting::List, Value::List(items)) => {
            let before = prior.as_list().unwrap_or_default();
            let merged = items.iter().enumerate().map(|(index, item)| proposed(nested, before.get(index).unwrap_or(&Value::Null), item));
            Value::List(merged.collect())
        }
        (Nesting::Map, Value::Map(items)) => {
            Value::Map(items.iter().map(|(key, item)| (key.clone(), proposed(nested, prior.get(key), item))).collect())
        }
        (Nesting::Set, Value::List(items)) => {
            let mut before: Vec<&Value> = prior.as_list().unwrap_or_default().iter().collect();
            let merged = items.iter().map(|item| {
                let found = before.iter().position(|prior| may_have_come_from(nested, prior, item));
                proposed(nested, found.map_or(&Value::Null, |position| before.remove(position)), item)
            });
            Value::List(merged.collect())
        }
        _ => config.clone(),
    }
}

fn has_users_part(nesting: Nesting, nested: &[Attribute], value: &Value) -> bool {
    let mut found = false;
    crate::lifecycle::each_object(nesting, value, &crate::Path::root(), &mut |object, _| {
        found |= nested.iter().any(|attribute| {
            let inner = object.get(&attribute.name);
            let users = !matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
            !inner.is_null()
                && (users || matches!(&attribute.ty, AttributeType::Nested(nesting, nested) if has_users_part(*nesting, nested, inner)))
        });
    });
    found
}

/// Elements of sets have no names: one from before belongs to a configured one if it differs only in what may be computed.
fn may_have_come_from(nested: &[Attribute], prior: &Value, config: &Value) -> bool {
    nested.iter().all(|attribute| {
        let (before, now) = (prior.get(&attribute.name), config.get(&attribute.name));
        let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
        before == now
            || (computed && now.is_null())
            || match (&attribute.ty, before, now) {
                (AttributeType::Nested(Nesting::Single, nested), Value::Map(_), Value::Map(_)) => may_have_come_from(nested, before, now),
                (AttributeType::Nested(Nesting::List, nested), Value::List(before), Value::List(now)) => {
                    before.len() == now.len() && before.iter().zip(now).all(|(before, now)| may_have_come_from(nested, before, now))
                }
                (AttributeType::Nested(Nesting::Map, nested), Value::Map(before), Value::Map(now)) => {
                    before.keys().eq(now.keys())
                        && before.values().zip(now.values()).all(|(before, now)| may_have_come_from(nested, before, now))
                }
                _ => false,
            }
    })
}
