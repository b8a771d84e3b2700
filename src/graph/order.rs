//! A blueprint's order: which component waits for which, checked once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{
    Blueprint, Change, Cloud, ComponentId, Input, Node, Readiness,
    diff::{What, differing},
    resolve::{Objects, settings},
};

/// Edges by position in [`Blueprint::nodes`].
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// What each node waits for on the way up; every node waits for the claim.
    pub needs: Vec<BTreeSet<usize>>,
    /// What each node's settings take outputs from.
    pub inputs: Vec<BTreeSet<usize>>,
    /// What must be gone before each node may go.
    pub dependents: Vec<BTreeSet<usize>>,
}

/// Why a blueprint can't be run. Always a bug of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Two components have one id.
    #[error("component {0} stands twice in the blueprint")]
    Twice(ComponentId),
    /// An edge leads nowhere.
    #[error("component {0} waits for {1}, which is not in the blueprint")]
    Dangling(ComponentId, ComponentId),
    /// Components wait for each other.
    #[error("components wait for each other: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<ComponentId>),
    /// Not exactly one claim.
    #[error("the blueprint has {0} claims instead of one")]
    Claims(usize),
    /// The claim would not be the first object.
    #[error("the claim {0} waits for other components")]
    LateClaim(ComponentId),
    /// The claim's tags have no place.
    #[error("the claim {0} carries no tags")]
    UntaggableClaim(ComponentId),
    /// No such component.
    #[error("component {0} is of the kind {1}, which nothing makes")]
    Kind(ComponentId, &'static str),
    /// A value that must be known by now.
    #[error("setting {1} of component {0} is unknown at apply")]
    Unknown(ComponentId, String),
}

impl Order {
    /// Checks `blueprint` and orders it.
    pub(crate) fn of(blueprint: &Blueprint) -> Result<Self, Flaw> {
        let nodes = &blueprint.nodes;
        let mut positions = BTreeMap::new();
        for (at, node) in nodes.iter().enumerate() {
            if positions.insert(&node.id, at).is_some() {
                return Err(Flaw::Twice(node.id.clone()));
            }
        }
        let position =
            |from: &Node, to: &ComponentId| positions.get(to).copied().ok_or_else(|| Flaw::Dangling(from.id.clone(), to.clone()));
        let claims: Vec<usize> = nodes.iter().enumerate().filter(|(_, node)| node.claim).map(|(at, _)| at).collect();
        let &[claim] = claims.as_slice() else { return Err(Flaw::Claims(claims.len())) };
        let (mut needs, mut inputs) = (Vec::new(), Vec::new());
        for (at, node) in nodes.iter().enumerate() {
            let takes = node.settings.values().flat_map(|setting| setting.value.takes());
            let takes = takes.map(|from| position(node, &from)).collect::<Result<BTreeSet<_>, _>>()?;
            let mut waits = takes.clone();
            for other in node.after.iter().chain(node.late.iter().flat_map(|late| &late.others)) {
                waits.insert(position(node, other)?);
            }
            if at == claim {
                if !waits.is_empty() {
                    return Err(Flaw::LateClaim(node.id.clone()));
                }
            } else {
                waits.insert(claim);
            }
            needs.push(waits);
            inputs.push(takes);
        }
        let mut dependents = vec![BTreeSet::new(); nodes.len()];
        for (at, waits) in needs.iter().enumerate() {
            for &other in waits {
                if let Some(of) = dependents.get_mut(other) {
                    of.insert(at);
                }
            }
        }
        let order = Self { needs, inputs, dependents };
        order.acyclic(nodes)?;
        Ok(order)
    }

    /// The order of a run in which some of the components are there: see [`Node::late`]. What must be gone before what stays as it is.
    pub(crate) fn among(&self, blueprint: &Blueprint, found: &Objects) -> Self {
        let mut order = self.clone();
        let position = |id: &ComponentId| blueprint.nodes.iter().position(|node| node.id == *id);
        let ready = |id: &ComponentId| found.get(id).filter(|found| found.readiness == Readiness::Ready);
        for (at, node) in blueprint.nodes.iter().enumerate() {
            let Some(late) = &node.late else { continue };
            let lacks = |node: &Node, counts: &dyn Fn(&What) -> bool| {
                let (wanted, _) = settings(node, found);
                ready(&node.id).is_none_or(|one| differing(node, &wanted, one).iter().any(counts))
            };
            let ill = |what: &What| matches!(what, What::Setting { name, .. } if name == late.well);
            // What is made anew is new again.
            let ill_or_replaced = |what: &What| ill(what) || matches!(what, What::Setting { change: Change::Replace, .. });
            let there: Vec<usize> = late
                .others
                .iter()
                .filter_map(position)
                .filter(|other| blueprint.nodes.get(*other).is_some_and(|other| !lacks(other, &ill)))
                .collect();
            if lacks(node, &ill_or_replaced) || there.is_empty() {
                continue;
            }
            if let Some(needs) = order.needs.get_mut(at) {
                needs.retain(|other| !late.others.iter().any(|late| position(late) == Some(*other)));
            }
            for other in there {
                if let Some(needs) = order.needs.get_mut(other) {
                    needs.insert(at);
                }
            }
        }
        // A turned edge must not close a circle: then all wait as if everything were new.
        if order.acyclic(&blueprint.nodes).is_ok() { order } else { self.clone() }
    }

