//! `oidc_provider`: a cluster's issuer of tokens, known to IAM.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::json;

use crate::{
    aws::{Absent, Aws, failure, once},
    components::{
        iam::{api_tags, own_tags},
        settings::{map, required, text, texts},
    },
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// An OIDC provider of IAM.
///
/// Settings: `url` (with `https://`; another one is another provider), `client_ids` (live).
/// Outputs: `arn`, `id`, `issuer` (without `https://`, as trust policies spell it). Id: the ARN, which the URL decides.
/// Caveats: no thumbprint is sent. IAM trusts EKS's issuer by its certificate authority and fills one in by itself, which is never compared.
pub(super) struct OidcProvider {
    aws: Arc<Aws>,
}

impl OidcProvider {
    /// In one account.
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, arn: &str) -> Result<Option<Found>, Failure> {
        let call = self.aws.iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn);
        let Some(reply) = call.send().await.absent("iam:GetOpenIDConnectProvider")? else { return Ok(None) };
        Ok(Some(found(arn, reply.client_id_list(), own_tags(reply.tags()))))
    }
}

fn found(arn: &str, client_ids: &[String], tags: BTreeMap<String, String>) -> Found {
    let issuer = arn.split_once("oidc-provider/").map_or(arn, |(_, issuer)| issuer);
    Found {
        id: arn.to_owned(),
        settings: map([("url", json!(format!("https://{issuer}"))), ("client_ids", json!(client_ids))]),
        outputs: map([("arn", json!(arn)), ("id", json!(arn)), ("issuer", json!(issuer))]),
        tags,
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for OidcProvider {
    fn kind(&self) -> &'static str {
        "oidc_provider"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:CreateOpenIDConnectProvider",
            "iam:DeleteOpenIDConnectProvider",
            "iam:GetOpenIDConnectProvider",
            "iam:RemoveClientIDFromOpenIDConnectProvider",
            "iam:TagOpenIDConnectProvider",
            "iam:UntagOpenIDConnectProvider",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let by_url = text(&query.settings, "url").map(|url| {
            let issuer = url.trim_start_matches("https://").trim_end_matches('/');
            self.aws.arn("iam", "", &format!("oidc-provider/{issuer}"))
        });
        // A cluster that was made anew has another issuer: the id in state is then the old one's, which the URL goes before.
        match by_url.as_deref().or(query.id.as_deref()) {
            Some(arn) => self.get(arn).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "iam:CreateOpenIDConnectProvider";
        let client_ids = texts(&wanted.settings, "client_ids").unwrap_or_default();
        let reply = (self.aws.iam.create_open_id_connect_provider())
            .url(required(&wanted.settings, "url", CALL)?)
            .set_client_id_list(Some(client_ids.clone()))
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::iam())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        Ok(found(reply.open_id_connect_provider_arn().unwrap_or_default(), &client_ids, wanted.tags.clone()))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if !changed.contains("client_ids") {
            return Ok(());
        }
        let (iam, arn) = (&self.aws.iam, found.id.as_str());
        let have = texts(&found.settings, "client_ids").unwrap_or_default();
        let want = texts(&wanted.settings, "client_ids").unwrap_or_default();
        for client in want.iter().filter(|client| !have.contains(client)) {
            let call = iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(client);
            call.send().await.map_err(|error| failure("iam:AddClientIDToOpenIDConnectProvider", error))?;
        }
        for client in have.iter().filter(|client| !want.contains(client)) {
            let call = iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(client);
            call.send().await.absent("iam:RemoveClientIDFromOpenIDConnectProvider")?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let (iam, arn) = (&self.aws.iam, found.id.as_str());
        if !remove.is_empty() {
            let call = iam.untag_open_id_connect_provider().open_id_connect_provider_arn(arn).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("iam:UntagOpenIDConnectProvider", error))?;
        }
        if !set.is_empty() {
            let call = iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("iam:TagOpenIDConnectProvider", error))?;
        }
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let call = self.aws.iam.delete_open_id_connect_provider().open_id_connect_provider_arn(&found.id);
        call.send().await.absent("iam:DeleteOpenIDConnectProvider")?;
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::components::{
        iam::replies::{error, reply},
        replay::Script,
    };

    const ARN: &str = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/A1";

    fn component(script: &Script) -> OidcProvider {
        OidcProvider::new(script.aws("eu-central-1"))
    }

    fn settings() -> BTreeMap<String, serde_json::Value> {
        map([("url", json!("https://oidc.eks.eu-central-1.amazonaws.com/id/A1")), ("client_ids", json!(["sts.amazonaws.com"]))])
    }

    fn wanted() -> Wanted {
        let tags = BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_eks_cluster/prod".to_owned())]);
        Wanted { component: "oidc_provider".into(), settings: settings(), tags, token: String::new() }
    }

    #[tokio::test]
    async fn the_url_decides_the_arn() {
        let body = "<Url>oidc.eks.eu-central-1.amazonaws.com/id/A1</Url><ClientIDList><member>sts.amazonaws.com</member></ClientIDList>\
                    <ThumbprintList><member>aa</member></ThumbprintList><Tags><member><Key>a</Key><Value>b</Value></member></Tags>";
        let script = Script::new().on("GetOpenIDConnectProvider", 200, &reply("GetOpenIDConnectProvider", body));
        let script = script.on("GetOpenIDConnectProvider", 404, &error("NoSuchEntity", "no"));
        let component = component(&script);
        let query = Query { id: Some("arn:aws:iam::123456789012:oidc-provider/old".into()), settings: settings(), ..Query::default() };
        let found = component.find(&query).await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), &found.settings), (ARN, &settings()));
        assert_eq!(component.find(&query).await.unwrap(), None);
        assert!(script.finish()[0].1.contains("A1"));
        assert_eq!(component.find(&Query::default()).await.unwrap(), None, "without an issuer there is nothing to ask");
    }

    #[tokio::test]
    async fn create_sends_tags_and_no_thumbprint() {
        let body = format!("<OpenIDConnectProviderArn>{ARN}</OpenIDConnectProviderArn>");
        let script = Script::new().on("CreateOpenIDConnectProvider", 200, &reply("CreateOpenIDConnectProvider", &body));
        let found = component(&script).create(&wanted()).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("Tags.member.1.Key=deeploy%3Aowner") && !asked[0].1.contains("Thumbprint"), "{asked:?}");
        assert_eq!(found.outputs["issuer"], json!("oidc.eks.eu-central-1.amazonaws.com/id/A1"));
    }

    #[tokio::test]
    async fn clients_are_added_before_others_go_and_delete_succeeds_twice() {
        let ok = |name: &str| reply(name, "");
        let script = Script::new().on("AddClientIDToOpenIDConnectProvider", 200, &ok("AddClientIDToOpenIDConnectProvider"));
        let script = script.on("RemoveClientIDFromOpenIDConnectProvider", 200, &ok("RemoveClientIDFromOpenIDConnectProvider"));
        let script = script.on("DeleteOpenIDConnectProvider", 404, &error("NoSuchEntity", "no"));
        let component = component(&script);
        let before = found(ARN, &["other".to_owned()], BTreeMap::new());
        component.update(&before, &wanted(), &BTreeSet::from(["client_ids".to_owned()])).await.unwrap();
        assert_eq!(component.delete(&before, &wanted()).await.unwrap(), None);
        script.finish();
    }
}
