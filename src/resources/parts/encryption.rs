//! `encryption`: one key for Deeploy's tokens, one for everything else.

use serde_json::json;
use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set, Value};

use super::{defaults, renamed::renamed};
use crate::{
    aws::Aws,
    components::state_of_key,
    graph::{Failure, Input, Meaning, Node, Observed, link},
    policies::{KeyUsers, Place, key_policy},
    presets::Preset,
    resources::{
        checks,
        composite::{Composite, Seen},
        kms_key::{self, KmsKey},
        setting::{live, settings, unread},
    },
};

/// Deeploy's tokens key.
pub(crate) const TOKENS: &str = "tokens_key";
/// The key of database, disks, bucket, logs and secrets.
pub(crate) const DATA: &str = "data_key";
/// The role without which no node with an encrypted disk starts.
pub(crate) const AUTO_SCALING_ROLE: &str = "auto_scaling_service_role";

/// Keys that exist already; both, or none.
#[derive(Clone, Debug, Model)]
pub(crate) struct ExistingKeys {
    /// ARN of the KMS key that encrypts Deeploy's tokens.
    #[tf(required, validate(checks::arn_of("kms", "key/")), note(change = "fixed"))]
    pub tokens_key_arn: Attr<String>,
    /// ARN of the KMS key for database, disks, bucket, logs and secrets. Its policy must admit CloudWatch Logs, CloudWatch, EventBridge and RDS events of
    /// this account, and grants of Auto Scaling's service-linked role.
    #[tf(required, validate(checks::arn_of("kms", "key/")), note(change = "fixed"))]
    pub data_key_arn: Attr<String>,
}

/// The keys of an environment: one encrypts Deeploy's tokens, the other database, disks, bucket, logs and secrets.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Encryption {
    /// Days that a deleted key waits for its end, 7 to 30; until then it can be taken back.
    #[tf(optional, computed, validate(checks::between(7, 30)), note(preset = "kms_key.deletion_window_in_days", change = "live"))]
    pub deletion_window_in_days: Attr<i64>,
    /// Days between two rotations, 90 to 2560.
    #[tf(
        optional,
        computed,
        validate(checks::between(90, 2560)),
        note(preset = "kms_key.rotation_period_in_days", change = "live", controls = "KMS.4")
    )]
    pub rotation_period_in_days: Attr<i64>,
    /// What a destroy does with the keys: `retain` keeps them, since snapshots, backups and Deeploy's tokens are unreadable without them; `schedule` lets them
    /// end after `deletion_window_in_days`, and is refused while anything that stays is encrypted with them. An environment of the same name finds
    /// its keys again in both cases.
    #[tf(optional, computed, validate(checks::one_of(&["retain", "schedule"])), note(preset = "encryption.on_destroy", change = "live"))]
    pub on_destroy: Attr<String>,
    /// Keys that exist already; the environment then makes none.
    #[tf(optional, note(change = "fixed"))]
    pub existing: Attr<ExistingKeys>,
    /// ARN of the key that encrypts Deeploy's tokens.
    #[tf(computed)]
    pub tokens_key_arn: Attr<String>,
    /// ARN of the key that encrypts everything else.
    #[tf(computed)]
    pub data_key_arn: Attr<String>,
}

/// Computed attributes and their components.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[("tokens_key_arn", TOKENS), ("data_key_arn", DATA)];

/// Who may use the keys beside the account.
pub(crate) struct Links {
    /// ARN of Deeploy's role or user, possibly a link.
    pub(crate) identity_arn: String,
}

/// The data key's ARN, for the settings of others; a link where it is made here.
pub(crate) fn data_key_arn(model: &Encryption) -> Attr<String> {
    arn(model, DATA, |existing| &existing.data_key_arn)
}

/// The tokens key's ARN.
pub(crate) fn tokens_key_arn(model: &Encryption) -> Attr<String> {
    arn(model, TOKENS, |existing| &existing.tokens_key_arn)
}

fn arn(model: &Encryption, component: &str, of: impl Fn(&ExistingKeys) -> &Attr<String>) -> Attr<String> {
    match &model.existing {
        Attr::Null => Attr::Known(link(component, "arn")),
        Attr::Unknown => Attr::Unknown,
        Attr::Known(existing) => of(existing).clone(),
    }
}

/// Whether a destroy ends the keys.
fn ends(model: &Encryption) -> bool {
    model.existing.is_null() && model.on_destroy.as_str() == Some("schedule")
}

