//! Creates, updates and deletes: runs the blueprint and reports what is true afterwards.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tf_provider::{ApplyRequest, ApplyResponse, Attr, Diagnostics, Operation, Path, Timeouts, Value};

use crate::{
    aws::Aws,
    components::{self, postgres::Purpose},
    graph::{Blueprint, Cloud, ComponentId, Limits, Mode, OsEntropy, Outcome, Run, Status, destroy, run},
};

use super::{
    bound::{Binding, bind},
    composite::{Adapter, Composite},
    pace, plan, report,
    state::{self, Basis},
};

/// How long an operation may take where `timeouts` says nothing: IAM's slowest propagation many times over.
pub(super) const OPERATION_MAX: Duration = Duration::from_secs(20 * 60);

pub(super) async fn apply<C: Composite>(adapter: &Adapter<C>, request: ApplyRequest) -> ApplyResponse {
    let mut response = ApplyResponse {
        state: request.prior.clone(),
        private: request.private.clone(),
        identity: request.identity.clone(),
        diagnostics: Diagnostics::new(),
    };
    let aws = match adapter.session.aws().await {
        Ok(aws) => aws,
        Err(problems) => {
            response.diagnostics = problems;
            return response;
        }
    };
    let done = if request.planned.is_null() { delete(adapter, &aws, &request).await } else { make(adapter, &aws, &request).await };
    match done {
        Ok((state, diagnostics)) => {
            response.state = state;
            response.diagnostics = diagnostics;
        }
        Err(diagnostics) => response.diagnostics = diagnostics,
    }
    response
}

/// The engine over this account's components.
pub(super) fn cloud(aws: &Arc<Aws>) -> Result<Cloud, Diagnostics> {
    Ok(Cloud::new(components::table(aws), Arc::new(OsEntropy)).with_limits(Limits::default().paced(pace::scale()?)))
}

async fn make<C: Composite>(adapter: &Adapter<C>, aws: &Arc<Aws>, request: &ApplyRequest) -> Result<(Value, Diagnostics), Diagnostics> {
    let model = Adapter::<C>::model(&request.planned)?;
    let place = Adapter::<C>::place(aws, &model).await?;
    if let Some(elsewhere) = plan::elsewhere(&request.prior, &place) {
        return Err(vec![elsewhere]);
    }
    let mode = if request.prior.is_null() { Mode::Create } else { Mode::Update };
    let order = order::<C>(request, &request.prior, mode)?;
    let known = order.known.clone();
    let blueprint = adapter.blueprint(&model, &request.planned, &place, &known)?;
    let binding = bind::<C>(aws, &model, &request.config, Purpose::Apply).await?;
    let outcome = Box::pin(run(&binding.cloud(cloud(aws)?), &blueprint, order)).await;
    binding.close().await;
    let claim = state::claim(&outcome.observed, &place);
    let basis = Basis { before: &request.planned, prior: &request.prior, claim, blueprint: &blueprint, place: &place, known: &known };
    let found = state::of(adapter, &model, &basis, &outcome.observed);
    Ok(concluded::<C>(request, mode, &outcome, found, &blueprint))
}

/// The state and the messages that belong together: see the table in the design notes, "What core does with a failed create".
fn concluded<C: Composite>(
    request: &ApplyRequest,
    mode: Mode,
    outcome: &Outcome,
    found: Value,
    blueprint: &Blueprint,
) -> (Value, Diagnostics) {
    let diagnostics = report::outcome(C::TYPE, mode, outcome, blueprint);
    if outcome.observed.found.is_empty() && outcome.observed.failures.is_empty() && mode == Mode::Create && outcome.status != Status::Ready
    {
        return (Value::Null, diagnostics);
    }
    let clean = outcome.failures.is_empty() && outcome.refusals.is_empty();
    let state = match (outcome.status, clean) {
        (Status::Ready, true) => state::applied::<C>(&request.planned, &found),
        // Interrupted: a success for core, so every planned value stays, and `status` tells the next plan to go on.
        (Status::Incomplete, true) => state::known(not_ready(&state::as_planned(&request.planned, found))),
        (_, false) => not_ready(&found),
    };
    (state, diagnostics)
}