    /// Checks too that every kind can be made and every value is known: what a run needs beyond a plan.
    pub(crate) fn for_run(blueprint: &Blueprint, cloud: &Cloud) -> Result<Self, Flaw> {
        let order = Self::of(blueprint)?;
        for node in &blueprint.nodes {
            let component = cloud.component(node.kind).ok_or_else(|| Flaw::Kind(node.id.clone(), node.kind))?;
            if node.claim && !component.taggable() {
                return Err(Flaw::UntaggableClaim(node.id.clone()));
            }
            if let Some((name, _)) = node.settings.iter().find(|(_, setting)| setting.value == Input::Unknown) {
                return Err(Flaw::Unknown(node.id.clone(), name.clone()));
            }
        }
        Ok(order)
    }

    fn acyclic(&self, nodes: &[Node]) -> Result<(), Flaw> {
        let mut open: BTreeSet<usize> = (0..nodes.len()).collect();
        loop {
            let free: Vec<usize> =
                open.iter().copied().filter(|at| self.needs.get(*at).is_none_or(|needs| needs.is_disjoint(&open))).collect();
            if free.is_empty() {
                break;
            }
            for at in free {
                open.remove(&at);
            }
        }
        if open.is_empty() {
            Ok(())
        } else {
            Err(Flaw::Cycle(nodes.iter().enumerate().filter(|(at, _)| open.contains(at)).map(|(_, node)| node.id.clone()).collect()))
        }
    }
}

/// What a walk does at a node whose turn has come.
pub(crate) enum Turn<F> {
    /// Works on it.
    Work(F),
    /// Nothing to do: those that wait for it may go on.
    Pass,
    /// Neither it nor what waits for it is worked on.
    Block,
}

