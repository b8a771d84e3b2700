//! The provider dies, or AWS refuses, in the middle of a user's life: nothing is lost, nothing is there twice, and the password in the secret is the server's.

use acceptance_tests::{Failure, PostgresVersion, check};
use serde_json::json;

use super::{
    rds_user_stage::{Db, db, db_on},
    staging::recorded_stage,
    world_of_four::for_each,
};

fn lines(rotation: &str) -> String {
    format!("  password_rotation = \"{rotation}\"\n  read_only_users = {{ grafana = {{}} }}")
}

/// What must be true in the end, whatever happened.
fn is_whole(db: &Db) -> Result<(), Failure> {
    check::empty_plan(&db.stage.terraform)?;
    assert_eq!(db.as_user(&db.stored()?, "deeploy", "SELECT 1")?, ["1"]);
    assert_eq!(db.as_user(&db.value_of("deeploy/deeploy/database/grafana")?, "deeploy_kratos", "SELECT 1")?, ["1"]);
    assert_eq!(
        (db.roles()?, db.databases()?),
        (vec!["deeploy".to_owned(), "grafana".to_owned()], vec!["deeploy".to_owned(), "deeploy_kratos".to_owned()])
    );
    // Nobody stays a member of what it made, and no lock is held.
    let members = format!(
        "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = '{}' AND pg_has_role(m.member, m.roleid, 'USAGE') AND pg_get_userbyid(m.roleid) IN ('deeploy', 'grafana')",
        db.server.admin()
    );
    assert_eq!(db.ask("postgres", &members)?, ["0"]);
    db.stage.terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!((db.roles()?, db.databases()?), (Vec::new(), Vec::new()));
    Ok(())
}

/// The mutating calls of AWS's API in a create; the statements lie between them.
fn calls_of_a_create() -> Result<usize, Failure> {
    let db = db(PostgresVersion::V15)?;
    let before = db.stage.world.mutations()?.len();
    db.apply(&db.user(&lines("1")))?;
    Ok(db.stage.world.mutations()?.len() - before)
}

fn killed_at(at: usize) -> Result<(), Failure> {
    for kind in ["kill_before", "kill_after"] {
        let db = db_on(recorded_stage()?, PostgresVersion::V15)?;
        let made = db.stage.world.mutations()?.len();
        db.stage.terraform.configure(&db.user(&lines("1")))?;
        db.stage.world.order(&json!([{ "on": { "m": made + at }, "do": kind, "pid_file": db.stage.terraform.provider_pids() }]))?;
        db.stage.terraform.apply::<&str>(&[])?.failure()?;
        db.stage.world.faults_fired()?;
        db.stage.world.order(&json!([]))?;
        db.stage.terraform.apply::<&str>(&[])?.success()?;
        is_whole(&db).map_err(|failure| failure.context(format!("{kind} {at}")))?;
    }
    Ok(())
}

#[test]
fn a_provider_killed_at_each_call_of_a_create_goes_on() -> Result<(), Failure> {
    let cases: Vec<usize> = (1..=calls_of_a_create()?).collect();
    assert!(cases.len() >= 4, "{} calls", cases.len());
    for_each(&cases, killed_at)
}

/// A rotation is two calls of AWS's around the server's: stored, set, made current.
#[test]
fn a_provider_killed_in_a_rotation_leaves_a_password_that_the_next_apply_mends() -> Result<(), Failure> {
    for_each(&[1, 2], |at| {
        for (kind, alternate) in [("kill_before", false), ("kill_after", false), ("kill_before", true), ("kill_after", true)] {
            let db = db_on(recorded_stage()?, PostgresVersion::V15)?;
            let of = |rotation: &str| db.user(&format!("  password_rotation = \"{rotation}\"\n  alternate_users = {alternate}"));
            db.apply(&of("1"))?;
            let first = db.stored()?;
            let made = db.stage.world.mutations()?.len();
            db.stage.terraform.configure(&of("2"))?;
            db.stage.world.order(&json!([{ "on": { "m": made + at }, "do": kind, "pid_file": db.stage.terraform.provider_pids() }]))?;
            db.stage.terraform.apply::<&str>(&[])?.failure()?;
            db.stage.world.faults_fired()?;
            db.stage.world.order(&json!([]))?;
            db.stage.terraform.apply::<&str>(&[])?.success()?;
            check::empty_plan(&db.stage.terraform)?;
            let second = db.stored()?;
            assert_ne!(first["password"], second["password"], "{kind} {at} {alternate}");
            assert_eq!(db.as_user(&second, "deeploy", "SELECT 1")?, ["1"]);
        }
        Ok(())
    })
}

/// AWS refuses a call of a create: what exists is in state, and `untaint` goes on with it.
#[test]
fn a_create_that_aws_refuses_in_the_middle_is_finished_after_untaint() -> Result<(), Failure> {
    for operation in ["secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"] {
        let db = db(PostgresVersion::V15)?;
        db.stage.terraform.configure(&db.user(&lines("1")))?;
        db.stage.world.order(&json!([{ "on": { "operation": operation }, "times": null, "do": "error", "code": "AccessDeniedException", "message": "no", "status": 400 }]))?;
        let failed = db.stage.terraform.apply::<&str>(&[])?.failure()?;
        check::says(&failed, operation)?;
        db.stage.world.faults_fired()?;
        db.stage.world.order(&json!([]))?;
        db.stage.terraform.run(&["untaint", super::rds_user_stage::USER])?.success()?;
        db.stage.terraform.apply::<&str>(&[])?.success()?;
        is_whole(&db).map_err(|failure| failure.context(operation))?;
    }
    Ok(())
}
