//! What a user is told about a run: what failed and why, what is in state now, what to do next.

use std::time::Duration;

use tf_provider::{Diagnostic, Diagnostics, Path};

use crate::graph::{self, Blueprint, Class, ComponentFailure, Failure, Guard, Kept, Mode, Observed, Outcome, Refusal, Status};

/// A failed call at an attribute.
pub(super) fn failed(path: Path, summary: impl Into<String>, failure: &Failure) -> Diagnostic {
    Diagnostic::error(path, summary, format!("{}\n\n{}", cause(failure), remedy(failure)))
}

/// AWS's own words, code and request id.
fn cause(failure: &Failure) -> String {
    let mut text = format!("{}: {}", failure.operation, failure.message);
    let facts: Vec<String> = [("code", &failure.code), ("request id", &failure.request_id)]
        .into_iter()
        .filter_map(|(name, fact)| fact.as_ref().map(|fact| format!("{name} {fact}")))
        .collect();
    if !facts.is_empty() {
        text.push_str(&format!(" ({})", facts.join(", ")));
    }
    text
}

fn remedy(failure: &Failure) -> &'static str {
    match failure.class {
        Class::Throttled => "AWS went on refusing for too many calls. Apply again, or lower Terraform's -parallelism.",
        Class::Transient | Class::Ambiguous => {
            "AWS or the network was in trouble for longer than the provider waits. Apply again: it goes on where it ended."
        }
        Class::NotYetVisible => {
            "Something that this names doesn't exist, or AWS doesn't see it yet. Check the principals' ARNs, then apply again."
        }
        Class::Unfinished => "It is done in part. Apply again: it goes on where it ended.",
        Class::Busy => "Another operation on the object is under way. Apply again when it has ended.",
        Class::Denied => {
            "Give the one who runs Terraform the right to this call; a service control policy or permissions boundary may deny it too."
        }
        Class::Conflict => "Choose another name, or import what exists.",
        Class::NotFound => "It was deleted meanwhile. Apply again.",
        Class::Invalid => "Change the configuration as AWS says.",
        Class::Unreachable => "Make the way to it free, then apply again: nothing is lost.",
        Class::Credentials => "Renew the credentials that the provider uses, and apply again.",
        Class::Bug => "This is a bug of the provider: report it with this message.",
    }
}

fn path_of(failure: &Failure) -> Path {
    failure.attribute.as_deref().map_or_else(Path::root, Path::of)
}

/// After a create or update.
pub(super) fn outcome(resource: &str, mode: Mode, outcome: &Outcome, blueprint: &Blueprint) -> Diagnostics {
    let mut said: Diagnostics = outcome.refusals.iter().map(|refusal| refused(resource, blueprint, refusal)).collect();
    said.extend(
        told(&outcome.failures, |failed| &failed.failure).into_iter().map(|failed| component(resource, blueprint, outcome, mode, failed)),
    );
    if said.is_empty() && outcome.status == Status::Incomplete {
        said.push(Diagnostic::warning(
            Path::root(),
            format!("{resource} {:?} is not complete yet", blueprint.owner.name),
            format!("{} of {} components are as they shall be. Apply again: it goes on where it ended.", outcome.done, outcome.total),
        ));
    }
    said
}

fn component(resource: &str, blueprint: &Blueprint, outcome: &Outcome, mode: Mode, failed: &ComponentFailure) -> Diagnostic {
    let left = match (mode, outcome.observed.found.is_empty()) {
        (Mode::Create, true) => "Nothing was made.".to_owned(),
        (Mode::Create, false) => format!(
            "{} of {} components exist and are in state, marked as tainted. To go on where it ended without destroying anything, run `terraform untaint` with \
             this resource's address and apply; a plain apply starts over.",
            outcome.observed.found.len(),
            outcome.total
        ),
        (Mode::Update, _) => "What exists is in state. Apply again: it goes on where it ended.".to_owned(),
    };
    Diagnostic::error(
        path_of(&failed.failure),
        format!("{resource} {:?}: {} `{}` failed", blueprint.owner.name, failed.doing, failed.component),
        format!("{}\n\n{} {left}", cause(&failed.failure), remedy(&failed.failure)),
    )
}

