//! How to reach AWS: the provider block, checked and wholly known.

use std::{collections::BTreeMap, fmt, time::Duration};

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(secret)")
    }
}

/// Where AWS is and who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// E.g. `eu-west-1`; `None`: environment, profile, instance metadata.
    pub region: Option<String>,
    /// The profile in the shared files; goes before keys in the environment.
    pub profile: Option<String>,
    /// Instead of `~/.aws/config`.
    pub shared_config_files: Vec<String>,
    /// Instead of `~/.aws/credentials`.
    pub shared_credentials_files: Vec<String>,
    /// Keys from the provider block.
    pub keys: Option<Keys>,
    /// Credentials from an identity provider's token, instead of keys.
    pub web_identity: Option<WebIdentity>,
    /// Roles to take on, one after the other.
    pub roles: Vec<Role>,
    /// Which accounts may be touched.
    pub accounts: Accounts,
    /// The endpoint of every service.
    pub endpoint_url: Option<String>,
    /// Endpoints of single services; they go before all others.
    pub endpoints: BTreeMap<Service, String>,
    /// FIPS endpoints; `None`: the SDK's own settings.
    pub use_fips_endpoint: Option<bool>,
    /// Endpoints with IPv6; `None`: the SDK's own settings.
    pub use_dualstack_endpoint: Option<bool>,
    /// `https://host/bucket` instead of `https://bucket.host`.
    pub s3_use_path_style: bool,
    /// How often the SDK repeats a call; `None`: the SDK's own settings.
    pub max_retries: Option<u32>,
    /// How it waits between them.
    pub retry_mode: Option<RetryMode>,
    /// A PEM file of certificate authorities trusted beside the system's.
    pub custom_ca_bundle: Option<String>,
    /// Proxies.
    pub proxies: Proxies,
}

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Access key id.
    pub access_key: Secret,
    /// Secret access key.
    pub secret_key: Secret,
    /// Session token of temporary credentials.
    pub token: Option<Secret>,
}

/// What both ways of taking on a role have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSession {
    /// The role.
    pub role_arn: String,
    /// The session's name in CloudTrail.
    pub session_name: Option<String>,
    /// How long the credentials last; the SDK renews them.
    pub duration: Option<Duration>,
    /// A session policy, JSON: it only takes rights away.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Vec<String>,
}

/// One `assume_role`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// The role and its session.
    pub session: RoleSession,
    /// What the role's owner demands from a third party.
    pub external_id: Option<String>,
    /// The person behind the session, for CloudTrail.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Session tags that the next role in the chain gets too.
    pub transitive_tag_keys: Vec<String>,
}

/// `assume_role_with_web_identity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// The role and its session.
    pub session: RoleSession,
    /// The identity provider's token.
    pub token: Token,
}

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Here.
    Text(Secret),
    /// In a file, which is read again whenever the credentials are renewed.
    File(String),
}

/// Which accounts may be touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Accounts {
    /// Every one.
    #[default]
    Any,
    /// Only these.
    Allowed(Vec<String>),
    /// Every one but these.
    Forbidden(Vec<String>),
}

impl Accounts {
    /// Whether this account may be touched.
    #[must_use]
    pub fn admit(&self, account_id: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Allowed(ids) => ids.iter().any(|id| id == account_id),
            Self::Forbidden(ids) => ids.iter().all(|id| id != account_id),
        }
    }
}

/// A service with an endpoint of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Identity and Access Management.
    Iam,
    /// Key Management Service.
    Kms,
    /// Simple Storage Service.
    S3,
    /// Secrets Manager.
    SecretsManager,
    /// Security Token Service.
    Sts,
}

impl Service {
    /// Every service that this provider calls, by its name in `endpoints`.
    pub const ALL: [(&'static str, Self); 5] =
        [("iam", Self::Iam), ("kms", Self::Kms), ("s3", Self::S3), ("secretsmanager", Self::SecretsManager), ("sts", Self::Sts)];

    /// The service of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, service)| *service)
    }
}

/// How the SDK waits before it repeats a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryMode {
    /// Exponential, with jitter.
    Standard,
    /// Also slows down all calls while AWS throttles.
    Adaptive,
}

/// Proxies of the provider block; what is `None` comes from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http://` endpoints.
    pub http: Option<Secret>,
    /// For `https://` endpoints.
    pub https: Option<Secret>,
    /// Hosts that are reached directly, separated by commas.
    pub none: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_admitted_by_list() {
        let ids = || vec!["111111111111".to_owned(), "222222222222".to_owned()];
        for (accounts, first, third) in
            [(Accounts::Any, true, true), (Accounts::Allowed(ids()), true, false), (Accounts::Forbidden(ids()), false, true)]
        {
            assert_eq!((accounts.admit("111111111111"), accounts.admit("333333333333")), (first, third), "{accounts:?}");
        }
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let canary = || Secret("canary-7f3a".into());
        let settings = Settings {
            keys: Some(Keys { access_key: canary(), secret_key: canary(), token: Some(canary()) }),
            web_identity: Some(WebIdentity { session: RoleSession::default(), token: Token::Text(canary()) }),
            proxies: Proxies { http: Some(canary()), https: Some(canary()), none: None },
            ..Settings::default()
        };
        assert!(!format!("{settings:?}").contains("canary"));
    }
}
