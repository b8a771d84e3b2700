//! The connection of an operation: who logs in, over which way, to what.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tf_provider::{Attr, Diagnostic, Diagnostics, Path, Value};
use zeroize::Zeroizing;

use super::model::{RdsUser, ViaSsh};
use crate::{
    aws::{
        Aws,
        session_manager::{SessionManager, Through},
    },
    components::postgres::{Admin, AdminLogins, Bound, Purpose, bound},
    graph::Kept,
    postgres::{
        Server, Target,
        tls::Roots,
        via::{Direct, Secret, Ssh, SshSettings, Ssm, SsmSettings, Way},
    },
    resources::bound::{Binding, Task},
};

/// Terraform keeps no write-only value for a destroy: these are libpq's own names.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";
const ROOTS_VARIABLE: &str = "PGSSLROOTCERT";
/// The SDK's own name for the endpoint of one service, which the plugin is told.
const SSM_ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL_SSM";

pub(super) fn bind(task: &Task<'_, RdsUser>, aws: &Arc<Aws>) -> Result<Binding, Diagnostics> {
    let model = task.model;
    if task.purpose == Purpose::Destroy && model.on_destroy.as_str() == Some("keep") {
        return Ok(Binding::Leave(kept(model)));
    }
    let (Attr::Known(host), Attr::Known(port)) = (&model.host, &model.port) else {
        return Ok(Binding::Blind(None));
    };
    let port = u16::try_from(*port).map_err(|_| vec![Diagnostic::error(Path::of("port"), "Not a port", "It takes 1 to 65535.")])?;
    let blind = task.purpose == Purpose::Read && lacks(model);
    if blind {
        return Ok(Binding::Blind(None));
    }
    let admin = admin(model, task.config)?;
    let timeout = Duration::from_secs(model.connect_timeout_s.known().and_then(|seconds| u64::try_from(*seconds).ok()).unwrap_or(15));
    let roots = roots(model)?;
    let server_name = model.server_name.known().unwrap_or(host).clone();
    let target = Target { host: host.clone(), port, server_name, roots, timeout };
    let logins = AdminLogins::new(Arc::clone(aws), admin, host, port);
    let server = Arc::new(Server::new(target, way(model, task.config, aws, timeout), Arc::new(logins)));
    let given = secret_of(task.config, "password_wo");
    let components = bound(&Arc::new(Bound::new(Arc::clone(&server), Arc::clone(aws), task.purpose, given)));
    Ok(Binding::Server(server, components))
}

/// Whether a read has no credentials: those that are write-only are gone by then.
fn lacks(model: &RdsUser) -> bool {
    let password =
        model.admin_secret_arn.is_null() && model.admin_iam_auth.known() != Some(&true) && std::env::var_os(PASSWORD_VARIABLE).is_none();
    let ssh = model.via.known().and_then(|via| via.ssh.known());
    password || ssh.is_some_and(|ssh| ssh.agent.known() != Some(&true))
}

fn kept(model: &RdsUser) -> Vec<Kept> {
    let user = model.username.as_str().unwrap_or_default();
    let mut all = vec![Kept {
        what: format!(
            "the user {user:?} on {} with its databases {}",
            model.host.as_str().unwrap_or_default(),
            model.database_names().join(", ")
        ),
        cost: String::new(),
    }];
    if let Some(name) = model.secret_name.as_str() {
        all.push(Kept { what: format!("the secret {name} with its password"), cost: "0.40 USD a month".to_owned() });
    }
    all
}

fn secret_of(config: &Value, name: &str) -> Option<Zeroizing<String>> {
    let text = config.get(name).as_str()?;
    tf_provider::log::mask(text);
    Some(Zeroizing::new(text.to_owned()))
}

fn admin(model: &RdsUser, config: &Value) -> Result<Admin, Diagnostics> {
    if let Some(arn) = model.admin_secret_arn.as_str() {
        return Ok(Admin::Secret(arn.to_owned()));
    }
    let Some(user) = model.admin_username.as_str() else {
        let detail = "Set admin_secret_arn, or admin_username with admin_password_wo or admin_iam_auth.";
        return Err(vec![Diagnostic::error(Path::of("admin_secret_arn"), "No administrator", detail)]);
    };
    if model.admin_iam_auth.known() == Some(&true) {
        return Ok(Admin::Iam(user.to_owned()));
    }
    let given = secret_of(config, "admin_password_wo");
    let password = given.or_else(|| std::env::var(PASSWORD_VARIABLE).ok().map(Zeroizing::new));
    Ok(Admin::Password(user.to_owned(), password))
}

/// Who may have signed the server's certificate.
fn roots(model: &RdsUser) -> Result<Roots, Diagnostics> {
    if let Some(pem) = model.ca_certificate.as_str() {
        return Ok(Roots::Pem(pem.to_owned()));
    }
    let Some(path) = std::env::var_os(ROOTS_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) else { return Ok(Roots::Rds) };
    std::fs::read_to_string(&path).map(Roots::Pem).map_err(|error| {
        let detail = format!("{ROOTS_VARIABLE} names {}, which can't be read: {error}. Set it right, or unset it.", path.display());
        vec![Diagnostic::error(Path::of("ca_certificate"), "The certificates can't be read", detail)]
    })
}

fn way(model: &RdsUser, config: &Value, aws: &Arc<Aws>, timeout: Duration) -> Arc<dyn Way> {
    let Some(via) = model.via.known() else { return Arc::new(Direct { timeout }) };
    if let Some(ssh) = via.ssh.known() {
        return Arc::new(Ssh::new(ssh_settings(ssh, config.get("via").get("ssh"), timeout)));
    }
    let Some(ssm) = via.ssm.known() else { return Arc::new(Direct { timeout }) };
    let through = match (&ssm.instance_id, &ssm.cluster_name) {
        (Attr::Known(instance), _) => Through::Instance(instance.clone()),
        (_, cluster) => Through::Cluster(cluster.known().cloned().unwrap_or_default()),
    };
    // The plugin needs credentials of its own only to take a broken connection up again: those of the environment.
    let settings = SsmSettings { profile: String::new(), timeout };
    let endpoint = std::env::var(SSM_ENDPOINT_VARIABLE).ok().or_else(|| aws.endpoint_url().map(str::to_owned));
    Arc::new(Ssm::new(Arc::new(SessionManager::new(Arc::clone(aws), through, endpoint)), settings))
}

fn ssh_settings(ssh: &ViaSsh, config: &Value, timeout: Duration) -> SshSettings {
    let secret = |name: &str| secret_of(config, name).map(|text| Secret::new(text.to_string()));
    SshSettings {
        host: ssh.host.known().cloned().unwrap_or_default(),
        port: ssh.port.known().and_then(|port| u16::try_from(*port).ok()).unwrap_or(22),
        user: ssh.user.known().cloned().unwrap_or_default(),
        private_key: secret("private_key_wo"),
        private_key_passphrase: secret("private_key_passphrase_wo"),
        agent: ssh.agent.known() == Some(&true),
        host_key: ssh.host_key.known().cloned(),
        known_hosts: ssh.known_hosts.known().cloned(),
        timeout,
    }
}
