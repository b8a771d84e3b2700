//! The work on one component: find → create → update what differs → find again.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value as Json;
use tokio::time::Instant;

use super::{
    Change, Class, Component, Doing, Failure, Found, INCARNATION, Mode, Node, PHASE, Query, Readiness, Refusal, UID, Wanted, What,
    check::{Ctx, unchangeable},
    claiming::{Held, confirm},
    diff::{differing, tags},
    outcome::Halt,
    resolve::bug,
    wait::Wait,
};

/// How often an object that takes one change at a time is changed in one run: a cluster has a dozen kinds of changes, and a version
/// is reached minor by minor. More is a bug.
const ROUNDS_MAX: usize = 40;

/// The work on one component. What exists stands in `found` however the work ends.
pub(crate) struct Work<'a> {
    pub ctx: &'a Ctx<'a>,
    pub node: &'a Node,
    pub component: &'a dyn Component,
    pub query: Query,
    pub wanted: Wanted,
    pub found: Option<Found>,
    pub deleted: Option<Found>,
    /// Its absence was found with every input known.
    pub proven: bool,
    /// The resource's uid, for tokens.
    pub uid: String,
    /// Whether the claim of our state stands.
    pub verified: bool,
    /// The resource was ready before this run, so that what is absent is gone.
    pub settled: bool,
    /// With other fixed settings it is deleted and made anew.
    pub remake: bool,
    /// Whether `found` came from a find and nothing was written since.
    pub fresh: bool,
    /// Whether this run made it.
    pub created: bool,
    /// What this run asked the cloud for last, which may take its time.
    pub asked: Option<Doing>,
    /// Whether a create met an object that had not been there.
    pub conflicted: bool,
    /// Whether it was made a second time, with another token.
    pub again: bool,
    /// Replaced ones, to be deleted when nothing uses them any more.
    pub retired: Vec<Found>,
    /// The claim, as soon as it is held.
    pub held: Option<Held>,
}

/// What differs, by what is done about it.
#[derive(Default)]
struct Differences {
    fixed: Option<(String, Json, Json)>,
    replace: bool,
    live: BTreeSet<String>,
    set: std::collections::BTreeMap<String, String>,
    remove: Vec<String>,
}

impl Differences {
    fn is_empty(&self) -> bool {
        self.fixed.is_none() && !self.replace && self.live.is_empty() && self.set.is_empty() && self.remove.is_empty()
    }
}

