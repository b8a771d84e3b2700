//! From [`Settings`] to [`Aws`]: one region, one chain of credentials, one `sts:GetCallerIdentity`.

#[cfg(test)]
mod tests;

use std::{path::Path as FilePath, time::Duration};

use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig, identity::IdentityCache, imds::region::ImdsRegionProvider, meta::region::ProvideRegion,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{SharedCredentialsProvider, error::CredentialsError},
};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::{app_name::AppName, region::Region, sdk_ua_metadata::FrameworkMetadata};

use super::{
    Aws, Caller,
    environment::Environment,
    error::{causes, failure, find},
    http,
    redact::redact,
    roles::{AssumeRole, AssumeRoleWithWebIdentity, RoleError},
    settings::{Accounts, RetryMode, Service, Settings},
};
use crate::graph::{Class, Failure, patiently_where};

/// Until a TCP connection stands, seconds. AWS answers within one round trip: a proxy or firewall that drops packets doesn't.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Until the first byte of a reply, seconds. IAM's slowest writes take about ten.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// One attempt with its reply's body, seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(45);
/// All attempts of one call, seconds: two that hang; the engine decides what comes then. The engine's own bound of a component's call,
/// which may be several of these, is above it: `Limits::call`.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(90);
/// One load of credentials, seconds: instance metadata, SSO or a process that asks a vault; the SDK's default of 5 is too short
/// for a chain of roles.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(30);
/// One step of [`connect`], seconds: finding the region and the credentials, or one try to learn who calls.
const STEP_TIMEOUT: Duration = Duration::from_secs(120);

