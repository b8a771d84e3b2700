//! A seeded source of randomness (splitmix64).

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use terraform_provider_deeploy::graph::Entropy;
use tokio::time::Instant;

#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())].clone()
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn up_to(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(longest.as_micros()).unwrap() + 1))
    }

    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }
}

/// The engine's randomness in the simulation.
/// The randomness of one Terraform, and its clock.
pub struct SeededEntropy {
    random: Mutex<Random>,
    /// The world's first moment, and what this clock said then.
    epoch: Arc<OnceLock<Instant>>,
    clock: SystemTime,
}

impl SeededEntropy {
    /// With a clock that is up to half a minute off.
    pub fn new(mut random: Random, epoch: Arc<OnceLock<Instant>>) -> Self {
        let clock = UNIX_EPOCH + Duration::from_secs(1_800_000_000) + random.up_to(Duration::from_secs(60));
        Self { random: Mutex::new(random), epoch, clock }
    }
}

impl Entropy for SeededEntropy {
    fn now(&self) -> SystemTime {
        self.clock + self.epoch.get_or_init(Instant::now).elapsed()
    }

    fn uid(&self) -> String {
        format!("uid-{:016x}", self.random.lock().unwrap().next())
    }

    fn nonce(&self) -> String {
        format!("nonce-{:016x}", self.random.lock().unwrap().next())
    }
}
