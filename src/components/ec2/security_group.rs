//! `security_group`: a security group without a word about its rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, ResourceType, SecurityGroup as Group, Tag};

use super::{
    blockers::{self, Of},
    reader::{Kind, Reader, every, filter},
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    components::settings::{bug, json, map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A security group.
///
/// Settings, all fixed: `name` (unique in its VPC), `description`, `vpc_id`. Outputs: `id`, `arn`. Id: `sg-…`.
/// Caveats: AWS makes each with a rule that lets everything out; `security_group_rules` revokes it.
pub(super) struct SecurityGroup {
    aws: Arc<Aws>,
    groups: Reader<Groups>,
    by_name: Batch<(String, String), Group>,
}

/// Security groups by their ids.
pub(super) struct Groups;

#[async_trait]
impl Kind for Groups {
    type Object = Group;
    const ID: &'static str = "group-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Group>, Failure> {
        every!(aws.ec2.describe_security_groups().set_filters(Some(filters)), "ec2:DescribeSecurityGroups")
    }

    fn id(group: &Group) -> &str {
        group.group_id().unwrap_or_default()
    }

    fn tags(group: &Group) -> &[Tag] {
        group.tags()
    }
}

impl SecurityGroup {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { groups: Reader::new(Arc::clone(&aws)), aws, by_name: Batch::default() }
    }

    async fn named(&self, vpc_id: &str, name: &str) -> Result<Option<Group>, Failure> {
        let call = |asked: Vec<(String, String)>| async move {
            let (vpcs, names): (BTreeSet<String>, BTreeSet<String>) = asked.into_iter().unzip();
            let filters = vec![filter("vpc-id", vpcs.into_iter().collect()), filter("group-name", names.into_iter().collect())];
            let found = Groups::describe(&self.aws, filters).await?;
            let key = |group: &Group| Some((group.vpc_id()?.to_owned(), group.group_name()?.to_owned()));
            Ok(found.into_iter().filter_map(|group| Some((key(&group)?, group))).collect())
        };
        self.by_name.get((vpc_id.to_owned(), name.to_owned()), call).await
    }

    fn found(&self, group: &Group) -> Found {
        let id = Groups::id(group);
        Found {
            id: id.to_owned(),
            settings: map([
                ("name", json(group.group_name())),
                ("description", json(group.description())),
                ("vpc_id", json(group.vpc_id())),
            ]),
            outputs: map([("id", id.into()), ("arn", self.arn(id).into())]),
            tags: own_tags(group.tags()),
            readiness: Readiness::Ready,
        }
    }

    fn arn(&self, id: &str) -> String {
        self.aws.arn("ec2", &self.aws.region, &format!("security-group/{id}"))
    }
}

