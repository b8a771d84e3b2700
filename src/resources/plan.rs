//! What apply will do: a pure function of configuration, prior state and preset, after one look at where we are.

use std::collections::BTreeMap;

use tf_provider::{Attribute, Diagnostic, Diagnostics, Model, Path, PlanRequest, PlanResponse, Value, has_errors};

use crate::{
    aws::Arn,
    graph::{Blueprint, Meaning, same},
    policies::Place,
    presets::{Preset, fill, weakened},
};

use super::{
    apply,
    change::Change,
    close::meant,
    composite::{Adapter, Composite, Foretold, fields},
    outputs, pace, tags,
};

/// Nothing is missing, nothing pends.
pub(super) const READY: &str = "ready";
/// Made in part.
pub(super) const INCOMPLETE: &str = "incomplete";
/// Was ready; parts of it are missing or can't be used.
pub(super) const DEGRADED: &str = "degraded";
/// A destroy has begun and not ended: what is gone went by it.
pub(super) const DELETING: &str = "deleting";
/// The resource's own object is gone, others of its objects are not.
pub(super) const VANISHED: &str = "vanished";
/// The resource's own object waits for its deletion, which wasn't this resource's doing.
pub(super) const PENDING_DELETION: &str = "pending_deletion";
/// Another apply has claimed the object since this state was written.
pub(super) const TAKEN_OVER: &str = "taken_over";
/// Imported and not yet marked as ours.
pub(super) const UNCLAIMED: &str = "unclaimed";

/// Whether a resource with this status was complete once.
pub(super) fn is_handed_out(status: &str) -> bool {
    status == READY || status == DEGRADED
}

pub(super) async fn plan<C: Composite>(adapter: &Adapter<C>, request: PlanRequest) -> PlanResponse {
    let mut response = PlanResponse { private: request.private.clone(), identity: request.identity.clone(), ..PlanResponse::default() };
    if request.config.is_null() {
        response.diagnostics = refuse_guarded::<C>(&request.prior);
        return response;
    }
    // Until the plan is made the reply holds the prior state, so that an error shows no change.
    response.planned = request.prior.clone();
    match make(adapter, &request, &mut response.diagnostics).await {
        Ok(planned) => response.planned = planned,
        Err(diagnostics) => response.diagnostics.extend(diagnostics),
    }
    response
}

fn refuse_guarded<C: Composite>(prior: &Value) -> Diagnostics {
    let Ok(state) = Adapter::<C>::model(prior) else { return Vec::new() };
    guarded::<C>(&state).into_iter().collect()
}

/// All that guards the resource, in one error (lifecycle.md 12), at the first guard's attribute.
pub(super) fn guarded<C: Composite>(state: &C::Model) -> Option<Diagnostic> {
    let guards = C::guarded(state);
    let (attribute, _) = guards.first()?;
    let reasons: Vec<&str> = guards.iter().map(|(_, reason)| reason.as_str()).collect();
    Some(Diagnostic::error(Path::of(attribute), format!("{} must not be destroyed", C::TYPE), reasons.join("\n")))
}

