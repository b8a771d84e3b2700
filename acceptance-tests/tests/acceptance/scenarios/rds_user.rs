//! `deeploy_rds_user` on real servers: made, used, changed in place, destroyed.

use acceptance_tests::{Failure, POSTGRES_VERSIONS, PostgresVersion, check};
use serde_json::{Value, json};

use super::{
    rds_user_stage::{Db, USER, db},
    stage::text,
};

/// The user, its databases and its secret are as the design says, on every version.
#[test]
fn the_user_owns_its_databases_and_nobody_else_gets_in() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        db.apply(&db.user("  tags = { team = \"ml\" }"))?;
        let flags = "SELECT concat_ws(' ', rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit) FROM pg_roles WHERE rolname = 'deeploy'";
        assert_eq!(db.ask("postgres", flags)?, ["t f f f f f -1"]);
        assert!(db.ask("postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'deeploy'")?[0].starts_with("SCRAM-SHA-256$4096:"));
        assert_eq!(db.databases()?, ["deeploy", "deeploy_kratos"]);
        let facts = "SELECT concat_ws(' ', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), has_database_privilege('pg_monitor', oid, 'CONNECT'))
             FROM pg_database WHERE datname = 'deeploy_kratos'";
        assert_eq!(db.ask("postgres", facts)?, ["deeploy UTF8 f"]);
        assert_eq!(
            db.ask("deeploy_kratos", "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1")?,
            ["pgcrypto", "uuid-ossp"]
        );
        // The administrator is no member of it afterwards: on 16 and later it stays its creator, with neither SET nor INHERIT.
        let member = format!("SELECT pg_has_role('{}', 'deeploy', 'USAGE')", db.server.admin());
        assert_eq!(db.ask("postgres", &member)?, ["f"]);

        let value = db.stored()?;
        let expected = json!({ "username": "deeploy", "host": db.server.host(), "port": db.server.port(), "engine": "postgres", "dbname": "deeploy", "password": value["password"] });
        assert_eq!(value, expected);
        let password = text(&value, "password");
        assert!(
            password.len() == 32
                && password.starts_with(|first: char| first.is_ascii_alphabetic())
                && password.bytes().all(|byte| byte.is_ascii_alphanumeric())
        );
        db.as_user(
            &value,
            "deeploy",
            "CREATE TABLE t (id uuid DEFAULT uuid_generate_v4(), secret bytea DEFAULT gen_random_bytes(8)); INSERT INTO t DEFAULT VALUES",
        )?;
        assert_eq!(db.as_user(&value, "deeploy", "SELECT count(*) FROM t")?, ["1"]);
        assert!(db.as_user(&value, "postgres", "CREATE ROLE other").is_err());

        let state = db.stage.terraform.attributes(USER)?;
        assert_eq!((&state["status"], &state["drift"], &state["tags_all"]), (&json!("ready"), &json!({}), &json!({ "team": "ml" })));
        assert_eq!(state["id"], json!(format!("{}:{}/deeploy", db.server.host(), db.server.port())));
        assert!(text(&state, "server_version").starts_with(if version == PostgresVersion::V15 { "15." } else { "1" }), "{state}");
        let secret = db.stage.world.secrets_manager("DescribeSecret", &json!({ "SecretId": state["secret_arn"] }))?;
        assert!(secret["Tags"].as_array().is_some_and(|tags| tags.contains(&json!({ "Key": "team", "Value": "ml" }))), "{secret}");

        // The password is in neither the state nor the server's log, where every statement stands.
        assert!(!db.stage.terraform.state_file().contains(password));
        let log = db.server.log()?;
        assert!(log.contains("ALTER ROLE \"deeploy\" PASSWORD") && !log.contains(password));
        check::no_unsupported_call(&db.stage.world)?;
    }
    Ok(())
}

