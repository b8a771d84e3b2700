//! Who may read, whose password it is, and what is wrong in a configuration of `deeploy_rds_user`.

use acceptance_tests::{Failure, Folders, Iam, POSTGRES_VERSIONS, PostgresVersion, check};
use serde_json::json;

use super::{
    rds_user_stage::{USER, db},
    stage::text,
};

/// Read-only users see what is there and what comes, and change nothing.
#[test]
fn read_only_users_read_everything_also_what_comes_later() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let db = db(version)?;
        db.apply(&db.user(""))?;
        let owner = db.stored()?;
        db.as_user(
            &owner,
            "deeploy",
            "CREATE TABLE before (a serial); CREATE SCHEMA inner_; CREATE VIEW inner_.v AS SELECT * FROM before",
        )?;
        db.apply(&db.user("  drop_databases = true\n  read_only_users = { grafana = { connection_limit = 4 } }"))?;
        let reader = db.value_of("deeploy/deeploy/database/grafana")?;
        db.as_user(&owner, "deeploy", "CREATE TABLE later (a int); CREATE SCHEMA more; CREATE TABLE more.t (a int)")?;
        for table in ["before", "inner_.v", "later", "more.t"] {
            assert_eq!(db.as_user(&reader, "deeploy", &format!("SELECT count(*) FROM {table}"))?, ["0"], "{table}");
        }
        for forbidden in
            ["INSERT INTO later VALUES (1)", "CREATE TABLE mine (a int)", "DROP TABLE before", "SELECT nextval('before_a_seq')"]
        {
            assert!(db.as_user(&reader, "deeploy", forbidden).is_err(), "{forbidden}");
        }
        assert!(
            db.as_user(&reader, "deeploy_kratos", "SELECT 1").is_ok()
                && db.ask("postgres", "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'grafana'")? == ["4"]
        );
        check::empty_plan(&db.stage.terraform)?;
        // A right that somebody takes away comes back.
        db.server.query("deeploy", "REVOKE SELECT ON later FROM grafana")?;
        db.plans_update()?;
        db.apply(&db.user("  drop_databases = true\n  read_only_users = { grafana = { connection_limit = 4 } }"))?;
        db.as_user(&reader, "deeploy", "SELECT count(*) FROM later")?;
        // Taken out of the configuration, it goes with its rights.
        db.apply(&db.user("  drop_databases = true"))?;
        assert_eq!(db.roles()?, ["deeploy"]);
        db.stage.terraform.destroy::<&str>(&[])?.success()?;
        assert_eq!((db.roles()?, db.databases()?), (Vec::new(), Vec::new()));
    }
    Ok(())
}

/// The last plan without the configuration, which is the user's own text.
fn planned(db: &super::rds_user_stage::Db) -> Result<String, Failure> {
    let mut plan = db.stage.terraform.plan_json()?;
    if let Some(plan) = plan.as_object_mut() {
        plan.remove("configuration");
    }
    Ok(plan.to_string())
}

