//! What can go wrong, one scenario each. Every scenario checks that its fault really happened.

use std::time::Duration;

use serde_json::json;
use terraform_provider_deeploy::graph::{COMPONENT, Change, INCARNATION, OWNER, PHASE, Refusal, Status, UID, drift, observe};
use tokio::time::Instant;

use crate::{
    setup::{Setup, ensure},
    terraform::describe,
    world::Fault,
};

pub type Outcomes = Result<(), String>;

/// Make, check, change nothing, delete, delete again.
pub async fn life(mut setup: Setup) -> Outcomes {
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    ensure(outcome.is_success() && outcome.status == Status::Ready, || describe(&outcome))?;
    setup.world.begin([]);
    setup.rest().await?;
    setup.terraform.state = setup.before.take();
    setup.world.begin([]);
    let outcome = setup.terraform.destroy().await.ok_or("crashed")?;
    setup.hit("delete twice");
    ensure(outcome.is_success(), || describe(&outcome))?;
    ensure(setup.world.with(|inner| inner.mutations) == 0, || "the second delete changed something".to_owned())
}

/// A crash before or after each call of a create.
pub async fn crash_in_create(mut setup: Setup) -> Outcomes {
    let fault = setup.random.one_of(&[Fault::CrashBefore, Fault::CrashAfter]);
    setup.fault_in_create(fault).await?;
    ensure(setup.terraform.create().await.is_none(), || "no crash".to_owned())?;
    setup.import_if_ready().await;
    setup.rest().await
}

/// Lost replies, up to two of them.
pub async fn lost_in_create(mut setup: Setup) -> Outcomes {
    let fault = setup.random.one_of(&[Fault::LostBefore, Fault::LostAfter]);
    setup.fault_in_create(fault).await?;
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    ensure(outcome.is_success() && outcome.status == Status::Ready, || describe(&outcome))?;
    setup.rest().await
}

/// Calls that fail in passing.
pub async fn passing_failure(mut setup: Setup) -> Outcomes {
    let fault = setup.random.one_of(&[Fault::Throttled, Fault::Transient]);
    setup.fault_in_create(fault).await?;
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    ensure(outcome.is_success(), || describe(&outcome))?;
    setup.rest().await
}

/// A call that fails for good: the state is the world; then either way on.
pub async fn denied_in_create(mut setup: Setup) -> Outcomes {
    setup.fault_in_create(Fault::Denied).await?;
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    ensure(outcome.failures.len() == 1 && outcome.status == Status::Incomplete, || describe(&outcome))?;
    setup.exact(&outcome)?;
    let deletes = setup.world.with(|inner| inner.deletes);
    if setup.random.chance(50)
        && let Some(state) = &mut setup.terraform.state
    {
        state.tainted = false;
        setup.terraform.until_ready().await?;
        ensure(setup.world.with(|inner| inner.deletes) == deletes, || "untaint and apply deleted something".to_owned())?;
    }
    setup.rest().await
}

/// Terraform's interrupt in a create: no call is begun after it; the next apply goes on in place.
pub async fn stop_in_create(mut setup: Setup) -> Outcomes {
    setup.fault_in_create(Fault::Stop).await?;
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    ensure(setup.world.with(|inner| inner.after_stop) == 0, || "a call was begun after the stop".to_owned())?;
    // The last call of all may be the one that was in flight.
    ensure(outcome.stopped || outcome.status == Status::Ready, || describe(&outcome))?;
    setup.exact(&outcome)?;
    let deletes = setup.world.with(|inner| inner.deletes);
    setup.terraform.until_ready().await?;
    ensure(setup.world.with(|inner| inner.deletes) == deletes, || "going on deleted something".to_owned())?;
    setup.rest().await
}

/// Anything at any call of a destroy.
pub async fn fault_in_destroy(mut setup: Setup) -> Outcomes {
    let faults = [Fault::CrashBefore, Fault::CrashAfter, Fault::LostBefore, Fault::LostAfter, Fault::Denied, Fault::Stop, Fault::Transient];
    let fault = setup.random.one_of(&faults);
    setup.terraform.until_ready().await?;
    setup.fault_in_destroy(fault).await?;
    let outcome = setup.terraform.destroy().await;
    if fault == Fault::Stop {
        ensure(setup.world.with(|inner| inner.after_stop) == 0, || "a call was begun after the stop".to_owned())?;
    }
    if let (Some(outcome), Fault::Denied) = (&outcome, fault) {
        setup.exact(outcome)?;
    }
    setup.terraform.until_gone().await?;
    setup.untouched()
}