/// What differs is changed in place, and nothing else.
#[test]
fn each_setting_changes_in_place() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        db.apply(&db.user(""))?;
        let before = db.stored()?;
        db.apply(&db.user("  connection_limit = 20\n  databases = [\"deeploy\", \"deeploy_kratos\", \"more\"]\n  extensions = [\"pgcrypto\", \"uuid-ossp\", \"citext\"]"))?;
        assert_eq!(db.ask("postgres", "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'deeploy'")?, ["20"]);
        assert_eq!(db.databases()?, ["deeploy", "deeploy_kratos", "more"]);
        for database in ["deeploy", "more"] {
            assert_eq!(db.ask(database, "SELECT count(*) FROM pg_extension WHERE extname = 'citext'")?, ["1"]);
        }
        assert_eq!(db.stored()?, before);
        // A database that is no longer listed stays: it may hold data.
        let said = db.apply(&db.user("  connection_limit = 20"))?;
        assert!(said.contains("Databases that are no longer listed stay") && said.contains("more stay as they are"), "{said}");
        assert_eq!(db.databases()?, ["deeploy", "deeploy_kratos", "more"]);
        db.stage.terraform.destroy::<&str>(&[])?.success()?;
        assert_eq!((db.roles()?, db.databases()?), (Vec::new(), Vec::new()));
    }
    Ok(())
}

/// Names that need quoting, at PostgreSQL's longest.
#[test]
fn any_name_that_postgresql_takes_is_taken() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        let longest = |start: &str| format!("{start}{}x", "ü".repeat((62 - start.len()) / 2)).chars().take(62).collect::<String>();
        let (user, database) = (longest("Dee \"p'l;o%y\\ "), longest("d'b \"$1%s\\ "));
        assert!(user.len() >= 62 && user.len() <= 63 && database.len() >= 62 && database.len() <= 63, "{user} {database}");
        let resource = format!(
            "resource \"deeploy_rds_user\" \"this\" {{\n{}  username = {}\n  databases = [{}]\n  secret_name = \"a/b\"\n  read_only_users = {{ {} = {{ secret_name = \"c\" }} }}\n}}\n",
            db.connection(),
            json!(user),
            json!(database),
            json!("re'ad\"er")
        );
        db.apply(&resource)?;
        let value = db.stored()?;
        assert_eq!((text(&value, "username"), text(&value, "dbname")), (user.as_str(), database.as_str()));
        db.as_user(&value, &database, "CREATE TABLE \"T'\" (a int)")?;
        let reader = db.value_of("c")?;
        assert_eq!(db.as_user(&reader, &database, "SELECT count(*) FROM \"T'\"")?, ["0"]);
        assert_eq!(db.roles()?.len(), 2);
        db.apply(&resource.replace("secret_name = \"a/b\"", "secret_name = \"a/b\"\n  drop_databases = true"))?;
        db.stage.terraform.destroy::<&str>(&[])?.success()?;
        assert_eq!((db.roles()?, db.databases()?), (Vec::new(), Vec::new()));
    }
    Ok(())
}

/// A role or a database that somebody else made is left as it is.
#[test]
fn what_others_made_is_refused_and_unchanged() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    db.server.query("postgres", "CREATE ROLE deeploy LOGIN PASSWORD 'theirs'")?;
    let verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'deeploy'";
    let before = db.ask("postgres", verifier)?;
    db.stage.terraform.configure(&db.user(""))?;
    let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
    check::says(&refused, "deeploy exists and isn't this resource's")?;
    assert_eq!((db.ask("postgres", verifier)?, db.databases()?), (before, Vec::new()));
    assert!(
        db.stage.world.objects_of("secretsmanager:secret")?.iter().all(|secret| text(secret, "id").contains("admin")),
        "a secret was made"
    );

    db.server.query("postgres", "DROP ROLE deeploy")?;
    db.server.query("postgres", "CREATE DATABASE deeploy_kratos")?;
    let refused = db.stage.terraform.apply::<&str>(&[])?.failure()?;
    check::says(&refused, "deeploy_kratos exists and isn't this resource's")?;
    assert_eq!((db.roles()?, db.databases()?), (Vec::new(), vec!["deeploy_kratos".to_owned()]));
    Ok(())
}

