//! The figures of a whole environment: how long it takes beside what AWS takes, what it calls, what it holds in memory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use acceptance_tests::{Environment, Failure, Folders, Prerequisites, Sandbox, Terraform, World, check};
use serde_json::{Value, json};

use crate::{demo, prepare};

/// How long one minute of AWS's waiting takes here, seconds: long enough that calls and starting Terraform are small beside it.
const SECONDS_PER_MINUTE: f64 = 6.0;
/// The longest chain of waits of a create, AWS's minutes (the sandbox's table): cluster 10, network plugin ½, nodes 3, what needs nodes ½, and
/// the cluster's update to its deletion protection, which production seals last, 2. The database, 8, runs beside it.
const CREATE_MINUTES: f64 = 16.0;
/// Of a destroy: add-ons ½, nodes 3, network plugin ½, cluster 3, and the look whether EKS has made its log group again for its last lines, which
/// aws-edge-cases.md asks for a minute later.
const DESTROY_MINUTES: f64 = 8.0;
/// Added to each reply for the plan.
const LATENCY_MS: u32 = 50;
const PLANS: usize = 5;

/// Prints them.
pub(crate) fn figures(folders: &Folders, provider: &Path) -> Result<(), Failure> {
    let python = prepare::environment_of(folders, Environment::SANDBOX)?.python();
    let sandbox = Sandbox::start(folders, &python, 0)?;
    let world = World::new(&sandbox);
    let prerequisites = Prerequisites { folders: folders.clone(), provider: provider.to_path_buf(), sandbox_python: python };
    let mut terraform = started(&prerequisites, provider, &world)?;
    demo::production(&mut terraform, &world, &folders.root)?;
    world.settings(&json!({ "seconds_per_minute": SECONDS_PER_MINUTE }))?;
    terraform.set("TF_DEEPLOY_PACE", (SECONDS_PER_MINUTE / 60.0).to_string());

    let memory = Memory::watch(terraform.provider_pids());
    let made = terraform.apply::<&str>(&[])?.success()?.wall;
    let resident_kb = memory.end();
    println!("  environment, create                 {}", ratio(made, CREATE_MINUTES));
    println!("  resident memory during it           {resident_kb} kB at most");
    calls("create", &world.calls()?, 0);

    check::empty_plan(&terraform)?;
    world.settings(&json!({ "latency_ms": LATENCY_MS }))?;
    let before = world.calls()?.len();
    let mut plans = Vec::new();
    for _ in 0..PLANS {
        plans.push(terraform.plan::<&str>(&[])?.success()?.wall);
    }
    plans.sort_unstable();
    let median = plans.get(PLANS / 2).copied().unwrap_or_default();
    println!("  environment, empty plan             {:.2} s median of {PLANS}, {LATENCY_MS} ms added to each reply", median.as_secs_f64());
    let all = world.calls()?;
    calls("one refresh", &all, all.len() - (all.len() - before) / PLANS);
    world.settings(&json!({ "latency_ms": 0 }))?;

    terraform.set("TF_VAR_protected", "false");
    terraform.apply::<&str>(&[])?.success()?;
    let gone = terraform.destroy::<&str>(&[])?.success()?.wall;
    println!("  environment, destroy                {}", ratio(gone, DESTROY_MINUTES));
    Ok(())
}

#[cfg(unix)]
fn started(prerequisites: &Prerequisites, provider: &Path, world: &World) -> Result<Terraform, Failure> {
    Terraform::recorded(prerequisites.terraform(None)?, provider, world)
}

#[cfg(not(unix))]
fn started(prerequisites: &Prerequisites, provider: &Path, world: &World) -> Result<Terraform, Failure> {
    Terraform::new(prerequisites.terraform(None)?, provider, world)
}

fn ratio(wall: Duration, minutes: f64) -> String {
    let chain = minutes * SECONDS_PER_MINUTE;
    format!(
        "{:.1} s, {:.2} times the longest chain of waits ({chain:.0} s for {minutes} minutes of AWS's)",
        wall.as_secs_f64(),
        wall.as_secs_f64() / chain
    )
}

/// How many calls each service got, from the call at `from` on.
fn calls(of: &str, all: &[Value], from: usize) {
    let mut services: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for call in all.iter().skip(from) {
        let service = call.get("service").and_then(Value::as_str).unwrap_or_default().to_owned();
        let counts = services.entry(service).or_default();
        counts.0 += 1;
        counts.1 += usize::from(call.get("mutating").and_then(Value::as_bool).unwrap_or(true));
    }
    let (total, mutating) = services.values().fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
    println!("  calls of {of}: {total} in all, {mutating} mutating");
    for (service, (count, mutating)) in services {
        println!("    {service:<24} {count:>4}, {mutating} mutating");
    }
}

/// The highest resident memory of the newest provider process, looked at while it runs.
struct Memory {
    ended: Arc<AtomicBool>,
    highest_kb: Arc<AtomicU64>,
    watcher: thread::JoinHandle<()>,
}

impl Memory {
    fn watch(pids: PathBuf) -> Self {
        let (ended, highest_kb) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (end, highest) = (Arc::clone(&ended), Arc::clone(&highest_kb));
        let watcher = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                highest.fetch_max(newest_kb(&pids).unwrap_or_default(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
            }
        });
        Self { ended, highest_kb, watcher }
    }

    fn end(self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        // It only reads files; there is nothing to be told of it.
        let _ = self.watcher.join();
        self.highest_kb.load(Ordering::Relaxed)
    }
}

fn newest_kb(pids: &Path) -> Option<u64> {
    let pid = fs::read_to_string(pids).ok()?.lines().last()?.to_owned();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}
