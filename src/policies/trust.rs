//! Who may become Deeploy's role: its pods, by IRSA or by EKS Pod Identity, never by a wildcard.

use serde_json::{Value as Json, json};

use super::{
    Place, document,
    statements::{sid, statements_of, strings},
};

/// Whom the tokens of pods are for: the same in every partition (amazon-eks-pod-identity-webhook's default; in China too, eksctl #1910).
const AUDIENCE: &str = "sts.amazonaws.com";

/// Pods of a cluster with an OIDC provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Irsa {
    /// ARN of the IAM OIDC provider.
    pub oidc_provider_arn: String,
    /// The issuer, with or without `https://`.
    pub issuer: String,
    /// Kubernetes namespace.
    pub namespace: String,
    /// Names of service accounts.
    pub service_accounts: Vec<String>,
}

/// Pods of a cluster with the Pod Identity agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodIdentity {
    /// The cluster's name, in this account and region.
    pub cluster_name: String,
    /// Kubernetes namespace.
    pub namespace: String,
    /// Names of service accounts.
    pub service_accounts: Vec<String>,
}

/// The trust policy, with the user's own statements. One without any statement is no policy: callers refuse that before.
#[must_use]
pub fn trust_policy(place: &Place, irsa: Option<&Irsa>, pods: Option<&PodIdentity>, more: &[Json]) -> Json {
    let mut statements = Vec::new();
    if let Some(irsa) = irsa {
        let issuer = irsa.issuer.trim_start_matches("https://").trim_end_matches('/');
        let subjects: Vec<String> =
            irsa.service_accounts.iter().map(|account| format!("system:serviceaccount:{}:{account}", irsa.namespace)).collect();
        statements.push(json!({
            "Sid": "DeeployIrsa", "Effect": "Allow",
            "Principal": { "Federated": irsa.oidc_provider_arn }, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": {
                format!("{issuer}:aud"): AUDIENCE,
                format!("{issuer}:sub"): subjects,
            } },
        }));
    }
    if let Some(pods) = pods {
        statements.push(json!({
            "Sid": "DeeployPodIdentity", "Effect": "Allow",
            "Principal": { "Service": "pods.eks.amazonaws.com" }, "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": place.account_id,
                    "aws:RequestTag/kubernetes-namespace": pods.namespace,
                    "aws:RequestTag/kubernetes-service-account": pods.service_accounts,
                },
                "ArnEquals": { "aws:SourceArn": place.regional("eks", &format!("cluster/{}", pods.cluster_name)) },
            },
        }));
    }
    statements.extend_from_slice(more);
    document(&statements)
}

/// The trust that a policy gives, as far as it is one of ours: the inverse of [`trust_policy`], for import.
#[must_use]
pub fn read_trust(policy: &Json) -> (Option<Irsa>, Option<PodIdentity>) {
    let statement = |wanted: &str| statements_of(policy).into_iter().find(|statement| sid(statement) == wanted);
    (statement("DeeployIrsa").and_then(read_irsa), statement("DeeployPodIdentity").and_then(read_pods))
}

fn read_irsa(statement: &Json) -> Option<Irsa> {
    let conditions = statement.pointer("/Condition/StringEquals")?.as_object()?;
    let (key, subjects) = conditions.iter().find(|(key, _)| key.ends_with(":sub"))?;
    let subjects: Vec<Vec<String>> =
        strings(Some(subjects)).iter().map(|subject| subject.splitn(4, ':').map(str::to_owned).collect()).collect();
    Some(Irsa {
        oidc_provider_arn: statement.pointer("/Principal/Federated")?.as_str()?.to_owned(),
        issuer: key.trim_end_matches(":sub").to_owned(),
        namespace: subjects.first()?.get(2)?.clone(),
        service_accounts: subjects.iter().filter_map(|parts| parts.get(3).cloned()).collect(),
    })
}

fn read_pods(statement: &Json) -> Option<PodIdentity> {
    let equals = statement.pointer("/Condition/StringEquals")?;
    let source = strings(statement.pointer("/Condition/ArnEquals/aws:SourceArn")).into_iter().next()?;
    Some(PodIdentity {
        cluster_name: source.rsplit('/').next()?.to_owned(),
        namespace: strings(equals.get("aws:RequestTag/kubernetes-namespace")).into_iter().next()?,
        service_accounts: strings(equals.get("aws:RequestTag/kubernetes-service-account")),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::frankfurt, *};

    #[test]
    fn the_issuer_is_the_condition_key_without_its_scheme() {
        let irsa = Irsa {
            oidc_provider_arn: "arn:aws:iam::123456789012:oidc-provider/oidc.eks/id/A".to_owned(),
            issuer: "https://oidc.eks/id/A".to_owned(),
            namespace: "deeploy".to_owned(),
            service_accounts: vec!["default".to_owned()],
        };
        let text = trust_policy(&frankfurt(), Some(&irsa), None, &[]).to_string();
        assert!(text.contains(r#""oidc.eks/id/A:sub":["system:serviceaccount:deeploy:default"]"#), "{text}");
        assert!(text.contains(r#""oidc.eks/id/A:aud":"sts.amazonaws.com""#), "{text}");
    }

    #[test]
    fn trust_is_read_back_from_what_was_written() {
        let irsa = Irsa {
            oidc_provider_arn: "arn:aws:iam::123456789012:oidc-provider/oidc.eks/id/A".to_owned(),
            issuer: "oidc.eks/id/A".to_owned(),
            namespace: "deeploy".to_owned(),
            service_accounts: vec!["a".to_owned(), "b".to_owned()],
        };
        let pods = PodIdentity { cluster_name: "prod".to_owned(), namespace: "deeploy".to_owned(), service_accounts: vec!["a".to_owned()] };
        let policy = trust_policy(&frankfurt(), Some(&irsa), Some(&pods), &[]);
        assert_eq!(read_trust(&policy), (Some(irsa), Some(pods)));
    }
}
