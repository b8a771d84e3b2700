//! Components whose configuration was taken away: they are deleted when everything else is as it shall be.

use std::collections::BTreeSet;

use super::{
    Found, Kept, Node, Refusal,
    check::Ctx,
    claim::{Ownership, ownership},
    order::{Order, Turn, walk},
    outcome::Halt,
    remove::remove,
    resolve::{query, unwanted},
    run::State,
};

/// Whether `found` is ours to delete although nothing wants it any more. What has no tags is ours by its id in state, or since
/// it hangs on a claim that was ours before this run.
fn is_ours(ctx: &Ctx<'_>, node: &Node, found: &Found, taggable: bool, claimed: bool) -> bool {
    let known = ctx.known(node) == Some(found.id.as_str());
    match ownership(&ctx.blueprint.owner, found) {
        _ if !taggable => known || claimed,
        Ownership::Ours => true,
        Ownership::Nobodys => known,
        Ownership::Anothers(_) => false,
    }
}

/// Deletes what shall not exist: first every guard is asked, then they go in reverse order. What isn't ours is left alone.
pub(crate) async fn clear(ctx: &Ctx<'_>, order: &Order, state: &mut State) {
    let claimed = state.observed.claim.is_some();
    for node in ctx.blueprint.nodes.iter().filter(|node| node.absent) {
        let taggable = !state.observed.untaggable.contains(&node.id);
        if state.observed.found.get(&node.id).is_some_and(|found| !is_ours(ctx, node, found, taggable, claimed)) {
            state.observed.note(&node.id, None);
        }
    }
    if !unguarded(ctx, state).await {
        return;
    }
    let absent: BTreeSet<usize> = ctx.blueprint.nodes.iter().enumerate().filter(|(_, node)| node.absent).map(|(at, _)| at).collect();
    let waits: Vec<BTreeSet<usize>> = order.dependents.iter().map(|of| of & &absent).collect();
    walk(
        &waits,
        ctx.cloud.limits.width,
        state,
        |state, at| {
            let Some(node) = ctx.blueprint.nodes.get(at).filter(|node| node.absent) else { return Turn::Pass };
            let Some(found) = state.observed.found.get(&node.id).cloned() else { return Turn::Pass };
            let component = match ctx.pace.check().and_then(|()| ctx.component(node)) {
                Ok(component) => component,
                Err(halt) => {
                    state.halt(ctx, &node.id, halt);
                    return Turn::Block;
                }
            };
            let wanted = unwanted(ctx.blueprint, node, state.objects(), state.claim(), true);
            let (query, _) = query(ctx.blueprint, node, state.objects(), Some(&found.id), false);
            Turn::Work(async move {
                let mut kept = node.keep.as_ref().map(|reason| Kept { what: format!("{}: {reason}", found.id), cost: String::new() });
                let result = match &kept {
                    Some(_) => Ok(()),
                    None => remove(ctx, component, &query, &found, &wanted, &mut kept).await,
                };
                (node.id.clone(), kept, result)
            })
        },
        |state, _, (component, kept, result)| {
            state.outcome.kept.extend(kept.map(|kept| (component.clone(), kept)));
            match result {
                Ok(()) => {
                    state.observed.note(&component, None);
                    true
                }
                Err(halt) => {
                    state.halt(ctx, &component, halt);
                    false
                }
            }
        },
    )
    .await;
}

async fn unguarded(ctx: &Ctx<'_>, state: &mut State) -> bool {
    for node in ctx.blueprint.nodes.iter().filter(|node| node.absent && node.keep.is_none()) {
        let Some(found) = state.observed.found.get(&node.id).cloned() else { continue };
        let wanted = unwanted(ctx.blueprint, node, state.objects(), state.claim(), true);
        let guards = match ctx.component(node) {
            Ok(component) => ctx.pace.call(super::Doing::Guarding, None, || component.guards(&found, &wanted)).await,
            Err(halt) => Err(halt),
        };
        match guards {
            Ok(guards) => {
                for guard in guards {
                    state.halt(ctx, &node.id, Halt::Refused(Refusal::Guarded { component: node.id.clone(), guard }));
                }
            }
            Err(halt) => state.halt(ctx, &node.id, halt),
        }
    }
    state.outcome.is_success()
}
