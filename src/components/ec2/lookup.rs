//! What plans ask of a region's network.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{AvailabilityZoneOptInStatus, AvailabilityZoneState, VpcAttributeName};

use super::{
    reader::{Kind, filter},
    route_table::Tables,
    subnet::Nets,
    vpc::{Clouds, dns},
};
use crate::{
    aws::{Aws, failure},
    graph::Failure,
};

/// A zone of the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityZone {
    /// The same in every account, e.g. `euc1-az1`.
    pub id: String,
    /// This account's name for it, e.g. `eu-central-1b`.
    pub name: String,
}

/// Zones in which EKS places no control plane (EKS User Guide, "Subnet requirements and considerations").
const WITHOUT_EKS: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

/// Whether EKS places no control plane in a zone.
#[must_use]
pub fn is_without_eks(zone_id: &str) -> bool {
    WITHOUT_EKS.contains(&zone_id)
}

/// The region's zones in which EKS runs and this account may make things, in the order of their ids. Local zones and wavelength zones
/// are left out.
///
/// # Errors
/// The failure of the call.
pub async fn availability_zones(aws: &Aws) -> Result<Vec<AvailabilityZone>, Failure> {
    let reply = aws.ec2.describe_availability_zones().send().await;
    let reply = reply.map_err(|error| failure("ec2:DescribeAvailabilityZones", error))?;
    let fits = |zone: &&aws_sdk_ec2::types::AvailabilityZone| {
        zone.zone_type().is_none_or(|kind| kind == "availability-zone")
            && zone.opt_in_status() != Some(&AvailabilityZoneOptInStatus::NotOptedIn)
            && zone.state().is_none_or(|state| *state == AvailabilityZoneState::Available)
            && !zone.zone_id().is_none_or(is_without_eks)
    };
    let zone = |zone: &aws_sdk_ec2::types::AvailabilityZone| {
        Some(AvailabilityZone { id: zone.zone_id()?.to_owned(), name: zone.zone_name().unwrap_or_default().to_owned() })
    };
    let mut zones: Vec<AvailabilityZone> = reply.availability_zones().iter().filter(fits).filter_map(zone).collect();
    zones.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(zones)
}

/// A VPC of somebody else's, as far as an environment cares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingNetwork {
    /// Its first range.
    pub cidr_block: String,
    /// All of its ranges.
    pub cidr_blocks: Vec<String>,
    /// Whether its resolver is on.
    pub dns_support: bool,
    /// Whether its instances get names.
    pub dns_hostnames: bool,
    /// Those of the subnets that were asked for and exist, by id.
    pub subnets: BTreeMap<String, ExistingSubnet>,
    /// Those of the route tables that were asked for and are the VPC's.
    pub route_table_ids: Vec<String>,
}

/// A subnet of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingSubnet {
    /// Its VPC.
    pub vpc_id: String,
    /// Its availability zone's id.
    pub zone_id: String,
}

impl ExistingNetwork {
    /// The ids of the subnets' zones.
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        let zones: std::collections::BTreeSet<&str> = self.subnets.values().map(|subnet| subnet.zone_id.as_str()).collect();
        zones.into_iter()
    }
}

