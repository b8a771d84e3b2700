//! The provider block's attributes. The doc comments are the reference documentation. None of it is `Debug`: it holds secrets.

use std::collections::BTreeMap;

use tf_provider::{Attr, Model};

/// Installs what [Deeploy](https://deeploy.ml) needs on AWS: keys, buckets, roles and users with the settings that AWS's own
/// security standards ask for.
///
/// Without any attribute the provider works as the AWS CLI does: region and credentials come from the environment, the shared
/// files, IAM Identity Center (SSO), a container's or an instance's role. AWS is contacted when a resource first needs it,
/// and the account is checked before anything else.
#[derive(Default, Model)]
pub(super) struct ProviderBlock {
    /// Region, e.g. `eu-west-1`. By default `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's region, the instance's region.
    #[tf(optional)]
    pub(super) region: Attr<String>,
    /// Profile in the shared files. Its credentials go before keys in the environment. By default `AWS_PROFILE`, which goes after them.
    #[tf(optional)]
    pub(super) profile: Attr<String>,
    /// Files to read instead of `~/.aws/config`.
    #[tf(optional)]
    pub(super) shared_config_files: Attr<Vec<Attr<String>>>,
    /// Files to read instead of `~/.aws/credentials`.
    #[tf(optional)]
    pub(super) shared_credentials_files: Attr<Vec<Attr<String>>>,
    /// Access key id. Rather than here, set `AWS_ACCESS_KEY_ID` or use a profile: configurations are often shared.
    #[tf(optional, sensitive)]
    pub(super) access_key: Attr<String>,
    /// Secret access key of `access_key`.
    #[tf(optional, sensitive)]
    pub(super) secret_key: Attr<String>,
    /// Session token, where `access_key` is temporary.
    #[tf(optional, sensitive)]
    pub(super) token: Attr<String>,
    /// Roles to take on, one after the other: each with the credentials of the one before it.
    #[tf(optional)]
    pub(super) assume_role: Attr<Vec<Attr<AssumeRole>>>,
    /// A role to take on with the token of an identity provider, e.g. GitHub's or GitLab's, instead of with keys.
    /// Roles of `assume_role` follow it.
    #[tf(optional)]
    pub(super) assume_role_with_web_identity: Attr<AssumeRoleWithWebIdentity>,
    /// The only accounts that may be touched. Conflicts with `forbidden_account_ids`.
    #[tf(optional)]
    pub(super) allowed_account_ids: Attr<Vec<Attr<String>>>,
    /// Accounts that must not be touched. Conflicts with `allowed_account_ids`.
    #[tf(optional)]
    pub(super) forbidden_account_ids: Attr<Vec<Attr<String>>>,
    /// Tags of everything that has tags. A resource's own `tags` win.
    #[tf(optional)]
    pub(super) default_tags: Attr<DefaultTags>,
    /// Tags that others set: neither shown, nor removed, nor drift.
    #[tf(optional)]
    pub(super) ignore_tags: Attr<IgnoreTags>,
    /// Endpoint of every service, e.g. of an emulator. By default `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, AWS itself.
    #[tf(optional)]
    pub(super) endpoint_url: Attr<String>,
    /// Endpoints of single services, before all others. Keys: `iam`, `kms`, `s3`, `secretsmanager`, `sts`.
    #[tf(optional)]
    pub(super) endpoints: Attr<BTreeMap<String, Attr<String>>>,
    /// Use FIPS 140 endpoints. By default `AWS_USE_FIPS_ENDPOINT` or the profile's setting. Not with endpoints of your own.
    #[tf(optional)]
    pub(super) use_fips_endpoint: Attr<bool>,
    /// Use endpoints with IPv4 and IPv6. By default `AWS_USE_DUALSTACK_ENDPOINT` or the profile's setting. Not with endpoints of your own.
    #[tf(optional)]
    pub(super) use_dualstack_endpoint: Attr<bool>,
    /// Address buckets as `https://HOST/BUCKET` instead of `https://BUCKET.HOST`; emulators need it. By default `false`.
    #[tf(optional)]
    pub(super) s3_use_path_style: Attr<bool>,
    /// How often a call that failed for reasons of AWS or the network is repeated at once, 0 to 50. By default `AWS_MAX_ATTEMPTS` less one,
    /// the profile's setting, or 2. Beyond that the provider itself waits for what takes longer.
    #[tf(optional)]
    pub(super) max_retries: Attr<i64>,
    /// `standard` waits exponentially longer between repetitions, `adaptive` also slows down while AWS throttles.
    /// By default `AWS_RETRY_MODE`, the profile's setting, or `standard`.
    #[tf(optional)]
    pub(super) retry_mode: Attr<String>,
    /// PEM file of certificate authorities to trust beside the system's. By default `AWS_CA_BUNDLE`.
    #[tf(optional)]
    pub(super) custom_ca_bundle: Attr<String>,
    /// Proxy for `http://` endpoints. By default `HTTP_PROXY`.
    #[tf(optional, sensitive)]
    pub(super) http_proxy: Attr<String>,
    /// Proxy for `https://` endpoints, so for AWS itself. By default `HTTPS_PROXY`.
    #[tf(optional, sensitive)]
    pub(super) https_proxy: Attr<String>,
    /// Hosts to reach without a proxy, separated by commas. By default `NO_PROXY`.
    #[tf(optional)]
    pub(super) no_proxy: Attr<String>,
}

