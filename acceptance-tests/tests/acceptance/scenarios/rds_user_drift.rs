//! What somebody else did to a user's server, or to its secret; servers that can't be reached; import; moves; crowds.

use acceptance_tests::{Failure, POSTGRES_VERSIONS, PostgresVersion, check};
use serde_json::json;

use super::{
    rds_user_stage::{USER, db},
    stage::{mutations_of, text},
};

/// A change of what, made by this statement in that database, shows as drift of a component, and the next apply ends it.
const CHANGES: [(&str, &str, &str, &str); 8] = [
    ("postgres", "ALTER ROLE deeploy CONNECTION LIMIT 3", "connection_limit", "role"),
    ("postgres", "ALTER ROLE deeploy NOLOGIN", "login", "role"),
    ("postgres", "ALTER ROLE deeploy CREATEDB", "privileges", "role"),
    ("postgres", "COMMENT ON ROLE deeploy IS 'the team''s'", "tags:claim", "role"),
    ("postgres", "ALTER DATABASE deeploy_kratos OWNER TO rdsadmin", "owner", "database/deeploy_kratos"),
    ("postgres", "GRANT CONNECT ON DATABASE deeploy TO PUBLIC", "closed", "database/deeploy"),
    ("deeploy", "GRANT CREATE ON SCHEMA public TO PUBLIC", "closed", "database/deeploy"),
    ("deeploy_kratos", "DROP EXTENSION pgcrypto", "extensions", "database/deeploy_kratos"),
];

#[test]
fn drift_of_each_setting_is_found_and_ended() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        let configuration = db.user("");
        db.apply(&configuration)?;
        for (database, statement, setting, component) in CHANGES {
            if statement.contains("OWNER TO rdsadmin") {
                // Only what the administrator may give back: its own.
                db.server.query(database, "COMMENT ON DATABASE deeploy_kratos IS 'identities'")?;
                db.server.query(database, &format!("ALTER DATABASE deeploy_kratos OWNER TO {}", db.server.admin()))?;
            } else {
                db.server.query(database, statement)?;
            }
            let plan = db.plans_update().map_err(|failure| failure.context(statement))?;
            let prior = &plan["prior_state"]["values"]["root_module"]["resources"][0]["values"];
            let shown =
                prior["drift"][component].to_string().contains(setting) || (setting == "connection_limit" && prior[setting] == json!(3));
            assert!(shown, "{statement}: {}", prior["drift"]);
            db.apply(&configuration).map_err(|failure| failure.context(statement))?;
        }
        // What others wrote into the comment stays beside our marks.
        let comment = db.ask("postgres", "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = 'deeploy'")?;
        assert!(comment[0].starts_with("the team's [deeploy "), "{comment:?}");
        let comment =
            db.ask("postgres", "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'deeploy_kratos'")?;
        assert!(comment[0].starts_with("identities [deeploy "), "{comment:?}");
    }
    Ok(())
}

/// What the administrator's own role has set otherwise breaks no statement.
#[test]
fn an_administrators_own_settings_are_no_obstacle() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    for setting in ["statement_timeout = '1ms'", "default_transaction_read_only = off", "standard_conforming_strings = off"] {
        db.server.query("postgres", &format!("ALTER ROLE {} SET {setting}", db.server.admin()))?;
    }
    db.apply(&db.user("  databases = [\"a\\\\b'c\"]"))?;
    db.stage.terraform.destroy::<&str>(&[])?.success().map(|_| ())
}

/// What others do beside the resource is no drift.
#[test]
fn what_others_add_is_no_drift() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    db.apply(&db.user(""))?;
    db.server.query("deeploy", "CREATE EXTENSION citext; CREATE SCHEMA other; CREATE TABLE other.t (a int)")?;
    db.server.query("postgres", "CREATE ROLE somebody LOGIN; ALTER ROLE deeploy SET work_mem = '64MB'")?;
    db.server.query("postgres", "GRANT CONNECT ON DATABASE deeploy TO somebody; ALTER DATABASE deeploy SET timezone = 'UTC'")?;
    check::empty_plan(&db.stage.terraform)
}

