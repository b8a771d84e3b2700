//! `deeploy_iam_role`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value as Json, json};
use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set, Timeouts};

use super::{
    access::{self, AccessInputs},
    checks,
    composite::{Composite, Foretold, Seen, told},
    marks::ClaimMarks,
    setting::{document, fixed, input, live, or_none, settings, unread},
};
use crate::{
    aws::{Arn, Aws},
    graph::{Blueprint, Input, Known, Meaning, Node, Observed, Owner},
    policies::{Irsa, Place, PodIdentity, foreign_statements, parse_trust_statements, trust_policy},
};

const ROLE: &str = "role";
const POLICY: &str = "policy";
/// How long a session of Deeploy's pods lasts: AWS's default; the SDKs renew it.
const SESSION_DURATION_S: i64 = 3600;

/// Pods of a cluster with an IAM OIDC provider (IAM roles for service accounts).
#[derive(Clone, Debug, Model)]
pub(crate) struct IrsaTrust {
    /// ARN of the IAM OIDC provider.
    #[tf(required, validate(checks::arn_of("iam", "oidc-provider/")))]
    pub oidc_provider_arn: Attr<String>,
    /// The cluster's OIDC issuer, with or without `https://`.
    #[tf(required, validate(checks::length(1, 255)))]
    pub issuer: Attr<String>,
    /// Kubernetes namespace of the service accounts.
    #[tf(required, validate(checks::kubernetes_name()))]
    pub namespace: Attr<String>,
    /// Names of the service accounts; no wildcards.
    #[tf(required, validate(checks::kubernetes_names()))]
    pub service_accounts: Attr<Set<String>>,
}

/// Pods of a cluster with the EKS Pod Identity agent. The association of service account and role is the cluster's.
#[derive(Clone, Debug, Model)]
pub(crate) struct PodIdentityTrust {
    /// Name of the EKS cluster, in this account and region.
    #[tf(required, validate(checks::length(1, 100)))]
    pub cluster_name: Attr<String>,
    /// Kubernetes namespace of the service accounts.
    #[tf(required, validate(checks::kubernetes_name()))]
    pub namespace: Attr<String>,
    /// Names of the service accounts; no wildcards.
    #[tf(required, validate(checks::kubernetes_names()))]
    pub service_accounts: Attr<Set<String>>,
}

/// Who may become the role; at least one of these.
#[derive(Clone, Debug, Model)]
pub(crate) struct Trust {
    /// Pods by IAM roles for service accounts.
    #[tf(optional)]
    pub irsa: Attr<IrsaTrust>,
    /// Pods by EKS Pod Identity.
    #[tf(optional)]
    pub pod_identity: Attr<PodIdentityTrust>,
    /// JSON of statements that are added to the trust policy: one, a list, or a policy document.
    #[tf(optional, validate(checks::trust_statements()))]
    pub policy_statements: Attr<String>,
}

/// The IAM role of Deeploy's pods: its bucket, the bucket's key and the tokens key, and nothing else.
#[derive(Clone, Debug, Model)]
pub(crate) struct IamRole {
    /// Name of the role.
    #[tf(required, replace, validate(checks::iam_name(64)), note(change = "replace"))]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// Path of the role.
    #[tf(optional, computed, replace, validate(checks::iam_path()), note(preset = "iam_role.path", change = "replace"))]
    pub path: Attr<String>,
    /// ARN of the policy that bounds the role's permissions.
    #[tf(optional, validate(checks::arn_of("iam", "policy/")), note(change = "live"))]
    pub permissions_boundary: Attr<String>,
    /// ARN of the bucket with Deeploy's artefacts.
    #[tf(optional, validate(checks::bucket_arn()), note(change = "live"))]
    pub bucket_arn: Attr<String>,
    /// ARN of the KMS key that the bucket is encrypted with; the role may use it through S3 only.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live"))]
    pub bucket_kms_key_arn: Attr<String>,
    /// ARN of the KMS key that encrypts Deeploy's tokens.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live"))]
    pub tokens_key_arn: Attr<String>,
    /// What the role may do with the bucket: `least_privilege` (list, get, put, delete, multipart uploads), or `documented`, the policy of
    /// Deeploy's page to the letter (`s3:*` on its objects).
    #[tf(optional, computed, validate(checks::one_of(&["least_privilege", "documented"])), note(preset = "iam_role.access", change = "live", controls = "IAM.21"))]
    pub access: Attr<String>,
    /// Who may become the role.
    #[tf(required, note(change = "live"))]
    pub trust: Attr<Trust>,
    /// Tags of the role, beside the provider's `default_tags`.
    #[tf(optional, validate(checks::tags()), note(change = "live"))]
    pub tags: Attr<BTreeMap<String, Attr<String>>>,
    /// How long each operation may take.
    #[tf(optional)]
    pub timeouts: Attr<Timeouts>,
    /// The role's name.
    #[tf(computed)]
    pub id: Attr<String>,
    /// The role's ARN.
    #[tf(computed)]
    pub arn: Attr<String>,
    /// The role's unique id (`AROA…`): a role that is made anew under the same name has another.
    #[tf(computed)]
    pub unique_id: Attr<String>,
    /// The role's permissions, JSON.
    #[tf(computed)]
    pub policy: Attr<String>,
    /// All tags of the role: `tags` and the provider's `default_tags`.
    #[tf(computed)]
    pub tags_all: Attr<BTreeMap<String, Attr<String>>>,
    /// `ready`; `incomplete` after a failed or interrupted create; `unclaimed` after an import, until the next apply.
    #[tf(computed)]
    pub status: Attr<String>,
    /// Components that differ from what they should be: component to names of settings. The next apply repairs them.
    #[tf(computed)]
    pub drift: Attr<BTreeMap<String, Attr<Vec<Attr<String>>>>>,
    /// The marks by which the provider knows the role as this resource's.
    #[tf(computed)]
    pub claim: Attr<ClaimMarks>,
}

