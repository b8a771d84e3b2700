//! The state as it is now.

use std::time::Duration;

use tf_provider::{Attr, Diagnostic, Diagnostics, Operation, Path, ReadRequest, ReadResponse, Timeouts, Value};

use crate::{
    components::postgres::Purpose,
    graph::{Blueprint, Claim, Observed, Phase, observe},
};

use super::{
    apply::cloud,
    bound::{Binding, bind},
    composite::{Adapter, Composite},
    plan, report,
    state::{self, Basis},
};

/// How long a read may take where `timeouts` says nothing.
const READ_MAX: Duration = Duration::from_secs(5 * 60);
/// Private data of a state that was read: an empty answer would keep the mark of an import.
const READ: &[u8] = b"read";
/// Private data of a state that an import has just made: its inputs are still to be read.
pub(super) const IMPORTED: &[u8] = b"imported";

pub(super) async fn read<C: Composite>(adapter: &Adapter<C>, request: ReadRequest) -> ReadResponse {
    let mut response = ReadResponse {
        state: request.state.clone(),
        private: READ.to_vec(),
        identity: request.identity.clone(),
        diagnostics: Diagnostics::new(),
    };
    if adapter.session.is_unknown() {
        response.private = request.private;
        response.diagnostics.push(Diagnostic::warning(
            Path::root(),
            "Not refreshed",
            "The provider's configuration is not known yet, so the state is shown as it was.",
        ));
        return response;
    }
    match look(adapter, &request).await {
        Ok((Some(state), said)) => {
            response.state = state;
            response.diagnostics = said;
        }
        // Nobody looked: what an import has begun is still to be done.
        Ok((None, said)) => {
            response.private = request.private;
            response.diagnostics = said;
        }
        Err(diagnostics) => {
            response.private = request.private;
            response.diagnostics = diagnostics;
        }
    }
    response
}

/// The state as it is; `None`: as it was, since nobody could look.
async fn look<C: Composite>(adapter: &Adapter<C>, request: &ReadRequest) -> Result<(Option<Value>, Diagnostics), Diagnostics> {
    let aws = adapter.session.aws().await?;
    let mut model = Adapter::<C>::model(&request.state)?;
    let place = Adapter::<C>::place(&aws, &model).await?;
    let known = C::known(&model);
    let mut blueprint = adapter.blueprint(&model, &request.state, &place, &known)?;
    if let Some(elsewhere) = plan::elsewhere(&request.state, &place) {
        return Err(vec![elsewhere]);
    }
    let patience = patience(&request.state)?;
    let binding = bind::<C>(&aws, &model, &Value::Null, Purpose::Read).await?;
    if let Binding::Blind(why) = binding {
        return Ok((None, why.into_iter().collect()));
    }
    let cloud = binding.cloud(cloud(&aws)?);
    let Ok(seen) = tokio::time::timeout(patience, observe(&cloud, &blueprint, &known)).await else {
        let detail =
            format!("AWS did not answer everything within {} seconds. Try again, or give it more in `timeouts`.", patience.as_secs());
        return Err(vec![Diagnostic::error(Path::of("timeouts.read"), format!("{} could not be read in time", C::TYPE), detail)]);
    };
    binding.close().await;
    if let Some(unreachable) = report::out_of_reach(C::TYPE, &seen) {
        return Ok((None, vec![unreachable]));
    }
    if !seen.failures.is_empty() {
        return Err(report::unreadable(C::TYPE, &seen));
    }
    if seen.found.is_empty() && !waits(&blueprint, &seen) {
        return Ok((Some(Value::Null), Diagnostics::new()));
    }
    let mut before = request.state.clone();
    // The claim of a state never changes by reading: another's would make this state delete what isn't its own.
    let mut claim = request.state.get("claim").clone();
    if request.private == IMPORTED {
        claim = state::claim(&seen, &place);
        C::refresh(&mut model, &seen);
        C::adopt(&mut model, &seen);
        before = super::import::with_tags(adapter, &tf_provider::Model::to_value(&model), &blueprint, &seen);
        model = Adapter::<C>::model(&before)?;
        blueprint = adapter.blueprint(&model, &before, &place, &known)?;
    }
    let basis = Basis { before: &before, prior: &request.state, claim, blueprint: &blueprint, place: &place, known: &known };
    Ok((Some(state::of(adapter, &model, &basis, &seen)), Diagnostics::new()))
}

fn patience(state: &Value) -> Result<Duration, Diagnostics> {
    Timeouts::duration(&Attr::from_value(state.get("timeouts"), &Path::of("timeouts"))?, Operation::Read, READ_MAX)
}

/// Whether the resource's own object waits for a deletion that was no destroy's: what it holds can still be saved, and forgetting it here
/// would make a new one unseen.
fn waits(blueprint: &Blueprint, seen: &Observed) -> bool {
    let waiting = state::claim_of(blueprint).and_then(|id| seen.deleted.get(id));
    waiting.and_then(|found| Claim::of(&found.tags)).is_some_and(|claim| matches!(claim.phase, Phase::Creating | Phase::Ready))
}
