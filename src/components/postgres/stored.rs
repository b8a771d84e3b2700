//! The secret with a user's credentials: JSON as AWS's own rotation keeps it, `{username, password, host, port, engine, dbname}`.

use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use crate::{
    aws::{Aws, error::is_scheduled_for_deletion, failure},
    graph::Failure,
    postgres::Login,
};

/// The version that everybody reads.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The version of a rotation that is under way.
pub(super) const PENDING: &str = "AWSPENDING";
/// What `engine` says, by the format of RDS's secrets.
const ENGINE: &str = "postgres";

/// Where the user logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) dbname: String,
}

impl Place {
    /// As a setting.
    pub(super) fn json(&self) -> Json {
        json!({ "host": self.host, "port": self.port, "dbname": self.dbname })
    }

    /// From a setting.
    pub(super) fn of(setting: Option<&Json>) -> Option<Self> {
        let text = |name: &str| setting?.get(name)?.as_str().map(str::to_owned);
        let port = setting?.get("port")?.as_u64().and_then(|port| u16::try_from(port).ok())?;
        Some(Self { host: text("host")?, port, dbname: text("dbname")? })
    }
}

/// A version of the secret.
pub(super) struct Stored {
    pub(super) version: String,
    /// `None`: it holds no credentials; somebody else wrote it.
    pub(super) login: Option<Login>,
    /// Where it says that the user logs in; none of its own where somebody else wrote it.
    pub(super) place: Option<Place>,
}

impl Stored {
    /// Its credentials, if they are of one of these users.
    pub(super) fn login_among(&self, users: &[String]) -> Option<&Login> {
        self.login.as_ref().filter(|login| users.contains(&login.user))
    }
}

/// Reads a version by its label. `None`: there is none.
pub(super) async fn read(aws: &Aws, secret: &str, label: &str) -> Result<Option<Stored>, Failure> {
    let value = match aws.secret_value(secret, label).await {
        Err(failure) if is_scheduled_for_deletion(&failure) => None,
        other => other?,
    };
    let Some(value) = value else { return Ok(None) };
    let (value, version) = (Zeroizing::new(value.text.unwrap_or_default()), value.version_id);
    let parsed = serde_json::from_str::<Json>(&value).unwrap_or(Json::Null);
    let text = |name: &str| parsed.get(name).and_then(Json::as_str).map(str::to_owned);
    let login = text("username").zip(text("password")).map(|(user, password)| {
        tf_provider::log::mask(&password);
        Login { user, password: Zeroizing::new(password) }
    });
    Ok(Some(Stored { version, login, place: Place::of(Some(&parsed)) }))
}

/// Stores credentials as a pending version, whose id begins with `mark`; gives the id.
pub(super) async fn put(aws: &Aws, secret: &str, login: &Login, place: &Place, mark: &str) -> Result<String, Failure> {
    const CALL: &str = "secretsmanager:PutSecretValue";
    let Place { host, port, dbname } = place;
    let value = json!({
        "username": login.user, "password": login.password.as_str(), "host": host, "port": port, "engine": ENGINE, "dbname": dbname
    });
    let value = Zeroizing::new(value.to_string());
    let version = format!("{mark}{}", uuid::Uuid::new_v4().simple());
    let call = aws.secrets.put_secret_value().secret_id(secret).secret_string(value.as_str()).version_stages(PENDING);
    call.client_request_token(&version).send().await.map_err(|error| failure(CALL, error))?;
    Ok(version)
}

/// Makes a version the one that everybody reads; the one before becomes AWSPREVIOUS.
pub(super) async fn promote(aws: &Aws, secret: &str, version: &str, before: Option<&str>) -> Result<(), Failure> {
    const CALL: &str = "secretsmanager:UpdateSecretVersionStage";
    let call = aws.secrets.update_secret_version_stage().secret_id(secret).version_stage(CURRENT).move_to_version_id(version);
    let call = call.set_remove_from_version_id(before.map(str::to_owned));
    call.send().await.map(drop).map_err(|error| failure(CALL, error))
}
