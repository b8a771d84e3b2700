//! Objects that end while they are waited for.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value as Json;
use tf_provider::Stop;
use tokio::time::Instant;

use super::{
    Blueprint, Change, Claim, Cloud, Component, Doing, Failure, Found, Input, Kept, Known, Meaning, Mode, Node, OsEntropy, Outcome, Owner,
    PHASE, Phase, Query, Readiness, Run, Setting, Settings, Status, Wanted, destroy, run,
};

/// A cloud of two kinds: a claim, and gateways that one after the other go through the given states, a look each.
#[derive(Default)]
struct Gateways {
    claim: Mutex<Option<Found>>,
    /// By id, in the order of making: what is still to be seen of each.
    lives: Mutex<Vec<(String, Vec<Readiness>)>>,
    /// States of those that are yet to be made.
    next: Mutex<Vec<Vec<Readiness>>>,
    tokens: Mutex<BTreeMap<String, String>>,
    /// What each look at a gateway that is deleted shows: whether it is there. Then it is gone.
    leaving: Mutex<Vec<bool>>,
    /// When a gateway was looked at.
    looks: Mutex<Vec<Instant>>,
    /// When gateways were deleted, and when it was asked what came back.
    deleted: Mutex<Vec<Instant>>,
    swept: Mutex<Vec<Instant>>,
}

