//! `access_key`: a user's access key, made, tried and stored in Secrets Manager without ever being shown.

pub(super) mod stored;
#[cfg(test)]
mod tests;
pub(super) mod user_keys;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep, timeout_at};
use zeroize::Zeroizing;

use self::{
    stored::{Keys, inspect, listed, version_of},
    user_keys::{last_used, named, user_of},
};
use super::settings::{Settings, bug, failure as refusal, map, required, text};
use crate::{
    aws::{Aws, error::NEW_KEY_PROBE, failure, once},
    graph::{Class, Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A user's access key in a secret. It belongs to its user, whose own guards name the keys of others; what is left of its keys where
/// the secret is gone, the user deletes itself.
///
/// Settings: `user` (name; live, since the keys follow a renamed user) and `secret_arn`, both from others; `rotation` (text or null, live: another value makes another key);
/// `retire_previous` (live: true deletes the previous key, but never in the update that rotates; it reads as wanted while there is none,
/// for then there is nothing to do).
/// Outputs: `access_key_id`, `secret_version_id`, `previous_access_key_id` and `previous_last_used` (ISO time), null without one.
/// Id: the current key's.
///
/// Guarantees: no secret access key is in a setting, an output, a log or an error. A key that was made but not stored is deleted by
/// the next create or update. The key that was current before a rotation stays active until the next one, or until a later update with `retire_previous`.
/// A key that is stored nowhere but in use (by more than our probe) is never deleted: it is somebody else's.
/// Assumptions: nobody else writes the secret's value.
/// Caveats: create is more than one mutating call, since the key is told only once: delete what leaked, make, try, store.
/// The value of `rotation` can't be read back, only compared: another one than wanted reads as null.
pub(super) struct AccessKey {
    aws: Arc<Aws>,
}

/// How many keys IAM gives a user, inactive ones included; the quota can't be raised.
const KEYS_MAX: usize = 2;
/// How long a new key may stay unknown to STS. Seen: about 10 s, IAM promises nothing; beyond this it's an error. Above the timeout of
/// one call, below the engine's bound of the whole.
const PROBE_MAX: Duration = Duration::from_secs(120);
/// Between two tries of a new key.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// A key that was just made. Its secret half is wiped when it goes, and shown by nothing.
struct NewKey {
    id: String,
    secret: Zeroizing<String>,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "NewKey({}, …)", self.id)
    }
}

/// Where a key goes.
struct Place<'a> {
    user: &'a str,
    secret: &'a str,
}

impl<'a> Place<'a> {
    fn of(settings: &'a Settings, operation: &str) -> Result<Self, Failure> {
        Ok(Self { user: required(settings, "user", operation)?, secret: required(settings, "secret_arn", operation)? })
    }
}

impl AccessKey {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    /// Makes a key, waits until it works, stores it as AWSCURRENT. What can't be stored is deleted again.
    async fn make(&self, place: &Place<'_>, rotation: &Json) -> Result<String, Failure> {
        const CALL: &str = "iam:CreateAccessKey";
        let call = self.aws.iam.create_access_key().user_name(place.user).customize().config_override(once::iam());
        let reply = call.send().await.map_err(|error| failure(CALL, error))?;
        let made = reply.access_key.ok_or_else(|| bug(CALL, "the reply holds no access key"))?;
        let key = NewKey { id: made.access_key_id, secret: Zeroizing::new(made.secret_access_key) };
        tf_provider::log::mask(&key.secret);
        let stored = match self.probe(&key).await {
            Ok(()) => self.store(place, &key, rotation).await,
            Err(failure) => Err(failure),
        };
        let Err(error) = stored else { return Ok(key.id) };
        // Its storing may have happened unseen: then the next find knows; otherwise nobody can ever use this key.
        if error.class != Class::Ambiguous {
            // Best effort: the next run finds it unknown and deletes it then.
            let _ = self.remove(place.user, &key.id).await;
        }
        Err(error)
    }

