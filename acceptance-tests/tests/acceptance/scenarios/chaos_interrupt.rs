//! One Ctrl-C in the middle of a create.
#![cfg(unix)]

use std::time::Duration;

use acceptance_tests::{Failure, check};
use serde_json::json;

use super::{
    stage::stage,
    world_of_four::{CONFIGURATION, calls_of_a_life, for_each, is_whole, no_duplicates, spread},
};

/// From the signal to Terraform's end: what is in flight takes under a second here.
const BACK_MAX: Duration = Duration::from_secs(30);
/// What a component does in one go is finished: a bucket's settings are six calls. The role and the user work at the same time.
const IN_FLIGHT_MAX: usize = 6;

#[test]
fn an_interrupted_create_ends_soon_untainted_and_goes_on() -> Result<(), Failure> {
    let calls = &calls_of_a_life()?.create;
    for_each(&spread(calls.len(), 14), |m| {
        let stage = stage()?;
        let (world, terraform) = (&stage.world, &stage.terraform);
        stage.configure(CONFIGURATION)?;
        let held = terraform.hold(&["apply", "-input=false", "-no-color", "-auto-approve"])?;
        // The delay stands for a call that takes its time: meanwhile Terraform tells the provider to stop.
        world.order(&json!([
            { "on": { "m": m }, "do": "signal_before", "signal": "INT", "pid": held.pid() },
            { "on": { "m": m }, "delay_s": 0.7 },
        ]))?;
        let ended = held.release()?;
        world.faults_fired()?;
        let past = world.mutations()?.len() - m;
        assert!(past <= IN_FLIGHT_MAX, "{past} calls were begun after the interrupt at {m}: {:?}", world.mutations()?);
        assert!(ended.wall < BACK_MAX + Duration::from_secs(30), "it took {:?}", ended.wall);
        no_duplicates(world)?;
        let state = terraform.show_json()?;
        let resources = state["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
        for resource in &resources {
            assert_ne!(resource["tainted"], true, "{} is tainted:\n{}", resource["address"], ended.output());
        }
        world.order(&json!([]))?;
        let done = terraform.apply::<&str>(&[])?.success()?;
        check::says(&done, "0 destroyed")?;
        is_whole(&stage)
    })
}
