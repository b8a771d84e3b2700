//! Deleting an instance: what forbids it, its final snapshot, and what stays.

use serde_json::Value as Json;

use crate::{
    aws::{Absent, Aws, failure},
    components::settings::text,
    graph::{Class, Failure, Found, Guard, Kept, Readiness, Wanted},
};

/// What `find` says of an instance that is on its way out.
pub(super) const DELETING: &str = "deleting";
/// What follows an instance's identifier in the name of a snapshot that is taken before a major upgrade.
pub(super) const BEFORE: &str = "-before-";
/// RDS's longest name of a snapshot.
const SNAPSHOT_NAME_MAX: usize = 255;

fn flag(wanted: &Wanted, name: &str) -> Option<bool> {
    wanted.settings.get(name).and_then(Json::as_bool)
}

fn protected(found: &Found) -> bool {
    found.settings.get("deletion_protection").and_then(Json::as_bool) == Some(true)
}

fn deleting(found: &Found) -> bool {
    found.readiness == Readiness::Pending(DELETING.to_owned())
}

/// Whether the resource was ever handed out: until then its seals, and with them this setting, are left out.
fn handed_out(wanted: &Wanted) -> bool {
    wanted.settings.contains_key("deletion_protection")
}

/// `ID-final-yyyymmddhhmmss`, with the time when the instance was made: each life of an instance has one final snapshot, and a
/// destroy that goes on after an interrupted one finds it. `None`: none is wanted.
pub(super) fn final_snapshot(found: &Found, wanted: &Wanted) -> Option<String> {
    let created = text(&found.outputs, "created").unwrap_or("0");
    (flag(wanted, "final_snapshot") == Some(true)).then(|| format!("{}-final-{created}", found.id))
}

/// What forbids the delete.
pub(super) async fn guards(aws: &Aws, found: &Found, wanted: &Wanted) -> Result<Vec<Guard>, Failure> {
    let mut guards = Vec::new();
    let attribute = |name: &str| format!("{}{name}", text(&wanted.settings, "attribute_prefix").unwrap_or_default());
    if deleting(found) {
        return Ok(guards);
    }
    if protected(found) && handed_out(wanted) {
        guards.push(Guard {
            attribute: attribute("deletion_protection"),
            reason: format!(
                "the database {} is protected against deletion. Set deletion_protection = false, apply, then destroy.",
                found.id
            ),
        });
    }
    let Some(name) = final_snapshot(found, wanted) else { return Ok(guards) };
    let mut refuse = |reason: String| guards.push(Guard { attribute: attribute("final_snapshot"), reason });
    if let Some(status) = without_snapshot(&found.readiness) {
        refuse(format!(
            "AWS can't take the final snapshot of the database {} now ({status}). Mend it first; or give its data up since its last backup: \
             set final_snapshot = false, apply, then destroy (a broken instance's automated backups can be kept, see delete_automated_backups).",
            found.id
        ));
    }
    if name.len() > SNAPSHOT_NAME_MAX || name.contains("--") {
        refuse(format!("{name} can't be a snapshot's name. Take a snapshot by hand, set final_snapshot = false, apply, then destroy."));
    }
    let there = aws.rds.describe_db_snapshots().db_snapshot_identifier(&name).send().await.absent("rds:DescribeDBSnapshots")?;
    if there.is_some_and(|reply| !reply.db_snapshots().is_empty()) {
        refuse(format!(
            "the final snapshot's name {name} is taken. Copy that snapshot under another name and delete it, or delete it, then destroy again."
        ));
    }
    Ok(guards)
}

/// The state in which a delete with a final snapshot fails.
fn without_snapshot(readiness: &Readiness) -> Option<&str> {
    match readiness {
        Readiness::Broken(why) => Some(why),
        Readiness::Pending(status) if status == "creating" => Some(status),
        _ => None,
    }
}

