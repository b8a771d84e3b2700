//! Deleting one object, and seeing that it is gone.

use super::{Class, Component, Doing, Found, Kept, Query, Readiness, Wanted, check::Ctx, outcome::Halt, wait::Wait};

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
    match ctx.pace.call(Doing::Deleting, Some(Class::Conflict), || component.delete(found, wanted)).await {
        Ok(left) => *kept = left,
        Err(Halt::Failed(_, failure)) if failure.class == Class::NotFound => {}
        Err(halt) => return Err(halt),
    }
    if component.is_settings() {
        return Ok(());
    }
    let query = Query { recover: false, ..query.clone() };
    let mut wait = Wait::new(ctx.pace.limits, component.usual(Doing::Deleting));
    let mut absences = 0;
    loop {
        match ctx.look(component, &query, Some(&found.id)).await {
            Ok(Some(left)) if left.id == found.id && left.readiness != Readiness::Deleted => absences = 0,
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