/// Pinned, so that an update of the SDK changes no behaviour by itself.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Why AWS can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// No region anywhere.
    #[error("no region is configured")]
    NoRegion,
    /// Nothing in the chain has credentials.
    #[error("no credentials were found: {0}")]
    NoCredentials(String),
    /// Something in the chain should have them, and failed.
    #[error("credentials could not be loaded: {0}")]
    BadCredentials(String),
    /// A role could not be taken on.
    #[error(transparent)]
    Role(RoleError),
    /// A shared file that the provider block names can't be read.
    #[error("{path}: {cause}")]
    SharedFile {
        /// `shared_config_files` or `shared_credentials_files`.
        attribute: &'static str,
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// The bundle of authorities can't be used.
    #[error("{path}: {cause}")]
    CaBundle {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// A proxy's URL is none; the attribute or environment variable.
    #[error("the proxy in {0} is no URL")]
    Proxy(&'static str),
    /// The HTTP client can't be made.
    #[error("{0}")]
    Http(String),
    /// AWS refused or was not reached.
    #[error(transparent)]
    Call(Failure),
    /// The account is not one of those that may be touched.
    #[error("account {} is not allowed", .caller.account_id)]
    Account {
        /// Who calls.
        caller: Caller,
        /// What the provider block says.
        accounts: Accounts,
    },
    /// It took too long.
    #[error("no answer within {} s", STEP_TIMEOUT.as_secs())]
    TimedOut,
}

/// Connects: the account is checked before anything else is called.
///
/// # Errors
/// Names what is missing or wrong; holds no secret.
pub async fn connect(settings: &Settings, environment: &Environment) -> Result<Aws, ConnectError> {
    // Boxed: the futures of the SDK are large.
    let (config, region) = in_time(Box::pin(prepare(settings, environment))).await?;
    let sts = aws_sdk_sts::Client::from_conf(sts_config(&config, settings));
    // The same client each time: it keeps the roles that it has taken on.
    let caller = patiently_where(busy, || Box::pin(in_time(caller(&sts)))).await?;
    if !settings.accounts.admit(&caller.account_id) {
        return Err(ConnectError::Account { caller, accounts: settings.accounts.clone() });
    }
    Ok(clients(&config, settings, region.as_ref(), caller, sts))
}

async fn in_time<T>(work: impl Future<Output = Result<T, ConnectError>>) -> Result<T, ConnectError> {
    tokio::time::timeout(STEP_TIMEOUT, work).await.unwrap_or(Err(ConnectError::TimedOut))
}

/// That AWS answered, and had no time. An endpoint that doesn't answer is more likely wrong than busy, and is told at once.
fn busy(error: &ConnectError) -> Option<Failure> {
    let (ConnectError::Call(failure) | ConnectError::Role(RoleError::Refused { failure, .. })) = error else { return None };
    let is_busy = match failure.class {
        Class::Throttled => true,
        Class::Transient => failure.code.is_some(),
        _ => false,
    };
    is_busy.then(|| failure.clone())
}

async fn prepare(settings: &Settings, environment: &Environment) -> Result<(SdkConfig, Region), ConnectError> {
    let http = http::client(settings, environment)?;
    let files = profile_files(settings)?;
    let region = region(settings, environment, &http, files.as_ref()).await.ok_or(ConnectError::NoRegion)?;
    Ok((with_credentials(load(settings, &http, files, &region).await, settings), region))
}

/// Who calls; on the way to it every role is taken on.
async fn caller(sts: &aws_sdk_sts::Client) -> Result<Caller, ConnectError> {
    let identity = sts.get_caller_identity().send().await.map_err(|error| {
        let role = find::<RoleError>(&error).cloned().map(ConnectError::Role);
        let credentials = || find::<CredentialsError>(&error).map(credentials_error);
        match role.or_else(credentials) {
            Some(known) => known,
            None => ConnectError::Call(failure("sts:GetCallerIdentity", error)),
        }
    })?;
    Ok(Caller { account_id: identity.account.unwrap_or_default(), arn: identity.arn.unwrap_or_default() })
}

fn credentials_error(error: &CredentialsError) -> ConnectError {
    let text = redact(&causes(error));
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        ConnectError::NoCredentials(text)
    } else {
        ConnectError::BadCredentials(text)
    }
}

/// Every client, with the endpoint of its own where one is configured.
fn clients(config: &SdkConfig, settings: &Settings, region: &str, caller: Caller, sts: aws_sdk_sts::Client) -> Aws {
    let endpoint = |service| settings.endpoints.get(&service).cloned();
    let mut s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(settings.s3_use_path_style);
    if let Some(url) = endpoint(Service::S3) {
        s3 = s3.endpoint_url(url);
    }
    let mut aws = Aws::new(config, aws_sdk_s3::Client::from_conf(s3.build()), region, caller);
    aws.sts = sts;
    if let Some(url) = endpoint(Service::Kms) {
        aws.kms = aws_sdk_kms::Client::from_conf(aws_sdk_kms::config::Builder::from(config).endpoint_url(url).build());
    }
    if let Some(url) = endpoint(Service::Iam) {
        aws.iam = aws_sdk_iam::Client::from_conf(aws_sdk_iam::config::Builder::from(config).endpoint_url(url).build());
    }
    if let Some(url) = endpoint(Service::SecretsManager) {
        let secrets = aws_sdk_secretsmanager::config::Builder::from(config).endpoint_url(url);
        aws.secrets = aws_sdk_secretsmanager::Client::from_conf(secrets.build());
    }
    aws
}

fn sts_config(config: &SdkConfig, settings: &Settings) -> aws_sdk_sts::Config {
    let mut builder = aws_sdk_sts::config::Builder::from(config);
    if let Some(url) = settings.endpoints.get(&Service::Sts) {
        builder = builder.endpoint_url(url);
    }
    builder.build()
}

/// The shared files that the provider block names; `None`: the SDK's own.
fn profile_files(settings: &Settings) -> Result<Option<EnvConfigFiles>, ConnectError> {
    let Settings { shared_config_files: config, shared_credentials_files: credentials, .. } = settings;
    if config.is_empty() && credentials.is_empty() {
        return Ok(None);
    }
    let mut files =
        EnvConfigFiles::builder().include_default_config_file(config.is_empty()).include_default_credentials_file(credentials.is_empty());
    for (attribute, kind, paths) in [
        ("shared_config_files", EnvConfigFileKind::Config, config),
        ("shared_credentials_files", EnvConfigFileKind::Credentials, credentials),
    ] {
        for path in paths {
            let file = http::expand_home(path);
            check_readable(&file).map_err(|cause| ConnectError::SharedFile { attribute, path: path.clone(), cause })?;
            files = files.with_file(kind, file);
        }
    }
    Ok(Some(files.build()))
}

fn check_readable(path: &FilePath) -> Result<(), String> {
    std::fs::File::open(path).map(drop).map_err(|error| error.to_string())
}

/// The provider block's, the environment's, the profile's, the instance's. The last is not asked where keys are configured:
/// who writes keys is on no instance, and waits for its timeouts in vain.
async fn region(settings: &Settings, environment: &Environment, http: &SharedHttpClient, files: Option<&EnvConfigFiles>) -> Option<Region> {
    if let Some(region) = settings.region.as_deref().or_else(|| environment.region()) {
        return Some(Region::new(region.to_owned()));
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    if let Some(files) = files {
        profile = profile.profile_files(files.clone());
    }
    let found = profile.build().region().await;
    if found.is_some() || settings.keys.is_some() {
        return found;
    }
    ImdsRegionProvider::builder().configure(&provider_config(http, None)).build().region().await
}

fn provider_config(http: &SharedHttpClient, region: Option<&Region>) -> ProviderConfig {
    ProviderConfig::without_region().with_behavior_version(Some(behavior())).with_http_client(http.clone()).with_region(region.cloned())
}

/// Everything but credentials that don't come from the SDK's own chain.
async fn load(settings: &Settings, http: &SharedHttpClient, files: Option<EnvConfigFiles>, region: &Region) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut loader: ConfigLoader = aws_config::defaults(behavior())
        .region(region.clone())
        .http_client(http.clone())
        .timeout_config(timeouts)
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build());
    if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
        loader = loader.app_name(name);
    }
    if let Ok(version) = FrameworkMetadata::new(env!("CARGO_PKG_NAME"), Some(env!("CARGO_PKG_VERSION"))) {
        loader = loader.framework_metadata(version);
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(fips) = settings.use_fips_endpoint {
        loader = loader.use_fips(fips);
    }
    if let Some(dual) = settings.use_dualstack_endpoint {
        loader = loader.use_dual_stack(dual);
    }
    if let Some(name) = &settings.profile {
        loader = loader.profile_name(name);
    }
    let own = own_credentials(settings, files.as_ref(), http, region);
    if let Some(files) = files {
        loader = loader.profile_files(files);
    }
    loader = match own {
        Some(provider) => loader.credentials_provider(provider),
        None if settings.web_identity.is_some() => loader.no_credentials(),
        None => loader,
    };
    let config = loader.load().await;
    let retries = retries(settings, config.retry_config().cloned().unwrap_or_else(RetryConfig::standard));
    config.into_builder().retry_config(retries).build()
}

