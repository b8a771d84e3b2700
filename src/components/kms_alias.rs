//! The name of a KMS key.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_kms::types::KeyMetadata;
use serde_json::json;

use super::settings;
use crate::{
    aws::{self, Absent, Aws, once},
    graph::{Class, Component, Failure, Found, Query, Readiness, Wanted},
};

/// An alias, `alias/NAME`; unique in its region.
///
/// Settings: `name`, `key_id` (an id or an ARN); both change in place. Outputs: `arn`, `name`. Its id is its name.
/// Guarantees: an alias that isn't in state and points to another key than ours is never moved: for `find` ours is absent
/// then, so that read and destroy leave it alone, and `create` ends in a conflict that names the key. One that is in state
/// and was moved by somebody is drift.
/// Assumptions: it can't be tagged and belongs by its name and its key: where there is no key of ours yet (`key_id` left out)
/// there is no alias of ours either, and the key, found by the same name, is what refuses a foreign one in the plan.
/// Caveats: a rename makes the new alias before it deletes the old one, so that both exist for a moment.
#[derive(Debug)]
pub(super) struct KmsAlias {
    aws: Arc<Aws>,
}

const CREATE: &str = "kms:CreateAlias";

impl KmsAlias {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    /// What the alias points to. `DescribeKey` and not `ListAliases`: that lists every alias of the account.
    async fn target(&self, name: &str) -> Result<Option<KeyMetadata>, Failure> {
        let reply = self.aws.kms.describe_key().key_id(name).send().await.absent("kms:DescribeKey")?;
        Ok(reply.and_then(|reply| reply.key_metadata))
    }

    fn found(&self, name: &str, key_id: &str) -> Found {
        let arn = self.aws.arn("kms", &self.aws.region, name);
        Found {
            id: name.to_owned(),
            settings: settings::map([("name", json!(name)), ("key_id", json!(key_id))]),
            outputs: settings::map([("arn", json!(arn)), ("name", json!(name))]),
            tags: BTreeMap::new(),
            readiness: Readiness::Ready,
        }
    }

    /// Makes the alias; one that points to the key already is as good.
    async fn point(&self, name: &str, key_id: &str) -> Result<(), Failure> {
        let call = self.aws.kms.create_alias().alias_name(name).target_key_id(key_id).customize().config_override(once::kms());
        let Err(mut failure) = call.send().await.map_err(|error| aws::failure(CREATE, error)) else { return Ok(()) };
        if failure.class != Class::Conflict {
            return Err(failure);
        }
        if let Ok(Some(other)) = self.target(name).await {
            if other.key_id() == key_id {
                return Ok(());
            }
            failure.message = format!(
                "{name} exists and points to the KMS key {}, which is not this resource's: choose another name, or import that key",
                other.key_id()
            );
        }
        Err(failure)
    }

    async fn remove(&self, name: &str) -> Result<(), Failure> {
        self.aws.kms.delete_alias().alias_name(name).send().await.absent("kms:DeleteAlias").map(drop)
    }
}

/// The key's id, of its id or ARN.
fn key_id(text: &str) -> &str {
    text.rsplit_once(":key/").map_or(text, |(_, id)| id)
}

