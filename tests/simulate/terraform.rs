//! Terraform's side: a state, and runs of the engine over it that may crash.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use terraform_provider_deeploy::graph::{
    Blueprint, Cloud, Component, Known, Mode, Outcome, Run, Status, destroy, diff, drift, observe, run,
};
use tf_provider::{Stop, StopSource};
use tokio::time::Instant;

use crate::{
    kinds::{KINDS, Kind},
    random::{Random, SeededEntropy},
    world::{Fault, World},
};

#[derive(Clone, Debug, Default)]
pub struct State {
    pub known: Known,
    pub claim: Option<(String, String)>,
    pub tainted: bool,
}

pub struct Terraform {
    pub world: Arc<World>,
    pub cloud: Cloud,
    pub blueprint: Blueprint,
    pub state: Option<State>,
    pub recreate: BTreeSet<terraform_provider_deeploy::graph::ComponentId>,
    pub adopt: bool,
    /// What its clock says in the world's first moment.
    clock: SystemTime,
}

impl Terraform {
    pub fn new(world: &Arc<World>, blueprint: Blueprint, mut random: Random) -> Self {
        let components = KINDS.iter().map(|ways| Arc::new(Kind { ways: *ways, world: Arc::clone(world) }) as Arc<dyn Component>).collect();
        // Clocks are up to a minute apart.
        let clock = UNIX_EPOCH + Duration::from_secs(1_800_000_000) + random.up_to(Duration::from_secs(60));
        let cloud = Cloud::new(components, Arc::new(SeededEntropy::new(random)));
        Self { world: Arc::clone(world), cloud, blueprint, state: None, recreate: BTreeSet::new(), adopt: false, clock }
    }

    pub fn order(&self, mode: Mode) -> Run {
        let state = self.state.clone().unwrap_or_default();
        let stop = if self.world.with(|inner| inner.faults.values().any(|fault| *fault == Fault::Stop)) {
            let source = StopSource::default();
            let stop = source.token();
            self.world.with(|inner| inner.stopped = Some(source));
            stop
        } else {
            Stop::never()
        };
        Run {
            known: state.known,
            claim: state.claim,
            mode,
            adopt: self.adopt,
            recreate: self.recreate.clone(),
            deadline: Duration::from_secs(3600),
            stop,
            now: self.clock + self.world.epoch.get_or_init(Instant::now).elapsed(),
        }
    }

