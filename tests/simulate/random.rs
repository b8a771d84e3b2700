//! A seeded source of randomness (splitmix64).

use std::{sync::Mutex, time::Duration};

use terraform_provider_deeploy::graph::Entropy;

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
pub struct SeededEntropy {
    random: Mutex<Random>,
}

impl SeededEntropy {
    pub fn new(random: Random) -> Self {
        Self { random: Mutex::new(random) }
    }
}

impl Entropy for SeededEntropy {
    fn uid(&self) -> String {
        format!("uid-{:016x}", self.random.lock().unwrap().next())
    }

    fn nonce(&self) -> String {
        format!("nonce-{:016x}", self.random.lock().unwrap().next())
    }
}
