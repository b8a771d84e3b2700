//! `rds_parameter_group`: the server's parameters, for one family of engine versions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_rds::types::{ApplyMethod, DbParameterGroup, Parameter};
use serde_json::{Map, Value as Json};

use super::{
    super::settings::{bug, failure as refusal, json, map, required, text, texts},
    api_tags, retag, tags_of,
};
use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    graph::{Class, Component, Failure, Found, Kept, OWNER, Query, Readiness, Wanted},
};

/// A parameter group.
///
/// Settings: `name`, `family` (e.g. `postgres17`) and `description` (fixed), `parameters` (an object of texts; what is in the group
/// beyond it is reset to the engine's default). Not read: `released_by`, an instance (while its upgrade waits for the maintenance window
/// and it uses the group until then, a group that shall not exist counts as gone: it is superfluous once it is let go), and
/// `previous_names`, groups of earlier families which `sweep` deletes. Outputs: `name`, `arn`. Id: the name.
/// Caveats: a static parameter takes effect with the instance's next reboot, which AWS never makes by itself, not in a maintenance window
/// either: the instance then says `pending-reboot`.
pub(super) struct RdsParameterGroup {
    aws: Arc<Aws>,
    described: Batch<String, DbParameterGroup>,
}

/// AWS's limit on the parameters of one call.
const PARAMETERS_A_CALL: usize = 20;
/// The source of what was set in the group.
const USER: &str = "user";

impl RdsParameterGroup {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, described: Batch::default() }
    }

    /// One by its name, several by the list of all: an account has fewer than fit on a page.
    async fn describe(&self, names: Vec<String>) -> Result<Vec<(String, DbParameterGroup)>, Failure> {
        const CALL: &str = "rds:DescribeDBParameterGroups";
        let call = self.aws.rds.describe_db_parameter_groups();
        let groups: Vec<DbParameterGroup> = if let [name] = names.as_slice() {
            let reply = call.db_parameter_group_name(name).send().await.absent(CALL)?;
            reply.map(|reply| reply.db_parameter_groups().to_vec()).unwrap_or_default()
        } else {
            call.into_paginator().items().send().collect::<Result<_, _>>().await.map_err(|error| failure(CALL, error))?
        };
        Ok(groups.into_iter().filter_map(|group| Some((group.db_parameter_group_name()?.to_owned(), group))).collect())
    }

    async fn group(&self, name: &str) -> Result<Option<DbParameterGroup>, Failure> {
        self.described.get(name.to_owned(), |names| self.describe(names)).await
    }

    /// What was set in the group.
    async fn set_by_user(&self, name: &str) -> Result<Option<Map<String, Json>>, Failure> {
        let pages = self.aws.rds.describe_db_parameters().db_parameter_group_name(name).source(USER).into_paginator().items().send();
        let parameters: Option<Vec<Parameter>> = pages.collect::<Result<_, _>>().await.absent("rds:DescribeDBParameters")?;
        let pair = |parameter: Parameter| Some((parameter.parameter_name()?.to_owned(), Json::from(parameter.parameter_value()?)));
        Ok(parameters.map(|parameters| parameters.into_iter().filter_map(pair).collect()))
    }

    /// How each parameter of the family is applied.
    async fn apply_methods(&self, name: &str) -> Result<BTreeMap<String, ApplyMethod>, Failure> {
        let pages = self.aws.rds.describe_db_parameters().db_parameter_group_name(name).into_paginator().items().send();
        let all: Vec<Parameter> = pages.collect::<Result<_, _>>().await.map_err(|error| failure("rds:DescribeDBParameters", error))?;
        let method = |parameter: &Parameter| match parameter.apply_type() {
            Some("dynamic") => ApplyMethod::Immediate,
            _ => ApplyMethod::PendingReboot,
        };
        Ok(all.iter().filter_map(|parameter| Some((parameter.parameter_name()?.to_owned(), method(parameter)))).collect())
    }

    /// Whether the instance that shall let go of the group uses it until an upgrade which waits for the maintenance window.
    async fn waits(&self, settings: &BTreeMap<String, Json>, group: &str) -> Result<bool, Failure> {
        const CALL: &str = "rds:DescribeDBInstances";
        let Some(instance) = text(settings, "released_by") else { return Ok(false) };
        let reply = self.aws.rds.describe_db_instances().db_instance_identifier(instance).send().await.absent(CALL)?;
        let Some(instance) = reply.as_ref().and_then(|reply| reply.db_instances().first()) else { return Ok(false) };
        let used = instance.db_parameter_groups().iter().any(|status| status.db_parameter_group_name() == Some(group));
        Ok(used && instance.pending_modified_values().is_some_and(|pending| pending.engine_version().is_some()))
    }

    async fn remove(&self, name: &str) -> Result<(), Failure> {
        self.aws.rds.delete_db_parameter_group().db_parameter_group_name(name).send().await.absent("rds:DeleteDBParameterGroup").map(drop)
    }
}