#[async_trait]
impl Component for KmsAlias {
    fn kind(&self) -> &'static str {
        "kms_alias"
    }

    fn actions(&self) -> &'static [&'static str] {
        // ListAliases: import by a key's id.
        &["kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:ListAliases", "kms:UpdateAlias"]
    }

    fn taggable(&self) -> bool {
        false
    }

    /// A renamed alias points to the same key.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.id == now.id || before.settings.get("key_id") == now.settings.get("key_id")
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        // The id in state may be the name before a rename.
        if let Some(id) = &query.id
            && let Some(key) = self.target(id).await?
        {
            return Ok(Some(self.found(id, key.key_id())));
        }
        let Some(name) = settings::text(&query.settings, "name").filter(|name| query.id.as_deref() != Some(name)) else { return Ok(None) };
        let Some(key) = self.target(name).await? else { return Ok(None) };
        let ours = settings::text(&query.settings, "key_id").is_some_and(|wanted| key_id(wanted) == key.key_id());
        Ok(ours.then(|| self.found(name, key.key_id())))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let name = settings::required(&wanted.settings, "name", CREATE)?;
        let key = key_id(settings::required(&wanted.settings, "key_id", CREATE)?);
        self.point(name, key).await?;
        Ok(self.found(name, key))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "kms:UpdateAlias";
        let name = settings::required(&wanted.settings, "name", CALL)?;
        let key = key_id(settings::required(&wanted.settings, "key_id", CALL)?);
        if found.id != name {
            self.point(name, key).await?;
            return self.remove(&found.id).await;
        }
        if changed.contains("key_id") {
            let call = self.aws.kms.update_alias().alias_name(name).target_key_id(key);
            call.send().await.map_err(|error| aws::failure(CALL, error))?;
        }
        Ok(())
    }

    /// Never called: it carries no tags.
    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<crate::graph::Kept>, Failure> {
        self.remove(&found.id).await.map(|()| None)
    }
}

