//! Deleting everything that a blueprint stands for.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Blueprint, Claim, Cloud, Component, ComponentFailure, ComponentId, Doing, Found, Kept, Node, Observed, Outcome, Phase, Readiness,
    Refusal, Run, Wanted,
    check::{Ctx, own_claim, verified},
    claiming::strays,
    lease,
    observe::observe_with,
    order::{Order, Turn, walk},
    outcome::Halt,
    remove::remove,
    resolve::{query, unwanted},
};

/// Deletes everything, in the reverse of the order in which it was made. Absent is success.
///
/// Nothing is deleted when anything guards it, when something can't be read, or when the claim isn't this state's any more.
/// What belongs to others is left alone and counts as absent. What remains stands in the outcome.
pub async fn destroy(cloud: &Cloud, blueprint: &Blueprint, run: Run) -> Outcome {
    let total = blueprint.nodes.len();
    let order = match Order::for_run(blueprint, cloud) {
        Ok(order) => order,
        Err(flaw) => return Outcome::refused(total, vec![flaw.into()]),
    };
    let ctx = Ctx::new(cloud, blueprint, &run);
    let (observed, halted) = observe_with(cloud, blueprint, &order, &run.known, &ctx.pace, |_| false).await;
    let mut state = State::new(total, observed);
    if let Some(halt) = halted {
        state.halt(&ctx, &ComponentId::from(""), halt);
    } else if !state.observed.failures.is_empty() {
        for (component, failure) in state.observed.failures.clone() {
            state.outcome.failures.push(ComponentFailure { component, failure, doing: Doing::Finding });
        }
    } else if let Some(stale) = stale(&ctx, &state.observed) {
        state.outcome.refusals.push(stale);
    } else {
        state.aside = set_others_aside(&ctx, &mut state.observed);
        if rival(&ctx, &mut state).await && guards(&ctx, &mut state).await && mark(&ctx, &mut state).await {
            let (width, state) = (cloud.limits.width, &mut state);
            let all = walk(&order.dependents, width, state, |state, at| begin(&ctx, state, at), |state, _, done| end(&ctx, state, done));
            lease::renewing(&ctx, all).await;
        }
    }
    state.observed.claim = own_claim(&run, state.claim);
    Outcome { observed: state.observed, ..state.outcome }
}

struct State {
    observed: Observed,
    outcome: Outcome,
    /// What settings are resolved from, also when it is gone already.
    before: BTreeMap<ComponentId, Found>,
    claim: Option<Claim>,
    /// It was ready once, so that what seals it counts: in a destroy that goes on, too.
    sealed: bool,
    /// Another one holds the name: nothing but our claim's object is ours.
    rival: bool,
    /// Components under whose name another's object stands.
    aside: BTreeSet<ComponentId>,
}

impl State {
    fn new(total: usize, observed: Observed) -> Self {
        let mut before = observed.deleted.clone();
        before.extend(observed.found.clone());
        let claim = observed.claim.clone();
        let sealed = claim.as_ref().is_none_or(|claim| claim.phase != Phase::Creating);
        Self { observed, outcome: Outcome::new(total), before, claim, sealed, rival: false, aside: BTreeSet::new() }
    }

    fn halt(&mut self, ctx: &Ctx<'_>, component: &ComponentId, halt: Halt) {
        self.outcome.halt(component, halt, ctx.run.deadline);
    }

    fn wanted(&self, ctx: &Ctx<'_>, node: &Node) -> Wanted {
        unwanted(ctx.blueprint, node, &self.before, self.claim.as_ref(), self.sealed)
    }
}

fn claim_node<'a>(ctx: &Ctx<'a>) -> Option<&'a Node> {
    ctx.blueprint.nodes.iter().find(|node| node.claim)
}

/// Whether the claim was taken over since this state was written.
fn stale(ctx: &Ctx<'_>, observed: &Observed) -> Option<Refusal> {
    let node = claim_node(ctx)?;
    let found = observed.found.get(&node.id)?;
    let current = observed.claim.as_ref()?;
    let stale = Refusal::Stale { component: node.id.clone(), id: found.id.clone() };
    (!verified(ctx.run, Some(current))).then_some(stale)
}