fn refused(resource: &str, blueprint: &Blueprint, refusal: &Refusal) -> Diagnostic {
    let name = &blueprint.owner.name;
    let (path, summary, detail) = match refusal {
        Refusal::Blueprint(_) => (Path::root(), format!("{resource} {name:?} can't be made"), format!("{refusal}. This is a bug of the provider: report it.")),
        Refusal::Foreign { id, owner, .. } => (
            Path::root(),
            format!("{id} exists and isn't this resource's"),
            match owner {
                Some(owner) => format!("Its tag deeploy:owner says {owner}. Nothing was changed. Choose another name."),
                None => "It carries no tag of this provider. Nothing was changed. Import it to manage it from here, or choose another name.".to_owned(),
            },
        ),
        Refusal::Exists { id, .. } => (
            Path::root(),
            format!("{id} exists already"),
            "Another state of this provider made it, and it is complete. Nothing was changed. Import it (if it waits for its deletion, take it back first), or choose another name.".to_owned(),
        ),
        Refusal::Stale { id, .. } => (
            Path::root(),
            format!("{id} is no longer this state's"),
            "Another apply took it over after this state was written, so nothing was changed and nothing deleted. Remove it from this state with `terraform state rm`.".to_owned(),
        ),
        Refusal::Busy { phase, .. } => {
            let doing = if *phase == graph::Phase::Deleting { "destroying" } else { "making" };
            (
                Path::root(),
                format!("Another apply is {doing} {resource} {name:?} at this moment"),
                "It renews its lease, so it is at work. Nothing was changed. Wait until it has ended and apply again; if it isn't yours, choose another name.".to_owned(),
            )
        }
        Refusal::TakenOver { id, .. } => (
            Path::root(),
            format!("{id} was claimed by another apply at the same time"),
            "The other apply goes on with it. Find out which of the two shall have it, and remove the resource from the other's configuration.".to_owned(),
        ),
        Refusal::Vanished { component, id, destroyed: true } => (
            Path::root(),
            format!("A destroy of {resource} {name:?} was begun"),
            format!("It has deleted `{component}` {id} and is not finished. Nothing was made anew. Finish it with `terraform destroy`, then apply."),
        ),
        Refusal::Vanished { component, id, .. } => (
            Path::root(),
            format!("`{component}` {id} is gone"),
            "It was deleted outside of Terraform, and what it held with it. Nothing was made anew. Run `terraform state rm` with this resource's address and apply to start with an empty one; what is left of it is used again.".to_owned(),
        ),
        Refusal::Fixed { component, setting, wanted, found } => (
            Path::root(),
            format!("`{setting}` of `{component}` can't be changed"),
            format!("It is {found}, the configuration wants {wanted}, and AWS has no way from one to the other. Set it back, or choose another name for the resource."),
        ),
        Refusal::Guarded { guard, .. } => {
            (guarded_at(guard), format!("{resource} {name:?} must not be deleted"), format!("{} Nothing was deleted.", guard.reason))
        }
        Refusal::Deadline { after } => (
            Path::of("timeouts"),
            format!("{resource} {name:?} was not finished in time"),
            format!("{} were not enough. What exists is in state. Apply again, or give it more in `timeouts`.", time(*after)),
        ),
    };
    Diagnostic::error(path, summary, detail)
}

fn time(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

/// Refusals after which the state has nothing more to hold.
pub(super) fn lets_go(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Stale { .. })
}

/// After a destroy.
pub(super) fn destroyed(resource: &str, blueprint: &Blueprint, outcome: &Outcome) -> Diagnostics {
    let mut said: Diagnostics = Vec::new();
    said.extend(guarded(resource, blueprint, outcome));
    for refusal in outcome.refusals.iter().filter(|refusal| !matches!(refusal, Refusal::Guarded { .. })) {
        let mut diagnostic = refused(resource, blueprint, refusal);
        if lets_go(refusal) {
            diagnostic.severity = tf_provider::Severity::Warning;
            diagnostic.detail =
                "Another apply took it over after this state was written. It was left alone, and this state forgets it.".to_owned();
        }
        said.push(diagnostic);
    }
    for failed in told(&outcome.failures, |failed| &failed.failure) {
        said.push(Diagnostic::error(
            path_of(&failed.failure),
            format!("{resource} {:?}: {} `{}` failed", blueprint.owner.name, failed.doing, failed.component),
            format!(
                "{}\n\n{} What remains is in state. Destroy again: it goes on where it ended.",
                cause(&failed.failure),
                remedy(&failed.failure)
            ),
        ));
    }
    if outcome.stopped && said.is_empty() {
        said.push(Diagnostic::error(
            Path::root(),
            format!("{resource} {:?} was not destroyed", blueprint.owner.name),
            "Terraform was interrupted. What remains is in state. Destroy again: it goes on where it ended.",
        ));
    }
    let kept: Vec<Kept> = outcome.kept.iter().map(|(_, kept)| kept.clone()).collect();
    said.extend(left(resource, blueprint, &kept));
    said
}

