//! `route_table_association`: which table a subnet uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{RouteTableAssociation as Association, RouteTableAssociationStateCode as State};

use super::{
    reader::{Kind, filter},
    route_table::Tables,
};
use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    components::settings::{bug, json, map, required, text},
    graph::{Component, Failure, Found, Kept, Query, Readiness, Wanted},
};

/// A subnet's association with a route table. It carries no tags and belongs to its subnet, which has one at most.
///
/// Settings: `subnet_id` (fixed), `route_table_id` (live). No outputs. Id: `rtbassoc-…`, another one after each change.
pub(super) struct RouteTableAssociation {
    aws: Arc<Aws>,
    by_subnet: Batch<String, Association>,
    by_id: Batch<String, Association>,
}

impl RouteTableAssociation {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { aws, by_subnet: Batch::default(), by_id: Batch::default() }
    }

    async fn get(&self, subnet_id: Option<&str>, id: Option<&str>) -> Result<Option<Association>, Failure> {
        match (subnet_id, id) {
            (Some(subnet_id), _) => {
                let call = |subnets| self.describe("association.subnet-id", subnets, Association::subnet_id);
                self.by_subnet.get(subnet_id.to_owned(), call).await
            }
            (None, Some(id)) => {
                let name = "association.route-table-association-id";
                let call = |ids| self.describe(name, ids, Association::route_table_association_id);
                self.by_id.get(id.to_owned(), call).await
            }
            (None, None) => Ok(None),
        }
    }

    async fn describe(
        &self,
        name: &str,
        values: Vec<String>,
        key: impl Fn(&Association) -> Option<&str>,
    ) -> Result<Vec<(String, Association)>, Failure> {
        let tables = Tables::describe(&self.aws, vec![filter(name, values)]).await?;
        // A table comes with all its associations, whichever were asked for.
        let all = tables.into_iter().flat_map(|table| table.associations.unwrap_or_default());
        Ok(all.filter(is_there).filter_map(|association| Some((key(&association)?.to_owned(), association))).collect())
    }
}

fn is_there(association: &Association) -> bool {
    association.association_state().and_then(|state| state.state()) != Some(&State::Disassociated)
}

fn readiness(association: &Association) -> Readiness {
    let Some(state) = association.association_state() else { return Readiness::Ready };
    match state.state() {
        None | Some(State::Associated) => Readiness::Ready,
        Some(State::Failed) => Readiness::Broken(state.status_message().unwrap_or("AWS tells no reason").to_owned()),
        Some(state) => Readiness::Pending(state.as_str().to_owned()),
    }
}

fn found(id: &str, subnet_id: Option<&str>, table: Option<&str>, readiness: Readiness) -> Found {
    Found {
        id: id.to_owned(),
        settings: map([("subnet_id", json(subnet_id)), ("route_table_id", json(table))]),
        outputs: BTreeMap::new(),
        tags: BTreeMap::new(),
        readiness,
    }
}

