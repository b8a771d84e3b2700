//! `eks_pod_identity_association`: the role of a service account's pods.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_eks::types::PodIdentityAssociation;
use serde_json::json;

use super::{api_tags, of_cluster, own_tags};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// An association.
///
/// Settings: `cluster_name`, `namespace`, `service_account` (fixed), `role_arn` (live).
/// Outputs: `arn`, `id`. Id: `CLUSTER:ASSOCIATION`.
/// Caveats: pods that were started before it have no credentials until they are started anew.
pub(super) struct EksPodIdentityAssociation {
    aws: Arc<Aws>,
}

impl EksPodIdentityAssociation {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, cluster: &str, association: &str) -> Result<Option<Found>, Failure> {
        const CALL: &str = "eks:DescribePodIdentityAssociation";
        let call = self.aws.eks.describe_pod_identity_association().cluster_name(cluster).association_id(association);
        let Some(reply) = call.send().await.absent(CALL)? else { return Ok(None) };
        reply
            .association()
            .map(|association| found(cluster, association))
            .ok_or_else(|| bug(CALL, "the reply holds no association"))
            .map(Some)
    }

    async fn by_account(&self, cluster: &str, namespace: &str, account: &str) -> Result<Option<Found>, Failure> {
        let call = self.aws.eks.list_pod_identity_associations().cluster_name(cluster).namespace(namespace).service_account(account);
        let Some(reply) = call.send().await.absent("eks:ListPodIdentityAssociations")? else { return Ok(None) };
        match reply.associations().first().and_then(|one| one.association_id()) {
            Some(association) => self.get(cluster, association).await,
            None => Ok(None),
        }
    }
}

fn found(cluster: &str, association: &PodIdentityAssociation) -> Found {
    let id = format!("{cluster}:{}", association.association_id().unwrap_or_default());
    Found {
        settings: map([
            ("cluster_name", cluster.into()),
            ("namespace", json(association.namespace())),
            ("service_account", json(association.service_account())),
            ("role_arn", json(association.role_arn())),
        ]),
        outputs: map([("arn", json(association.association_arn())), ("id", json!(id))]),
        tags: own_tags(association.tags()),
        readiness: Readiness::Ready,
        id,
    }
}

#[async_trait]
impl Component for EksPodIdentityAssociation {
    fn kind(&self) -> &'static str {
        "eks_pod_identity_association"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "eks:CreatePodIdentityAssociation",
            "eks:DeletePodIdentityAssociation",
            "eks:DescribePodIdentityAssociation",
            "eks:ListPodIdentityAssociations",
            "eks:TagResource",
            "eks:UntagResource",
            "eks:UpdatePodIdentityAssociation",
            "iam:GetRole",
            "iam:PassRole",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let named = |name| text(&query.settings, name);
        let cluster = named("cluster_name");
        // One of a cluster that isn't this one any more says nothing.
        if let Some((of, association)) = of_cluster(query.id.as_deref())
            && cluster.is_none_or(|cluster| cluster == of)
            && let Some(found) = self.get(of, association).await?
        {
            return Ok(Some(found));
        }
        match (cluster, named("namespace"), named("service_account")) {
            (Some(cluster), Some(namespace), Some(account)) => self.by_account(cluster, namespace, account).await,
            _ => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "eks:CreatePodIdentityAssociation";
        let settings = &wanted.settings;
        let cluster = required(settings, "cluster_name", CALL)?;
        let reply = (self.aws.eks.create_pod_identity_association())
            .cluster_name(cluster)
            .namespace(required(settings, "namespace", CALL)?)
            .service_account(required(settings, "service_account", CALL)?)
            .role_arn(required(settings, "role_arn", CALL)?)
            .client_request_token(&wanted.token)
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::eks())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        reply.association().map(|association| found(cluster, association)).ok_or_else(|| bug(CALL, "the reply holds no association"))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "eks:UpdatePodIdentityAssociation";
        if !changed.contains("role_arn") {
            return Ok(());
        }
        let (cluster, association) = of_cluster(Some(&found.id)).ok_or_else(|| bug(CALL, "not an association's id"))?;
        let call = self.aws.eks.update_pod_identity_association().cluster_name(cluster).association_id(association);
        let call = call.role_arn(required(&wanted.settings, "role_arn", CALL)?);
        call.send().await.map(drop).map_err(|error| failure(CALL, error))
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        super::tag(&self.aws, found, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let Some((cluster, association)) = of_cluster(Some(&found.id)) else { return Ok(None) };
        let call = self.aws.eks.delete_pod_identity_association().cluster_name(cluster).association_id(association);
        call.send().await.absent("eks:DeletePodIdentityAssociation")?;
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::components::{replay::Script, settings::Settings};

    const PATH: &str = "/clusters/prod/pod-identity-associations";
    const GONE: &str = r#"{"__type":"ResourceNotFoundException","message":"No association"}"#;

    fn settings() -> Settings {
        map([
            ("cluster_name", json!("prod")),
            ("namespace", json!("kube-system")),
            ("service_account", json!("aws-node")),
            ("role_arn", json!("arn:aws:iam::123456789012:role/prod-vpc-cni")),
        ])
    }

    fn wanted() -> Wanted {
        Wanted { component: "pod_identity/kube-system/aws-node".into(), settings: settings(), tags: [].into(), token: "t".repeat(64) }
    }

    fn association() -> &'static str {
        r#"{"association":{"clusterName":"prod","namespace":"kube-system","serviceAccount":"aws-node","associationArn":"arn:aws:eks:a",
            "roleArn":"arn:aws:iam::123456789012:role/prod-vpc-cni","associationId":"a-1","tags":{}}}"#
    }

    #[tokio::test]
    async fn found_by_id_and_else_by_its_account() {
        let list = r#"{"associations":[{"clusterName":"prod","associationId":"a-1"}]}"#;
        let script = Script::new().on(&format!("GET {PATH}/a-0"), 404, GONE);
        let script = script.on(&format!("GET {PATH}?namespace=kube-system&serviceAccount=aws-node"), 200, list);
        let script = script.on(&format!("GET {PATH}/a-1"), 200, association());
        let script = script.on(&format!("GET {PATH}?"), 200, r#"{"associations":[]}"#);
        let component = EksPodIdentityAssociation::new(script.aws("eu-central-1"));
        let query = Query { id: Some("prod:a-0".into()), settings: settings(), ..Query::default() };
        let found = component.find(&query).await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), &found.settings), ("prod:a-1", &settings()));
        let query = Query { id: Some("old:a-0".into()), settings: settings(), ..Query::default() };
        assert_eq!(component.find(&query).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn created_changed_and_deleted() {
        let script = Script::new().on(&format!("POST {PATH}"), 200, association()).on(&format!("POST {PATH}/a-1"), 200, association());
        let script = script.on(&format!("DELETE {PATH}/a-1"), 404, GONE);
        let component = EksPodIdentityAssociation::new(script.aws("eu-central-1"));
        let made = component.create(&wanted()).await.unwrap();
        component.update(&made, &wanted(), &BTreeSet::from(["role_arn".to_owned()])).await.unwrap();
        assert_eq!(component.delete(&made, &wanted()).await.unwrap(), None);
        assert!(script.finish()[0].1.contains(&"t".repeat(64)));
    }
}
