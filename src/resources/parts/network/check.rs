//! What is wrong with a network, told before anything is made.

use std::collections::BTreeSet;

use tf_provider::{Attr, Diagnostic, Diagnostics, Path, Set};

use super::{
    Existing, FlowLogs, NONE, Network, PER_AZ, SINGLE,
    choice::Facts,
    elements,
    ranges::{Range, VPC_PREFIXES, ZONES, fitting, plan},
    zones,
};
use crate::{
    components::{ExistingNetwork, is_without_eks},
    resources::close::meant,
};

/// The ranges from which EKS numbers services (EKS User Guide, "Create an Amazon EKS cluster", service IPv4 range): which of the two it
/// takes is its own choice, by the VPC's.
const SERVICE_RANGES: [&str; 2] = ["10.100.0.0/16", "172.20.0.0/16"];
/// Days that CloudWatch Logs takes (API reference, PutRetentionPolicy).
const RETENTION_DAYS: [i64; 22] = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// What no single attribute shows to be wrong.
pub(crate) fn check(model: &Network, at: &Path) -> Diagnostics {
    if let Attr::Known(existing) = &model.existing {
        let mut said = beside_existing(model, at);
        said.extend(check_existing(existing, &at.attribute("existing")));
        return said;
    }
    if model.existing.is_unknown() {
        return Vec::new();
    }
    let mut said = check_range(model, at);
    said.extend(check_zones(model, at));
    if said.is_empty() {
        said.extend(check_size(model, at));
    }
    said.extend(check_addresses(model, at));
    said.extend(check_endpoints(model, at));
    said.extend(model.flow_logs.known().map(|logs| check_flow_logs(logs, &at.attribute("flow_logs"))).unwrap_or_default());
    said
}

fn check_range(model: &Network, at: &Path) -> Diagnostics {
    let Some(text) = model.cidr.as_str() else { return Vec::new() };
    let at = at.attribute("cidr");
    let range = match Range::parse(text) {
        Ok(range) => range,
        Err(cause) => return vec![Diagnostic::error(at, "Not a range of IPv4 addresses", cause)],
    };
    if !VPC_PREFIXES.contains(&range.prefix()) {
        let detail = format!(
            "{text} is a /{}: a VPC is a /16 at most, and subnets for nodes, load balancers, database and control plane in two zones need a /20 at least.",
            range.prefix()
        );
        return vec![Diagnostic::error(at, "A range of the wrong size", detail)];
    }
    let overlaps = SERVICE_RANGES.into_iter().find(|service| Range::parse(service).is_ok_and(|service| service.overlaps(range)));
    overlaps
        .map(|service| {
            let detail = format!(
                "EKS gives Kubernetes services addresses of {service}, which {text} overlaps: pods would not reach one of the two."
            );
            Diagnostic::error(at, "The range overlaps that of Kubernetes services", detail)
        })
        .into_iter()
        .collect()
}

fn check_zones(model: &Network, at: &Path) -> Diagnostics {
    let at = at.attribute("availability_zones");
    let Some(set) = model.availability_zones.known() else { return Vec::new() };
    let mut said = Diagnostics::new();
    for zone in set.known() {
        if is_zone_name(zone) {
            let detail = format!(
                "{zone:?} is a zone's name, which means another zone in another account. Give its id, like \"euc1-az1\"; \
                 `aws ec2 describe-availability-zones` lists both."
            );
            said.push(Diagnostic::error(at.clone(), "Not an availability zone's id", detail));
        } else if !is_zone_id(zone) {
            said.push(Diagnostic::error(at.clone(), "Not an availability zone's id", format!("{zone:?} is not like \"euc1-az1\".")));
        } else if is_without_eks(zone) {
            let detail = format!("EKS places no control plane in {zone}. Choose another zone of the region.");
            said.push(Diagnostic::error(at.clone(), "A zone without EKS", detail));
        }
    }
    if !ZONES.contains(&set.len()) {
        let detail = format!("{} zones: EKS and RDS need two at least, and a network is made for six at most.", set.len());
        said.push(Diagnostic::error(at, "The wrong number of availability zones", detail));
    }
    said
}

/// `eu-central-1a`.
fn is_zone_name(zone: &str) -> bool {
    let region = zone.trim_end_matches(|last: char| last.is_ascii_lowercase());
    region.len() + 1 == zone.len() && region.ends_with(|last: char| last.is_ascii_digit()) && region.split('-').count() >= 3
}

