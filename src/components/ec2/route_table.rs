//! `route_table`: where a subnet's packets go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, ResourceType, RouteTable as Table, Tag};

use super::{
    reader::{Kind, Reader, every},
    tags::{own_tags, retag, specification},
};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{bug, json, map, required},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A route table. Routes that others add to it (a peering's) are theirs.
///
/// Settings: `vpc_id` (fixed). Outputs: `id`, `arn`. Id: `rtb-…`.
pub(super) struct RouteTable {
    aws: Arc<Aws>,
    tables: Arc<Reader<Tables>>,
}

/// Route tables by their ids, with their routes.
pub(super) struct Tables;

#[async_trait]
impl Kind for Tables {
    type Object = Table;
    const ID: &'static str = "route-table-id";

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Table>, Failure> {
        every!(aws.ec2.describe_route_tables().set_filters(Some(filters)), "ec2:DescribeRouteTables")
    }

    fn id(table: &Table) -> &str {
        table.route_table_id().unwrap_or_default()
    }

    fn tags(table: &Table) -> &[Tag] {
        table.tags()
    }
}

impl RouteTable {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>, tables: Arc<Reader<Tables>>) -> Self {
        Self { aws, tables }
    }

    fn found(&self, table: &Table) -> Found {
        let id = Tables::id(table);
        Found {
            id: id.to_owned(),
            settings: map([("vpc_id", json(table.vpc_id()))]),
            outputs: map([("id", id.into()), ("arn", self.aws.arn("ec2", &self.aws.region, &format!("route-table/{id}")).into())]),
            tags: own_tags(table.tags()),
            readiness: Readiness::Ready,
        }
    }
}

#[async_trait]
impl Component for RouteTable {
    fn kind(&self) -> &'static str {
        "route_table"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["ec2:CreateRouteTable", "ec2:CreateTags", "ec2:DeleteRouteTable", "ec2:DeleteTags", "ec2:DescribeRouteTables"]
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        Ok(self.tables.find(query).await?.map(|table| self.found(&table)))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateRouteTable";
        let reply = (self.aws.ec2.create_route_table())
            .vpc_id(required(&wanted.settings, "vpc_id", CALL)?)
            .client_token(&wanted.token)
            .tag_specifications(specification(ResourceType::RouteTable, &wanted.tags))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        let table = reply.route_table().ok_or_else(|| bug(CALL, "the reply holds no route table"))?;
        Ok(Found { tags: wanted.tags.clone(), ..self.found(table) })
    }

    async fn update(&self, _found: &Found, _wanted: &Wanted, _changed: &BTreeSet<String>) -> Result<(), Failure> {
        Ok(())
    }

    async fn tag(&self, found: &Found, set: &BTreeMap<String, String>, remove: &[String]) -> Result<(), Failure> {
        retag(&self.aws, &found.id, set, remove).await
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reply = self.aws.ec2.delete_route_table().route_table_id(&found.id).send().await;
        reply.absent("ec2:DeleteRouteTable").map(|_| None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::{
        super::replies::{self, query, wanted},
        *,
    };
    use crate::components::replay::Script;

    const ID: &str = "public_route_table";

    fn component(script: &Script) -> RouteTable {
        let aws = script.aws("eu-west-1");
        RouteTable::new(Arc::clone(&aws), Arc::new(Reader::new(aws)))
    }

    fn body() -> String {
        format!("<routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId>{}", replies::tags(ID, &[]))
    }

    #[tokio::test]
    async fn found_by_id_or_tags_and_absent_else() {
        let (some, none) = (
            replies::set("DescribeRouteTables", "routeTableSet", &format!("<item>{}</item>", body())),
            replies::set("DescribeRouteTables", "routeTableSet", ""),
        );
        let script = Script::new().on("DescribeRouteTables", 200, &none).on("DescribeRouteTables", 200, &some);
        let found = component(&script).find(&query(ID, Some("rtb-0"), [])).await.unwrap().unwrap();
        assert_eq!((found.settings, found.tags.len()), (map([("vpc_id", json!("vpc-1"))]), 2));
        let script = Script::new().on("DescribeRouteTables", 200, &none).on("DescribeRouteTables", 200, &none);
        assert_eq!(component(&script).find(&query(ID, Some("rtb-0"), [])).await.unwrap(), None);
        script.finish();
    }

    #[tokio::test]
    async fn create_is_one_call_with_tags_and_token_and_delete_may_be_repeated() {
        let script =
            Script::new().on("CreateRouteTable", 200, &replies::reply("CreateRouteTable", &format!("<routeTable>{}</routeTable>", body())));
        let script = script.on("DeleteRouteTable", 400, &replies::error("InvalidRouteTableID.NotFound", "gone"));
        let component = component(&script);
        let made = component.create(&wanted(ID, [("vpc_id", json!("vpc-1"))])).await.unwrap();
        assert_eq!(component.delete(&made, &wanted(ID, [])).await.unwrap(), None);
        let body = &script.finish()[0].1;
        assert!(body.contains("TagSpecification.1.ResourceType=route-table&TagSpecification.1.Tag.1."), "{body}");
        assert!(body.contains(&format!("ClientToken={}", "t".repeat(64))), "{body}");
    }
}