/// A role to take on.
#[derive(Default, Model)]
pub(super) struct AssumeRole {
    /// ARN of the role.
    #[tf(required)]
    pub(super) role_arn: Attr<String>,
    /// Name of the session, shown in CloudTrail. By default `terraform-provider-deeploy`.
    #[tf(optional)]
    pub(super) session_name: Attr<String>,
    /// What the role's owner demands of a third party.
    #[tf(optional)]
    pub(super) external_id: Attr<String>,
    /// Session policy, JSON. It only takes rights away.
    #[tf(optional)]
    pub(super) policy: Attr<String>,
    /// ARNs of managed policies as session policies, up to 10.
    #[tf(optional)]
    pub(super) policy_arns: Attr<Vec<Attr<String>>>,
    /// How long the credentials last, e.g. `1h` or `15m`, from 15 minutes to 12 hours. They are renewed. By default one hour;
    /// a role taken on by a role lasts at most that.
    #[tf(optional)]
    pub(super) duration: Attr<String>,
    /// Session tags.
    #[tf(optional)]
    pub(super) tags: Attr<BTreeMap<String, Attr<String>>>,
    /// Keys of `tags` that the next role of the chain gets too.
    #[tf(optional)]
    pub(super) transitive_tag_keys: Attr<Vec<Attr<String>>>,
    /// The person or system behind the session, kept through the whole chain and shown in CloudTrail.
    #[tf(optional)]
    pub(super) source_identity: Attr<String>,
}

/// A role to take on with an identity provider's token.
#[derive(Default, Model)]
pub(super) struct AssumeRoleWithWebIdentity {
    /// ARN of the role.
    #[tf(required)]
    pub(super) role_arn: Attr<String>,
    /// Name of the session, shown in CloudTrail. By default `terraform-provider-deeploy`.
    #[tf(optional)]
    pub(super) session_name: Attr<String>,
    /// The token. Either this or `web_identity_token_file`.
    #[tf(optional, sensitive)]
    pub(super) web_identity_token: Attr<String>,
    /// A file with the token, read again whenever the credentials are renewed. Either this or `web_identity_token`.
    #[tf(optional)]
    pub(super) web_identity_token_file: Attr<String>,
    /// How long the credentials last, e.g. `1h` or `15m`, from 15 minutes to 12 hours. They are renewed. By default one hour.
    #[tf(optional)]
    pub(super) duration: Attr<String>,
    /// Session policy, JSON. It only takes rights away.
    #[tf(optional)]
    pub(super) policy: Attr<String>,
    /// ARNs of managed policies as session policies, up to 10.
    #[tf(optional)]
    pub(super) policy_arns: Attr<Vec<Attr<String>>>,
}

/// Tags of everything.
#[derive(Default, Model)]
pub(super) struct DefaultTags {
    /// The tags. Keys that begin with `aws:` or `deeploy:` are AWS's and the provider's own.
    #[tf(optional)]
    pub(super) tags: Attr<BTreeMap<String, Attr<String>>>,
}

/// Tags of others.
#[derive(Default, Model)]
pub(super) struct IgnoreTags {
    /// Whole keys.
    #[tf(optional)]
    pub(super) keys: Attr<Vec<Attr<String>>>,
    /// Beginnings of keys.
    #[tf(optional)]
    pub(super) key_prefixes: Attr<Vec<Attr<String>>>,
}
