//! Scenarios with more than one party: two creators, another state, foreign objects, an old incarnation.

use std::time::Duration;

use terraform_provider_deeploy::graph::{Claim, Mode, OWNER, Outcome, Phase, Refusal, Status, run};

use crate::{
    scenarios::{Outcomes, life},
    setup::{Setup, ensure},
    shapes::{DIAMOND, shape},
    terraform::{Terraform, describe},
    world::{Fault, Version},
};

/// A second create of a ready resource: refused without a call.
pub async fn create_twice(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.calm().await;
    let mut second = setup.another(false);
    setup.world.begin([]);
    let outcome = second.create().await.ok_or("crashed")?;
    setup.hit("create twice");
    ensure(matches!(outcome.refusals.as_slice(), [Refusal::Exists { .. }]), || describe(&outcome))?;
    ensure(setup.world.with(|inner| inner.mutations) == 0, || "a refused create changed something".to_owned())?;
    ensure(second.state.is_none(), || "a refused create left state".to_owned())?;
    setup.rest().await
}

/// Two creators at once: at most one ends ready, and nothing is in neither state.
pub async fn two_creators(mut setup: Setup) -> Outcomes {
    setup.world.with(|inner| {
        inner.weather.lag = Duration::from_millis(300);
        inner.weather.latency = Duration::from_millis(100);
    });
    // Of a key the alias decides, which is unique whatever reads show: there the tags may lag for longer than they rest.
    if setup.terraform.blueprint.nodes.iter().any(|node| node.claim && node.kind == "key") && setup.random.chance(50) {
        setup.world.with(|inner| inner.weather.lag = Duration::from_secs(20));
    }
    let head_start = setup.random.up_to(Duration::from_secs(20));
    let early = setup.random.up_to(Duration::from_millis(500));
    let wait = if setup.random.chance(50) { early } else { head_start };
    let mut second = setup.another(true);
    let (first, other) = tokio::join!(setup.terraform.create(), async {
        tokio::time::sleep(wait).await;
        second.create().await
    });
    let (first, other) = (first.ok_or("crashed")?, other.ok_or("crashed")?);
    setup.hit("two creators");
    let ready = [&first, &other].into_iter().filter(|outcome| outcome.status == Status::Ready && outcome.is_success()).count();
    ensure(ready <= 1, || format!("both are ready: {} and {}", describe(&first), describe(&other)))?;
    for outcome in [&first, &other] {
        ensure(outcome.is_success() || !outcome.refusals.is_empty() || !outcome.failures.is_empty(), || describe(outcome))?;
    }
    setup.calm().await;
    let living = setup.world.living();
    let mut stated: Vec<String> = Vec::new();
    for terraform in [&setup.terraform, &second] {
        stated.extend(terraform.state.iter().flat_map(|state| state.known.values().cloned()));
    }
    let lost: Vec<&String> = living.iter().filter(|id| !stated.contains(id)).collect();
    ensure(lost.is_empty(), || format!("in neither state: {lost:?} ({} and {})", describe(&first), describe(&other)))?;
    // The loser is destroyed first: it must not hit the winner's.
    let first_won = first.status == Status::Ready;
    if !first_won {
        std::mem::swap(&mut setup.terraform, &mut second);
    }
    if ready == 1 {
        if second.state.is_some() {
            second.destroy().await.ok_or("crashed")?;
        }
        let state = setup.terraform.state.clone().ok_or("no state")?;
        let living = setup.world.living();
        let hit: Vec<&String> = state.known.values().filter(|id| !living.contains(*id)).collect();
        ensure(hit.is_empty(), || format!("the loser's destroy hit the winner: {hit:?}"))?;
        return setup.rest().await;
    }
    for _ in 0..4 {
        second.destroy().await;
        setup.terraform.destroy().await;
    }
    setup.terraform.state = None;
    setup.terraform.until_ready().await?;
    setup.rest().await
}

