//! Bringing a blueprint about.

use std::collections::BTreeSet;

use super::{
    Blueprint, Claim, Cloud, ComponentFailure, ComponentId, Doing, Found, Mode, Node, Observed, Outcome, Phase, Refusal, Run, Status,
    check::{Ctx, own_claim, refusals, remade, verified},
    claiming::{Held, hold},
    finish::finish,
    lease,
    observe::observe_with,
    order::{Order, Turn, walk},
    outcome::Halt,
    resolve::{Objects, query, wanted},
    work::Work,
};

/// Makes, repairs and changes until everything is as the blueprint wants it, or nothing more can be done.
///
/// The claim comes first; each other component as soon as all that it waits for is ready, a bounded number at a time. When one
/// fails, those that don't hang on it are finished. Dropping the future at any point is safe: the next run goes on from
/// what exists.
pub async fn run(cloud: &Cloud, blueprint: &Blueprint, run: Run) -> Outcome {
    let total = total(blueprint);
    let mut order = match Order::for_run(blueprint, cloud) {
        Ok(order) => order,
        Err(flaw) => return Outcome::refused(total, vec![flaw.into()]),
    };
    let ctx = Ctx::new(cloud, blueprint, &run);
    let observed = loop {
        let (observed, mut halted) = observe_with(cloud, blueprint, &order, &run.known, &ctx.pace, |node| ctx.recovers(node)).await;
        let mut waited = false;
        if halted.is_none() && nothing_done(&ctx, &observed, None).is_none() {
            match lease::wait_out(&ctx, &observed).await {
                Ok(done) => waited = done,
                Err(halt) => halted = Some(halt),
            }
        }
        if let Some(early) = nothing_done(&ctx, &observed, halted) {
            return early;
        }
        if !waited {
            break observed;
        }
    };
    order = order.among(blueprint, &observed.found);
    let mut state = State::new(&ctx, observed);
    // Boxed: whoever waits for a run would else carry all of it.
    lease::renewing(&ctx, Box::pin(bring_about(&ctx, &order, &mut state))).await;
    state.into_outcome(&ctx)
}

async fn bring_about(ctx: &Ctx<'_>, order: &Order, state: &mut State) {
    let width = ctx.cloud.limits.width;
    walk(&order.needs, width, state, |state, at| begin(ctx, state, at), |state, at, done| end(ctx, state, at, done)).await;
    if state.converged.len() == total(ctx.blueprint) && state.outcome.is_success() {
        finish(ctx, order, state).await;
    } else if state.lost() {
        super::finish::lose(ctx, state).await;
    }
}

/// The outcome of a run that may not or can't begin. A create that did nothing owns nothing, whatever is there.
fn nothing_done(ctx: &Ctx<'_>, observed: &Observed, halted: Option<Halt>) -> Option<Outcome> {
    let mut outcome = Outcome::new(total(ctx.blueprint));
    if let Some(halt) = halted {
        outcome.halt(&ComponentId::from(""), halt, ctx.run.deadline);
    } else if observed.failures.is_empty() {
        outcome.refusals = refusals(ctx, observed);
    } else {
        let failed = |(component, failure): &(ComponentId, _)| ComponentFailure {
            component: component.clone(),
            failure: super::Failure::clone(failure),
            doing: Doing::Finding,
        };
        outcome.failures = observed.failures.iter().map(failed).collect();
    }
    if outcome.is_success() {
        return None;
    }
    if ctx.run.mode == Mode::Update {
        outcome.observed = observed.clone();
        outcome.observed.claim = own_claim(ctx.run, observed.claim.clone());
    }
    Some(outcome)
}

/// How many components a blueprint wants.
fn total(blueprint: &Blueprint) -> usize {
    blueprint.nodes.iter().filter(|node| !node.absent).count()
}

/// What a run knows so far.
pub(crate) struct State {
    pub observed: Observed,
    pub outcome: Outcome,
    pub held: Option<Held>,
    pub converged: BTreeSet<ComponentId>,
    /// Replaced objects, with the position of their node.
    pub retired: Vec<(usize, Found)>,
    verified: bool,
}

impl State {
    fn new(ctx: &Ctx<'_>, observed: Observed) -> Self {
        Self {
            verified: verified(ctx.run, observed.claim.as_ref()),
            observed,
            outcome: Outcome::new(total(ctx.blueprint)),
            held: None,
            converged: BTreeSet::new(),
            retired: Vec::new(),
        }
    }

    /// Whether another run has the claim.
    pub(crate) fn lost(&self) -> bool {
        self.outcome.refusals.iter().any(|refusal| matches!(refusal, Refusal::TakenOver { .. }))
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.observed.found
    }

