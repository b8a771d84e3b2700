//! What is checked before the first call that changes anything.

use std::time::SystemTime;

use tokio::time::Instant;

use super::{
    Blueprint, Change, Claim, Cloud, Component, Found, Mode, Node, Observed, Owner, Phase, Refusal, Run, What,
    claim::{Ownership, ownership},
    diff::differing,
    lease::Lease,
    outcome::Halt,
    resolve::{bug, settings},
    retry::Pace,
};
use crate::graph::{Doing, Query};

/// What every step of a run works with.
pub(crate) struct Ctx<'a> {
    pub cloud: &'a Cloud,
    pub blueprint: &'a Blueprint,
    pub run: &'a Run,
    pub pace: Pace<'a>,
    pub lease: Lease,
    begun: Instant,
}

impl<'a> Ctx<'a> {
    pub(crate) fn new(cloud: &'a Cloud, blueprint: &'a Blueprint, run: &'a Run) -> Self {
        let pace = Pace::new(cloud, run.stop.clone(), run.deadline);
        Self { cloud, blueprint, run, pace, lease: Lease::default(), begun: Instant::now() }
    }

    /// The time of day.
    pub(crate) fn now(&self) -> SystemTime {
        self.run.now + self.begun.elapsed()
    }

    /// The component that makes a node. (`Order::for_run` has checked that there is one.)
    pub(crate) fn component(&self, node: &Node) -> Result<&'a dyn Component, Halt> {
        self.cloud.component(node.kind).ok_or_else(|| Halt::Failed(Doing::Finding, bug(format!("nothing makes {}", node.kind))))
    }

    /// The id in state.
    pub(crate) fn known(&self, node: &Node) -> Option<&'a str> {
        self.run.known.get(&node.id).map(String::as_str)
    }

    /// Whether a deleted object of this node is taken back.
    pub(crate) fn recovers(&self, node: &Node) -> bool {
        self.run.mode == Mode::Create || !node.stateful || self.known(node).is_none() || self.run.recreate.contains(&node.id)
    }

    /// Finds an object, by an id or by what else there is.
    pub(crate) async fn look(&self, component: &dyn Component, query: &Query, id: Option<&str>) -> Result<Option<Found>, Halt> {
        let query = Query { id: id.map(str::to_owned), ..query.clone() };
        self.pace.call(Doing::Finding, None, || component.find(&query)).await
    }

    /// Why `found` isn't ours to touch. `verified`: the claim of our state stands, so that ids in state are ours for sure.
    pub(crate) fn foreign(&self, node: &Node, found: &Found, taggable: bool, verified: bool) -> Option<Refusal> {
        let known = self.known(node) == Some(found.id.as_str());
        let owner = match ownership(&self.blueprint.owner, found) {
            _ if !taggable => return None,
            Ownership::Ours => return None,
            // An import takes the object that it names, and nothing beside it that happens to have the right name.
            Ownership::Nobodys if node.adopt || known || (self.run.adopt && node.claim) => return None,
            Ownership::Anothers(_) if known && verified => return None,
            Ownership::Nobodys => None,
            Ownership::Anothers(owner) => Some(owner),
        };
        Some(Refusal::Foreign { component: node.id.clone(), id: found.id.clone(), owner })
    }
}

/// Whether the claim that was read is the one in state.
pub(crate) fn verified(run: &Run, claim: Option<&Claim>) -> bool {
    matches!((&run.claim, claim), (Some((uid, incarnation)), Some(claim)) if claim.uid == *uid && claim.incarnation == *incarnation)
}

/// The claim that goes to state when nothing was done: never another's, or a delete of this state would hit what isn't ours.
pub(crate) fn own_claim(run: &Run, observed: Option<Claim>) -> Option<Claim> {
    if verified(run, observed.as_ref()) {
        return observed;
    }
    let (uid, incarnation) = run.claim.clone()?;
    Some(Claim { uid, incarnation, phase: Phase::Creating })
}

