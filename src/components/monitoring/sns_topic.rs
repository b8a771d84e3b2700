//! `sns_topic`: a topic of Simple Notification Service.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_sns::types::Tag;
use serde_json::Value as Json;

use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A standard topic.
///
/// Settings: `name` (fixed), `kms_master_key_id` (a key's ARN; empty: not encrypted), `policy` (a document), `display_name` (empty: none),
/// all three live. Outputs: `arn`, `name`. Id: the ARN.
pub(super) struct SnsTopic {
    aws: Arc<Aws>,
}

/// Settings and the attributes that hold them.
const ATTRIBUTES: [(&str, &str); 3] = [("kms_master_key_id", "KmsMasterKeyId"), ("policy", "Policy"), ("display_name", "DisplayName")];

impl SnsTopic {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn attributes(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let reply = self.aws.sns.get_topic_attributes().topic_arn(arn).send().await.absent("sns:GetTopicAttributes")?;
        Ok(reply.map(|reply| reply.attributes.unwrap_or_default().into_iter().collect()))
    }

    async fn tags(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let reply = self.aws.sns.list_tags_for_resource().resource_arn(arn).send().await.absent("sns:ListTagsForResource")?;
        let own = |tag: Tag| (!tag.key.starts_with("aws:")).then_some((tag.key, tag.value));
        Ok(reply.map(|reply| reply.tags.unwrap_or_default().into_iter().filter_map(own).collect()))
    }

    async fn get(&self, arn: &str) -> Result<Option<Found>, Failure> {
        let (Some(attributes), Some(tags)) = tokio::try_join!(self.attributes(arn), self.tags(arn))? else { return Ok(None) };
        let mut settings = map([("name", name_of(arn).into())]);
        for (setting, attribute) in ATTRIBUTES {
            let value = attributes.get(attribute).map(String::as_str);
            settings.insert(setting.to_owned(), if setting == "policy" { document(value) } else { json(value) });
        }
        Ok(Some(found(arn, settings, tags)))
    }
}

fn found(arn: &str, settings: BTreeMap<String, Json>, tags: BTreeMap<String, String>) -> Found {
    let outputs = map([("arn", arn.into()), ("name", name_of(arn).into())]);
    Found { id: arn.to_owned(), settings, outputs, tags, readiness: Readiness::Ready }
}

fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// A policy as JSON; what isn't JSON is reported as it is, which is drift.
fn document(policy: Option<&str>) -> Json {
    policy.map_or(Json::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}

/// A setting as an attribute's text; empty where there shall be none.
fn value(settings: &BTreeMap<String, Json>, setting: &str) -> String {
    match settings.get(setting) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn api_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    // `build` fails only without key or value, and both are given.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

#[async_trait]
impl Component for SnsTopic {
    fn kind(&self) -> &'static str {
        "sns_topic"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetTopicAttributes",
            "sns:ListTagsForResource",
            "sns:SetTopicAttributes",
            "sns:TagResource",
            "sns:UntagResource",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let named = text(&query.settings, "name").map(|name| self.aws.arn("sns", &self.aws.region, name));
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id).await?;
            if by_id.is_some() || named.as_deref() == Some(id) {
                return Ok(by_id);
            }
        }
        match named {
            Some(arn) => self.get(&arn).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "sns:CreateTopic";
        let mut call = self.aws.sns.create_topic().name(required(&wanted.settings, "name", CALL)?);
        for (setting, attribute) in ATTRIBUTES {
            let value = value(&wanted.settings, setting);
            if !value.is_empty() {
                call = call.attributes(attribute, value);
            }
        }
        let call = call.set_tags(Some(api_tags(&wanted.tags))).customize().config_override(once::sns());
        let reply = call.send().await.map_err(|error| failure(CALL, error))?;
        let arn = reply.topic_arn().ok_or_else(|| bug(CALL, "the reply holds no ARN"))?;
        Ok(found(arn, wanted.settings.clone(), wanted.tags.clone()))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        for (setting, attribute) in ATTRIBUTES.into_iter().filter(|(setting, _)| changed.contains(*setting)) {
            let value = value(&wanted.settings, setting);
            let call = self.aws.sns.set_topic_attributes().topic_arn(&found.id).attribute_name(attribute).attribute_value(value);
            call.send().await.map_err(|error| failure("sns:SetTopicAttributes", error))?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        if !remove.is_empty() {
            let call = self.aws.sns.untag_resource().resource_arn(&found.id).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("sns:UntagResource", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.sns.tag_resource().resource_arn(&found.id).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("sns:TagResource", error))?;
        }
        Ok(())
    }

    /// Its subscriptions go with it, the unconfirmed ones too.
    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.sns.delete_topic().topic_arn(&found.id).send().await.absent("sns:DeleteTopic")?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;
    use crate::{
        components::{iam::replies, replay::Script},
        graph::Class,
    };

    const ARN: &str = "arn:aws:sns:eu-west-1:123456789012:deeploy-prod-alarms";

    fn wanted() -> Wanted {
        Wanted {
            component: "topic".into(),
            settings: map([
                ("name", "deeploy-prod-alarms".into()),
                ("kms_master_key_id", "arn:k".into()),
                ("policy", json!({ "Statement": [] })),
                ("display_name", "".into()),
            ]),
            tags: BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_monitoring/prod".to_owned())]),
            token: String::new(),
        }
    }

    fn query(id: Option<&str>) -> Query {
        Query { id: id.map(str::to_owned), settings: map([("name", "deeploy-prod-alarms".into())]), ..Query::default() }
    }

    fn of(script: &Script) -> SnsTopic {
        SnsTopic::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn found_by_its_name_with_attributes_and_tags() {
        let entry = |key: &str, value: &str| format!("<entry><key>{key}</key><value>{value}</value></entry>");
        let attributes = [
            entry("KmsMasterKeyId", "arn:k"),
            entry("Policy", "{&quot;Statement&quot;:[]}"),
            entry("DisplayName", ""),
            entry("TopicArn", ARN),
        ];
        let tags = "<Tags><member><Key>deeploy:owner</Key><Value>deeploy_monitoring/prod</Value></member></Tags>";
        let script = Script::any_order()
            .on(
                "GetTopicAttributes",
                200,
                &replies::reply("GetTopicAttributes", &format!("<Attributes>{}</Attributes>", attributes.concat())),
            )
            .on("ListTagsForResource", 200, &replies::reply("ListTagsForResource", tags));
        let found = of(&script).find(&query(None)).await.unwrap().unwrap();
        let mut expected = wanted().settings;
        expected.insert("display_name".to_owned(), Json::Null);
        assert_eq!((found.id.as_str(), &found.settings, &found.tags), (ARN, &expected, &wanted().tags));
        assert_eq!(found.outputs["name"], "deeploy-prod-alarms");
        script.finish();
    }

    #[tokio::test]
    async fn absent_is_an_answer() {
        let script = Script::any_order().on("GetTopicAttributes", 404, &replies::error("NotFound", "Topic does not exist")).on(
            "ListTagsForResource",
            404,
            &replies::error("ResourceNotFound", "Resource does not exist"),
        );
        assert_eq!(of(&script).find(&query(Some(ARN))).await.unwrap(), None);
    }

    #[tokio::test]
    async fn create_is_one_call_that_carries_everything() {
        let reply = replies::reply("CreateTopic", &format!("<TopicArn>{ARN}</TopicArn>"));
        let script = Script::new().on("CreateTopic", 200, &reply);
        let made = of(&script).create(&wanted()).await.unwrap();
        assert_eq!((made.id.as_str(), &made.settings, &made.tags), (ARN, &wanted().settings, &wanted().tags));
        let asked = script.finish();
        for part in ["Name=deeploy-prod-alarms", "KmsMasterKeyId", "Policy", "Tags.member.1.Key=deeploy%3Aowner"] {
            assert!(asked[0].1.contains(part), "{part} is missing in {}", asked[0].1);
        }
        assert!(!asked[0].1.contains("DisplayName"));
        let message = "Invalid parameter: Tags Reason: Topic already exists with different tags";
        let script = Script::new().on("CreateTopic", 400, &replies::error("InvalidParameter", message));
        assert_eq!(of(&script).create(&wanted()).await.unwrap_err().class, Class::Conflict);
    }

    #[tokio::test]
    async fn each_setting_is_its_attribute() {
        for (setting, parts) in [
            ("policy", ["AttributeName=Policy", "AttributeValue=%7B%22Statement%22%3A%5B%5D%7D"]),
            ("kms_master_key_id", ["AttributeName=KmsMasterKeyId", "AttributeValue=arn%3Ak"]),
            ("display_name", ["AttributeName=DisplayName", "AttributeValue="]),
        ] {
            let script = Script::new().on("SetTopicAttributes", 200, &replies::reply("SetTopicAttributes", ""));
            let found = found(ARN, BTreeMap::new(), BTreeMap::new());
            of(&script).update(&found, &wanted(), &BTreeSet::from([setting.to_owned()])).await.unwrap();
            let asked = script.finish();
            assert!(asked.len() == 1 && parts.iter().all(|part| asked[0].1.contains(part)), "{asked:?}");
        }
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set_and_deleted_twice() {
        let script = ["UntagResource", "TagResource", "DeleteTopic"]
            .into_iter()
            .fold(Script::new(), |script, call| script.on(call, 200, &replies::reply(call, "")))
            .on("DeleteTopic", 404, &replies::error("NotFound", "Topic does not exist"));
        let (component, found) = (of(&script), found(ARN, BTreeMap::new(), BTreeMap::new()));
        component.tag(&found, &BTreeMap::from([("a".to_owned(), "b".to_owned())]), &["c".to_owned()]).await.unwrap();
        assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
        script.finish();
    }
}