/// A given password is set once, and again with another version; without a secret the role's mark tells which it is.
#[test]
fn a_given_password_is_set_and_nowhere_to_be_seen() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let mut db = db(version)?;
        db.stage.terraform.set("TF_LOG", "TRACE");
        let log = db.stage.terraform.path().join("trace.log");
        db.stage.terraform.set("TF_LOG_PATH", log.to_string_lossy());
        let canary = format!("Canary ü/{}", db.stage.world.account());
        let lines = |password: &str, version: u8| format!("  password_wo = {}\n  password_wo_version = {version}", json!(password));
        db.apply(&db.user(&lines(&canary, 1)))?;
        let value = |password: &str| json!({ "username": "deeploy", "password": password });
        assert_eq!(db.as_user(&value(&canary), "deeploy", "SELECT 1")?, ["1"]);
        assert_eq!(db.stage.terraform.attributes(USER)?["secret_arn"], json!(null));
        // Another value alone changes nothing, as with every write-only attribute; another version does.
        let other = format!("{canary}-2");
        db.apply(&db.user(&lines(&other, 1)))?;
        assert!(db.as_user(&value(&other), "deeploy", "SELECT 1").is_err());
        db.apply(&db.user(&lines(&other, 2)))?;
        assert_eq!(db.as_user(&value(&other), "deeploy", "SELECT 1")?, ["1"]);
        let said = [db.stage.terraform.state_file(), db.server.log()?, std::fs::read_to_string(&log).unwrap_or_default(), planned(&db)?];
        assert!(said[2].contains("ApplyResourceChange"), "the trace is empty");
        let spelled = serde_json::to_string(&canary).unwrap_or_default();
        for (at, text) in said.iter().enumerate() {
            assert!(
                !text.contains(&canary) && !text.contains(spelled.trim_matches('"')) && !text.contains(db.server.admin_password()),
                "canary in {at}"
            );
        }
    }
    Ok(())
}

/// A generated password is in neither state, plan, trace nor the server's log.
#[test]
fn a_generated_password_is_nowhere_to_be_seen() -> Result<(), Failure> {
    for version in POSTGRES_VERSIONS {
        let mut db = db(version)?;
        db.stage.terraform.set("TF_LOG", "TRACE");
        let log = db.stage.terraform.path().join("trace.log");
        db.stage.terraform.set("TF_LOG_PATH", log.to_string_lossy());
        db.apply(&db.user("  password_rotation = \"1\""))?;
        let first = db.stored()?;
        db.apply(&db.user("  password_rotation = \"2\""))?;
        let second = db.stored()?;
        db.stage.terraform.plan::<&str>(&[])?.success()?;
        let said = [db.stage.terraform.state_file(), db.server.log()?, std::fs::read_to_string(&log).unwrap_or_default(), planned(&db)?];
        assert!(said[2].contains("ApplyResourceChange"), "the trace is empty");
        for secret in [text(&first, "password"), text(&second, "password"), db.server.admin_password()] {
            for (at, text) in said.iter().enumerate() {
                assert_eq!(text.matches(secret).count(), 0, "in {at}");
            }
        }
    }
    Ok(())
}

/// The administrator by a write-only password: a refresh shows the state as it was, a destroy takes libpq's variable.
#[test]
fn a_write_only_administrator_works_from_create_to_destroy() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    let password = db.server.admin_password().to_owned();
    let admin = format!("admin_username = {:?}\n  admin_password_wo = {password:?}", db.server.admin());
    let configuration = |lines: &str| db.user(lines).replacen(&format!("admin_secret_arn = {:?}", db.admin), &admin, 1);
    let (first, second) = (configuration(""), configuration("  connection_limit = 7"));
    db.apply(&first)?;
    db.apply(&second)?;
    assert_eq!(db.ask("postgres", "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'deeploy'")?, ["7"]);
    assert!(!db.stage.terraform.state_file().contains(&password));
    let refused = db.stage.terraform.destroy::<&str>(&[])?.failure()?;
    check::says(&refused, "Set PGPASSWORD in Terraform's environment")?;
    db.stage.terraform.set("PGPASSWORD", &password);
    db.stage.terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(db.roles()?, Vec::<String>::new());
    Ok(())
}

