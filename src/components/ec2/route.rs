//! `route`: one route of a route table.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Route as Entry, RouteOrigin};

use super::{reader::Reader, route_table::Tables};
use crate::{
    aws::{Absent, Aws, failure, once},
    components::settings::{Settings, json, map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A route. It carries no tags and belongs to its table.
///
/// Settings: `route_table_id`, `destination_cidr_block` (fixed), and where it leads: `gateway_id` or `nat_gateway_id` (live; the other null).
/// No outputs. Id: `ROUTE_TABLE_ID:CIDR`.
pub(super) struct Route {
    aws: Arc<Aws>,
    tables: Arc<Reader<Tables>>,
}

impl Route {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>, tables: Arc<Reader<Tables>>) -> Self {
        Self { aws, tables }
    }
}

fn found(table: &str, destination: &str, gateway: Option<&str>, nat: Option<&str>) -> Found {
    Found {
        id: format!("{table}:{destination}"),
        settings: map([
            ("route_table_id", table.into()),
            ("destination_cidr_block", destination.into()),
            ("gateway_id", json(gateway)),
            ("nat_gateway_id", json(nat)),
        ]),
        outputs: BTreeMap::new(),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

/// Table and destination, by the settings or by the id.
fn place<'a>(settings: &'a Settings, id: Option<&'a str>) -> Option<(&'a str, &'a str)> {
    let by_id = id.and_then(|id| id.split_once(':'));
    let table = text(settings, "route_table_id").or(by_id.map(|(table, _)| table))?;
    Some((table, text(settings, "destination_cidr_block").or(by_id.map(|(_, destination)| destination))?))
}

#[async_trait]
impl Component for Route {
    fn kind(&self) -> &'static str {
        "route"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["ec2:CreateRoute", "ec2:DeleteRoute", "ec2:DescribeRouteTables", "ec2:ReplaceRoute"]
    }

    fn taggable(&self) -> bool {
        false
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let Some((table, destination)) = place(&query.settings, query.id.as_deref()) else { return Ok(None) };
        let Some(found_table) = self.tables.get(table).await? else { return Ok(None) };
        let ours = |entry: &&Entry| {
            entry.destination_cidr_block() == Some(destination) && entry.origin().is_none_or(|origin| *origin == RouteOrigin::CreateRoute)
        };
        let entry = found_table.routes().iter().find(ours);
        Ok(entry.map(|entry| found(table, destination, entry.gateway_id(), entry.nat_gateway_id())))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:CreateRoute";
        let settings = &wanted.settings;
        let (table, destination) = (required(settings, "route_table_id", CALL)?, required(settings, "destination_cidr_block", CALL)?);
        let (gateway, nat) = (text(settings, "gateway_id"), text(settings, "nat_gateway_id"));
        (self.aws.ec2.create_route())
            .route_table_id(table)
            .destination_cidr_block(destination)
            .set_gateway_id(gateway.map(str::to_owned))
            .set_nat_gateway_id(nat.map(str::to_owned))
            .customize()
            .config_override(once::ec2())
            .send()
            .await
            .map_err(|error| failure(CALL, error))?;
        Ok(found(table, destination, gateway, nat))
    }

    async fn update(&self, _found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "ec2:ReplaceRoute";
        if changed.is_empty() {
            return Ok(());
        }
        let settings = &wanted.settings;
        (self.aws.ec2.replace_route())
            .route_table_id(required(settings, "route_table_id", CALL)?)
            .destination_cidr_block(required(settings, "destination_cidr_block", CALL)?)
            .set_gateway_id(text(settings, "gateway_id").map(str::to_owned))
            .set_nat_gateway_id(text(settings, "nat_gateway_id").map(str::to_owned))
            .send()
            .await
            .map(drop)
            .map_err(|error| failure(CALL, error))
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        const CALL: &str = "ec2:DeleteRoute";
        let (table, destination) =
            (required(&found.settings, "route_table_id", CALL)?, required(&found.settings, "destination_cidr_block", CALL)?);
        let reply = self.aws.ec2.delete_route().route_table_id(table).destination_cidr_block(destination).send().await;
        reply.absent(CALL).map(|_| None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::{Value as Json, json};

    use super::{
        super::replies::{self, names, query, wanted},
        *,
    };
    use crate::{components::replay::Script, graph::Class};

    const ID: &str = "private_route/euw1-az1";

    fn component(script: &Script) -> Route {
        let aws = script.aws("eu-west-1");
        Route::new(Arc::clone(&aws), Arc::new(Reader::new(aws)))
    }

    fn table(routes: &str) -> String {
        let local = "<item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><origin>CreateRouteTable</origin></item>";
        let table = format!("<item><routeTableId>rtb-1</routeTableId><routeSet>{local}{routes}</routeSet></item>");
        replies::set("DescribeRouteTables", "routeTableSet", &table)
    }

    fn through(nat: &str) -> [(&'static str, Json); 4] {
        [
            ("route_table_id", json!("rtb-1")),
            ("destination_cidr_block", json!("0.0.0.0/0")),
            ("gateway_id", Json::Null),
            ("nat_gateway_id", json!(nat)),
        ]
    }

    #[tokio::test]
    async fn found_in_its_table_by_settings_or_id() {
        let route = "<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><origin>CreateRoute</origin><state>blackhole</state></item>";
        for query in [query(ID, None, through("nat-2")), query(ID, Some("rtb-1:0.0.0.0/0"), [])] {
            let script = Script::new().on("DescribeRouteTables", 200, &table(route));
            let found = component(&script).find(&query).await.unwrap().unwrap();
            assert_eq!((found.id.as_str(), found.settings), ("rtb-1:0.0.0.0/0", map(through("nat-1"))));
        }
        let script = Script::new().on("DescribeRouteTables", 200, &table(""));
        assert_eq!(component(&script).find(&query(ID, None, through("nat-1"))).await.unwrap(), None);
        let local = query(ID, Some("rtb-1:10.0.0.0/16"), []);
        let script = Script::new().on("DescribeRouteTables", 200, &table(""));
        assert_eq!(component(&script).find(&local).await.unwrap(), None, "the VPC's own route is nobody's to change");
        assert_eq!(component(&Script::new()).find(&query(ID, None, [])).await.unwrap(), None, "its table is yet to be made");
    }

    #[tokio::test]
    async fn create_replace_and_delete_are_one_call_each() {
        let script =
            Script::new().on("CreateRoute", 200, &replies::done("CreateRoute")).on("ReplaceRoute", 200, &replies::done("ReplaceRoute"));
        let script = script.on("DeleteRoute", 400, &replies::error("InvalidRoute.NotFound", "gone"));
        let component = component(&script);
        let made = component.create(&wanted(ID, through("nat-1"))).await.unwrap();
        assert_eq!(made.settings, map(through("nat-1")));
        component.update(&made, &wanted(ID, through("nat-2")), &names(&["nat_gateway_id"])).await.unwrap();
        component.delete(&made, &wanted(ID, [])).await.unwrap();
        let asked = script.finish();
        for (at, nat) in [(0, "NatGatewayId=nat-1"), (1, "NatGatewayId=nat-2")] {
            assert!(
                asked[at].1.contains(nat) && asked[at].1.contains("RouteTableId=rtb-1") && !asked[at].1.contains("&GatewayId"),
                "{asked:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_gateway_that_does_not_show_yet_is_waited_for() {
        let script = Script::new().on("CreateRoute", 400, &replies::error("InvalidNatGatewayID.NotFound", "no"));
        assert_eq!(component(&script).create(&wanted(ID, through("nat-1"))).await.unwrap_err().class, Class::NotYetVisible);
    }
}
