//! `identity`: as whom Deeploy's pods call AWS.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Diagnostics, Model, Path, Set, Value};

use super::{defaults, iam_name::iam_name, renamed::renamed};
use crate::{
    graph::{Input, Meaning, Node, Observed, link},
    policies::{Access, AccessTo, Irsa, Place, PodIdentity, access_policy, trust_policy},
    presets::Preset,
    resources::{
        access, checks,
        composite::{Composite, Seen},
        iam_user::{self, ACCESS_KEY, IamUser, Keys},
        setting::{fixed, input, live, or_none, settings, unread},
    },
};

/// Deeploy's role.
pub(crate) const ROLE: &str = "role";
/// Deeploy's user, for charts that take no role.
pub(crate) const USER: &str = "user";
/// Where its access key goes.
const SECRET: &str = "secret";

/// As whom Deeploy's pods call AWS: a role by EKS Pod Identity and by IAM roles for service accounts, or a user with an access key.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Identity {
    /// `role`, or `user` for charts that take only an access key (up to 1.14). The access key goes straight into a secret.
    #[tf(optional, computed, validate(checks::one_of(&["role", "user"])), note(preset = "identity.mode", change = "live"))]
    pub mode: Attr<String>,
    /// Kubernetes namespace of Deeploy.
    #[tf(optional, computed, validate(checks::kubernetes_name()), note(preset = "identity.namespace", change = "live"))]
    pub namespace: Attr<String>,
    /// Names of the service accounts of Deeploy's pods, with which they become the role; no wildcards.
    #[tf(optional, computed, validate(checks::kubernetes_names()), note(preset = "identity.service_accounts", change = "live"))]
    pub service_accounts: Attr<Set<String>>,
    /// Days that the deleted secret of mode `user` can be restored, 7 to 30.
    #[tf(optional, computed, validate(checks::between(7, 30)), note(preset = "iam_user.secret_recovery_window_in_days", change = "live"))]
    pub secret_recovery_window_in_days: Attr<i64>,
    /// Any text, e.g. a date. In mode `user` another text makes a second access key and stores it; the key before stays active until the next
    /// rotation, or until `retire_previous_access_key`.
    #[tf(optional, validate(checks::length(1, 256)), note(change = "live", controls = "IAM.3"))]
    pub access_key_rotation: Attr<String>,
    /// Delete the access key before the current one. See `previous_access_key_last_used` first. An apply that rotates the access key leaves
    /// the previous one; the next plan shows that it will be deleted.
    #[tf(optional, computed, note(preset = "iam_user.retire_previous_access_key", change = "live"))]
    pub retire_previous_access_key: Attr<bool>,
    /// ARN of Deeploy's role; null in mode `user`.
    #[tf(computed)]
    pub role_arn: Attr<String>,
    /// ARN of Deeploy's user; null in mode `role`.
    #[tf(computed)]
    pub user_arn: Attr<String>,
    /// ARN of the secret with the user's access key; null in mode `role`.
    #[tf(computed)]
    pub access_key_secret_arn: Attr<String>,
    /// Id of the access key in the secret; null in mode `role`.
    #[tf(computed)]
    pub access_key_id: Attr<String>,
    /// Id of the access key before it, while it is active.
    #[tf(computed)]
    pub previous_access_key_id: Attr<String>,
    /// When the previous access key was last used, by RFC 3339; AWS knows it some minutes later.
    #[tf(computed)]
    pub previous_access_key_last_used: Attr<String>,
}

/// Computed attributes and their components.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[
    ("role_arn", ROLE),
    ("user_arn", USER),
    ("access_key_secret_arn", SECRET),
    ("access_key_id", ACCESS_KEY),
    ("previous_access_key_id", ACCESS_KEY),
    ("previous_access_key_last_used", ACCESS_KEY),
];

/// What the identity may reach, and how pods become it.
pub(crate) struct Links {
    pub(crate) name: Attr<String>,
    pub(crate) bucket: Attr<String>,
    pub(crate) access: Attr<String>,
    /// Possibly links.
    pub(crate) tokens_key_arn: Attr<String>,
    pub(crate) data_key_arn: Attr<String>,
    pub(crate) permissions_boundary: Attr<String>,
    pub(crate) iam_path: Attr<String>,
}

/// The account that AWS Marketplace's images of Deeploy come from, and its only region (Deeploy's public Helm chart).
const MARKETPLACE_ACCOUNT: &str = "709825985650";
const MARKETPLACE_REGION: &str = "us-east-1";