/// What the provider block says, over what the SDK found in environment and profile.
fn retries(settings: &Settings, found: RetryConfig) -> RetryConfig {
    let found = match settings.retry_mode {
        Some(RetryMode::Standard) => found.with_retry_mode(aws_config::retry::RetryMode::Standard),
        Some(RetryMode::Adaptive) => found.with_retry_mode(aws_config::retry::RetryMode::Adaptive),
        None => found,
    };
    match settings.max_retries {
        Some(retries) => found.with_max_attempts(retries.saturating_add(1)),
        None => found,
    }
}

/// Credentials that go before the SDK's chain: keys of the provider block, then its profile. A web identity goes between them.
fn own_credentials(
    settings: &Settings,
    files: Option<&EnvConfigFiles>,
    http: &SharedHttpClient,
    region: &Region,
) -> Option<SharedCredentialsProvider> {
    if let Some(keys) = &settings.keys {
        let token = keys.token.as_ref().map(|token| token.0.clone());
        let keys = Credentials::new(keys.access_key.0.clone(), keys.secret_key.0.clone(), token, None, "provider block");
        return Some(SharedCredentialsProvider::new(keys));
    }
    let name = settings.profile.as_ref().filter(|_| settings.web_identity.is_none())?;
    let mut profile = ProfileFileCredentialsProvider::builder().configure(&provider_config(http, Some(region))).profile_name(name);
    if let Some(files) = files {
        profile = profile.profile_files(files.clone());
    }
    Some(SharedCredentialsProvider::new(profile.build()))
}

/// The web identity and then each role, on the credentials of the one before.
fn with_credentials(mut config: SdkConfig, settings: &Settings) -> SdkConfig {
    let sts = |config: &SdkConfig| aws_sdk_sts::Client::from_conf(sts_config(config, settings));
    if let (Some(identity), None) = (&settings.web_identity, &settings.keys) {
        let provider = AssumeRoleWithWebIdentity { sts: sts(&config), identity: identity.clone() };
        config = config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
    }
    for (position, role) in settings.roles.iter().enumerate() {
        let provider = AssumeRole { sts: sts(&config), role: role.clone(), position };
        config = config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
    }
    config
}
