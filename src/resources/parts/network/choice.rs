//! What a network chooses at its create and then keeps.

use std::{collections::BTreeMap, sync::Arc};

use tf_provider::{Attr, Set};

use super::{Existing, Network, elements, ranges, zone_count, zones};
use crate::{
    aws::Aws,
    components::{AvailabilityZone, ExistingNetwork, availability_zones, endpoint_services, existing_network},
    graph::Failure,
    presets::Preset,
};

/// What a plan looks up: once for a network, when it is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The region's zones in which EKS runs; empty where nobody asked.
    pub zones: Vec<AvailabilityZone>,
    /// The VPC that exists already; `None` where nobody asked, or where there is none.
    pub existing: Option<ExistingNetwork>,
    /// Whether it was asked for.
    pub asked_existing: bool,
    /// The full names of services with interface endpoints by their short ones; `None` where nobody asked.
    pub services: Option<BTreeMap<String, String>>,
}

/// The full names of the wanted endpoints' services as far as they were told before.
fn told<'a>(network: &'a Network, service: &str) -> Option<&'a Attr<String>> {
    network.interface_endpoint_services.known()?.get(service).filter(|name| name.known().is_some())
}

/// The interface endpoints that are wanted; none in a network that isn't ours.
fn services(model: &Network) -> Vec<String> {
    let all = if model.existing.is_null() { elements(&model.interface_endpoints).unwrap_or_default() } else { Vec::new() };
    all.iter().filter_map(|service| service.as_str().map(str::to_owned)).collect()
}

/// Whether the plan has to look: what prior state decided stays decided.
fn is_new(model: &Network, prior: Option<&Network>) -> bool {
    prior.is_none_or(|prior| ids(&prior.existing) != ids(&model.existing) || prior.cidr.is_null() || prior.availability_zones.is_null())
}

/// What of an existing network is looked at.
fn ids(existing: &Attr<Existing>) -> Option<(Option<&str>, Vec<String>, Vec<String>)> {
    let existing = existing.known()?;
    let texts = |set: &Attr<Set<String>>| -> Vec<String> {
        elements(set).unwrap_or_default().iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let mut subnets: Vec<String> =
        [&existing.private_subnet_ids, &existing.public_subnet_ids, &existing.database_subnet_ids].into_iter().flat_map(texts).collect();
    subnets.sort();
    subnets.dedup();
    Some((existing.vpc_id.as_str(), subnets, texts(&existing.route_table_ids)))
}

/// Looks at the region's zones, or at the network that exists.
///
/// # Errors
/// The failure of a call.
pub(crate) async fn look_up(aws: &Arc<Aws>, model: &Network, prior: Option<&Network>) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
    if services(model).iter().any(|service| prior.and_then(|prior| told(prior, service)).is_none()) {
        facts.services = Some(endpoint_services(aws).await?);
    }
    if !is_new(model, prior) || model.existing.is_unknown() {
        return Ok(facts);
    }
    match ids(&model.existing) {
        None => facts.zones = availability_zones(aws).await?,
        Some((Some(vpc_id), subnets, tables)) => {
            facts.existing = existing_network(aws, vpc_id, &subnets, &tables).await?;
            facts.asked_existing = true;
        }
        // Its id is the output of what isn't made yet.
        Some((None, ..)) => {}
    }
    Ok(facts)
}

/// The full names of the endpoints' services of what an import has found: by them it finds the endpoints.
///
/// # Errors
/// The failure of a call.
pub(crate) async fn import(aws: &Arc<Aws>, model: &mut Network) -> Result<(), Failure> {
    let wanted = services(model);
    if wanted.is_empty() {
        return Ok(());
    }
    let all = endpoint_services(aws).await?;
    let name = |service: String| all.get(&service).map(|name| (service, Attr::Known(name.clone())));
    model.interface_endpoint_services = Attr::Known(wanted.into_iter().filter_map(name).collect());
    Ok(())
}

