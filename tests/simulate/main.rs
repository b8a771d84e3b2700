//! The engine over a simulated cloud: a paused clock, seeds, and faults (docs/ARCHITECTURE.md, "Engine").
//!
//! `SIM_SEEDS` (how many, default 900), `SIM_SEED` (only this one, with its log of calls).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs
)]

mod kinds;
mod random;
mod rivals;
mod scenarios;
mod setup;
mod shapes;
mod terraform;
mod world;

use std::{
    collections::BTreeMap,
    env,
    pin::Pin,
    sync::{Arc, Mutex},
};

use scenarios::Outcomes;
use setup::Setup;

type Scenario = (&'static str, fn(Setup) -> Pin<Box<dyn Future<Output = Outcomes>>>);

macro_rules! scenarios {
    ($($module:ident :: $name:ident),* $(,)?) => { [$((stringify!($name), |setup| Box::pin($module::$name(setup)))),*] };
}

const SCENARIOS: [Scenario; 30] = scenarios![
    scenarios::life,
    scenarios::crash_in_create,
    scenarios::lost_in_create,
    scenarios::passing_failure,
    scenarios::denied_in_create,
    scenarios::stop_in_create,
    scenarios::fault_in_destroy,
    scenarios::back_from_destroy,
    scenarios::late,
    scenarios::late_and_crash,
    scenarios::throttled,
    rivals::create_twice,
    rivals::two_creators,
    rivals::foreign,
    scenarios::drifted,
    scenarios::vanished,
    scenarios::guarded,
    rivals::create_before_destroy,
    scenarios::fault_in_update,
    scenarios::adopted,
    scenarios::taken_back,
    scenarios::denied_in_take_back,
    scenarios::superfluous,
    rivals::claims,
    rivals::at_work,
    rivals::lease_runs_out,
    rivals::destroyed_meanwhile,
    // Where time decides, more seeds.
    rivals::two_creators,
    rivals::two_creators,
    scenarios::fault_in_update,
];

/// Seeds of a plain test run: every scenario over every shape five times.
const SEEDS: u64 = 900;

struct Verdict {
    result: Outcomes,
    log: Vec<String>,
    tally: BTreeMap<String, u64>,
}

fn case(seed: u64) -> (&'static str, usize, Verdict) {
    let scenario = usize::try_from(seed).unwrap() % SCENARIOS.len();
    let shape = usize::try_from(seed).unwrap() / SCENARIOS.len() % shapes::SHAPES;
    let (name, play) = SCENARIOS[scenario];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let setup = Setup::new(seed, shape);
    let (world, tally) = (Arc::clone(&setup.world), Arc::clone(&setup.tally));
    let result = runtime.block_on(play(setup));
    let log = world.with(|inner| std::mem::take(&mut inner.log));
    let tally = Mutex::lock(&tally).unwrap().clone();
    (name, shape, Verdict { result, log, tally })
}

#[test]
fn simulate() {
    let only = env::var("SIM_SEED").ok().map(|seed| seed.parse::<u64>().expect("SIM_SEED is a number"));
    let seeds = env::var("SIM_SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("SIM_SEEDS is a number"));
    let seeds = only.map_or(0..seeds, |seed| seed..seed + 1);
    let (count, begin) = (seeds.end - seeds.start, std::time::Instant::now());
    let mut fired: BTreeMap<String, u64> = BTreeMap::new();
    let mut violations = Vec::new();
    for seed in seeds {
        let (name, shape, verdict) = case(seed);
        for (fault, times) in verdict.tally {
            *fired.entry(fault).or_default() += times;
        }
        if only.is_some() {
            println!("{}", verdict.log.join("\n"));
        }
        if let Err(violation) = verdict.result {
            println!("VIOLATION seed {seed} ({name}, shape {shape}): {violation}");
            println!("  replay: SIM_SEED={seed} cargo test --test simulate -- --nocapture simulate");
            violations.push(seed);
        }
        if (seed + 1) % 1000 == 0 {
            println!("{} of {count} seeds, {} violations, {:?}", seed + 1, violations.len(), begin.elapsed());
        }
    }
    let faults: Vec<String> = fired.iter().map(|(fault, times)| format!("{fault} {times}")).collect();
    println!("simulated {count} seeds in {:.1?}: {} violations; fired: {}", begin.elapsed(), violations.len(), faults.join(", "));
    assert!(violations.is_empty(), "violations at seeds {violations:?}");
    if only.is_none() && count >= SEEDS {
        let expected = ["CrashBefore", "CrashAfter", "LostBefore", "LostAfter", "Denied", "Throttled", "Transient", "Stop"];
        for fault in expected {
            assert!(fired.get(fault).is_some_and(|times| *times > 0), "{fault} never fired");
        }
        for seen in ["refused by a lease", "taken over after a lease", "refused by a destroy's lease"] {
            assert!(fired.get(seen).is_some_and(|times| *times > 0), "{seen}: never seen");
        }
    }
}