fn found(group: &DbParameterGroup, parameters: Map<String, Json>, call: &str) -> Result<Found, Failure> {
    let name = group.db_parameter_group_name().ok_or_else(|| bug(call, "the reply holds no name"))?;
    Ok(Found {
        id: name.to_owned(),
        settings: map([
            ("name", name.into()),
            ("family", json(group.db_parameter_group_family())),
            ("description", json(group.description())),
            ("parameters", parameters.into()),
        ]),
        outputs: map([("name", name.into()), ("arn", json(group.db_parameter_group_arn()))]),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    })
}

fn parameters(settings: &BTreeMap<String, Json>) -> Map<String, Json> {
    settings.get("parameters").and_then(Json::as_object).cloned().unwrap_or_default()
}

#[async_trait]
impl Component for RdsParameterGroup {
    fn kind(&self) -> &'static str {
        "rds_parameter_group"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "rds:AddTagsToResource",
            "rds:CreateDBParameterGroup",
            "rds:DeleteDBParameterGroup",
            "rds:DescribeDBInstances",
            "rds:DescribeDBParameterGroups",
            "rds:DescribeDBParameters",
            "rds:DescribeEngineDefaultParameters",
            "rds:ListTagsForResource",
            "rds:ModifyDBParameterGroup",
            "rds:RemoveTagsFromResource",
            "rds:ResetDBParameterGroup",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "name");
        let mut group = match query.id.as_deref() {
            Some(id) => self.group(id).await?,
            None => None,
        };
        if let (None, Some(name)) = (&group, name.filter(|name| query.id.as_deref() != Some(*name))) {
            group = self.group(name).await?;
        }
        let Some(group) = group else { return Ok(None) };
        let name = group.db_parameter_group_name().unwrap_or_default();
        if self.waits(&query.settings, name).await? {
            return Ok(None);
        }
        let Some(parameters) = self.set_by_user(name).await? else { return Ok(None) };
        let mut found = found(&group, parameters, "rds:DescribeDBParameterGroups")?;
        if let Some(arn) = group.db_parameter_group_arn() {
            found.tags = tags_of(&self.aws, arn).await?;
        }
        Ok(Some(found))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "rds:CreateDBParameterGroup";
        let name = required(&wanted.settings, "name", CALL)?;
        let reply = (self.aws.rds.create_db_parameter_group())
            .db_parameter_group_name(name)
            .db_parameter_group_family(required(&wanted.settings, "family", CALL)?)
            .description(text(&wanted.settings, "description").unwrap_or(name))
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::rds())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let mut made = found(reply.db_parameter_group().ok_or_else(|| bug(CALL, "the reply holds no group"))?, Map::new(), CALL)?;
        made.tags.clone_from(&wanted.tags);
        Ok(made)
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const MODIFY: &str = "rds:ModifyDBParameterGroup";
        if !changed.contains("parameters") {
            return Ok(());
        }
        let (there, wanted) = (parameters(&found.settings), parameters(&wanted.settings));
        let methods = self.apply_methods(&found.id).await?;
        let unknown: Vec<&str> = wanted.keys().filter(|name| !methods.contains_key(*name)).map(String::as_str).collect();
        if !unknown.is_empty() {
            let family = text(&found.settings, "family").unwrap_or("its family");
            let message = format!("{family} has no parameters named {}", unknown.join(", "));
            return Err(Failure { attribute: Some("parameters".to_owned()), ..refusal(Class::Invalid, MODIFY, message) });
        }
        let method = |name: &str| methods.get(name).cloned().unwrap_or(ApplyMethod::PendingReboot);
        let set: Vec<Parameter> = (wanted.iter())
            .filter(|(name, value)| there.get(*name) != Some(*value))
            .filter_map(|(name, value)| Some((name, value.as_str()?)))
            .map(|(name, value)| Parameter::builder().parameter_name(name).parameter_value(value).apply_method(method(name)).build())
            .collect();
        let reset: Vec<Parameter> = (there.keys())
            .filter(|name| !wanted.contains_key(*name))
            .map(|name| Parameter::builder().parameter_name(name).apply_method(method(name)).build())
            .collect();
        for part in set.chunks(PARAMETERS_A_CALL) {
            let call = self.aws.rds.modify_db_parameter_group().db_parameter_group_name(&found.id).set_parameters(Some(part.to_vec()));
            call.send().await.map_err(|error| failure(MODIFY, error))?;
        }
        for part in reset.chunks(PARAMETERS_A_CALL) {
            let call = self.aws.rds.reset_db_parameter_group().db_parameter_group_name(&found.id).reset_all_parameters(false);
            call.set_parameters(Some(part.to_vec())).send().await.map_err(|error| failure("rds:ResetDBParameterGroup", error))?;
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, required(&found.outputs, "arn", "rds:AddTagsToResource")?, set, remove).await
    }

    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        if !self.waits(&wanted.settings, &found.id).await? {
            self.remove(&found.id).await?;
        }
        Ok(None)
    }

    async fn sweep(&self, wanted: &Wanted) -> Result<Vec<Kept>, Failure> {
        for name in texts(&wanted.settings, "previous_names").unwrap_or_default() {
            let Some(group) = self.group(&name).await? else { continue };
            let tags = match group.db_parameter_group_arn() {
                Some(arn) => tags_of(&self.aws, arn).await?,
                None => BTreeMap::new(),
            };
            if tags.get(OWNER).is_some_and(|owner| wanted.tags.get(OWNER) == Some(owner)) {
                self.remove(&name).await?;
            }
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::components::{iam::replies, replay::Script};

    const GROUP: &str = "<DBParameterGroupName>x-postgres17</DBParameterGroupName><DBParameterGroupFamily>postgres17</DBParameterGroupFamily>\
        <Description>d</Description><DBParameterGroupArn>arn:g</DBParameterGroupArn>";
    const TAGS: &str = "<TagList><Tag><Key>deeploy:owner</Key><Value>t/x</Value></Tag></TagList>";

    fn list(name: &str) -> String {
        let group = GROUP.replace("x-postgres17", name);
        replies::reply(
            "DescribeDBParameterGroups",
            &format!("<DBParameterGroups><DBParameterGroup>{group}</DBParameterGroup></DBParameterGroups>"),
        )
    }

    fn values(parameters: &[(&str, &str, &str)]) -> String {
        let one = |(name, value, kind): &(&str, &str, &str)| {
            format!(
                "<Parameter><ParameterName>{name}</ParameterName><ParameterValue>{value}</ParameterValue><ApplyType>{kind}</ApplyType></Parameter>"
            )
        };
        let all: String = parameters.iter().map(one).collect();
        replies::reply("DescribeDBParameters", &format!("<Parameters>{all}</Parameters>"))
    }

    fn wanted(parameters: Json) -> Wanted {
        Wanted {
            component: "database_parameter_group/postgres17".into(),
            settings: map([
                ("name", json!("x-postgres17")),
                ("family", json!("postgres17")),
                ("description", json!("d")),
                ("parameters", parameters),
                ("previous_names", json!(["x-postgres16"])),
            ]),
            tags: BTreeMap::from([(OWNER.to_owned(), "t/x".to_owned())]),
            token: String::new(),
        }
    }

    fn of(script: &Script) -> RdsParameterGroup {
        RdsParameterGroup::new(script.aws("eu-west-1"))
    }

    fn there(parameters: Json) -> Found {
        let mut found = Found { id: "x-postgres17".into(), settings: wanted(parameters).settings, ..Found::default() };
        found.outputs = map([("arn", json!("arn:g"))]);
        found
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_found_with_what_was_set_in_it() {
        let script = Script::new()
            .on("DescribeDBParameterGroups", 200, &list("x-postgres17"))
            .on("DescribeDBParameters", 200, &values(&[("log_statement", "ddl", "dynamic")]))
            .on("ListTagsForResource", 200, &replies::reply("ListTagsForResource", TAGS));
        let found = of(&script).find(&Query { settings: wanted(json!({})).settings, ..Query::default() }).await.unwrap().unwrap();
        assert_eq!((&found.settings["parameters"], &found.settings["family"]), (&json!({"log_statement": "ddl"}), &json!("postgres17")));
        assert_eq!(found.tags, wanted(json!({})).tags);
        assert!(script.finish()[1].1.contains("Source=user"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_instance_uses_until_its_window_counts_as_gone() {
        let uses = |group: &str, pending: &str| {
            let groups = format!(
                "<DBParameterGroups><DBParameterGroup><DBParameterGroupName>{group}</DBParameterGroupName></DBParameterGroup></DBParameterGroups>"
            );
            let pending = format!("<PendingModifiedValues>{pending}</PendingModifiedValues>");
            replies::reply("DescribeDBInstances", &format!("<DBInstances><DBInstance>{groups}{pending}</DBInstance></DBInstances>"))
        };
        let waiting = "<EngineVersion>17.6</EngineVersion>";
        let query = Query { settings: map([("name", json!("x-postgres16")), ("released_by", json!("x"))]), ..Query::default() };
        let script = Script::new()
            .on("DescribeDBParameterGroups", 200, &list("x-postgres16"))
            .on("DescribeDBInstances", 200, &uses("x-postgres16", waiting))
            .on("DescribeDBInstances", 200, &uses("x-postgres16", waiting));
        assert_eq!(of(&script).find(&query).await.unwrap(), None);
        let old = Found { id: "x-postgres16".into(), ..Found::default() };
        let absent = Wanted { settings: query.settings.clone(), ..wanted(json!({})) };
        assert_eq!(of(&script).delete(&old, &absent).await.unwrap(), None, "and stays");
        script.finish();
        for uses in [uses("x-postgres16", ""), uses("x-postgres17", waiting)] {
            let script = Script::new()
                .on("DescribeDBParameterGroups", 200, &list("x-postgres16"))
                .on("DescribeDBInstances", 200, &uses)
                .on("DescribeDBParameters", 200, &values(&[]))
                .on("ListTagsForResource", 200, &replies::reply("ListTagsForResource", TAGS));
            assert_eq!(of(&script).find(&query).await.unwrap().unwrap().id, "x-postgres16");
            script.finish();
        }
    }

    #[tokio::test]
    async fn create_is_one_call() {
        let made = format!("<DBParameterGroup>{GROUP}</DBParameterGroup>");
        let script = Script::new().on("CreateDBParameterGroup", 200, &replies::reply("CreateDBParameterGroup", &made));
        let found = of(&script).create(&wanted(json!({"a": "1"}))).await.unwrap();
        assert_eq!((found.id.as_str(), &found.settings["parameters"]), ("x-postgres17", &json!({})), "its parameters are an update's");
        let asked = script.finish();
        for part in ["DBParameterGroupFamily=postgres17", "Tags.Tag.1.Key=deeploy%3Aowner", "Description=d"] {
            assert!(asked[0].1.contains(part), "{part} is missing in {}", asked[0].1);
        }
    }

    #[tokio::test]
    async fn dynamic_parameters_apply_at_once_static_ones_wait_and_the_rest_is_reset() {
        let known = values(&[("log_statement", "none", "dynamic"), ("shared_preload_libraries", "", "static"), ("old", "1", "dynamic")]);
        let script = Script::new()
            .on("DescribeDBParameters", 200, &known)
            .on("ModifyDBParameterGroup", 200, &replies::reply("ModifyDBParameterGroup", ""))
            .on("ResetDBParameterGroup", 200, &replies::reply("ResetDBParameterGroup", ""));
        let wanted = wanted(json!({"log_statement": "ddl", "shared_preload_libraries": "pg_stat_statements"}));
        let changed = BTreeSet::from(["parameters".to_owned()]);
        of(&script).update(&there(json!({"old": "2"})), &wanted, &changed).await.unwrap();
        let asked = script.finish();
        for (call, part) in [
            (
                1,
                "Parameters.Parameter.1.ParameterName=log_statement&Parameters.Parameter.1.ParameterValue=ddl&Parameters.Parameter.1.ApplyMethod=immediate",
            ),
            (1, "Parameters.Parameter.2.ApplyMethod=pending-reboot"),
            (2, "ResetAllParameters=false&Parameters.Parameter.1.ParameterName=old"),
        ] {
            assert!(asked[call].1.contains(part), "{part} is missing in {}", asked[call].1);
        }
        let script = Script::new().on("DescribeDBParameters", 200, &known);
        let failure = of(&script).update(&there(json!({})), &tests::wanted(json!({"log_statment": "ddl"})), &changed).await.unwrap_err();
        assert_eq!((failure.class, failure.attribute.as_deref()), (Class::Invalid, Some("parameters")));
        assert_eq!(failure.message, "postgres17 has no parameters named log_statment");
    }

    #[tokio::test(start_paused = true)]
    async fn groups_of_earlier_families_go_with_it_if_they_are_ours() {
        for (owner, calls) in [("t/x", 3), ("t/other", 2)] {
            let mut script = Script::new().on("DescribeDBParameterGroups", 200, &list("x-postgres16")).on(
                "ListTagsForResource",
                200,
                &replies::reply("ListTagsForResource", &TAGS.replace("t/x", owner)),
            );
            if calls == 3 {
                script = script.on("DeleteDBParameterGroup", 200, &replies::reply("DeleteDBParameterGroup", ""));
            }
            assert_eq!(of(&script).sweep(&wanted(json!({}))).await.unwrap(), []);
            assert_eq!(script.finish().len(), calls);
        }
    }

    #[tokio::test]
    async fn deleting_what_is_gone_succeeds_and_what_is_used_waits() {
        let gone = replies::error("DBParameterGroupNotFound", "no");
        let script = Script::new().on("DeleteDBParameterGroup", 404, &gone);
        assert_eq!(of(&script).delete(&there(json!({})), &wanted(json!({}))).await.unwrap(), None);
        let used = replies::error(
            "InvalidDBParameterGroupState",
            "One or more database instances are still members of this parameter group x-postgres17",
        );
        let script = Script::new().on("DeleteDBParameterGroup", 400, &used);
        assert_eq!(of(&script).delete(&there(json!({})), &wanted(json!({}))).await.unwrap_err().class, Class::Busy);
    }
}
