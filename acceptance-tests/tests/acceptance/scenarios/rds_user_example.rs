//! The documented example: an environment, and Deeploy's user on its database in the same apply, through a node of its cluster.

use std::fs;

use acceptance_tests::{Failure, Folders, Postgres, PostgresVersion, check};
use serde_json::json;

use super::stage::{stage, text};

#[test]
fn the_example_makes_the_user_in_the_apply_that_makes_the_instance() -> Result<(), Failure> {
    let mut stage = stage()?;
    let folders = Folders::find()?;
    let mut server = Postgres::start_as_instance(&folders, PostgresVersion::V15)?;
    // RDS makes the server and its administrator's password together.
    stage.world.settings(&json!({ "rds_endpoint": {
        "identifier": "*", "address": server.host(), "port": server.port(), "master_password": server.admin_password()
    } }))?;
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", stage.world.account()) }, "Action": "sts:AssumeRole" }
    ] });
    stage.world.iam("CreateRole", &[("RoleName", "admin"), ("AssumeRolePolicyDocument", &trust.to_string())])?;
    let plugin = folders.root.join("acceptance-tests/sandbox");
    stage.terraform.set("PATH", format!("{}:{}", plugin.display(), std::env::var("PATH").unwrap_or_default()));
    stage.terraform.set("PGSSLROOTCERT", server.ca_file().to_string_lossy());
    let read = |path: &str| fs::read_to_string(folders.root.join(path)).map_err(|error| Failure::io(path, &error));
    let example = read("examples/resources/deeploy_rds_user/resource.tf")?;
    let environment = "resource \"deeploy_environment\" \"production\" {\n  name = \"prod-ACCOUNT\"\n  preset = \"development\"\n  cluster = { admin_principal_arns = [\"arn:aws:iam::ACCOUNT:role/admin\"], ssm_access = true }\n  storage = { force_destroy = true }\n}\n";
    stage.configure(&format!("{environment}{example}"))?;
    stage.terraform.plan::<&str>(&[])?.success()?;
    stage.terraform.apply_plan()?.success()?;
    check::empty_plan(&stage.terraform)?;

    let user = stage.terraform.attributes("deeploy_rds_user.deeploy")?;
    assert_eq!((&user["host"], &user["status"]), (&json!(server.host()), &json!("ready")));
    let value = stage.world.secrets_manager("GetSecretValue", &json!({ "SecretId": "deeploy/deeploy-prod/database" }))?;
    assert!(text(&value, "SecretString").contains("deeploy_1"), "the secret's login");
    let roles = server.query("postgres", "SELECT rolname FROM pg_roles WHERE rolname ~ '^(deeploy|deeploy_[12]|grafana)$' ORDER BY 1")?;
    assert_eq!(roles.len(), 4, "{roles:?}");
    // Out of reach, the message names what admits whom.
    server.stop();
    let plan = stage.terraform.plan::<&str>(&[])?.success()?;
    check::says(&plan, "deeploy_rds_user was not refreshed")?;
    check::says(&plan, "through a node of the cluster")?;
    check::says(&plan, "who may connect is decided by the inbound rules of sg-")?;
    server.start_again()?;
    stage.terraform.destroy::<&str>(&[])?.success()?;
    assert_eq!(
        server.query("postgres", "SELECT count(*) FROM pg_roles WHERE rolname ~ '^(deeploy|deeploy_[12]|grafana)$'")?[0][0].as_deref(),
        Some("0")
    );
    Ok(())
}