fn keys(model: &Identity) -> Keys<'_> {
    Keys {
        rotation: &model.access_key_rotation,
        retire: &model.retire_previous_access_key,
        current: &model.access_key_id,
        previous: &model.previous_access_key_id,
        previous_last_used: &model.previous_access_key_last_used,
    }
}

fn is_user(model: &Identity) -> bool {
    model.mode.as_str() == Some("user")
}

/// The name of the role, or of the user and its group.
fn own_name(name: &str, place: &Place) -> String {
    iam_name(name, "deeploy", place)
}

/// The principal that the tokens key admits: a link to its ARN.
pub(crate) fn arn(model: &Identity) -> String {
    link(if is_user(model) { USER } else { ROLE }, "arn")
}

/// The role with its policy and associations, or the user with its group and secret; the other of the two is absent.
pub(crate) fn nodes(model: &Identity, links: &Links, preset: Option<Preset>, place: &Place) -> Result<Vec<Node>, Diagnostics> {
    let user = is_user(model);
    let mut nodes = role(model, links, place);
    nodes.iter_mut().for_each(|node| node.absent = user);
    let mut others = user_nodes(model, links, preset, place)?;
    others.iter_mut().for_each(|node| node.absent |= !user);
    nodes.extend(others);
    Ok(nodes)
}

fn role(model: &Identity, links: &Links, place: &Place) -> Vec<Node> {
    let accounts = access::names(&model.service_accounts).unwrap_or_default();
    let namespace = model.namespace.known().cloned().unwrap_or_default();
    let cluster = links.name.known().cloned().unwrap_or_default();
    let irsa = Irsa {
        oidc_provider_arn: link("oidc_provider", "arn"),
        issuer: link("cluster", "issuer_host"),
        namespace: namespace.clone(),
        service_accounts: accounts.clone(),
    };
    let pods = PodIdentity { cluster_name: cluster, namespace: namespace.clone(), service_accounts: accounts.clone() };
    let known = model.service_accounts.known().is_some() && !namespace.is_empty() && links.name.known().is_some();
    let trust = if known { Input::from(trust_policy(place, Some(&irsa), Some(&pods), &[])) } else { Input::Unknown };
    let name = match links.name.known() {
        Some(name) => Input::Known(json!(own_name(name, place))),
        None => Input::Unknown,
    };
    let role = settings([
        ("name", fixed(name)),
        ("path", fixed(input(&links.iam_path))),
        ("trust_policy", live(trust).meaning(Meaning::Policy)),
        ("permissions_boundary", live(or_none(&links.permissions_boundary))),
        ("description", live(Input::Known(json!("Deeploy's pods")))),
        ("inline_policies", unread(Input::Known(json!([access::POLICY_NAME])))),
    ]);
    let inline = settings([
        ("role", fixed(Input::Output(ROLE.into(), "name".to_owned()))),
        ("name", fixed(Input::Known(json!(access::POLICY_NAME)))),
        ("policy", live(policy(links, place)).meaning(Meaning::Policy)),
    ]);
    let mut nodes = vec![Node::new(ROLE, "iam_role", role), Node::new("role_policy", "iam_role_policy", inline)];
    for account in accounts {
        let association = settings([
            ("cluster_name", fixed(Input::Output("cluster".into(), "name".to_owned()))),
            ("namespace", fixed(Input::Known(json!(namespace)))),
            ("service_account", fixed(Input::Known(json!(account)))),
            ("role_arn", live(Input::Output(ROLE.into(), "arn".to_owned()))),
        ]);
        nodes.push(Node::new(&format!("pod_identity/{namespace}/{account}"), "eks_pod_identity_association", association));
    }
    nodes
}

/// The node of a service account that was taken out.
pub(crate) fn leftover(component: &str) -> Option<Node> {
    let (namespace, account) = component.strip_prefix("pod_identity/")?.split_once('/')?;
    let association = settings([
        ("cluster_name", fixed(Input::Output("cluster".into(), "name".to_owned()))),
        ("namespace", fixed(Input::Known(json!(namespace)))),
        ("service_account", fixed(Input::Known(json!(account)))),
    ]);
    Some(Node::new(component, "eks_pod_identity_association", association))
}

