//! `postgres_password`: the password of a user, on the server and in the secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use super::{
    super::settings::{bug, failure as refusal, map, required, text, texts},
    Bound, failure as failed,
    stored::{self, CURRENT, PENDING, Place, Stored},
};
use crate::{
    graph::{Class, Component, Failure, Found, Kept, Query, Readiness, Wanted},
    postgres::{Login, PgError, password, role, server::MAINTENANCE},
};

/// A user's password: a verifier on the server, and the plain text in a secret of Secrets Manager and nowhere else.
///
/// Settings: `role`, `logins` (who logs in: the role itself, or two users that act as it and take turns), `secret_arn`
/// (empty: no secret, the password is given), all from others; `rotation` (any JSON, null: none; another value makes another password), `accepted` (always
/// true: the server takes what the secret holds), `place` (`host`, `port`, `dbname`, as the secret tells them), all live.
/// Outputs: `secret_version_id`, `username` (of the current login). Id: the role's name.
///
/// Guarantees: the plain text never reaches the server but in a login, and is in no setting, output, log or error. Stored first (AWSPENDING), then set, then made
/// current: at no moment the server takes a password that is stored nowhere. A password that somebody changed on the server is set back to the stored one.
/// Caveats: PostgreSQL holds one password a role: with one login, a rotation shuts out who still has the old one. The value of `rotation` can't be read back, only
/// compared: the id of the secret's version begins with its hash; without a secret a mark on the role holds it.
pub(super) struct PostgresPassword(pub(super) Arc<Bound>);

/// The mark on a role without a secret: which rotation its password is of.
const MARK: &str = "deeploy:password";

/// What a setting says.
struct Aim<'a> {
    role: &'a str,
    logins: Vec<String>,
    secret: Option<&'a str>,
    place: Place,
}

