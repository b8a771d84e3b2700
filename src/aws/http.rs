//! The one HTTP client of all services: connection reuse, TLS by rustls, proxies, additional authorities.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    connect::ConnectError,
    environment::Environment,
    settings::{Secret, Settings},
};

/// Hosts that no proxy is asked for: the instance's and the container's credentials are on the link itself.
const LINK_LOCAL: &str = "169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23";

/// Makes the client. Reads the bundle of authorities; contacts nothing.
pub(super) fn client(settings: &Settings, environment: &Environment) -> Result<SharedHttpClient, ConnectError> {
    let bundle = settings.custom_ca_bundle.as_deref().or_else(|| environment.first(&["AWS_CA_BUNDLE"]).map(|(_, path)| path));
    let mut trust = TrustStore::default();
    if let Some(path) = bundle {
        trust = trust.with_pem_certificate(read_bundle(path)?);
    }
    let trust = TlsContext::builder().with_trust_store(trust).build().map_err(|error| ConnectError::Http(error.to_string()))?;
    let none = settings.proxies.none.as_deref().or_else(|| environment.first(&["NO_PROXY", "no_proxy"]).map(|(_, hosts)| hosts));
    let direct = none.map_or_else(|| LINK_LOCAL.to_owned(), |hosts| format!("{hosts},{LINK_LOCAL}"));
    let http = proxy("http_proxy", settings.proxies.http.as_ref(), environment, &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])?;
    let https =
        proxy("https_proxy", settings.proxies.https.as_ref(), environment, &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?;
    let recipe = Recipe { trust, http: http.no_proxy(&direct), https: https.no_proxy(&direct) };
    Ok(SharedHttpClient::new(Client { recipe, connectors: Mutex::default() }))
}

/// A file of PEM certificates, each readable: the TLS layer takes that for granted.
fn read_bundle(path: &str) -> Result<Vec<u8>, ConnectError> {
    let refuse = |cause: String| ConnectError::CaBundle { path: path.to_owned(), cause };
    let pem = std::fs::read(expand_home(path)).map_err(|error| refuse(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| refuse(format!("it is no PEM file ({error})")))?;
        store.add(certificate).map_err(|error| refuse(format!("certificate {} in it can't be read ({error})", store.len() + 1)))?;
    }
    if store.is_empty() { Err(refuse("it holds no certificate".into())) } else { Ok(pem) }
}

/// `~/x` under the user's home folder, as the SDK reads its own paths.
pub(super) fn expand_home(path: &str) -> PathBuf {
    let rest = path.strip_prefix("~/").or_else(|| path.strip_prefix("~\\"));
    match (rest, std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The proxy of one scheme: the provider block's, the environment's, or none. `proxy:3128` means `http://proxy:3128`.
fn proxy(
    attribute: &'static str,
    configured: Option<&Secret>,
    environment: &Environment,
    names: &[&'static str],
) -> Result<ProxyConfig, ConnectError> {
    let configured = configured.map(|url| (attribute, url.0.as_str())).filter(|(_, url)| !url.is_empty());
    let Some((source, url)) = configured.or_else(|| environment.first(names)) else {
        return Ok(ProxyConfig::disabled());
    };
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    // The error would quote the URL, which may hold a password.
    let make = if attribute == "http_proxy" { ProxyConfig::http(url) } else { ProxyConfig::https(url) };
    make.map_err(|_| ConnectError::Proxy(source))
}

/// How connectors are made.
#[derive(Clone)]
struct Recipe {
    trust: TlsContext,
    http: ProxyConfig,
    https: ProxyConfig,
}

/// Connect and read timeout.
type Timeouts = (Option<Duration>, Option<Duration>);

struct Client {
    recipe: Recipe,
    /// One entry in practice: every service has the same.
    connectors: Mutex<HashMap<Timeouts, SharedHttpConnector>>,
}

impl std::fmt::Debug for Client {
    /// Proxies may hold passwords: they are left out.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Client")
    }
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let key = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let made = connectors.entry(key).or_insert_with(|| {
            SharedHttpConnector::new(ByScheme {
                recipe: self.recipe.clone(),
                settings: settings.clone(),
                plain: OnceLock::new(),
                tls: OnceLock::new(),
            })
        });
        made.clone()
    }
}

/// A connector for each scheme, made when it is first used: an `http://` endpoint never costs the system's authorities.
struct ByScheme {
    recipe: Recipe,
    settings: HttpConnectorSettings,
    plain: OnceLock<Connector>,
    tls: OnceLock<Connector>,
}

impl std::fmt::Debug for ByScheme {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ByScheme")
    }
}

impl ByScheme {
    fn connector(&self, proxy: &ProxyConfig, trust: TlsContext) -> Connector {
        Connector::builder()
            .connector_settings(self.settings.clone())
            .proxy_config(proxy.clone())
            .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(trust)
            .build()
    }
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = if request.uri().starts_with("https:") {
            self.tls.get_or_init(|| self.connector(&self.recipe.https, self.recipe.trust.clone()))
        } else {
            self.plain.get_or_init(|| self.connector(&self.recipe.http, self.recipe.trust_of_proxy()))
        };
        connector.call(request)
    }
}

impl Recipe {
    /// Plain requests need authorities only for a proxy that is reached by TLS, which a disabled one is not.
    fn trust_of_proxy(&self) -> TlsContext {
        if self.http.is_disabled() {
            let nothing = TlsContext::builder().with_trust_store(TrustStore::empty()).build();
            return nothing.unwrap_or_else(|_| self.trust.clone());
        }
        self.trust.clone()
    }
}