/// Deeploy's permissions: its bucket, the bucket's key, the tokens key, and what AWS Marketplace's images call.
fn policy(links: &Links, place: &Place) -> Input {
    let (Some(bucket), Some(data), Some(tokens), Some(access)) =
        (links.bucket.known(), links.data_key_arn.known(), links.tokens_key_arn.known(), links.access.known())
    else {
        return Input::Unknown;
    };
    let access = if access == "documented" { Access::Documented } else { Access::LeastPrivilege };
    let to = AccessTo {
        bucket_arn: Some(place.bucket(bucket)),
        bucket_kms_key_arn: Some(data.clone()),
        tokens_key_arn: Some(tokens.clone()),
        dns_suffix: place.dns_suffix.clone(),
        region: place.region.clone(),
    };
    let Some(mut policy) = access_policy(access, &to) else { return Input::Known(Json::Null) };
    if let Some(statements) = policy.get_mut("Statement").and_then(Json::as_array_mut) {
        statements.extend(marketplace(place));
    }
    Input::from(policy)
}

/// Paid containers of AWS Marketplace meter their use, and are pulled from Deeploy's registry there.
fn marketplace(place: &Place) -> [Json; 3] {
    let images = format!("arn:{}:ecr:{MARKETPLACE_REGION}:{MARKETPLACE_ACCOUNT}:repository/*", place.partition);
    [
        json!({
            "Sid": "DeeployMarketplace", "Effect": "Allow", "Resource": "*",
            "Action": ["aws-marketplace:MeterUsage", "aws-marketplace:RegisterUsage"],
        }),
        json!({ "Sid": "DeeployImageLogin", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" }),
        json!({
            "Sid": "DeeployImages", "Effect": "Allow", "Resource": images,
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }),
    ]
}

fn user_nodes(model: &Identity, links: &Links, preset: Option<Preset>, place: &Place) -> Result<Vec<Node>, Diagnostics> {
    let user = IamUser {
        name: links.name.clone().map(|name| own_name(&name, place)),
        path: links.iam_path.clone(),
        permissions_boundary: links.permissions_boundary.clone(),
        bucket_arn: links.bucket.clone().map(|bucket| place.bucket(&bucket)),
        bucket_kms_key_arn: links.data_key_arn.clone(),
        tokens_key_arn: links.tokens_key_arn.clone(),
        access: links.access.clone(),
        secret_name: links.name.clone().map(|name| format!("deeploy/{name}/access-key")),
        secret_kms_key_arn: links.data_key_arn.clone(),
        secret_recovery_window_in_days: model.secret_recovery_window_in_days.clone(),
        access_key_rotation: model.access_key_rotation.clone(),
        retire_previous_access_key: model.retire_previous_access_key.clone(),
        access_key_id: model.access_key_id.clone(),
        previous_access_key_id: model.previous_access_key_id.clone(),
        ..defaults::<IamUser>(preset)?
    };
    let mut nodes = renamed(iam_user::Kind::blueprint(&user, place)?.nodes, &[]);
    for node in &mut nodes {
        if node.kind == "iam_group_policy" {
            node.settings.insert("policy".to_owned(), live(policy(links, place)).meaning(Meaning::Policy));
        }
        if let Some(setting) = node.settings.get_mut("kms_key_id")
            && let Input::Known(value) = &setting.value
        {
            setting.value = Input::from(value.clone());
        }
    }
    Ok(nodes)
}

/// What the identities are called is known before.
pub(crate) fn foretell(model: &Identity, links: &Links, place: &Place) -> Vec<(&'static str, Value)> {
    let arn = |kind: &str, wanted: bool| match (&links.name, &links.iam_path, wanted) {
        (_, _, false) => Value::Null,
        (Attr::Known(name), Attr::Known(path), _) => Value::from(place.iam(&format!("{kind}{path}{}", own_name(name, place)))),
        _ => Value::Unknown,
    };
    let mut all = vec![("role_arn", arn("role", !is_user(model))), ("user_arn", arn("user", is_user(model)))];
    if !is_user(model) {
        let none = ["access_key_secret_arn", "access_key_id", "previous_access_key_id", "previous_access_key_last_used"];
        all.extend(none.map(|name| (name, Value::Null)));
    }
    all
}

/// Outputs that a change may move: those of the user's keys.
pub(crate) fn moved(
    planned: &Identity,
    prior: &Identity,
    drift: &Attr<BTreeMap<String, Attr<Vec<Attr<String>>>>>,
) -> impl Iterator<Item = &'static str> {
    let moved = if is_user(planned) { keys(planned).moved(&keys(prior), drift) } else { &[] };
    moved.iter().copied().filter(|name| OUTPUTS.iter().any(|(output, _)| output == name))
}

/// Keys that go.
pub(crate) fn warnings(planned: &Identity, prior: Option<&Identity>, at: &Path) -> Diagnostics {
    let prior = prior.filter(|_| is_user(planned));
    prior.map(|prior| keys(planned).warnings(&keys(prior), at)).unwrap_or_default()
}

/// The identities' ARNs, and the user's keys: they stay known as ours when their secret is gone.
pub(crate) fn outputs(model: &mut Identity, seen: &Observed) {
    let seen = Seen(seen);
    model.role_arn = seen.output(ROLE, "arn");
    model.user_arn = seen.output(USER, "arn");
    model.access_key_secret_arn = seen.output(SECRET, "arn");
    if !is_user(model) || seen.output_json(ACCESS_KEY, "access_key_id").is_some() {
        model.access_key_id = seen.output(ACCESS_KEY, "access_key_id");
        model.previous_access_key_id = seen.output(ACCESS_KEY, "previous_access_key_id");
    }
    model.previous_access_key_last_used = seen.output(ACCESS_KEY, "previous_last_used");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{graph::link, policies::frankfurt};

    fn user(rotation: &str, current: Attr<String>, previous: Attr<String>) -> Identity {
        Identity {
            mode: Attr::Known("user".to_owned()),
            access_key_rotation: Attr::Known(rotation.to_owned()),
            retire_previous_access_key: Attr::Known(true),
            access_key_id: current,
            previous_access_key_id: previous,
            ..Identity::default()
        }
    }

    fn setting(model: &Identity, component: &str, name: &str) -> Input {
        let text = |text: &str| Attr::Known(text.to_owned());
        let links = Links {
            name: text("prod"),
            bucket: text("b"),
            access: text("least_privilege"),
            tokens_key_arn: text(&link("tokens_key", "arn")),
            data_key_arn: text(&link("data_key", "arn")),
            permissions_boundary: Attr::Null,
            iam_path: text("/deeploy/"),
        };
        let nodes = nodes(model, &links, Some(Preset::Production), &frankfurt()).unwrap();
        nodes.iter().find(|node| node.id.0 == component).unwrap().settings.get(name).unwrap().value.clone()
    }

    /// Deeploy had used its key, which the environment didn't know for its own: no destroy, and no way to mode `role`, ever ended.
    #[test]
    fn the_users_own_keys_are_known_by_state_and_by_their_secret() {
        let text = |text: &str| Attr::Known(text.to_owned());
        let mut model = user("1", text("A"), text("B"));
        assert_eq!(setting(&model, USER, "access_keys"), Input::Known(json!(["A", "B"])));
        outputs(&mut model, &Observed::default());
        assert_eq!(setting(&model, USER, "access_keys"), Input::Known(json!(["A", "B"])), "their secret is gone");
        model.mode = text("role");
        assert_eq!(setting(&model, USER, "secret"), Input::Known(json!("deeploy/prod/access-key")));
        outputs(&mut model, &Observed::default());
        assert!(model.access_key_id.is_null() && model.previous_access_key_id.is_null());
    }

    #[test]
    fn the_key_is_rotated_and_the_one_before_retired_by_the_next_apply() {
        let text = |text: &str| Attr::Known(text.to_owned());
        let rotating = user("2", Attr::Unknown, Attr::Unknown);
        assert_eq!(
            [setting(&rotating, ACCESS_KEY, "rotation"), setting(&rotating, ACCESS_KEY, "retire_previous")],
            [Input::Known(json!("2")), Input::Known(json!(false))]
        );
        let before = user("1", text("A"), Attr::Null);
        let moved = |planned: &Identity, prior: &Identity| moved(planned, prior, &Attr::Null).collect::<Vec<_>>().join(" ");
        assert_eq!(moved(&rotating, &before), "access_key_id previous_access_key_id previous_access_key_last_used");
        let told = |planned: &Identity, prior: &Identity| {
            let told = warnings(planned, Some(prior), &Path::of("identity"));
            told.into_iter().map(|one| format!("{}: {}", one.path, one.summary)).collect::<Vec<_>>()
        };
        let next = "identity.retire_previous_access_key: The access key A will be deleted by the next apply";
        assert_eq!(told(&rotating, &before), [next]);
        let after = user("2", text("B"), text("A"));
        assert_eq!(moved(&after, &after), "previous_access_key_id previous_access_key_last_used");
        assert_eq!(told(&after, &after), ["identity.retire_previous_access_key: The access key A will be deleted"]);
        assert_eq!(setting(&after, ACCESS_KEY, "retire_previous"), Input::Known(json!(true)));
        let role = Identity { mode: text("role"), ..after.clone() };
        assert_eq!((moved(&role, &after), told(&role, &after)), (String::new(), vec![]));
    }
}
