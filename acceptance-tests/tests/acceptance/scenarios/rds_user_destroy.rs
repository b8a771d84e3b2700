//! What a destroy of `deeploy_rds_user` does with what the user owns.

use acceptance_tests::{Failure, POSTGRES_VERSIONS, PostgresVersion, check};
use serde_json::{Value, json};

use super::{
    rds_user_stage::{Db, USER, db},
    stage::{mutations_of, text},
};

/// A user that has made a table in one of its databases, and one in a schema of somebody else's database.
fn with_tables(db: &Db, lines: &str) -> Result<Value, Failure> {
    db.apply(&db.user(lines))?;
    let value = db.stored()?;
    db.as_user(&value, "deeploy", "CREATE TABLE models (a int); INSERT INTO models VALUES (1)")?;
    Ok(value)
}

/// `fail`: nothing is touched while there is a table.
#[test]
fn a_destroy_is_refused_while_the_user_owns_a_table() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        let value = with_tables(&db, "")?;
        let logged = db.server.log()?.len();
        let (refused, calls) = mutations_of(&db.stage.world, || db.stage.terraform.destroy::<&str>(&[])?.failure())?;
        check::says(&refused, "must not be deleted")?;
        check::says(&refused, "the database \"deeploy\" holds tables: public.models")?;
        check::says(&refused, "on_destroy = \"reassign\"")?;
        let statements = db.server.log()?.split_off(logged);
        for forbidden in ["DROP", "REASSIGN", "ALTER ROLE", "COMMENT", "REVOKE"] {
            assert!(!statements.contains(&format!("statement: {forbidden}")), "{statements}");
        }
        assert_eq!((calls, db.as_user(&value, "deeploy", "SELECT a FROM models")?), (Vec::new(), vec!["1".to_owned()]));
        check::empty_plan(&db.stage.terraform)?;
    }
    Ok(())
}

/// `drop_databases`: the tables go with their databases, the secret waits its time.
#[test]
fn databases_with_tables_are_dropped_when_that_is_said() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        with_tables(&db, "  drop_databases = true")?;
        db.stage.terraform.destroy::<&str>(&[])?.success()?;
        assert_eq!((db.roles()?, db.databases()?), (Vec::new(), Vec::new()));
        let state = db.stage.terraform.state_file();
        assert!(!state.contains("deeploy_rds_user"), "{state}");
    }
    Ok(())
}

/// `reassign`: everything in every database of the server is another's, and the user is gone; empty databases of ours too.
#[test]
fn everything_is_handed_over_in_every_database() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        for to in ["", "  reassign_to = \"keeper\""] {
            let db = db(version)?;
            let heir = if to.is_empty() { db.server.admin() } else { "keeper" };
            let login = db.server.admin_login();
            db.server.query_as(&login, "postgres", "CREATE ROLE keeper")?;
            db.server.query_as(&login, "postgres", "CREATE DATABASE elsewhere")?;
            let value = with_tables(&db, &format!("  on_destroy = \"reassign\"\n{to}"))?;
            db.server.query_as(&db.server.admin_login(), "elsewhere", "GRANT CREATE ON SCHEMA public TO deeploy")?;
            db.as_user(&value, "elsewhere", "CREATE TABLE far (a int); CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")?;
            db.server.query_as(&db.server.admin_login(), "elsewhere", "CREATE TABLE admins (a int); GRANT SELECT ON admins TO deeploy")?;
            let done = db.stage.terraform.destroy::<&str>(&[])?.success()?;
            check::says(&done, &format!("the database \"deeploy\" with its tables, which is \"{heir}\"'s now"))?;
            check::says(&done, "what \"deeploy\" owned in \"deeploy\", \"elsewhere\"")?;
            let roles: Vec<String> = db.roles()?;
            assert_eq!((roles, db.databases()?), (vec!["keeper".to_owned()], vec!["deeploy".to_owned(), "elsewhere".to_owned()]));
            let owner =
                |database: &str, table: &str| db.ask(database, &format!("SELECT tableowner FROM pg_tables WHERE tablename = '{table}'"));
            assert_eq!((owner("deeploy", "models")?, owner("elsewhere", "far")?), (vec![heir.to_owned()], vec![heir.to_owned()]));
            assert_eq!(db.ask("deeploy", "SELECT a FROM models")?, ["1"]);
            assert_eq!(
                db.ask("postgres", "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'deeploy'")?,
                [""]
            );
        }
    }
    Ok(())
}

