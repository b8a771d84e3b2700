//! `deeploy_iam_user`.

mod keys;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Diagnostics, Model, Path, Timeouts};

use super::{
    access::{self, AccessInputs},
    checks,
    composite::{Composite, Foretold, Seen, told},
    marks::ClaimMarks,
    setting::{document, fixed, input, just, live, or_none, settings, unread},
};
use crate::{
    aws::{Arn, Aws},
    graph::{Blueprint, Input, Known, Meaning, Node, Observed, Owner},
    policies::Place,
};

pub(crate) use keys::{ACCESS_KEY, Keys};

const USER: &str = "user";
const GROUP: &str = "group";
const GROUP_POLICY: &str = "group_policy";
const MEMBERSHIP: &str = "membership";
const SECRET: &str = "secret";

/// The IAM user of a Deeploy that can't take a role, with an access key that only AWS Secrets Manager ever sees.
///
/// The user has its rights through a group of its own. Its secret access key goes straight into a secret, as JSON with
/// `access_key_id` and `secret_access_key`: it is in no state, plan, log or message. Prefer `deeploy_iam_role` where you can.
#[derive(Clone, Debug, Model)]
pub(crate) struct IamUser {
    /// Name of the user and of its group.
    #[tf(required, validate(checks::iam_name(64)), note(change = "live"))]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// Path of the user and its group.
    #[tf(optional, computed, validate(checks::iam_path()), note(preset = "iam_user.path", change = "live"))]
    pub path: Attr<String>,
    /// ARN of the policy that bounds the user's permissions.
    #[tf(optional, validate(checks::arn_of("iam", "policy/")), note(change = "live"))]
    pub permissions_boundary: Attr<String>,
    /// ARN of the bucket with Deeploy's artefacts.
    #[tf(optional, validate(checks::bucket_arn()), note(change = "live"))]
    pub bucket_arn: Attr<String>,
    /// ARN of the KMS key that the bucket is encrypted with; the user may use it through S3 only.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live"))]
    pub bucket_kms_key_arn: Attr<String>,
    /// ARN of the KMS key that encrypts Deeploy's tokens.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live"))]
    pub tokens_key_arn: Attr<String>,
    /// What the user may do with the bucket: `least_privilege` (list, get, put, delete, multipart uploads), or `documented`, the policy of
    /// Deeploy's page to the letter (`s3:*` on its objects).
    #[tf(optional, computed, validate(checks::one_of(&["least_privilege", "documented"])), note(preset = "iam_user.access", change = "live", controls = "IAM.2, IAM.21"))]
    pub access: Attr<String>,
    /// Name of the secret with the access key; by default `deeploy/NAME/access-key`.
    #[tf(optional, computed, replace, validate(checks::secret_name()), note(change = "replace"))]
    pub secret_name: Attr<String>,
    /// ARN of the KMS key that the secret is encrypted with; by default AWS's own key for Secrets Manager.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live"))]
    pub secret_kms_key_arn: Attr<String>,
    /// Days that the deleted secret can be restored, 7 to 30.
    #[tf(optional, computed, validate(checks::between(7, 30)), note(preset = "iam_user.secret_recovery_window_in_days", change = "live"))]
    pub secret_recovery_window_in_days: Attr<i64>,
    /// Any text, e.g. a date. Another text makes a second access key and stores it; the key before stays active until the next rotation, or
    /// until `retire_previous_access_key`.
    #[tf(optional, validate(checks::length(1, 256)), note(change = "live", controls = "IAM.3"))]
    pub access_key_rotation: Attr<String>,
    /// Delete the access key before the current one. See `previous_access_key_last_used` first. An apply that rotates the access key leaves
    /// the previous one; the next plan shows that it will be deleted.
    #[tf(optional, computed, note(preset = "iam_user.retire_previous_access_key", change = "live"))]
    pub retire_previous_access_key: Attr<bool>,
    /// Tags of the user and the secret, beside the provider's `default_tags`.
    #[tf(optional, validate(checks::tags()), note(change = "live"))]
    pub tags: Attr<BTreeMap<String, Attr<String>>>,
    /// How long each operation may take.
    #[tf(optional)]
    pub timeouts: Attr<Timeouts>,
    /// The user's name.
    #[tf(computed)]
    pub id: Attr<String>,
    /// The user's ARN.
    #[tf(computed)]
    pub arn: Attr<String>,
    /// The user's unique id (`AIDA…`).
    #[tf(computed)]
    pub unique_id: Attr<String>,
    /// The user's permissions, JSON.
    #[tf(computed)]
    pub policy: Attr<String>,
    /// Id of the access key in the secret.
    #[tf(computed)]
    pub access_key_id: Attr<String>,
    /// Id of the access key before it, while it is active.
    #[tf(computed)]
    pub previous_access_key_id: Attr<String>,
    /// When the previous access key was last used, by RFC 3339; AWS knows it some minutes later.
    #[tf(computed)]
    pub previous_access_key_last_used: Attr<String>,
    /// ARN of the secret.
    #[tf(computed)]
    pub secret_arn: Attr<String>,
    /// Id of the secret's version with the current access key.
    #[tf(computed)]
    pub secret_version_id: Attr<String>,
    /// All tags of the user: `tags` and the provider's `default_tags`.
    #[tf(computed)]
    pub tags_all: Attr<BTreeMap<String, Attr<String>>>,
    /// `ready`; `incomplete` after a failed or interrupted create; `unclaimed` after an import, until the next apply.
    #[tf(computed)]
    pub status: Attr<String>,
    /// Components that differ from what they should be: component to names of settings. The next apply repairs them.
    #[tf(computed)]
    pub drift: Attr<BTreeMap<String, Attr<Vec<Attr<String>>>>>,
    /// The marks by which the provider knows the user as this resource's.
    #[tf(computed)]
    pub claim: Attr<ClaimMarks>,
}

