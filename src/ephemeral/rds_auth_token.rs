//! `deeploy_rds_auth_token`.

use std::sync::Arc;

use async_trait::async_trait;
use tf_provider::{Attr, Diagnostic, Diagnostics, EphemeralResource, Model, OpenRequest, OpenResponse, Path, Schema, Value, validators};

use super::failed;
use crate::{aws::DatabaseLogin, provider::Session};

/// PostgreSQL's longest name, bytes.
const USER_BYTES_MAX: usize = 63;
/// RDS's lowest and highest port.
const PORTS: (i64, i64) = (1150, 65_535);
/// DNS's longest name, characters.
const HOST_CHARS_MAX: usize = 253;

/// A password for a database's user that logs in by IAM: a token that the provider signs with its own credentials, good for 15 minutes.
/// The user must be in the role `rds_iam`, the instance must have IAM authentication switched on, and the credentials need
/// `rds-db:connect`. Nothing is sent to AWS for it beyond what the provider asks once a run, who calls. The token stands in no plan and no
/// state. Needs Terraform 1.10 or OpenTofu 1.11.
#[derive(Clone, Debug, Default, Model)]
struct Token {
    /// The database's own host name, also where a tunnel leads to it: the token is good for this name only.
    #[tf(required)]
    host: Attr<String>,
    /// The database's own port.
    #[tf(required, validate(validators::integer_between(PORTS.0, PORTS.1)))]
    port: Attr<i64>,
    /// The user's name in the database.
    #[tf(required)]
    username: Attr<String>,
    /// The database's region. By default the one that RDS's own host names tell, else the provider's.
    #[tf(optional, computed)]
    region: Attr<String>,
    /// The token: the password of new connections, which need TLS. Connections that stand outlive it.
    #[tf(computed, sensitive)]
    token: Attr<String>,
    /// When the token ends, e.g. `2026-11-28T12:15:00Z`: 15 minutes after it was made, or with the credentials that signed it where those
    /// end sooner.
    #[tf(computed)]
    expires_at: Attr<String>,
}

/// The resource.
#[derive(Debug)]
pub(super) struct RdsAuthToken {
    session: Arc<Session>,
}

impl RdsAuthToken {
    pub(super) const fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

#[async_trait]
impl EphemeralResource for RdsAuthToken {
    fn type_name(&self) -> &'static str {
        "deeploy_rds_auth_token"
    }

    fn schema(&self) -> Schema {
        Schema::of::<Token>(0)
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        Token::from_value(config, &Path::root()).map_or_else(|errors| errors, |config| check(&config))
    }

    async fn open(&self, request: OpenRequest) -> OpenResponse {
        if self.session.is_unknown() {
            return OpenResponse { provider_unknown: true, ..OpenResponse::default() };
        }
        match self.sign(&request.config).await {
            Ok(result) => OpenResponse { result, ..OpenResponse::default() },
            Err(diagnostics) => OpenResponse { diagnostics, ..OpenResponse::default() },
        }
    }
}

impl RdsAuthToken {
    async fn sign(&self, config: &Value) -> Result<Value, Diagnostics> {
        let mut model = Token::from_value(config, &Path::root())?;
        // What was unknown when the configuration was validated.
        let wrong = check(&model);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let aws = self.session.aws().await?;
        let text = |value: &Attr<String>| value.as_str().unwrap_or_default().to_owned();
        let host = text(&model.host);
        let region = model.region.as_str().or_else(|| region_of(&host)).unwrap_or(&aws.region).to_owned();
        let port = model.port.known().copied().unwrap_or_default();
        let login =
            DatabaseLogin { port: u16::try_from(port).unwrap_or_default(), user: text(&model.username), region: region.clone(), host };
        let made = aws.database_token(&login).await;
        let made = made.map_err(|failure| vec![failed(Path::root(), "No token can be signed", &failure)])?;
        model.region = Attr::Known(region);
        model.expires_at = Attr::Known(made.expires_at_text());
        model.token = Attr::Known(made.token);
        Ok(model.to_value())
    }
}

