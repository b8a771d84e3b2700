//! Takes an existing object into state. The object is not touched: the first apply marks it as ours.

use std::collections::BTreeMap;

use tf_provider::{Diagnostic, Diagnostics, ImportRequest, ImportResponse, Model, Path, Value};

use crate::{
    components::postgres::Purpose,
    graph::{Blueprint, Found, OWNER, Observed, observe},
    policies::Place,
    presets::{Preset, fill},
};

use super::{
    apply::cloud,
    bound::bind,
    composite::{Adapter, Composite, fields},
    read::IMPORTED,
    report, state, tags,
};

/// Ids are names or ARNs; nothing that AWS has is longer than an ARN's 2048 characters.
const ID_LENGTH_MAX: usize = 2048;

pub(super) async fn import<C: Composite>(adapter: &Adapter<C>, request: ImportRequest) -> ImportResponse {
    match find(adapter, request.id.trim()).await {
        Ok(state) => ImportResponse { state, private: IMPORTED.to_vec(), identity: None, diagnostics: Diagnostics::new() },
        Err(diagnostics) => ImportResponse { diagnostics, ..ImportResponse::default() },
    }
}

async fn find<C: Composite>(adapter: &Adapter<C>, id: &str) -> Result<Value, Diagnostics> {
    if id.is_empty() || id.len() > ID_LENGTH_MAX || id.chars().any(char::is_control) {
        return Err(vec![Diagnostic::error(Path::root(), "Not an import id", format!("{} takes {}.", C::TYPE, C::IMPORT_IDS))]);
    }
    let aws = adapter.session.aws().await?;
    let place = Place::of(&aws);
    let attributes = C::Model::attributes();
    let empty = Value::Map(fill(&attributes, &Value::Null, &Value::Null, Some(Preset::Production)));
    let mut model = Adapter::<C>::model(&empty)?;
    C::import(&mut model, id, &aws).await?;
    let written = model.clone();
    C::derive(&mut model, &written, None, None);
    let value = model.to_value();
    let known = C::known(&model);
    let blueprint = adapter.blueprint(&model, &value, &place, &known)?;
    let binding = bind::<C>(&aws, &model, &Value::Null, Purpose::Read).await?;
    let seen = observe(&binding.cloud(cloud(&aws)?), &blueprint, &known).await;
    binding.close().await;
    if !seen.failures.is_empty() {
        return Err(report::unreadable(C::TYPE, &seen));
    }
    let Some(claim) = state::claim_of(&blueprint).and_then(|component| seen.found.get(component)) else {
        return Err(vec![Diagnostic::error(
            Path::root(),
            "Nothing to import",
            format!(
                "There is no {} {id:?} in account {} and region {}. It takes {}. Check the id, and the provider's region and credentials.",
                C::TYPE,
                place.account_id,
                place.region,
                C::IMPORT_IDS
            ),
        )]);
    };
    refuse_anothers::<C>(&blueprint, claim)?;
    Ok(state::known(value))
}

/// An object that another resource's state holds stays there: two states over one object end with one of them destroying it.
fn refuse_anothers<C: Composite>(blueprint: &Blueprint, claim: &Found) -> Result<(), Diagnostics> {
    let owner = claim.tags.get(OWNER);
    match owner {
        Some(owner) if !owner.starts_with(&format!("{}/", blueprint.owner.resource)) => Err(vec![Diagnostic::error(
            Path::root(),
            "The object belongs to another resource",
            format!("Its tag {OWNER} says {owner}. Remove it from that resource's state first, and remove the tag."),
        )]),
        _ => Ok(()),
    }
}

/// The user's tags of an imported object: all that the provider doesn't add by itself.
pub(super) fn with_tags<C: Composite>(adapter: &Adapter<C>, value: &Value, blueprint: &Blueprint, seen: &Observed) -> Value {
    let mut all = fields(value);
    if let Some(found) = state::tagged::<C>(blueprint, seen) {
        let defaults = adapter.session.default_tags().unwrap_or_default();
        let own: BTreeMap<String, String> =
            tags::visible(&adapter.session, found).into_iter().filter(|(key, value)| defaults.get(key) != Some(value)).collect();
        all.insert("tags".to_owned(), if own.is_empty() { Value::Null } else { tags::to_value(&own) });
    }
    Value::Map(all)
}
