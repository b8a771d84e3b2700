//! `log_group`: a log group of CloudWatch Logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    components::settings::{failure as refusal, json, map, number, required, text},
    graph::{Class, Component, Failure, Found, Kept, OWNER, Query, Readiness, Wanted},
};
use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::LogGroup as Described;

/// A log group.
///
/// Settings: `name` (fixed), `retention_in_days` (live; 0: kept for good), `kms_key_arn` (live; empty: CloudWatch Logs' own key).
/// Outputs: `name`, `arn` (without `:*`). Id: the name.
/// Caveats: EKS and RDS make their log groups by themselves where there are none, without tags, and again when late lines arrive after a
/// delete: blueprints adopt such a group, and `sweep` deletes one that came back.
pub(super) struct LogGroup {
    aws: Arc<Aws>,
    described: Batch<String, Described>,
}

/// EKS's last lines come up to about a minute after the cluster is gone (terraform-aws-modules/terraform-aws-eks#2763).
const COMES_BACK_WITHIN: Duration = Duration::from_secs(60);

impl LogGroup {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, described: Batch::default() }
    }

    fn arn(&self, name: &str) -> String {
        self.aws.arn("logs", &self.aws.region, &format!("log-group:{name}"))
    }

    /// All of `names` that exist.
    async fn describe(&self, names: Vec<String>) -> Result<Vec<(String, Described)>, Failure> {
        let mut found = Vec::new();
        for (prefix, names) in prefixes(names) {
            self.list(&prefix, &names, &mut found).await?;
        }
        Ok(found)
    }

    /// Adds those of `names`, all of which begin with `prefix`. Pages come sorted by name: what is past the last name isn't asked for.
    async fn list(&self, prefix: &str, names: &BTreeSet<String>, into: &mut Vec<(String, Described)>) -> Result<(), Failure> {
        let mut next = None;
        loop {
            let call = self.aws.logs.describe_log_groups().log_group_name_prefix(prefix).set_next_token(next);
            let page = call.send().await.map_err(|error| failure("logs:DescribeLogGroups", error))?;
            let mut past = false;
            for group in page.log_groups.unwrap_or_default() {
                let Some(name) = group.log_group_name.clone() else { continue };
                past = names.last().is_some_and(|last| name >= *last);
                if names.contains(&name) {
                    into.push((name, group));
                }
            }
            next = page.next_token;
            if past || next.is_none() {
                return Ok(());
            }
        }
    }

    async fn tags(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let reply = self.aws.logs.list_tags_for_resource().resource_arn(self.arn(name)).send().await;
        let reply = reply.absent("logs:ListTagsForResource")?;
        let own = |tags: std::collections::HashMap<String, String>| tags.into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect();
        Ok(reply.map(|reply| reply.tags.map(own).unwrap_or_default()))
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        let described = self.described.get(name.to_owned(), |names| self.describe(names));
        let (Some(group), Some(tags)) = tokio::try_join!(described, self.tags(name))? else { return Ok(None) };
        Ok(Some(self.found(name, group.retention_in_days().unwrap_or_default(), group.kms_key_id(), tags)))
    }

    fn found(&self, name: &str, retention: i32, key: Option<&str>, tags: BTreeMap<String, String>) -> Found {
        Found {
            id: name.to_owned(),
            settings: map([("name", name.into()), ("retention_in_days", retention.into()), ("kms_key_arn", json(key))]),
            outputs: map([("name", name.into()), ("arn", self.arn(name).into())]),
            tags,
            readiness: Readiness::Ready,
        }
    }

    async fn remove(&self, name: &str) -> Result<Option<()>, Failure> {
        self.aws.logs.delete_log_group().log_group_name(name).send().await.absent("logs:DeleteLogGroup").map(|reply| reply.map(drop))
    }
}

