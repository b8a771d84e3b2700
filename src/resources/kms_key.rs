//! `deeploy_kms_key`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set, Timeouts};

use super::{
    checks,
    composite::{Composite, Foretold, Seen, told},
    marks::ClaimMarks,
    report,
    setting::{document, input, live, settings, unread},
};
use crate::{
    aws::Aws,
    components::alias_of,
    graph::{Blueprint, Input, Known, Meaning, Node, Observed, Owner},
    policies::{KeyUsers, Place, foreign_statements, is_root, key_policy, locks_out, parse_statements, users_of},
};

const KEY: &str = "key";
const ALIAS: &str = "alias";

/// A symmetric KMS key with an alias, a key policy and rotation: the key that encrypts Deeploy's tokens, or its data.
///
/// The policy leaves the account in control, gives `user_arns` the five actions that Deeploy's page names, and nothing else to anybody.
/// Losing the key means losing what it encrypts. So `terraform destroy` only schedules its deletion, and a key of the same name
/// that is created within the window is the same key again, with everything that it encrypted (`recover`).
#[derive(Clone, Debug, Model)]
pub(crate) struct KmsKey {
    /// Name of the key. Its alias is `alias/NAME`; a new name moves the alias, the key stays.
    #[tf(required, validate(checks::key_name()), note(change = "live"))]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// What the key is for, as AWS shows it.
    #[tf(
        optional,
        computed,
        default = "Encrypts data of a Deeploy installation",
        validate(checks::length(0, 8192)),
        note(change = "live")
    )]
    pub description: Attr<String>,
    /// ARNs of roles or users that encrypt and decrypt with the key: `kms:Encrypt`, `kms:Decrypt`, `kms:ReEncrypt*`,
    /// `kms:GenerateDataKey*` and `kms:DescribeKey`. ARNs of role sessions are taken as their roles. Don't name a role
    /// that names this key in `tokens_key_arn`: that is a cycle, and the role's own policy is enough.
    #[tf(optional, validate(checks::principals()), note(change = "live"))]
    pub user_arns: Attr<Set<String>>,
    /// ARNs of roles or users that administer the key and can't use it.
    #[tf(optional, validate(checks::principals()), note(change = "live"))]
    pub administrator_arns: Attr<Set<String>>,
    /// AWS services that use the key for this account, e.g. `logs.eu-central-1.amazonaws.com`. Each is tied to the account.
    #[tf(optional, validate(checks::services()), note(change = "live"))]
    pub service_principals: Attr<Set<String>>,
    /// ARNs of principals that may hand the key to AWS services by grants, e.g. Auto Scaling's service-linked role, without which
    /// no node with an encrypted disk starts.
    #[tf(optional, validate(checks::principals()), note(change = "live"))]
    pub grant_principal_arns: Attr<Set<String>>,
    /// JSON of statements that are added to the key policy: one, a list, or a policy document.
    #[tf(optional, validate(checks::statements()), note(change = "live"))]
    pub policy_statements: Attr<String>,
    /// Whether AWS makes new key material regularly; what older material encrypted stays readable.
    #[tf(optional, computed, note(preset = "kms_key.enable_key_rotation", change = "live", controls = "KMS.4"))]
    pub enable_key_rotation: Attr<bool>,
    /// Days between two rotations, 90 to 2560.
    #[tf(optional, computed, validate(checks::between(90, 2560)), note(preset = "kms_key.rotation_period_in_days", change = "live"))]
    pub rotation_period_in_days: Attr<i64>,
    /// Days that a deleted key waits for its end, 7 to 30; until then it can be taken back.
    #[tf(optional, computed, validate(checks::between(7, 30)), note(preset = "kms_key.deletion_window_in_days", change = "live"))]
    pub deletion_window_in_days: Attr<i64>,
    /// Refuse to destroy the key.
    #[tf(optional, computed, note(preset = "kms_key.deletion_protection", change = "live"))]
    pub deletion_protection: Attr<bool>,
    /// Take back a key of this name that waits for its deletion, instead of making a new one that can't read the old one's ciphertexts.
    #[tf(optional, computed, note(preset = "kms_key.recover", change = "live"))]
    pub recover: Attr<bool>,
    /// Tags of the key, beside the provider's `default_tags`.
    #[tf(optional, validate(checks::tags()), note(change = "live"))]
    pub tags: Attr<BTreeMap<String, Attr<String>>>,
    /// How long each operation may take.
    #[tf(optional)]
    pub timeouts: Attr<Timeouts>,
    /// The key's id.
    #[tf(computed)]
    pub id: Attr<String>,
    /// The key's ARN.
    #[tf(computed)]
    pub arn: Attr<String>,
    /// The alias's ARN.
    #[tf(computed)]
    pub alias_arn: Attr<String>,
    /// The key policy, JSON.
    #[tf(computed)]
    pub policy: Attr<String>,
    /// All tags of the key: `tags` and the provider's `default_tags`.
    #[tf(computed)]
    pub tags_all: Attr<BTreeMap<String, Attr<String>>>,
    /// `ready`; `incomplete` after a failed or interrupted create; `unclaimed` after an import, until the next apply.
    #[tf(computed)]
    pub status: Attr<String>,
    /// Components that differ from what they should be: component to names of settings. The next apply repairs them.
    #[tf(computed)]
    pub drift: Attr<BTreeMap<String, Attr<Vec<Attr<String>>>>>,
    /// The marks by which the provider knows the key as this resource's.
    #[tf(computed)]
    pub claim: Attr<ClaimMarks>,
}

