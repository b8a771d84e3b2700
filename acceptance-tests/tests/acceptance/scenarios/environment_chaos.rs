//! A create and a destroy of a whole environment, disturbed again and again: what exists is in state, nothing exists twice, nothing stays behind.
#![cfg(unix)]

use std::collections::BTreeSet;

use acceptance_tests::{Failure, Finished, check};
use serde_json::{Value, json};

use super::{
    environments::{ENVIRONMENT, Lines, NAME, components, nothing_left, people},
    stage::{Stage, mutations_of, stage, text},
    staging::recorded_stage,
    world_of_four::no_duplicates,
};

/// More disturbances than a life has room for mean that none of them lets it go on.
const ROUNDS_MAX: usize = 20;
/// Mutating calls between two disturbances of a create and of a destroy: some 130 and 110 calls.
const CREATE_STEP: usize = 24;
const DESTROY_STEP: usize = 24;
/// Of the update: some 60, most of which tag.
const UPDATE_STEP: usize = 14;

/// A stage with a configuration whose create is to be disturbed.
/// Where everything takes its time: kills, interrupts and refusals meet what is being made, changed and deleted.
fn set(stage: Stage) -> Result<Stage, Failure> {
    people(&stage.world)?;
    stage.world.settings(&json!({ "seconds_per_minute": 0.5 }))?;
    stage.terraform.configure(&lines(&stage).text())?;
    Ok(stage)
}

fn lines(stage: &Stage) -> Lines {
    let mut lines = Lines::development(&stage.world);
    lines.set("monitoring.alarm_emails", "[\"ops@example.com\"]");
    lines
}

/// Complete, each object once, and a second plan is empty.
fn is_whole(stage: &Stage) -> Result<(), Failure> {
    no_duplicates(&stage.world)?;
    check::no_unsupported_call(&stage.world)?;
    let state = stage.terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&state["status"], &state["drift"]), (&json!("ready"), &json!({})));
    world_is_in_state(stage)?;
    check::empty_plan(&stage.terraform)
}

/// Every object that bears the environment's marks is one of the state's components.
fn world_is_in_state(stage: &Stage) -> Result<(), Failure> {
    let known: BTreeSet<String> = components(stage)?.into_keys().collect();
    let marked = |object: &Value| Some((text(object, "type").to_owned(), object["tags"]["deeploy:component"].as_str()?.to_owned()));
    let lost: Vec<_> = stage
        .world
        .objects()?
        .iter()
        .filter(|object| object["managed"] != true && object["state"] != "PendingDeletion" && text(object, "type") != "rds:snapshot")
        .filter_map(marked)
        .filter(|(_, component)| !known.contains(component))
        .collect();
    if lost.is_empty() { Ok(()) } else { Err(Failure::new(format!("in the world, and not in state: {lost:?}"))) }
}

/// Runs until it succeeds, each time disturbed at the `step`-th mutating call that it makes. Gives how often it was disturbed.
fn disturbed(
    stage: &Stage,
    step: usize,
    fault: impl Fn(usize, usize) -> Value,
    run: impl Fn() -> Result<Finished, Failure>,
    after: impl Fn(&Finished) -> Result<(), Failure>,
) -> Result<usize, Failure> {
    for round in 0..ROUNDS_MAX {
        let made = stage.world.mutations()?.len();
        let faults = fault(round, made + step);
        stage.world.order(&faults)?;
        let ended = run()?;
        let fired = faults != json!([]) && stage.world.faults_fired().is_ok();
        stage.world.order(&json!([]))?;
        if ended.code == Some(0) && !fired {
            return Ok(round);
        }
        assert!(fired, "round {round} failed by itself:\n{}", ended.output());
        after(&ended)?;
    }
    Err(Failure::new(format!("{ROUNDS_MAX} rounds were not enough")))
}

#[test]
fn killed_again_and_again_it_is_made_once_and_goes_whole() -> Result<(), Failure> {
    let stage = set(recorded_stage()?)?;
    let terraform = &stage.terraform;
    let kill = |round: usize, at: usize| {
        let kind = if round.is_multiple_of(2) { "kill_after" } else { "kill_before" };
        json!([{ "on": { "m": at }, "do": kind, "pid_file": terraform.provider_pids() }])
    };
    // What is complete when the provider is killed, and in no state yet, is to be imported: the message says so.
    let apply = || {
        let applied = terraform.apply::<&str>(&[])?;
        if !applied.text().contains("exists already") {
            return Ok(applied);
        }
        check::says(&applied, "Import it")?;
        terraform.import(ENVIRONMENT, NAME)?.success()?;
        terraform.apply::<&str>(&[])
    };
    let rounds = disturbed(&stage, CREATE_STEP, kill, apply, |_| no_duplicates(&stage.world))?;
    assert!(rounds >= 4, "{rounds} kills only");
    is_whole(&stage)?;
    let rounds = disturbed(&stage, DESTROY_STEP, kill, || terraform.destroy::<&str>(&[]), |_| no_duplicates(&stage.world))?;
    assert!(rounds >= 3, "{rounds} kills only");
    nothing_left(&stage.world)?;
    check::no_unsupported_call(&stage.world)
}