struct Kind(&'static str, Arc<Gateways>);

impl Gateways {
    fn see(&self, id: &str) -> Option<Found> {
        let mut lives = self.lives.lock().unwrap();
        let (_, states) = lives.iter_mut().find(|(other, _)| other == id)?;
        if states.is_empty() {
            return None;
        }
        // The last one stays, but for one that is going.
        let state = if states.len() == 1 && states.first() == Some(&Readiness::Ready) { Readiness::Ready } else { states.remove(0) };
        Some(gateway(id, state))
    }
}

fn gateway(id: &str, readiness: Readiness) -> Found {
    let tags = [("deeploy:owner", "t/n"), ("deeploy:component", "gateway")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    Found { id: id.to_owned(), tags: tags.into(), readiness, ..Found::default() }
}

#[async_trait]
impl Component for Kind {
    fn kind(&self) -> &'static str {
        self.0
    }

    fn actions(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_remade(&self) -> bool {
        true
    }

    fn absences(&self) -> u32 {
        3
    }

    fn usual(&self, doing: Doing) -> Option<Duration> {
        (doing == Doing::Deleting).then_some(Duration::from_secs(60))
    }

    fn comes_back_within(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn sweep(&self, _wanted: &Wanted) -> Result<Vec<Kept>, Failure> {
        if self.0 == "gateway" {
            self.1.swept.lock().unwrap().push(Instant::now());
        }
        Ok(Vec::new())
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        if self.0 == "claim" {
            return Ok(self.1.claim.lock().unwrap().clone());
        }
        self.1.looks.lock().unwrap().push(Instant::now());
        if let Some(there) = self.1.leaving.lock().unwrap().pop() {
            return Ok(query.id.as_deref().filter(|_| there).map(|id| gateway(id, going())));
        }
        Ok(query.id.as_deref().and_then(|id| self.1.see(id)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let next = self.1.next.lock().unwrap().pop();
        let mut lives = self.1.lives.lock().unwrap();
        if let Some(id) = self.1.tokens.lock().unwrap().get(&wanted.token) {
            return Ok(gateway(id, Readiness::Deleted));
        }
        let id = format!("g-{}", lives.len());
        lives.push((id.clone(), next.unwrap_or_else(|| vec![Readiness::Ready])));
        self.1.tokens.lock().unwrap().insert(wanted.token.clone(), id.clone());
        Ok(gateway(&id, Readiness::Pending("coming".to_owned())))
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    async fn tag(&self, _found: &Found, set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        if let Some(claim) = self.1.claim.lock().unwrap().as_mut() {
            claim.tags.extend(set.clone());
        }
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        if self.0 == "claim" {
            *self.1.claim.lock().unwrap() = None;
        } else {
            self.1.deleted.lock().unwrap().push(Instant::now());
        }
        self.1.lives.lock().unwrap().iter_mut().filter(|(id, _)| *id == found.id).for_each(|(_, states)| states.clear());
        Ok(None)
    }
}

/// A ready resource with a gateway `g-0` that goes through `states`.
fn ready(gateways: &Arc<Gateways>, states: Vec<Readiness>, stateful: bool) -> (Cloud, Blueprint, Run) {
    let claim = Claim { uid: "u".into(), incarnation: "i".into(), phase: Phase::Ready };
    let mut tags = claim.tags();
    tags.extend([("deeploy:owner", "t/n"), ("deeploy:component", "claim")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    *gateways.claim.lock().unwrap() = Some(Found { id: "c".into(), tags, ..Found::default() });
    gateways.lives.lock().unwrap().push(("g-0".to_owned(), states));
    let cloud = Cloud::new(
        vec![Arc::new(Kind("claim", Arc::clone(gateways))), Arc::new(Kind("gateway", Arc::clone(gateways)))],
        Arc::new(OsEntropy),
    );
    let size = Setting {
        value: Input::Known(Json::Null),
        change: Change::Live,
        meaning: Meaning::Exact,
        shown: false,
        seal: false,
        renews: false,
    };
    let node = Node { stateful, ..Node::new("gateway", "gateway", Settings::from([("size".to_owned(), size)])) };
    let nodes = vec![Node::new("claim", "claim", Settings::new()).claim(), node];
    let blueprint = Blueprint::of(Owner { resource: "t".into(), name: "n".into() }, nodes);
    let known = Known::from([("claim", "c"), ("gateway", "g-0")].map(|(component, id)| (component.into(), id.to_owned())));
    let order = Run {
        known,
        claim: Some(("u".into(), "i".into())),
        mode: Mode::Update,
        adopt: false,
        recreate: BTreeSet::new(),
        deadline: Duration::from_secs(3600),
        stop: Stop::never(),
        now: std::time::UNIX_EPOCH,
    };
    (cloud, blueprint, order)
}

/// What an update makes of it.
async fn updated(states: Vec<Readiness>, next: Vec<Vec<Readiness>>, stateful: bool) -> (Outcome, Vec<String>) {
    let gateways = Arc::new(Gateways { next: Mutex::new(next), ..Gateways::default() });
    let (cloud, blueprint, order) = ready(&gateways, states, stateful);
    let outcome = run(&cloud, &blueprint, order).await;
    let made = gateways.lives.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(gateways.claim.lock().unwrap().as_ref().unwrap().tags.get(PHASE).map(String::as_str), Some("ready"));
    (outcome, made)
}

fn going() -> Readiness {
    Readiness::Pending("deleting".to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_goes_while_it_is_waited_for_is_made_anew() {
    let (outcome, made) = updated(vec![going(), going(), going()], Vec::new(), false).await;
    assert_eq!((outcome.status, made), (Status::Ready, vec!["g-0".to_owned(), "g-1".to_owned()]), "{:?}", outcome.failures);
    assert_eq!(outcome.observed.known().get(&"gateway".into()).map(String::as_str), Some("g-1"));
}

#[tokio::test(start_paused = true)]
async fn it_is_made_anew_once_and_what_holds_data_never() {
    let (outcome, made) = updated(vec![going(), going()], vec![vec![going(), going()]], false).await;
    assert_eq!((outcome.status, made.len()), (Status::Incomplete, 2));
    assert!(outcome.failures.first().unwrap().failure.message.contains("g-1 is gone"), "{:?}", outcome.failures);
    let (outcome, made) = updated(vec![going(), going()], Vec::new(), true).await;
    assert_eq!((outcome.status, made.len()), (Status::Incomplete, 1));
}

#[tokio::test(start_paused = true)]
async fn a_broken_one_is_deleted_and_made_anew_and_a_new_one_that_breaks_is_reported() {
    let broken = || Readiness::Broken("no way out".to_owned());
    let (outcome, made) = updated(vec![broken(), broken(), broken()], Vec::new(), false).await;
    assert_eq!((outcome.status, made.len()), (Status::Ready, 2), "{:?}", outcome.failures);
    let (outcome, made) = updated(vec![broken(), broken(), broken()], vec![vec![broken(), broken()]], false).await;
    assert_eq!((outcome.status, made.len()), (Status::Incomplete, 2));
    assert_eq!(outcome.failures.first().unwrap().failure.message, "no way out");
}

/// It takes a minute, is not found once and then found again: gone is what was not found three times in a row, asked in quick succession.
#[tokio::test(start_paused = true)]
async fn gone_is_what_is_not_found_often_enough_in_a_row() {
    let gateways = Arc::new(Gateways::default());
    let (cloud, blueprint, order) = ready(&gateways, vec![Readiness::Ready], false);
    // Found before the delete, looked at six times while it goes, and then.
    let mut shown = vec![true, true, true, true, true, true, true, false, true, false, false, false];
    shown.reverse();
    *gateways.leaving.lock().unwrap() = shown;
    let outcome = destroy(&cloud, &blueprint, order).await;
    assert!(outcome.is_success(), "{:?} {:?}", outcome.failures, outcome.refusals);
    let looks = gateways.looks.lock().unwrap();
    let at: Vec<u64> = looks.iter().map(|look| look.duration_since(*looks.first().unwrap()).as_secs()).collect();
    assert_eq!(at.len(), 12, "{at:?}");
    assert!((60..64).contains(&at[7]), "the first absence is seen when it usually is gone: {at:?}");
    assert_eq!([at[10] - at[9], at[11] - at[10]], [2, 2], "{at:?}");
}

/// How long after a gateway's delete it is asked what came back, in seconds.
async fn asked_after(adopt: bool, scale: f64) -> u64 {
    let gateways = Arc::new(Gateways::default());
    let (cloud, mut blueprint, order) = ready(&gateways, vec![Readiness::Ready], false);
    blueprint.nodes.iter_mut().filter(|node| !node.claim).for_each(|node| node.adopt = adopt);
    let limits = cloud.limits.clone().paced(scale);
    let outcome = destroy(&cloud.with_limits(limits), &blueprint, order).await;
    assert!(outcome.is_success(), "{:?} {:?}", outcome.failures, outcome.refusals);
    let (deleted, swept) = (gateways.deleted.lock().unwrap(), gateways.swept.lock().unwrap());
    assert_eq!((deleted.len(), swept.len()), (1, 1));
    swept[0].duration_since(deleted[0]).as_secs()
}

/// A service writes its last lines about a minute later, and makes what it writes into anew.
#[tokio::test(start_paused = true)]
async fn what_the_cloud_may_make_again_is_looked_for_when_it_may_have_done_so() {
    let plain = asked_after(false, 1.0).await;
    assert_eq!(asked_after(true, 1.0).await, plain + 60);
    assert_eq!(asked_after(true, 0.5).await, asked_after(false, 0.5).await + 30);
}