/// Forgets what isn't ours. Without the claim, untagged objects are ours by their id in state only; with another's claim
/// under our name, they are the other's.
fn set_others_aside(ctx: &Ctx<'_>, observed: &mut Observed) -> BTreeSet<ComponentId> {
    let mut aside = BTreeSet::new();
    let verified = verified(ctx.run, observed.claim.as_ref());
    let claim = claim_node(ctx).and_then(|node| observed.found.get(&node.id).map(|found| (node, found)));
    let claimed = claim.is_some();
    let anothers = claim.is_some_and(|(node, found)| ctx.foreign(node, found, true, verified).is_some());
    for node in &ctx.blueprint.nodes {
        let Some(found) = observed.found.get(&node.id) else { continue };
        let taggable = !observed.untaggable.contains(&node.id);
        let known = ctx.known(node) == Some(found.id.as_str());
        let other = if taggable { ctx.foreign(node, found, true, verified).is_some() } else { anothers || (!claimed && !known) };
        if other {
            observed.found.remove(&node.id);
            aside.insert(node.id.clone());
        }
    }
    aside
}

/// Where the claim has no unique name, another one may hold it: then only our own claim's object is ours, and all the rest,
/// found by names and tags, is the other's. False: that could not be found out.
async fn rival(ctx: &Ctx<'_>, state: &mut State) -> bool {
    let Some(node) = claim_node(ctx) else { return true };
    let own = state.observed.found.get(&node.id).or(state.observed.deleted.get(&node.id)).map(|own| own.id.clone());
    let Some(own) = own else { return true };
    let query = query(ctx.blueprint, node, &state.before, None, false).0;
    let holder = match ctx.component(node) {
        Ok(component) if component.tokenless() || component.outlives_delete() => ctx.look(component, &query, None).await,
        Ok(_) => return true,
        Err(halt) => Err(halt),
    };
    match holder {
        Ok(holder) => {
            if holder.is_some_and(|holder| holder.id != own && holder.readiness != Readiness::Deleted) {
                state.observed.found.retain(|component, _| *component == node.id);
                state.rival = true;
            }
            true
        }
        Err(halt) => {
            state.halt(ctx, &node.id, halt);
            false
        }
    }
}

/// Asks everything what forbids its deletion, and goes on only if nothing does.
async fn guards(ctx: &Ctx<'_>, state: &mut State) -> bool {
    let waits = vec![BTreeSet::new(); ctx.blueprint.nodes.len()];
    walk(
        &waits,
        ctx.cloud.limits.width,
        state,
        |state, at| {
            let Some(node) = ctx.blueprint.nodes.get(at).filter(|node| node.keep.is_none()) else { return Turn::Pass };
            let Some(found) = state.observed.found.get(&node.id).cloned() else { return Turn::Pass };
            let wanted = state.wanted(ctx, node);
            Turn::Work(async move {
                let guards = match ctx.component(node) {
                    Ok(component) => ctx.pace.call(Doing::Guarding, None, || component.guards(&found, &wanted)).await,
                    Err(halt) => Err(halt),
                };
                (node.id.clone(), guards)
            })
        },
        |state, _, (component, guards)| {
            match guards {
                Ok(guards) => {
                    let guarded = guards.into_iter().map(|guard| Refusal::Guarded { component: component.clone(), guard });
                    state.outcome.refusals.extend(guarded);
                }
                Err(halt) => state.halt(ctx, &component, halt),
            }
            true
        },
    )
    .await;
    state.outcome.is_success()
}

/// Writes the phase `deleting`, before anything is deleted. What never was ready stays `creating`: nobody's data is in it, and a destroy
/// that goes on must know that.
async fn mark(ctx: &Ctx<'_>, state: &mut State) -> bool {
    let Some(node) = claim_node(ctx) else { return true };
    let (Some(found), Some(claim)) = (state.observed.found.get(&node.id).cloned(), state.claim.clone()) else { return true };
    let leased = ctx.component(node).is_ok_and(Component::leased);
    let phase = if claim.phase == Phase::Creating { Phase::Creating } else { Phase::Deleting };
    if claim.phase == phase && !leased {
        return true;
    }
    match write_phase(ctx, node, &found, &claim, phase).await {
        Ok(claim) => {
            lease::keep_in_destroy(ctx, node, &found).await;
            state.claim = Some(claim);
            true
        }
        Err(halt) => {
            state.halt(ctx, &node.id, halt);
            false
        }
    }
}

async fn write_phase(ctx: &Ctx<'_>, node: &Node, found: &Found, claim: &Claim, phase: Phase) -> Result<Claim, Halt> {
    let component = ctx.component(node)?;
    let claim = claim.at(phase);
    let mut tags = claim.tags();
    if component.leased() && phase != Phase::Deleted {
        tags.extend(lease::tag(ctx));
    }
    ctx.pace.call(Doing::Tagging, None, || component.tag(found, &tags, &[])).await?;
    Ok(claim)
}

struct Done {
    node: ComponentId,
    gone: bool,
    kept: Vec<Kept>,
    claim: Option<Claim>,
    result: Result<(), Halt>,
}

type Job<'a> = std::pin::Pin<Box<dyn Future<Output = Done> + Send + 'a>>;