/// `euc1-az1`.
fn is_zone_id(zone: &str) -> bool {
    let Some((region, number)) = zone.split_once("-az") else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(number) && region.len() >= 3 && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn check_size(model: &Network, at: &Path) -> Diagnostics {
    let (Some(cidr), Some(zones), Some(length)) = (model.cidr.as_str(), zones(model), model.private_subnet_prefix_length.known()) else {
        return Vec::new();
    };
    let (Ok(vpc), Ok(private)) = (Range::parse(cidr), u8::try_from(*length)) else { return Vec::new() };
    if plan(vpc, zones.len(), private).is_some() {
        return Vec::new();
    }
    let fits = fitting(vpc, zones.len(), private).map_or_else(
        || "Take a larger range, or fewer zones.".to_owned(),
        |fits| format!("Private subnets of /{fits} fit; a larger range or fewer zones leave room for larger ones."),
    );
    let detail = format!(
        "{cidr} doesn't hold {} private subnets of /{private} beside those of load balancers, database and control plane. {fits}",
        zones.len()
    );
    vec![Diagnostic::error(at.attribute("private_subnet_prefix_length"), "The subnets don't fit into the VPC", detail)]
}

fn check_addresses(model: &Network, at: &Path) -> Diagnostics {
    let Some(ids) = model.nat_eip_allocation_ids.known() else { return Vec::new() };
    let at = at.attribute("nat_eip_allocation_ids");
    let error = |summary: &str, detail: String| vec![Diagnostic::error(at.clone(), summary, detail)];
    let known: Vec<&str> = ids.iter().filter_map(Attr::as_str).collect();
    if let Some(wrong) = known.iter().find(|id| !id.starts_with("eipalloc-")) {
        return error("Not an address's allocation", format!("{wrong:?} is not like \"eipalloc-0123456789abcdef0\"."));
    }
    if ids.iter().any(Attr::is_null) || known.iter().collect::<BTreeSet<_>>().len() < known.len() {
        return error("Not one address for each gateway", "Each must be another one, and none may be null.".to_owned());
    }
    let wanted = match model.nat.as_str() {
        Some(NONE) => return error("Addresses without gateways", "`nat` is \"none\". Remove one of the two.".to_owned()),
        Some(SINGLE) => Some(1),
        Some(PER_AZ) => zones(model).map(|zones| zones.len()),
        _ => None,
    };
    match wanted {
        Some(wanted) if wanted != ids.len() => {
            error("Not one address for each gateway", format!("{} addresses for {wanted} NAT gateways.", ids.len()))
        }
        _ => Vec::new(),
    }
}

fn check_endpoints(model: &Network, at: &Path) -> Diagnostics {
    let at = at.attribute("interface_endpoints");
    let Some(set) = model.interface_endpoints.known() else { return Vec::new() };
    let wrong = |service: &String| {
        let legal = service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
        let detail = if service.contains("amazonaws") {
            format!("{service:?}: leave out the beginning, e.g. \"ecr.api\" for com.amazonaws.REGION.ecr.api.")
        } else if service == "s3" || service == "dynamodb" {
            format!("{service} is reached by a gateway endpoint, which costs nothing; that of S3 is made in any case.")
        } else if service.is_empty() || !legal {
            format!("{service:?} is not like \"ecr.api\" or \"secretsmanager\".")
        } else {
            return None;
        };
        Some(Diagnostic::error(at.clone(), "Not a service with an interface endpoint", detail))
    };
    set.known().filter_map(wrong).collect()
}

fn check_flow_logs(logs: &FlowLogs, at: &Path) -> Diagnostics {
    match logs.retention_in_days {
        Attr::Known(days) if !RETENTION_DAYS.contains(&days) => {
            let list: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
            let detail = format!("CloudWatch Logs keeps for {} days, and not for {days}.", list.join(", "));
            vec![Diagnostic::error(at.attribute("retention_in_days"), "Not a retention of CloudWatch Logs", detail)]
        }
        _ => Vec::new(),
    }
}

fn check_existing(existing: &Existing, at: &Path) -> Diagnostics {
    let mut said = Diagnostics::new();
    let ids = |name: &str, set: &Attr<Set<String>>, start: &str| {
        let wrong = set.known().into_iter().flat_map(Set::known).find(|id| !id.starts_with(start));
        wrong.map(|id| {
            Diagnostic::error(at.attribute(name), "Not an id of AWS", format!("{id:?} is not like \"{start}0123456789abcdef0\"."))
        })
    };
    if let Some(id) = existing.vpc_id.as_str().filter(|id| !id.starts_with("vpc-")) {
        said.push(Diagnostic::error(at.attribute("vpc_id"), "Not an id of AWS", format!("{id:?} is not like \"vpc-0123456789abcdef0\".")));
    }
    said.extend(ids("private_subnet_ids", &existing.private_subnet_ids, "subnet-"));
    said.extend(ids("public_subnet_ids", &existing.public_subnet_ids, "subnet-"));
    said.extend(ids("database_subnet_ids", &existing.database_subnet_ids, "subnet-"));
    said.extend(ids("route_table_ids", &existing.route_table_ids, "rtb-"));
    for (name, set) in [("private_subnet_ids", &existing.private_subnet_ids), ("database_subnet_ids", &existing.database_subnet_ids)] {
        if set.known().is_some_and(|set| set.len() < 2) {
            let detail = "EKS and RDS need subnets in two availability zones at least.";
            said.push(Diagnostic::error(at.attribute(name), "Too few subnets", detail));
        }
    }
    said
}

/// What is set beside `existing`: nothing of it would be done. (Range and zones are told as they are; see `check_looked`.)
fn beside_existing(model: &Network, at: &Path) -> Diagnostics {
    let set = [
        ("private_subnet_prefix_length", model.private_subnet_prefix_length.is_null()),
        ("nat", model.nat.is_null()),
        ("nat_eip_allocation_ids", model.nat_eip_allocation_ids.is_null()),
        ("interface_endpoints", model.interface_endpoints.is_null()),
        ("flow_logs", model.flow_logs.is_null()),
    ];
    let beside = |(name, _)| {
        let detail = "`existing` uses a network as it is; this would change it. Remove one of the two.";
        Diagnostic::error(at.attribute(name), "A setting of a network that isn't ours", detail)
    };
    set.into_iter().filter(|(_, null)| !null).map(beside).collect()
}

/// What AWS or the prior state shows to be wrong.
pub(crate) fn check_change(model: &Network, prior: Option<&Network>, facts: Option<&Facts>, at: &Path) -> Diagnostics {
    if let Some(prior) = prior {
        let said = fixed(model, prior, at);
        if !said.is_empty() {
            return said;
        }
    }
    let Some(facts) = facts else { return Vec::new() };
    match &model.existing {
        Attr::Known(existing) if facts.asked_existing => {
            let mut said = check_looked(existing, facts.existing.as_ref(), &at.attribute("existing"));
            said.extend(facts.existing.as_ref().map(|vpc| check_told(model, vpc, at)).unwrap_or_default());
            said
        }
        Attr::Known(_) | Attr::Unknown => Vec::new(),
        Attr::Null => {
            let mut said = check_zones_exist(model, facts, &at.attribute("availability_zones"));
            said.extend(check_services_exist(model, facts, &at.attribute("interface_endpoints")));
            said
        }
    }
}

/// A service that the region doesn't have. What an earlier plan was told stays: services don't go while endpoints of theirs are there.
fn check_services_exist(model: &Network, facts: &Facts, at: &Path) -> Diagnostics {
    let (Some(services), Some(names)) = (&facts.services, model.interface_endpoint_services.known()) else { return Vec::new() };
    let missing = names.iter().filter(|(service, name)| name.known().is_none() && !services.contains_key(*service));
    let error = |(service, _): (&String, _)| {
        let near = meant(service, services.keys().map(String::as_str));
        let detail =
            format!("{service:?} has no interface endpoint in this region.{near} `aws ec2 describe-vpc-endpoint-services` lists all.");
        Diagnostic::error(at.clone(), "No such service in this region", detail)
    };
    missing.map(error).collect()
}

/// Known on both sides, and different.
fn differ<T: PartialEq>(now: &Attr<T>, before: &Attr<T>) -> bool {
    matches!((now, before), (Attr::Known(now), Attr::Known(before)) if now != before)
}

fn fixed(model: &Network, prior: &Network, at: &Path) -> Diagnostics {
    let refuse = |name: &str, detail: &str| {
        vec![Diagnostic::error(
            at.attribute(name),
            format!("`{name}` of a network can't be changed"),
            format!("{detail} Set it back, or make another network and move what is in this one."),
        )]
    };
    if model.existing.is_null() != prior.existing.is_null() && !model.existing.is_unknown() && !prior.cidr.is_null() {
        return refuse("existing", "Whose the network is is decided when it is made.");
    }
    if let (Attr::Known(now), Attr::Known(before)) = (&model.existing, &prior.existing) {
        let same = !differ(&now.vpc_id, &before.vpc_id)
            && !differ(&now.private_subnet_ids, &before.private_subnet_ids)
            && !differ(&now.public_subnet_ids, &before.public_subnet_ids)
            && !differ(&now.database_subnet_ids, &before.database_subnet_ids);
        return if same { Vec::new() } else { refuse("existing", "Cluster and database stay in the subnets in which they were made.") };
    }
    if differ(&model.cidr, &prior.cidr) {
        return refuse("cidr", "A VPC keeps its range.");
    }
    if differ(&model.availability_zones, &prior.availability_zones) {
        return refuse("availability_zones", "The VPC was divided among these zones.");
    }
    if differ(&model.private_subnet_prefix_length, &prior.private_subnet_prefix_length) {
        return refuse("private_subnet_prefix_length", "Subnets keep their ranges.");
    }
    Vec::new()
}

fn check_zones_exist(model: &Network, facts: &Facts, at: &Path) -> Diagnostics {
    let Some(set) = model.availability_zones.known().filter(|_| !facts.zones.is_empty()) else { return Vec::new() };
    let there: Vec<String> = facts.zones.iter().map(|zone| format!("{} ({})", zone.id, zone.name)).collect();
    let strange = set.known().filter(|zone| facts.zones.iter().all(|there| there.id != **zone));
    let tell = |zone: &String| {
        let detail =
            format!("{zone} is no zone of this region that takes clusters and is open to this account. There are {}.", there.join(", "));
        Diagnostic::error(at.clone(), "No such availability zone", detail)
    };
    strange.map(tell).collect()
}

fn check_looked(existing: &Existing, looked: Option<&ExistingNetwork>, at: &Path) -> Diagnostics {
    let id = existing.vpc_id.as_str().unwrap_or_default();
    let Some(vpc) = looked else {
        let detail = format!("There is no VPC {id} in this account and region.");
        return vec![Diagnostic::error(at.attribute("vpc_id"), "No such VPC", detail)];
    };
    let mut said = Diagnostics::new();
    if !vpc.dns_support || !vpc.dns_hostnames {
        let detail = format!(
            "EKS needs both of {id}: enableDnsSupport is {}, enableDnsHostnames is {}. Switch them on with `aws ec2 modify-vpc-attribute`.",
            on(vpc.dns_support),
            on(vpc.dns_hostnames)
        );
        said.push(Diagnostic::error(at.attribute("vpc_id"), "The VPC's DNS is off", detail));
    }
    for service in SERVICE_RANGES {
        let overlaps =
            |block: &&String| Range::parse(block).ok().zip(Range::parse(service).ok()).is_some_and(|(one, other)| one.overlaps(other));
        if let Some(block) = vpc.cidr_blocks.iter().find(overlaps) {
            let detail = format!("EKS may give Kubernetes services addresses of {service}, which {block} of {id} overlaps.");
            said.push(Diagnostic::warning(at.attribute("vpc_id"), "The VPC's range overlaps one of Kubernetes services", detail));
        }
    }
    for (name, set) in [
        ("private_subnet_ids", &existing.private_subnet_ids),
        ("public_subnet_ids", &existing.public_subnet_ids),
        ("database_subnet_ids", &existing.database_subnet_ids),
    ] {
        said.extend(check_subnets(name, set, id, vpc, at));
    }
    let tables = elements(&existing.route_table_ids).unwrap_or_default();
    for table in tables.iter().filter_map(|table| table.as_str()).filter(|table| !vpc.route_table_ids.iter().any(|there| there == table)) {
        let detail = format!("There is no route table {table} in {id}.");
        said.push(Diagnostic::error(at.attribute("route_table_ids"), "No such route table", detail));
    }
    said
}

/// A range and zones that are written must be those of the network.
fn check_told(model: &Network, vpc: &ExistingNetwork, at: &Path) -> Diagnostics {
    let mut said = Diagnostics::new();
    if let Some(cidr) = model.cidr.as_str().filter(|cidr| *cidr != vpc.cidr_block) {
        let detail = format!("The VPC's range is {}, and not {cidr}. Leave it out.", vpc.cidr_block);
        said.push(Diagnostic::error(at.attribute("cidr"), "Not the VPC's range", detail));
    }
    let there: BTreeSet<&str> = vpc.zones().collect();
    if zones(model).is_some_and(|zones| zones.into_iter().collect::<BTreeSet<_>>() != there) && !there.is_empty() {
        let list: Vec<&str> = there.into_iter().collect();
        let detail = format!("The subnets are in {}. Leave it out.", list.join(", "));
        said.push(Diagnostic::error(at.attribute("availability_zones"), "Not the subnets' zones", detail));
    }
    said
}

const fn on(flag: bool) -> &'static str {
    if flag { "on" } else { "off" }
}

