//! Taking and keeping the claim. Tags know no compare-and-swap: whoever writes them waits, reads again, and gives way to a
//! later writer. docs/decisions/0004-claims-by-tags.md.

use tokio::time::Instant;

use super::{
    COMPONENT, Claim, Component, ComponentId, Doing, Found, Mode, Node, PREFIX, Phase, Query, Readiness, Refusal,
    check::{self, Ctx},
    claim::{Ownership, ownership, token, wanted_tags},
    lease::{self, LEASE},
    outcome::Halt,
    remove::remove,
    resolve::{Objects, bug, query, unwanted},
    retry::Patience,
    work::{Work, invisible},
};

/// A claim that this run holds, as far as it knows.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The claim's component.
    pub component: ComponentId,
    /// The object's id.
    pub id: String,
    /// What its tags say.
    pub claim: Claim,
    /// Whether this run made the object.
    pub made: bool,
}

/// Comes to hold the claim, with its lease: by making it, by taking it over, or since it is ours by state. `work.held` is set as soon
/// as the claim may stand in the cloud, however this ends.
pub(crate) async fn hold(work: &mut Work<'_>) -> Result<(), Halt> {
    let written = take(work).await?;
    lease::keep(work, written).await
}

/// Says whether it wrote the claim, and the lease with it.
async fn take(work: &mut Work<'_>) -> Result<bool, Halt> {
    let ctx = work.ctx;
    let mut patience = Patience::new(None);
    let mut read = None;
    let nonce = ctx.cloud.entropy.nonce();
    loop {
        ctx.pace.check()?;
        if work.found.is_none() && work.deleted.is_some() {
            if let Err(halt) = work.take_back().await {
                // What is back already is ours by the claim that it still carries: a delete of this state ends it again.
                work.held = work.found.as_ref().and_then(|found| back(&work.node.id, found));
                return Err(halt);
            }
            read = None;
        }
        if work.found.is_none() {
            if make(work, &nonce).await? {
                return settle(work, None).await.map(|()| true);
            }
            read = Some(Instant::now());
        }
        if ctx.run.mode == Mode::Create && read.is_none_or(|read| read.elapsed() > ctx.pace.limits.fresh) {
            let found = ctx.look(work.component, &work.query, work.query.id.as_deref()).await?;
            read = Some(Instant::now());
            work.note(found);
        }
        work.ours()?;
        let Some(found) = work.found.clone() else { continue };
        let busy = lease::busy(ctx, work.component, &work.node.id, &found, &nonce).await;
        if let Some(refusal) = check::claim(ctx, work.node, &found).or(busy) {
            // In what was read first it was free: it isn't any more.
            work.found = None;
            return Err(refusal.into());
        }
        let current = Claim::of(&found.tags);
        let claim = next(ctx, current.as_ref(), &nonce);
        let held = Held { component: work.node.id.clone(), id: found.id.clone(), claim: claim.clone(), made: false };
        if current.as_ref() == Some(&claim) {
            let taken = claim.incarnation == nonce;
            enter(work, held);
            return if taken { settle(work, None).await.map(|()| true) } else { Ok(false) };
        }
        let mut set = wanted_tags(ctx.blueprint, work.node, Some(&claim));
        set.retain(|key, _| key.starts_with(PREFIX));
        let component = work.component;
        if component.leased() && claim.phase != Phase::Ready {
            set.extend(lease::tag(ctx));
        }
        enter(work, held);
        match ctx.pace.once(component.tag(&found, &set, &[])).await {
            Ok(()) => return settle(work, current.map(|claim| claim.incarnation)).await.map(|()| true),
            Err(failure) => {
                // Before another try it is read again: somebody may have come first.
                read = None;
                ctx.pace.wait(&mut patience, Doing::Tagging, failure).await?;
            }
        }
    }
}

/// The claim of an object that was taken back and not yet claimed anew.
fn back(component: &ComponentId, found: &Found) -> Option<Held> {
    Some(Held { component: component.clone(), id: found.id.clone(), claim: Claim::of(&found.tags)?, made: false })
}