/// A partial destroy, and then an apply after all.
pub async fn back_from_destroy(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.fault_in_destroy(Fault::Denied).await?;
    let all = setup.terraform.blueprint.nodes.iter().map(|node| node.id.clone()).collect();
    setup.terraform.destroy().await.ok_or("crashed")?;
    if setup.terraform.state.is_some() {
        setup.terraform.recreate = all;
    }
    setup.rest().await
}

/// New objects hidden for up to a minute.
pub async fn late(mut setup: Setup) -> Outcomes {
    setup.world.with(|inner| inner.weather.lag = Duration::from_secs(60));
    setup.hit("late visibility");
    setup.terraform.until_ready().await?;
    setup.rest().await
}

/// Hidden objects, and a crash, and a hasty second run.
pub async fn late_and_crash(mut setup: Setup) -> Outcomes {
    setup.world.with(|inner| inner.weather.lag = Duration::from_secs(40));
    setup.hit("late visibility");
    crash_in_create(setup).await
}

/// Half of all calls throttled for two minutes.
pub async fn throttled(mut setup: Setup) -> Outcomes {
    setup.world.with(|inner| {
        inner.weather.throttled = 500;
        inner.weather.throttled_until = Some(Instant::now() + Duration::from_secs(120));
    });
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    ensure(outcome.is_success(), || describe(&outcome))?;
    setup.fired(Fault::Throttled)?;
    setup.rest().await
}

/// Each setting and tag changed by hand: found, and repaired without touching the rest.
pub async fn drifted(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.calm().await;
    let state = setup.terraform.state.clone().ok_or("no state")?;
    let (component, id) = setup.random.one_of(&state.known.clone().into_iter().collect::<Vec<_>>());
    let node = setup.terraform.blueprint.nodes.iter().find(|node| node.id == component).cloned().ok_or("no node")?;
    let taggable = !["group", "alias", "child"].contains(&node.kind);
    let live: Vec<&str> =
        ["live", "later", "list", "document", "sealed"].into_iter().filter(|name| node.settings.contains_key(*name)).collect();
    let mut choices: Vec<(&str, bool)> = live.iter().map(|name| (*name, false)).collect();
    if taggable {
        choices.extend([(OWNER, true), (COMPONENT, true), ("team", true), ("extra", true)]);
        if node.claim {
            choices.extend([(UID, true), (INCARNATION, true), (PHASE, true)]);
        }
    }
    if choices.is_empty() {
        return life(setup).await;
    }
    let (what, is_tag) = setup.random.one_of(&choices);
    setup.world.with(|inner| {
        inner.change(&id, node.kind, |version| {
            match (what, is_tag) {
                ("extra", _) => drop(version.tags.insert("extra".to_owned(), "by hand".to_owned())),
                (tag, true) => drop(version.tags.remove(tag)),
                (name, false) => drop(version.settings.insert(name.to_owned(), json!("by hand"))),
            }
            version.tags.insert("others:tag".to_owned(), "stays".to_owned());
            true
        });
    });
    setup.hit("drift");
    setup.calm().await;
    let observed = observe(&setup.terraform.cloud, &setup.terraform.blueprint, &state.known).await;
    let drift = drift(&setup.terraform.blueprint, &observed);
    let shown_in_tags_all = node.claim && ["team", "extra"].contains(&what);
    let named = drift
        .get(&component.0)
        .is_some_and(|names| names.iter().any(|name| name.contains(what.trim_start_matches("deeploy:")) || name.starts_with("tags")));
    ensure(named || shown_in_tags_all, || format!("{what} of {component} is not in {drift:?}"))?;
    ensure(drift.len() <= 1, || format!("more than {component} in {drift:?}"))?;
    setup.world.begin([]);
    setup.terraform.until_ready().await?;
    let calls = setup.world.with(|inner| inner.mutations);
    ensure(calls == 1, || format!("{calls} calls to repair {what}"))?;
    let stays = setup.world.with(|inner| {
        inner
            .objects
            .iter()
            .any(|object| object.id == id && object.now().is_some_and(|now| !taggable || now.tags.contains_key("others:tag")))
    });
    ensure(stays, || "an ignored tag was removed".to_owned())?;
    setup.rest().await
}