    fn into_outcome(self, ctx: &Ctx<'_>) -> Outcome {
        let Self { mut observed, mut outcome, held, converged, .. } = self;
        match held {
            Some(held) => observed.claim = Some(held.claim),
            // Nothing was claimed: what is there isn't ours.
            None if ctx.run.mode == Mode::Create => observed = Observed::default(),
            None => observed.claim = own_claim(ctx.run, observed.claim.take()),
        }
        outcome.done = converged.len();
        outcome.observed = observed;
        outcome
    }
}

struct Done {
    node: ComponentId,
    found: Option<Found>,
    retired: Vec<Found>,
    held: Option<Held>,
    result: Result<(), Halt>,
}

/// The work on the node at `at`, whose inputs are all there.
pub(crate) fn work<'a>(ctx: &'a Ctx<'a>, state: &State, node: &'a Node) -> Result<Work<'a>, Halt> {
    let component = ctx.component(node)?;
    let claim = state.held.as_ref().map(|held| held.claim.clone());
    // Seals come last in every run: what they seal may only be made in this one.
    let wanted = wanted(ctx.blueprint, node, state.objects(), claim.as_ref(), false);
    let wanted = wanted.map_err(|failure| Halt::Failed(Doing::Creating, failure))?;
    let (query, _) = query(ctx.blueprint, node, state.objects(), ctx.known(node), ctx.recovers(node));
    let found = state.observed.found.get(&node.id).cloned();
    Ok(Work {
        ctx,
        node,
        component,
        query,
        wanted,
        fresh: found.is_some(),
        found,
        deleted: state.observed.deleted.get(&node.id).cloned(),
        proven: state.observed.complete.contains(&node.id),
        uid: claim.map(|claim| claim.uid).unwrap_or_default(),
        verified: state.verified,
        settled: state.observed.claim.as_ref().is_some_and(|claim| matches!(claim.phase, Phase::Ready | Phase::Deleting)),
        remake: remade(ctx, node, &state.observed),
        created: false,
        asked: None,
        conflicted: false,
        again: false,
        retired: Vec::new(),
        held: None,
    })
}

type Job<'a> = std::pin::Pin<Box<dyn Future<Output = Done> + Send + 'a>>;

fn begin<'a>(ctx: &'a Ctx<'a>, state: &mut State, at: usize) -> Turn<Job<'a>> {
    let Some(node) = ctx.blueprint.nodes.get(at) else { return Turn::Block };
    if state.lost() {
        return Turn::Block;
    }
    if node.absent {
        return Turn::Pass;
    }
    let ready = ctx.pace.check().and_then(|()| work(ctx, state, node));
    let mut work = match ready {
        Ok(work) => work,
        Err(halt) => {
            state.outcome.halt(&node.id, halt, ctx.run.deadline);
            return Turn::Block;
        }
    };
    let held = state.held.clone();
    Turn::Work(Box::pin(async move {
        let result = match (&held, node.claim) {
            (Some(held), false) => work.bring_about(held).await,
            // The claim: everything else waits for it.
            _ => hold_and_converge(&mut work).await,
        };
        Done { node: node.id.clone(), found: work.found, retired: work.retired, held: work.held, result }
    }))
}

async fn hold_and_converge(work: &mut Work<'_>) -> Result<(), Halt> {
    hold(work).await?;
    work.converge().await
}

fn end(ctx: &Ctx<'_>, state: &mut State, at: usize, done: Done) -> bool {
    let id = done.found.as_ref().map(|found| found.id.clone());
    state.observed.note(&done.node, done.found);
    state.retired.extend(done.retired.into_iter().map(|old| (at, old)));
    if done.held.is_some() {
        // A rename in place may have given it another id.
        state.held = done.held.map(|held| Held { id: id.unwrap_or_else(|| held.id.clone()), ..held });
    }
    match done.result {
        Ok(()) => {
            state.converged.insert(done.node);
            true
        }
        Err(halt) => {
            state.outcome.halt(&done.node, halt, ctx.run.deadline);
            false
        }
    }
}

impl State {
    /// Records why a last step ended early.
    pub(crate) fn halt(&mut self, ctx: &Ctx<'_>, component: &ComponentId, halt: Halt) {
        self.outcome.halt(component, halt, ctx.run.deadline);
    }

    /// Everything is as it shall be.
    pub(crate) fn ready(&mut self) {
        self.outcome.status = Status::Ready;
    }

    /// The claim as it stands.
    pub(crate) fn claim(&self) -> Option<&Claim> {
        self.held.as_ref().map(|held| &held.claim)
    }
}