/// Makes the claim's object. False: there is one now that isn't of this call.
async fn make(work: &mut Work<'_>, nonce: &str) -> Result<bool, Halt> {
    let ctx = work.ctx;
    let claim = Claim { uid: ctx.cloud.entropy.uid(), incarnation: nonce.to_owned(), phase: Phase::Creating };
    work.wanted.tags = wanted_tags(ctx.blueprint, work.node, Some(&claim));
    if work.component.leased() {
        work.wanted.tags.extend(lease::tag(ctx));
    }
    work.wanted.token = token(&claim.uid, work.node, &work.wanted, None);
    work.make(None).await.inspect_err(|_| {
        // It was stopped while it looked for what it had made.
        if let Some(found) = work.found.clone().filter(|_| work.created) {
            work.held = Some(Held { component: work.node.id.clone(), id: found.id, claim: claim.clone(), made: true });
        }
    })?;
    let Some(found) = work.found.clone() else { return Ok(false) };
    let replied = work.created && !work.fresh;
    let ours = Claim::of(&found.tags).is_some_and(|there| there.incarnation == nonce);
    if replied || ours {
        enter(work, Held { component: work.node.id.clone(), id: found.id, claim, made: true });
        return Ok(true);
    }
    work.created = false;
    Ok(false)
}

/// What the claim's tags shall say.
fn next(ctx: &Ctx<'_>, current: Option<&Claim>, nonce: &str) -> Claim {
    // The uid stays, so that old tokens find old calls; but not those of a life that was ended: their objects are gone.
    let alive = current.filter(|claim| matches!(claim.phase, Phase::Creating | Phase::Ready));
    let fresh = |phase| Claim {
        uid: alive.map_or_else(|| ctx.cloud.entropy.uid(), |claim| claim.uid.clone()),
        incarnation: nonce.to_owned(),
        phase,
    };
    match (ctx.run.mode, &ctx.run.claim, current) {
        // Ours already, by a call whose reply was lost.
        (Mode::Create, _, Some(current)) if current.incarnation == nonce => current.clone(),
        (Mode::Create, ..) => fresh(Phase::Creating),
        (Mode::Update, _, Some(current)) => match current.phase {
            Phase::Ready | Phase::Creating => current.clone(),
            // A destroy that ended half-way: it was handed out, and what is left of it stays sealed.
            Phase::Deleting => Claim { incarnation: current.incarnation.clone(), ..fresh(Phase::Ready) },
            Phase::Deleted => Claim { incarnation: current.incarnation.clone(), ..fresh(Phase::Creating) },
        },
        // The tags were removed by hand.
        (Mode::Update, Some((uid, incarnation)), None) => Claim { uid: uid.clone(), incarnation: incarnation.clone(), phase: Phase::Ready },
        // Imported: it was in use before, so nobody may take it over.
        (Mode::Update, None, None) => fresh(Phase::Ready),
    }
}

fn enter(work: &mut Work<'_>, held: Held) {
    work.uid.clone_from(&held.claim.uid);
    let sealed = held.claim.phase == Phase::Ready;
    if !sealed {
        let node = work.node;
        work.wanted.settings.retain(|name, _| node.settings.get(name).is_none_or(|setting| !setting.seal));
    }
    work.wanted.tags = wanted_tags(work.ctx.blueprint, work.node, Some(&held.claim));
    work.wanted.token = token(&work.uid, work.node, &work.wanted, None);
    work.held = Some(held);
}

/// Lets the claim rest, and sees that it still is ours.
async fn settle(work: &mut Work<'_>, previous: Option<String>) -> Result<(), Halt> {
    let ctx = work.ctx;
    ctx.pace.sleep(ctx.pace.limits.settle).await?;
    let Some(held) = work.held.clone() else { return Ok(()) };
    let found = confirm(ctx, &held, previous.as_deref()).await?;
    work.note(Some(found));
    Ok(())
}

/// Finds the claim by its name and tags as anybody would, and sees that it is ours. `previous`: the incarnation that was
/// written over; reads may still show it. Another one wins: it was written later.
pub(crate) async fn confirm(ctx: &Ctx<'_>, held: &Held, previous: Option<&str>) -> Result<Found, Halt> {
    let (node, component) = claim_node(ctx, held)?;
    let (query, _) = query(ctx.blueprint, node, &Objects::new(), None, false);
    let (begin, mut tries) = (Instant::now(), 0);
    loop {
        let found = match ctx.look(component, &query, None).await? {
            Some(found) => Some(found),
            None => ctx.look(component, &query, Some(&held.id)).await?,
        };
        if let Some(found) = found.filter(|found| found.readiness != Readiness::Deleted) {
            let lost = Refusal::TakenOver { component: held.component.clone(), id: found.id.clone() };
            if found.id != held.id {
                return Err(lost.into());
            }
            match Claim::of(&found.tags) {
                // Ready under our incarnation is ours too: the reply of that write was lost.
                Some(claim)
                    if claim.incarnation == held.claim.incarnation && (claim.phase == held.claim.phase || claim.phase == Phase::Ready) =>
                {
                    return Ok(found);
                }
                // Reads lag.
                Some(claim) if claim.incarnation == held.claim.incarnation => {}
                Some(claim) if Some(claim.incarnation.as_str()) == previous => {}
                None => {}
                Some(_) => return Err(lost.into()),
            }
        }
        if begin.elapsed() >= ctx.pace.limits.visible {
            return Err(invisible(Doing::Waiting, &held.id, "its claim was written, but can't be found"));
        }
        ctx.pace.sleep(ctx.pace.backoff(tries)).await?;
        tries += 1;
    }
}