async fn make<C: Composite>(adapter: &Adapter<C>, request: &PlanRequest, said: &mut Diagnostics) -> Result<Value, Diagnostics> {
    pace::scale()?;
    let attributes = C::Model::attributes();
    let preset = preset(&attributes, &request.config);
    let written = Adapter::<C>::model(&request.config)?;
    let config = written.to_value();
    refuse_weakening(&attributes, &request.config, &request.prior)?;
    let prior = if request.prior.is_null() { None } else { Some(Adapter::<C>::model(&request.prior)?) };

    let inputs = Value::Map(fill(&attributes, &config, &request.prior, preset));
    let mut model = Adapter::<C>::model(&inputs)?;
    let facts = look_up(adapter, &model, prior.as_ref()).await?;
    C::derive(&mut model, &written, prior.as_ref(), facts.as_ref());
    let place = locate(adapter, &model).await?;
    // What is written is checked as it is, and again with everything that the preset adds.
    let mut problems = C::check_written(&written);
    problems.extend(C::check(&written));
    if problems.is_empty() {
        problems = C::check(&model);
        problems.extend(C::check_change(&model, prior.as_ref(), facts.as_ref()));
    }
    if let Some(place) = &place {
        problems.extend(C::check_in(&model, place));
        problems.extend(elsewhere(&request.prior, place));
    }
    let planned = model.to_value();
    let known = prior.as_ref().map(C::known).unwrap_or_default();
    let change = match (&prior, &place) {
        (Some(prior), Some(place)) => {
            let before = adapter.blueprint(prior, &request.prior, place, &known)?;
            let after = adapter.blueprint(&model, &planned, place, &known)?;
            problems.extend(unknown_names(&attributes, &planned, &after));
            let whole = matches!(request.prior.get("status").as_str(), Some(READY | UNCLAIMED));
            let change = Change::between(&before, &after, &known).with_drift(&after, &known, &request.prior, whole);
            if !replaced_as_a_whole(&attributes, &request.prior, &planned) {
                // Where the resource's own checks have told the attribute, the components that it reaches say nothing more.
                if !has_errors(&problems) {
                    problems.extend(change.refusals(&fixed(&attributes, &request.prior, &planned)));
                }
                let left = |component: &str| C::left_of(component, facts.as_ref());
                problems.extend(change.lost(C::TYPE, &request.prior, &apply::recreated(&planned), left));
            }
            said.extend(change.warnings(C::TYPE));
            said.extend(C::consequences(&change));
            change
        }
        (None, Some(place)) => {
            problems.extend(unknown_names(&attributes, &planned, &adapter.blueprint(&model, &planned, place, &known)?));
            Change::default()
        }
        _ => Change::default(),
    };
    let foretold = place.map(|place| C::foretell(&model, &place));
    said.extend(C::warnings(&model, prior.as_ref(), facts.as_ref()));
    if has_errors(&problems) {
        return Err(problems);
    }
    said.extend(problems);
    match prior {
        None => Ok(created::<C>(adapter, &attributes, &planned, foretold.unwrap_or_default())),
        Some(prior) => updated::<C>(adapter, &attributes, &planned, foretold, &change, (&model, &prior)),
    }
}

/// Names in `recreate` that no component has: unseen, the one that was meant would not be made anew.
fn unknown_names(attributes: &[Attribute], planned: &Value, after: &Blueprint) -> Diagnostics {
    // While inputs are unknown, so are components.
    if !outputs::inputs(attributes, planned).is_wholly_known() {
        return Vec::new();
    }
    let names: Vec<&str> = after.nodes.iter().map(|node| node.id.0.as_str()).collect();
    let wrong = apply::recreated(planned).into_iter().filter(|name| !names.contains(&name.0.as_str()));
    wrong
        .map(|name| {
            let detail = format!(
                "{name:?} is no component of this resource; the attribute `components` lists them.{}",
                meant(&name.0, names.iter().copied()),
                name = name.0
            );
            Diagnostic::error(Path::of("recreate"), "No such component", detail)
        })
        .collect()
}

async fn look_up<C: Composite>(adapter: &Adapter<C>, model: &C::Model, prior: Option<&C::Model>) -> Result<Option<C::Facts>, Diagnostics> {
    if adapter.session.is_unknown() {
        return Ok(None);
    }
    let aws = adapter.session.aws().await?;
    C::look_up(model, prior, &aws).await
}

/// Whether Terraform will replace the resource: what can't be changed then needn't be.
fn replaced_as_a_whole(attributes: &[Attribute], prior: &Value, planned: &Value) -> bool {
    attributes.iter().filter(|attribute| attribute.replace).any(|attribute| prior.get(&attribute.name) != planned.get(&attribute.name))
}

/// Attributes that never change and shall.
fn fixed<'a>(attributes: &'a [Attribute], prior: &Value, planned: &Value) -> Vec<&'a str> {
    let changed = |name: &str| {
        let (before, now) = (prior.get(name), planned.get(name));
        !before.is_null() && before != now && now.is_wholly_known()
    };
    let fixed = attributes.iter().filter(|attribute| attribute.notes.get("change").is_some_and(|change| change == "fixed"));
    fixed.map(|attribute| attribute.name.as_str()).filter(|name| changed(name)).collect()
}

/// The preset that is configured, or the attribute's default; `None` while it is unknown.
fn preset(attributes: &[Attribute], config: &Value) -> Option<Preset> {
    let default = attributes.iter().find(|attribute| attribute.name == "preset").and_then(|attribute| attribute.default.as_ref());
    match config.get("preset") {
        Value::Unknown => None,
        Value::Null => Preset::parse(default.and_then(Value::as_str).unwrap_or(Preset::Production.name())),
        written => written.as_str().and_then(Preset::parse),
    }
}

