//! `rds_subnet_group`: the subnets that a database instance may stand in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_rds::types::DbSubnetGroup;
use serde_json::Value as Json;

use super::{
    super::settings::{bug, json, map, required, text, texts},
    api_tags, retag, tags_of,
};
use crate::{
    aws::{Absent, Aws, failure, once},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A subnet group.
///
/// Settings: `name` (fixed; lower case, as AWS keeps it), `description`, `subnet_ids` (in two zones at least, also for an instance
/// in one). Outputs: `name`, `arn`, `vpc_id`. Id: the name.
/// Caveats: a subnet in whose zone the instance stands can't be taken out; AWS refuses it, and so does the update.
pub(super) struct RdsSubnetGroup {
    aws: Arc<Aws>,
}

impl RdsSubnetGroup {
    pub(super) const fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }

    async fn get(&self, name: &str) -> Result<Option<Found>, Failure> {
        const CALL: &str = "rds:DescribeDBSubnetGroups";
        let reply = self.aws.rds.describe_db_subnet_groups().db_subnet_group_name(name).send().await.absent(CALL)?;
        let Some(group) = reply.as_ref().and_then(|reply| reply.db_subnet_groups().first()) else { return Ok(None) };
        let mut found = found(group, CALL)?;
        if let Some(arn) = group.db_subnet_group_arn() {
            found.tags = tags_of(&self.aws, arn).await?;
        }
        Ok(Some(found))
    }
}

fn found(group: &DbSubnetGroup, call: &str) -> Result<Found, Failure> {
    let name = group.db_subnet_group_name().ok_or_else(|| bug(call, "the reply holds no name"))?;
    let subnets: Vec<Json> = group.subnets().iter().filter_map(|subnet| subnet.subnet_identifier()).map(Json::from).collect();
    let status = group.subnet_group_status().unwrap_or_default();
    Ok(Found {
        id: name.to_owned(),
        settings: map([("name", name.into()), ("description", json(group.db_subnet_group_description())), ("subnet_ids", subnets.into())]),
        outputs: map([("name", name.into()), ("arn", json(group.db_subnet_group_arn())), ("vpc_id", json(group.vpc_id()))]),
        tags: BTreeMap::new(),
        readiness: match status {
            "Complete" | "" => Readiness::Ready,
            other => Readiness::Pending(other.to_owned()),
        },
    })
}