/// Why a destroy may not end the keys: what it leaves of the database would be lost. Snapshots and others that are there already are found by the key itself.
pub(crate) fn guarded(model: &Encryption, backups_stay: bool) -> Option<String> {
    let reason = "The destroy would leave a final snapshot or automated backups of the database, and end the key that they are encrypted with. Set \
                  encryption.on_destroy = \"retain\", or database.final_snapshot = false and database.delete_automated_backups = true; apply, then \
                  destroy.";
    (backups_stay && ends(model)).then(|| reason.to_owned())
}

/// The keys that exist already, by attribute and ARN, and what state KMS has them in; `None`: there is no such key. What stands in state isn't asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    keys: Vec<(&'static str, String, Option<String>)>,
}

/// Asks for keys that exist already, where they are new to the resource.
pub(crate) async fn look_up(aws: &Aws, model: &Encryption, prior: Option<&Encryption>) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
    let Attr::Known(existing) = &model.existing else { return Ok(facts) };
    if prior.and_then(|prior| prior.existing.known()).is_some_and(|before| before.to_value() == existing.to_value()) {
        return Ok(facts);
    }
    for (name, arn) in [("tokens_key_arn", &existing.tokens_key_arn), ("data_key_arn", &existing.data_key_arn)] {
        if let Some(arn) = arn.as_str() {
            facts.keys.push((name, arn.to_owned(), state_of_key(aws, arn).await?));
        }
    }
    Ok(facts)
}

/// Keys that aren't there, or that nothing can be encrypted with.
pub(crate) fn check_facts(facts: &Facts, at: &Path) -> Diagnostics {
    let wrong = |(name, arn, state): &(&'static str, String, Option<String>)| {
        let (summary, detail) = match state.as_deref() {
            Some("Enabled") => return None,
            None => (
                "No such key",
                format!("There is no key {arn} in this region, or it is of another account that doesn't share it. Check the ARN."),
            ),
            Some(state) => {
                ("The key can't be used", format!("{arn} is in the state {state}. Enable it, or cancel its deletion; or name another key."))
            }
        };
        Some(Diagnostic::error(at.attribute("existing").attribute(name), summary, detail))
    };
    facts.keys.iter().filter_map(wrong).collect()
}

/// A key stays what it is.
pub(crate) fn check_change(model: &Encryption, prior: Option<&Encryption>, at: &Path) -> Diagnostics {
    let Some(prior) = prior else { return Vec::new() };
    let changed = match (&model.existing, &prior.existing) {
        (Attr::Unknown, _) => false,
        (Attr::Known(now), Attr::Known(before)) => now.to_value() != before.to_value() && now.to_value().is_wholly_known(),
        (now, before) => now.is_null() != before.is_null(),
    };
    if !changed {
        return Vec::new();
    }
    let detail = "What the old keys encrypted stays encrypted with them, and no service re-encrypts it. Set `encryption.existing` back; \
                  to move to other keys, make a new environment and restore a snapshot copied under the new key.";
    vec![Diagnostic::error(at.attribute("existing"), "The keys of an environment can't be exchanged", detail)]
}

/// Both keys with their aliases, and the service-linked role that the data key's policy names.
pub(crate) fn nodes(
    model: &Encryption,
    name: &Attr<String>,
    preset: Option<Preset>,
    links: &Links,
    place: &Place,
) -> Result<Vec<Node>, Diagnostics> {
    if !model.existing.is_null() {
        return Ok(Vec::new());
    }
    let role = settings([("service_name", unread(Input::Known(json!("autoscaling.amazonaws.com"))))]);
    // Shared by the whole account: it is never ours to delete.
    let role = Node::new(AUTO_SCALING_ROLE, "service_linked_role", role).adopting().kept(Some(String::new()));
    let users = KeyUsers {
        services: vec![
            format!("logs.{}.{}", place.region, place.dns_suffix),
            "cloudwatch.amazonaws.com".to_owned(),
            "events.amazonaws.com".to_owned(),
            "events.rds.amazonaws.com".to_owned(),
        ],
        granters: vec![link(AUTO_SCALING_ROLE, "arn")],
        ..KeyUsers::default()
    };
    let tokens = KeyUsers { users: vec![links.identity_arn.clone()], ..KeyUsers::default() };
    let mut nodes = vec![role];
    nodes.extend(key(model, name, preset, place, TOKENS, "tokens", "Encrypts the tokens of Deeploy", &tokens)?);
    nodes.extend(key(model, name, preset, place, DATA, "data", "Encrypts database, disks, bucket, logs and secrets of Deeploy", &users)?);
    Ok(nodes)
}

