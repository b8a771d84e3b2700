//! Computed attributes wherever they stand, by dotted names (`network.vpc_id`), and the components that decide them.

use tf_provider::{Attribute, AttributeType, Mode, Nesting, Value};

/// Which component decides a computed attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decider {
    /// The attribute's dotted name.
    pub(crate) attribute: String,
    /// A component's id, or the beginning of several before a `*`.
    pub(crate) component: String,
}

impl Decider {
    /// Whether this component is the one, or one of them.
    pub(crate) fn is(&self, component: &str) -> bool {
        match self.component.strip_suffix('*') {
            Some(beginning) => component.starts_with(beginning),
            None => self.component == component,
        }
    }
}

/// A table of a part's computed attributes and their components, in the attribute `at` (empty: at the root).
pub(crate) fn deciders(at: &str, table: &[(&str, &str)]) -> Vec<Decider> {
    let decider = |(attribute, component): &(&str, &str)| Decider { attribute: dotted(at, attribute), component: (*component).to_owned() };
    table.iter().map(decider).collect()
}

/// `name` below `at`.
pub(crate) fn dotted(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// The value at a dotted name; null where there is none.
pub(super) fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    name.split('.').fold(value, |value, step| value.get(step))
}

/// Sets the value at a dotted name. An object on the way that is null or unknown stays so: it has no attributes.
pub(super) fn set(value: &mut Value, name: &str, new: Value) {
    let Value::Map(fields) = value else { return };
    match name.split_once('.') {
        None => drop(fields.insert(name.to_owned(), new)),
        Some((first, rest)) => {
            if let Some(below) = fields.get_mut(first) {
                set(below, rest, new);
            }
        }
    }
}

/// The dotted names of all attributes that only the provider sets, also within single nested ones.
pub(super) fn computed(attributes: &[Attribute]) -> Vec<String> {
    fn collect(attributes: &[Attribute], at: &str, found: &mut Vec<String>) {
        for attribute in attributes {
            let name = dotted(at, &attribute.name);
            match &attribute.ty {
                _ if attribute.mode == Mode::Computed => found.push(name),
                AttributeType::Nested(Nesting::Single, below) => collect(below, &name, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(attributes, "", &mut found);
    found
}

/// What the user may set: the value with everything computed left out.
pub(super) fn inputs(attributes: &[Attribute], value: &Value) -> Value {
    let mut all = value.clone();
    for name in computed(attributes) {
        set(&mut all, &name, Value::Null);
    }
    all
}

#[cfg(test)]
mod tests {
    use tf_provider::{Attr, Model};

    use super::*;

    /// A network.
    #[derive(Clone, Debug, Model)]
    struct Network {
        /// Its range.
        #[tf(optional)]
        cidr: Attr<String>,
        /// Its id.
        #[tf(computed)]
        vpc_id: Attr<String>,
    }

    /// A thing.
    #[derive(Clone, Debug, Model)]
    struct Thing {
        /// Its network.
        #[tf(optional, computed)]
        network: Attr<Network>,
        /// Its state.
        #[tf(computed)]
        status: Attr<String>,
    }

    #[test]
    fn computed_attributes_are_found_read_and_set_wherever_they_stand() {
        assert_eq!(computed(&Thing::attributes()), ["network.vpc_id", "status"]);
        let network = Value::object([("cidr", "10.0.0.0/16".into()), ("vpc_id", "vpc-1".into())]);
        let mut value = Value::object([("network", network), ("status", "ready".into())]);
        assert_eq!(get(&value, "network.vpc_id"), &Value::from("vpc-1"));
        assert_eq!(get(&value, "network.cidr.x"), &Value::Null);
        set(&mut value, "network.vpc_id", Value::Unknown);
        assert_eq!(get(&value, "network.vpc_id"), &Value::Unknown);
        assert_eq!(get(&inputs(&Thing::attributes(), &value), "network.vpc_id"), &Value::Null);
        let mut none = Value::object([("network", Value::Null)]);
        set(&mut none, "network.vpc_id", "x".into());
        assert_eq!(none, Value::object([("network", Value::Null)]));
    }

    #[test]
    fn one_attribute_may_have_many_components() {
        let all = deciders("network", &[("nat_public_ips", "eip/*"), ("vpc_id", "vpc")]);
        let of = |component: &str| all.iter().filter(|each| each.is(component)).map(|each| each.attribute.as_str()).collect::<Vec<_>>();
        assert_eq!(of("eip/euc1-az1"), ["network.nat_public_ips"]);
        assert_eq!((of("vpc"), of("vpc2")), (vec!["network.vpc_id"], Vec::<&str>::new()));
    }
}