/// [`Composite`] of `deeploy_iam_role`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = IamRole;
    type Facts = ();
    const TYPE: &'static str = "deeploy_iam_role";
    const OUTPUTS: &'static [(&'static str, &'static str)] = &[("id", ROLE), ("arn", ROLE), ("unique_id", ROLE), ("policy", POLICY)];
    const IMPORT_IDS: &'static str = "a role's name or ARN";

    fn check(model: &IamRole) -> Diagnostics {
        let mut problems = access::check(&inputs(model));
        if let Some(trust) = model.trust.known()
            && trust.irsa.is_null()
            && trust.pod_identity.is_null()
            && trust.policy_statements.is_null()
        {
            let detail = "Give `irsa`, `pod_identity` or both: a role that nobody may become is of no use.";
            problems.push(Diagnostic::error(Path::of("trust"), "A trust in nobody", detail));
        }
        problems
    }

    fn check_in(model: &IamRole, place: &Place) -> Diagnostics {
        access::check_in(&inputs(model), place)
    }

    fn blueprint(model: &IamRole, place: &Place) -> Result<Blueprint, Diagnostics> {
        let role = settings([
            ("name", fixed(input(&model.name))),
            ("path", fixed(input(&model.path)).shown()),
            ("trust_policy", live(trust(model, place)).meaning(Meaning::Policy)),
            ("permissions_boundary", live(or_none(&model.permissions_boundary)).shown()),
            ("description", live(Input::Known(json!("Deeploy's pods")))),
            ("max_session_duration", live(Input::Known(json!(SESSION_DURATION_S)))),
            ("inline_policies", unread(Input::Known(json!([access::POLICY_NAME])))),
        ]);
        let role = Node::new(ROLE, "iam_role", role).claim();
        let policy = access::policy(&inputs(model), place);
        let absent = policy == Input::Known(Json::Null);
        let inline = settings([
            ("role", fixed(Input::Output(ROLE.into(), "name".to_owned()))),
            ("name", fixed(Input::Known(json!(access::POLICY_NAME)))),
            ("policy", live(policy).meaning(Meaning::Policy)),
        ]);
        let nodes = vec![role, Node::new(POLICY, "iam_role_policy", inline).absent_if(absent)];
        Ok(Blueprint::of(Owner { resource: Kind::TYPE.to_owned(), name: model.name.known().cloned().unwrap_or_default() }, nodes))
    }

    fn known(state: &IamRole) -> Known {
        state.id.known().map(|id| (ROLE.into(), id.clone())).into_iter().collect()
    }

    fn foretell(model: &IamRole, place: &Place) -> Foretold {
        let arn = match (&model.name, &model.path) {
            (Attr::Known(name), Attr::Known(path)) => Attr::Known(place.iam(&format!("role{path}{name}"))),
            _ => Attr::Unknown,
        };
        told([("id", model.name.clone()), ("arn", arn), ("policy", document(&access::policy(&inputs(model), place)))])
    }

    fn outputs(model: &mut IamRole, seen: &Observed) {
        model.id = Seen(seen).output(ROLE, "name");
        model.arn = Seen(seen).output(ROLE, "arn");
        model.unique_id = Seen(seen).output(ROLE, "unique_id");
    }

    fn live_policy(seen: &Observed) -> Option<Json> {
        Seen(seen).setting(POLICY, "policy")
    }

    fn refresh(model: &mut IamRole, seen: &Observed) {
        Seen(seen).text(ROLE, "path", &mut model.path);
        Seen(seen).text(ROLE, "permissions_boundary", &mut model.permissions_boundary);
    }

    fn adopt(model: &mut IamRole, seen: &Observed) {
        if let Some(trust) = Seen(seen).setting(ROLE, "trust_policy") {
            model.trust = read_trust(&trust);
        }
        if let Some(policy) = Self::live_policy(seen) {
            let found = access::read(&policy);
            model.bucket_arn = found.bucket_arn;
            model.bucket_kms_key_arn = found.bucket_kms_key_arn;
            model.tokens_key_arn = found.tokens_key_arn;
            model.access = found.access;
        }
    }

    async fn import(model: &mut IamRole, id: &str, _aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        let name = access::name_of(id, Arn::parse(id).ok().as_ref(), "role/");
        model.id = Attr::Known(name.clone());
        model.name = Attr::Known(name);
        Ok(())
    }
}

