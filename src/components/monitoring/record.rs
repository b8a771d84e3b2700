//! `record`: a parameter of Parameter Store that says whose an environment, network, cluster … is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ssm::types::{Parameter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag};

use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A record: the claim of a resource that has several named objects (docs/decisions/0007-composites-of-parts.md).
///
/// Settings: `name` (`/deeploy/TYPE/NAME`; fixed), `value` (live). Outputs: `name`, `arn`. Id: the name.
/// Guarantees: of two creators one wins: an existing parameter is never written over by `create`.
pub(super) struct Record {
    aws: Arc<Aws>,
}

const PUT: &str = "ssm:PutParameter";

impl Record {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn parameter(&self, name: &str) -> Result<Option<Parameter>, Failure> {
        const CALL: &str = "ssm:GetParameter";
        let Some(reply) = self.aws.ssm.get_parameter().name(name).send().await.absent(CALL)? else { return Ok(None) };
        reply.parameter.map(Some).ok_or_else(|| bug(CALL, "the reply holds no parameter"))
    }

    async fn tags(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let call = self.aws.ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
        let reply = call.send().await.absent("ssm:ListTagsForResource")?;
        let own = |tag: Tag| (!tag.key.starts_with("aws:")).then_some((tag.key, tag.value));
        Ok(reply.map(|reply| reply.tag_list.unwrap_or_default().into_iter().filter_map(own).collect()))
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let (Some(parameter), Some(tags)) = tokio::try_join!(self.parameter(name), self.tags(name))? else { return Ok(None) };
        Ok(Some(self.found(name, parameter.value(), tags)))
    }

    fn found(&self, name: &str, value: Option<&str>, tags: BTreeMap<String, String>) -> Found {
        let arn = self.aws.arn("ssm", &self.aws.region, &format!("parameter{name}"));
        Found {
            id: name.to_owned(),
            settings: map([("name", name.into()), ("value", json(value))]),
            outputs: map([("name", name.into()), ("arn", arn.into())]),
            tags,
            readiness: Readiness::Ready,
        }
    }
}

/// What a record says; `None` where there is none.
///
/// # Errors
/// The failure of the call.
pub async fn record_value(aws: &Arc<Aws>, name: &str) -> Result<Option<String>, Failure> {
    Ok(Record::new(Arc::clone(aws)).parameter(name).await?.and_then(|parameter| parameter.value))
}

fn api_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    // `build` fails only without key or value, and both are given.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

