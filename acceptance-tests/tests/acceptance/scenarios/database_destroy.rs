//! A destroy that ended half-way and goes on: what was handed out keeps its final snapshot.

use acceptance_tests::{Failure, World, check};
use serde_json::json;

use super::{
    database::{DATABASE, around, database, ids},
    stage::{Stage, stage},
};

/// A destroy whose first delete of the instance AWS refuses.
fn refused_once(Stage { world, terraform }: &Stage) -> Result<(), Failure> {
    world.order(&json!([{ "on": { "operation": "rds:DeleteDBInstance" }, "do": "error", "code": "AccessDenied", "status": 403 }]))?;
    terraform.destroy::<&str>(&[])?.failure()?;
    world.faults_fired()?;
    world.order(&json!([]))
}

fn snapshots(world: &World) -> Result<Vec<String>, Failure> {
    Ok(ids(world, "rds:snapshot")?.into_iter().filter(|id| id.starts_with("db-final-")).collect())
}

#[test]
fn a_destroy_that_goes_on_takes_the_final_snapshot() -> Result<(), Failure> {
    for between in [false, true] {
        let stage = stage()?;
        stage.terraform.configure(&database(&around(&stage.world)?, "deletion_protection = false"))?;
        stage.terraform.apply::<&str>(&[])?.success()?;
        refused_once(&stage)?;
        if between {
            // The user thinks better of it, and then worse again.
            stage.terraform.apply::<&str>(&[])?.success()?;
            check::empty_plan(&stage.terraform)?;
            assert_eq!(stage.terraform.attributes(DATABASE)?["status"], "ready");
            refused_once(&stage)?;
        }
        let gone = stage.terraform.destroy::<&str>(&[])?.success()?;
        let taken = snapshots(&stage.world)?;
        assert_eq!(taken.len(), 1, "applied between: {between}");
        check::says(&gone, &taken[0])?;
        assert!(ids(&stage.world, "rds:instance")?.is_empty());
    }
    Ok(())
}