/// Starts the delete, or sees that it has begun.
pub(super) async fn delete(aws: &Aws, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
    const CALL: &str = "rds:DeleteDBInstance";
    let snapshot = final_snapshot(found, wanted);
    let drop_backups = flag(wanted, "delete_automated_backups").unwrap_or(true);
    let before = before_upgrades(aws, &found.id).await?;
    let attribute = format!("{}snapshot_identifier", text(&wanted.settings, "attribute_prefix").unwrap_or_default());
    let kept = || kept(found, snapshot.as_deref(), drop_backups, &before, &attribute);
    if deleting(found) {
        return Ok(kept());
    }
    if protected(found) && !handed_out(wanted) {
        // Sealed by a create that was interrupted before it was done. AWS takes this only in a call of its own.
        let call = aws.rds.modify_db_instance().db_instance_identifier(&found.id).deletion_protection(false).apply_immediately(true);
        call.send().await.absent("rds:ModifyDBInstance")?;
    }
    let call = (aws.rds.delete_db_instance())
        .db_instance_identifier(&found.id)
        .skip_final_snapshot(snapshot.is_none())
        .set_final_db_snapshot_identifier(snapshot.clone())
        .delete_automated_backups(drop_backups);
    match call.send().await.map_err(|error| failure(CALL, error)) {
        Ok(_) => Ok(kept()),
        Err(failure) if failure.class == Class::NotFound => Ok(kept()),
        // An earlier call's reply was lost: the instance is on its way out, and its snapshot may be there already.
        Err(failure) if matches!(failure.class, Class::Busy | Class::Conflict) => match status(aws, &found.id).await? {
            None => Ok(kept()),
            Some(status) if status == DELETING || status == "delete-precheck" => Ok(kept()),
            Some(_) => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

/// The snapshots that were taken before major upgrades: they stay as long as nobody deletes them.
async fn before_upgrades(aws: &Aws, id: &str) -> Result<Vec<String>, Failure> {
    let call = aws.rds.describe_db_snapshots().db_instance_identifier(id).snapshot_type("manual").into_paginator().items().send();
    let snapshots: Option<Vec<_>> = call.collect::<Result<Vec<_>, _>>().await.absent("rds:DescribeDBSnapshots")?;
    let names = snapshots.into_iter().flatten().filter_map(|snapshot| snapshot.db_snapshot_identifier().map(str::to_owned));
    Ok(names.filter(|name| name.starts_with(&format!("{id}{BEFORE}"))).collect())
}

async fn status(aws: &Aws, id: &str) -> Result<Option<String>, Failure> {
    let reply = aws.rds.describe_db_instances().db_instance_identifier(id).send().await.absent("rds:DescribeDBInstances")?;
    Ok(reply
        .as_ref()
        .and_then(|reply| reply.db_instances().first())
        .map(|instance| instance.db_instance_status().unwrap_or_default().to_owned()))
}

/// `attribute`: the one that a database is restored by.
fn kept(found: &Found, snapshot: Option<&str>, drop_backups: bool, before: &[String], attribute: &str) -> Option<Kept> {
    let backups = (!drop_backups).then(|| {
        let days = found.settings.get("backup_retention_period").and_then(Json::as_i64).unwrap_or_default();
        let id = text(&found.outputs, "resource_id").unwrap_or(&found.id);
        format!("the automated backups of {id}, each until it is {days} days old (aws rds describe-db-instance-automated-backups)")
    });
    let snapshot = snapshot.map(|name| {
        format!("the final snapshot {name}, until you delete it (to restore it, make the resource again with {attribute} = {name:?})")
    });
    let before = (!before.is_empty()).then(|| format!("the snapshots before upgrades, {}, until you delete them", before.join(", ")));
    let what: Vec<String> = snapshot.into_iter().chain(backups).chain(before).collect();
    let size = found.settings.get("allocated_storage").and_then(Json::as_i64).unwrap_or_default();
    (!what.is_empty()).then(|| Kept {
        what: format!("of the database {}: {}", found.id, what.join("; and ")),
        cost: format!("backup storage per GiB and month (Amazon RDS pricing), for at most {size} GiB each, more if the storage had grown"),
    })
}