/// Somebody changes the password on the server: found by a login, and set back to what the secret holds.
#[test]
fn a_password_that_was_changed_is_found_and_set_back() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        db.apply(&db.user(""))?;
        let value = db.stored()?;
        db.server.query("postgres", "ALTER ROLE deeploy PASSWORD 'another'")?;
        assert!(db.as_user(&value, "deeploy", "SELECT 1").is_err());
        let plan = db.plans_update()?;
        assert!(plan.to_string().contains("\"accepted\""), "{plan}");
        db.apply(&db.user(""))?;
        assert_eq!((db.stored()?, db.as_user(&value, "deeploy", "SELECT 1")?), (value.clone(), vec!["1".to_owned()]));
    }
    Ok(())
}

fn versions(db: &Db) -> Result<Value, Failure> {
    Ok(db.stage.terraform.attributes(USER)?["secret_version_id"].clone())
}

/// Another value of `password_rotation` makes another password, and the plan says what that does to pods.
#[test]
fn a_rotation_makes_another_password_and_says_what_it_does() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        db.apply(&db.user("  password_rotation = \"1\""))?;
        let (before, version_before) = (db.stored()?, versions(&db)?);
        db.stage.terraform.configure(&db.user("  password_rotation = \"2\""))?;
        let plan = db.stage.terraform.plan::<&str>(&[])?.success()?;
        check::says(&plan, "\"deeploy\" gets another password")?;
        check::says(&plan, "Restart Deeploy's pods")?;
        db.stage.terraform.apply_plan()?.success()?;
        check::empty_plan(&db.stage.terraform)?;
        let after = db.stored()?;
        assert!(
            before["password"] != after["password"] && version_before != versions(&db)?,
            "{version_before} {} {plan}",
            versions(&db)?,
            plan = plan.output()
        );
        assert!(db.as_user(&before, "deeploy", "SELECT 1").is_err());
        assert_eq!(db.as_user(&after, "deeploy", "SELECT 1")?, ["1"]);
        let listed =
            db.stage.world.secrets_manager("DescribeSecret", &json!({ "SecretId": db.stage.terraform.attributes(USER)?["secret_arn"] }))?;
        let stages = listed["VersionIdsToStages"].to_string();
        assert!(stages.contains("AWSPREVIOUS") && stages.contains("AWSCURRENT"), "{listed}");
    }
    Ok(())
}

/// Two logins of one owner take turns: who has the previous one goes on until the next rotation.
#[test]
fn alternating_users_keep_the_previous_login() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        let lines = |rotation: &str| format!("  alternate_users = true\n  password_rotation = \"{rotation}\"");
        db.apply(&db.user(&lines("1")))?;
        let first = db.stored()?;
        assert_eq!(text(&first, "username"), "deeploy_1");
        db.as_user(&first, "deeploy", "CREATE TABLE by_first (a int)")?;
        assert_eq!(db.ask("deeploy", "SELECT tableowner FROM pg_tables WHERE tablename = 'by_first'")?, ["deeploy"]);
        db.apply(&db.user(&lines("2")))?;
        let second = db.stored()?;
        assert_eq!(text(&second, "username"), "deeploy_2");
        for value in [&first, &second] {
            db.as_user(value, "deeploy", "ALTER TABLE by_first ADD COLUMN IF NOT EXISTS b int")?;
        }
        db.apply(&db.user(&lines("3")))?;
        let third = db.stored()?;
        assert_eq!(text(&third, "username"), "deeploy_1");
        // A login that lost its membership can't act as the owner any more: found, and given back.
        db.server.query_as(&db.server.admin_login(), "postgres", "REVOKE deeploy FROM deeploy_1")?;
        db.plans_update()?;
        db.apply(&db.user(&lines("3")))?;
        assert_eq!(db.as_user(&third, "deeploy", "SELECT current_user")?, ["deeploy"]);
        assert!(db.as_user(&first, "deeploy", "SELECT 1").is_err());
        db.as_user(&second, "deeploy", "DROP TABLE by_first")?;
        // Back to one login.
        let said = db.apply(&db.user(""))?;
        assert!(said.contains("The login of \"deeploy\" changes"), "{said}");
        assert_eq!((db.roles()?, text(&db.stored()?, "username").to_owned()), (vec!["deeploy".to_owned()], "deeploy".to_owned()));
        db.stage.terraform.destroy::<&str>(&[])?.success()?;
        assert_eq!(db.roles()?, Vec::<String>::new());
    }
    Ok(())
}
