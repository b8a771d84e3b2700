//! Ephemeral resources with real Terraform: their values are there for the run, and nowhere afterwards.

use std::fs;

use acceptance_tests::{Failure, Iam, Login, Postgres, PostgresVersion, Prerequisites, Release, Tls, World, check};
use serde_json::json;

use super::{
    database::{around, database},
    iam_user::{USER, stored, user},
    stage::{Stage, stage, stage_on, text},
};

/// A child module hands values up as ephemeral outputs; the root has a key, so that there is something to plan and apply.
const CHILD: &str = r#"
terraform {
  required_providers {
    deeploy = {
      source = "deeploy-ml/deeploy"
    }
  }
}

variable "secret" {
  type = string
}

ephemeral "deeploy_rds_credentials" "master" {
  secret_arn = var.secret
}

ephemeral "deeploy_rds_auth_token" "app" {
  host     = "db.c1a2.us-east-2.rds.amazonaws.com"
  port     = 5432
  username = "app"
}

output "login" {
  value     = ephemeral.deeploy_rds_credentials.master
  ephemeral = true
}

output "token" {
  value     = ephemeral.deeploy_rds_auth_token.app
  ephemeral = true
}
"#;

/// The preconditions look at the values, which nothing may keep; so that they were there shows.
const ROOT: &str = r#"
variable "secret" {
  type = string
}

variable "length" {
  type = number
}

module "child" {
  source = "./child"
  secret = var.secret
}

resource "deeploy_kms_key" "key" {
  name = "ephemeral"

  lifecycle {
    precondition {
      condition     = module.child.login.username == "deeploy_admin" && length(module.child.login.password) == var.length
      error_message = "The login is not the one of the secret."
    }
    precondition {
      condition     = module.child.login.host == null && module.child.login.version_stage == "AWSCURRENT"
      error_message = "RDS's own secret holds only name and password."
    }
    precondition {
      condition     = strcontains(module.child.token.token, "%2Fus-east-2%2Frds-db%2F") && module.child.token.region == "us-east-2"
      error_message = "The token is not for the database's own region."
    }
  }
}
"#;

/// A secret with this login, as RDS keeps it; its ARN.
fn secret(world: &World, password: &str) -> Result<String, Failure> {
    let login = json!({ "username": "deeploy_admin", "password": password }).to_string();
    let made = world.secrets_manager("CreateSecret", &json!({ "Name": "rds-db-1", "SecretString": login }))?;
    Ok(text(&made, "ARN").to_owned())
}

fn staged(stage: &mut Stage, arn: &str, password: &str) -> Result<(), Failure> {
    stage.configure(ROOT)?;
    let child = stage.terraform.path().join("child");
    fs::create_dir_all(&child).map_err(|error| Failure::io("making the module's folder", &error))?;
    stage.terraform.write("child/main.tf", CHILD)?;
    stage.terraform.run(&["get", "-no-color"])?.success()?;
    stage.terraform.set("TF_VAR_secret", arn);
    stage.terraform.set("TF_VAR_length", password.len().to_string());
    Ok(())
}

/// Every file of the working folder and Terraform's home that holds this text, but for the plan, which is compressed: it is looked at as JSON.
fn holding(stage: &Stage, canary: &str) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![stage.terraform.path(), stage.terraform.home()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| Failure::io("reading a folder", &error))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(canary)) {
                found.push(path.display().to_string());
            }
        }
    }
    Ok(found)
}

fn calls(world: &World, operation: &str) -> Result<usize, Failure> {
    Ok(world.calls()?.iter().filter(|call| call["operation"] == operation).count())
}