/// The first of a key's aliases, by name; `None` where it has none. For import by a key's id.
///
/// # Errors
/// What AWS says.
pub async fn alias_of(aws: &Aws, key: &str) -> Result<Option<String>, Failure> {
    let reply = aws.kms.list_aliases().key_id(key).send().await.absent("kms:ListAliases")?;
    let names = reply.into_iter().flat_map(|reply| reply.aliases.unwrap_or_default()).filter_map(|alias| alias.alias_name);
    Ok(names.min())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::{components::replay::Script, graph::ComponentId};

    const GONE: &str = r#"{"__type":"NotFoundException","message":"Alias is not found."}"#;
    const EXISTS: &str = r#"{"__type":"AlreadyExistsException","message":"An alias with the name exists"}"#;

    fn to(key: &str) -> String {
        format!(r#"{{"KeyMetadata":{{"KeyId":"{key}"}}}}"#)
    }

    fn query(id: Option<&str>, settings: BTreeMap<String, Json>) -> Query {
        Query { component: "alias".into(), id: id.map(str::to_owned), settings, ..Query::default() }
    }

    fn wanted(name: &str, key: &str) -> Wanted {
        let settings = settings::map([("name", json!(name)), ("key_id", json!(key))]);
        Wanted { component: ComponentId::from("alias"), settings, tags: BTreeMap::new(), token: String::new() }
    }

    fn component(script: &Script) -> KmsAlias {
        KmsAlias::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn only_what_is_in_state_or_points_to_our_key_is_ours() {
        let named = |key: Option<&str>| {
            let mut settings = settings::map([("name", json!("alias/new"))]);
            settings.extend(key.map(|key| ("key_id".to_owned(), json!(key))));
            settings
        };
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/k";
        let cases = [
            ("in state, drifted", Some("alias/new"), Some("k"), vec![Some("foreign")], Some(("alias/new", "foreign"))),
            ("in state, not renamed yet", Some("alias/old"), Some("k"), vec![Some("k")], Some(("alias/old", "k"))),
            ("in state, renamed", Some("alias/old"), Some("k"), vec![None, Some("k")], Some(("alias/new", "k"))),
            ("in state, gone", Some("alias/new"), Some("k"), vec![None], None),
            ("of a lost create", None, Some("k"), vec![Some("k")], Some(("alias/new", "k"))),
            ("of a lost create, by ARN", None, Some(arn), vec![Some("k")], Some(("alias/new", "k"))),
            ("of another creator", None, Some("k"), vec![Some("foreign")], None),
            ("no key of ours", None, None, vec![Some("foreign")], None),
            ("absent", None, Some("k"), vec![None], None),
        ];
        for (story, id, key, replies, expected) in cases {
            let script = replies.into_iter().fold(Script::new(), |script, key| match key {
                Some(key) => script.on("DescribeKey", 200, &to(key)),
                None => script.on("DescribeKey", 400, GONE),
            });
            let found = component(&script).find(&query(id, named(key))).await.unwrap();
            let told = found.as_ref().map(|found| (found.id.as_str(), found.settings["key_id"].as_str().unwrap()));
            assert_eq!(told, expected, "{story}");
            script.finish();
        }
    }

    #[tokio::test]
    async fn create_twice_is_one_alias_and_a_foreign_one_is_a_conflict() {
        let script = Script::new().on("CreateAlias", 200, "").on("CreateAlias", 400, EXISTS).on("DescribeKey", 200, &to("k"));
        let script = script.on("CreateAlias", 400, EXISTS).on("DescribeKey", 200, &to("foreign"));
        let component = component(&script);
        let first = component.create(&wanted("alias/a", "k")).await.unwrap();
        assert_eq!(first.outputs["arn"], json!("arn:aws:kms:eu-west-1:123456789012:alias/a"));
        assert_eq!(component.create(&wanted("alias/a", "k")).await.unwrap(), first);
        let failure = component.create(&wanted("alias/a", "k")).await.unwrap_err();
        assert_eq!(failure.class, Class::Conflict);
        assert!(failure.message.contains("points to the KMS key foreign"), "{failure}");
        script.finish();
    }

    #[tokio::test]
    async fn a_rename_makes_the_new_name_before_it_deletes_the_old_and_may_be_repeated() {
        let script = Script::new().on("CreateAlias", 200, "").on("DeleteAlias", 200, "");
        let script = script.on("CreateAlias", 400, EXISTS).on("DescribeKey", 200, &to("k")).on("DeleteAlias", 400, GONE);
        let component = component(&script);
        let old = component.found("alias/old", "k");
        let changed = BTreeSet::from(["name".to_owned()]);
        component.update(&old, &wanted("alias/new", "k"), &changed).await.unwrap();
        component.update(&old, &wanted("alias/new", "k"), &changed).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains("alias/new") && asked[1].1.contains("alias/old"), "{asked:?}");
    }

    #[tokio::test]
    async fn a_rename_onto_a_foreign_alias_keeps_the_old_one() {
        let script = Script::new().on("CreateAlias", 400, EXISTS).on("DescribeKey", 200, &to("foreign"));
        let component = component(&script);
        let old = component.found("alias/old", "k");
        let failure = component.update(&old, &wanted("alias/new", "k"), &BTreeSet::from(["name".to_owned()])).await.unwrap_err();
        assert_eq!(failure.class, Class::Conflict);
        script.finish();
    }

    #[tokio::test]
    async fn another_key_is_one_call() {
        let script = Script::new().on("UpdateAlias", 200, "");
        let component = component(&script);
        let changed = BTreeSet::from(["key_id".to_owned()]);
        component.update(&component.found("alias/a", "old"), &wanted("alias/a", "new"), &changed).await.unwrap();
        assert!(script.finish()[0].1.contains(r#""TargetKeyId":"new""#));
    }

    #[tokio::test]
    async fn deleted_twice() {
        let script = Script::new().on("DeleteAlias", 200, "").on("DeleteAlias", 400, GONE);
        let component = component(&script);
        let found = component.found("alias/a", "k");
        assert_eq!(component.delete(&found, &wanted("alias/a", "k")).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted("alias/a", "k")).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn the_alias_of_a_key_is_its_first_by_name() {
        let two = r#"{"Aliases":[{"AliasName":"alias/b"},{"AliasName":"alias/a"}]}"#;
        let script = Script::new().on("ListAliases", 200, two).on("ListAliases", 200, r#"{"Aliases":[]}"#).on("ListAliases", 400, GONE);
        let aws = script.aws("eu-west-1");
        let told = [alias_of(&aws, "k").await.unwrap(), alias_of(&aws, "k").await.unwrap(), alias_of(&aws, "gone").await.unwrap()];
        assert_eq!(told, [Some("alias/a".to_owned()), None, None]);
        assert!(script.finish()[0].1.contains(r#""KeyId":"k""#), "not every alias of the account");
    }
}