    /// Calls STS with the key until it answers.
    async fn probe(&self, key: &NewKey) -> Result<(), Failure> {
        let credentials = Credentials::new(&key.id, key.secret.as_str(), None, None, "new access key");
        let config = self.aws.sts.config().to_builder().credentials_provider(credentials).build();
        let sts = aws_sdk_sts::Client::from_conf(config);
        let end = Instant::now() + PROBE_MAX;
        loop {
            let failure = match timeout_at(end, sts.get_caller_identity().send()).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => failure(NEW_KEY_PROBE, error),
                Err(_) => refusal(Class::NotYetVisible, NEW_KEY_PROBE, format!("no answer within {} s", PROBE_MAX.as_secs())),
            };
            if !failure.class.is_retryable() || Instant::now() + PROBE_INTERVAL > end {
                return Err(failure);
            }
            sleep(PROBE_INTERVAL).await;
        }
    }

    async fn store(&self, place: &Place<'_>, key: &NewKey, rotation: &Json) -> Result<(), Failure> {
        let value = Zeroizing::new(json!({ "access_key_id": key.id, "secret_access_key": key.secret.as_str() }).to_string());
        let call = self.aws.secrets.put_secret_value().secret_id(place.secret).secret_string(value.as_str());
        let call = call.client_request_token(version_of(&key.id, rotation));
        call.send().await.map(drop).map_err(|error| failure("secretsmanager:PutSecretValue", error))
    }

    async fn remove(&self, user: &str, key: &str) -> Result<(), Failure> {
        user_keys::remove(&self.aws, user, key).await
    }

    /// Deletes the keys that nobody stored and nobody uses; gives back those that somebody uses, with the service.
    async fn remove_leaked(&self, user: &str, keys: &Keys) -> Result<Vec<String>, Failure> {
        let mut used = Vec::new();
        for key in &keys.unknown {
            match user_of(&self.aws, key).await? {
                None => self.remove(user, &key.id).await?,
                Some(service) => used.push(named(key, &service)),
            }
        }
        Ok(used)
    }

    /// Makes room for one more key. `kept`: how many stored ones stay.
    async fn make_room(&self, user: &str, keys: &Keys, kept: usize) -> Result<(), Failure> {
        let used = self.remove_leaked(user, keys).await?;
        if used.len() + kept < KEYS_MAX {
            return Ok(());
        }
        let message = format!(
            "the user {user} has no room for a new access key: {} of its {KEYS_MAX} keys, stored in no secret of this resource, are in use: \
             {}; give whoever uses them another key and delete them",
            used.len(),
            used.join(", ")
        );
        Err(refusal(Class::Conflict, "iam:CreateAccessKey", message))
    }

    /// What there is, as the engine sees it. `None`: no key is stored as AWSCURRENT.
    async fn found(&self, place: &Place<'_>, keys: &Keys, wanted: &Settings) -> Result<Option<Found>, Failure> {
        let Some((key, version)) = &keys.current else { return Ok(None) };
        let last = match &keys.previous {
            Some(previous) => last_used(&self.aws, previous).await?,
            None => None,
        };
        let wanted_of = |name: &str| wanted.get(name).cloned().unwrap_or_default();
        let rotation = wanted_of("rotation");
        let rotation = if keys.is_current_for(&rotation) { rotation } else { Json::Null };
        let retired = if keys.previous.is_some() { json!(false) } else { wanted_of("retire_previous") };
        // Where another rotation is wanted, the key is about to be the previous one.
        let readiness = if keys.inactive.contains(key) && keys.is_current_for(&wanted_of("rotation")) {
            Readiness::Broken(format!(
                "the access key {key} of the user {} is inactive: activate it, or change the rotation for a new one",
                place.user
            ))
        } else {
            Readiness::Ready
        };
        Ok(Some(Found {
            id: key.clone(),
            settings: map([
                ("user", place.user.into()),
                ("secret_arn", place.secret.into()),
                ("rotation", rotation),
                ("retire_previous", retired),
            ]),
            outputs: map([
                ("access_key_id", key.as_str().into()),
                ("secret_version_id", version.as_str().into()),
                ("previous_access_key_id", keys.previous.clone().into()),
                ("previous_last_used", last.into()),
            ]),
            tags: BTreeMap::new(),
            readiness,
        }))
    }

    /// Makes the key of another rotation; the one that was current becomes the previous one.
    async fn rotate(&self, place: &Place<'_>, rotation: &Json) -> Result<(), Failure> {
        let keys = inspect(&self.aws, place.user, place.secret).await?;
        if keys.is_current_for(rotation) {
            return Ok(());
        }
        if let Some(previous) = &keys.previous {
            self.remove(place.user, previous).await?;
        }
        self.make_room(place.user, &keys, usize::from(keys.current.is_some())).await?;
        self.make(place, rotation).await.map(drop)
    }
}