/// [`Composite`] of `deeploy_kms_key`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = KmsKey;
    type Facts = ();
    const TYPE: &'static str = "deeploy_kms_key";
    const OUTPUTS: &'static [(&'static str, &'static str)] = &[("id", KEY), ("arn", KEY), ("alias_arn", ALIAS), ("policy", KEY)];

    fn check(model: &KmsKey) -> Diagnostics {
        let off = model.enable_key_rotation.known() == Some(&false);
        if off && model.rotation_period_in_days.known().is_some() {
            return vec![Diagnostic::error(
                Path::of("rotation_period_in_days"),
                "A period without rotation",
                "`enable_key_rotation` is false, so there is no period to set. Remove one of the two.",
            )];
        }
        Vec::new()
    }

    fn check_in(model: &KmsKey, place: &Place) -> Diagnostics {
        let strangers = Self::principals(model).into_iter().find_map(|(name, arn)| checks::of_partition(Path::of(name), &arn, place));
        if let Some(stranger) = strangers {
            return vec![stranger];
        }
        let Ok(statements) = statements_of(model) else { return Vec::new() };
        match statements.and_then(|more| locks_out(place, &more)) {
            Some(position) => vec![Diagnostic::error(
                Path::of("policy_statements"),
                "The policy would lock the account out of the key",
                format!(
                    "Statement {} denies kms:PutKeyPolicy to everyone, the account's root included: nobody could ever change the key's policy again, \
                     and AWS support can't either. Add a Condition, or name the principals that it is for.",
                    position.saturating_add(1)
                ),
            )],
            None => Vec::new(),
        }
    }

    fn derive(model: &mut KmsKey, written: &KmsKey, _prior: Option<&KmsKey>, _facts: Option<&()>) {
        if written.rotation_period_in_days.is_null() {
            match model.enable_key_rotation {
                Attr::Known(false) => model.rotation_period_in_days = Attr::Null,
                Attr::Unknown => model.rotation_period_in_days = Attr::Unknown,
                _ => {}
            }
        }
    }

    fn principals(model: &KmsKey) -> Vec<(&'static str, String)> {
        let of = |attribute, set: &Attr<Set<String>>| {
            set.known().into_iter().flat_map(Set::known).map(move |arn| (attribute, arn.clone())).collect::<Vec<_>>()
        };
        [
            of("user_arns", &model.user_arns),
            of("administrator_arns", &model.administrator_arns),
            of("grant_principal_arns", &model.grant_principal_arns),
        ]
        .concat()
    }

    fn blueprint(model: &KmsKey, place: &Place) -> Result<Blueprint, Diagnostics> {
        let alias = match &model.name {
            Attr::Known(name) => Input::Known(json!(format!("alias/{name}"))),
            _ => Input::Unknown,
        };
        let rotates = model.enable_key_rotation.known() != Some(&false);
        let period = if rotates { input(&model.rotation_period_in_days) } else { Input::Known(Json::Null) };
        let key = settings([
            ("description", live(input(&model.description)).shown()),
            ("policy", live(policy(model, place)).meaning(Meaning::Policy)),
            ("enable_key_rotation", live(input(&model.enable_key_rotation)).shown()),
            ("rotation_period_in_days", live(period).shown()),
            ("enabled", live(Input::Known(json!(true)))),
            ("alias", unread(alias.clone())),
            ("deletion_window_in_days", unread(input(&model.deletion_window_in_days))),
            ("deletion_protection", unread(input(&model.deletion_protection))),
            ("recover", unread(input(&model.recover))),
        ]);
        let of_key = Input::Output(KEY.into(), "id".to_owned());
        let alias = settings([("name", live(alias)), ("key_id", live(of_key))]);
        Ok(Blueprint::of(owner(model), vec![Node::new(KEY, "kms_key", key).claim().stateful(), Node::new(ALIAS, "kms_alias", alias)]))
    }

    fn known(state: &KmsKey) -> Known {
        let alias = state.alias_arn.known().and_then(|arn| arn.split_once(":alias/")).map(|(_, name)| format!("alias/{name}"));
        let key = state.id.known().cloned();
        [(KEY, key), (ALIAS, alias)].into_iter().filter_map(|(component, id)| Some((component.into(), id?))).collect()
    }

    fn foretell(model: &KmsKey, place: &Place) -> Foretold {
        let alias = model.name.clone().map(|name| place.regional("kms", &format!("alias/{name}")));
        told([("alias_arn", alias), ("policy", document(&policy(model, place)))])
    }

    const RESCUE: &'static str = "What it encrypted can be read again once it is taken back: `aws kms cancel-key-deletion --key-id ID`, then \
        `aws kms enable-key --key-id ID`, then apply again.";

    fn outputs(model: &mut KmsKey, seen: &Observed) {
        model.id = Seen(seen).output(KEY, "id");
        model.arn = Seen(seen).output(KEY, "arn");
        model.alias_arn = Seen(seen).output(ALIAS, "arn");
    }

    fn live_policy(seen: &Observed) -> Option<Json> {
        Seen(seen).setting(KEY, "policy")
    }

    fn refresh(model: &mut KmsKey, seen: &Observed) {
        Seen(seen).text(KEY, "description", &mut model.description);
        Seen(seen).flag(KEY, "enable_key_rotation", &mut model.enable_key_rotation);
        match model.enable_key_rotation.known() {
            Some(false) => model.rotation_period_in_days = Attr::Null,
            _ => Seen(seen).number(KEY, "rotation_period_in_days", &mut model.rotation_period_in_days),
        }
    }

    const IMPORT_IDS: &'static str = "a key's name, alias, id or ARN";

    async fn import(model: &mut KmsKey, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        match id.strip_prefix("alias/").or_else(|| id.split_once(":alias/").map(|(_, name)| name)) {
            Some(name) => model.name = Attr::Known(name.to_owned()),
            None if looks_like_key(id) => {
                let key = id.rsplit('/').next().unwrap_or(id);
                let alias =
                    alias_of(aws, key).await.map_err(|failure| vec![report::failed(Path::root(), "The key can't be read", &failure)])?;
                // A key without an alias gets one of its own id, which the user changes by configuring a name.
                model.name = Attr::Known(alias.map_or_else(|| key.to_owned(), |alias| alias.trim_start_matches("alias/").to_owned()));
                model.id = Attr::Known(key.to_owned());
            }
            None => model.name = Attr::Known(id.to_owned()),
        }
        Ok(())
    }

    fn adopt(model: &mut KmsKey, seen: &Observed) {
        let Some(policy) = Self::live_policy(seen) else { return };
        let users = users_of(&policy);
        let set = |arns: Vec<String>| if arns.is_empty() { Attr::Null } else { Attr::Known(arns.into_iter().collect()) };
        model.user_arns = set(users.users);
        model.administrator_arns = set(users.administrators);
        model.service_principals = set(users.services);
        model.grant_principal_arns = set(users.granters);
        let mut foreign = foreign_statements(&policy);
        // Every key is made with this one, under another name; ours says the same.
        foreign.retain(|statement| !is_root(statement));
        model.policy_statements = if foreign.is_empty() { Attr::Null } else { Attr::Known(Json::Array(foreign).to_string()) };
    }

    fn guarded(state: &KmsKey) -> Vec<(&'static str, String)> {
        if state.deletion_protection.known() == Some(&true) {
            vec![("deletion_protection", "`deletion_protection` is on. Set it to false, apply, and destroy then.".to_owned())]
        } else {
            Vec::new()
        }
    }
}