/// Two creators of what carries a lease: the second one is told so, and the first is never disturbed, however long it takes.
pub async fn at_work(mut setup: Setup) -> Outcomes {
    leased(&mut setup);
    setup.world.with(|inner| inner.weather.pending = Duration::from_secs(600));
    let wait = setup.random.up_to(Duration::from_secs(300));
    let mut second = setup.another(true);
    let (first, other) = tokio::join!(setup.terraform.create(), async {
        tokio::time::sleep(wait).await;
        second.create().await
    });
    let (first, other) = (first.ok_or("crashed")?, other.ok_or("crashed")?);
    if matches!(other.refusals.as_slice(), [Refusal::Busy { .. }]) {
        setup.hit("refused by a lease");
    }
    // Both began in the same moment: the service decided.
    if first.status != Status::Ready && other.status == Status::Ready {
        std::mem::swap(&mut setup.terraform, &mut second);
        ensure(wait < Duration::from_secs(2), || format!("the first was disturbed: {}", describe(&first)))?;
    } else {
        ensure(first.status == Status::Ready && first.is_success(), || format!("the first was disturbed: {}", describe(&first)))?;
        let refused = matches!(other.refusals.as_slice(), [Refusal::Busy { .. } | Refusal::Exists { .. }]);
        ensure(refused, || format!("the second was not refused: {}", describe(&other)))?;
    }
    ensure(second.state.is_none(), || "a refused create left state".to_owned())?;
    setup.calm().await;
    setup.rest().await
}

/// A create that died holds its name for no longer than its lease.
pub async fn lease_runs_out(mut setup: Setup) -> Outcomes {
    leased(&mut setup);
    setup.fault_in_create(Fault::CrashAfter).await?;
    let died = setup.terraform.create().await.is_none();
    ensure(died, || "it never crashed".to_owned())?;
    setup.calm().await;
    let begun = tokio::time::Instant::now();
    let mut second = setup.another(false);
    let outcome = second.create().await.ok_or("crashed")?;
    if !matches!(outcome.refusals.as_slice(), [Refusal::Exists { .. }]) {
        ensure(outcome.is_success() && outcome.status == Status::Ready, || describe(&outcome))?;
        setup.hit("taken over after a lease");
        // Two lives' waits and calls beside the lease.
        ensure(begun.elapsed() < Duration::from_secs(120 + 60), || format!("it took {:?}", begun.elapsed()))?;
        std::mem::swap(&mut setup.terraform, &mut second);
    }
    setup.import_if_ready().await;
    setup.rest().await
}

/// A create during a destroy of the same name: refused, or all its own.
pub async fn destroyed_meanwhile(mut setup: Setup) -> Outcomes {
    leased(&mut setup);
    setup.terraform.until_ready().await?;
    setup.calm().await;
    setup.world.with(|inner| inner.weather.latency = Duration::from_secs(10));
    let wait = setup.random.up_to(Duration::from_secs(100));
    let mut second = setup.another(true);
    let (gone, other) = tokio::join!(setup.terraform.destroy(), async {
        tokio::time::sleep(wait).await;
        second.create().await
    });
    let (gone, other) = (gone.ok_or("crashed")?, other.ok_or("crashed")?);
    ensure(gone.is_success() && setup.terraform.state.is_none(), || format!("the destroy was disturbed: {}", describe(&gone)))?;
    if matches!(other.refusals.as_slice(), [Refusal::Busy { .. }]) {
        setup.hit("refused by a destroy's lease");
    }
    let refused = matches!(other.refusals.as_slice(), [Refusal::Busy { .. } | Refusal::Exists { .. }]) && second.state.is_none();
    ensure(refused || other.is_success(), || describe(&other))?;
    setup.world.with(|inner| inner.weather.latency = Duration::from_millis(250));
    setup.terraform = second;
    setup.calm().await;
    setup.rest().await
}