/// [`Composite`] of `deeploy_iam_user`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = IamUser;
    type Facts = ();
    const TYPE: &'static str = "deeploy_iam_user";
    const OUTPUTS: &'static [(&'static str, &'static str)] = &[
        ("id", USER),
        ("arn", USER),
        ("unique_id", USER),
        ("policy", GROUP_POLICY),
        ("access_key_id", ACCESS_KEY),
        ("previous_access_key_id", ACCESS_KEY),
        ("previous_access_key_last_used", ACCESS_KEY),
        ("secret_arn", SECRET),
        ("secret_version_id", ACCESS_KEY),
    ];
    const IMPORT_IDS: &'static str = "a user's name or ARN";

    fn check(model: &IamUser) -> Diagnostics {
        access::check(&inputs(model))
    }

    fn check_in(model: &IamUser, place: &Place) -> Diagnostics {
        access::check_in(&inputs(model), place)
    }

    fn derive(model: &mut IamUser, _written: &IamUser, prior: Option<&IamUser>, _facts: Option<&()>) {
        if model.secret_name.is_null() {
            model.secret_name = match (prior.map(|prior| &prior.secret_name), &model.name) {
                (Some(Attr::Known(before)), _) => Attr::Known(before.clone()),
                (_, Attr::Known(name)) => Attr::Known(format!("deeploy/{name}/access-key")),
                (_, Attr::Unknown) => Attr::Unknown,
                (_, Attr::Null) => Attr::Null,
            };
        }
    }

    fn blueprint(model: &IamUser, place: &Place) -> Result<Blueprint, Diagnostics> {
        let user_name = || Input::Output(USER.into(), "name".to_owned());
        let group_name = || Input::Output(GROUP.into(), "name".to_owned());
        let named = |extra| {
            let mut all = settings([("name", live(input(&model.name))), ("path", live(input(&model.path)).shown())]);
            all.extend(extra);
            all
        };
        let boundary = settings([
            ("permissions_boundary", live(or_none(&model.permissions_boundary)).shown()),
            ("groups", unread(just(&model.name))),
            ("inline_policies", unread(Input::Known(json!([])))),
            ("access_keys", unread(keys(model).own())),
            ("secret", unread(input(&model.secret_name))),
        ]);
        let ours =
            settings([("members", unread(just(&model.name))), ("inline_policies", unread(Input::Known(json!([access::POLICY_NAME]))))]);
        // Live: a membership, an inline policy and the keys follow a renamed user or group.
        let membership = settings([("group", live(group_name())), ("user", live(user_name()))]);
        let mut nodes = vec![
            Node::new(USER, "iam_user", named(boundary)).claim(),
            Node::new(GROUP, "iam_group", named(ours)),
            Node::new(MEMBERSHIP, "iam_group_membership", membership),
            Node::new(SECRET, "secret", secret(model)),
            Node::new(ACCESS_KEY, "access_key", keys(model).settings(USER, SECRET)),
        ];
        let policy = access::policy(&inputs(model), place);
        let absent = policy == Input::Known(Json::Null);
        let inline = settings([
            ("group", live(group_name())),
            ("name", fixed(Input::Known(json!(access::POLICY_NAME)))),
            ("policy", live(policy).meaning(Meaning::Policy)),
        ]);
        nodes.push(Node::new(GROUP_POLICY, "iam_group_policy", inline).absent_if(absent));
        Ok(Blueprint::of(Owner { resource: Kind::TYPE.to_owned(), name: model.name.known().cloned().unwrap_or_default() }, nodes))
    }

    fn known(state: &IamUser) -> Known {
        let user = state.id.known().cloned();
        // The group is named like the user and renamed with it.
        [
            (USER, user.clone()),
            (GROUP, user),
            (SECRET, state.secret_arn.known().cloned()),
            (ACCESS_KEY, state.access_key_id.known().cloned()),
        ]
        .into_iter()
        .filter_map(|(component, id)| Some((component.into(), id?)))
        .collect()
    }

    fn foretell(model: &IamUser, place: &Place) -> Foretold {
        let arn = match (&model.name, &model.path) {
            (Attr::Known(name), Attr::Known(path)) => Attr::Known(place.iam(&format!("user{path}{name}"))),
            _ => Attr::Unknown,
        };
        told([("id", model.name.clone()), ("arn", arn), ("policy", document(&access::policy(&inputs(model), place)))])
    }

    fn moved(planned: &IamUser, prior: &IamUser) -> Vec<String> {
        keys(planned).moved(&keys(prior), &prior.drift).iter().map(|name| (*name).to_owned()).collect()
    }

    fn outputs(model: &mut IamUser, seen: &Observed) {
        let seen = Seen(seen);
        model.id = seen.output(USER, "name");
        model.arn = seen.output(USER, "arn");
        model.unique_id = seen.output(USER, "unique_id");
        model.secret_arn = seen.output(SECRET, "arn");
        if seen.output_json(ACCESS_KEY, "access_key_id").is_some() {
            model.access_key_id = seen.output(ACCESS_KEY, "access_key_id");
            model.previous_access_key_id = seen.output(ACCESS_KEY, "previous_access_key_id");
        }
        model.previous_access_key_last_used = seen.output(ACCESS_KEY, "previous_last_used");
        model.secret_version_id = seen.output(ACCESS_KEY, "secret_version_id");
    }

    fn live_policy(seen: &Observed) -> Option<Json> {
        Seen(seen).setting(GROUP_POLICY, "policy")
    }

    fn refresh(model: &mut IamUser, seen: &Observed) {
        Seen(seen).text(USER, "path", &mut model.path);
        Seen(seen).text(USER, "permissions_boundary", &mut model.permissions_boundary);
        Seen(seen).text(SECRET, "kms_key_id", &mut model.secret_kms_key_arn);
    }

    fn adopt(model: &mut IamUser, seen: &Observed) {
        let Some(policy) = Self::live_policy(seen) else { return };
        let found = access::read(&policy);
        model.bucket_arn = found.bucket_arn;
        model.bucket_kms_key_arn = found.bucket_kms_key_arn;
        model.tokens_key_arn = found.tokens_key_arn;
        model.access = found.access;
    }

    async fn import(model: &mut IamUser, id: &str, _aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        let name = access::name_of(id, Arn::parse(id).ok().as_ref(), "user/");
        model.id = Attr::Known(name.clone());
        model.name = Attr::Known(name);
        Ok(())
    }

    fn warnings(planned: &IamUser, prior: Option<&IamUser>, _facts: Option<&()>) -> Diagnostics {
        prior.map(|prior| keys(planned).warnings(&keys(prior), &Path::root())).unwrap_or_default()
    }
}