/// A component deleted by hand: a stateless one is restored, a stateful one only when named.
pub async fn vanished(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.calm().await;
    let state = setup.terraform.state.clone().ok_or("no state")?;
    let (component, id) = setup.random.one_of(&state.known.clone().into_iter().collect::<Vec<_>>());
    let node = setup.terraform.blueprint.nodes.iter().find(|node| node.id == component).cloned().ok_or("no node")?;
    setup.world.with(|inner| inner.change(&id, node.kind, |_| false));
    setup.hit("vanished");
    setup.calm().await;
    setup.world.begin([]);
    if node.stateful {
        let outcome = setup.terraform.update().await.ok_or("crashed")?;
        let named = matches!(outcome.refusals.as_slice(), [Refusal::Vanished { component: gone, .. }] if *gone == component);
        ensure(named, || describe(&outcome))?;
        ensure(setup.world.with(|inner| inner.mutations) == 0, || "something was made before it was asked for".to_owned())?;
        setup.terraform.recreate.insert(component);
    }
    setup.rest().await
}

/// A guard holds: nothing is deleted, and all guards are named.
pub async fn guarded(mut setup: Setup) -> Outcomes {
    let node = setup.random.index(setup.terraform.blueprint.nodes.len());
    let mut guard = crate::shapes::known(json!(true), Change::Live);
    guard.meaning = terraform_provider_deeploy::graph::Meaning::Unread;
    guard.seal = setup.random.chance(50);
    setup.terraform.blueprint.nodes[node].settings.insert("guarded".to_owned(), guard);
    setup.terraform.until_ready().await?;
    setup.world.begin([]);
    let outcome = setup.terraform.destroy().await.ok_or("crashed")?;
    setup.hit("guard");
    ensure(matches!(outcome.refusals.as_slice(), [Refusal::Guarded { .. }]), || describe(&outcome))?;
    ensure(setup.world.with(|inner| inner.mutations) == 0, || "a guarded destroy changed something".to_owned())?;
    setup.exact(&outcome)?;
    setup.terraform.blueprint.nodes[node].settings.remove("guarded");
    setup.rest().await
}

/// Changed settings, and a crash, a lost reply or a failure at any call of the update.
pub async fn fault_in_update(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.calm().await;
    let fault =
        setup.random.one_of(&[Fault::CrashBefore, Fault::CrashAfter, Fault::LostBefore, Fault::LostAfter, Fault::Denied, Fault::Stop]);
    let before: Vec<_> = setup.terraform.state.iter().flat_map(|state| state.known.clone()).collect();
    for node in &mut setup.terraform.blueprint.nodes {
        for name in ["live", "later", "slot"] {
            if let Some(setting) = node.settings.get_mut(name) {
                setting.value = terraform_provider_deeploy::graph::Input::Known(json!(2));
            }
        }
    }
    setup.fault_in_update(fault).await?;
    let deletes = setup.world.with(|inner| inner.deletes);
    setup.terraform.update().await;
    if fault == Fault::Stop {
        ensure(setup.world.with(|inner| inner.after_stop) == 0, || "a call was begun after the stop".to_owned())?;
    }
    setup.terraform.until_ready().await?;
    let replaces = |id: &str| {
        let node = setup.terraform.blueprint.nodes.iter().find(|node| node.id.0 == id);
        node.is_some_and(|node| node.settings.contains_key("slot"))
    };
    let any = setup.terraform.blueprint.nodes.iter().any(|node| replaces(&node.id.0));
    ensure(any || setup.world.with(|inner| inner.deletes) == deletes, || "an update deleted something".to_owned())?;
    let after = setup.terraform.state.clone().ok_or("no state")?.known;
    for (component, id) in before {
        ensure(replaces(&component.0) || after.get(&component) == Some(&id), || format!("{component} was replaced"))?;
    }
    setup.rest().await
}

/// An object without our tags is adopted, and then is ours.
pub async fn adopted(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.calm().await;
    setup.world.with(|inner| {
        for (id, kind) in inner.objects.iter().map(|object| (object.id.clone(), object.kind)).collect::<Vec<_>>() {
            inner.change(&id, kind, |version| {
                version.tags.clear();
                true
            });
        }
    });
    setup.calm().await;
    setup.hit("adoption");
    let mut state = setup.terraform.state.take().ok_or("no state")?;
    state.claim = None;
    // Without `adopt`, a create refuses them all.
    setup.world.begin([]);
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    let alone = setup.terraform.blueprint.nodes.iter().any(|node| node.claim && node.kind == "thing");
    ensure(!alone || matches!(outcome.refusals.first(), Some(Refusal::Foreign { .. })), || describe(&outcome))?;
    if !alone {
        // A key without its tags and its alias is nobody's: it can't be found.
        setup.terraform.state = None;
    }
    ensure(!alone || setup.world.with(|inner| inner.mutations) == 0, || "a refused create changed something".to_owned())?;
    if !alone && outcome.is_success() {
        return Err("a foreign key was overlooked although its alias shows it".to_owned());
    }
    setup.terraform.state = Some(state);
    setup.terraform.adopt = true;
    setup.rest().await
}

