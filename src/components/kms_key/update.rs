//! Changing a key, and taking back one that waits for its deletion.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_kms::types::KeyState;
use serde_json::Value as Json;
use tokio::time::{Instant, sleep};

use super::{POLICY_NAME, find};
use crate::{
    aws::{self, Aws},
    components::settings,
    graph::{Class, Failure, Found, Readiness, Wanted},
};

/// How long a key that was enabled may take to say so; AWS names seconds.
const ENABLED_WITHIN: Duration = Duration::from_secs(60);
/// How often it is asked.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// The order matters: only enabled keys take a rotation, and the policy may be what shuts the caller out of the rest.
pub(super) async fn update(aws: &Aws, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
    let id = found.id.as_str();
    let taken_back = found.readiness == Readiness::Deleted;
    let changes = |name: &str| changed.contains(name);
    let flag = |name: &str| wanted.settings.get(name).and_then(Json::as_bool);
    if taken_back {
        cancel_deletion(aws, id).await?;
    }
    // AWS disables a key that it takes back.
    if flag("enabled").unwrap_or(true) && (taken_back || changes("enabled")) {
        enable(aws, id).await?;
    }
    if changes("description") {
        let text = settings::text(&wanted.settings, "description").unwrap_or_default();
        let call = aws.kms.update_key_description().key_id(id).description(text);
        call.send().await.map_err(|error| aws::failure("kms:UpdateKeyDescription", error))?;
    }
    if taken_back || changes("enable_key_rotation") || changes("rotation_period_in_days") {
        let before = found.settings.get("enable_key_rotation").and_then(Json::as_bool);
        rotate(aws, id, flag("enable_key_rotation").or(before), wanted).await?;
    }
    if changes("policy")
        && let Some(policy) = wanted.settings.get("policy").filter(|policy| !policy.is_null())
    {
        let call = aws.kms.put_key_policy().key_id(id).policy_name(POLICY_NAME).policy(policy.to_string());
        call.send().await.map_err(|error| aws::failure("kms:PutKeyPolicy", error))?;
    }
    if changes("enabled") && flag("enabled") == Some(false) {
        aws.kms.disable_key().key_id(id).send().await.map_err(|error| aws::failure("kms:DisableKey", error))?;
    }
    Ok(())
}

/// Switches rotation on with its period, or off; `None`: nobody says, so it stays.
async fn rotate(aws: &Aws, id: &str, on: Option<bool>, wanted: &Wanted) -> Result<(), Failure> {
    match on {
        Some(true) => {
            let days = settings::number(&wanted.settings, "rotation_period_in_days");
            let call = aws.kms.enable_key_rotation().key_id(id).set_rotation_period_in_days(days);
            call.send().await.map_err(|error| aws::failure("kms:EnableKeyRotation", error)).map(drop)
        }
        Some(false) => {
            let call = aws.kms.disable_key_rotation().key_id(id);
            call.send().await.map_err(|error| aws::failure("kms:DisableKeyRotation", error)).map(drop)
        }
        None => Ok(()),
    }
}

async fn cancel_deletion(aws: &Aws, id: &str) -> Result<(), Failure> {
    let Err(failure) = aws.kms.cancel_key_deletion().key_id(id).send().await.map_err(|error| aws::failure("kms:CancelKeyDeletion", error))
    else {
        return Ok(());
    };
    // Refused because it no longer waits? Then an earlier run did it.
    match find::describe(aws, id).await {
        Ok(Some(key)) if super::readiness(&key) != Readiness::Deleted => Ok(()),
        _ => Err(failure),
    }
}

/// Enables the key and waits until it says so.
async fn enable(aws: &Aws, id: &str) -> Result<(), Failure> {
    aws.kms.enable_key().key_id(id).send().await.map_err(|error| aws::failure("kms:EnableKey", error))?;
    let deadline = Instant::now() + ENABLED_WITHIN;
    loop {
        let key = find::describe(aws, id).await?;
        if key.is_some_and(|key| key.key_state() == Some(&KeyState::Enabled)) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let message = format!("the key {id} is not enabled {} seconds after it was asked to be", ENABLED_WITHIN.as_secs());
            return Err(settings::failure(Class::NotYetVisible, "kms:EnableKey", message));
        }
        sleep(POLL_EVERY).await;
    }
}
