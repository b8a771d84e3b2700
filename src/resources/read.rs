//! The state as it is now.

use tf_provider::{Diagnostic, Diagnostics, Path, ReadRequest, ReadResponse, Value};

use crate::graph::{Readiness, observe};

use super::{
    apply::cloud,
    composite::{Adapter, Composite},
    report, state,
};

/// Private data of a state that an import has just made: its inputs are still to be read.
pub(super) const IMPORTED: &[u8] = b"imported";

pub(super) async fn read<C: Composite>(adapter: &Adapter<C>, request: ReadRequest) -> ReadResponse {
    let mut response = ReadResponse {
        state: request.state.clone(),
        private: Vec::new(),
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
        Ok(state) => response.state = state,
        Err(diagnostics) => {
            response.private = request.private;
            response.diagnostics = diagnostics;
        }
    }
    response
}

async fn look<C: Composite>(adapter: &Adapter<C>, request: &ReadRequest) -> Result<Value, Diagnostics> {
    let aws = adapter.session.aws().await?;
    let mut model = Adapter::<C>::model(&request.state)?;
    let place = Adapter::<C>::place(&aws, &model).await?;
    let mut blueprint = adapter.blueprint(&model, &request.state, &place);
    let seen = observe(&cloud(&aws), &blueprint, &C::known(&model)).await;
    if !seen.failures.is_empty() {
        return Err(report::unreadable(C::TYPE, &seen));
    }
    if seen.found.values().all(|found| found.readiness == Readiness::Deleted) {
        return Ok(Value::Null);
    }
    let mut before = request.state.clone();
    if request.private == IMPORTED {
        C::refresh(&mut model, &seen);
        C::adopt(&mut model, &seen);
        before = super::import::with_tags(adapter, &tf_provider::Model::to_value(&model), &blueprint, &seen);
        model = Adapter::<C>::model(&before)?;
        blueprint = adapter.blueprint(&model, &before, &place);
    }
    Ok(state::of(adapter, &before, &model, (&blueprint, &place), &seen))
}