fn check_subnets(name: &str, set: &Attr<Set<String>>, vpc_id: &str, vpc: &ExistingNetwork, at: &Path) -> Diagnostics {
    let at = at.attribute(name);
    let Some(set) = set.known() else { return Vec::new() };
    let (mut said, mut zones) = (Diagnostics::new(), BTreeSet::new());
    for id in set.known() {
        match vpc.subnets.get(id) {
            None => {
                let detail = format!("There is no subnet {id} in this account and region.");
                said.push(Diagnostic::error(at.clone(), "No such subnet", detail));
            }
            Some(subnet) if subnet.vpc_id != vpc_id => {
                let detail = format!("{id} is in {}, and not in {vpc_id}.", subnet.vpc_id);
                said.push(Diagnostic::error(at.clone(), "A subnet of another VPC", detail));
            }
            Some(subnet) if is_without_eks(&subnet.zone_id) && name == "private_subnet_ids" => {
                let detail = format!("{id} is in {}, where EKS places no control plane. Leave it out.", subnet.zone_id);
                said.push(Diagnostic::error(at.clone(), "A zone without EKS", detail));
            }
            Some(subnet) => drop(zones.insert(&subnet.zone_id)),
        }
    }
    let whole = set.known().count() == set.len();
    if said.is_empty() && whole && name != "public_subnet_ids" && zones.len() < 2 {
        let detail = "All of them are in one availability zone. EKS and RDS need two at least.";
        said.push(Diagnostic::error(at, "Subnets in one zone", detail));
    }
    said
}