#[async_trait]
impl Component for AccessKey {
    fn kind(&self) -> &'static str {
        "access_key"
    }

    /// The probe calls sts:GetCallerIdentity as the new user, and that needs no right. With a customer key, storing the value
    /// needs the two of KMS; they never appear as calls of ours.
    fn actions(&self) -> &'static [&'static str] {
        &[
            "iam:CreateAccessKey",
            "iam:DeleteAccessKey",
            "iam:GetAccessKeyLastUsed",
            "iam:ListAccessKeys",
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "secretsmanager:DescribeSecret",
            "secretsmanager:ListSecretVersionIds",
            "secretsmanager:PutSecretValue",
        ]
    }

    fn taggable(&self) -> bool {
        false
    }

    fn tokenless(&self) -> bool {
        true
    }

    /// A rotation gives another key, in the same secret.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.settings.get("secret_arn") == now.settings.get("secret_arn")
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let (Some(user), Some(secret)) = (text(&query.settings, "user"), text(&query.settings, "secret_arn")) else { return Ok(None) };
        let keys = listed(&self.aws, user, secret).await?;
        self.found(&Place { user, secret }, &keys, &query.settings).await
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:CreateAccessKey";
        let place = Place::of(&wanted.settings, CALL)?;
        let rotation = wanted.settings.get("rotation").unwrap_or(&Json::Null);
        let mut keys = inspect(&self.aws, place.user, place.secret).await?;
        // A find that lagged: the key is there after all.
        if let Some(found) = self.found(&place, &keys, &wanted.settings).await? {
            return Ok(found);
        }
        self.make_room(place.user, &keys, usize::from(keys.previous.is_some())).await?;
        let key = self.make(&place, rotation).await?;
        let version = version_of(&key, rotation);
        // What was stored as AWSCURRENT is no key of this user; it is the previous version now, and the previous key is stored nowhere.
        keys = Keys { current: Some((key, version)), ..Keys::default() };
        self.found(&place, &keys, &wanted.settings).await?.ok_or_else(|| bug(CALL, "the key just made is missing"))
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let place = Place::of(&wanted.settings, "iam:CreateAccessKey")?;
        let retire = wanted.settings.get("retire_previous").and_then(Json::as_bool).unwrap_or_default();
        if changed.contains("rotation") {
            // What has just become the previous key is still in use everywhere: it is never retired along with it.
            self.rotate(&place, wanted.settings.get("rotation").unwrap_or(&Json::Null)).await?;
        } else if retire && changed.contains("retire_previous") {
            let keys = inspect(&self.aws, place.user, place.secret).await?;
            if let Some(previous) = &keys.previous {
                self.remove(place.user, previous).await?;
            }
        }
        Ok(())
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let place = Place::of(&found.settings, "iam:DeleteAccessKey")?;
        let keys = inspect(&self.aws, place.user, place.secret).await?;
        self.remove_leaked(place.user, &keys).await?;
        // The current one last: while it is there, a run that was cut short still finds this component.
        for key in keys.previous.iter().chain(keys.current.as_ref().map(|(key, _)| key)) {
            self.remove(place.user, key).await?;
        }
        Ok(None)
    }
}
