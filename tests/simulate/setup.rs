//! One simulated case: a world, a Terraform over it, and what is checked in the end whatever happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use terraform_provider_deeploy::graph::{Known, Outcome, Phase, observe};

use crate::{
    random::Random,
    shapes::shape,
    terraform::{State, Terraform},
    world::{Fault, Version, Weather, World},
};

pub struct Setup {
    seed: u64,
    pub random: Random,
    pub world: Arc<World>,
    pub terraform: Terraform,
    /// The state just before it was destroyed.
    pub before: Option<State>,
    pub tally: Arc<std::sync::Mutex<BTreeMap<String, u64>>>,
    expected: Option<Fault>,
    foreigners: BTreeMap<String, Option<Version>>,
}

pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Setup {
    pub fn new(seed: u64, shape_number: usize) -> Self {
        let mut random = Random::new(seed);
        let world = Arc::new(World::new(random.fork(), Weather::default()));
        let blueprint = shape(shape_number, "one", &mut random);
        let terraform = Terraform::new(&world, blueprint, random.fork());
        Self { seed, random, world, terraform, before: None, tally: Arc::default(), expected: None, foreigners: BTreeMap::new() }
    }

    /// Counts that what the scenario is about has happened.
    pub fn hit(&mut self, what: &str) {
        *self.tally.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    /// Another Terraform with the same configuration and no state.
    pub fn another(&mut self, _at_once: bool) -> Terraform {
        Terraform::new(&self.world, self.terraform.blueprint.clone(), self.random.fork())
    }

    /// How many mutating calls a run makes in a twin of this world: measured, so that the fault surely fires.
    fn place(&mut self, fault: Fault, calls: usize) -> Result<(), String> {
        ensure(calls > 0, || "the run makes no call".to_owned())?;
        let at = self.random.index(calls) + 1;
        self.world.begin([(at, fault)]);
        self.expected = Some(fault);
        Ok(())
    }

    /// Puts a fault at a random call of the coming create.
    pub async fn fault_in_create(&mut self, fault: Fault) -> Result<(), String> {
        let (world, mut twin) = self.twin();
        twin.create().await;
        let calls = world.with(|inner| inner.mutations);
        self.place(fault, calls)
    }

    pub async fn fault_in_destroy(&mut self, fault: Fault) -> Result<(), String> {
        self.calm().await;
        let (world, mut twin) = self.twin();
        twin.destroy().await;
        let calls = world.with(|inner| inner.mutations);
        self.place(fault, calls)
    }

    pub async fn fault_in_update(&mut self, fault: Fault) -> Result<(), String> {
        let (world, mut twin) = self.twin();
        twin.update().await;
        let calls = world.with(|inner| inner.mutations);
        if calls == 0 {
            // Nothing of this shape can be changed.
            self.hit("unchangeable");
            return Ok(());
        }
        self.place(fault, calls)
    }

    /// A copy of the world as it is, where nothing fails.
    fn twin(&self) -> (Arc<World>, Terraform) {
        let world = self.world.with(|inner| {
            let mut weather = inner.weather.clone();
            weather.lag = Duration::from_millis(1);
            let twin = World::new(Random::new(self.seed), weather);
            twin.with(|copy| copy.adopt(inner));
            Arc::new(twin)
        });
        let mut terraform = Terraform::new(&world, self.terraform.blueprint.clone(), Random::new(self.seed));
        terraform.state.clone_from(&self.terraform.state);
        terraform.adopt = self.terraform.adopt;
        terraform.recreate.clone_from(&self.terraform.recreate);
        (world, terraform)
    }

    /// The fault that was placed has fired.
    pub fn fired(&self, fault: Fault) -> Result<(), String> {
        let fired = self.world.with(|inner| inner.fired.get(&fault).copied().unwrap_or_default());
        ensure(fired > 0, || format!("{fault:?} never fired"))
    }

    /// Lets every write become visible.
    pub async fn calm(&self) {
        while !self.world.settled() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// After the very last call of a create there is nothing left to do, but nothing in state either: the next create refuses,
    /// since it can't tell its own from another state's, and says to import it. So this imports it.
    pub async fn import_if_ready(&mut self) {
        if self.terraform.state.is_some() {
            return;
        }
        self.calm().await;
        let observed = observe(&self.terraform.cloud, &self.terraform.blueprint, &Known::new()).await;
        let ready = observed.claim.as_ref().filter(|claim| claim.phase == Phase::Ready);
        if let Some(claim) = ready {
            self.hit("imported after a crash");
            let claim = Some((claim.uid.clone(), claim.incarnation.clone()));
            self.terraform.state = Some(State { known: observed.known(), claim, tainted: false });
        }
    }

    pub fn remember_foreigners(&mut self) {
        self.foreigners = self.world.foreigners();
    }

    pub fn untouched(&self) -> Result<(), String> {
        ensure(self.world.foreigners() == self.foreigners, || "a foreign object was touched".to_owned())
    }

    /// The outcome lists exactly the world.
    pub fn exact(&self, outcome: &Outcome) -> Result<(), String> {
        let found: BTreeSet<String> = outcome.observed.found.values().map(|found| found.id.clone()).collect();
        let living = self.world.living();
        ensure(found == living, || format!("the outcome has {found:?}, the world {living:?}: {}", crate::terraform::describe(outcome)))
    }

    /// Applies until ready; checks; destroys until gone; checks.
    pub async fn rest(&mut self) -> Result<(), String> {
        if let Some(fault) = self.expected.take() {
            self.fired(fault)?;
        }
        self.terraform.until_ready().await?;
        self.terraform.converged().await?;
        self.before.clone_from(&self.terraform.state);
        self.terraform.until_gone().await?;
        self.untouched()
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        let mut tally = self.tally.lock().unwrap();
        self.world.with(|inner| {
            for (fault, count) in &inner.fired {
                *tally.entry(format!("{fault:?}")).or_default() += count;
            }
        });
    }
}