fn check(config: &Token) -> Diagnostics {
    let mut said = Vec::new();
    let name = |text: &str| {
        let letters = text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-'));
        letters && !text.is_empty() && text.len() <= HOST_CHARS_MAX
    };
    if let Some(host) = config.host.as_str().filter(|host| !name(host)) {
        let detail = format!(
            "{host:?} is no host name. Give the database's own, e.g. `deeploy_rds_instance.database.endpoint`, without a port or scheme."
        );
        said.push(Diagnostic::error(Path::of("host"), "No host name", detail));
    }
    if let Some(user) = config.username.as_str().filter(|user| user.is_empty() || user.len() > USER_BYTES_MAX || user.contains('\0')) {
        let detail = format!("A user's name in PostgreSQL has 1 to {USER_BYTES_MAX} bytes; this one has {}.", user.len());
        said.push(Diagnostic::error(Path::of("username"), "No user of a database", detail));
    }
    if let Some(region) = config.region.as_str().filter(|region| !is_region(region)) {
        let detail =
            format!("{region:?} is no region. Regions are named like eu-central-1; an availability zone's letter is no part of it.");
        said.push(Diagnostic::error(Path::of("region"), "No region", detail));
    }
    said
}

/// The region in a name that RDS gives: before `rds` in most partitions, after it in China.
fn region_of(host: &str) -> Option<&str> {
    let labels: Vec<&str> = host.split('.').collect();
    let rds = labels.iter().position(|label| *label == "rds")?;
    let beside = [rds.checked_sub(1), rds.checked_add(1)].into_iter().flatten();
    beside.filter_map(|at| labels.get(at).copied()).find(|label| is_region(label))
}

/// Like `eu-central-1` or `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let word = |word: &&str| word.len() >= 2 && word.bytes().all(|letter| letter.is_ascii_lowercase());
    words.len() >= 2 && words.iter().all(word) && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rdss_names_tell_their_region_in_every_partition() {
        for (host, region) in [
            ("db.c1a2.eu-central-1.rds.amazonaws.com", Some("eu-central-1")),
            ("db.cluster-c1a2.us-gov-west-1.rds.amazonaws.com", Some("us-gov-west-1")),
            ("db.c1a2.rds.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("db.c1a2.us-iso-east-1.rds.c2s.ic.gov", Some("us-iso-east-1")),
            ("localhost", None),
            ("db.internal.example.com", None),
            ("rds", None),
            ("eu-central-1.rds", Some("eu-central-1")),
            ("rds.example.com", None),
        ] {
            assert_eq!(region_of(host), region, "{host}");
        }
    }

    #[test]
    fn what_is_no_host_user_or_region_is_told_at_its_place() {
        let known = |text: &str| Attr::Known(text.to_owned());
        let good = Token { host: known("db"), port: Attr::Known(5432), username: known("deeploy"), ..Token::default() };
        assert!(check(&good).is_empty());
        assert!(check(&Token { host: Attr::Unknown, username: Attr::Unknown, region: Attr::Unknown, ..good.clone() }).is_empty());
        let long = "x".repeat(64);
        for (wrong, at) in [
            (Token { host: known("db:5432"), ..good.clone() }, "host"),
            (Token { host: known("https://db"), ..good.clone() }, "host"),
            (Token { host: known(""), ..good.clone() }, "host"),
            (Token { host: known("db/?x="), ..good.clone() }, "host"),
            (Token { username: known(""), ..good.clone() }, "username"),
            (Token { username: known(&long), ..good.clone() }, "username"),
            (Token { region: known("eu-central-1a"), ..good.clone() }, "region"),
            (Token { region: known(""), ..good.clone() }, "region"),
        ] {
            let said: Vec<String> = check(&wrong).iter().map(|said| said.path.to_string()).collect();
            assert_eq!(said, [at], "{wrong:?}");
        }
    }
}