#[test]
fn killed_again_and_again_an_update_is_made_once_and_replaces_nothing_else() -> Result<(), Failure> {
    let stage = set(recorded_stage()?)?;
    let terraform = &stage.terraform;
    terraform.apply::<&str>(&[])?.success()?;
    let before = components(&stage)?;
    let mut lines = lines(&stage);
    for (name, value) in [
        ("network.nat", "\"per_az\""),
        ("network.interface_endpoints", "[\"sts\"]"),
        ("cluster.node_groups", "{ default = { instance_types = [\"m6i.large\"] }, more = { min_size = 1, max_size = 2 } }"),
        ("database.backup_retention_period", "9"),
        ("identity.namespace", "\"ml\""),
        ("monitoring.alarm_emails", "[\"ml@example.com\"]"),
        ("tags", "{ team = \"ml\" }"),
    ] {
        lines.set(name, value);
    }
    terraform.configure(&lines.text())?;
    let kill = |round: usize, at: usize| {
        let kind = if round.is_multiple_of(2) { "kill_after" } else { "kill_before" };
        json!([{ "on": { "m": at }, "do": kind, "pid_file": terraform.provider_pids() }])
    };
    let made = stage.world.mutations()?.len();
    // On the way a group and the one that takes its place stand side by side; in the end nothing is there twice.
    let rounds = disturbed(&stage, UPDATE_STEP, kill, || terraform.apply::<&str>(&[]), |_| Ok(()))?;
    assert!(rounds >= 4, "{rounds} kills only");
    is_whole(&stage)?;
    let after = components(&stage)?;
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let moved: Vec<&str> = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(String::as_str).collect();
    // New, gone, or of other instances.
    let may = |name: &&str| {
        [
            "nat_gateway/",
            "eip/",
            "alarm/",
            "endpoint",
            "node_group/",
            "launch_template/more",
            "autoscaling_tags/",
            "pod_identity/",
            "subscription/",
        ]
        .iter()
        .any(|beginning| name.starts_with(beginning))
    };
    let others: Vec<&&str> = moved.iter().filter(|name| !may(name)).collect();
    assert!(others.is_empty() && moved.len() > 8, "{others:?} of {moved:?}");
    let calls = stage.world.mutations()?.split_off(made);
    let lost: Vec<&String> =
        calls.iter().filter(|call| ["rds:DeleteDBInstance", "eks:DeleteCluster", "ec2:DeleteSubnet"].contains(&call.as_str())).collect();
    assert_eq!(lost, Vec::<&String>::new());
    check::no_unsupported_call(&stage.world)
}

#[test]
fn refused_again_and_again_everything_is_in_state_and_nothing_is_deleted() -> Result<(), Failure> {
    let stage = set(stage()?)?;
    let Stage { world, terraform } = &stage;
    // Of each round all are reached: each needs what the round before was refused.
    let creates: [&[&str]; 4] = [
        &["ec2:CreateVpc", "kms:CreateKey", "iam:CreateRole"],
        &["eks:CreateCluster", "rds:CreateDBInstance", "ec2:CreateNatGateway"],
        &["eks:CreateAddon", "eks:CreateAccessEntry", "rds:CreateEventSubscription"],
        &["eks:CreateNodegroup"],
    ];
    let deletes: [&[&str]; 3] = [&["rds:DeleteDBInstance", "eks:DeleteNodegroup"], &["eks:DeleteCluster"], &["ec2:DeleteVpc"]];
    let refuse = |rounds: &[&[&str]], round: usize| {
        let one = |call: &&str| {
            let on = json!({ "operation": call });
            json!({ "on": on, "do": "error", "code": "AccessDenied", "message": "an order of the chaos", "status": 403 })
        };
        Value::Array(rounds.get(round).copied().unwrap_or_default().iter().map(one).collect())
    };
    let goes_on = |ended: &Finished| {
        assert_eq!(ended.code, Some(1), "{}", ended.output());
        check::says(ended, "an order of the chaos")?;
        no_duplicates(world)?;
        world_is_in_state(&stage)?;
        // The very first failure leaves a tainted resource, a later one an updated one.
        terraform.run(&["untaint", ENVIRONMENT]).map(|_| ())
    };
    let rounds = disturbed(&stage, 0, |round, _| refuse(&creates, round), || terraform.apply::<&str>(&[]), goes_on)?;
    assert_eq!(rounds, creates.len());
    let gone: Vec<String> = world.mutations()?.into_iter().filter(|call| call.contains(":Delete") || call.contains(":Schedule")).collect();
    assert_eq!(gone, Vec::<String>::new());
    is_whole(&stage)?;
    let kept = |_: &Finished| world_is_in_state(&stage);
    let rounds = disturbed(&stage, 0, |round, _| refuse(&deletes, round), || terraform.destroy::<&str>(&[]), kept)?;
    assert_eq!(rounds, deletes.len());
    nothing_left(world)
}