#[async_trait]
impl Component for RdsSubnetGroup {
    fn kind(&self) -> &'static str {
        "rds_subnet_group"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "rds:AddTagsToResource",
            "rds:CreateDBSubnetGroup",
            "rds:DeleteDBSubnetGroup",
            "rds:DescribeDBSubnetGroups",
            "rds:ListTagsForResource",
            "rds:ModifyDBSubnetGroup",
            "rds:RemoveTagsFromResource",
        ]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let name = text(&query.settings, "name");
        if let Some(id) = query.id.as_deref() {
            let by_id = self.get(id).await?;
            if by_id.is_some() || name.is_none_or(|name| name == id) {
                return Ok(by_id);
            }
        }
        match name {
            Some(name) => self.get(name).await,
            None => Ok(None),
        }
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "rds:CreateDBSubnetGroup";
        let settings = &wanted.settings;
        let name = required(settings, "name", CALL)?;
        let reply = (self.aws.rds.create_db_subnet_group())
            .db_subnet_group_name(name)
            .db_subnet_group_description(text(settings, "description").unwrap_or(name))
            .set_subnet_ids(texts(settings, "subnet_ids"))
            .set_tags(Some(api_tags(&wanted.tags)))
            .customize()
            .config_override(once::rds())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let mut made = found(reply.db_subnet_group().ok_or_else(|| bug(CALL, "the reply holds no group"))?, CALL)?;
        made.tags.clone_from(&wanted.tags);
        Ok(made)
    }

    async fn update(&self, found: &Found, wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "rds:ModifyDBSubnetGroup";
        // The call takes all subnets, whatever changed.
        let subnets = texts(&wanted.settings, "subnet_ids").or_else(|| texts(&found.settings, "subnet_ids"));
        (self.aws.rds.modify_db_subnet_group())
            .db_subnet_group_name(&found.id)
            .set_db_subnet_group_description(text(&wanted.settings, "description").map(str::to_owned))
            .set_subnet_ids(subnets)
            .send()
            .await
            .map(drop)
            .map_err(|error| failure(CALL, error))
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, required(&found.outputs, "arn", "rds:AddTagsToResource")?, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        self.aws.rds.delete_db_subnet_group().db_subnet_group_name(&found.id).send().await.absent("rds:DeleteDBSubnetGroup")?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::{
        components::{iam::replies, replay::Script},
        graph::Class,
    };

    const GROUP: &str = "<DBSubnetGroup><DBSubnetGroupName>g</DBSubnetGroupName><DBSubnetGroupDescription>d</DBSubnetGroupDescription>\
        <VpcId>vpc-1</VpcId><SubnetGroupStatus>Complete</SubnetGroupStatus><DBSubnetGroupArn>arn:g</DBSubnetGroupArn><Subnets>\
        <Subnet><SubnetIdentifier>subnet-1</SubnetIdentifier></Subnet><Subnet><SubnetIdentifier>subnet-2</SubnetIdentifier></Subnet></Subnets></DBSubnetGroup>";
    const TAGS: &str = "<TagList><Tag><Key>deeploy:owner</Key><Value>deeploy_rds_instance/x</Value></Tag><Tag><Key>aws:x</Key><Value>y</Value></Tag></TagList>";

    fn wanted() -> Wanted {
        Wanted {
            component: "database_subnet_group".into(),
            settings: map([("name", json!("g")), ("description", json!("d")), ("subnet_ids", json!(["subnet-1", "subnet-2"]))]),
            tags: BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_rds_instance/x".to_owned())]),
            token: String::new(),
        }
    }

    fn of(script: &Script) -> RdsSubnetGroup {
        RdsSubnetGroup::new(script.aws("eu-west-1"))
    }

    #[tokio::test]
    async fn it_is_found_with_its_subnets_and_tags() {
        let script = Script::new()
            .on(
                "DescribeDBSubnetGroups",
                200,
                &replies::reply("DescribeDBSubnetGroups", &format!("<DBSubnetGroups>{GROUP}</DBSubnetGroups>")),
            )
            .on("ListTagsForResource", 200, &replies::reply("ListTagsForResource", TAGS));
        let query = Query { settings: wanted().settings, ..Query::default() };
        let found = of(&script).find(&query).await.unwrap().unwrap();
        script.finish();
        assert_eq!((found.id.as_str(), &found.settings, found.readiness), ("g", &wanted().settings, Readiness::Ready));
        assert_eq!((&found.outputs["vpc_id"], &found.outputs["arn"], found.tags), (&json!("vpc-1"), &json!("arn:g"), wanted().tags));
    }

    #[tokio::test]
    async fn absent_is_proven_and_deleting_it_succeeds() {
        let gone = replies::error("DBSubnetGroupNotFoundFault", "no");
        let script = Script::new().on("DescribeDBSubnetGroups", 404, &gone);
        let query = Query { id: Some("g".into()), settings: wanted().settings, ..Query::default() };
        assert_eq!(of(&script).find(&query).await.unwrap(), None);
        let found = Found { id: "g".into(), ..Found::default() };
        let script = Script::new().on("DeleteDBSubnetGroup", 404, &gone);
        assert_eq!(of(&script).delete(&found, &wanted()).await.unwrap(), None);
        let in_use = replies::error(
            "InvalidDBSubnetGroupStateFault",
            "Cannot delete the subnet group 'g' because at least one database instance is still using it.",
        );
        let script = Script::new().on("DeleteDBSubnetGroup", 400, &in_use);
        assert_eq!(of(&script).delete(&found, &wanted()).await.unwrap_err().class, Class::Busy);
    }

    #[tokio::test]
    async fn create_is_one_call_and_an_update_names_every_subnet() {
        let script = Script::new().on("CreateDBSubnetGroup", 200, &replies::reply("CreateDBSubnetGroup", GROUP)).on(
            "ModifyDBSubnetGroup",
            200,
            &replies::reply("ModifyDBSubnetGroup", GROUP),
        );
        let made = of(&script).create(&wanted()).await.unwrap();
        assert_eq!((&made.settings, &made.tags), (&wanted().settings, &wanted().tags));
        of(&script).update(&made, &wanted(), &BTreeSet::from(["subnet_ids".to_owned()])).await.unwrap();
        let asked = script.finish();
        for part in ["DBSubnetGroupName=g", "Tags.Tag.1.Key=deeploy%3Aowner", "SubnetIds.SubnetIdentifier.2=subnet-2"] {
            assert!(asked[0].1.contains(part), "{part} is missing in {}", asked[0].1);
        }
        assert!(asked[1].1.contains("SubnetIds.SubnetIdentifier.1=subnet-1"), "{}", asked[1].1);
    }

    #[tokio::test]
    async fn subnets_in_one_zone_are_refused_for_good() {
        let text = "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: eu-west-1a. Add subnets to cover at least 2 AZs.";
        let script = Script::new().on("CreateDBSubnetGroup", 400, &replies::error("DBSubnetGroupDoesNotCoverEnoughAZs", text));
        assert_eq!(of(&script).create(&wanted()).await.unwrap_err().class, Class::Invalid);
    }
}
