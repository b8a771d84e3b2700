//! Deleting one object, and seeing that it is gone.

use super::{
    Claim, Class, Component, Doing, Failure, Found, Kept, Query, Readiness, Wanted, check::Ctx, outcome::Halt, resolve::bug,
    retry::Patience, wait::Wait,
};

/// Deletes `found` and waits until it is gone. A conflict is tried again for a while: what it still hangs on was deleted a moment
/// ago. What the delete leaves behind stands in `kept` also when the wait is cut short.
pub(crate) async fn remove(
    ctx: &Ctx<'_>,
    component: &dyn Component,
    query: &Query,
    found: &Found,
    wanted: &Wanted,
    kept: &mut Option<Kept>,
) -> Result<(), Halt> {
    let patience = Patience::new(Some(Class::Conflict)).busy(component.busy());
    match ctx.pace.call_with(patience, Doing::Deleting, || component.delete(found, wanted)).await {
        Ok(left) => *kept = left,
        Err(Halt::Failed(_, failure)) if failure.class == Class::NotFound => {}
        Err(halt) => return Err(halt),
    }
    if component.is_settings() {
        return Ok(());
    }
    let query = Query { recover: false, ..query.clone() };
    let mut wait = Wait::new(ctx.pace.limits, component.usual(Doing::Deleting));
    let (mut absences, mut given_up) = (0, GivenUp::default());
    loop {
        match ctx.look(component, &query, Some(&found.id)).await {
            Ok(Some(left)) if left.id == found.id && left.readiness != Readiness::Deleted && !is_anothers(found, &left) => {
                given_up.see(found, &left)?;
                absences = 0;
            }
            Ok(None) => absences += 1,
            // Under its name or tags another one is found: this one is gone.
            Ok(Some(_)) => return Ok(()),
            Err(Halt::Failed(_, failure)) if failure.class == Class::NotFound => absences += 1,
            Err(halt) => return Err(halt),
        }
        match absences {
            0 => wait.rest(&ctx.pace).await?,
            seen if seen >= component.absences() => return Ok(()),
            _ => ctx.pace.sleep(ctx.pace.limits.again).await?,
        }
    }
}

/// Whether a claim's name was taken by the next create the moment it was free: that one is another incarnation's.
fn is_anothers(before: &Found, now: &Found) -> bool {
    let claims = Claim::of(&before.tags).zip(Claim::of(&now.tags));
    claims.is_some_and(|(before, now)| before.incarnation != now.incarnation)
}

/// How often in a row it must show: reads lag.
const LOOKS: u32 = 3;

/// Sees whether the cloud has given a delete up, so that nobody waits for it until the deadline.
#[derive(Default)]
struct GivenUp {
    left: bool,
    broken: u32,
    back: u32,
}

impl GivenUp {
    fn see(&mut self, before: &Found, now: &Found) -> Result<(), Halt> {
        let changed = now.readiness != before.readiness;
        self.left |= changed && matches!(now.readiness, Readiness::Pending(_));
        self.broken = if changed && matches!(now.readiness, Readiness::Broken(_)) { self.broken + 1 } else { 0 };
        self.back = if self.left && now.readiness == Readiness::Ready { self.back + 1 } else { 0 };
        let why = match &now.readiness {
            Readiness::Broken(why) if self.broken >= LOOKS => why.clone(),
            _ if self.back >= LOOKS => format!("{} was on its way out, and is there again: AWS gave its deletion up", now.id),
            _ => return Ok(()),
        };
        Err(Halt::Failed(Doing::Deleting, Failure { class: Class::Invalid, ..bug(why) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many looks a delete counts as given up.
    fn looks(before: &Readiness, seen: &[Readiness]) -> Option<usize> {
        let of = |readiness: &Readiness| Found { id: "x".to_owned(), readiness: readiness.clone(), ..Found::default() };
        let mut given_up = GivenUp::default();
        seen.iter().position(|now| given_up.see(&of(before), &of(now)).is_err()).map(|at| at + 1)
    }

    #[test]
    fn a_delete_that_failed_is_not_waited_for() {
        let (ready, going, broken) = (Readiness::Ready, Readiness::Pending("deleting".into()), Readiness::Broken("in use by x".into()));
        let rows: [(&Readiness, Vec<&Readiness>, Option<usize>); 6] = [
            (&ready, vec![&ready, &going, &broken, &broken, &broken], Some(5)),
            (&ready, vec![&ready, &going, &ready, &ready, &ready], Some(5)),
            // One look at an old copy says nothing.
            (&ready, vec![&going, &ready, &going, &broken, &going, &going], None),
            // Not begun yet, as far as reads show; and what was broken before may stay so until it goes.
            (&ready, vec![&ready; 9], None),
            (&broken, vec![&broken; 9], None),
            (&broken, vec![&broken, &going, &going], None),
        ];
        for (before, seen, expected) in rows {
            let seen: Vec<Readiness> = seen.into_iter().cloned().collect();
            assert_eq!(looks(before, &seen), expected, "{before:?} {seen:?}");
        }
    }
}
