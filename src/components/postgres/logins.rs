//! Who administers the server: by a secret that is read for each operation, by a password, or by a token of IAM.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::Value as Json;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::instance::{instance_at, is_listed_in, is_without_name};
use crate::{
    aws::{Aws, DatabaseLogin},
    graph::Failure,
    postgres::{Absence, Login, Logins, PgError},
};

/// Where the administrator's credentials come from.
#[derive(Clone)]
pub(crate) enum Admin {
    /// A secret with `username` and `password`, as RDS makes it.
    Secret(String),
    /// A user with a password; `None` where it is not at hand: it is write-only, and a read or destroy has no configuration.
    Password(String, Option<Zeroizing<String>>),
    /// A user with `rds_iam`.
    Iam(String),
}

impl fmt::Debug for Admin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(arn) => write!(out, "Secret({arn})"),
            Self::Password(user, _) => write!(out, "Password({user}, …)"),
            Self::Iam(user) => write!(out, "Iam({user})"),
        }
    }
}

/// [`Logins`] of one operation.
pub(crate) struct AdminLogins {
    /// For secrets and tokens.
    pub(crate) aws: Arc<Aws>,
    /// Where from.
    pub(crate) admin: Admin,
    /// The server, whose name a token signs.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// What was read before.
    read: Mutex<Option<Login>>,
}

impl AdminLogins {
    /// Reads nothing yet.
    pub(crate) fn new(aws: Arc<Aws>, admin: Admin, host: &str, port: u16) -> Self {
        Self { aws, admin, host: host.to_owned(), port, read: Mutex::default() }
    }

    async fn fetch(&self) -> Result<Login, PgError> {
        match &self.admin {
            Admin::Secret(arn) => secret(&self.aws, arn).await,
            Admin::Password(user, Some(password)) => Ok(Login { user: user.clone(), password: password.clone() }),
            Admin::Password(user, None) => Err(PgError::Credentials {
                message: format!(
                    "the password of {user:?} is write-only, and only an apply that makes or changes something has it. Set PGPASSWORD in Terraform's \
                     environment for this run, or use admin_secret_arn"
                ),
                attribute: "admin_password_wo",
            }),
            Admin::Iam(user) => {
                // The database's own name is signed, whatever way leads there.
                let login = DatabaseLogin { host: self.host.clone(), port: self.port, user: user.clone(), region: self.aws.region.clone() };
                let token = self.aws.database_token(&login).await.map_err(|failure| PgError::Aws(Box::new(failure)))?;
                Ok(Login { user: user.clone(), password: Zeroizing::new(token.token) })
            }
        }
    }
}

#[async_trait]
impl Logins for AdminLogins {
    async fn admin(&self, again: bool) -> Result<Login, PgError> {
        let mut read = self.read.lock().await;
        if let Some(login) = read.clone().filter(|_| !again) {
            return Ok(login);
        }
        let login = self.fetch().await?;
        tf_provider::log::mask(&login.password);
        *read = Some(login.clone());
        Ok(login)
    }

    fn attribute(&self) -> &'static str {
        match self.admin {
            Admin::Secret(_) => "admin_secret_arn",
            Admin::Password(..) => "admin_password_wo",
            Admin::Iam(_) => "admin_iam_auth",
        }
    }

    async fn absence(&self) -> Absence {
        let ways = "Ways in: run Terraform where the database is in reach (in its VPC, over a VPN or peering, a self-hosted runner); `via.ssh`, a bastion; \
                    `via.ssm`, Session Manager through a node of the cluster or another managed instance in the VPC";
        let found = instance_at(&self.aws, &self.host).await;
        match found {
            Ok(Some(instance)) => Absence { proven: false, facts: format!("{} {ways}.", open_to(&instance)) },
            // Another account's instance isn't listed either, but has its name.
            Ok(None) if is_listed_in(&self.host, &self.aws.region) && is_without_name(&self.host).await => Absence {
                proven: true,
                facts: format!(
                    "RDS has no instance and no cluster with this endpoint in account {} and region {} any more.",
                    self.aws.account_id, self.aws.region
                ),
            },
            Ok(None) => Absence { proven: false, facts: format!("{ways}.") },
            Err(failure) => Absence { proven: false, facts: format!("What RDS knows about it could not be read ({failure}). {ways}.") },
        }
    }
}

fn open_to(instance: &super::Instance) -> String {
    let address = if instance.public { "It has a public address" } else { "It has no public address" };
    let groups = match instance.security_groups.as_slice() {
        [] => "it is in no security group".to_owned(),
        groups => format!("who may connect is decided by the inbound rules of {}", groups.join(", ")),
    };
    format!("The instance {} exists. {address}; {groups}.", instance.identifier)
}

/// The credentials in a secret: JSON with `username` and `password`. No error tells anything of the content.
pub(super) async fn secret(aws: &Aws, arn: &str) -> Result<Login, PgError> {
    let attribute = "admin_secret_arn";
    let about = |failure: Failure| PgError::Aws(Box::new(Failure { attribute: Some(attribute.to_owned()), ..failure }));
    let Some(value) = aws.secret_value(arn, "AWSCURRENT").await.map_err(about)? else {
        return Err(PgError::Credentials { message: format!("there is no secret {arn}, or it holds no value"), attribute });
    };
    let value = Zeroizing::new(value.text.unwrap_or_default());
    let malformed = || PgError::Credentials {
        message: format!("the secret {arn} is no JSON object with the texts `username` and `password`, as RDS keeps an administrator's"),
        attribute,
    };
    let parsed: Json = serde_json::from_str(&value).map_err(|_| malformed())?;
    let text = |name: &str| parsed.get(name).and_then(Json::as_str).map(str::to_owned);
    let (Some(user), Some(password)) = (text("username"), text("password")) else { return Err(malformed()) };
    Ok(Login { user, password: Zeroizing::new(password) })
}