/// What a change does to those who use the network.
pub(crate) fn warnings(planned: &Network, prior: Option<&Network>, at: &Path) -> Diagnostics {
    let mut said = Diagnostics::new();
    let before = prior.and_then(|prior| prior.nat.as_str());
    let (nat, at_nat) = (planned.nat.as_str(), at.attribute("nat"));
    if nat == Some(NONE) && before != nat {
        let detail = "Nodes reach AWS through `interface_endpoints` only: they need ec2, ecr.api, ecr.dkr, sts, eks, eks-auth and logs at least. What has no endpoint \
                      is out of reach: the AWS Marketplace's images (they are in us-east-1), its metering, Git hosts, other registries, and Deeploy's licence calls.";
        said.push(Diagnostic::warning(at_nat, "Nothing in the network reaches the internet", detail));
    } else if let (Some(before), Some(now), true) = (before, nat, before != nat) {
        let detail = format!(
            "`nat` goes from {before:?} to {now:?}. New gateways are made before routes move and old ones go after that; connections that are open then end, and in zones whose \
             gateway changes the public address is another one: see `nat_public_ips` for the allow lists of others."
        );
        said.push(Diagnostic::warning(at_nat, "Outgoing connections end when their route moves", detail));
    } else if let (Some(prior), true) = (prior, nat == before)
        && prior.nat_eip_allocation_ids != planned.nat_eip_allocation_ids
        && nat.is_some()
    {
        let detail =
            "Each NAT gateway is replaced by one with the new address; outgoing connections that are open when their route moves end.";
        said.push(Diagnostic::warning(at.attribute("nat_eip_allocation_ids"), "The network's public addresses change", detail));
    }
    let docker = Range::parse("172.17.0.0/16").ok();
    let range = planned.cidr.as_str().and_then(|cidr| Range::parse(cidr).ok());
    if prior.is_none() && planned.existing.is_null() && docker.zip(range).is_some_and(|(docker, range)| docker.overlaps(range)) {
        let detail = "Some services of AWS (Cloud9, SageMaker) use 172.17.0.0/16 themselves, and Docker does by default; AWS advises against it (VPC User Guide, VPC CIDR blocks).";
        said.push(Diagnostic::warning(at.attribute("cidr"), "A range that others use", detail));
    }
    let tables = |network: &Network| network.existing.known().and_then(|existing| elements(&existing.route_table_ids)).unwrap_or_default();
    let (now, then) = (tables(planned), prior.map(tables).unwrap_or_default());
    if now.iter().any(|table| !then.contains(table)) {
        let detail = "Connections to S3 that are open when the endpoint's route appears in these tables end.";
        said.push(Diagnostic::warning(
            at.attribute("existing").attribute("route_table_ids"),
            "Connections to S3 are interrupted once",
            detail,
        ));
    }
    said
}