fn begin<'a>(ctx: &'a Ctx<'a>, state: &mut State, at: usize) -> Turn<Job<'a>> {
    let Some(node) = ctx.blueprint.nodes.get(at) else { return Turn::Block };
    if let Err(halt) = ctx.pace.check() {
        state.halt(ctx, &node.id, halt);
        return Turn::Block;
    }
    let rival = state.rival;
    // What is gone was ours if our state knew it and nobody else's stands in its place.
    let mine = !rival && ctx.known(node).is_some() && !state.aside.contains(&node.id);
    let wanted = state.wanted(ctx, node);
    let found = state.observed.found.get(&node.id).cloned();
    let claim = state.claim.clone().filter(|_| node.claim);
    let query = query(ctx.blueprint, node, &state.before, None, false).0;
    Turn::Work(Box::pin(async move {
        let mut done = Done { node: node.id.clone(), gone: false, kept: Vec::new(), claim, result: Ok(()) };
        if !rival {
            done.result = sweep(ctx, node, found.as_ref(), &query, &wanted, &mut done).await;
        }
        if done.result.is_ok() {
            done.result = delete(ctx, node, found, &query, &wanted, mine, &mut done).await;
        }
        done
    }))
}

/// Deletes what interrupted and losing creates left behind.
async fn sweep(
    ctx: &Ctx<'_>,
    node: &Node,
    found: Option<&Found>,
    query: &super::Query,
    wanted: &Wanted,
    done: &mut Done,
) -> Result<(), Halt> {
    let component = ctx.component(node)?;
    let id = found.map(|found| found.id.as_str()).unwrap_or_default();
    for stray in strays(ctx, node, query, id).await? {
        ctx.pace.check()?;
        let mut kept = None;
        let removed = remove(ctx, component, query, &stray, wanted, &mut kept).await;
        done.kept.extend(kept);
        removed?;
    }
    Ok(())
}

async fn delete(
    ctx: &Ctx<'_>,
    node: &Node,
    found: Option<Found>,
    query: &super::Query,
    wanted: &Wanted,
    mine: bool,
    done: &mut Done,
) -> Result<(), Halt> {
    let component = ctx.component(node)?;
    let Some(mut found) = found else {
        // It went in an earlier destroy, which may have been interrupted before it was done.
        let swept = if mine { sweep_after(ctx, component, wanted, done).await } else { Ok(()) };
        done.gone = swept.is_ok();
        return swept;
    };
    if let Some(claim) = done.claim.clone() {
        ctx.lease.end().await;
        // Everything else took its time: is it still ours?
        match ctx.look(component, query, Some(&found.id)).await? {
            Some(now) if now.id == found.id => {
                let other = Claim::of(&now.tags).is_some_and(|now| now.incarnation != claim.incarnation);
                if other {
                    return Err(Refusal::Stale { component: node.id.clone(), id: found.id.clone() }.into());
                }
                found = now;
            }
            _ => {}
        }
        if component.outlives_delete() || node.keep.is_some() {
            done.claim = Some(write_phase(ctx, node, &found, &claim, Phase::Deleted).await?);
        }
    }
    if let Some(reason) = &node.keep {
        if !reason.is_empty() {
            done.kept.push(Kept { what: format!("`{}` {}: {reason}", node.id, found.id), cost: String::new() });
        }
        done.gone = true;
        return Ok(());
    }
    let mut kept = None;
    let removed = remove(ctx, component, query, &found, wanted, &mut kept).await;
    done.kept.extend(kept);
    removed?;
    if node.adopt {
        ctx.pace.sleep(component.comes_back_within().mul_f64(ctx.pace.limits.scale)).await?;
    }
    sweep_after(ctx, component, wanted, done).await?;
    done.gone = true;
    Ok(())
}

/// Deletes what others made for an object that is gone.
async fn sweep_after(ctx: &Ctx<'_>, component: &dyn Component, wanted: &Wanted, done: &mut Done) -> Result<(), Halt> {
    let left = ctx.pace.call(Doing::Deleting, Some(super::Class::Conflict), || component.sweep(wanted)).await?;
    done.kept.extend(left);
    Ok(())
}

fn end(ctx: &Ctx<'_>, state: &mut State, done: Done) -> bool {
    if done.claim.is_some() {
        state.claim = done.claim;
    }
    state.outcome.kept.extend(done.kept.into_iter().map(|kept| (done.node.clone(), kept)));
    if done.gone {
        state.observed.note(&done.node, None);
        state.outcome.done += 1;
        if claim_node(ctx).is_some_and(|node| node.id == done.node) {
            state.claim = None;
        }
    }
    match done.result {
        Ok(()) => true,
        Err(halt) => {
            state.halt(ctx, &done.node, halt);
            false
        }
    }
}
