#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use tf_provider::{Attribute, AttributeType};

use super::*;
use crate::presets::{Kind as Keeps, table};

/// The names in the presets' tables that attributes take their defaults from.
fn noted(attributes: &[Attribute], found: &mut BTreeSet<String>) {
    for attribute in attributes {
        found.extend(attribute.notes.get("preset").map(|name| (*name).to_string()));
        if let AttributeType::Nested(_, below) = &attribute.ty {
            noted(below, found);
        }
    }
}

/// Versions of objects were deleted after 30 days instead of 90 by a change of preset that no message told: a part took the number from the preset, and
/// no attribute showed it.
#[test]
fn everything_that_development_weakens_is_an_attribute() {
    let mut shown = BTreeSet::new();
    noted(&Environment::attributes(), &mut shown);
    // The computed `database.effective_parameters` shows them; development logs more statements than production.
    shown.insert("database.default_parameters".to_owned());
    let (strict, loose) = (table(Preset::Production), table(Preset::Development));
    let differs = |name: &&String| strict[*name].kind == Keeps::Enforced && strict[*name].value != loose[*name].value;
    let unseen: Vec<&String> = strict.keys().filter(differs).filter(|name| !shown.contains(*name)).collect();
    assert_eq!(unseen, Vec::<&String>::new());
}
