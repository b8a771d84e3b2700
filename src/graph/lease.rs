//! The lease on a claim: who is at work on the resource right now. Only claims have one whose service decides between two creators
//! ([`Component::leased`](super::Component::leased)). docs/decisions/0004-claims-by-tags.md.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use super::{
    Claim, Component, ComponentId, Doing, Found, Mode, Node, Observed, Phase, Refusal,
    check::Ctx,
    outcome::Halt,
    resolve::{Objects, query},
    work::Work,
};

/// On the claim of a run that is at work: until when nobody else may take it over, in seconds since 1970.
pub const LEASE: &str = "deeploy:lease";

/// Renewals in the time that a lease lasts: three may fail, or clocks be that far apart.
const BEATS: u32 = 4;

/// The lease of one run.
#[derive(Default)]
pub(crate) struct Lease {
    /// The claim's object, while it is kept. Locked during a renewal, so that none arrives after the end.
    held: Mutex<Option<(ComponentId, Found)>>,
    /// What another's lease said that was waited for until it was over.
    over: Mutex<Option<String>>,
}

impl Lease {
    /// Begins to be renewed.
    async fn begin(&self, component: &ComponentId, found: &Found) {
        *self.held.lock().await = Some((component.clone(), found.clone()));
    }

    /// Is renewed no more; a renewal in flight has ended.
    pub(crate) async fn end(&self) {
        *self.held.lock().await = None;
    }
}

/// Does `work`, and renews the lease meanwhile.
pub(crate) async fn renewing<T>(ctx: &Ctx<'_>, work: impl Future<Output = T>) -> T {
    let done = tokio::select! {
        biased;
        done = work => done,
        never = renew(ctx) => match never {},
    };
    ctx.lease.end().await;
    done
}

async fn renew(ctx: &Ctx<'_>) -> Infallible {
    let beat = ctx.pace.limits.lease / BEATS;
    loop {
        sleep(beat).await;
        let held = ctx.lease.held.lock().await;
        let Some((component, found)) = &*held else { continue };
        // An interrupted run begins no call: its lease runs out by itself.
        if ctx.pace.check().is_err() {
            continue;
        }
        let node = ctx.blueprint.nodes.iter().find(|node| node.id == *component);
        if let Some(component) = node.and_then(|node| ctx.component(node).ok()) {
            // Beside the calls that are counted: with ten of them hanging, the lease must not run out. One that fails is made up for by the
            // next; a lease that ran out is no loss of the claim, which is looked at again before it is trusted.
            let _ = timeout(beat, component.tag(found, &tag(ctx), &[])).await;
        }
    }
}

/// The tag as it is written now.
pub(crate) fn tag(ctx: &Ctx<'_>) -> BTreeMap<String, String> {
    let until = ctx.now() + ctx.pace.limits.lease;
    // Up, so that a lease of parts of a second is one.
    let seconds = until.duration_since(UNIX_EPOCH).map(|since| since.as_secs_f64().ceil()).unwrap_or_default();
    BTreeMap::from([(LEASE.to_owned(), format!("{seconds:.0}"))])
}

/// How long the lease still lasts by its own word: never longer than a lease does, whatever its writer's clock says.
fn left(found: &Found, now: SystemTime, lasts: Duration) -> Duration {
    let until =
        found.tags.get(LEASE).and_then(|text| text.parse().ok()).and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    until.and_then(|until| until.duration_since(now).ok()).unwrap_or_default().min(lasts)
}

/// Keeps the lease of a claim that this run holds and that was never handed out; what is ready nobody takes over. `written`: with the claim.
pub(crate) async fn keep(work: &Work<'_>, written: bool) -> Result<(), Halt> {
    let (ctx, component) = (work.ctx, work.component);
    let (Some(held), Some(found)) = (&work.held, &work.found) else { return Ok(()) };
    if !component.leased() || held.claim.phase == Phase::Ready {
        return Ok(());
    }
    if !written {
        let tag = tag(ctx);
        ctx.pace.call(Doing::Tagging, None, || component.tag(found, &tag, &[])).await?;
    }
    ctx.lease.begin(&held.component, found).await;
    Ok(())
}