/// `keep`: no connection, no call that changes anything, and all of it can be imported again.
#[test]
fn a_user_that_is_kept_is_left_without_a_connection() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    let value = with_tables(&db, "  on_destroy = \"keep\"")?;
    let secret = text(&db.stage.terraform.attributes(USER)?, "secret_arn").to_owned();
    db.server.stop();
    let (done, calls) = mutations_of(&db.stage.world, || db.stage.terraform.destroy(&["-refresh=false"])?.success())?;
    check::says(&done, "the user \"deeploy\" on localhost with its databases deeploy, deeploy_kratos")?;
    assert_eq!(calls, Vec::<String>::new());
    db.server.start_again()?;
    assert_eq!(db.as_user(&value, "deeploy", "SELECT a FROM models")?, ["1"]);
    assert_eq!(db.value_of(&secret)?, value);
    Ok(())
}

/// A server that is only out of reach keeps the resource; one that RDS no longer has lets it go, with its secret.
#[test]
fn an_instance_that_is_gone_lets_the_user_go_and_one_out_of_reach_does_not() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    db.apply(&db.user("  connect_timeout_s = 2"))?;
    db.server.stop();
    let refused = db.stage.terraform.destroy(&["-refresh=false"])?.failure()?;
    check::says(&refused, "can't be reached directly")?;
    check::says(&refused, "via.ssh")?;
    assert!(db.stage.terraform.state_file().contains("deeploy_rds_user"));

    // As a state looks whose instance somebody deleted: RDS's name of it resolves no more.
    let gone = "deeploy-prod.c9akciq32rgd.eu-central-1.rds.amazonaws.com";
    let state = db.stage.terraform.state_file().replace("\"host\": \"localhost\"", &format!("\"host\": \"{gone}\""));
    db.stage.terraform.write("terraform.tfstate", &state)?;
    db.stage.terraform.destroy(&["-refresh=false"])?.success()?;
    let secrets = db.stage.world.objects_of("secretsmanager:secret")?;
    let user = secrets.iter().find(|secret| text(secret, "id").contains("deeploy/deeploy/database")).cloned().unwrap_or_default();
    assert_eq!(user["state"], json!("PendingDeletion"), "{secrets:?}");
    Ok(())
}

/// Sessions of the user don't keep it, and a second destroy goes on where a first one ended.
#[test]
fn open_sessions_and_a_destroy_that_ended_early_are_no_obstacle() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        db.apply(&db.user(""))?;
        let value = db.stored()?;
        let session = "SELECT pg_sleep(60)";
        std::thread::scope(|scope| {
            let sleeping = scope.spawn(|| db.as_user(&value, "deeploy_kratos", session));
            while db.ask("postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'deeploy' AND state = 'active'")? != ["1"] {
                assert!(!sleeping.is_finished(), "the session ended");
            }
            // The secret can't be deleted: the server's part is done by then or not, the state keeps what is left.
            db.stage.world.order(&json!([{ "on": { "operation": "secretsmanager:DeleteSecret" }, "times": null, "do": "error", "code": "AccessDeniedException", "message": "no", "status": 400 }]))?;
            db.stage.terraform.destroy::<&str>(&[])?.failure()?;
            db.stage.world.faults_fired()?;
            db.stage.world.order(&json!([]))?;
            db.stage.terraform.destroy::<&str>(&[])?.success()?;
            assert_eq!((db.roles()?, db.databases()?), (Vec::new(), Vec::new()));
            Ok::<_, Failure>(())
        })?;
    }
    Ok(())
}
