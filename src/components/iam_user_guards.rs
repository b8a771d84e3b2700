//! What keeps a user from being deleted: credentials, memberships and policies that this resource didn't give it.
//! `iam:DeleteUser` refuses them too, but only after the user's own parts are gone.

use super::{
    access_keys::{self, Use},
    iam::{foreign, if_there},
    settings::{Settings, text, texts},
};
use crate::{
    aws::{Aws, failure},
    graph::{Failure, Guard},
};

/// All items of a paginated list as names, none where the user has gone.
macro_rules! names {
    ($call:expr, $action:literal, $name:expr) => {{
        let items: Result<Vec<_>, _> = $call.into_paginator().items().send().collect().await;
        let items = if_there(items.map_err(|error| failure($action, error)))?.unwrap_or_default();
        items.iter().map($name).collect::<Vec<String>>()
    }};
}

/// Every guard that holds.
pub(super) async fn ask(aws: &Aws, user: &str, settings: &Settings) -> Result<Vec<Guard>, Failure> {
    let mut guards = credentials(aws, user).await?;
    let holder = format!("the user {user}");
    let policies = names!(aws.iam.list_attached_user_policies().user_name(user), "iam:ListAttachedUserPolicies", |policy| {
        policy.policy_arn().unwrap_or_default().to_owned()
    });
    guards.extend(foreign(&holder, "has managed policies attached", "detach", &policies, &[]));
    if let Some(ours) = texts(settings, "inline_policies") {
        let inline = names!(aws.iam.list_user_policies().user_name(user), "iam:ListUserPolicies", String::clone);
        guards.extend(foreign(&holder, "holds inline policies", "delete", &inline, &ours));
    }
    if let Some(ours) = texts(settings, "groups") {
        let groups = names!(aws.iam.list_groups_for_user().user_name(user), "iam:ListGroupsForUser", |group| {
            group.group_name().to_owned()
        });
        guards.extend(foreign(&holder, "is a member of groups", "remove it from", &groups, &ours));
    }
    if let Some(secret) = text(settings, "secret_name") {
        let keys = access_keys::inspect(aws, user, secret).await?;
        let mut used = Vec::new();
        for key in keys.unknown() {
            if let Use::By(service) = access_keys::last_use(aws, key).await?.0 {
                used.push(format!("{key} (used with {service})"));
            }
        }
        guards.extend(foreign(&holder, "has access keys", "delete", &used, &[]));
    }
    Ok(guards)
}

/// Credentials that this provider never makes.
async fn credentials(aws: &Aws, user: &str) -> Result<Vec<Guard>, Failure> {
    let holder = format!("the user {user}");
    let iam = &aws.iam;
    let mut guards = Vec::new();
    let login = iam.get_login_profile().user_name(user).send().await.map_err(|error| failure("iam:GetLoginProfile", error));
    let login: Vec<String> = if_there(login)?.map(|_| "console password".to_owned()).into_iter().collect();
    guards.extend(foreign(&holder, "can sign in to the console", "delete", &login, &[]));
    let devices = names!(iam.list_mfa_devices().user_name(user), "iam:ListMFADevices", |device| device.serial_number().to_owned());
    guards.extend(foreign(&holder, "has MFA devices", "deactivate", &devices, &[]));
    let keys = names!(iam.list_ssh_public_keys().user_name(user), "iam:ListSSHPublicKeys", |key| key.ssh_public_key_id().to_owned());
    guards.extend(foreign(&holder, "has SSH keys", "delete", &keys, &[]));
    let certificates = names!(iam.list_signing_certificates().user_name(user), "iam:ListSigningCertificates", |certificate| {
        certificate.certificate_id().to_owned()
    });
    guards.extend(foreign(&holder, "has signing certificates", "delete", &certificates, &[]));
    let reply = iam.list_service_specific_credentials().user_name(user).send().await;
    let reply = if_there(reply.map_err(|error| failure("iam:ListServiceSpecificCredentials", error)))?;
    let special: Vec<String> = (reply.iter().flat_map(|reply| reply.service_specific_credentials()))
        .map(|credential| format!("{} ({})", credential.service_specific_credential_id(), credential.service_name()))
        .collect();
    guards.extend(foreign(&holder, "has service-specific credentials", "delete", &special, &[]));
    Ok(guards)
}
