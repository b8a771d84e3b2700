//! What exists of a blueprint: each component is found once, in parallel.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tf_provider::Stop;

use super::{
    Blueprint, Claim, Class, Cloud, ComponentId, Doing, Failure, Found, Known, Node, Readiness,
    claim::claim_id,
    order::{Order, Turn, walk},
    outcome::Halt,
    resolve::{bug, query},
    retry::Pace,
};

/// How long a reading may take in all; Terraform's own refresh has no limit.
const OBSERVE_MAX: Duration = Duration::from_secs(15 * 60);

/// The operation of a failure that only follows from another one: nothing was asked.
pub const UNREAD: &str = "find";

/// What exists of a blueprint.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What exists.
    pub found: BTreeMap<ComponentId, Found>,
    /// What was deleted and waits for its end: absent to everybody but a create that takes it back.
    pub deleted: BTreeMap<ComponentId, Found>,
    /// What the claim's tags say; `None` without the claim or without its tags.
    pub claim: Option<Claim>,
    /// What could not be read; what takes outputs of these was not looked for and is here too.
    pub failures: Vec<(ComponentId, Failure)>,
    /// Components without tags of their own.
    pub untaggable: BTreeSet<ComponentId>,
    /// Components that were looked for with all their inputs known: what is absent of these is surely absent.
    pub complete: BTreeSet<ComponentId>,
}

impl Observed {
    /// Whether everything was read and nothing of the resource exists.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.found.is_empty() && self.failures.is_empty()
    }

    /// The ids of what exists, for state.
    #[must_use]
    pub fn known(&self) -> Known {
        self.found.iter().map(|(component, found)| (component.clone(), found.id.clone())).collect()
    }
}

/// Finds every component of `blueprint`, by the ids in state where there are any. Changes nothing.
pub async fn observe(cloud: &Cloud, blueprint: &Blueprint, known: &Known) -> Observed {
    match Order::of(blueprint) {
        Ok(order) => {
            let pace = Pace::new(cloud, Stop::never(), OBSERVE_MAX);
            observe_with(cloud, blueprint, &order, known, &pace, |_| false).await.0
        }
        Err(flaw) => {
            let component = blueprint.nodes.first().map_or_else(|| ComponentId::from(""), |node| node.id.clone());
            Observed { failures: vec![(component, bug(flaw.to_string()))], ..Observed::default() }
        }
    }
}

/// The same at a run's pace; the second says whether the run was stopped meanwhile or ran out of time.
pub(crate) async fn observe_with(
    cloud: &Cloud,
    blueprint: &Blueprint,
    order: &Order,
    known: &Known,
    pace: &Pace<'_>,
    recover: impl Fn(&Node) -> bool,
) -> (Observed, Option<Halt>) {
    let mut state = (Observed::default(), None);
    let mut looked = BTreeSet::new();
    walk(
        &order.inputs,
        cloud.limits.width,
        &mut state,
        |(observed, _), at| {
            let Some(node) = blueprint.nodes.get(at) else { return Turn::Block };
            let Some(component) = cloud.component(node.kind) else {
                observed.failures.push((node.id.clone(), bug(format!("nothing makes {}", node.kind))));
                return Turn::Block;
            };
            if !component.taggable() {
                observed.untaggable.insert(node.id.clone());
            }
            let id = known.get(&node.id).map(String::as_str);
            let (query, complete) = query(blueprint, node, &observed.found, id, recover(node));
            if complete {
                observed.complete.insert(node.id.clone());
            }
            looked.insert(at);
            Turn::Work(async move {
                match pace.call(Doing::Finding, None, || component.find(&query)).await {
                    Err(Halt::Failed(_, failure)) if absence(failure.class, complete) => Ok(None),
                    other => other,
                }
            })
        },
        |(observed, halted), at, result| {
            let Some(node) = blueprint.nodes.get(at) else { return false };
            match result {
                Ok(found) => observed.note(&node.id, found),
                Err(Halt::Failed(_, failure)) => observed.failures.push((node.id.clone(), failure)),
                Err(halt) => {
                    observed.failures.push((node.id.clone(), unread("the run was stopped or out of time")));
                    *halted = Some(halt);
                }
            }
            observed.failures.iter().all(|(failed, _)| *failed != node.id)
        },
    )
    .await;
    let (mut observed, halted) = state;
    for (at, node) in blueprint.nodes.iter().enumerate() {
        if !looked.contains(&at) && observed.failures.iter().all(|(failed, _)| *failed != node.id) {
            observed.failures.push((node.id.clone(), unread("what it takes its settings from could not be read")));
        }
    }
    observed.claim = claim_id(blueprint).and_then(|claim| observed.found.get(claim)).and_then(|found| Claim::of(&found.tags));
    (observed, halted)
}

impl Observed {
    pub(crate) fn note(&mut self, component: &ComponentId, found: Option<Found>) {
        self.found.remove(component);
        self.deleted.remove(component);
        match found {
            Some(found) if found.readiness == Readiness::Deleted => {
                self.deleted.insert(component.clone(), found);
            }
            Some(found) => {
                self.found.insert(component.clone(), found);
            }
            None => {}
        }
    }
}

/// Whether a failed find says that there is nothing: so it is when what it hangs on isn't there.
fn absence(class: Class, complete: bool) -> bool {
    class == Class::NotFound || (class == Class::Invalid && !complete)
}

fn unread(why: &str) -> Failure {
    Failure {
        class: Class::Transient,
        operation: UNREAD.to_owned(),
        code: None,
        request_id: None,
        message: format!("not read: {why}"),
        attribute: None,
        retry_after: None,
    }
}