/// Writes the phase `ready`, the last call of a create, and ends the lease. Each try is preceded by a look whether the claim is still ours, and
/// followed by another one after a rest.
pub(crate) async fn make_ready(ctx: &Ctx<'_>, held: &mut Held) -> Result<Found, Halt> {
    let (_, component) = claim_node(ctx, held)?;
    let ready = Held { claim: held.claim.at(Phase::Ready), ..held.clone() };
    let over = if component.leased() { vec![LEASE.to_owned()] } else { Vec::new() };
    ctx.lease.end().await;
    let mut patience = Patience::new(None);
    loop {
        let found = confirm(ctx, held, None).await?;
        if Claim::of(&found.tags).is_some_and(|claim| claim.phase == Phase::Ready) {
            break;
        }
        ctx.pace.check()?;
        match ctx.pace.once(component.tag(&found, &ready.claim.tags(), &over)).await {
            Ok(()) => break,
            Err(failure) => ctx.pace.wait(&mut patience, Doing::Tagging, failure).await?,
        }
    }
    *held = ready;
    ctx.pace.sleep(ctx.pace.limits.settle).await?;
    confirm(ctx, held, None).await
}

/// Gives way: the object that this run made for a claim which another one holds is deleted. It was never handed out, and
/// its phase stays `creating`, so that no create takes it back. Says whether it is gone.
pub(crate) async fn give_way(ctx: &Ctx<'_>, held: &Held) -> Result<bool, Halt> {
    let (node, component) = claim_node(ctx, held)?;
    if !held.made || !component.tokenless() {
        return Ok(false);
    }
    let (query, _) = query(ctx.blueprint, node, &Objects::new(), None, false);
    let winner = ctx.look(component, &query, None).await?;
    let own = ctx.look(component, &query, Some(&held.id)).await?.filter(|own| own.id == held.id);
    match (winner, own) {
        (Some(winner), Some(own)) if winner.id != own.id && is_loser(ctx, node, &own, &held.claim) => {
            let wanted = unwanted(ctx.blueprint, node, &Objects::new(), Some(&held.claim), false);
            remove(ctx, component, &query, &own, &wanted, &mut None).await.map(|()| true)
        }
        _ => Ok(false),
    }
}

fn is_loser(ctx: &Ctx<'_>, node: &Node, own: &Found, claim: &Claim) -> bool {
    ownership(&ctx.blueprint.owner, own) == Ownership::Ours
        && own.tags.get(COMPONENT) == Some(&node.id.0)
        && Claim::of(&own.tags).is_some_and(|there| there.incarnation == claim.incarnation && there.phase == Phase::Creating)
}

fn claim_node<'a>(ctx: &Ctx<'a>, held: &Held) -> Result<(&'a Node, &'a dyn Component), Halt> {
    let node = ctx.blueprint.nodes.iter().find(|node| node.id == held.component);
    let node = node.ok_or_else(|| Halt::Failed(Doing::Finding, bug("the claim left the blueprint".to_owned())))?;
    Ok((node, ctx.component(node)?))
}

/// Looks for a query's stray objects: same owner and component, another id.
pub(crate) async fn strays(ctx: &Ctx<'_>, node: &Node, query: &Query, id: &str) -> Result<Vec<Found>, Halt> {
    let component = ctx.component(node)?;
    if !component.tokenless() && !component.side_by_side() {
        return Ok(Vec::new());
    }
    let all = ctx.pace.call(Doing::Finding, None, || component.strays(query)).await?;
    let ours = |found: &Found| {
        found.id != id
            && ownership(&ctx.blueprint.owner, found) == Ownership::Ours
            && found.tags.get(COMPONENT) == Some(&node.id.0)
            // A claim that is ready was handed out: it is somebody's.
            && (!node.claim || Claim::of(&found.tags).is_none_or(|claim| claim.phase == Phase::Creating))
    };
    Ok(all.into_iter().filter(ours).collect())
}