fn inputs(model: &IamRole) -> AccessInputs {
    AccessInputs {
        bucket_arn: model.bucket_arn.clone(),
        bucket_kms_key_arn: model.bucket_kms_key_arn.clone(),
        tokens_key_arn: model.tokens_key_arn.clone(),
        access: model.access.clone(),
    }
}

fn trust(model: &IamRole, place: &Place) -> Input {
    let trust = match &model.trust {
        Attr::Known(trust) => trust,
        Attr::Null => return Input::Known(Json::Null),
        Attr::Unknown => return Input::Unknown,
    };
    let irsa = match &trust.irsa {
        Attr::Unknown => return Input::Unknown,
        Attr::Null => None,
        Attr::Known(irsa) => match known_irsa(irsa) {
            Some(irsa) => Some(irsa),
            None => return Input::Unknown,
        },
    };
    let pods = match &trust.pod_identity {
        Attr::Unknown => return Input::Unknown,
        Attr::Null => None,
        Attr::Known(pods) => match known_pods(pods) {
            Some(pods) => Some(pods),
            None => return Input::Unknown,
        },
    };
    let more = match &trust.policy_statements {
        Attr::Unknown => return Input::Unknown,
        Attr::Null => Vec::new(),
        Attr::Known(text) => match parse_trust_statements(text) {
            Ok(statements) => statements,
            // Its validator refuses such a text. Should one get here, no policy is better than one without the user's denials.
            Err(_) => return Input::Unknown,
        },
    };
    Input::Known(trust_policy(place, irsa.as_ref(), pods.as_ref(), &more))
}

fn known_irsa(irsa: &IrsaTrust) -> Option<Irsa> {
    Some(Irsa {
        oidc_provider_arn: irsa.oidc_provider_arn.known()?.clone(),
        issuer: irsa.issuer.known()?.clone(),
        namespace: irsa.namespace.known()?.clone(),
        service_accounts: access::names(&irsa.service_accounts)?,
    })
}

fn known_pods(pods: &PodIdentityTrust) -> Option<PodIdentity> {
    Some(PodIdentity {
        cluster_name: pods.cluster_name.known()?.clone(),
        namespace: pods.namespace.known()?.clone(),
        service_accounts: access::names(&pods.service_accounts)?,
    })
}

/// The trust that a live policy gives: ours by its attributes, everything else as statements.
fn read_trust(policy: &Json) -> Attr<Trust> {
    let (irsa, pods) = crate::policies::read_trust(policy);
    let foreign = foreign_statements(policy);
    let set = |names: Vec<String>| Attr::Known(names.into_iter().collect());
    Attr::Known(Trust {
        irsa: irsa
            .map(|irsa| IrsaTrust {
                oidc_provider_arn: Attr::Known(irsa.oidc_provider_arn),
                // As EKS tells it, and most configurations with it.
                issuer: Attr::Known(format!("https://{}", irsa.issuer)),
                namespace: Attr::Known(irsa.namespace),
                service_accounts: set(irsa.service_accounts),
            })
            .into(),
        pod_identity: pods
            .map(|pods| PodIdentityTrust {
                cluster_name: Attr::Known(pods.cluster_name),
                namespace: Attr::Known(pods.namespace),
                service_accounts: set(pods.service_accounts),
            })
            .into(),
        policy_statements: (!foreign.is_empty()).then(|| Json::Array(foreign).to_string()).into(),
    })
}
