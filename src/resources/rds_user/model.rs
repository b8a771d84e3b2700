//! The attributes.

use std::collections::BTreeMap;

use tf_provider::{Attr, Model, Set, Value};

use super::names;
use crate::resources::{checks, shared::Shared};

/// A PostgreSQL user and the databases that it owns, on an instance of RDS that may be made in the same apply.
///
/// The password is made here and goes to AWS Secrets Manager, and to the server only as a SCRAM verifier: it is in no state, plan or log. The connection is
/// this resource's own, checked against the certificates of RDS, directly, over an SSH bastion or over Session Manager. Its administrator needs
/// CREATEROLE and CREATEDB, as RDS's master user has; superuser rights are not needed.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct RdsUser {
    /// The server's host name, e.g. `deeploy_environment.production.database.endpoint`. Another one (after a restore) is looked at with the next apply: what is
    /// there of this resource stays, the rest is made.
    #[tf(required, validate(names::host()), note(change = "live"))]
    pub host: Attr<String>,
    /// The server's port.
    #[tf(optional, computed, default = 5432, validate(checks::between(1, 65_535)), note(change = "live"))]
    pub port: Attr<i64>,
    /// ARN of the secret with the administrator's `username` and `password`, e.g. the one that RDS manages. It is read on each connection, and once more
    /// when the server refuses what it held, since RDS exchanges it every seven days.
    #[tf(optional, validate(checks::arn_of("secretsmanager", "secret:")), note(change = "live"))]
    pub admin_secret_arn: Attr<String>,
    /// Name of the administrator, with `admin_password_wo` or `admin_iam_auth`.
    #[tf(optional, validate(checks::length(1, 63)), note(change = "live"))]
    pub admin_username: Attr<String>,
    /// Password of the administrator. Only an apply that makes or changes something has it: a refresh shows the state as it was, and a destroy takes `PGPASSWORD`
    /// from Terraform's environment.
    #[tf(optional, sensitive, write_only)]
    pub admin_password_wo: Attr<String>,
    /// Any number; another one says that `admin_password_wo` is another.
    #[tf(optional, note(change = "live"))]
    pub admin_password_wo_version: Attr<i64>,
    /// Whether the administrator logs in with a token of IAM: it must be a member of `rds_iam`, and the caller needs `rds-db:connect`.
    #[tf(optional, computed, default = false, note(change = "live"))]
    pub admin_iam_auth: Attr<bool>,
    /// Name of the user.
    #[tf(required, replace, validate(names::role()), note(change = "replace"))]
    pub username: Attr<String>,
    /// Databases that the user owns. Nobody else may connect to them but the administrator and `read_only_users`. The first one is `dbname` in the secret.
    #[tf(optional, computed, default = names::default_databases, validate(names::databases()), note(change = "live"))]
    pub databases: Attr<Vec<Attr<String>>>,
    /// Extensions that are installed in each database, so that the user needs no right to.
    #[tf(optional, computed, default = names::default_extensions, note(change = "live"))]
    pub extensions: Attr<Set<String>>,
    /// Users that may read everything in the databases, also what is made later, and nothing more, by name. Each has a secret of its own.
    #[tf(optional, note(change = "live"))]
    pub read_only_users: Attr<BTreeMap<String, Attr<ReadOnlyUser>>>,
    /// Whether two users take turns, `USERNAME_1` and `USERNAME_2`, that act as USERNAME: a rotation then gives the other one a new password, and who still has the
    /// previous one can log in until the next rotation, as with AWS's alternating-users rotation.
    #[tf(optional, computed, default = false, note(change = "live"))]
    pub alternate_users: Attr<bool>,
    /// How many sessions the user may have at once; -1: no limit.
    #[tf(optional, computed, default = -1, validate(checks::between(-1, 262_143)), note(change = "live"))]
    pub connection_limit: Attr<i64>,
    /// Name of the secret with the user's credentials: JSON with `username`, `password`, `host`, `port`, `engine`, `dbname`. By default
    /// `deeploy/USERNAME/database`, and none with `password_wo`.
    #[tf(optional, computed, validate(checks::secret_name()), note(change = "fixed"))]
    pub secret_name: Attr<String>,
    /// ARN of the KMS key that the secrets are encrypted with; by default AWS's own key for Secrets Manager.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live"))]
    pub secret_kms_key_arn: Attr<String>,
    /// Days that the deleted secrets can be restored, 7 to 30.
    #[tf(optional, computed, default = 30, validate(checks::between(7, 30)), note(change = "live"))]
    pub secret_recovery_window_in_days: Attr<i64>,
    /// The user's password, where it is yours; by default one is made. It is never in plan or state.
    #[tf(optional, sensitive, write_only)]
    pub password_wo: Attr<String>,
    /// Any number; another one says that `password_wo` is another, and sets it.
    #[tf(optional, note(change = "live"))]
    pub password_wo_version: Attr<i64>,
    /// Any text, e.g. a date. Another text makes another password and stores it. PostgreSQL holds one password a user: whoever still has the old one is refused at
    /// the next login (pods have to be restarted), unless `alternate_users` is true.
    #[tf(optional, validate(checks::length(1, 256)), note(change = "live"))]
    pub password_rotation: Attr<String>,
    /// What a destroy does with what the user owns. `fail`: it is refused while there is a table. `reassign`: everything is handed to `reassign_to`, in every
    /// database of the server. `keep`: the user, the databases and the secret stay as they are, and nobody connects.
    #[tf(optional, computed, default = "fail", validate(checks::one_of(&["fail", "reassign", "keep"])), note(change = "live"))]
    pub on_destroy: Attr<String>,
    /// Who gets it with `on_destroy = "reassign"`; by default the administrator.
    #[tf(optional, validate(names::role()), note(change = "live"))]
    pub reassign_to: Attr<String>,
    /// Whether a destroy drops databases that hold tables. Empty ones are dropped anyway.
    #[tf(optional, computed, default = false, note(change = "live"))]
    pub drop_databases: Attr<bool>,
    /// Certificates, PEM, of who may have signed the server's; by default the file that `PGSSLROOTCERT` names, else those of RDS
    /// in the regions that AWS had in 2024. In China, GovCloud and newer regions give RDS's bundle of the region here.
    #[tf(optional, validate(names::certificates()), note(change = "live"))]
    pub ca_certificate: Attr<String>,
    /// The name in the server's certificate, where it isn't `host`.
    #[tf(optional, note(change = "live"))]
    pub server_name: Attr<String>,
    /// How long a connection may take, in seconds, with every try.
    #[tf(optional, computed, default = 15, validate(checks::between(1, 600)), note(change = "live"))]
    pub connect_timeout_s: Attr<i64>,
    /// The way to the server, where it isn't in reach of the machine that runs Terraform: one of `ssh` and `ssm`.
    #[tf(optional, note(change = "live"))]
    pub via: Attr<Via>,
    /// ARN of the secret.
    #[tf(computed)]
    pub secret_arn: Attr<String>,
    /// Id of the secret's version with the current password.
    #[tf(computed)]
    pub secret_version_id: Attr<String>,
    /// The server's version, e.g. `17.2`.
    #[tf(computed)]
    pub server_version: Attr<String>,
    /// What every resource of several objects has.
    #[tf(flatten)]
    pub shared: Shared,
}