#[async_trait]
impl Component for SecurityGroup {
    fn kind(&self) -> &'static str {
        "security_group"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:CreateSecurityGroup",
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        if let Some(id) = &query.id
            && let Some(group) = self.groups.get(id).await?
        {
            return Ok(Some(self.found(&group)));
        }
        if let (Some(vpc_id), Some(name)) = (text(&query.settings, "vpc_id"), text(&query.settings, "name"))
            && let Some(group) = self.named(vpc_id, name).await?
        {
            return Ok(Some(self.found(&group)));
        }
        Ok(self.groups.tagged(query).await?.first().map(|group| self.found(group)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateSecurityGroup";
        let settings = &wanted.settings;
        let reply = (self.aws.ec2.create_security_group())
            .group_name(required(settings, "name", CALL)?)
            .description(required(settings, "description", CALL)?)
            .vpc_id(required(settings, "vpc_id", CALL)?)
            .tag_specifications(specification(ResourceType::SecurityGroup, &wanted.tags))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let id = reply.group_id().ok_or_else(|| bug(CALL, "the reply names no group"))?;
        Ok(Found {
            id: id.to_owned(),
            settings: settings.clone(),
            outputs: map([("id", id.into()), ("arn", self.arn(id).into())]),
            tags: wanted.tags.clone(),
            readiness: Readiness::Ready,
        })
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reply = self.aws.ec2.delete_security_group().group_id(&found.id).send().await;
        match reply.absent("ec2:DeleteSecurityGroup") {
            Ok(_) => Ok(None),
            Err(failure) => Err(blockers::named(&self.aws, Of::SecurityGroup(&found.id), failure).await),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::replies::{self, names, query, wanted},
        *,
    };
    use crate::{components::replay::Script, graph::Class};

    const DESCRIBE: &str = "DescribeSecurityGroups";

    fn group(tags: &str) -> String {
        let group = "<groupId>sg-1</groupId><groupName>n-endpoints</groupName><groupDescription>d</groupDescription><vpcId>vpc-1</vpcId>";
        replies::set(DESCRIBE, "securityGroupInfo", &format!("<item>{group}{tags}</item>"))
    }

    fn nothing() -> String {
        replies::set(DESCRIBE, "securityGroupInfo", "")
    }

    fn settings() -> [(&'static str, serde_json::Value); 3] {
        [("name", json!("n-endpoints")), ("description", json!("d")), ("vpc_id", json!("vpc-1"))]
    }

    fn component(script: &Script) -> SecurityGroup {
        SecurityGroup::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn found_by_id_it_is_complete() {
        let script = Script::new().on(DESCRIBE, 200, &group(&replies::tags("endpoints_security_group", &[])));
        let found = component(&script).find(&query("endpoints_security_group", Some("sg-1"), settings())).await.unwrap().unwrap();
        assert_eq!(found.settings, map(settings()));
        let expected = [("arn", json!("arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1")), ("id", json!("sg-1"))];
        assert_eq!(found.outputs, map(expected));
        assert_eq!(found.tags.len(), 2, "AWS's own is left out: {:?}", found.tags);
        assert!(script.finish()[0].1.contains("Filter.1.Name=group-id&Filter.1.Value.1=sg-1"));
    }

    #[tokio::test]
    async fn then_by_name_then_by_tags_and_absence_is_proven_by_all_three() {
        let script = Script::new().on(DESCRIBE, 200, &nothing()).on(DESCRIBE, 200, &group(""));
        let found = component(&script).find(&query("g", Some("sg-0"), settings())).await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.tags.len()), ("sg-1", 0));
        let asked = script.finish();
        assert!(asked[1].1.contains("Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.2.Name=group-name&Filter.2.Value.1=n-endpoints"));

        let script = Script::new().on(DESCRIBE, 200, &nothing()).on(DESCRIBE, 200, &group(&replies::tags("g", &[])));
        assert_eq!(component(&script).find(&query("g", None, settings())).await.unwrap().unwrap().id, "sg-1");
        assert!(script.finish()[1].1.contains("Filter.1.Name=tag%3Adeeploy%3Aowner&Filter.1.Value.1=deeploy_network%2Fn"));

        let script = Script::new().on(DESCRIBE, 200, &nothing()).on(DESCRIBE, 200, &group(&replies::tags("another", &[])));
        assert_eq!(component(&script).find(&query("g", None, settings())).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn many_groups_are_one_call() {
        let script = Script::new().on(DESCRIBE, 200, &group(""));
        let component = component(&script);
        let queries = [query("g", Some("sg-1"), settings()), query("h", Some("sg-1"), settings())];
        let (one, other) = tokio::join!(component.find(&queries[0]), component.find(&queries[1]));
        assert_eq!((one.unwrap().unwrap().id, other.unwrap().unwrap().id), ("sg-1".to_owned(), "sg-1".to_owned()));
        script.finish();
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags() {
        let script = Script::new().on("CreateSecurityGroup", 200, &replies::reply("CreateSecurityGroup", "<groupId>sg-1</groupId>"));
        let made = component(&script).create(&wanted("g", settings())).await.unwrap();
        assert_eq!((made.id.as_str(), made.settings.clone(), made.tags.len()), ("sg-1", map(settings()), 2));
        let body = &script.finish()[0].1;
        assert!(body.contains("GroupDescription=d&GroupName=n-endpoints&VpcId=vpc-1"), "{body}");
        assert!(body.contains("TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=deeploy%3Acomponent"), "{body}");
    }

    #[tokio::test]
    async fn a_name_that_is_taken_is_a_conflict_and_a_vpc_that_is_not_visible_is_waited_for() {
        for (code, class) in [("InvalidGroup.Duplicate", Class::Conflict), ("InvalidVpcID.NotFound", Class::NotYetVisible)] {
            let script = Script::new().on("CreateSecurityGroup", 400, &replies::error(code, "no"));
            assert_eq!(component(&script).create(&wanted("g", settings())).await.unwrap_err().class, class, "{code}");
        }
    }

    #[tokio::test]
    async fn delete_may_be_repeated_and_a_refusal_names_what_is_in_the_way() {
        let found = Found { id: "sg-1".into(), ..Found::default() };
        let script = Script::new().on("DeleteSecurityGroup", 400, &replies::error("InvalidGroup.NotFound", "gone"));
        assert_eq!(component(&script).delete(&found, &wanted("g", [])).await.unwrap(), None);
        let eni = "<item><networkInterfaceId>eni-1</networkInterfaceId><description>a</description></item>";
        let script = Script::any_order()
            .on("DeleteSecurityGroup", 400, &replies::error("DependencyViolation", "resource sg-1 has a dependent object"))
            .on("DescribeNetworkInterfaces", 200, &replies::set("DescribeNetworkInterfaces", "networkInterfaceSet", eni))
            .on(DESCRIBE, 200, &nothing())
            .on(DESCRIBE, 200, &nothing());
        let failure = component(&script).delete(&found, &wanted("g", [])).await.unwrap_err();
        assert_eq!(failure.message, "resource sg-1 has a dependent object. In the way: network interface eni-1 (a).");
        script.finish();
    }

    #[tokio::test]
    async fn nothing_about_it_changes() {
        let found = Found { id: "sg-1".into(), ..Found::default() };
        component(&Script::new()).update(&found, &wanted("g", settings()), &names(&["name"])).await.unwrap();
    }
}