/// 32 hex digits: half of what a version's id may have.
fn rotation(value: Option<&Json>) -> String {
    let digest = Sha256::digest(value.unwrap_or(&Json::Null).to_string().as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl PostgresPassword {
    fn settings(settings: &BTreeMap<String, Json>) -> Option<Aim<'_>> {
        Some(Aim {
            role: text(settings, "role")?,
            logins: texts(settings, "logins")?,
            secret: text(settings, "secret_arn"),
            place: Place::of(settings.get("place"))?,
        })
    }

    async fn mark(&self, role: &str) -> Result<Option<String>, Failure> {
        let failed = |error| failed("SELECT pg_roles", error);
        let client = self.0.server.maintenance().await.map_err(failed)?;
        let role = role::find(&client, role).await.map_err(failed)?;
        Ok(role.and_then(|role| role.comment.marks.get(MARK).cloned()))
    }

    async fn accepts(&self, login: &Login) -> Result<bool, Failure> {
        self.0.server.accepts(login, MAINTENANCE).await.map_err(|error| failed("login", error))
    }

    async fn look(&self, query: &Query) -> Result<Option<Found>, Failure> {
        // What takes its secret from one that isn't made yet has no password.
        let Some(aim) = Self::settings(&query.settings).filter(|_| query.settings.contains_key("secret_arn")) else { return Ok(None) };
        let told = |mark: &str| query.settings.get("rotation").filter(|value| mark.starts_with(&rotation(Some(value)))).cloned();
        let Some(secret) = aim.secret else {
            let mark = self.mark(aim.role).await?;
            return Ok(mark.map(|mark| found(&aim, told(&mark), true, Some(&aim.place), None)));
        };
        let Some(current) = stored::read(&self.0.aws, secret, CURRENT).await? else { return Ok(None) };
        let accepted = match current.login_among(&aim.logins) {
            Some(login) => self.accepts(login).await?,
            None => false,
        };
        Ok(Some(found(&aim, told(&current.version), accepted, current.place.as_ref(), Some(&current))))
    }

    /// Brings the password about, whatever there is.
    async fn set(&self, wanted: &Wanted, another: bool) -> Result<Found, Failure> {
        const CALL: &str = "ALTER ROLE PASSWORD";
        let aim = Self::settings(&wanted.settings).ok_or_else(|| bug(CALL, "a setting is missing"))?;
        let mark = rotation(wanted.settings.get("rotation"));
        let told = wanted.settings.get("rotation").cloned();
        let Some(secret) = aim.secret else {
            self.set_given(&aim, &mark).await?;
            return Ok(found(&aim, told, true, Some(&aim.place), None));
        };
        let current = stored::read(&self.0.aws, secret, CURRENT).await?;
        let before = current.as_ref().map(|current| current.version.clone());
        let version = match self.interrupted(secret, &aim, before.as_deref(), &mark).await? {
            Some(version) => Some(version),
            None => self.store_and_verify(secret, &aim, current, (&mark, another)).await?,
        };
        let mut current = stored::read(&self.0.aws, secret, CURRENT).await?;
        // The first version of a secret is current from the beginning.
        if let Some(version) = version.filter(|version| current.as_ref().is_none_or(|current| current.version != *version)) {
            stored::promote(&self.0.aws, secret, &version, before.as_deref()).await?;
            current = stored::read(&self.0.aws, secret, CURRENT).await?;
        }
        let place = current.as_ref().and_then(|current| current.place.clone());
        Ok(found(&aim, told, true, place.as_ref(), current.as_ref()))
    }

    /// Without a secret: the password that the configuration gives.
    async fn set_given(&self, aim: &Aim<'_>, mark: &str) -> Result<(), Failure> {
        const CALL: &str = "ALTER ROLE PASSWORD";
        let Some(given) = self.0.given_password.clone() else {
            let message = "there is neither a secret nor a password: password_wo is read from the configuration, which holds none now";
            return Err(Failure { attribute: Some("password_wo".to_owned()), ..refusal(Class::Credentials, CALL, message) });
        };
        let login = Login { user: aim.logins.first().cloned().unwrap_or_default(), password: given };
        self.verify(&login, Some((aim.role, mark))).await
    }

    /// Stores a version as pending, unless the current one does, and sets the server's verifier. Gives the version that is to become current.
    async fn store_and_verify(
        &self,
        secret: &str,
        aim: &Aim<'_>,
        current: Option<Stored>,
        (mark, another): (&str, bool),
    ) -> Result<Option<String>, Failure> {
        let keeps = current.as_ref().and_then(|current| current.login_among(&aim.logins)).filter(|_| !another);
        let login = match keeps {
            Some(login) => login.clone(),
            None => self.next(aim, current.as_ref())?,
        };
        tf_provider::log::mask(&login.password);
        let same_place = current.as_ref().is_some_and(|current| current.place.as_ref() == Some(&aim.place));
        let version = match keeps.is_some() && same_place {
            true => None,
            false => Some(stored::put(&self.0.aws, secret, &login, &aim.place, mark).await?),
        };
        if keeps.is_none() || !self.accepts(&login).await? {
            self.verify(&login, None).await?;
        }
        Ok(version)
    }

    /// The version of an earlier try that was cut short after the server had taken its password.
    async fn interrupted(&self, secret: &str, aim: &Aim<'_>, current: Option<&str>, mark: &str) -> Result<Option<String>, Failure> {
        let Some(pending) = stored::read(&self.0.aws, secret, PENDING).await? else { return Ok(None) };
        let fits =
            current != Some(pending.version.as_str()) && pending.version.starts_with(mark) && pending.place.as_ref() == Some(&aim.place);
        let Some(login) = pending.login_among(&aim.logins).filter(|_| fits) else { return Ok(None) };
        Ok(if self.accepts(login).await? { Some(pending.version) } else { None })
    }

    /// A new password, for the login whose turn it is.
    fn next(&self, aim: &Aim<'_>, current: Option<&Stored>) -> Result<Login, Failure> {
        let before = current.and_then(|current| current.login_among(&aim.logins));
        let before = before.and_then(|before| aim.logins.iter().position(|login| *login == before.user));
        let turn = before.map_or(0, |before| (before + 1) % aim.logins.len().max(1));
        let user = aim.logins.get(turn).cloned().ok_or_else(|| bug("ALTER ROLE PASSWORD", "nobody logs in"))?;
        let password = match self.0.given_password.clone() {
            Some(given) => given,
            None => password::generate().map_err(|error| bug("random", error.to_string()))?,
        };
        Ok(Login { user, password })
    }

    /// Sets the verifier, and the mark of a role without a secret in the same transaction.
    async fn verify(&self, login: &Login, marked: Option<(&str, &str)>) -> Result<(), Failure> {
        let verifier = password::verifier(&login.password);
        tf_provider::log::mask(&verifier);
        let done = async {
            let held = self.0.server.exclusive().await?;
            let done = set_verifier(&held.client, &login.user, &verifier, marked).await;
            held.end(done).await
        };
        done.await.map_err(|error| failed("ALTER ROLE PASSWORD", error))
    }
}

async fn set_verifier(client: &Client, user: &str, verifier: &str, marked: Option<(&str, &str)>) -> Result<(), PgError> {
    let Some((role, mark)) = marked else { return role::set_verifier(client, user, verifier, None).await };
    let comment = role::find(client, role).await?.map(|role| role.comment).unwrap_or_default();
    let comment = comment.marked(&BTreeMap::from([(MARK.to_owned(), mark.to_owned())]), &[]);
    role::set_verifier(client, user, verifier, Some((role, &comment))).await
}

fn found(aim: &Aim<'_>, rotation: Option<Json>, accepted: bool, place: Option<&Place>, current: Option<&Stored>) -> Found {
    let user = current.and_then(|current| current.login_among(&aim.logins)).map(|login| login.user.clone());
    let user = user.or_else(|| aim.logins.first().cloned());
    Found {
        id: aim.role.to_owned(),
        settings: map([
            ("role", json!(aim.role)),
            ("logins", json!(aim.logins)),
            ("secret_arn", json!(aim.secret)),
            ("rotation", rotation.unwrap_or(Json::Null)),
            ("accepted", json!(accepted)),
            ("place", place.map_or(Json::Null, Place::json)),
        ]),
        outputs: map([("secret_version_id", json!(current.map(|current| &current.version))), ("username", json!(user))]),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for PostgresPassword {
    fn kind(&self) -> &'static str {
        "postgres_password"
    }

    /// With a customer key, the secret's value needs the two of KMS; they never appear as calls of ours.
    fn actions(&self) -> &'static [&'static str] {
        &[
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        ]
    }

    fn taggable(&self) -> bool {
        false
    }

    fn is_settings(&self) -> bool {
        true
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let gone = |failure: &Failure| failure.class == Class::Unreachable && self.0.purpose == super::Purpose::Destroy;
        match self.look(query).await {
            Err(failure) if gone(&failure) && self.0.server.is_gone().await => Ok(None),
            other => other,
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        self.set(wanted, false).await
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        required(&wanted.settings, "role", "ALTER ROLE PASSWORD")?;
        self.set(wanted, changed.contains("rotation")).await.map(drop)
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        Ok(None)
    }
}