/// A VPC, with the subnets and route tables that are asked for; `None` where there is no such VPC.
///
/// # Errors
/// The failure of a call.
pub async fn existing_network(
    aws: &Aws,
    vpc_id: &str,
    subnet_ids: &[String],
    table_ids: &[String],
) -> Result<Option<ExistingNetwork>, Failure> {
    let subnets = async {
        match subnet_ids {
            [] => Ok(Vec::new()),
            ids => Nets::describe(aws, vec![filter(Nets::ID, ids.to_vec())]).await,
        }
    };
    let tables = async {
        match table_ids {
            [] => Ok(Vec::new()),
            ids => Tables::describe(aws, vec![filter(Tables::ID, ids.to_vec())]).await,
        }
    };
    let (vpcs, support, hostnames, subnets, tables) = tokio::try_join!(
        Clouds::describe(aws, vec![filter(Clouds::ID, vec![vpc_id.to_owned()])]),
        dns(aws, vpc_id, VpcAttributeName::EnableDnsSupport),
        dns(aws, vpc_id, VpcAttributeName::EnableDnsHostnames),
        subnets,
        tables
    )?;
    let (Some(vpc), Some(dns_support), Some(dns_hostnames)) = (vpcs.first(), support, hostnames) else { return Ok(None) };
    let mut cidr_blocks: Vec<String> =
        vpc.cidr_block_association_set().iter().filter_map(|block| block.cidr_block().map(str::to_owned)).collect();
    let cidr_block = vpc.cidr_block().unwrap_or_default().to_owned();
    if !cidr_blocks.contains(&cidr_block) {
        cidr_blocks.push(cidr_block.clone());
    }
    let subnet = |subnet: &<Nets as Kind>::Object| {
        let found = ExistingSubnet { vpc_id: subnet.vpc_id()?.to_owned(), zone_id: subnet.availability_zone_id()?.to_owned() };
        Some((Nets::id(subnet).to_owned(), found))
    };
    Ok(Some(ExistingNetwork {
        cidr_block,
        cidr_blocks,
        dns_support,
        dns_hostnames,
        subnets: subnets.iter().filter_map(subnet).collect(),
        route_table_ids: tables.iter().filter(|table| table.vpc_id() == Some(vpc_id)).map(|table| Tables::id(table).to_owned()).collect(),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::replies, *};
    use crate::components::replay::Script;

    #[tokio::test]
    async fn zones_that_take_no_cluster_are_left_out() {
        let zone = |id: &str, name: &str, kind: &str, opt_in: &str| {
            format!(
                "<item><zoneId>{id}</zoneId><zoneName>{name}</zoneName><zoneType>{kind}</zoneType><optInStatus>{opt_in}</optInStatus>\
                 <zoneState>available</zoneState></item>"
            )
        };
        let zones = [
            zone("use1-az4", "us-east-1a", "availability-zone", "opt-in-not-required"),
            zone("use1-az3", "us-east-1e", "availability-zone", "opt-in-not-required"),
            zone("use1-az1", "us-east-1b", "availability-zone", "opt-in-not-required"),
            zone("use1-bos1-az1", "us-east-1-bos-1a", "local-zone", "opted-in"),
            zone("use1-az9", "us-east-1z", "availability-zone", "not-opted-in"),
        ];
        let script = Script::new();
        let script = script.on(
            "DescribeAvailabilityZones",
            200,
            &replies::set("DescribeAvailabilityZones", "availabilityZoneInfo", &zones.concat()),
        );
        let found = availability_zones(&script.aws("us-east-1")).await.unwrap();
        let of = |id: &str, name: &str| AvailabilityZone { id: id.into(), name: name.into() };
        assert_eq!(found, [of("use1-az1", "us-east-1b"), of("use1-az4", "us-east-1a")]);
    }

    #[tokio::test]
    async fn a_network_that_exists_is_told_with_what_was_asked_for() {
        let dns = |name: &str, on: bool| replies::reply("DescribeVpcAttribute", &format!("<{name}><value>{on}</value></{name}>"));
        let vpc = "<item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockAssociationSet><item><cidrBlock>10.0.0.0/16</cidrBlock></item>\
                   <item><cidrBlock>100.64.0.0/16</cidrBlock></item></cidrBlockAssociationSet></item>";
        let subnet = "<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><availabilityZoneId>euc1-az1</availabilityZoneId></item>";
        let tables = "<item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId></item><item><routeTableId>rtb-2</routeTableId><vpcId>vpc-2</vpcId></item>";
        let script = Script::any_order()
            .on("DescribeVpcs", 200, &replies::set("DescribeVpcs", "vpcSet", vpc))
            .on("DescribeVpcAttribute", 200, &dns("enableDnsSupport", true))
            .on("DescribeVpcAttribute", 200, &dns("enableDnsHostnames", false))
            .on("DescribeSubnets", 200, &replies::set("DescribeSubnets", "subnetSet", subnet))
            .on("DescribeRouteTables", 200, &replies::set("DescribeRouteTables", "routeTableSet", tables));
        let asked = |ids: [&str; 2]| ids.map(str::to_owned).to_vec();
        let found =
            existing_network(&script.aws("eu-central-1"), "vpc-1", &asked(["subnet-1", "subnet-2"]), &asked(["rtb-1", "rtb-2"])).await;
        let found = found.unwrap().unwrap();
        script.finish();
        assert_eq!((found.cidr_blocks.len(), found.dns_support, found.dns_hostnames), (2, true, false));
        assert_eq!((found.subnets.len(), found.zones().collect::<Vec<_>>()), (1, vec!["euc1-az1"]));
        assert_eq!(found.route_table_ids, ["rtb-1"]);
    }
}