/// A database that vanished is made anew only when that is said; a user that vanished is, with the databases that are left.
#[test]
fn vanished_parts_are_made_anew_where_no_data_is_lost() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        db.apply(&db.user(""))?;
        db.server.query("postgres", "DROP DATABASE deeploy_kratos")?;
        let refused = db.stage.terraform.plan::<&str>(&[])?.failure()?;
        check::says(&refused, "`database/deeploy_kratos` deeploy_kratos is gone")?;
        check::says(&refused, "recreate = [\"database/deeploy_kratos\"]")?;
        db.apply(&db.user("  recreate = [\"database/deeploy_kratos\"]"))?;
        assert_eq!(db.databases()?, ["deeploy", "deeploy_kratos"]);

        let admin = db.server.admin();
        db.server.query("postgres", &format!("ALTER DATABASE deeploy OWNER TO {admin}"))?;
        db.server.query("postgres", &format!("ALTER DATABASE deeploy_kratos OWNER TO {admin}"))?;
        for database in ["deeploy", "deeploy_kratos", "postgres"] {
            db.server.query(database, &format!("REASSIGN OWNED BY deeploy TO {admin}"))?;
            db.server.query(database, "DROP OWNED BY deeploy")?;
        }
        db.server.query("postgres", "DROP ROLE deeploy")?;
        db.plans_update()?;
        db.apply(&db.user(""))?;
        db.as_user(&db.stored()?, "deeploy_kratos", "CREATE TABLE t (a int)")?;
    }
    Ok(())
}

/// The secret vanished, or somebody wrote something else into it.
#[test]
fn a_secret_that_is_gone_or_wrong_is_written_anew() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    db.apply(&db.user(""))?;
    let secret = text(&db.stage.terraform.attributes(USER)?, "secret_arn").to_owned();
    db.stage.world.secrets_manager("PutSecretValue", &json!({ "SecretId": secret, "SecretString": "nonsense" }))?;
    db.plans_update()?;
    db.apply(&db.user(""))?;
    assert_eq!(db.as_user(&db.stored()?, "deeploy", "SELECT 1")?, ["1"]);
    db.stage.world.secrets_manager("DeleteSecret", &json!({ "SecretId": secret, "ForceDeleteWithoutRecovery": true }))?;
    db.plans_update()?;
    db.apply(&db.user(""))?;
    assert_eq!(db.as_user(&db.stored()?, "deeploy", "SELECT 1")?, ["1"]);
    Ok(())
}

/// RDS exchanges its administrator's password every seven days, maybe between reading the secret and connecting.
#[test]
fn an_administrators_password_that_changes_is_read_again() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    db.apply(&db.user(""))?;
    db.server.set_admin_password("exchanged-1")?;
    let refused = db.stage.terraform.plan::<&str>(&[])?.failure()?;
    check::says(&refused, "the server refuses the administrator")?;
    let reads = |db: &super::rds_user_stage::Db| -> Result<usize, Failure> {
        Ok(db
            .stage
            .world
            .calls()?
            .iter()
            .filter(|call| call["operation"] == "GetSecretValue" && call["resource"].to_string().contains("admin"))
            .count())
    };
    assert!(reads(&db)? >= 2, "the secret was read once");
    let value = json!({ "username": db.server.admin(), "password": "exchanged-1" }).to_string();
    db.stage.world.secrets_manager("PutSecretValue", &json!({ "SecretId": db.admin, "SecretString": value }))?;
    check::empty_plan(&db.stage.terraform)
}

/// Out of reach: a refresh keeps the state and says so, an apply names what is in the way and the ways in.
#[test]
fn a_server_out_of_reach_keeps_the_state_at_read_and_is_an_error_at_apply() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    db.apply(&db.user("  connect_timeout_s = 2"))?;
    db.server.stop();
    let plan = db.stage.terraform.plan(&["-detailed-exitcode"])?;
    assert_eq!(plan.code, Some(0), "{}", plan.output());
    check::says(&plan, "deeploy_rds_user was not refreshed")?;
    db.stage.terraform.configure(&db.user("  connect_timeout_s = 2\n  connection_limit = 5"))?;
    let (refused, calls) = mutations_of(&db.stage.world, || db.stage.terraform.apply::<&str>(&[])?.failure())?;
    check::says(&refused, &format!("localhost port {} can't be reached directly", db.server.port()))?;
    for way in ["in its VPC", "via.ssh", "via.ssm"] {
        check::says(&refused, way)?;
    }
    assert_eq!(calls, Vec::<String>::new());
    db.server.start_again()?;
    db.apply(&db.user("  connect_timeout_s = 2\n  connection_limit = 5")).map(|_| ())
}