#[async_trait]
impl Component for Record {
    fn kind(&self) -> &'static str {
        "record"
    }

    fn leased(&self) -> bool {
        true
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ssm:AddTagsToResource",
            "ssm:DeleteParameter",
            "ssm:GetParameter",
            "ssm:ListTagsForResource",
            "ssm:PutParameter",
            "ssm:RemoveTagsFromResource",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "name");
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id).await?;
            if by_id.is_some() || name == Some(id) {
                return Ok(by_id);
            }
        }
        match name {
            Some(name) => self.get(name).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let name = required(&wanted.settings, "name", PUT)?;
        let value = required(&wanted.settings, "value", PUT)?;
        (self.aws.ssm.put_parameter())
            .name(name)
            .value(value)
            .r#type(ParameterType::String)
            .tier(ParameterTier::Standard)
            .overwrite(false)
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::ssm())
            .send()
            .await
            .map_err(|error| failure(PUT, error))?;
        Ok(self.found(name, Some(value), wanted.tags.clone()))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        if changed.contains("value") {
            let value = required(&wanted.settings, "value", PUT)?;
            let call = self.aws.ssm.put_parameter().name(&found.id).value(value).r#type(ParameterType::String).overwrite(true);
            call.send().await.map_err(|error| failure(PUT, error))?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let kind = ResourceTypeForTagging::Parameter;
        if !remove.is_empty() {
            let call = self.aws.ssm.remove_tags_from_resource().resource_type(kind.clone()).resource_id(&found.id);
            let call = call.set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("ssm:RemoveTagsFromResource", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.ssm.add_tags_to_resource().resource_type(kind).resource_id(&found.id).set_tags(Some(api_tags(set)));
            call.send().await.map_err(|error| failure("ssm:AddTagsToResource", error))?;
        }
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.ssm.delete_parameter().name(&found.id).send().await.absent("ssm:DeleteParameter")?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{components::replay::Script, graph::Class};

    const NAME: &str = "/deeploy/environment/prod";
    const GONE: &str = r#"{"__type":"ParameterNotFound"}"#;
    const NO_TAGS: &str = r#"{"__type":"InvalidResourceId"}"#;

    fn wanted(value: &str) -> Wanted {
        Wanted {
            component: "record".into(),
            settings: map([("name", NAME.into()), ("value", value.into())]),
            tags: BTreeMap::from([("deeploy:phase".to_owned(), "creating".to_owned())]),
            token: String::new(),
        }
    }

    fn query(id: Option<&str>) -> Query {
        Query { id: id.map(str::to_owned), settings: map([("name", NAME.into())]), ..Query::default() }
    }

    fn of(script: &Script) -> Record {
        Record::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn found_with_its_tags_and_absent_is_an_answer() {
        let tags =
            json!({ "TagList": [{ "Key": "deeploy:owner", "Value": "deeploy_environment/prod" }, { "Key": "aws:x", "Value": "y" }] });
        let script = Script::any_order()
            .on("GetParameter", 200, &json!({ "Parameter": { "Name": NAME, "Type": "String", "Value": "v" } }).to_string())
            .on("ListTagsForResource", 200, &tags.to_string());
        let found = of(&script).find(&query(Some(NAME))).await.unwrap().unwrap();
        assert_eq!(found.settings, map([("name", NAME.into()), ("value", "v".into())]));
        assert_eq!(found.outputs["arn"], "arn:aws:ssm:eu-west-1:123456789012:parameter/deeploy/environment/prod");
        assert_eq!(found.tags, BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_environment/prod".to_owned())]));
        script.finish();
        let script = Script::any_order().on("GetParameter", 400, GONE).on("ListTagsForResource", 400, NO_TAGS);
        assert_eq!(of(&script).find(&query(None)).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn create_never_writes_over_another_one() {
        let script = Script::new().on("PutParameter", 200, r#"{"Version":1}"#);
        let made = of(&script).create(&wanted("v")).await.unwrap();
        assert_eq!((&made.settings, &made.tags, made.id.as_str()), (&wanted("v").settings, &wanted("v").tags, NAME));
        let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
        let tags = json!([{ "Key": "deeploy:phase", "Value": "creating" }]);
        assert_eq!(asked, json!({ "Name": NAME, "Value": "v", "Type": "String", "Tier": "Standard", "Overwrite": false, "Tags": tags }));
        let script = Script::new().on("PutParameter", 400, r#"{"__type":"ParameterAlreadyExists"}"#);
        assert_eq!(of(&script).create(&wanted("v")).await.unwrap_err().class, Class::Conflict);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_of_create_is_not_repeated_by_the_sdk() {
        let script = Script::new().on("PutParameter", 500, "");
        let failure = Record::new(script.retrying("eu-west-1").await).create(&wanted("v")).await.unwrap_err();
        assert_eq!((failure.class, script.names().len()), (Class::Ambiguous, 1));
    }

    #[tokio::test]
    async fn another_value_is_written_over_the_old_one_without_tags() {
        let script = Script::new().on("PutParameter", 200, r#"{"Version":2}"#);
        let found = Found { id: NAME.to_owned(), ..Found::default() };
        of(&script).update(&found, &wanted("w"), &BTreeSet::from(["value".to_owned()])).await.unwrap();
        let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
        // AWS refuses tags beside Overwrite.
        assert_eq!((&asked["Overwrite"], &asked["Value"], &asked["Tags"]), (&json!(true), &json!("w"), &Json::Null));
    }

    #[tokio::test]
    async fn tags_are_removed_before_others_are_set_and_deleted_twice() {
        let script = Script::new()
            .on("RemoveTagsFromResource", 200, "{}")
            .on("AddTagsToResource", 200, "{}")
            .on("DeleteParameter", 200, "{}")
            .on("DeleteParameter", 400, GONE);
        let (record, found) = (of(&script), Found { id: NAME.to_owned(), ..Found::default() });
        record.tag(&found, &BTreeMap::from([("a".to_owned(), "b".to_owned())]), &["c".to_owned()]).await.unwrap();
        assert_eq!(record.delete(&found, &wanted("v")).await.unwrap(), None);
        assert_eq!(record.delete(&found, &wanted("v")).await.unwrap(), None);
        assert!(script.finish()[0].1.contains(r#""TagKeys":["c"]"#));
    }

    #[tokio::test]
    async fn tags_of_what_is_not_visible_yet_are_tried_again() {
        let script = Script::new().on("AddTagsToResource", 400, NO_TAGS);
        let found = Found { id: NAME.to_owned(), ..Found::default() };
        let failure = of(&script).tag(&found, &wanted("v").tags, &[]).await.unwrap_err();
        assert_eq!(failure.class, Class::NotYetVisible);
    }
}