/// Keeps the lease of a destroy, which was written with the phase.
pub(crate) async fn keep_in_destroy(ctx: &Ctx<'_>, node: &Node, found: &Found) {
    if ctx.component(node).is_ok_and(Component::leased) {
        ctx.lease.begin(&node.id, found).await;
    }
}

/// Why a create may not take the claim over now: another run is at work.
pub(crate) async fn busy(ctx: &Ctx<'_>, component: &dyn Component, id: &ComponentId, found: &Found, nonce: &str) -> Option<Refusal> {
    let claim = Claim::of(&found.tags).filter(|claim| claim.incarnation != nonce)?;
    if ctx.run.mode != Mode::Create || !component.leased() || !may_be_at_work(&claim) {
        return None;
    }
    let over = ctx.lease.over.lock().await.clone();
    let seen_to_end = over.is_some() && over.as_ref() == found.tags.get(LEASE);
    let left = left(found, ctx.now(), ctx.pace.limits.lease);
    (!seen_to_end && !left.is_zero()).then(|| Refusal::Busy { component: id.clone(), id: found.id.clone(), phase: claim.phase })
}

fn may_be_at_work(claim: &Claim) -> bool {
    matches!(claim.phase, Phase::Creating | Phase::Deleting)
}

/// Before a create takes over what another run may still be at work on: waits until that one's lease is over, or is renewed.
/// True: time has passed, so that everything must be looked at again.
pub(crate) async fn wait_out(ctx: &Ctx<'_>, observed: &Observed) -> Result<bool, Halt> {
    let Some(node) = ctx.blueprint.nodes.iter().find(|node| node.claim) else { return Ok(false) };
    let Some(found) = observed.found.get(&node.id) else { return Ok(false) };
    let component = ctx.component(node)?;
    if busy(ctx, component, &node.id, found, "").await.is_none() {
        return Ok(false);
    }
    let (query, _) = query(ctx.blueprint, node, &Objects::new(), None, false);
    let (begun, lasts) = (Instant::now(), ctx.pace.limits.lease);
    loop {
        // Clocks may differ: a lease that nobody renewed for as long as it lasts is over, too.
        let by_clock = left(found, ctx.now(), lasts);
        let rest = by_clock.min(lasts.saturating_sub(begun.elapsed()));
        if rest.is_zero() {
            *ctx.lease.over.lock().await = found.tags.get(LEASE).cloned();
            return Ok(true);
        }
        ctx.pace.sleep(rest.min(lasts / (2 * BEATS))).await?;
        let now = ctx.look(component, &query, Some(&found.id)).await?;
        let Some(now) = now.filter(|now| Claim::of(&now.tags) == Claim::of(&found.tags)) else { return Ok(true) };
        if now.tags.get(LEASE) != found.tags.get(LEASE) {
            let phase = Claim::of(&found.tags).map_or(Phase::Creating, |claim| claim.phase);
            return Err(Refusal::Busy { component: node.id.clone(), id: found.id.clone(), phase }.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lasts_until_its_end_and_never_longer_than_one() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let left = |text: Option<&str>| {
            let tags = text.map(|text| (LEASE.to_owned(), text.to_owned())).into_iter().collect();
            left(&Found { tags, ..Found::default() }, now, Duration::from_secs(120)).as_secs()
        };
        for (text, seconds) in
            [(Some("1090"), 90), (Some("1000"), 0), (Some("900"), 0), (Some("99999999999999999999"), 0), (Some("soon"), 0), (None, 0)]
        {
            assert_eq!(left(text), seconds, "{text:?}");
        }
        assert_eq!(left(Some("18446744073709551615")), 0, "beyond every clock");
        assert_eq!(left(Some("5000")), 120, "a clock that is ahead");
    }
}
