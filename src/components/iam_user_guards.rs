//! What keeps a user from being deleted: credentials, access keys, memberships and policies that this resource
//! didn't give it.
//! `iam:DeleteUser` refuses them too, but only after the user's own parts are gone.

use aws_sdk_iam::operation::list_service_specific_credentials::ListServiceSpecificCredentialsOutput;

use super::{
    access_key::{
        stored::inspect,
        user_keys::{UserKey, in_use, of_user, remove},
    },
    iam::{all, foreign},
    settings::{Settings, failure as refusal, text, texts},
};
use crate::{
    aws::{Absent, Aws},
    graph::{Class, Failure, Guard},
};

/// Every guard that holds.
pub(super) async fn ask(aws: &Aws, user: &str, settings: &Settings) -> Result<Vec<Guard>, Failure> {
    let iam = &aws.iam;
    let holder = format!("the user {user}");
    let mut guards = credentials(aws, user, &holder).await?;
    if texts(settings, "access_keys").is_some() {
        let (_, others) = keys(aws, user, settings).await?;
        guards.extend(foreign(&holder, "has access keys in use", "delete", &in_use(aws, &others).await?, &[]));
    }
    let policies = all!(iam.list_attached_user_policies().user_name(user), "iam:ListAttachedUserPolicies")?;
    let policies: Vec<_> = policies.iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)).collect();
    guards.extend(foreign(&holder, "has managed policies attached", "detach", &policies, &[]));
    if let Some(ours) = texts(settings, "inline_policies") {
        let inline = all!(iam.list_user_policies().user_name(user), "iam:ListUserPolicies")?;
        guards.extend(foreign(&holder, "holds inline policies", "delete", &inline, &ours));
    }
    if let Some(ours) = texts(settings, "groups") {
        let groups = all!(iam.list_groups_for_user().user_name(user), "iam:ListGroupsForUser")?;
        let groups: Vec<_> = groups.iter().map(|group| group.group_name().to_owned()).collect();
        guards.extend(foreign(&holder, "is a member of groups", "remove it from", &groups, &ours));
    }
    Ok(guards)
}

/// The user's access keys: the ids of ours, and the others. Ours are those that state knows, and those that the secret holds: a resource that no longer
/// wants a user has none of its keys in state.
async fn keys(aws: &Aws, user: &str, settings: &Settings) -> Result<(Vec<String>, Vec<UserKey>), Failure> {
    let ours = texts(settings, "access_keys").unwrap_or_default();
    let (mut stored, rest) = match text(settings, "secret") {
        Some(secret) => {
            let keys = inspect(aws, user, secret).await?;
            (keys.current.map(|(key, _)| key).into_iter().chain(keys.previous).collect::<Vec<_>>(), keys.unknown)
        }
        None => (Vec::new(), of_user(aws, user).await?.unwrap_or_default()),
    };
    let (own, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|key| ours.contains(&key.id));
    stored.extend(own.into_iter().map(|key| key.id));
    Ok((stored, others))
}

/// Deletes the access keys that are left, which are those of a secret that is gone: ours, and those that nobody uses. Says how many.
///
/// # Errors
/// [`Class::Conflict`] names those that somebody uses; then none is deleted.
pub(super) async fn remove_keys(aws: &Aws, user: &str, settings: &Settings) -> Result<usize, Failure> {
    let (mut left, others) = keys(aws, user, settings).await?;
    let used = in_use(aws, &others).await?;
    if !used.is_empty() {
        let message = format!("the user {user} has access keys in use, not made by this resource: {}; delete them first", used.join(", "));
        return Err(refusal(Class::Conflict, "iam:DeleteUser", message));
    }
    left.extend(others.into_iter().map(|key| key.id));
    for key in &left {
        remove(aws, user, key).await?;
    }
    Ok(left.len())
}

/// Credentials that this provider never makes.
async fn credentials(aws: &Aws, user: &str, holder: &str) -> Result<Vec<Guard>, Failure> {
    let iam = &aws.iam;
    let mut guards = Vec::new();
    let login = iam.get_login_profile().user_name(user).send().await.absent("iam:GetLoginProfile")?;
    let login: Vec<_> = login.map(|_| "console password".to_owned()).into_iter().collect();
    guards.extend(foreign(holder, "can sign in to the console", "delete", &login, &[]));
    let devices = all!(iam.list_mfa_devices().user_name(user), "iam:ListMFADevices")?;
    let devices: Vec<_> = devices.iter().map(|device| device.serial_number().to_owned()).collect();
    guards.extend(foreign(holder, "has MFA devices", "deactivate", &devices, &[]));
    let keys = all!(iam.list_ssh_public_keys().user_name(user), "iam:ListSSHPublicKeys")?;
    let keys: Vec<_> = keys.iter().map(|key| key.ssh_public_key_id().to_owned()).collect();
    guards.extend(foreign(holder, "has SSH keys", "delete", &keys, &[]));
    let certificates = all!(iam.list_signing_certificates().user_name(user), "iam:ListSigningCertificates")?;
    let certificates: Vec<_> = certificates.iter().map(|certificate| certificate.certificate_id().to_owned()).collect();
    guards.extend(foreign(holder, "has signing certificates", "delete", &certificates, &[]));
    let special = iam.list_service_specific_credentials().user_name(user).send().await.absent("iam:ListServiceSpecificCredentials")?;
    let special: Vec<_> = (special.iter().flat_map(ListServiceSpecificCredentialsOutput::service_specific_credentials))
        .map(|credential| format!("{} ({})", credential.service_specific_credential_id(), credential.service_name()))
        .collect();
    guards.extend(foreign(holder, "has service-specific credentials", "delete", &special, &[]));
    Ok(guards)
}