/// What to list for these names: names in one folder together, where the folder is narrow (`/aws/rds/instance/NAME/`), else each alone.
fn prefixes(names: Vec<String>) -> BTreeMap<String, BTreeSet<String>> {
    /// Parts of a folder's name from which on it is a resource's own: `/deeploy/NAME/`.
    const NARROW: usize = 2;
    let mut folders = BTreeMap::<String, BTreeSet<String>>::new();
    for name in names {
        let folder = name.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let narrow = folder.filter(|folder| folder.split('/').filter(|part| !part.is_empty()).count() >= NARROW);
        folders.entry(narrow.unwrap_or_else(|| name.clone())).or_default().insert(name);
    }
    let alone = |(folder, names): (String, BTreeSet<String>)| match names.first() {
        Some(name) if names.len() == 1 => (name.clone(), names),
        _ => (folder, names),
    };
    folders.into_iter().map(alone).collect()
}

#[async_trait]
impl Component for LogGroup {
    fn kind(&self) -> &'static str {
        "log_group"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "logs:AssociateKmsKey",
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:DescribeLogGroups",
            "logs:DisassociateKmsKey",
            "logs:ListTagsForResource",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
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
        const CALL: &str = "logs:CreateLogGroup";
        let name = required(&wanted.settings, "name", CALL)?;
        let key = text(&wanted.settings, "kms_key_arn");
        (self.aws.logs.create_log_group())
            .log_group_name(name)
            .set_kms_key_id(key.map(str::to_owned))
            .set_tags(Some(wanted.tags.clone().into_iter().collect()))
            .customize()
            .config_override(once::logs())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        Ok(self.found(name, 0, key, wanted.tags.clone()))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let (logs, name) = (&self.aws.logs, found.id.as_str());
        if changed.contains("kms_key_arn") {
            match text(&wanted.settings, "kms_key_arn") {
                Some(key) => {
                    let call = logs.associate_kms_key().log_group_name(name).kms_key_id(key);
                    call.send().await.map_err(|error| failure("logs:AssociateKmsKey", error))?;
                }
                None => {
                    let call = logs.disassociate_kms_key().log_group_name(name);
                    call.send().await.map_err(|error| failure("logs:DisassociateKmsKey", error))?;
                }
            }
        }
        if changed.contains("retention_in_days") {
            match number::<i32>(&wanted.settings, "retention_in_days").filter(|days| *days > 0) {
                Some(days) => {
                    let call = logs.put_retention_policy().log_group_name(name).retention_in_days(days);
                    call.send().await.map_err(|error| failure("logs:PutRetentionPolicy", error))?;
                }
                None => {
                    logs.delete_retention_policy().log_group_name(name).send().await.absent("logs:DeleteRetentionPolicy")?;
                }
            }
        }
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        let arn = self.arn(&found.id);
        if !remove.is_empty() {
            let call = self.aws.logs.untag_resource().resource_arn(&arn).set_tag_keys(Some(remove.to_vec()));
            call.send().await.map_err(|error| failure("logs:UntagResource", error))?;
        }
        if !set.is_empty() {
            let call = self.aws.logs.tag_resource().resource_arn(&arn).set_tags(Some(set.clone().into_iter().collect()));
            call.send().await.map_err(|error| failure("logs:TagResource", error))?;
        }
        Ok(())
    }

    fn comes_back_within(&self) -> Duration {
        COMES_BACK_WITHIN
    }

    /// The service that wrote into it may have made it again for its last lines.
    async fn sweep(&self, wanted: &Wanted) -> Result<Vec<Kept>, Failure> {
        let Some(name) = text(&wanted.settings, "name") else { return Ok(Vec::new()) };
        match self.get(name).await? {
            // Somebody's tags: whoever made it meant to.
            Some(group) if group.tags.get(OWNER).is_none_or(|owner| wanted.tags.get(OWNER) == Some(owner)) => {
                self.remove(name).await?;
                Err(again(name))
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.remove(&found.id).await.map(|_| None)
    }
}

fn again(name: &str) -> Failure {
    refusal(Class::Unfinished, "logs:DeleteLogGroup", format!("{name} was made again by the service that writes into it"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use futures_util::future::join_all;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::components::replay::Script;

    const NAME: &str = "/aws/eks/prod/cluster";
    const GONE: &str = r#"{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}"#;

    fn described(names: &[&str], next: Option<&str>) -> String {
        let groups: Vec<Json> =
            names.iter().map(|name| json!({ "logGroupName": name, "retentionInDays": 365, "kmsKeyId": "arn:k" })).collect();
        let mut page = json!({ "logGroups": groups });
        if let Some(next) = next {
            page["nextToken"] = json!(next);
        }
        page.to_string()
    }

    fn tags(owner: &str) -> String {
        json!({ "tags": { "deeploy:owner": owner, "aws:x": "y" } }).to_string()
    }

    fn wanted(settings: &[(&str, Json)]) -> Wanted {
        let mut all = map([("name", NAME.into())]);
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let tags = BTreeMap::from([(OWNER.to_owned(), "deeploy_environment/prod".to_owned())]);
        Wanted { component: "log_group/cluster".into(), settings: all, tags, token: String::new() }
    }

    fn query(id: Option<&str>, name: &str) -> Query {
        Query { id: id.map(str::to_owned), settings: map([("name", name.into())]), ..Query::default() }
    }

    fn of(script: &Script) -> LogGroup {
        LogGroup::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn a_group_is_found_with_everything_and_its_longer_namesakes_are_not_it() {
        let script = Script::any_order().on("DescribeLogGroups", 200, &described(&[NAME, "/aws/eks/prod/cluster-2"], None)).on(
            "ListTagsForResource",
            200,
            &tags("deeploy_environment/prod"),
        );
        let found = of(&script).find(&query(Some(NAME), NAME)).await.unwrap().unwrap();
        let expected = map([("name", NAME.into()), ("retention_in_days", 365.into()), ("kms_key_arn", "arn:k".into())]);
        assert_eq!(found.settings, expected);
        assert_eq!(found.outputs["arn"], "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/eks/prod/cluster");
        assert_eq!(found.tags, wanted(&[]).tags);
        script.finish();
        let script = Script::any_order().on("DescribeLogGroups", 200, &described(&["/aws/eks/prod/cluster-2"], Some("more"))).on(
            "ListTagsForResource",
            400,
            GONE,
        );
        assert_eq!(of(&script).find(&query(None, NAME)).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test(start_paused = true)]
    async fn groups_of_one_folder_are_one_call() {
        let names = ["/aws/rds/instance/prod/postgresql", "/aws/rds/instance/prod/upgrade", NAME];
        let script = Script::any_order()
            .on("DescribeLogGroups", 200, &described(&names[2..], None))
            .on("DescribeLogGroups", 200, &described(&names[..1], Some("2")))
            .on("DescribeLogGroups", 200, &described(&names[1..2], None));
        let script = names.iter().fold(script, |script, _| script.on("ListTagsForResource", 200, "{}"));
        let component = of(&script);
        let queries = names.map(|name| query(None, name));
        let found = join_all(queries.iter().map(|query| component.find(query))).await;
        assert!(found.into_iter().all(|found| found.unwrap().is_some()));
        let asked = script.finish();
        let prefixes: Vec<Json> = asked
            .iter()
            .filter(|(name, _)| name == "DescribeLogGroups")
            .map(|(_, body)| serde_json::from_str::<Json>(body).unwrap()["logGroupNamePrefix"].clone())
            .collect();
        assert_eq!(prefixes, [NAME, "/aws/rds/instance/prod/", "/aws/rds/instance/prod/"]);
    }

    #[test]
    fn wide_folders_are_not_listed() {
        let alone = |name: &str| (name.to_owned(), BTreeSet::from([name.to_owned()]));
        let names = ["/a/b", "/a/c", "plain"].map(str::to_owned).to_vec();
        assert_eq!(prefixes(names), BTreeMap::from([alone("/a/b"), alone("/a/c"), alone("plain")]));
    }

    #[tokio::test]
    async fn create_is_one_call_with_key_and_tags() {
        let script = Script::new().on("CreateLogGroup", 200, "");
        let made = of(&script).create(&wanted(&[("kms_key_arn", "arn:k".into()), ("retention_in_days", 30.into())])).await.unwrap();
        assert_eq!((made.settings["retention_in_days"].as_i64(), made.settings["kms_key_arn"].as_str()), (Some(0), Some("arn:k")));
        let asked: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
        assert_eq!(asked, json!({ "logGroupName": NAME, "kmsKeyId": "arn:k", "tags": { OWNER: "deeploy_environment/prod" } }));
    }

    #[tokio::test]
    async fn a_key_whose_policy_is_not_visible_yet_is_waited_for_and_an_existing_group_is_a_conflict() {
        let text = |code: &str, message: &str| json!({ "__type": code, "message": message }).to_string();
        let unseen = "The specified KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:eu-west-1:1:log-group:x'";
        for (reply, class) in [
            (text("InvalidParameterException", unseen), Class::NotYetVisible),
            (text("InvalidParameterException", "1 validation error detected"), Class::Invalid),
            (text("ResourceAlreadyExistsException", "The specified log group already exists"), Class::Conflict),
            (text("OperationAbortedException", "A conflicting operation is currently in progress against this resource."), Class::Busy),
        ] {
            let script = Script::new().on("CreateLogGroup", 400, &reply);
            assert_eq!(of(&script).create(&wanted(&[])).await.unwrap_err().class, class, "{reply}");
        }
    }

    #[tokio::test]
    async fn each_setting_has_its_call() {
        for (name, value, call, part) in [
            ("retention_in_days", json!(365), "PutRetentionPolicy", r#""retentionInDays":365"#),
            ("retention_in_days", json!(0), "DeleteRetentionPolicy", NAME),
            ("kms_key_arn", json!("arn:k"), "AssociateKmsKey", r#""kmsKeyId":"arn:k""#),
            ("kms_key_arn", json!(""), "DisassociateKmsKey", NAME),
        ] {
            let script = Script::new().on(call, 200, "");
            let found = of(&script).found(NAME, 1, None, BTreeMap::new());
            of(&script).update(&found, &wanted(&[(name, value)]), &BTreeSet::from([name.to_owned()])).await.unwrap();
            let asked = script.finish();
            assert!(asked.len() == 1 && asked[0].1.contains(part), "{asked:?}");
        }
    }

    #[tokio::test]
    async fn deleted_twice_and_tags_are_removed_before_others_are_set() {
        let script = Script::new().on("UntagResource", 200, "").on("TagResource", 200, "").on("DeleteLogGroup", 200, "");
        let script = script.on("DeleteLogGroup", 400, GONE);
        let (component, found) = (of(&script), of(&script).found(NAME, 0, None, BTreeMap::new()));
        component.tag(&found, &BTreeMap::from([("a".to_owned(), "b".to_owned())]), &["c".to_owned()]).await.unwrap();
        assert_eq!(component.delete(&found, &wanted(&[])).await.unwrap(), None);
        assert_eq!(component.delete(&found, &wanted(&[])).await.unwrap(), None);
        assert!(script.finish()[1].1.contains(r#""tags":{"a":"b"}"#));
    }

    #[tokio::test]
    async fn a_group_that_came_back_is_deleted_unless_it_is_somebody_elses() {
        let back =
            |tags: &str| Script::any_order().on("DescribeLogGroups", 200, &described(&[NAME], None)).on("ListTagsForResource", 200, tags);
        let script = back("{}").on("DeleteLogGroup", 200, "");
        assert_eq!(of(&script).sweep(&wanted(&[])).await.unwrap_err().class, Class::Unfinished, "it is looked for once more");
        script.finish();
        let script = back(&tags("deeploy_environment/other"));
        assert_eq!(of(&script).sweep(&wanted(&[])).await.unwrap(), []);
        let script = Script::any_order().on("DescribeLogGroups", 200, &described(&[], None)).on("ListTagsForResource", 400, GONE);
        assert_eq!(of(&script).sweep(&wanted(&[])).await.unwrap(), []);
    }
}