/// The same name with a claim that carries a lease.
fn leased(setup: &mut Setup) {
    setup.terraform.blueprint = shape(DIAMOND, "one", &mut setup.random);
}

/// A foreign object has the name: nothing is touched.
pub async fn foreign(mut setup: Setup) -> Outcomes {
    let named: Vec<_> = setup
        .terraform
        .blueprint
        .nodes
        .iter()
        .filter(|node| ["thing", "record", "secret", "group"].contains(&node.kind) && node.settings.contains_key("name"))
        .cloned()
        .collect();
    if named.is_empty() {
        return life(setup).await;
    }
    let node = setup.random.one_of(&named);
    let name = match &node.settings["name"].value {
        terraform_provider_deeploy::graph::Input::Known(name) => name.clone(),
        other => return Err(format!("{other:?}")),
    };
    let tags = match setup.random.below(2) {
        _ if node.kind == "group" => Default::default(),
        0 => Default::default(),
        _ => [(OWNER.to_owned(), "deeploy_thing/another".to_owned())].into(),
    };
    let id = format!("{}:{name}", node.kind);
    setup.world.with(|inner| {
        inner.add(node.kind, Some(id), "", Version { settings: [("name".to_owned(), name)].into(), tags, deleted: false }, true);
    });
    setup.calm().await;
    setup.remember_foreigners();
    setup.world.begin([]);
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    setup.hit("foreign object");
    ensure(outcome.refusals.iter().any(|refusal| matches!(refusal, Refusal::Foreign { .. })), || describe(&outcome))?;
    ensure(setup.world.with(|inner| inner.mutations) == 0, || "a refused create changed something".to_owned())?;
    ensure(setup.terraform.state.is_none(), || "a refused create left state".to_owned())?;
    setup.untouched()
}

/// create_before_destroy on a tainted object: the create takes over, and the delete of the old state touches nothing.
pub async fn create_before_destroy(mut setup: Setup) -> Outcomes {
    setup.fault_in_create(Fault::Denied).await?;
    setup.terraform.create().await.ok_or("crashed")?;
    let old = setup.terraform.state.take();
    setup.calm().await;
    setup.terraform.until_ready().await?;
    let new = setup.terraform.state.clone();
    setup.calm().await;
    if old.is_some() {
        let before = setup.world.living();
        setup.terraform.state = old;
        setup.world.begin([]);
        let outcome = setup.terraform.destroy().await.ok_or("crashed")?;
        ensure(matches!(outcome.refusals.as_slice(), [Refusal::Stale { .. }]), || describe(&outcome))?;
        ensure(setup.world.with(|inner| inner.mutations) == 0 && setup.world.living() == before, || "it hit the live one".to_owned())?;
    }
    setup.hit("create before destroy");
    setup.terraform.state = new;
    setup.rest().await
}

/// The claim reads what the state says, in every ready world.
pub async fn claims(mut setup: Setup) -> Outcomes {
    let outcome: Outcome = run(&setup.terraform.cloud, &setup.terraform.blueprint, setup.terraform.order(Mode::Create)).await;
    let claim = outcome.observed.claim.clone().ok_or("no claim")?;
    let node = setup.terraform.blueprint.nodes.iter().find(|node| node.claim).ok_or("no claim")?;
    let tags = &outcome.observed.found.get(&node.id).ok_or("no object")?.tags;
    ensure(Claim::of(tags) == Some(claim.clone()) && claim.phase == Phase::Ready, || format!("{tags:?}"))?;
    setup.hit("claim read");
    let calls = setup.world.with(|inner| inner.mutations);
    ensure(calls > 0, || "nothing was made".to_owned())?;
    setup.terraform.state = None;
    let stranger: &Terraform = &setup.terraform;
    let again = run(&stranger.cloud, &stranger.blueprint, stranger.order(Mode::Create)).await;
    ensure(!again.is_success() && setup.world.with(|inner| inner.mutations) == calls, || describe(&again))
}
