//! What keeps a user from being deleted: credentials, memberships and policies that this resource didn't give it.
//! `iam:DeleteUser` refuses them too, but only after the user's own parts are gone.

use aws_sdk_iam::operation::list_service_specific_credentials::ListServiceSpecificCredentialsOutput;

use super::{
    iam::{all, foreign},
    settings::{Settings, texts},
};
use crate::{
    aws::{Absent, Aws},
    graph::{Failure, Guard},
};

/// Every guard that holds.
pub(super) async fn ask(aws: &Aws, user: &str, settings: &Settings) -> Result<Vec<Guard>, Failure> {
    let iam = &aws.iam;
    let holder = format!("the user {user}");
    let mut guards = credentials(aws, user, &holder).await?;
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