#[async_trait]
impl Component for RouteTableAssociation {
    fn kind(&self) -> &'static str {
        "route_table_association"
    }

    fn actions(&self) -> &'static [&'static str] {
        &["ec2:AssociateRouteTable", "ec2:DescribeRouteTables", "ec2:DisassociateRouteTable", "ec2:ReplaceRouteTableAssociation"]
    }

    fn taggable(&self) -> bool {
        false
    }

    /// A change gives it another id.
    fn is(&self, before: &Found, now: &Found) -> bool {
        before.settings.get("subnet_id") == now.settings.get("subnet_id")
    }

    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let association = self.get(text(&query.settings, "subnet_id"), query.id.as_deref()).await?;
        Ok(association.map(|association| {
            let id = association.route_table_association_id().unwrap_or_default();
            found(id, association.subnet_id(), association.route_table_id(), readiness(&association))
        }))
    }

    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        const CALL: &str = "ec2:AssociateRouteTable";
        let (subnet, table) = (required(&wanted.settings, "subnet_id", CALL)?, required(&wanted.settings, "route_table_id", CALL)?);
        let call = self.aws.ec2.associate_route_table().subnet_id(subnet).route_table_id(table);
        let reply = call.customize().config_override(once::ec2()).send().await.map_err(|error| failure(CALL, error))?;
        let id = reply.association_id().ok_or_else(|| bug(CALL, "the reply names no association"))?;
        Ok(found(id, Some(subnet), Some(table), Readiness::Ready))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        const CALL: &str = "ec2:ReplaceRouteTableAssociation";
        if changed.contains("route_table_id") {
            let table = required(&wanted.settings, "route_table_id", CALL)?;
            let call = self.aws.ec2.replace_route_table_association().association_id(&found.id).route_table_id(table);
            call.send().await.map_err(|error| failure(CALL, error))?;
        }
        Ok(())
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, found: &Found, _wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let reply = self.aws.ec2.disassociate_route_table().association_id(&found.id).send().await;
        reply.absent("ec2:DisassociateRouteTable").map(|_| None)
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
    use crate::components::replay::Script;

    const ID: &str = "private_association/euw1-az1";

    fn component(script: &Script) -> RouteTableAssociation {
        RouteTableAssociation::new(script.aws("eu-west-1"))
    }

    fn table(state: &str) -> String {
        let one = |id: &str, subnet: &str, state: &str| {
            format!(
                "<item><routeTableAssociationId>{id}</routeTableAssociationId><routeTableId>rtb-1</routeTableId><subnetId>{subnet}</subnetId>                 <associationState><state>{state}</state><statusMessage>why</statusMessage></associationState></item>"
            )
        };
        let set = format!(
            "<associationSet>{}{}</associationSet>",
            one("rtbassoc-9", "subnet-9", "associated"),
            one("rtbassoc-1", "subnet-1", state)
        );
        replies::set("DescribeRouteTables", "routeTableSet", &format!("<item><routeTableId>rtb-1</routeTableId>{set}</item>"))
    }

    fn settings(table: &str) -> [(&'static str, Json); 2] {
        [("subnet_id", json!("subnet-1")), ("route_table_id", json!(table))]
    }

    #[tokio::test]
    async fn found_by_its_subnet_or_id_in_each_state() {
        for (state, readiness) in [
            ("associated", Readiness::Ready),
            ("associating", Readiness::Pending("associating".into())),
            ("disassociating", Readiness::Pending("disassociating".into())),
            ("failed", Readiness::Broken("why".into())),
        ] {
            for query in [query(ID, Some("rtbassoc-0"), settings("rtb-2")), query(ID, Some("rtbassoc-1"), [])] {
                let script = Script::new().on("DescribeRouteTables", 200, &table(state));
                let found = component(&script).find(&query).await.unwrap().unwrap();
                assert_eq!(
                    (found.id.as_str(), &found.settings, &found.readiness),
                    ("rtbassoc-1", &map(settings("rtb-1")), &readiness),
                    "{state}"
                );
            }
        }
        let script = Script::new().on("DescribeRouteTables", 200, &table("disassociated"));
        assert_eq!(component(&script).find(&query(ID, None, settings("rtb-1"))).await.unwrap(), None);
        assert_eq!(component(&Script::new()).find(&query(ID, None, [])).await.unwrap(), None, "its subnet is yet to be made");
    }

    #[tokio::test]
    async fn all_subnets_are_one_call() {
        let script = Script::new().on("DescribeRouteTables", 200, &table("associated"));
        let component = component(&script);
        let (one, other) = (query(ID, None, [("subnet_id", json!("subnet-1"))]), query(ID, None, [("subnet_id", json!("subnet-9"))]));
        let (one, other) = tokio::join!(component.find(&one), component.find(&other));
        assert_eq!((one.unwrap().unwrap().id, other.unwrap().unwrap().id), ("rtbassoc-1".to_owned(), "rtbassoc-9".to_owned()));
        script.finish();
    }

    #[tokio::test]
    async fn create_replace_and_delete_are_one_call_each() {
        let made = "<associationId>rtbassoc-1</associationId>";
        let script = Script::new().on("AssociateRouteTable", 200, &replies::reply("AssociateRouteTable", made));
        let replaced = replies::reply("ReplaceRouteTableAssociation", "<newAssociationId>rtbassoc-2</newAssociationId>");
        let script = script.on("ReplaceRouteTableAssociation", 200, &replaced);
        let script = script.on("DisassociateRouteTable", 400, &replies::error("InvalidAssociationID.NotFound", "gone"));
        let component = component(&script);
        let made = component.create(&wanted(ID, settings("rtb-1"))).await.unwrap();
        component.update(&made, &wanted(ID, settings("rtb-2")), &names(&["route_table_id"])).await.unwrap();
        component.delete(&made, &wanted(ID, [])).await.unwrap();
        let asked = script.finish();
        assert!(
            asked[0].1.contains("SubnetId=subnet-1") && asked[1].1.contains("AssociationId=rtbassoc-1&RouteTableId=rtb-2"),
            "{asked:?}"
        );
        let after = Found { id: "rtbassoc-2".into(), ..made.clone() };
        assert!(component.is(&made, &after), "the same one under another id");
    }
}
