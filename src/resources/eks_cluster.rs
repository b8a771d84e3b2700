//! `deeploy_eks_cluster`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::json;
use tf_provider::{Attr, Diagnostic, Diagnostics, Model, Path, Set};

use super::{
    access,
    change::Change,
    checks,
    composite::{Composite, Decider, Foretold, deciders},
    parts::{
        cluster::{self, Cluster, Links, validators},
        record,
    },
    report,
    setting::input,
    shared::Shared,
};
use crate::{
    aws::Aws,
    components::{SubnetPlace, subnet_places},
    graph::{Blueprint, Known, Node, Observed, Owner, patiently},
    policies::Place,
    presets::Preset,
};

/// A control plane takes a quarter of an hour, nodes and add-ons as long again; an upgrade that replaces many nodes takes hours.
const OPERATION_MAX: Duration = Duration::from_secs(120 * 60);

/// An EKS cluster in a VPC that exists: control plane, nodes that scale, add-ons, administrators, and the roles of all these.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct EksCluster {
    /// Name of the cluster.
    #[tf(required, replace, validate(validators::cluster_name()), note(change = "replace"))]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// VPC of the cluster.
    #[tf(required, note(change = "fixed"))]
    pub vpc_id: Attr<String>,
    /// Subnets of the nodes, private ones, with a way out to the internet or with the interface endpoints that EKS needs.
    #[tf(required, note(change = "replace"))]
    pub private_subnet_ids: Attr<Set<String>>,
    /// Subnets of the control plane's interfaces, in two zones at least; the nodes' by default.
    #[tf(optional, note(change = "live"))]
    pub control_plane_subnet_ids: Attr<Set<String>>,
    /// ARN of the KMS key that encrypts the cluster's secrets, the nodes' disks and the logs. Its policy must let CloudWatch Logs use it, and
    /// AWSServiceRoleForAutoScaling make grants, or no node starts. By default AWS's own keys are used (EKS.3 is then waived). A cluster that has a key keeps it.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "fixed", controls = "EKS.3"))]
    pub kms_key_arn: Attr<String>,
    /// ARN of the permissions boundary of every role.
    #[tf(optional, validate(checks::arn_of("iam", "policy/")), note(change = "live"))]
    pub permissions_boundary: Attr<String>,
    /// Path of every role.
    #[tf(optional, computed, validate(checks::iam_path()), note(preset = "iam_role.path", change = "fixed"))]
    pub iam_path: Attr<String>,
    /// The cluster's own attributes.
    #[tf(flatten)]
    pub cluster: Cluster,
    /// Of each of `private_subnet_ids` the id of its zone.
    #[tf(computed)]
    pub subnet_zone_ids: Attr<BTreeMap<String, Attr<String>>>,
    /// What every resource of several objects has.
    #[tf(flatten)]
    pub shared: Shared,
}

/// The second part of the record's name.
const RECORD_OF: &str = "eks_cluster";

/// What a plan looks up.
pub(crate) struct Facts {
    cluster: cluster::Facts,
    /// Where the subnets are; those that don't exist are absent, and so are all where nothing about them changed.
    subnets: BTreeMap<String, SubnetPlace>,
    /// Those that were asked for.
    asked: Vec<String>,
}