/// Fills what is chosen once: zones, private subnets that fit, and the names of services.
pub(crate) fn derive(model: &mut Network, written: &Network, prior: Option<&Network>, facts: Option<&Facts>, preset: Option<Preset>) {
    match &model.existing {
        Attr::Null => {
            derive_zones(model, written, prior, facts, preset);
            derive_size(model, written, prior);
            model.interface_endpoint_services = service_names(model, prior, facts);
        }
        Attr::Unknown => {
            // Whether these are ours to choose isn't known.
            unless(&written.cidr, &mut model.cidr, Attr::Unknown);
            unless(&written.availability_zones, &mut model.availability_zones, Attr::Unknown);
            unless(&written.private_subnet_prefix_length, &mut model.private_subnet_prefix_length, Attr::Unknown);
            unless(&written.nat, &mut model.nat, Attr::Unknown);
            unless(&written.interface_endpoints, &mut model.interface_endpoints, Attr::Unknown);
            unless(&written.flow_logs, &mut model.flow_logs, Attr::Unknown);
            model.interface_endpoint_services = Attr::Unknown;
        }
        Attr::Known(_) => {
            let same = prior.filter(|prior| !is_new(model, Some(prior)));
            let looked = facts.and_then(|facts| facts.existing.as_ref());
            let cidr = same.map(|prior| prior.cidr.clone()).or_else(|| looked.map(|vpc| Attr::Known(vpc.cidr_block.clone())));
            let zones = same.map(|prior| prior.availability_zones.clone());
            let zones = zones.or_else(|| looked.map(|vpc| Attr::Known(vpc.zones().map(str::to_owned).collect())));
            unless(&written.cidr, &mut model.cidr, cidr.unwrap_or(Attr::Unknown));
            unless(&written.availability_zones, &mut model.availability_zones, zones.unwrap_or(Attr::Unknown));
            unless(&written.private_subnet_prefix_length, &mut model.private_subnet_prefix_length, Attr::Null);
            unless(&written.nat, &mut model.nat, Attr::Null);
            unless(&written.interface_endpoints, &mut model.interface_endpoints, Attr::Null);
            unless(&written.flow_logs, &mut model.flow_logs, Attr::Null);
            model.interface_endpoint_services = Attr::Null;
        }
    }
}

/// Sets what the user left out.
fn unless<T>(written: &Attr<T>, attribute: &mut Attr<T>, value: Attr<T>) {
    if written.is_null() {
        *attribute = value;
    }
}

fn service_names(model: &Network, prior: Option<&Network>, facts: Option<&Facts>) -> Attr<BTreeMap<String, Attr<String>>> {
    let Some(wanted) = elements(&model.interface_endpoints) else { return Attr::Unknown };
    let looked_up = facts.and_then(|facts| facts.services.as_ref());
    let name = |service: &str| {
        let before = prior.and_then(|prior| told(prior, service)).or_else(|| told(model, service)).cloned();
        before.or_else(|| looked_up?.get(service).cloned().map(Attr::Known)).unwrap_or(Attr::Unknown)
    };
    Attr::Known(wanted.iter().filter_map(|service| service.as_str()).map(|service| (service.to_owned(), name(service))).collect())
}

fn derive_zones(model: &mut Network, written: &Network, prior: Option<&Network>, facts: Option<&Facts>, preset: Option<Preset>) {
    if !written.availability_zones.is_null() {
        return;
    }
    let before = prior.map(|prior| prior.availability_zones.clone()).filter(|zones| zones.known().is_some());
    let chosen = || {
        let zones = facts.map(|facts| &facts.zones).filter(|zones| !zones.is_empty())?;
        Some(Attr::Known(zones.iter().take(zone_count(preset)?).map(|zone| zone.id.clone()).collect()))
    };
    model.availability_zones = before.or_else(chosen).unwrap_or(Attr::Unknown);
}

fn derive_size(model: &mut Network, written: &Network, prior: Option<&Network>) {
    if !written.private_subnet_prefix_length.is_null() || prior.is_some_and(|prior| prior.private_subnet_prefix_length.known().is_some()) {
        return;
    }
    let Attr::Known(wanted) = model.private_subnet_prefix_length else { return };
    model.private_subnet_prefix_length = match (model.cidr.as_str(), zones(model)) {
        (Some(cidr), Some(zones)) => {
            let vpc = ranges::Range::parse(cidr).ok();
            let fits = vpc.zip(u8::try_from(wanted).ok()).and_then(|(vpc, wanted)| ranges::fitting(vpc, zones.len(), wanted));
            // Nothing fits: then `check` says so.
            Attr::Known(fits.map_or(wanted, i64::from))
        }
        _ => Attr::Unknown,
    };
}