/// What a destroy leaves on purpose.
pub(super) fn left(resource: &str, blueprint: &Blueprint, kept: &[Kept]) -> Diagnostics {
    let line = |Kept { what, cost }: &Kept| if cost.is_empty() { format!("- {what}.") } else { format!("- {what}. Cost: {cost}.") };
    let list: Vec<String> = kept.iter().map(line).collect();
    if list.is_empty() {
        return Diagnostics::new();
    }
    let summary = format!("{resource} {:?} is destroyed, and this remains", blueprint.owner.name);
    vec![Diagnostic::warning(Path::root(), summary, list.join("\n"))]
}

/// A refresh that had no connection, where the state stays: nothing of it is taken for absent. `None`: something else failed, too.
pub(super) fn out_of_reach(resource: &str, seen: &Observed) -> Option<Diagnostic> {
    let (_, failure) = seen.failures.iter().find(|(_, failure)| failure.class == Class::Unreachable)?;
    let follows = |failure: &Failure| failure.class == Class::Unreachable || failure.operation == graph::UNREAD;
    if !seen.failures.iter().all(|(_, failure)| follows(failure)) {
        return None;
    }
    let detail = format!(
        "The state is shown as it was: drift since then doesn't show, and an apply that changes something will need the connection. {}",
        cause(failure)
    );
    Some(Diagnostic::warning(path_of(failure), format!("{resource} was not refreshed"), detail))
}

fn guarded_at(guard: &Guard) -> Path {
    if guard.attribute.is_empty() { Path::root() } else { Path::of(&guard.attribute) }
}

/// All that guards the resource, in one error (lifecycle.md 12).
fn guarded(resource: &str, blueprint: &Blueprint, outcome: &Outcome) -> Option<Diagnostic> {
    let guards: Vec<_> = outcome
        .refusals
        .iter()
        .filter_map(|refusal| if let Refusal::Guarded { guard, .. } = refusal { Some(guard) } else { None })
        .collect();
    let reasons: Vec<String> = guards.iter().map(|guard| format!("{}.", guard.reason.trim_end_matches('.'))).collect();
    let path = guards.first().map(|guard| guarded_at(guard))?;
    let summary = format!("{resource} {:?} must not be deleted", blueprint.owner.name);
    Some(Diagnostic::error(path, summary, format!("{}\n\nNothing was deleted.", reasons.join("\n"))))
}

/// A read that could not see everything: nothing is taken for absent.
pub(super) fn unreadable(resource: &str, seen: &Observed) -> Diagnostics {
    let say = |(component, failure): &(graph::ComponentId, Failure)| {
        failed(path_of(failure), format!("{resource}: `{component}` can't be read"), failure)
    };
    told(&seen.failures, |(_, failure)| failure).into_iter().map(say).collect()
}

/// Failures without those that only follow from others, unless there is nothing else to say; and what keeps many from their server is said once.
fn told<T>(failures: &[T], of: impl Fn(&T) -> &Failure) -> Vec<&T> {
    let all = failures.iter().all(|failed| of(failed).operation == graph::UNREAD);
    let mut said: Vec<&T> = Vec::new();
    for failed in failures.iter().filter(|failed| all || of(failed).operation != graph::UNREAD) {
        let failure = of(failed);
        let connection = matches!(failure.class, Class::Unreachable | Class::Credentials);
        if !(connection && said.iter().any(|earlier| of(earlier).message == failure.message)) {
            said.push(failed);
        }
    }
    said
}