fn owner(model: &KmsKey) -> Owner {
    Owner { resource: Kind::TYPE.to_owned(), name: model.name.known().cloned().unwrap_or_default() }
}

/// A key id, multi-Region key id or key ARN, and not a name.
fn looks_like_key(id: &str) -> bool {
    let last = id.rsplit('/').next().unwrap_or(id);
    let dashes = last.bytes().filter(|byte| *byte == b'-').count();
    id.contains(":key/") || last.starts_with("mrk-") || (last.len() == 36 && dashes == 4)
}

/// `Ok(None)`: not known yet.
fn statements_of(model: &KmsKey) -> Result<Option<Vec<Json>>, String> {
    match &model.policy_statements {
        Attr::Unknown => Ok(None),
        Attr::Null => Ok(Some(Vec::new())),
        Attr::Known(text) => parse_statements(text).map(Some),
    }
}

fn policy(model: &KmsKey, place: &Place) -> Input {
    let (Ok(Some(more)), Some(users), Some(administrators), Some(services), Some(granters)) = (
        statements_of(model),
        names(&model.user_arns),
        names(&model.administrator_arns),
        names(&model.service_principals),
        names(&model.grant_principal_arns),
    ) else {
        return Input::Unknown;
    };
    Input::Known(key_policy(place, &KeyUsers { users, administrators, services, granters }, &more))
}

/// `None` where any of them is unknown.
fn names(set: &Attr<Set<String>>) -> Option<Vec<String>> {
    match set {
        Attr::Null => Some(Vec::new()),
        Attr::Unknown => None,
        Attr::Known(set) => set.iter().map(|name| name.known().cloned()).collect(),
    }
}