/// production → development only where everything that it would weaken is written out (lifecycle.md 3).
fn refuse_weakening(attributes: &[Attribute], config: &Value, prior: &Value) -> Result<(), Diagnostics> {
    // An imported object never had the preset that its state names.
    if prior.get("status").as_str() == Some(UNCLAIMED) {
        return Ok(());
    }
    let names = (prior.get("preset").as_str().and_then(Preset::parse), preset(attributes, config));
    if names != (Some(Preset::Production), Some(Preset::Development)) {
        return Ok(());
    }
    let weaker = weakened(attributes, config, &Path::root());
    if weaker.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = weaker.iter().map(|(path, strict, loose)| format!("  {path} = {strict}    # development: {loose}")).collect();
    Err(vec![Diagnostic::error(
        Path::of("preset"),
        "The preset would weaken what is in production",
        format!(
            "Going from production to development changes these settings. Write each of them out, with the value that you want, and plan again:\n{}",
            list.join("\n")
        ),
    )])
}

/// Where the objects live; `None` while the provider's configuration is unknown.
async fn locate<C: Composite>(adapter: &Adapter<C>, model: &C::Model) -> Result<Option<Place>, Diagnostics> {
    if adapter.session.is_unknown() {
        return Ok(None);
    }
    let aws = adapter.session.aws().await?;
    Adapter::<C>::place(&aws, model).await.map(Some)
}

fn created<C: Composite>(adapter: &Adapter<C>, attributes: &[Attribute], planned: &Value, foretold: Foretold) -> Value {
    let mut all = planned.clone();
    for name in outputs::computed(attributes) {
        outputs::set(&mut all, &name, Value::Unknown);
    }
    for (name, value) in foretold {
        outputs::set(&mut all, &name, value);
    }
    outputs::set(&mut all, "drift", Value::Map(BTreeMap::new()));
    outputs::set(&mut all, "tags_all", tags_all(adapter, planned));
    all
}

fn tags_all<C: Composite>(adapter: &Adapter<C>, planned: &Value) -> Value {
    tags::wanted(&adapter.session, planned).map_or(Value::Unknown, |all| tags::to_value(&all))
}

/// `foretold` is `None` while the place isn't known: then every output may change that something decides.
fn updated<C: Composite>(
    adapter: &Adapter<C>,
    attributes: &[Attribute],
    planned: &Value,
    foretold: Option<Foretold>,
    change: &Change,
    (model, prior_model): (&C::Model, &C::Model),
) -> Result<Value, Diagnostics> {
    let prior = prior_model.to_value();
    refuse_lost::<C>(&prior)?;
    let status = prior.get("status").as_str().unwrap_or(INCOMPLETE);
    let same_inputs = outputs::inputs(attributes, planned) == outputs::inputs(attributes, &prior);
    // What is only unclaimed has its ids already.
    let whole = status == READY || status == UNCLAIMED;
    let blind = foretold.is_none() && !(same_inputs && whole);
    let foretold: BTreeMap<String, Value> = foretold.into_iter().flatten().collect();
    let deciders = C::deciders();
    let mut all = planned.clone();
    for name in outputs::computed(attributes) {
        let before = outputs::get(&prior, &name);
        let mut deciding = deciders.iter().filter(|decider| decider.attribute == name).peekable();
        let decided = deciding.peek().is_some();
        // What an unfinished part didn't tell yet it may tell when it is finished.
        let told = whole || !before.is_null();
        let stays = !blind && told && !deciding.any(|decider| change.touches(decider));
        let value = match (decided, foretold.get(&name)) {
            (_, Some(foretold)) if means_same(foretold, before) => before.clone(),
            (_, Some(foretold)) => foretold.clone(),
            (false, None) => before.clone(),
            (true, None) if stays => before.clone(),
            (true, None) => Value::Unknown,
        };
        outputs::set(&mut all, &name, value);
    }
    if (blind || !change.keeps_ids()) && !before_components(&prior).is_null() {
        outputs::set(&mut all, "components", Value::Unknown);
    }
    let mut all = fields(&all);
    all.insert("drift".to_owned(), Value::Map(BTreeMap::new()));
    all.insert("tags_all".to_owned(), tags_all(adapter, planned));
    let moved = C::moved(model, prior_model);
    if status == READY && moved.is_empty() && Value::Map(all.clone()) == prior {
        return Ok(prior);
    }
    all.insert("status".to_owned(), Value::Unknown);
    if status != READY {
        all.insert("claim".to_owned(), Value::Unknown);
    }
    let mut all = Value::Map(all);
    for output in moved {
        outputs::set(&mut all, &output, Value::Unknown);
    }
    Ok(all)
}