/// What was deleted waits for its end: a create takes it back, with its uid.
pub async fn taken_back(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.calm().await;
    let state = setup.terraform.state.clone().ok_or("no state")?;
    setup.terraform.until_gone().await?;
    setup.calm().await;
    let key = setup.terraform.blueprint.nodes.iter().any(|node| node.claim && node.kind == "key");
    let fault = setup.random.one_of(&[None, Some(Fault::CrashBefore), Some(Fault::CrashAfter), Some(Fault::LostAfter)]);
    match fault {
        Some(fault) => setup.fault_in_create(fault).await?,
        None => setup.world.begin([]),
    }
    setup.terraform.create().await;
    setup.import_if_ready().await;
    setup.terraform.until_ready().await?;
    setup.hit("taken back");
    let now = setup.terraform.state.clone().ok_or("no state")?;
    let claim = setup.terraform.blueprint.nodes.iter().find(|node| node.claim).map(|node| node.id.clone()).ok_or("no claim")?;
    ensure(!key || now.known.get(&claim) == state.known.get(&claim), || "the key that was there was not taken back".to_owned())?;
    ensure(now.claim.is_some() && now.claim != state.claim, || "the incarnation is the old one".to_owned())?;
    setup.rest().await
}

/// Taking back takes several calls, and a later one is denied: what the first one brought back is in state, and can be destroyed.
pub async fn denied_in_take_back(mut setup: Setup) -> Outcomes {
    let Some(claim) = setup.terraform.blueprint.nodes.iter().position(|node| node.claim && node.kind == "key") else {
        return life(setup).await;
    };
    setup.terraform.until_ready().await?;
    setup.calm().await;
    setup.terraform.until_gone().await?;
    setup.calm().await;
    setup.terraform.blueprint.nodes[claim].settings.insert("live".to_owned(), crate::shapes::known(json!(2), Change::Live));
    setup.world.begin([(2, Fault::Denied)]);
    let outcome = setup.terraform.create().await.ok_or("crashed")?;
    setup.fired(Fault::Denied)?;
    setup.hit("half taken back");
    ensure(outcome.failures.len() == 1, || describe(&outcome))?;
    ensure(!setup.world.living().is_empty(), || "nothing was taken back".to_owned())?;
    setup.exact(&outcome)?;
    if setup.random.chance(50) {
        setup.terraform.until_gone().await?;
    }
    setup.rest().await
}

/// A component whose configuration was taken away, and put back.
pub async fn superfluous(mut setup: Setup) -> Outcomes {
    setup.terraform.until_ready().await?;
    setup.calm().await;
    let taken: Vec<usize> = (0..setup.terraform.blueprint.nodes.len())
        .filter(|at| {
            let nodes = &setup.terraform.blueprint.nodes;
            let id = &nodes[*at].id;
            let used = nodes.iter().any(|node| {
                node.settings
                    .values()
                    .any(|setting| matches!(&setting.value, terraform_provider_deeploy::graph::Input::Output(from, _) if from == id))
            });
            !nodes[*at].claim && !used
        })
        .collect();
    if taken.is_empty() {
        return life(setup).await;
    }
    let at = setup.random.one_of(&taken);
    let id = setup.terraform.blueprint.nodes[at].id.clone();
    setup.terraform.blueprint.nodes[at].absent = true;
    let known = setup.terraform.state.clone().ok_or("no state")?.known;
    let observed = observe(&setup.terraform.cloud, &setup.terraform.blueprint, &known).await;
    let drifted = drift(&setup.terraform.blueprint, &observed);
    ensure(drifted.get(&id.0).is_some_and(|names| *names == ["superfluous"]), || format!("{drifted:?}"))?;
    setup.terraform.until_ready().await?;
    setup.hit("superfluous");
    setup.terraform.converged().await?;
    setup.terraform.blueprint.nodes[at].absent = false;
    setup.rest().await
}