#[allow(clippy::too_many_arguments)]
fn key(
    model: &Encryption,
    name: &Attr<String>,
    preset: Option<Preset>,
    place: &Place,
    component: &str,
    purpose: &str,
    description: &str,
    users: &KeyUsers,
) -> Result<Vec<Node>, Diagnostics> {
    let of_key = KmsKey {
        name: name.clone().map(|name| format!("deeploy/{name}/{purpose}")),
        description: Attr::Known(description.to_owned()),
        deletion_window_in_days: model.deletion_window_in_days.clone(),
        rotation_period_in_days: model.rotation_period_in_days.clone(),
        user_arns: Attr::Known(Set::from_iter(Vec::<String>::new())),
        ..defaults::<KmsKey>(preset)?
    };
    let alias = format!("{component}_alias");
    let mut nodes = renamed(kms_key::Kind::blueprint(&of_key, place)?.nodes, &[("key", component), ("alias", &alias)]);
    let retained = !ends(model);
    let reason = "kept, since snapshots, backups and Deeploy's tokens are unreadable without it (`encryption.on_destroy`). Cost: per key and month \
                  (AWS KMS pricing)";
    for node in &mut nodes {
        if node.id.0 == component {
            node.settings.insert("policy".to_owned(), live(Input::from(key_policy(place, users, &[]))).meaning(Meaning::Policy));
            node.settings.insert("guard_usage".to_owned(), unread(Input::Known(json!(!retained))));
            // `rotation_period_in_days` shows the data key's; what the other one has shows in `drift`.
            if let Some(setting) = node.settings.get_mut("rotation_period_in_days") {
                setting.shown = component == DATA;
            }
            node.keep = retained.then(|| reason.to_owned());
        } else {
            node.keep = retained.then(String::new);
        }
    }
    Ok(nodes)
}

/// What the keys are called is only known when they are made.
pub(crate) fn foretell(model: &Encryption) -> Vec<(&'static str, Value)> {
    match &model.existing {
        Attr::Known(existing) => {
            vec![("tokens_key_arn", existing.tokens_key_arn.to_value()), ("data_key_arn", existing.data_key_arn.to_value())]
        }
        _ => Vec::new(),
    }
}

/// The keys' ARNs.
pub(crate) fn outputs(model: &mut Encryption, seen: &Observed) {
    if let Attr::Known(existing) = &model.existing {
        (model.tokens_key_arn, model.data_key_arn) = (existing.tokens_key_arn.clone(), existing.data_key_arn.clone());
        return;
    }
    model.tokens_key_arn = Seen(seen).output(TOKENS, "arn");
    model.data_key_arn = Seen(seen).output(DATA, "arn");
}

/// What AWS tells of the keys' settings.
pub(crate) fn refresh(model: &mut Encryption, seen: &Observed) {
    Seen(seen).number(DATA, "rotation_period_in_days", &mut model.rotation_period_in_days);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_end_under_what_a_destroy_leaves() {
        let keys = |on_destroy: &str, existing: Attr<ExistingKeys>| Encryption {
            on_destroy: Attr::Known(on_destroy.to_owned()),
            existing,
            ..Encryption::default()
        };
        let others = ExistingKeys { tokens_key_arn: Attr::Null, data_key_arn: Attr::Null };
        let cases = [
            (keys("schedule", Attr::Null), true, true),
            (keys("schedule", Attr::Null), false, false),
            (keys("retain", Attr::Null), true, false),
            (keys("schedule", Attr::Known(others)), true, false),
        ];
        for (keys, backups_stay, refused) in cases {
            assert_eq!(guarded(&keys, backups_stay).is_some(), refused, "{:?} {backups_stay}", keys.on_destroy);
        }
    }

    #[test]
    fn keys_that_exist_must_exist() {
        let state =
            |state: Option<&str>| ("data_key_arn", "arn:aws:kms:eu-central-1:123456789012:key/1".to_owned(), state.map(str::to_owned));
        let told = |keys| {
            let found = check_facts(&Facts { keys }, &Path::of("encryption"));
            found.into_iter().map(|one| format!("{}: {}", one.path, one.summary)).collect::<Vec<_>>()
        };
        assert_eq!(told(vec![state(Some("Enabled"))]), Vec::<String>::new());
        assert_eq!(
            told(vec![state(None), state(Some("PendingDeletion"))]),
            ["encryption.existing.data_key_arn: No such key", "encryption.existing.data_key_arn: The key can't be used"]
        );
    }
}