fn before_components(prior: &Value) -> &Value {
    prior.get("components")
}

/// Two policy documents that say the same in other words are no change.
fn means_same(foretold: &Value, before: &Value) -> bool {
    match (foretold.as_str(), before.as_str()) {
        (Some(one), Some(other)) if one.starts_with('{') => match (serde_json::from_str(one), serde_json::from_str(other)) {
            (Ok(one), Ok(other)) => same(Meaning::Policy, &one, &other),
            _ => false,
        },
        _ => foretold == before,
    }
}

/// States that no apply may go on from by itself.
fn refuse_lost<C: Composite>(prior: &Value) -> Result<(), Diagnostics> {
    let id = ["id", "bucket", "name"].into_iter().find_map(|name| prior.get(name).as_str()).unwrap_or_default();
    let (summary, detail) = match prior.get("status").as_str() {
        Some(VANISHED) => (
            "The object is gone, its parts are not",
            format!(
                "{id} was deleted outside of Terraform, and whatever it held with it; other objects of this resource are still there. \
                 Nothing is made anew unseen: to start with an empty one, run `terraform state rm` with this resource's address and apply again; \
                 what is left of it is used again."
            ),
        ),
        Some(PENDING_DELETION) => (
            "The object waits for its deletion",
            format!("The deletion of {id} was scheduled outside of Terraform. {} To let it go, run `terraform state rm`.", C::RESCUE),
        ),
        Some(TAKEN_OVER) => (
            "The object is another state's",
            format!(
                "Another apply has claimed {id} since this state was written. Remove this resource from one of the two configurations; \
                 this state forgets it with `terraform state rm`."
            ),
        ),
        _ => return Ok(()),
    };
    Err(vec![Diagnostic::error(Path::root(), summary, detail)])
}

/// A state of another account or region than the provider's: nothing that is looked up there says anything about it.
pub(super) fn elsewhere(state: &Value, place: &Place) -> Option<Diagnostic> {
    let arn = state.get("arn").as_str().and_then(|arn| Arn::parse(arn).ok());
    let mark = |name: &str| state.get("claim").get(name).as_str().unwrap_or_default().to_owned();
    // What has an account and no region (a role) is the same one from every region; an ARN with neither (a bucket's) says nothing.
    let (account, region) = match arn {
        Some(arn) if !arn.account.is_empty() => (arn.account, arn.region),
        _ => (mark("account_id"), mark("region")),
    };
    let other = (!account.is_empty() && account != place.account_id) || (!region.is_empty() && region != place.region);
    other.then(|| {
        let of = |region: &str| if region.is_empty() { String::new() } else { format!(", region {region}") };
        Diagnostic::error(
            Path::root(),
            "The object is in another account or region",
            format!(
                "The state is of account {account}{}, and the provider works in account {}{}. Nothing was read or changed. Set the provider's \
                 region and credentials back, or destroy the resource with the old ones first.",
                of(&region),
                place.account_id,
                of(&place.region)
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::frankfurt;

    #[test]
    fn a_state_of_another_account_or_region_is_nobodys_here() {
        let place = frankfurt();
        let refused = |arn: Option<&str>, account: &str, region: &str| {
            let claim = Value::object([("account_id", account.into()), ("region", region.into())]);
            let state = Value::object([("arn", arn.map_or(Value::Null, Value::from)), ("claim", claim)]);
            elsewhere(&state, &place).is_some()
        };
        let (here, region) = (place.account_id.as_str(), place.region.as_str());
        let role = format!("arn:aws:iam::{here}:role/x");
        let key = |region: &str| format!("arn:aws:kms:{region}:{here}:key/x");
        let rows = [
            // Without an ARN, and with one that names neither, the claim says it.
            (None, here, region, false),
            (None, "210987654321", region, true),
            (None, here, "us-east-1", true),
            (Some("arn:aws:s3:::x"), here, "us-east-1", true),
            (Some("arn:aws:s3:::x"), here, region, false),
            (None, "", "", false),
            // A role is the same one from everywhere.
            (Some(role.as_str()), here, "us-east-1", false),
            (Some(&key("us-east-1")), here, region, true),
            (Some(&key(region)), here, region, false),
        ];
        for (arn, account, from, expected) in rows {
            assert_eq!(refused(arn, account, from), expected, "{arn:?} {account} {from}");
        }
    }
}