    async fn or_crash<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.world.crash.notified() => None,
            outcome = work => Some(outcome),
        }
    }

    /// Creates. `None`: crashed, and the state knows nothing.
    pub async fn create(&mut self) -> Option<Outcome> {
        let outcome = self.or_crash(run(&self.cloud, &self.blueprint, self.order(Mode::Create))).await?;
        self.state = keep(&outcome, None);
        if let Some(state) = &mut self.state {
            // A stopped create is a success with a warning; a failed one is tainted.
            state.tainted = !(outcome.failures.is_empty() && outcome.refusals.is_empty());
        }
        Some(outcome)
    }

    pub async fn update(&mut self) -> Option<Outcome> {
        let outcome = self.or_crash(run(&self.cloud, &self.blueprint, self.order(Mode::Update))).await?;
        self.state = keep(&outcome, self.state.as_ref());
        Some(outcome)
    }

    pub async fn destroy(&mut self) -> Option<Outcome> {
        let outcome = self.or_crash(destroy(&self.cloud, &self.blueprint, self.order(Mode::Update))).await?;
        let stale = outcome.refusals.iter().any(|refusal| matches!(refusal, terraform_provider_deeploy::graph::Refusal::Stale { .. }));
        let gone = stale || (outcome.is_success() && outcome.observed.found.is_empty());
        let tainted = self.state.as_ref().is_some_and(|state| state.tainted);
        self.state = if gone { None } else { keep(&outcome, self.state.as_ref()) };
        if let Some(state) = &mut self.state {
            state.tainted = tainted;
        }
        Some(outcome)
    }

    /// What `terraform apply` does next.
    pub async fn apply(&mut self) -> Option<Outcome> {
        match &self.state {
            None => self.create().await,
            Some(state) if state.tainted => {
                let outcome = self.destroy().await?;
                if self.state.is_none() { self.create().await } else { Some(outcome) }
            }
            Some(_) => self.update().await,
        }
    }

    /// Applies until done; what stands in the way for a while (lag) passes meanwhile.
    pub async fn until_ready(&mut self) -> Result<(), String> {
        let mut last = None;
        for _ in 0..12 {
            let outcome = self.apply().await;
            if outcome.as_ref().is_some_and(|outcome| outcome.status == Status::Ready && outcome.is_success()) {
                return Ok(());
            }
            last = outcome;
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        Err(format!("never ready: {}", last.map(|last| describe(&last)).unwrap_or_default()))
    }

    /// The world is exactly the state, nothing differs, and another run changes nothing.
    pub async fn converged(&mut self) -> Result<(), String> {
        while !self.world.settled() {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        // What late visibility had hidden is found by the next run.
        self.quiet_update().await?;
        let state = self.state.clone().ok_or("no state")?;
        let living = self.world.living();
        let known: BTreeSet<String> = state.known.values().cloned().collect();
        if living != known {
            return Err(format!("the world is {living:?}, the state {known:?}"));
        }
        if known.len() != state.known.len() {
            return Err(format!("two components share an object: {:?}", state.known));
        }
        let observed = observe(&self.cloud, &self.blueprint, &state.known).await;
        let differences = diff(&self.blueprint, &observed);
        let drift = drift(&self.blueprint, &observed);
        if !differences.is_empty() || !drift.is_empty() || !observed.failures.is_empty() {
            return Err(format!("not converged: {differences:?} {drift:?} {:?}", observed.failures));
        }
        self.world.begin([]);
        self.quiet_update().await?;
        let searched = |kind| KINDS.iter().any(|ways| ways.kind == kind && (ways.tokenless || ways.side_by_side));
        let may = self.blueprint.nodes.iter().filter(|node| !node.claim && searched(node.kind)).count();
        let searches = self.world.with(|inner| inner.searches);
        if searches > may {
            return Err(format!("the second run looked for strays {searches} times, for {may} components"));
        }
        match self.world.with(|inner| inner.mutations) {
            0 => Ok(()),
            calls => Err(format!("the second run made {calls} mutating calls")),
        }
    }

    async fn quiet_update(&mut self) -> Result<(), String> {
        let outcome = self.update().await.ok_or("crashed")?;
        if outcome.status == Status::Ready && outcome.is_success() {
            return Ok(());
        }
        Err(format!("an update without changes: {}", describe(&outcome)))
    }

    /// Destroys until done; nothing remains.
    pub async fn until_gone(&mut self) -> Result<(), String> {
        let mut last = None;
        for _ in 0..12 {
            if self.state.is_none() {
                break;
            }
            last = self.destroy().await;
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        if self.state.is_some() {
            return Err(format!("never gone: {}", last.map(|last| describe(&last)).unwrap_or_default()));
        }
        let living = self.world.living();
        if living.is_empty() { Ok(()) } else { Err(format!("destroy left {living:?}")) }
    }
}

pub fn describe(outcome: &Outcome) -> String {
    format!(
        "{:?} {}/{} stopped={} failures={:?} refusals={:?}",
        outcome.status,
        outcome.done,
        outcome.total,
        outcome.stopped,
        outcome.failures.iter().map(ToString::to_string).collect::<Vec<_>>(),
        outcome.refusals.iter().map(ToString::to_string).collect::<Vec<_>>()
    )
}

/// What a resource writes to state: what was found; of what could not be read, the prior id.
fn keep(outcome: &Outcome, prior: Option<&State>) -> Option<State> {
    let mut known = outcome.observed.known();
    for (component, _) in &outcome.observed.failures {
        if let Some(id) = prior.and_then(|prior| prior.known.get(component)) {
            known.entry(component.clone()).or_insert_with(|| id.clone());
        }
    }
    let claim = outcome.observed.claim.as_ref().map(|claim| (claim.uid.clone(), claim.incarnation.clone()));
    // What vanished is refused by name as long as its id is in state.
    for refusal in &outcome.refusals {
        if let terraform_provider_deeploy::graph::Refusal::Vanished { component, id, .. } = refusal {
            known.insert(component.clone(), id.clone());
        }
    }
    let claim = claim.or_else(|| prior.and_then(|prior| prior.claim.clone()));
    (!known.is_empty()).then_some(State { known, claim, tainted: false })
}
