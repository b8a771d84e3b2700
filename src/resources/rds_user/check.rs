//! What no single attribute shows to be wrong.

use tf_provider::{Attr, Diagnostic, Diagnostics, Path};

use super::{
    model::{RdsUser, Via},
    nodes::alternates,
};

/// A user's name less what alternating adds.
const ALTERNATING_BYTES_MAX: usize = 61;

fn error(attribute: &str, summary: &str, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Path::of(attribute), summary, detail)
}

/// What the user wrote, with the write-only values.
pub(super) fn written(model: &RdsUser) -> Diagnostics {
    let mut found = administrator(model);
    if !model.password_wo.is_null() && model.alternate_users.known() == Some(&true) {
        found.push(error(
            "alternate_users",
            "Two users with one password",
            "With password_wo nothing rotates: leave alternate_users out, or password_wo.",
        ));
    }
    if !model.password_wo.is_null() && !model.password_rotation.is_null() {
        let detail =
            "The password is yours: another password_wo_version sets another one. password_rotation is for passwords that are made here.";
        found.push(error("password_rotation", "A rotation of a given password", detail));
    }
    if let Some(via) = model.via.known() {
        found.extend(way(via));
    }
    found
}

fn administrator(model: &RdsUser) -> Diagnostics {
    let by_secret = !model.admin_secret_arn.is_null();
    let (user, iam) = (!model.admin_username.is_null(), model.admin_iam_auth.known() == Some(&true));
    let password = !model.admin_password_wo.is_null();
    let ways = "It takes one of: admin_secret_arn; admin_username and admin_password_wo; admin_username and admin_iam_auth = true.";
    match (by_secret, user, iam, password) {
        (false, true, false, false) if !model.admin_iam_auth.is_unknown() => {
            vec![error(
                "admin_username",
                "An administrator without credentials",
                format!("{ways} (admin_password_wo needs Terraform 1.11.)"),
            )]
        }
        // Exactly one; or whether it is one is yet unknown.
        (true, false, false, false) | (false, true, true, false) | (false, true, false, _) => Vec::new(),
        (false, false, ..) => vec![error("admin_secret_arn", "No administrator", format!("Somebody has to make the user. {ways}"))],
        _ => vec![error("admin_secret_arn", "More than one administrator", ways)],
    }
}

fn way(via: &Via) -> Diagnostics {
    let mut found = Vec::new();
    match (&via.ssh, &via.ssm) {
        (Attr::Null, Attr::Null) => found.push(error("via", "No way", "Set `ssh` or `ssm`, or leave `via` out.")),
        (Attr::Null, _) | (_, Attr::Null) => {}
        _ => found.push(error("via", "Two ways", "Set one of `ssh` and `ssm`.")),
    }
    if let Some(ssh) = via.ssh.known() {
        if ssh.host_key.is_null() && ssh.known_hosts.is_null() {
            let detail = "Set `known_hosts` (the text of the file) or `host_key`, so that the bastion can be told from somebody in between: an unknown key is never trusted.";
            found.push(error("via.ssh.host_key", "A bastion that nobody can recognise", detail));
        }
        if ssh.private_key_wo.is_null() && ssh.agent.known() != Some(&true) && !ssh.agent.is_unknown() {
            found.push(error(
                "via.ssh.private_key_wo",
                "Nothing to log in with",
                "Set private_key_wo, or agent = true for the keys of a running ssh-agent.",
            ));
        }
    }
    if let Some(ssm) = via.ssm.known()
        && ssm.instance_id.is_null() == ssm.cluster_name.is_null()
    {
        found.push(error("via.ssm.instance_id", "No managed instance", "Set one of `instance_id` and `cluster_name`."));
    }
    found
}

/// Names that stand in each other's way.
pub(super) fn model(model: &RdsUser) -> Diagnostics {
    let mut found = Vec::new();
    let Some(user) = model.username.as_str() else { return found };
    if model.admin_username.as_str() == Some(user) {
        found.push(error(
            "username",
            "The administrator itself",
            format!("{user:?} administers the server. Choose another name for Deeploy's user."),
        ));
    }
    if model.reassign_to.as_str() == Some(user) {
        found.push(error(
            "reassign_to",
            "The user itself",
            format!("{user:?} is the one that goes. Name another role, or nobody: then it is the administrator."),
        ));
    }
    if model.alternate_users.known() == Some(&true) && user.len() > ALTERNATING_BYTES_MAX {
        found.push(error(
            "username",
            "Too long to alternate",
            format!("alternate_users adds two characters to the {} bytes, and PostgreSQL takes 63.", user.len()),
        ));
    }
    if model.on_destroy.as_str() == Some("keep") && model.drop_databases.known() == Some(&true) {
        found.push(error(
            "drop_databases",
            "Kept and dropped",
            "on_destroy = \"keep\" leaves everything as it is: leave drop_databases out.",
        ));
    }
    found.extend(readers(model, user));
    found
}

fn readers(model: &RdsUser, user: &str) -> Diagnostics {
    let taken = [vec![user.to_owned()], alternates(user).to_vec()].concat();
    let legal = super::names::role();
    let mut found = Vec::new();
    for name in model.read_only_users.known().into_iter().flatten().map(|(name, _)| name) {
        let path = Path::of("read_only_users").key(name);
        if taken.contains(name) {
            found.push(Diagnostic::error(
                path,
                "A user twice",
                format!("{name:?} is the user itself, or one of its logins. Choose another name."),
            ));
        } else {
            found.extend(legal(&tf_provider::Value::from(name.as_str()), &path));
        }
    }
    found
}

/// What never changes.
pub(super) fn change(model: &RdsUser, prior: &RdsUser) -> Diagnostics {
    let Some(before) = prior.secret_name.as_str() else { return Vec::new() };
    if model.username != prior.username || model.secret_name.is_unknown() || model.secret_name.as_str() == Some(before) {
        return Vec::new();
    }
    let detail = format!(
        "The user's credentials are in {before}, and what reads them would find nothing there any more. Set it back. To move them, make a second user with the other secret, move Deeploy to it, \
         and destroy this one with on_destroy = \"reassign\" and reassign_to the second."
    );
    vec![error("secret_name", "The secret can't be exchanged", detail)]
}