/// Walks a graph, at most `width` nodes at a time: each node has its turn when all that it waits for have passed.
/// `done` says whether a node that was worked on passes. Nothing is spawned: dropping the walk drops its work.
pub(crate) async fn walk<S, F, R>(
    waits: &[BTreeSet<usize>],
    width: usize,
    state: &mut S,
    mut begin: impl FnMut(&mut S, usize) -> Turn<F>,
    mut done: impl FnMut(&mut S, usize, R) -> bool,
) where
    F: Future<Output = R>,
{
    let mut open: BTreeSet<usize> = (0..waits.len()).collect();
    let mut passed = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < width.max(1) {
            let next = open.iter().copied().find(|at| waits.get(*at).is_none_or(|waits| waits.is_subset(&passed)));
            let Some(at) = next else { break };
            open.remove(&at);
            match begin(state, at) {
                Turn::Work(work) => running.push(async move { (at, work.await) }),
                Turn::Pass => {
                    passed.insert(at);
                }
                Turn::Block => {}
            }
        }
        let Some((at, result)) = running.next().await else { return };
        if done(state, at, result) {
            passed.insert(at);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::graph::{Found, Meaning, Owner, Setting, Settings};

    fn blueprint(edges: &[(&str, &[&str])]) -> Blueprint {
        let node = |(id, after): &(&str, &[&str])| {
            let mut node = Node::new(id, "thing", Settings::new());
            node.after = after.iter().map(|id| (*id).into()).collect();
            node.claim = *id == "claim";
            node
        };
        Blueprint::of(Owner { resource: "t".into(), name: "n".into() }, edges.iter().map(node).collect())
    }

    #[test]
    fn flaws_are_named() {
        let claim: (&str, &[&str]) = ("claim", &[]);
        type Edges = Vec<(&'static str, &'static [&'static str])>;
        let cases: [(Edges, Flaw); 6] = [
            (vec![], Flaw::Claims(0)),
            (vec![claim, claim], Flaw::Twice("claim".into())),
            (vec![("a", &[])], Flaw::Claims(0)),
            (vec![claim, ("a", &["b"])], Flaw::Dangling("a".into(), "b".into())),
            (vec![claim, ("a", &["b"]), ("b", &["a"]), ("c", &["b"])], Flaw::Cycle(vec!["a".into(), "b".into(), "c".into()])),
            (vec![("claim", &["a"]), ("a", &[])], Flaw::LateClaim("claim".into())),
        ];
        for (edges, flaw) in cases {
            assert_eq!(Order::of(&blueprint(&edges)).unwrap_err(), flaw);
        }
    }

    #[test]
    fn outputs_are_edges_and_everything_waits_for_the_claim() {
        let mut blueprint = blueprint(&[("b", &[]), ("claim", &[]), ("a", &[])]);
        let from = Setting {
            value: Input::Output("a".into(), "id".into()),
            change: Change::Live,
            meaning: Meaning::Exact,
            shown: false,
            seal: false,
            renews: false,
        };
        blueprint.nodes.first_mut().unwrap().settings.insert("x".into(), from);
        let order = Order::of(&blueprint).unwrap();
        assert_eq!(order.needs, [BTreeSet::from([1, 2]), BTreeSet::new(), BTreeSet::from([1])]);
        assert_eq!(order.inputs, [BTreeSet::from([2]), BTreeSet::new(), BTreeSet::new()]);
        assert_eq!(order.dependents, [BTreeSet::new(), BTreeSet::from([0, 2]), BTreeSet::from([0])]);
    }

    /// An add-on comes up on nodes; an upgrade of both begins with the add-on.
    #[test]
    fn what_was_late_goes_first_once_it_is_there_and_well() {
        let mut blueprint = blueprint(&[("claim", &[]), ("nodes", &[]), ("more", &[]), ("addon", &[]), ("alarm", &["addon"])]);
        let well = Setting {
            value: Input::Known("yes".into()),
            change: Change::Live,
            meaning: Meaning::Exact,
            shown: false,
            seal: false,
            renews: false,
        };
        blueprint.nodes.get_mut(1).unwrap().settings.insert("well".into(), well.clone());
        let failed = Setting { value: Input::Known("no".into()), change: Change::Replace, ..well.clone() };
        let addon = blueprint.nodes.get_mut(3).unwrap();
        addon.settings.insert("create_failed".into(), failed);
        addon.late = Some(crate::graph::Late { others: vec!["nodes".into(), "more".into()], well: "well" });
        addon.settings.insert("well".into(), well);
        let order = Order::of(&blueprint).unwrap();
        let is = |well: &str| Found {
            settings: [("well", well), ("create_failed", "no")].map(|(name, value)| (name.to_owned(), value.into())).into(),
            ..Found::default()
        };
        let needs = |there: &[(&str, Found)]| {
            let found: Objects = there.iter().map(|(id, found)| ((*id).into(), found.clone())).collect();
            let among = order.among(&blueprint, &found);
            assert_eq!(among.dependents, order.dependents, "a destroy goes as ever");
            [1, 2, 3].map(|at| among.needs.get(at).unwrap().iter().copied().collect::<Vec<_>>())
        };
        let new: [Vec<usize>; 3] = [vec![0], vec![0], vec![0, 1, 2]];
        assert_eq!(needs(&[]), new);
        assert_eq!(needs(&[("nodes", is("yes"))]), new);
        assert_eq!(needs(&[("addon", is("yes"))]), new, "there is nothing that it could run on");
        assert_eq!(needs(&[("nodes", is("yes")), ("addon", is("no"))]), new, "it may lack nodes");
        assert_eq!(needs(&[("nodes", is("no")), ("addon", is("yes"))]), new, "nodes that are ill are mended first");
        let mut failed = is("yes");
        failed.settings.insert("create_failed".to_owned(), "yes".into());
        assert_eq!(needs(&[("nodes", is("yes")), ("addon", failed)]), new, "what is made anew is new again");
        let coming = Found { readiness: Readiness::Pending("x".into()), ..is("yes") };
        assert_eq!(needs(&[("nodes", is("yes")), ("addon", coming)]), new);
        assert_eq!(needs(&[("nodes", is("yes")), ("more", is("no")), ("addon", is("yes"))]), [vec![0, 3], vec![0, 3], vec![0]]);
        assert_eq!(
            needs(&[("nodes", is("yes")), ("addon", is("yes"))]),
            [vec![0, 3], vec![0], vec![0]],
            "a new group is no part of the upgrade"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_walk_keeps_its_order_its_width_and_goes_round_what_fails() {
        let order =
            Order::of(&blueprint(&[("claim", &[]), ("a", &[]), ("b", &["a"]), ("c", &[]), ("d", &["c"]), ("e", &["b", "d"])])).unwrap();
        let mut state = (Vec::new(), 0_usize, 0_usize);
        walk(
            &order.needs,
            2,
            &mut state,
            |(_, running, most), at| {
                *running += 1;
                *most = (*most).max(*running);
                Turn::Work(async move {
                    tokio::time::sleep(Duration::from_secs(at as u64)).await;
                    at != 1
                })
            },
            |(done, running, _), at, passes| {
                *running -= 1;
                done.push(at);
                passes
            },
        )
        .await;
        assert_eq!(state, (vec![0, 1, 3, 4], 0, 2), "b and e hang on a, which failed");
    }
}
