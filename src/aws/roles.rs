//! Credentials of roles. The SDK's own providers know neither source identities, transitive tags nor tokens from a configuration.

use std::{fmt, io, time::Duration};

use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, error::CredentialsError, future},
};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};

use super::{
    error::failure,
    settings::{Role, RoleSession, Token, WebIdentity},
};
use crate::graph::Failure;

/// The session's name where none is configured: CloudTrail shows it.
const SESSION_NAME: &str = "terraform-provider-deeploy";

/// A role that could not be taken on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RoleError {
    /// AWS refused, or was not reached.
    #[error("{role_arn}: {failure}")]
    Refused {
        /// Which `assume_role`, from 0; `None`: the web identity.
        position: Option<usize>,
        /// The role.
        role_arn: String,
        /// Why.
        failure: Failure,
    },
    /// The token's file can't be read.
    #[error("{path}: {cause}")]
    Token {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
}

/// One `assume_role`, on the credentials of its client.
pub(super) struct AssumeRole {
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) role: Role,
    pub(super) position: usize,
}

/// `assume_role_with_web_identity`: its client needs no credentials.
pub(super) struct AssumeRoleWithWebIdentity {
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) identity: WebIdentity,
}

impl AssumeRole {
    async fn assume(&self) -> provider::Result {
        let Role { session, external_id, source_identity, tags, transitive_tag_keys } = &self.role;
        let mut call = self
            .sts
            .assume_role()
            .role_arn(&session.role_arn)
            .role_session_name(session.session_name.as_deref().unwrap_or(SESSION_NAME))
            .set_duration_seconds(session.duration_seconds())
            .set_policy(session.policy.clone())
            .set_policy_arns(session.policies())
            .set_external_id(external_id.clone())
            .set_source_identity(source_identity.clone());
        for (key, value) in tags {
            // Only a missing key fails.
            call = call.tags(Tag::builder().key(key).value(value).build().map_err(CredentialsError::invalid_configuration)?);
        }
        for key in transitive_tag_keys {
            call = call.transitive_tag_keys(key);
        }
        let reply = call.send().await.map_err(|error| {
            let failure = failure("sts:AssumeRole", error);
            CredentialsError::provider_error(RoleError::Refused {
                position: Some(self.position),
                role_arn: session.role_arn.clone(),
                failure,
            })
        })?;
        credentials(reply.credentials)
    }
}

impl AssumeRoleWithWebIdentity {
    async fn assume(&self) -> provider::Result {
        let session = &self.identity.session;
        let token = match &self.identity.token {
            Token::Text(token) => token.0.clone(),
            Token::File(path) => read_token(path).map_err(CredentialsError::provider_error)?,
        };
        let call = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&session.role_arn)
            .role_session_name(session.session_name.as_deref().unwrap_or(SESSION_NAME))
            .web_identity_token(token)
            .set_duration_seconds(session.duration_seconds())
            .set_policy(session.policy.clone())
            .set_policy_arns(session.policies());
        let reply = call.send().await.map_err(|error| {
            let failure = failure("sts:AssumeRoleWithWebIdentity", error);
            CredentialsError::provider_error(RoleError::Refused { position: None, role_arn: session.role_arn.clone(), failure })
        })?;
        credentials(reply.credentials)
    }
}

/// The token in a file, without the line's end that editors add.
fn read_token(path: &str) -> Result<String, RoleError> {
    let text = std::fs::read_to_string(super::http::expand_home(path));
    text.map(|text| text.trim().to_owned())
        .and_then(|token| if token.is_empty() { Err(io::Error::other("it is empty")) } else { Ok(token) })
        .map_err(|error| RoleError::Token { path: path.to_owned(), cause: error.to_string() })
}

impl RoleSession {
    fn duration_seconds(&self) -> Option<i32> {
        self.duration.as_ref().map(Duration::as_secs).and_then(|seconds| i32::try_from(seconds).ok())
    }

    fn policies(&self) -> Option<Vec<PolicyDescriptorType>> {
        let policies = self.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
        (!self.policy_arns.is_empty()).then(|| policies.collect())
    }
}

/// STS's credentials as the SDK's.
fn credentials(found: Option<aws_sdk_sts::types::Credentials>) -> provider::Result {
    let found = found.ok_or_else(|| CredentialsError::unhandled("STS answered without credentials"))?;
    let expiry = found.expiration.try_into().map_err(CredentialsError::unhandled)?;
    Ok(Credentials::new(found.access_key_id, found.secret_access_key, Some(found.session_token), Some(expiry), "assume_role"))
}

impl ProvideCredentials for AssumeRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

impl ProvideCredentials for AssumeRoleWithWebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

impl fmt::Debug for AssumeRole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("AssumeRole").field(&self.role.session.role_arn).finish()
    }
}

impl fmt::Debug for AssumeRoleWithWebIdentity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("AssumeRoleWithWebIdentity").field(&self.identity.session.role_arn).finish()
    }
}