fn leaves_no_trace(release: Option<Release>) -> Result<(), Failure> {
    let mut stage = stage_on(release)?;
    let password = format!("EphemeralCanary{}", stage.world.account());
    let arn = secret(&stage.world, &password)?;
    staged(&mut stage, &arn, &password)?;
    let log = stage.terraform.home().join("trace.log");
    stage.terraform.set("TF_LOG", "TRACE");
    stage.terraform.set("TF_LOG_PATH", log.display().to_string());
    let mut said = vec![
        stage.terraform.plan::<&str>(&[])?.success()?,
        stage.terraform.apply_plan()?.success()?,
        stage.terraform.run(&["show", "-json", "-no-color", "plan.bin"])?.success()?,
        stage.terraform.run(&["state", "pull"])?.success()?,
    ];
    check::empty_plan(&stage.terraform)?;
    assert!(calls(&stage.world, "GetSecretValue")? >= 3, "opened for the plan, the apply and the second plan");
    // A value that doesn't fit makes Terraform talk about it.
    stage.terraform.set("TF_VAR_length", "1");
    let refused = stage.terraform.plan::<&str>(&[])?.failure()?;
    check::says(&refused, "The login is not the one of the secret.")?;
    said.push(refused);
    let trace = fs::read_to_string(&log).map_err(|error| Failure::io("reading the log", &error))?;
    assert!(trace.contains("GetSecretValue") || trace.contains("OpenEphemeralResource"), "nothing was logged: {} bytes", trace.len());
    for canary in [password.as_str(), "X-Amz-Signature="] {
        assert!(said.iter().all(|run| !run.output().contains(canary)), "{canary} was said");
        assert_eq!(holding(&stage, canary)?, Vec::<String>::new(), "{canary}");
    }
    // What looks for them would find them: the configuration's variables are there.
    assert!(said.iter().any(|run| run.output().contains(&arn)) && !holding(&stage, "deeploy_kms_key")?.is_empty());
    check::no_unsupported_call(&stage.world)
}

#[test]
fn credentials_and_tokens_leave_no_trace() -> Result<(), Failure> {
    leaves_no_trace(None)
}

#[test]
fn credentials_and_tokens_leave_no_trace_on_the_newest_terraform() -> Result<(), Failure> {
    leaves_no_trace(Some(Release::V1_15))
}

/// Terraform before 1.10 knows no ephemeral resources: everything else works, and a block is its own error.
#[test]
fn an_older_terraform_does_without() -> Result<(), Failure> {
    let stage = stage_on(Some(Release::V1_8))?;
    stage.configure("resource \"deeploy_kms_key\" \"key\" {\n  name = \"ephemeral\"\n}\n")?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(&stage.terraform)?;
    stage.configure("ephemeral \"deeploy_rds_auth_token\" \"app\" {\n  host = \"db\"\n  port = 5432\n  username = \"app\"\n}\n")?;
    check::says(&stage.terraform.plan::<&str>(&[])?.failure()?, "Unsupported block type")
}

#[test]
fn a_secret_made_in_the_same_apply_is_read_in_the_apply() -> Result<(), Failure> {
    let stage = stage()?;
    let read = format!("ephemeral \"deeploy_rds_credentials\" \"login\" {{\n  secret_arn = {USER}.secret_arn\n}}\n");
    // Something must need it: what nothing refers to may not be opened.
    let needs = "resource \"terraform_data\" \"it\" {\n  lifecycle {\n    precondition {\n      \
                 condition = ephemeral.deeploy_rds_credentials.login.username != \"\"\n      error_message = \"none\"\n    }\n  }\n}\n";
    stage.configure(&format!("{}{read}{needs}", user("")))?;
    stage.terraform.plan::<&str>(&[])?.success()?;
    assert_eq!(calls(&stage.world, "GetSecretValue")?, 0);
    // This secret holds an access key, no database login: it was read, and nothing of it is told.
    let run = stage.terraform.apply_plan()?.failure()?;
    check::says(&run, "The secret holds no database login")?;
    check::says(&run, "it has no \"username\"")?;
    assert!(!run.output().contains(text(&stored(&stage)?, "secret_access_key")));
    Ok(())
}

/// The whole way: what RDS keeps in the secret of a database lets its master user in, and only an ephemeral value carries it there.
#[cfg(target_os = "linux")]
#[test]
fn the_masters_credentials_let_one_into_the_real_server() -> Result<(), Failure> {
    let stage = stage()?;
    let server = Postgres::start_as_instance(&Prerequisites::find()?.folders, PostgresVersion::V15)?;
    let endpoint =
        json!({ "identifier": "*", "address": server.host(), "port": server.port(), "master_password": server.admin_password() });
    stage.world.settings(&json!({ "rds_endpoint": endpoint }))?;
    let login = format!(
        r#"
ephemeral "deeploy_rds_credentials" "master" {{
  secret_arn = deeploy_rds_instance.this.master_secret_arn
}}

resource "terraform_data" "login" {{
  provisioner "local-exec" {{
    command = "{} -X -w -A -t -c \"SELECT 'came in as ' || current_user\""
    environment = {{
      PGHOST        = deeploy_rds_instance.this.endpoint
      PGPORT        = deeploy_rds_instance.this.port
      PGDATABASE    = "postgres"
      PGUSER        = ephemeral.deeploy_rds_credentials.master.username
      PGPASSWORD    = ephemeral.deeploy_rds_credentials.master.password
      PGSSLMODE     = "verify-full"
      PGSSLROOTCERT = "{}"
    }}
  }}
}}
"#,
        server.psql().display(),
        server.ca_file().display()
    );
    stage.terraform.configure(&format!("{}{login}", database(&around(&stage.world)?, "")))?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    assert_eq!(server.connections(server.admin())?, 1, "{}", server.log()?);
    assert!(server.log()?.contains("'came in as '"));
    assert!(!stage.terraform.state_file().contains(server.admin_password()));
    check::empty_plan(&stage.terraform)?;
    check::no_unsupported_call(&stage.world)
}

