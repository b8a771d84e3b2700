//! Two pipelines and one name: whoever is at work is not disturbed, and the other one is told.

use std::{thread, time::Duration};

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    network::{NETWORK, network},
    stage::{Stage, stage, text},
};

/// Waits until a call of this name was made.
fn until_called(world: &World, operation: &str) -> Result<(), Failure> {
    for _ in 0..600 {
        if world.mutations()?.iter().any(|call| call == operation) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(Failure::new(format!("{operation} was never called")))
}

fn record(world: &World) -> Result<Vec<Value>, Failure> {
    world.objects_of("ssm:parameter")
}

#[test]
fn a_run_at_work_is_not_disturbed_by_another_one_of_the_same_name() -> Result<(), Failure> {
    let first = stage()?;
    let second = first.beside()?;
    for stage in [&first, &second] {
        stage.terraform.configure(&network("  preset = \"development\""))?;
    }
    let Stage { world, terraform } = &first;
    // A NAT gateway takes longer to come, and to go, than a lease lasts at this pace: without renewals it would be over.
    world.settings(&json!({ "seconds_per_minute": 6 }))?;
    let (made, refused) = thread::scope(|scope| {
        let made = scope.spawn(|| terraform.apply::<&str>(&[]));
        let refused = until_called(world, "ec2:CreateNatGateway").and_then(|()| {
            thread::sleep(Duration::from_secs(3));
            second.terraform.apply::<&str>(&[])
        });
        (made.join().unwrap(), refused)
    });
    check::says(&refused?.failure()?, "Another apply is making deeploy_network \"deeploy-prod\" at this moment")?;
    made?.success()?;
    assert_eq!(terraform.attributes(NETWORK)?["status"], "ready");
    let records = record(world)?;
    assert_eq!(records.len(), 1);
    assert_eq!(text(&records[0]["tags"], "deeploy:phase"), "ready");
    assert!(records[0]["tags"].get("deeploy:lease").is_none(), "what is ready needs no lease: {records:?}");
    check::empty_plan(terraform)?;

    let (gone, refused) = thread::scope(|scope| {
        let gone = scope.spawn(|| terraform.destroy::<&str>(&[]));
        let refused = until_called(world, "ec2:DeleteNatGateway").and_then(|()| second.terraform.apply::<&str>(&[]));
        (gone.join().unwrap(), refused)
    });
    check::says(&refused?.failure()?, "Another apply is destroying deeploy_network \"deeploy-prod\" at this moment")?;
    gone?.success()?;
    assert!(record(world)?.is_empty());
    second.terraform.destroy::<&str>(&[])?.success()?;
    check::no_unsupported_call(world)
}
