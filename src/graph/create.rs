//! Making an object in one call, whatever becomes of the reply; and replacing one.

use std::time::Duration;

use super::{
    Change, Class, Doing, Failure, Found, Readiness, What,
    check::unchangeable,
    claim::{Ownership, ownership, token},
    diff::differing,
    outcome::Halt,
    remove::remove,
    retry::Patience,
    work::Work,
};

impl Work<'_> {
    /// Makes the object, once. `instead_of`: the id of the one that it replaces.
    ///
    /// A lost reply is followed by a find: without token and name (`tokenless`) for as long as the new object may stay
    /// invisible, else once, since the second call answers with the first one's object or with a conflict.
    pub(crate) async fn make(&mut self, instead_of: Option<&str>) -> Result<(), Halt> {
        if instead_of.is_some() {
            self.wanted.token = token(&self.uid, self.node, &self.wanted, instead_of);
        }
        let mut patience = Patience::new(None);
        let mut maybe_made = false;
        loop {
            self.ctx.pace.check()?;
            let Err(failure) = self.attempt().await else { return Ok(()) };
            maybe_made |= failure.class == Class::Ambiguous;
            if failure.class == Class::Conflict || maybe_made {
                let wait = failure.class == Class::Conflict || self.component.tokenless();
                if self.appears(wait, maybe_made).await? {
                    self.created = maybe_made;
                    self.conflicted = !maybe_made;
                    return Ok(());
                }
            }
            self.ctx.pace.wait(&mut patience, Doing::Creating, failure).await?;
        }
    }

    async fn attempt(&mut self) -> Result<(), Failure> {
        let found = self.ctx.pace.once(self.component.create(&self.wanted)).await?;
        self.found = Some(found);
        (self.created, self.fresh, self.asked) = (true, false, Some(Doing::Creating));
        Ok(())
    }

    /// Looks for what a create may have made. Even a stopped run looks once more: what exists must not be forgotten.
    async fn appears(&mut self, wait: bool, maybe_made: bool) -> Result<bool, Halt> {
        let taggable = self.component.taggable();
        let owner = self.ctx.blueprint.owner.clone();
        // What was there before this create is no find of ours; what was made is tagged, though its tags may lag.
        let shown =
            |found: Option<&Found>| found.is_some_and(|found| !maybe_made || !taggable || ownership(&owner, found) == Ownership::Ours);
        let patience = if wait { self.ctx.pace.limits.visible } else { Duration::ZERO };
        let query = self.query.clone();
        match self.poll(query.id.as_deref(), patience, shown).await {
            Ok(good) => Ok(good || self.found.is_some()),
            Err(halt @ (Halt::Stopped | Halt::Deadline)) => {
                if maybe_made && let Ok(found) = self.ctx.pace.once(self.component.find(&query)).await {
                    let ours = found.filter(|found| shown(Some(found)) && found.readiness != Readiness::Deleted);
                    self.created = ours.is_some();
                    self.note(ours);
                }
                Err(halt)
            }
            Err(halt) => Err(halt),
        }
    }

    /// Deletes a leftover with other fixed settings and makes it anew.
    pub(crate) async fn remake(&mut self) -> Result<(), Halt> {
        let Some(old) = self.found.clone() else { return Ok(()) };
        self.delete(&old).await?;
        self.found = None;
        self.make(Some(&old.id)).await
    }

    /// Replaces an object: where two can stand side by side the new one is made first, and the old one goes when nothing uses
    /// it any more; where the name is unique the old one must go first.
    pub(crate) async fn replace(&mut self) -> Result<(), Halt> {
        let Some(old) = self.found.clone() else { return Ok(()) };
        if !self.component.side_by_side() {
            return self.remake().await;
        }
        let (component, query) = (self.component, self.query.clone());
        let others = self.ctx.pace.call(Doing::Finding, None, || component.strays(&query)).await?;
        let fits = |found: &Found| {
            found.id != old.id
                && ownership(&self.ctx.blueprint.owner, found) == Ownership::Ours
                && differing(self.node, &self.wanted.settings, found).iter().all(|what| match what {
                    What::Setting { change, .. } => !unchangeable(self.node, *change) && *change != Change::Replace,
                    _ => true,
                })
        };
        // One that an interrupted replacement left behind.
        match others.into_iter().find(fits) {
            Some(found) => self.note(Some(found)),
            None => self.make(Some(&old.id)).await?,
        }
        self.retired.push(old);
        Ok(())
    }

    async fn delete(&self, old: &Found) -> Result<(), Halt> {
        remove(self.ctx, self.component, &self.query, old, &self.wanted, &mut None).await
    }
}
