//! What the scenarios of `deeploy_rds_user` start with: an account, and a real server dressed as RDS whose administrator's secret is in it.

use acceptance_tests::{Failure, Folders, Login, Postgres, PostgresVersion, Tls, check};
use serde_json::{Value, json};

use super::stage::{Stage, stage, text};

pub(crate) const USER: &str = "deeploy_rds_user.this";

/// An account, a Terraform, a server.
pub(crate) struct Db {
    pub(crate) stage: Stage,
    pub(crate) server: Postgres,
    /// ARN of the administrator's secret.
    pub(crate) admin: String,
}

/// On a server of one version.
pub(crate) fn db(version: PostgresVersion) -> Result<Db, Failure> {
    db_on(stage()?, version)
}

/// The same on a stage that is there.
pub(crate) fn db_on(stage: Stage, version: PostgresVersion) -> Result<Db, Failure> {
    let server = Postgres::start(&Folders::find()?, version)?;
    let value = json!({ "username": server.admin(), "password": server.admin_password() }).to_string();
    let made = stage.world.secrets_manager("CreateSecret", &json!({ "Name": "admin", "SecretString": value }))?;
    Ok(Db { admin: text(&made, "ARN").to_owned(), stage, server })
}

impl Db {
    /// The resource with these lines; by default the user `deeploy`, and its default databases.
    pub(crate) fn user(&self, lines: &str) -> String {
        self.named("this", "deeploy", lines)
    }

    /// The same under another address and name.
    pub(crate) fn named(&self, address: &str, username: &str, lines: &str) -> String {
        format!("resource \"deeploy_rds_user\" \"{address}\" {{\n{}  username = {username:?}\n{lines}\n}}\n", self.connection())
    }

    /// Host, port, administrator and authority.
    pub(crate) fn connection(&self) -> String {
        format!(
            "  host = {:?}\n  port = {}\n  admin_secret_arn = {:?}\n  ca_certificate = file({:?})\n",
            self.server.host(),
            self.server.port(),
            self.admin,
            self.server.ca_file()
        )
    }

    /// Applies, and sees that the next plan is empty; gives what Terraform said.
    pub(crate) fn apply(&self, configuration: &str) -> Result<String, Failure> {
        self.stage.terraform.configure(configuration)?;
        let done = self.stage.terraform.apply::<&str>(&[])?.success()?;
        check::empty_plan(&self.stage.terraform)?;
        Ok(done.text())
    }

    /// One column of a query as the superuser, NULL as an empty text.
    pub(crate) fn ask(&self, database: &str, sql: &str) -> Result<Vec<String>, Failure> {
        let rows = self.server.query(database, sql)?;
        Ok(rows.into_iter().map(|row| row.into_iter().next().flatten().unwrap_or_default()).collect())
    }

    /// What the user's secret holds.
    pub(crate) fn stored(&self) -> Result<Value, Failure> {
        self.value_of(text(&self.stage.terraform.attributes(USER)?, "secret_arn"))
    }

    /// What a secret holds.
    pub(crate) fn value_of(&self, secret: &str) -> Result<Value, Failure> {
        let reply = self.stage.world.secrets_manager("GetSecretValue", &json!({ "SecretId": secret }))?;
        serde_json::from_str(text(&reply, "SecretString")).map_err(|error| Failure::new(format!("the secret is no JSON: {error}")))
    }

    /// A statement as whoever a secret's value names, with the certificate checked.
    pub(crate) fn as_user(&self, value: &Value, database: &str, sql: &str) -> Result<Vec<String>, Failure> {
        let login = Login { user: text(value, "username"), password: text(value, "password"), tls: Tls::Verified(self.server.ca_file()) };
        let rows = self.server.query_as(&login, database, sql)?;
        Ok(rows.into_iter().map(|row| row.into_iter().next().flatten().unwrap_or_default()).collect())
    }

    /// Roles of the server beside RDS's own and PostgreSQL's.
    pub(crate) fn roles(&self) -> Result<Vec<String>, Failure> {
        let own = format!("'rdsadmin', '{}'", self.server.admin());
        self.ask("postgres", &format!("SELECT rolname FROM pg_roles WHERE rolname !~ '^(pg_|rds_)' AND rolname NOT IN ({own}) ORDER BY 1"))
    }

    /// Databases beside those that a new instance has.
    pub(crate) fn databases(&self) -> Result<Vec<String>, Failure> {
        self.ask(
            "postgres",
            "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'rdsadmin', 'template0', 'template1') ORDER BY 1",
        )
    }

    /// The next plan isn't empty, and changes the resource in place.
    pub(crate) fn plans_update(&self) -> Result<Value, Failure> {
        self.stage.terraform.plan::<&str>(&[])?.success()?;
        let actions = check::planned_actions(&self.stage.terraform, USER)?;
        if actions != ["update"] {
            return Err(Failure::new(format!("planned {actions:?}")));
        }
        self.stage.terraform.plan_json()
    }
}