#[test]
fn half_made_it_is_destroyed_whole() -> Result<(), Failure> {
    let stage = set(stage()?)?;
    let Stage { world, terraform } = &stage;
    let mut guarded = lines(&stage);
    for guard in ["cluster.deletion_protection", "database.deletion_protection", "database.final_snapshot"] {
        guarded.set(guard, "true");
    }
    terraform.configure(&guarded.text())?;
    world.order(&json!([{ "on": { "operation": "eks:CreateNodegroup" }, "do": "error", "code": "AccessDenied", "message": "no", "status": 403, "times": null }]))?;
    let failed = terraform.apply::<&str>(&[])?.failure()?;
    // What was never handed out isn't sealed: protections are the last step of a create.
    let cluster = world.eks("GET", &format!("/clusters/{NAME}"), &Value::Null)?;
    let database = world.query("rds", "2014-10-31", "DescribeDBInstances", &[("DBInstanceIdentifier", NAME)])?;
    assert_eq!(cluster["cluster"]["deletionProtection"], json!(false), "{cluster}");
    assert!(database.contains("<DeletionProtection>false</DeletionProtection>"), "{database}");
    check::says(&failed, "terraform untaint")?;
    world.faults_fired()?;
    world.order(&json!([]))?;
    world_is_in_state(&stage)?;
    terraform.destroy::<&str>(&[])?.success()?;
    nothing_left(world)?;
    check::no_unsupported_call(world)
}

#[test]
fn with_half_of_all_calls_throttled_it_is_planned_and_made() -> Result<(), Failure> {
    let stage = set(stage()?)?;
    let Stage { world, terraform } = &stage;
    world.order(&json!([{ "on": { "rate": 0.5, "seed": 7 }, "do": "throttle", "times": null }]))?;
    terraform.apply::<&str>(&[])?.success()?;
    world.faults_fired()?;
    world.order(&json!([]))?;
    is_whole(&stage)
}

#[test]
fn lost_replies_make_nothing_twice() -> Result<(), Failure> {
    let stage = set(stage()?)?;
    let Stage { world, terraform } = &stage;
    world.order(&json!([{ "on": { "every": 7, "mutating": true }, "do": "drop_reply", "times": null }]))?;
    let first = terraform.apply::<&str>(&[])?;
    let fired = world.faults()?[0]["fired"].as_u64().unwrap_or_default();
    assert!(fired > 15, "{fired} replies were lost");
    no_duplicates(world)?;
    world.order(&json!([]))?;
    first.success()?;
    is_whole(&stage)
}

#[test]
fn an_interrupt_ends_soon_untainted_and_goes_on() -> Result<(), Failure> {
    let stage = set(stage()?)?;
    let Stage { world, terraform } = &stage;
    let interrupted = |command: &str| -> Result<Finished, Failure> {
        let at = world.mutations()?.len() + 50;
        let held = terraform.hold(&[command, "-input=false", "-no-color", "-auto-approve"])?;
        world.order(&json!([
            { "on": { "m": at }, "do": "signal_before", "signal": "INT", "pid": held.pid() },
            { "on": { "m": at }, "delay_s": 0.7 },
        ]))?;
        let ended = held.release()?;
        world.faults_fired()?;
        world.order(&json!([]))?;
        let past = world.mutations()?.len() - at;
        // Ten components are in work at once; what each does in one go, a bucket's settings say, is finished.
        assert!(past <= 25, "{past} calls after the interrupt");
        no_duplicates(world)?;
        let state = terraform.show_json()?;
        let resource = &state["values"]["root_module"]["resources"][0];
        assert!(resource["tainted"] != true && resource["address"] == ENVIRONMENT, "{command}: {}", ended.output());
        world_is_in_state(&stage)?;
        Ok(ended)
    };
    interrupted("apply")?;
    assert_ne!(terraform.attributes(ENVIRONMENT)?["status"], "ready");
    let (done, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    check::says(&done.success()?, "0 destroyed")?;
    assert!(!calls.iter().any(|call| call.contains(":Delete")), "{calls:?}");
    is_whole(&stage)?;
    interrupted("destroy")?;
    terraform.destroy::<&str>(&[])?.success()?;
    nothing_left(world)?;
    check::no_unsupported_call(world)
}