/// The token of the ephemeral resource, checked by another implementation of the signature, lets one in where a password does not.
#[test]
fn a_token_lets_a_member_of_rds_iam_in() -> Result<(), Failure> {
    let mut stage = stage()?;
    let folders = Prerequisites::find()?.folders;
    let mut server = Postgres::start(&folders, PostgresVersion::V15)?;
    let (access_key, secret_key) = (format!("AKIADEEPLOY{}", stage.world.account()), "EphemeralSigner/Key+1");
    stage.terraform.set("AWS_ACCESS_KEY_ID", access_key.as_str());
    stage.terraform.set("AWS_SECRET_ACCESS_KEY", secret_key);
    let iam = Iam { host: "localhost", region: "eu-central-1", access_key: &access_key, secret_key };
    server.admit_iam(&folders, &iam)?;
    server.query("postgres", "CREATE ROLE \"app user@x\" LOGIN PASSWORD 'known' IN ROLE rds_iam")?;
    let by_password = Login { user: "app user@x", password: "known", tls: Tls::Unverified };
    assert!(server.query_as(&by_password, "postgres", "SELECT 1").is_err());
    let login = |user: &str| {
        format!(
            r#"
ephemeral "deeploy_rds_auth_token" "app" {{
  host     = "localhost"
  port     = {}
  username = "{user}"
}}

resource "terraform_data" "login" {{
  triggers_replace = "{user}"
  provisioner "local-exec" {{
    command = "{} -X -w -A -t -c 'SELECT 1'"
    environment = {{
      PGHOST        = "localhost"
      PGPORT        = {}
      PGDATABASE    = "postgres"
      PGUSER        = "app user@x"
      PGPASSWORD    = ephemeral.deeploy_rds_auth_token.app.token
      PGSSLMODE     = "verify-full"
      PGSSLROOTCERT = "{}"
    }}
  }}
}}
"#,
            server.port(),
            server.psql().display(),
            server.port(),
            server.ca_file().display()
        )
    };
    stage.configure(&login("app user@x"))?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    assert_eq!(server.connections("app user@x")?, 1, "{}", server.log()?);
    stage.configure(&login("another"))?;
    stage.terraform.apply::<&str>(&[])?.failure()?;
    assert!(server.iam_log()?.contains("it is for another user"), "{}", server.iam_log()?);
    assert_eq!(server.connections("app user@x")?, 1);
    check::no_unsupported_call(&stage.world)
}

#[test]
fn each_example_runs_with_the_provider_example() -> Result<(), Failure> {
    let examples = Prerequisites::find()?.folders.root.join("examples");
    for (folder, operation) in [("deeploy_rds_credentials", Some("GetSecretValue")), ("deeploy_rds_auth_token", None)] {
        let stage = stage()?;
        let login =
            json!({ "username": "deeploy", "password": "p@ss", "host": "db", "port": 5432, "engine": "postgres", "dbname": "deeploy" });
        let name = "deeploy/deeploy-prod/database";
        stage.world.secrets_manager("CreateSecret", &json!({ "Name": name, "SecretString": login.to_string() }))?;
        stage.terraform.copy(&examples.join("provider"))?;
        stage.terraform.copy(&examples.join("ephemeral-resources").join(folder))?;
        assert_eq!(stage.terraform.validate()?["valid"], true);
        stage.terraform.apply::<&str>(&[])?.success()?;
        if let Some(operation) = operation {
            assert!(calls(&stage.world, operation)? >= 1, "{folder} was not opened");
        }
        check::no_unsupported_call(&stage.world)?;
    }
    Ok(())
}