impl Work<'_> {
    /// Brings a component about that is not the claim.
    pub(crate) async fn bring_about(&mut self, held: &Held) -> Result<(), Halt> {
        self.ctx.pace.check()?;
        if self.found.is_none() && self.deleted.is_none() && !self.proven {
            let found = self.ctx.look(self.component, &self.query, self.query.id.as_deref()).await?;
            self.note(found);
        }
        self.ours()?;
        if self.found.is_none() && self.deleted.is_some() {
            self.take_back().await?;
        }
        if self.found.is_none() {
            // While it isn't ready yet, an absent one may just not be visible: the same token answers with the same object.
            let instead_of = self.query.id.clone().filter(|_| self.settled);
            self.make(instead_of.as_deref()).await?;
            self.ours()?;
        }
        self.contested(held).await?;
        self.converge().await
    }

    pub(crate) fn note(&mut self, found: Option<Found>) {
        match found {
            Some(found) if found.readiness == Readiness::Deleted => self.deleted = Some(found),
            Some(found) => {
                self.found = Some(found);
                self.fresh = true;
            }
            None => {}
        }
    }

    /// Refuses what isn't ours; what this run made is.
    pub(crate) fn ours(&mut self) -> Result<(), Halt> {
        if self.created {
            return Ok(());
        }
        let taggable = self.component.taggable();
        let foreign = self.found.as_ref().and_then(|found| self.ctx.foreign(self.node, found, taggable, self.verified));
        match foreign {
            Some(refusal) => {
                self.found = None;
                Err(refusal.into())
            }
            None => Ok(()),
        }
    }

    /// An object that points to another claim (an alias to another's key) may be another creator's: is the claim still ours?
    async fn contested(&mut self, held: &Held) -> Result<(), Halt> {
        if self.created || self.ctx.run.mode != Mode::Create {
            return Ok(());
        }
        let Some(found) = &self.found else { return Ok(()) };
        let elsewhere = differing(self.node, &self.wanted.settings, found).iter().any(|what| match what {
            What::Setting { name, .. } => {
                self.node.settings.get(name).is_some_and(|setting| setting.value.takes().contains(&held.component))
            }
            _ => false,
        });
        if !elsewhere {
            return Ok(());
        }
        if self.conflicted {
            let id = found.id.clone();
            self.found = None;
            return Err(Refusal::TakenOver { component: held.component.clone(), id }.into());
        }
        confirm(self.ctx, held, None).await.map(|_| ())
    }

    /// Takes back what waits for its deletion. That may take several calls: what an earlier one brought back is there when a later one
    /// fails.
    pub(crate) async fn take_back(&mut self) -> Result<(), Halt> {
        let Some(deleted) = self.deleted.take() else { return Ok(()) };
        let result = self.restore(&deleted).await;
        if result.is_err() && self.found.is_none() {
            let looked = self.poll(Some(&deleted.id), self.ctx.pace.limits.settle, |found| found.is_some()).await;
            if let Err(Halt::Stopped | Halt::Deadline) = looked {
                // Even a stopped run looks once more.
                let query = Query { id: Some(deleted.id.clone()), ..self.query.clone() };
                let found = self.ctx.pace.once(self.component.find(&query)).await.ok().flatten();
                self.note(found.filter(|found| found.readiness != Readiness::Deleted));
            }
            self.found.take_if(|found| found.id != deleted.id);
        }
        result
    }

    async fn restore(&mut self, deleted: &Found) -> Result<(), Halt> {
        let changed = differing(self.node, &self.wanted.settings, deleted)
            .into_iter()
            .filter_map(|what| match what {
                What::Setting { name, change: Change::Live, .. } => Some(name),
                _ => None,
            })
            .collect();
        let (component, wanted) = (self.component, &self.wanted);
        self.ctx.pace.call(Doing::Updating, None, || component.update(deleted, wanted, &changed)).await?;
        let back = self.poll(Some(&deleted.id), self.ctx.pace.limits.visible, |found| found.is_some()).await?;
        if back { Ok(()) } else { Err(invisible(Doing::Waiting, &deleted.id, "it was taken back, but is still deleted")) }
    }

    /// Brings every setting and tag about, and sees that they are.
    pub(crate) async fn converge(&mut self) -> Result<(), Halt> {
        let (mut rounds, mut before) = (0, Vec::new());
        for _ in 0..ROUNDS_MAX {
            self.usable().await?;
            let differences = self.differences();
            if differences.is_empty() {
                if self.fresh {
                    return Ok(());
                }
                self.see().await?;
                continue;
            }
            let final_words = differences.fixed.is_some() || differences.replace;
            if final_words && !self.fresh {
                // What create answered is no proof; what find says is.
                self.see().await?;
                continue;
            }
            if rounds >= self.ctx.pace.limits.rounds {
                let names: Vec<&str> =
                    differences.live.iter().chain(differences.set.keys()).chain(&differences.remove).map(String::as_str).collect();
                return Err(Halt::Failed(Doing::Updating, bug(format!("still different after {rounds} updates: {}", names.join(", ")))));
            }
            // Some objects take one change at a time: only a round that changes nothing counts.
            let left = self.left();
            rounds = if left == before { rounds + 1 } else { 1 };
            before = left;
            self.ctx.pace.check()?;
            if let Some((setting, wanted, found)) = differences.fixed {
                if !self.remake || self.created {
                    return Err(Refusal::Fixed { component: self.node.id.clone(), setting, wanted, found }.into());
                }
                self.remake().await?;
            } else if differences.replace {
                self.replace().await?;
            } else {
                match self.change(&differences).await {
                    Err(Halt::Failed(_, failure)) if failure.class == Class::NotFound && self.may_be_over() => self.make_again().await?,
                    other => other?,
                }
                self.see().await?;
            }
        }
        Err(Halt::Failed(Doing::Updating, bug(format!("still different after {ROUNDS_MAX} updates"))))
    }

    /// What still differs, with what is there.
    fn left(&self) -> Vec<What> {
        self.found.as_ref().map(|found| differing(self.node, &self.wanted.settings, found)).unwrap_or_default()
    }

    /// Waits until the object can be used.
    async fn usable(&mut self) -> Result<(), Halt> {
        let (mut wait, mut unseen) = (self.wait(), None);
        loop {
            match self.found.as_ref().map(|found| (&found.readiness, &found.id)) {
                Some((Readiness::Ready, _)) => return Ok(()),
                // The answer of a token that an object which is gone had used up.
                Some((Readiness::Deleted, _)) if self.may_be_over() => self.make_again().await?,
                Some((Readiness::Broken(_), _)) if self.is_remade() => {
                    self.again = true;
                    self.remake().await?;
                    wait = self.wait();
                }
                Some((Readiness::Broken(why), _)) => {
                    return Err(Halt::Failed(Doing::Waiting, Failure { class: Class::Invalid, ..bug(why.clone()) }));
                }
                Some((Readiness::Pending(_), id)) => {
                    let id = id.clone();
                    wait.rest(&self.ctx.pace).await?;
                    let found = self.ctx.look(self.component, &self.query, Some(&id)).await?.filter(|found| found.id == id);
                    if found.is_some() {
                        unseen = None;
                    } else if self.has_gone(*unseen.get_or_insert_with(Instant::now)) {
                        self.made_instead(&id).await?;
                        (wait, unseen) = (self.wait(), None);
                    }
                    self.note(found);
                    self.gone_meanwhile(&id)?;
                }
                Some((Readiness::Deleted, _)) | None => {
                    return Err(Halt::Failed(Doing::Waiting, Failure { class: Class::NotFound, ..bug("it is gone".to_owned()) }));
                }
            }
        }
    }

    /// The wait for what was asked for last; of what an earlier run asked for nobody knows how long it has taken already.
    fn wait(&self) -> Wait {
        Wait::new(self.ctx.pace.limits, self.asked.and_then(|doing| self.component.usual(doing)))
    }

    /// Whether what was on its way out when it was found is gone by now; what this run made may only not show yet.
    fn has_gone(&self, unseen: Instant) -> bool {
        !self.created || unseen.elapsed() >= self.ctx.pace.limits.visible
    }

    /// Makes another in place of one that went while it was waited for, once; what holds data or the claim is only reported.
    async fn made_instead(&mut self, gone: &str) -> Result<(), Halt> {
        self.found = None;
        if self.node.claim || self.node.stateful || self.again {
            return Err(Halt::Failed(Doing::Waiting, Failure { class: Class::NotFound, ..bug(format!("{gone} is gone")) }));
        }
        self.again = true;
        self.make(Some(gone)).await
    }

    /// Whether a broken object that an earlier run left is deleted and made anew, once.
    fn is_remade(&self) -> bool {
        let plain = !self.node.claim && !self.node.stateful && !self.node.adopt;
        plain && self.component.is_remade() && !self.created && !self.again
    }

    /// Whether what create answered may be an object that is gone: the answer of a token that an earlier one had used up.
    fn may_be_over(&self) -> bool {
        self.created && !self.again && !self.node.claim && !self.component.tokenless()
    }

    async fn make_again(&mut self) -> Result<(), Halt> {
        let Some(gone) = self.found.take() else { return Ok(()) };
        self.again = true;
        self.make(Some(&gone.id)).await
    }

    fn gone_meanwhile(&mut self, id: &str) -> Result<(), Halt> {
        match self.deleted.take() {
            Some(deleted) if deleted.id == id => {
                self.found = None;
                Err(Halt::Failed(Doing::Waiting, Failure { class: Class::NotFound, ..bug(format!("{id} was deleted meanwhile")) }))
            }
            _ => Ok(()),
        }
    }

    fn differences(&self) -> Differences {
        let mut differences = Differences::default();
        let Some(found) = &self.found else { return differences };
        for what in differing(self.node, &self.wanted.settings, found) {
            let What::Setting { name, change, wanted, found, .. } = what else { continue };
            if unchangeable(self.node, change) {
                differences.fixed = Some((name, wanted, found));
            } else if change == Change::Replace {
                differences.replace = true;
            } else {
                differences.live.insert(name);
            }
        }
        if self.component.taggable() {
            (differences.set, differences.remove) = tags(&self.wanted.tags, &found.tags, &self.ctx.blueprint.ignore_tags);
            // The claim's own tags are written by those who hold it only, who look first.
            differences.set.retain(|key, _| ![UID, INCARNATION, PHASE].contains(&key.as_str()));
        }
        differences
    }

    /// Tags first: an object whose owner is plain can't be mistaken if the rest fails.
    async fn change(&mut self, differences: &Differences) -> Result<(), Halt> {
        let Some(found) = self.found.clone() else { return Ok(()) };
        let (component, pace) = (self.component, &self.ctx.pace);
        // What was made a moment ago may not be there for every call yet.
        let new = self.created.then_some(Class::NotFound);
        if !differences.set.is_empty() || !differences.remove.is_empty() {
            self.fresh = false;
            pace.call(Doing::Tagging, new, || component.tag(&found, &differences.set, &differences.remove)).await?;
        }
        if !differences.live.is_empty() {
            pace.check()?;
            (self.fresh, self.asked) = (false, Some(Doing::Updating));
            let wanted = &self.wanted;
            pace.call(Doing::Updating, new, || component.update(&found, wanted, &differences.live)).await?;
        }
        Ok(())
    }

    /// Finds again what was written. Reads may lag: neither absence nor the old values count until they have had their time.
    async fn see(&mut self) -> Result<(), Halt> {
        let Some(before) = self.found.clone() else { return Ok(()) };
        let id = before.id.as_str();
        let (begin, mut tries, mut seen, left) = (Instant::now(), 0, false, self.left());
        loop {
            let found = self.ctx.look(self.component, &self.query, Some(id)).await?;
            let found = found.filter(|found| self.component.is(&before, found) && found.readiness != Readiness::Deleted);
            seen |= found.is_some();
            let there = found.is_some();
            self.note(found);
            let pending = self.found.as_ref().is_some_and(|found| matches!(found.readiness, Readiness::Pending(_)));
            // What takes one change at a time shows the first of several.
            if there && (pending || self.differences().is_empty() || self.left() != left) {
                return Ok(());
            }
            if begin.elapsed() >= self.ctx.pace.limits.visible {
                if seen {
                    return Ok(());
                }
                if !self.may_be_over() {
                    return Err(invisible(Doing::Waiting, id, "it was made, but can't be found"));
                }
                self.make_again().await?;
                return Ok(());
            }
            self.fresh = false;
            self.ctx.pace.sleep(self.ctx.pace.backoff(tries)).await?;
            tries += 1;
        }
    }

    /// Asks until `good`, for at most `patience`; says whether it became good.
    pub(crate) async fn poll(&mut self, id: Option<&str>, patience: Duration, good: impl Fn(Option<&Found>) -> bool) -> Result<bool, Halt> {
        let (begin, mut tries) = (Instant::now(), 0);
        loop {
            let found = self.ctx.look(self.component, &self.query, id).await?.filter(|found| found.readiness != Readiness::Deleted);
            let good = good(found.as_ref());
            if found.is_some() {
                self.note(found);
            }
            if good || begin.elapsed() >= patience {
                return Ok(good);
            }
            self.ctx.pace.sleep(self.ctx.pace.backoff(tries)).await?;
            tries += 1;
        }
    }
}

pub(crate) fn invisible(doing: Doing, id: &str, why: &str) -> Halt {
    Halt::Failed(doing, Failure { class: Class::NotYetVisible, ..bug(format!("{id}: {why}")) })
}
