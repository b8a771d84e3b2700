//! The last steps of a run: strays deleted, seals on, and the phase `ready` as the very last.

use super::{
    ComponentId, Phase,
    check::Ctx,
    claiming::{confirm, give_way, make_ready, strays},
    order::{Order, Turn, walk},
    outcome::Halt,
    remove::remove,
    resolve::{query, unwanted},
    run::{State, work},
    superfluous::clear,
};

/// Ends a run in which every component came about.
pub(crate) async fn finish(ctx: &Ctx<'_>, order: &Order, state: &mut State) {
    let unsealed = state.claim().is_some_and(|claim| claim.phase != Phase::Ready);
    if let Err((component, halt)) = tidy(ctx, state, unsealed).await {
        state.halt(ctx, &component, halt);
    } else {
        clear(ctx, order, state).await;
    }
    if !state.outcome.is_success() {
        // What is there is complete, but something that shall not be there is too.
    } else if seal(ctx, state).await {
        if unsealed {
            close(ctx, state).await;
        } else {
            state.ready();
        }
    }
    if state.lost() {
        lose(ctx, state).await;
    }
}

/// Deletes what was replaced, and what interrupted or losing creates left behind.
async fn tidy(ctx: &Ctx<'_>, state: &mut State, unsealed: bool) -> Result<(), (ComponentId, Halt)> {
    let Some(held) = state.held.clone() else { return Ok(()) };
    if unsealed {
        confirm(ctx, &held, None).await.map_err(|halt| (held.component.clone(), halt))?;
    }
    for (at, node) in ctx.blueprint.nodes.iter().enumerate().filter(|(_, node)| !node.absent) {
        let Some(found) = state.objects().get(&node.id) else { continue };
        let (query, _) = query(ctx.blueprint, node, state.objects(), None, false);
        let because = |halt| (node.id.clone(), halt);
        // Of a claim that nobody made or took in this run there are no more than before: looking for them may be one call for every
        // key of the region.
        let mut old = match node.claim && !unsealed {
            true => Vec::new(),
            false => strays(ctx, node, &query, &found.id).await.map_err(because)?,
        };
        old.extend(state.retired.iter().filter(|(of, _)| *of == at).map(|(_, old)| old.clone()));
        old.sort_by(|a, b| a.id.cmp(&b.id));
        old.dedup_by(|a, b| a.id == b.id);
        let wanted = unwanted(ctx.blueprint, node, state.objects(), Some(&held.claim), false);
        let component = ctx.component(node).map_err(because)?;
        for old in old {
            ctx.pace.check().map_err(because)?;
            let mut kept = None;
            let removed = remove(ctx, component, &query, &old, &wanted, &mut kept).await;
            state.outcome.kept.extend(kept.map(|kept| (node.id.clone(), kept)));
            removed.map_err(because)?;
        }
    }
    Ok(())
}

/// Switches the seal settings on, everything else being as it shall be.
async fn seal(ctx: &Ctx<'_>, state: &mut State) -> bool {
    let waits = vec![std::collections::BTreeSet::new(); ctx.blueprint.nodes.len()];
    let mut all = (state, true);
    walk(
        &waits,
        ctx.cloud.limits.width,
        &mut all,
        |(state, whole), at| {
            let Some(node) = ctx.blueprint.nodes.get(at).filter(|node| !node.absent) else { return Turn::Pass };
            if !node.settings.values().any(|setting| setting.seal) {
                return Turn::Pass;
            }
            let sealed = ctx.pace.check().and_then(|()| work(ctx, state, node)).and_then(|mut work| {
                let claim = state.claim();
                let wanted = super::resolve::wanted(ctx.blueprint, node, state.objects(), claim, true);
                work.wanted = wanted.map_err(|failure| Halt::Failed(super::Doing::Updating, failure))?;
                Ok(work)
            });
            match sealed {
                Ok(mut work) => Turn::Work(Box::pin(async move {
                    let result = work.converge().await;
                    (node.id.clone(), work.found, result)
                })),
                Err(halt) => {
                    state.halt(ctx, &node.id, halt);
                    *whole = false;
                    Turn::Block
                }
            }
        },
        |(state, whole), _, (component, found, result)| {
            state.observed.note(&component, found);
            if let Err(halt) = result {
                state.converged.remove(&component);
                state.halt(ctx, &component, halt);
                *whole = false;
            }
            true
        },
    )
    .await;
    all.1
}

async fn close(ctx: &Ctx<'_>, state: &mut State) {
    let Some(mut held) = state.held.clone() else { return };
    let closed = make_ready(ctx, &mut held).await;
    let component = held.component.clone();
    state.held = Some(held);
    match closed {
        Ok(found) => {
            state.observed.note(&component, Some(found));
            state.ready();
        }
        Err(halt) => state.halt(ctx, &component, halt),
    }
}

/// Ends a run whose claim another one took: what this run alone had made is deleted, the rest is the other's.
/// The incarnation that goes to state is this run's own, so that a delete of this state touches nothing.
pub(crate) async fn lose(ctx: &Ctx<'_>, state: &mut State) {
    let Some(held) = state.held.clone() else { return };
    match give_way(ctx, &held).await {
        Ok(true) => state.observed.note(&held.component, None),
        Ok(false) => {}
        Err(halt) => state.halt(ctx, &held.component, halt),
    }
}