/// A user that may read the databases and nothing more.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct ReadOnlyUser {
    /// Name of the secret with its credentials; by default the user's `secret_name` with `/NAME` behind it.
    #[tf(optional, validate(checks::secret_name()), note(change = "fixed"))]
    pub secret_name: Attr<String>,
    /// How many sessions it may have at once; by default no limit.
    #[tf(optional, validate(checks::between(-1, 262_143)), note(change = "live"))]
    pub connection_limit: Attr<i64>,
}

/// A way to a server in a private network. The server's name is checked in its certificate all the same.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Via {
    /// Through an SSH bastion.
    #[tf(optional)]
    pub ssh: Attr<ViaSsh>,
    /// Through Session Manager, by AWS's session-manager-plugin, which has to be on the PATH.
    #[tf(optional)]
    pub ssm: Attr<ViaSsm>,
}

/// A bastion.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct ViaSsh {
    /// Its host name or address.
    #[tf(required, validate(names::host()))]
    pub host: Attr<String>,
    /// Its port; 22 by default.
    #[tf(optional, validate(checks::between(1, 65_535)))]
    pub port: Attr<i64>,
    /// Who logs in there.
    #[tf(required, validate(checks::length(1, 255)))]
    pub user: Attr<String>,
    /// The private key, in OpenSSH's or PEM's format. Only an apply that makes or changes something has it: a refresh then shows the state as it was, and a destroy
    /// needs `agent`.
    #[tf(optional, sensitive, write_only)]
    pub private_key_wo: Attr<String>,
    /// The passphrase of the private key.
    #[tf(optional, sensitive, write_only)]
    pub private_key_passphrase_wo: Attr<String>,
    /// Whether the keys of a running ssh-agent (`SSH_AUTH_SOCK`) are used.
    #[tf(optional)]
    pub agent: Attr<bool>,
    /// The bastion's public key, e.g. `ssh-ed25519 AAAA…`. One of this and `known_hosts` is needed: an unknown key is never trusted.
    #[tf(optional)]
    pub host_key: Attr<String>,
    /// The text of a known_hosts file, e.g. `file("~/.ssh/known_hosts")`.
    #[tf(optional)]
    pub known_hosts: Attr<String>,
}

/// A way through Session Manager.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct ViaSsm {
    /// Id of a managed instance that reaches the database.
    #[tf(optional)]
    pub instance_id: Attr<String>,
    /// Name of an EKS cluster with `ssm_access`: any of its nodes is taken.
    #[tf(optional)]
    pub cluster_name: Attr<String>,
}

/// The names of a list or set that are known.
pub(super) fn known<'a>(items: impl IntoIterator<Item = &'a Attr<String>>) -> Vec<String> {
    items.into_iter().filter_map(|item| item.known().cloned()).collect()
}

impl RdsUser {
    /// Databases by name, in the user's order.
    pub(super) fn database_names(&self) -> Vec<String> {
        self.databases.known().map(known).unwrap_or_default()
    }

    /// Whether there is a secret; unknown while its name is.
    pub(super) fn has_secret(&self) -> bool {
        !self.secret_name.is_null()
    }

    /// `host:port/username`; unknown while a part is.
    pub(super) fn address(&self) -> Attr<String> {
        match (&self.host, &self.port, &self.username) {
            (Attr::Known(host), Attr::Known(port), Attr::Known(user)) => Attr::Known(format!("{host}:{port}/{user}")),
            _ => Attr::Unknown,
        }
    }
}

/// A list of texts.
pub(super) fn texts(names: &[&str]) -> Value {
    Value::List(names.iter().map(|name| Value::from(*name)).collect())
}
