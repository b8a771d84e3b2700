//! `eks_access_entry`: what a principal of IAM may do in a cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_eks::types::{AccessEntry, AccessScope, AccessScopeType, AssociatedAccessPolicy};
use aws_smithy_types::DateTime;
use serde_json::{Value as Json, json};

use super::{api_tags, of_cluster, own_tags};
use crate::{
    aws::{Absent, Arn, Aws, failure, once},
    components::settings::{Settings, bug, json, map, required, text, texts},
    graph::{Class, Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// An access entry.
///
/// Settings: `cluster_name`, `principal_arn` (fixed), `kubernetes_groups` (live), `policies` (live: objects of `policy_arn` and `namespaces`, empty for the
/// whole cluster), `current` (replace: whether the principal is still the one that the entry was made for).
/// Outputs: `arn`, `id`. Id: `CLUSTER:PRINCIPAL`.
/// Caveats: an entry holds its principal by the unique id. A role that was deleted and made anew under the same ARN gets no access by it: the
/// entry is older than the role then.
pub(super) struct EksAccessEntry {
    aws: Arc<Aws>,
}

/// Entries for people and pipelines; the other types are EKS's own for nodes.
const STANDARD: &str = "STANDARD";

impl EksAccessEntry {
    /// In one account and region.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, cluster: &str, principal: &str) -> Result<Option<Found>, Failure> {
        let call = self.aws.eks.describe_access_entry().cluster_name(cluster).principal_arn(principal);
        let Some(reply) = call.send().await.absent("eks:DescribeAccessEntry")? else { return Ok(None) };
        let entry = reply.access_entry().ok_or_else(|| bug("eks:DescribeAccessEntry", "the reply holds no entry"))?;
        let call = self.aws.eks.list_associated_access_policies().cluster_name(cluster).principal_arn(principal);
        let policies: Vec<AssociatedAccessPolicy> = {
            let items: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
            items.absent("eks:ListAssociatedAccessPolicies")?.unwrap_or_default()
        };
        let current = self.is_current(principal, entry.created_at()).await?;
        Ok(Some(found(cluster, principal, entry, &policies, current)))
    }

    /// Whether the principal isn't younger than its entry. One of another account can't be looked at, nor can one without rights to.
    async fn is_current(&self, principal: &str, entered: Option<&DateTime>) -> Result<bool, Failure> {
        let iam = &self.aws.iam;
        let Some(arn) = Arn::parse(principal).ok().filter(|arn| arn.account == self.aws.account_id) else { return Ok(true) };
        let name = arn.resource.rsplit('/').next().unwrap_or_default();
        let born = if arn.resource.starts_with("role/") {
            let reply = iam.get_role().role_name(name).send().await.absent("iam:GetRole");
            reply.map(|reply| reply.and_then(|reply| reply.role().map(|role| *role.create_date())))
        } else if arn.resource.starts_with("user/") {
            let reply = iam.get_user().user_name(name).send().await.absent("iam:GetUser");
            reply.map(|reply| reply.and_then(|reply| reply.user().map(|user| *user.create_date())))
        } else {
            Ok(None)
        };
        match born {
            Ok(born) => Ok(born.zip(entered).is_none_or(|(born, entered)| born.secs() <= entered.secs())),
            Err(failure) if failure.class == Class::Denied => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    async fn associate(&self, cluster: &str, principal: &str, policy: &Json) -> Result<(), Failure> {
        const CALL: &str = "eks:AssociateAccessPolicy";
        let namespaces: Vec<String> = names(policy);
        let kind = if namespaces.is_empty() { AccessScopeType::Cluster } else { AccessScopeType::Namespace };
        let scope = AccessScope::builder().r#type(kind).set_namespaces(Some(namespaces).filter(|names| !names.is_empty())).build();
        let call = self.aws.eks.associate_access_policy().cluster_name(cluster).principal_arn(principal);
        let call = call.set_policy_arn(policy.get("policy_arn").and_then(Json::as_str).map(str::to_owned)).access_scope(scope);
        call.send().await.map(drop).map_err(|error| failure(CALL, error))
    }

    /// The wanted ones first: nobody is shut out in between.
    async fn policies(&self, cluster: &str, principal: &str, found: &Found, wanted: &Settings) -> Result<(), Failure> {
        let list = |settings: &Settings| settings.get("policies").and_then(Json::as_array).cloned().unwrap_or_default();
        let (have, want) = (list(&found.settings), list(wanted));
        for policy in want.iter().filter(|policy| !have.contains(policy)) {
            self.associate(cluster, principal, policy).await?;
        }
        let arn = |policy: &Json| policy.get("policy_arn").and_then(Json::as_str).map(str::to_owned);
        let keep: Vec<_> = want.iter().filter_map(arn).collect();
        for gone in have.iter().filter_map(arn).filter(|arn| !keep.contains(arn)) {
            let call = self.aws.eks.disassociate_access_policy().cluster_name(cluster).principal_arn(principal).policy_arn(gone);
            call.send().await.absent("eks:DisassociateAccessPolicy")?;
        }
        Ok(())
    }
}

fn names(policy: &Json) -> Vec<String> {
    let names = policy.get("namespaces").and_then(Json::as_array).into_iter().flatten();
    names.filter_map(Json::as_str).map(str::to_owned).collect()
}

fn found(cluster: &str, principal: &str, entry: &AccessEntry, policies: &[AssociatedAccessPolicy], current: bool) -> Found {
    let policy = |policy: &AssociatedAccessPolicy| {
        let namespaces = policy.access_scope().map(AccessScope::namespaces).unwrap_or_default();
        json!({ "policy_arn": policy.policy_arn(), "namespaces": namespaces })
    };
    let id = format!("{cluster}:{principal}");
    Found {
        settings: map([
            ("cluster_name", cluster.into()),
            ("principal_arn", json(entry.principal_arn().or(Some(principal)))),
            ("kubernetes_groups", json!(entry.kubernetes_groups())),
            ("policies", Json::Array(policies.iter().map(policy).collect())),
            ("current", current.into()),
        ]),
        outputs: map([("arn", json(entry.access_entry_arn())), ("id", json!(id))]),
        tags: own_tags(entry.tags()),
        readiness: Readiness::Ready,
        id,
    }
}

#[async_trait]
impl Component for EksAccessEntry {
    fn kind(&self) -> &'static str {
        "eks_access_entry"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "eks:AssociateAccessPolicy",
            "eks:CreateAccessEntry",
            "eks:DeleteAccessEntry",
            "eks:DescribeAccessEntry",
            "eks:DisassociateAccessPolicy",
            "eks:ListAssociatedAccessPolicies",
            "eks:TagResource",
            "eks:UntagResource",
            "eks:UpdateAccessEntry",
            "iam:GetRole",
            "iam:GetUser",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let named = text(&query.settings, "cluster_name").zip(text(&query.settings, "principal_arn"));
        match named.or(of_cluster(query.id.as_deref())) {
            Some((cluster, principal)) => self.get(cluster, principal).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "eks:CreateAccessEntry";
        let settings = &wanted.settings;
        let (cluster, principal) = (required(settings, "cluster_name", CALL)?, required(settings, "principal_arn", CALL)?);
        let reply = (self.aws.eks.create_access_entry())
            .cluster_name(cluster)
            .principal_arn(principal)
            .r#type(STANDARD)
            .set_kubernetes_groups(texts(settings, "kubernetes_groups"))
            .client_request_token(&wanted.token)
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::eks())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let entry = reply.access_entry().ok_or_else(|| bug(CALL, "the reply holds no entry"))?;
        Ok(found(cluster, principal, entry, &[], true))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "eks:UpdateAccessEntry";
        let (cluster, principal) = of_cluster(Some(&found.id)).ok_or_else(|| bug(CALL, "not an access entry's id"))?;
        if changed.contains("kubernetes_groups") {
            let call = self.aws.eks.update_access_entry().cluster_name(cluster).principal_arn(principal);
            let call = call.set_kubernetes_groups(texts(&wanted.settings, "kubernetes_groups"));
            call.send().await.map_err(|error| failure(CALL, error))?;
        }
        if changed.contains("policies") {
            self.policies(cluster, principal, found, &wanted.settings).await?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        super::tag(&self.aws, found, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let Some((cluster, principal)) = of_cluster(Some(&found.id)) else { return Ok(None) };
        let call = self.aws.eks.delete_access_entry().cluster_name(cluster).principal_arn(principal);
        call.send().await.absent("eks:DeleteAccessEntry")?;
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::components::{iam::replies::reply, replay::Script};

    const PRINCIPAL: &str = "arn:aws:iam::123456789012:role/admins/platform-admin";
    const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
    const PATH: &str = "/clusters/prod/access-entries";

    fn settings() -> Settings {
        map([
            ("cluster_name", json!("prod")),
            ("principal_arn", json!(PRINCIPAL)),
            ("kubernetes_groups", json!([])),
            ("policies", json!([{ "policy_arn": ADMIN, "namespaces": [] }])),
            ("current", json!(true)),
        ])
    }

    fn wanted() -> Wanted {
        let tags = BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_eks_cluster/prod".to_owned())]);
        Wanted { component: "access_entry/x".into(), settings: settings(), tags, token: "t".repeat(64) }
    }

    fn entry() -> String {
        format!(
            r#"{{"accessEntry":{{"clusterName":"prod","principalArn":"{PRINCIPAL}","kubernetesGroups":[],"accessEntryArn":"arn:aws:eks:e",
            "createdAt":1750000000,"tags":{{"a":"b","aws:x":"y"}},"type":"STANDARD"}}}}"#
        )
    }

    fn role(born: &str) -> String {
        let role = format!(
            "<Role><Path>/admins/</Path><RoleName>platform-admin</RoleName><RoleId>AROA1</RoleId><Arn>{PRINCIPAL}</Arn><CreateDate>{born}</CreateDate></Role>"
        );
        reply("GetRole", &role)
    }

    fn policies() -> String {
        format!(r#"{{"associatedAccessPolicies":[{{"policyArn":"{ADMIN}","accessScope":{{"type":"cluster","namespaces":[]}}}}]}}"#)
    }

    fn read(born: &str) -> Script {
        let script = Script::new().on(&format!("GET {PATH}/"), 200, &entry()).on(&format!("GET {PATH}/"), 200, &policies());
        script.on("GetRole", 200, &role(born))
    }

    #[tokio::test]
    async fn an_entry_is_found_with_its_policies() {
        let script = read("2025-01-01T00:00:00Z");
        let query = Query { settings: settings(), ..Query::default() };
        let found = EksAccessEntry::new(script.aws("eu-central-1")).find(&query).await.unwrap().unwrap();
        script.finish();
        assert_eq!(found.settings, settings());
        assert_eq!((found.id, found.tags), (format!("prod:{PRINCIPAL}"), BTreeMap::from([("a".to_owned(), "b".to_owned())])));
    }

    #[tokio::test]
    async fn a_role_that_was_made_anew_has_no_access_by_the_old_entry() {
        let script = read("2026-01-01T00:00:00Z");
        let query = Query { id: Some(format!("prod:{PRINCIPAL}")), ..Query::default() };
        let found = EksAccessEntry::new(script.aws("eu-central-1")).find(&query).await.unwrap().unwrap();
        assert_eq!(found.settings["current"], json!(false));
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags_and_token() {
        let script = Script::new().on(&format!("POST {PATH}"), 200, &entry());
        let made = EksAccessEntry::new(script.aws("eu-central-1")).create(&wanted()).await.unwrap();
        let asked = script.finish();
        let body: Json = serde_json::from_str(&asked[0].1).unwrap();
        let expected = json!({
            "principalArn": PRINCIPAL, "type": "STANDARD", "kubernetesGroups": [], "clientRequestToken": "t".repeat(64),
            "tags": { "deeploy:owner": "deeploy_eks_cluster/prod" },
        });
        assert_eq!(body, expected);
        assert_eq!(made.settings["policies"], json!([]), "policies are brought about by update");
    }

    #[tokio::test]
    async fn policies_come_before_others_go() {
        let script = Script::new().on(&format!("POST {PATH}/"), 200, "{}").on(&format!("DELETE {PATH}/"), 200, "{}");
        let script = script.on(&format!("DELETE {PATH}/"), 404, r#"{"__type":"ResourceNotFoundException","message":"gone"}"#);
        let component = EksAccessEntry::new(script.aws("eu-central-1"));
        let old =
            map([("policies", json!([{ "policy_arn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", "namespaces": [] }]))]);
        let before = Found { id: format!("prod:{PRINCIPAL}"), settings: old, ..Found::default() };
        component.update(&before, &wanted(), &BTreeSet::from(["policies".to_owned()])).await.unwrap();
        assert_eq!(component.delete(&before, &wanted()).await.unwrap(), None);
        let asked = script.finish();
        assert!(asked[0].1.contains(r#""accessScope":{"type":"cluster"}"#), "{asked:?}");
        assert!(asked[1].0.contains("AmazonEKSViewPolicy"), "{asked:?}");
    }
}