/// Every reason not to run: foreign objects, another's claim, what vanished, what can't be changed.
pub(crate) fn refusals(ctx: &Ctx<'_>, observed: &Observed) -> Vec<Refusal> {
    let run = ctx.run;
    let verified = verified(run, observed.claim.as_ref());
    let claim_node = ctx.blueprint.nodes.iter().find(|node| node.claim);
    let claimed = claim_node.is_some_and(|node| observed.found.contains_key(&node.id) || observed.deleted.contains_key(&node.id));
    let mut refusals = Vec::new();
    for node in ctx.blueprint.nodes.iter().filter(|node| !node.absent) {
        let taggable = !observed.untaggable.contains(&node.id);
        let Some(found) = observed.found.get(&node.id) else {
            if let Some(id) = ctx.known(node).filter(|_| node.stateful && run.mode == Mode::Update && !run.recreate.contains(&node.id)) {
                let destroyed = observed.claim.as_ref().is_some_and(|claim| claim.phase == Phase::Deleting);
                refusals.push(Refusal::Vanished { component: node.id.clone(), id: id.to_owned(), destroyed });
            } else if let Some(deleted) = observed.deleted.get(&node.id) {
                refusals.extend(fixed(node, deleted, observed));
            }
            continue;
        };
        if let Some(foreign) = ctx.foreign(node, found, taggable, verified) {
            refusals.push(foreign);
        } else if !taggable
            && !node.adopt
            && run.mode == Mode::Create
            && !claimed
            && ctx.known(node).is_none()
            && !by_parent(&ctx.blueprint.owner, node, observed)
        {
            // Nothing says that it is ours: what has no tags belongs to the claim or to what it is made of, and there is none.
            refusals.push(Refusal::Foreign { component: node.id.clone(), id: found.id.clone(), owner: None });
        } else if node.claim {
            refusals.extend(claim(ctx, node, found));
        }
        if !remade(ctx, node, observed) {
            refusals.extend(fixed(node, found, observed));
        }
    }
    refusals
}

/// Whether something without tags was found by an object that carries our owner: the alias of a key that an earlier life of the resource kept.
fn by_parent(owner: &Owner, node: &Node, observed: &Observed) -> bool {
    let parents = node.settings.values().flat_map(|setting| setting.value.takes());
    parents.filter_map(|parent| observed.found.get(&parent)).any(|found| ownership(owner, found) == Ownership::Ours)
}

/// Whether an object with other fixed settings is deleted and made anew: a leftover of a create that never became ready.
/// The claim is kept; its name may stay taken for long.
pub(crate) fn remade(ctx: &Ctx<'_>, node: &Node, observed: &Observed) -> bool {
    let unfinished = observed.claim.as_ref().is_some_and(|claim| claim.phase == Phase::Creating);
    ctx.run.mode == Mode::Create && !node.claim && unfinished
}

/// Whether the claim that was found is ours by state, or may be taken over.
pub(crate) fn claim(ctx: &Ctx<'_>, node: &Node, found: &Found) -> Option<Refusal> {
    let run = ctx.run;
    let current = Claim::of(&found.tags)?;
    let stands = verified(run, Some(&current));
    let (component, id) = (node.id.clone(), found.id.clone());
    match run.mode {
        Mode::Create if current.phase == Phase::Ready && !stands => Some(Refusal::Exists { component, id, uid: current.uid }),
        Mode::Create => None,
        Mode::Update if stands => None,
        // Imported, and the tags are ours: an import that was interrupted before its state was written.
        Mode::Update if run.claim.is_none() && run.adopt => None,
        // Gone and found again by its name: made by another.
        Mode::Update => Some(Refusal::Stale { component, id }),
    }
}

fn fixed(node: &Node, found: &Found, observed: &Observed) -> Vec<Refusal> {
    let (known, _) = settings(node, &observed.found);
    let differences = differing(node, &known, found);
    differences
        .into_iter()
        .filter_map(|what| match what {
            What::Setting { name, change, wanted, found, .. } if unchangeable(node, change) => {
                Some(Refusal::Fixed { component: node.id.clone(), setting: name, wanted, found })
            }
            _ => None,
        })
        .collect()
}

/// What holds data is never replaced, so that its `Replace` settings are fixed.
pub(crate) fn unchangeable(node: &Node, change: Change) -> bool {
    change == Change::Fixed || (change == Change::Replace && (node.stateful || node.claim))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::graph::{ComponentId, Input, OWNER, Readiness, Setting, Settings};

    /// A key with the owner's tag, and an alias whose target is the key.
    #[test]
    fn what_has_no_tags_belongs_by_what_it_is_made_of() {
        let owner = Owner { resource: "deeploy_environment".to_owned(), name: "prod".to_owned() };
        let target = Setting {
            value: Input::Output(ComponentId::from("key"), "id".to_owned()),
            change: Change::Live,
            meaning: crate::graph::Meaning::Exact,
            shown: false,
            seal: false,
            renews: false,
        };
        let alias = Node::new("alias", "kms_alias", Settings::from([("key_id".to_owned(), target)]));
        let key = |tag: &str| Found {
            id: "k".to_owned(),
            settings: BTreeMap::new(),
            outputs: BTreeMap::new(),
            tags: BTreeMap::from([(OWNER.to_owned(), tag.to_owned())]),
            readiness: Readiness::Ready,
        };
        for (tag, ours) in [("deeploy_environment/prod", true), ("deeploy_environment/other", false), ("deeploy_kms_key/prod", false)] {
            let observed = Observed { found: [(ComponentId::from("key"), key(tag))].into(), ..Observed::default() };
            assert_eq!(by_parent(&owner, &alias, &observed), ours, "{tag}");
        }
        assert!(!by_parent(&owner, &alias, &Observed::default()));
    }
}