/// [`Composite`] of `deeploy_eks_cluster`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = EksCluster;
    type Facts = Facts;
    const TYPE: &'static str = "deeploy_eks_cluster";
    const OPERATION_MAX: Duration = OPERATION_MAX;
    const IMPORT_IDS: &'static str = "the name of a cluster that this resource made";

    fn deciders() -> Vec<Decider> {
        let mut all = deciders("", cluster::OUTPUTS);
        all.extend(deciders("", &[("id", record::RECORD)]));
        all
    }

    async fn look_up(model: &EksCluster, prior: Option<&EksCluster>, aws: &Arc<Aws>) -> Result<Option<Facts>, Diagnostics> {
        let failed = |failure| vec![report::failed(Path::root(), "The plan can't be made", &failure)];
        let asked = unplaced(model, prior);
        let before = prior.map(|prior| &prior.cluster);
        let of_cluster = patiently(|| Box::pin(cluster::look_up(aws, &model.name, &model.cluster, before, preset(model))));
        let places = patiently(|| Box::pin(subnet_places(aws, &asked)));
        let (cluster, subnets) = tokio::try_join!(of_cluster, places).map_err(failed)?;
        Ok(Some(Facts { cluster, subnets, asked }))
    }

    fn check(model: &EksCluster) -> Diagnostics {
        let mut found = cluster::check(&model.cluster, &Path::root());
        if model.private_subnet_ids.known().is_some_and(Set::is_empty) {
            found.push(Diagnostic::error(Path::of("private_subnet_ids"), "No subnet", "Nodes need a subnet to stand in."));
        }
        found
    }

    fn check_in(model: &EksCluster, place: &Place) -> Diagnostics {
        let Some(arn) = model.kms_key_arn.as_str() else { return Vec::new() };
        let path = Path::of("kms_key_arn");
        checks::of_partition(path.clone(), arn, place).or_else(|| checks::of_region(path, arn, place)).into_iter().collect()
    }

    fn check_change(model: &EksCluster, prior: Option<&EksCluster>, facts: Option<&Facts>) -> Diagnostics {
        let before = prior.map(|prior| &prior.cluster);
        let mut found = cluster::check_change(&model.cluster, before, facts.map(|facts| &facts.cluster), &Path::root());
        found.extend(prior.and_then(|prior| other_key(model, prior)));
        found.extend(facts.map(|facts| misplaced(model, facts)).unwrap_or_default());
        found
    }

    fn derive(model: &mut EksCluster, _written: &EksCluster, prior: Option<&EksCluster>, facts: Option<&Facts>) {
        let preset = preset(model);
        cluster::derive(&mut model.cluster, prior.map(|prior| &prior.cluster), facts.map(|facts| &facts.cluster), preset);
        model.subnet_zone_ids = zones(model, prior, facts);
    }

    fn principals(model: &EksCluster) -> Vec<(&'static str, String)> {
        cluster::principals(&model.cluster).into_iter().map(|arn| ("admin_principal_arns", arn)).collect()
    }

    fn blueprint(model: &EksCluster, place: &Place) -> Result<Blueprint, Diagnostics> {
        let mut nodes = vec![record::node(RECORD_OF, model)];
        nodes.extend(cluster::nodes(&model.cluster, &links(model), place));
        Ok(Blueprint::of(Owner { resource: Self::TYPE.to_owned(), name: model.name.known().cloned().unwrap_or_default() }, nodes))
    }

    fn leftover(component: &str, model: &EksCluster, _place: &Place) -> Result<Option<Node>, Diagnostics> {
        Ok(cluster::leftover(component, &links(model)))
    }

    fn known(state: &EksCluster) -> Known {
        state.shared.known()
    }

    fn foretell(model: &EksCluster, place: &Place) -> Foretold {
        let own = [("id", model.name.to_value()), ("subnet_zone_ids", model.subnet_zone_ids.to_value())];
        let all = own.into_iter().chain(cluster::foretell(&model.cluster, &links(model), place));
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn outputs(model: &mut EksCluster, seen: &Observed) {
        model.shared.id = model.name.clone();
        cluster::outputs(&mut model.cluster, seen);
    }

    fn refresh(model: &mut EksCluster, seen: &Observed) {
        cluster::refresh(&mut model.cluster, seen);
    }

    async fn import(model: &mut EksCluster, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        *model = record::imported::<EksCluster>(aws, RECORD_OF, id, Self::TYPE).await?;
        // What was chosen is not noted; where the subnets are is as it was.
        let asked = access::names(&model.private_subnet_ids).unwrap_or_default();
        let found = subnet_places(aws, &asked).await;
        let found = found.map_err(|failure| vec![report::failed(Path::of("private_subnet_ids"), "The subnets can't be read", &failure)])?;
        model.subnet_zone_ids = Attr::Known(found.into_iter().map(|(id, place)| (id, Attr::Known(place.zone_id))).collect());
        Ok(())
    }

    fn adopt(model: &mut EksCluster, seen: &Observed) {
        cluster::adopt(&mut model.cluster, seen);
    }

    fn guarded(state: &EksCluster) -> Vec<(&'static str, String)> {
        let sealed = state.shared.is_handed_out() && state.cluster.deletion_protection.known() == Some(&true);
        let reason = "The cluster is protected against deletion. Set deletion_protection = false, apply, then destroy.";
        if sealed { vec![("deletion_protection", reason.to_owned())] } else { Vec::new() }
    }

    fn consequences(change: &Change) -> Diagnostics {
        cluster::rolled(change, &Path::root()).into_iter().collect()
    }

    fn warnings(planned: &EksCluster, prior: Option<&EksCluster>, facts: Option<&Facts>) -> Diagnostics {
        cluster::warnings(&planned.cluster, prior.map(|prior| &prior.cluster), facts.map(|facts| &facts.cluster), &Path::root())
    }
}

fn preset(model: &EksCluster) -> Option<Preset> {
    model.preset.as_str().and_then(Preset::parse)
}