fn keys(model: &IamUser) -> Keys<'_> {
    Keys {
        rotation: &model.access_key_rotation,
        retire: &model.retire_previous_access_key,
        current: &model.access_key_id,
        previous: &model.previous_access_key_id,
        previous_last_used: &model.previous_access_key_last_used,
    }
}

fn inputs(model: &IamUser) -> AccessInputs {
    AccessInputs {
        bucket_arn: model.bucket_arn.clone(),
        bucket_kms_key_arn: model.bucket_kms_key_arn.clone(),
        tokens_key_arn: model.tokens_key_arn.clone(),
        access: model.access.clone(),
    }
}

fn secret(model: &IamUser) -> crate::graph::Settings {
    settings([
        ("name", fixed(input(&model.secret_name))),
        ("kms_key_id", live(or_none(&model.secret_kms_key_arn)).shown()),
        ("description", live(Input::Known(json!("Access key of Deeploy's IAM user")))),
        ("recovery_window_in_days", unread(input(&model.secret_recovery_window_in_days))),
        ("recover", unread(Input::Known(json!(true)))),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tf_provider::Value;

    use super::*;

    fn model(attributes: &[(&str, Value)]) -> IamUser {
        let nulls = IamUser::attributes().into_iter().map(|attribute| (attribute.name, Value::Null));
        let mut all: BTreeMap<_, _> = nulls.collect();
        all.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        IamUser::from_value(&Value::Map(all), &Path::root()).unwrap()
    }

    fn user(rotation: &str, retire: bool, current: Value, previous: Value) -> IamUser {
        model(&[
            ("name", "u".into()),
            ("access_key_rotation", rotation.into()),
            ("retire_previous_access_key", retire.into()),
            ("access_key_id", current),
            ("previous_access_key_id", previous),
        ])
    }

    fn setting(model: &IamUser, component: &str, name: &str) -> Input {
        let blueprint = Kind::blueprint(model, &crate::policies::frankfurt()).unwrap();
        blueprint.nodes.iter().find(|node| node.id.0 == component).unwrap().settings.get(name).unwrap().value.clone()
    }

    #[test]
    fn an_apply_that_makes_a_key_retires_none_and_the_next_plan_does() {
        let rotating = user("2", true, Value::Unknown, Value::Unknown);
        assert_eq!(setting(&rotating, ACCESS_KEY, "retire_previous"), Input::Known(json!(false)));
        let prior = user("1", true, "A".into(), Value::Null);
        let said: Vec<_> = Kind::warnings(&rotating, Some(&prior), None).into_iter().map(|warning| warning.summary).collect();
        assert_eq!(said, ["The access key A will be deleted by the next apply"]);

        let after = user("2", true, "B".into(), "A".into());
        assert_eq!(setting(&after, ACCESS_KEY, "retire_previous"), Input::Known(json!(true)));
        assert_eq!(Kind::moved(&after, &after), ["previous_access_key_id", "previous_access_key_last_used"]);
        let said: Vec<_> = Kind::warnings(&after, Some(&after), None).into_iter().map(|warning| warning.summary).collect();
        assert_eq!(said, ["The access key A will be deleted"]);

        let retired = user("2", true, "B".into(), Value::Null);
        assert!(Kind::moved(&retired, &retired).is_empty() && Kind::warnings(&retired, Some(&retired), None).is_empty());
    }

    #[test]
    fn a_key_stays_known_as_ours_when_its_secret_is_gone() {
        let mut model = user("1", false, "A".into(), "B".into());
        Kind::outputs(&mut model, &Observed::default());
        assert_eq!(setting(&model, USER, "access_keys"), Input::Known(json!(["A", "B"])));
        let making = user("1", false, Value::Unknown, Value::Null);
        assert_eq!(setting(&making, USER, "access_keys"), Input::Known(json!([])));
    }
}