/// The administrator by a token of IAM, which signs the database's own name; it is made for each connection and asked of nobody.
#[test]
fn an_administrator_of_iam_makes_the_user() -> Result<(), Failure> {
    let mut db = db(PostgresVersion::V15)?;
    // Beside the master user, who comes in by his password here.
    let admin = "iam_admin";
    db.server.query("postgres", "CREATE ROLE iam_admin LOGIN CREATEROLE CREATEDB IN ROLE rds_superuser, rds_iam")?;
    let access_key = format!("AKIADEEPLOY{}", db.stage.world.account());
    let iam = Iam { access_key: &access_key, secret_key: "sandbox", region: db.stage.world.region(), host: "localhost" };
    db.server.admit_iam(&Folders::find()?, &iam)?;
    let configuration = |lines: &str| {
        let login = format!("admin_username = {admin:?}\n  admin_iam_auth = true");
        db.user(lines).replacen(&format!("admin_secret_arn = {:?}", db.admin), &login, 1)
    };
    let (first, second) = (configuration(""), configuration("  connection_limit = 9\n  drop_databases = true"));
    db.apply(&first)?;
    assert_eq!(db.as_user(&db.stored()?, "deeploy", "SELECT 1")?, ["1"]);
    db.apply(&second)?;
    db.stage.terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!((db.roles()?, db.databases()?), (vec![admin.to_owned()], Vec::new()));
    let log = db.server.iam_log()?;
    assert!(log.contains("\"refused\": null") && !log.contains("\"refused\": \""), "{log}");
    Ok(())
}

/// What is refused at plan, with its attribute; nobody connects for it.
const WRONG: [(&str, &str); 14] = [
    ("username = \"rdsadmin\"", "A reserved name"),
    ("username = \"pg_x\"", "A reserved name"),
    ("username = \"\"", "Not a user's name"),
    ("databases = []", "No database"),
    ("databases = [\"a\", \"a\"]", "A database twice"),
    ("databases = [\"postgres\"]", "A reserved name"),
    ("databases = [\"ääääääääääääääääääääääääääääääää\"]", "Not a database's name"),
    ("host = \"db:5432\"", "A host with a port"),
    ("host = \"https://db\"", "Not a host"),
    ("on_destroy = \"drop\"", "on_destroy"),
    ("ca_certificate = \"x\"", "Not certificates"),
    ("admin_username = \"x\"", "More than one administrator"),
    ("via = {}", "No way"),
    ("via = { ssh = { host = \"b\", user = \"u\", agent = true } }", "A bastion that nobody can recognise"),
];

#[test]
fn what_is_wrong_is_refused_at_plan_with_its_attribute() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    for (line, expected) in WRONG {
        let name = line.split(' ').next().unwrap_or_default();
        let kept: Vec<String> =
            db.user("").lines().filter(|kept| !kept.trim_start().starts_with(&format!("{name} "))).map(str::to_owned).collect();
        let text = kept.join("\n").trim_end().trim_end_matches('}').to_owned();
        db.stage.terraform.configure(&format!("{text}  {line}\n}}\n"))?;
        let refused = db.stage.terraform.plan::<&str>(&[])?.failure()?;
        check::says(&refused, expected).map_err(|failure| failure.context(line))?;
        check::says(&refused, name)?;
    }
    assert_eq!(db.server.connections(db.server.admin())?, 0);
    Ok(())
}

/// With everything unknown a plan connects to nothing, and shows a create.
#[test]
fn unknown_inputs_are_planned_without_a_connection() -> Result<(), Failure> {
    let db = db(PostgresVersion::V15)?;
    let unknown = format!(
        "resource \"terraform_data\" \"later\" {{\n  input = {{ host = \"localhost\", port = {}, arn = {:?}, name = \"deeploy\" }}\n}}\n\
         resource \"deeploy_rds_user\" \"this\" {{\n  host = terraform_data.later.output.host\n  port = terraform_data.later.output.port\n  \
         admin_secret_arn = terraform_data.later.output.arn\n  username = terraform_data.later.output.name\n  ca_certificate = file({:?})\n}}\n",
        db.server.port(),
        db.admin,
        db.server.ca_file()
    );
    db.stage.terraform.configure(&unknown)?;
    db.stage.terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(
        (check::planned_actions(&db.stage.terraform, USER)?, db.server.connections(db.server.admin())?),
        (vec!["create".to_owned()], 0)
    );
    db.apply(&unknown)?;
    assert_eq!(db.roles()?, ["deeploy"]);
    Ok(())
}
