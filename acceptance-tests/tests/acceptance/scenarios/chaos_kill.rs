//! The provider or Terraform dies in the middle of a create, an update, a destroy.
#![cfg(unix)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use acceptance_tests::{Failure, check};
use serde_json::{Value, json};

use super::{
    stage::Stage,
    staging::recorded_stage,
    world_of_four::{CONFIGURATION, FOUR, calls_of_a_life, for_each, is_whole, no_duplicates, spread},
};

/// A kill between a create's last call and the writing of the state leaves what is complete in no state: the message says to
/// import it.
fn apply_again(stage: &Stage) -> Result<(), Failure> {
    let apply = stage.terraform.apply::<&str>(&[])?;
    if apply.code == Some(0) {
        return Ok(());
    }
    let refused: Vec<&str> = FOUR.into_iter().filter(|address| apply.text().contains(&format!("with {address},"))).collect();
    assert!(!refused.is_empty(), "{}", apply.output());
    check::says(&apply, "exists already")?;
    check::says(&apply, "Import it")?;
    for address in refused {
        let key = address.starts_with("deeploy_kms_key");
        stage.terraform.import(address, &stage.filled(if key { "alias/four-ACCOUNT" } else { "four-ACCOUNT" }))?.success()?;
    }
    stage.terraform.apply::<&str>(&[])?.success().map(|_| ())
}

/// After `m` mutating calls the provider is killed: when the reply of the last one is due, or when the next one comes.
fn killed_after(m: usize) -> Result<(), Failure> {
    let stage = recorded_stage()?;
    let (world, terraform) = (&stage.world, &stage.terraform);
    stage.configure(CONFIGURATION)?;
    let (on, kind) = if m.is_multiple_of(2) { (m, "kill_after") } else { (m + 1, "kill_before") };
    world.order(&json!([{ "on": { "m": on }, "do": kind, "pid_file": terraform.provider_pids() }]))?;
    terraform.apply::<&str>(&[])?.failure()?;
    world.faults_fired()?;
    world.order(&json!([]))?;
    apply_again(&stage)?;
    is_whole(&stage)
}

#[test]
fn a_provider_killed_while_it_creates_leaves_nothing_twice_and_nothing_behind() -> Result<(), Failure> {
    let calls = &calls_of_a_life()?.create;
    let cases: Vec<usize> = (1..calls.len()).collect();
    for_each(&cases, killed_after)
}

#[test]
fn a_provider_killed_while_it_destroys_leaves_nothing() -> Result<(), Failure> {
    let calls = calls_of_a_life()?.destroy.len();
    for_each(&spread(calls, 6), |m| {
        let stage = recorded_stage()?;
        let (world, terraform) = (&stage.world, &stage.terraform);
        stage.configure(CONFIGURATION)?;
        terraform.apply::<&str>(&[])?.success()?;
        let made = world.mutations()?.len();
        let kind = if m.is_multiple_of(2) { "kill_after" } else { "kill_before" };
        world.order(&json!([{ "on": { "m": made + m }, "do": kind, "pid_file": terraform.provider_pids() }]))?;
        terraform.destroy::<&str>(&[])?.failure()?;
        world.faults_fired()?;
        world.order(&json!([]))?;
        terraform.destroy::<&str>(&[])?.success()?;
        check::only_pending_objects(world).map(|_| ())
    })
}

#[test]
fn a_provider_killed_while_it_updates_replaces_nothing() -> Result<(), Failure> {
    for_each(&spread(7, 7), |m| {
        let stage = recorded_stage()?;
        let (world, terraform) = (&stage.world, &stage.terraform);
        stage.configure(CONFIGURATION)?;
        terraform.apply::<&str>(&[])?.success()?;
        let before = world.mutations()?.len();
        let ids = |stage: &Stage| -> Result<Vec<Value>, Failure> {
            FOUR.iter().map(|address| stage.terraform.attributes(address).map(|all| json!([all["id"], all["unique_id"]]))).collect()
        };
        let made = ids(&stage)?;
        let tagged = CONFIGURATION.replace("four-ACCOUNT\"\n", "four-ACCOUNT\"\n  tags = { step = \"two\" }\n");
        assert_ne!(tagged, CONFIGURATION);
        stage.configure(&tagged)?;
        let kind = if m.is_multiple_of(2) { "kill_after" } else { "kill_before" };
        world.order(&json!([{ "on": { "m": before + m.min(6) }, "do": kind, "pid_file": terraform.provider_pids() }]))?;
        terraform.apply::<&str>(&[])?.failure()?;
        world.faults_fired()?;
        world.order(&json!([]))?;
        terraform.apply::<&str>(&[])?.success()?;
        assert_eq!(ids(&stage)?, made, "something was replaced");
        is_whole(&stage)
    })
}

/// Terraform itself is killed: its provider must not live on.
#[test]
fn a_provider_does_not_outlive_a_killed_terraform() -> Result<(), Failure> {
    let calls = &calls_of_a_life()?.create;
    for_each(&spread(calls.len() - 1, 6), |m| {
        let stage = recorded_stage()?;
        let (world, terraform) = (&stage.world, &stage.terraform);
        stage.configure(CONFIGURATION)?;
        let held = terraform.hold(&["apply", "-input=false", "-no-color", "-auto-approve"])?;
        world.order(&json!([{ "on": { "m": m }, "do": "signal_before", "signal": "KILL", "pid": held.pid() }]))?;
        held.release()?.failure()?;
        let killed = Instant::now();
        world.faults_fired()?;
        let pids = std::fs::read_to_string(terraform.provider_pids()).map_err(|error| Failure::io("reading provider.pids", &error))?;
        let pid = pids.lines().last().unwrap_or_default().to_owned();
        while is_running(&pid) {
            if killed.elapsed() > Duration::from_secs(60) {
                return Err(Failure::new(format!("the provider {pid} still runs a minute after Terraform was killed")));
            }
            std::thread::yield_now();
            let _ = world.calls()?;
        }
        world.order(&json!([]))?;
        // What Terraform left locked is unlocked by nobody but a person; the local lock ends with its process.
        apply_again(&stage)?;
        no_duplicates(world)?;
        is_whole(&stage)
    })
}

fn is_running(pid: &str) -> bool {
    assert!(!pid.is_empty());
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    match stat {
        // A zombie has ended; nobody has asked for its status yet.
        Ok(stat) => !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'),
        Err(_) => false,
    }
}