/// A state that isn't as planned never says that it is ready.
fn not_ready(state: &Value) -> Value {
    let mut all = super::composite::fields(state);
    if all.get("status").and_then(Value::as_str) == Some(plan::READY) {
        all.insert("status".to_owned(), Value::from(plan::INCOMPLETE));
    }
    Value::Map(all)
}

async fn delete<C: Composite>(adapter: &Adapter<C>, aws: &Arc<Aws>, request: &ApplyRequest) -> Result<(Value, Diagnostics), Diagnostics> {
    let model = Adapter::<C>::model(&request.prior)?;
    if let Some(refused) = plan::guarded::<C>(&model) {
        return Err(vec![refused]);
    }
    let place = Adapter::<C>::place(aws, &model).await?;
    if let Some(elsewhere) = plan::elsewhere(&request.prior, &place) {
        return Err(vec![elsewhere]);
    }
    let order = order::<C>(request, &request.prior, Mode::Update)?;
    let known = order.known.clone();
    let blueprint = adapter.blueprint(&model, &request.prior, &place, &known)?;
    let binding = bind::<C>(aws, &model, &request.config, Purpose::Destroy).await?;
    if let Binding::Leave(kept) = &binding {
        return Ok((Value::Null, report::left(C::TYPE, &blueprint, kept)));
    }
    let outcome = Box::pin(destroy(&binding.cloud(cloud(aws)?), &blueprint, order)).await;
    binding.close().await;
    let diagnostics = report::destroyed(C::TYPE, &blueprint, &outcome);
    let gone = outcome.failures.is_empty() && outcome.refusals.iter().all(report::lets_go) && !outcome.stopped;
    if gone {
        return Ok((Value::Null, diagnostics));
    }
    let claim = state::claim(&outcome.observed, &place);
    let basis = Basis { before: &request.prior, prior: &request.prior, claim, blueprint: &blueprint, place: &place, known: &known };
    let left = state::of(adapter, &model, &basis, &outcome.observed);
    Ok((if tf_provider::has_errors(&diagnostics) { not_ready(&left) } else { request.prior.clone() }, diagnostics))
}

/// What the engine must know beside the blueprint.
fn order<C: Composite>(request: &ApplyRequest, prior: &Value, mode: Mode) -> Result<Run, Diagnostics> {
    let known = if prior.is_null() { crate::graph::Known::default() } else { C::known(&Adapter::<C>::model(prior)?) };
    let mark = |name: &str| prior.get("claim").get(name).as_str().map(str::to_owned);
    let claim = mark("uid").zip(mark("incarnation"));
    Ok(Run {
        known,
        adopt: mode == Mode::Update && claim.is_none(),
        claim,
        mode,
        recreate: recreated(&request.planned),
        deadline: timeout::<C>(request)?,
        stop: request.stop.clone(),
        now: SystemTime::now(),
    })
}

/// The components that the user lets be made anew.
pub(super) fn recreated(value: &Value) -> BTreeSet<ComponentId> {
    match value.get("recreate") {
        Value::List(items) => items.iter().filter_map(Value::as_str).map(ComponentId::from).collect(),
        _ => BTreeSet::new(),
    }
}

fn timeout<C: Composite>(request: &ApplyRequest) -> Result<Duration, Diagnostics> {
    let (from, operation) = match (request.prior.is_null(), request.planned.is_null()) {
        (true, _) => (&request.planned, Operation::Create),
        (_, true) => (&request.prior, Operation::Delete),
        _ => (&request.planned, Operation::Update),
    };
    let path = Path::of("timeouts");
    Timeouts::duration(&Attr::from_value(from.get("timeouts"), &path)?, operation, C::OPERATION_MAX)
}