/// Neither another authority's certificate nor another name is taken.
#[test]
fn a_server_that_cannot_prove_its_name_is_refused() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    for (what, from, to) in [
        ("authority", format!("ca_certificate = file({:?})", db.server.ca_file()), "connect_timeout_s = 5".to_owned()),
        ("name", "username".to_owned(), "server_name = \"db.example.com\"\n  username".to_owned()),
    ] {
        db.stage.terraform.configure(&db.user("").replacen(&from, &to, 1))?;
        let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
        assert!(refused.text().contains("certificate"), "{what}: {}", refused.output());
        assert_eq!(db.server.connections(db.server.admin())?, 0, "{what}");
    }
    assert_eq!(db.roles()?, Vec::<String>::new());
    Ok(())
}

/// By an import id alone, with libpq's variables for the administrator; the plan after it is empty but for what no server tells.
#[test]
fn a_user_is_imported_by_its_address() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let mut db = db(version)?;
        db.apply(&db.user("  on_destroy = \"keep\"\n  read_only_users = { grafana = {} }"))?;
        let value = db.stored()?;
        db.stage.terraform.run(&["state", "rm", USER])?.success()?;
        // A create refuses what is complete.
        let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
        check::says(&refused, "exists already")?;
        let (password, ca) = (db.server.admin_password().to_owned(), db.server.ca_file().to_string_lossy().into_owned());
        for (name, value) in [("PGUSER", db.server.admin()), ("PGPASSWORD", &password), ("PGSSLROOTCERT", &ca)] {
            db.stage.terraform.set(name, value);
        }
        db.stage.terraform.import(USER, &format!("localhost:{}/deeploy", db.server.port()))?.success()?;
        for name in ["PGUSER", "PGPASSWORD", "PGSSLROOTCERT"] {
            db.stage.terraform.unset(name);
        }
        db.stage.terraform.apply::<&str>(&[])?.success()?;
        check::empty_plan(&db.stage.terraform)?;
        assert_eq!(db.stored()?, value, "the password changed");
        let wrong = db.stage.terraform.import("deeploy_rds_user.other", "nonsense")?.failure()?;
        assert!(!wrong.output().is_empty());
    }
    Ok(())
}

/// The instance is restored from a snapshot under another address: what is there stays, and the secret tells the new address.
#[test]
fn a_moved_host_is_followed() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    db.apply(&db.user(""))?;
    let before = db.stored()?;
    // The same data under another name.
    let moved = db.user("").replace("host = \"localhost\"", "host = \"127.0.0.1\"");
    db.apply(&moved)?;
    let after = db.stored()?;
    assert_eq!((&after["password"], &after["host"]), (&before["password"], &json!("127.0.0.1")));
    assert_eq!(db.as_user(&after, "deeploy", "SELECT 1")?, ["1"]);
    assert!(text(&db.stage.terraform.attributes(USER)?, "id").starts_with("127.0.0.1:"));
    Ok(())
}

/// Ten users on one server at once, in one apply, and again at once in ten.
#[test]
fn ten_at_once_all_succeed() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        let one = |at: usize| {
            db.named(&format!("u{at}"), &format!("user{at}"), &format!("  databases = [\"d{at}\"]\n  on_destroy = \"reassign\""))
        };
        db.apply(&(0..10).map(one).collect::<String>())?;
        assert_eq!((db.roles()?.len(), db.databases()?.len()), (10, 10));
        db.stage.terraform.destroy::<&str>(&[])?.success()?;
        assert_eq!((db.roles()?, db.databases()?), (Vec::new(), Vec::new()));

        if version != PostgresVersion::V15 {
            continue;
        }
        let stages: Result<Vec<_>, Failure> = (10..20).map(|at| Ok((at, db.stage.beside()?))).collect();
        let failures: Vec<String> = std::thread::scope(|scope| {
            let run = |(at, stage): (usize, super::stage::Stage)| {
                stage.terraform.configure(&one(at))?;
                stage.terraform.apply::<&str>(&[])?.success()?;
                check::empty_plan(&stage.terraform)
            };
            let all: Vec<_> =
                stages.map(|stages| stages.into_iter().map(|each| scope.spawn(move || run(each))).collect()).unwrap_or_default();
            all.into_iter()
                .filter_map(|each: std::thread::ScopedJoinHandle<'_, Result<(), Failure>>| each.join().ok()?.err())
                .map(|failure| failure.to_string())
                .collect()
        });
        assert_eq!((failures, db.roles()?.len()), (Vec::new(), 10));
    }
    Ok(())
}