/// The subnets whose places a plan asks for: all of them where one isn't placed yet.
fn unplaced(model: &EksCluster, prior: Option<&EksCluster>) -> Vec<String> {
    let placed = prior.and_then(|prior| prior.subnet_zone_ids.known());
    let mut wanted = access::names(&model.private_subnet_ids).unwrap_or_default();
    let control_plane = access::names(&model.control_plane_subnet_ids).unwrap_or_default();
    let same = prior.is_some_and(|prior| prior.control_plane_subnet_ids == model.control_plane_subnet_ids);
    if same && placed.is_some_and(|placed| placed.len() == wanted.len() && wanted.iter().all(|subnet| placed.contains_key(subnet))) {
        return Vec::new();
    }
    wanted.extend(control_plane);
    wanted.sort();
    wanted.dedup();
    wanted
}

fn zones(model: &EksCluster, prior: Option<&EksCluster>, facts: Option<&Facts>) -> Attr<BTreeMap<String, Attr<String>>> {
    let Some(wanted) = access::names(&model.private_subnet_ids) else { return Attr::Unknown };
    let before = prior.and_then(|prior| prior.subnet_zone_ids.known()).or(model.subnet_zone_ids.known());
    let zone = |subnet: &String| {
        let looked_up = facts.and_then(|facts| facts.subnets.get(subnet)).map(|place| Attr::Known(place.zone_id.clone()));
        looked_up.or_else(|| before.and_then(|before| before.get(subnet).cloned())).unwrap_or(Attr::Unknown)
    };
    Attr::Known(wanted.iter().map(|subnet| (subnet.clone(), zone(subnet))).collect())
}

/// EKS never changes the key of secrets.
fn other_key(model: &EksCluster, prior: &EksCluster) -> Option<Diagnostic> {
    let before = prior.kms_key_arn.as_str()?;
    let changed = !model.kms_key_arn.is_unknown() && model.kms_key_arn.as_str() != Some(before);
    (changed && prior.cluster.arn.known().is_some()).then(|| {
        let detail =
            format!("The cluster's secrets are encrypted with {before}, and EKS never changes that. Set it back, or make another cluster.");
        Diagnostic::error(Path::of("kms_key_arn"), "The key can't be exchanged", detail)
    })
}

/// Subnets that don't exist, are in another VPC, or all in one zone.
fn misplaced(model: &EksCluster, facts: &Facts) -> Diagnostics {
    let control_plane = match &model.control_plane_subnet_ids {
        Attr::Null => &model.private_subnet_ids,
        written => written,
    };
    let at = |subnet: &String| {
        let private = access::names(&model.private_subnet_ids).is_some_and(|all| all.contains(subnet));
        Path::of(if private { "private_subnet_ids" } else { "control_plane_subnet_ids" })
    };
    let mut found = Diagnostics::new();
    for subnet in &facts.asked {
        match facts.subnets.get(subnet) {
            None => {
                let detail = format!("There is no subnet {subnet} in this account and region.");
                found.push(Diagnostic::error(at(subnet), "A subnet that doesn't exist", detail));
            }
            Some(place) if model.vpc_id.as_str().is_some_and(|vpc| vpc != place.vpc_id) => {
                let detail = format!("{subnet} is in {}: the cluster, its nodes and its security groups stand in one VPC.", place.vpc_id);
                found.push(Diagnostic::error(at(subnet), "A subnet of another VPC", detail));
            }
            Some(_) => {}
        }
    }
    let zones = access::names(control_plane).map(|all| {
        let zones: std::collections::BTreeSet<_> =
            all.iter().filter_map(|subnet| facts.subnets.get(subnet)).map(|place| &place.zone_id).collect();
        (all.len(), zones.len())
    });
    if found.is_empty() && !facts.asked.is_empty() && zones.is_some_and(|(_, zones)| zones < 2) {
        let name = if model.control_plane_subnet_ids.is_null() { "private_subnet_ids" } else { "control_plane_subnet_ids" };
        let detail = "EKS places the control plane's interfaces in two availability zones at least: name subnets of another zone too.";
        found.push(Diagnostic::error(Path::of(name), "Subnets of one zone only", detail));
    }
    found
}

fn links(model: &EksCluster) -> Links {
    let control_plane = match &model.control_plane_subnet_ids {
        Attr::Null => &model.private_subnet_ids,
        written => written,
    };
    let placed = |zones: &BTreeMap<String, Attr<String>>| -> Option<Vec<(String, serde_json::Value)>> {
        zones.iter().map(|(subnet, zone)| Some((zone.known()?.clone(), json!(subnet)))).collect()
    };
    Links {
        name: model.name.clone(),
        vpc_id: input(&model.vpc_id),
        control_plane_subnet_ids: input(control_plane),
        node_subnets: model.subnet_zone_ids.known().and_then(placed),
        key_arn: model.kms_key_arn.clone(),
        nodes_after: Vec::new(),
        permissions_boundary: model.permissions_boundary.clone(),
        iam_path: model.iam_path.clone(),
    }
}
