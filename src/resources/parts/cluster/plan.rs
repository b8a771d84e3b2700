//! What a plan looks up, chooses and says.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

use tf_provider::{Attr, Diagnostic, Diagnostics, Path, Value};

use super::{Cluster, EffectiveNodeGroup, Links, Told, addons, groups, roles};
use crate::{
    aws::Aws,
    components::{Capacity, KubernetesVersion, addon_versions, capacities, kubernetes_versions, minor, upgrade_blockers},
    graph::{ComponentId, Failure},
    policies::Place,
    presets::Preset,
    resources::change::Change,
};

/// How long before the end of a version's standard support plans say so.
const SUPPORT_NOTICE_DAYS: i64 = 90;
const DAY_S: i64 = 24 * 3600;

/// What AWS answered. What a plan doesn't need isn't asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Every version that EKS offers, the latest first.
    pub(super) versions: Vec<KubernetesVersion>,
    /// The add-ons' versions for the planned Kubernetes version; empty: not asked.
    pub(super) addon_versions: BTreeMap<String, String>,
    /// What the groups' instance types have; those not asked for, or not offered, are absent.
    pub(super) capacities: BTreeMap<String, Capacity>,
    /// The instance types that were asked for.
    pub(super) asked: BTreeSet<String>,
    /// What stands against the planned upgrade.
    pub(super) blockers: Vec<String>,
    /// Seconds since 1970.
    pub(super) now_s: i64,
}

impl Facts {
    /// Whether all of these types are of the ARM architecture.
    pub(super) fn is_arm(&self, types: &Attr<Vec<Attr<String>>>) -> bool {
        let types = types.known().into_iter().flatten().filter_map(Attr::known);
        let mut arm = types.map(|one| self.capacities.get(one).is_some_and(|capacity| capacity.arm)).peekable();
        arm.peek().is_some() && arm.all(|arm| arm)
    }
}

/// The version that the cluster will have: the user's, the one before, or the one that EKS recommends.
fn version(written: &Attr<String>, prior: Option<&Cluster>, versions: &[KubernetesVersion]) -> Attr<String> {
    let before = prior.map(|prior| &prior.kubernetes_version);
    match (written, before) {
        (Attr::Null, Some(chosen @ Attr::Known(_))) => chosen.clone(),
        (Attr::Null, _) => {
            let recommended = versions.iter().find(|one| one.default).or(versions.first());
            recommended.map_or(Attr::Unknown, |one| Attr::Known(one.version.clone()))
        }
        (written, _) => written.clone(),
    }
}

/// Asks AWS what the plan of `model` (not yet derived) needs.
pub(crate) async fn look_up(
    aws: &Aws,
    name: &Attr<String>,
    model: &Cluster,
    prior: Option<&Cluster>,
    preset: Option<Preset>,
) -> Result<Facts, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let versions = kubernetes_versions(aws).await?;
    let wanted = version(&model.kubernetes_version, prior, &versions);
    let before = prior.and_then(|prior| prior.kubernetes_version.as_str());
    let changes = wanted.as_str().is_some_and(|wanted| before != Some(wanted));
    let rises = live(prior).and_then(minor).zip(wanted.as_str().and_then(minor)).is_some_and(|(live, wanted)| live < wanted);
    let chosen = prior.is_some_and(|prior| prior.addon_versions.known().is_some());
    let asked = types(model, prior, preset);
    let list: Vec<String> = asked.iter().cloned().collect();
    let of_addons = async {
        match wanted.as_str() {
            Some(version) if changes || !chosen => addon_versions(aws, version, addons::NAMES).await,
            _ => Ok(BTreeMap::new()),
        }
    };
    let against = async {
        match (name.as_str(), wanted.as_str()) {
            (Some(name), Some(version)) if rises => upgrade_blockers(aws, name, version).await,
            _ => Ok(Vec::new()),
        }
    };
    let (addon_versions, capacities, blockers) = tokio::try_join!(of_addons, capacities(aws, &list), against)?;
    Ok(Facts { versions, addon_versions, capacities, asked, blockers, now_s: i64::try_from(now).unwrap_or(i64::MAX) })
}

/// The instance types to ask for: those of groups that are new or differ in what capacity hangs on.
fn types(model: &Cluster, prior: Option<&Cluster>, preset: Option<Preset>) -> BTreeSet<String> {
    let before = prior.and_then(|prior| prior.effective_node_groups.known());
    let planned = groups::effective(&model.node_groups, before, None, preset);
    let Some(planned) = planned.known() else { return BTreeSet::new() };
    let same =
        |one: &EffectiveNodeGroup, other: &EffectiveNodeGroup| one.instance_types == other.instance_types && one.min_size == other.min_size;
    let unchanged = before.is_some_and(|before| {
        before.len() == planned.len() && planned.iter().all(|(name, group)| before.get(name).is_some_and(|before| same(group, before)))
    });
    if unchanged {
        return BTreeSet::new();
    }
    let types = planned.values().filter_map(|group| group.instance_types.known()).flatten();
    types.filter_map(|one| one.known().cloned()).collect()
}

/// Fills what is chosen when the cluster is made and then kept.
pub(crate) fn derive(model: &mut Cluster, prior: Option<&Cluster>, facts: Option<&Facts>, preset: Option<Preset>) {
    let versions = facts.map(|facts| facts.versions.as_slice()).unwrap_or_default();
    model.kubernetes_version = version(&model.kubernetes_version, prior, versions);
    let same = prior.is_some_and(|prior| prior.kubernetes_version == model.kubernetes_version);
    model.addon_versions = match (prior.map(|prior| &prior.addon_versions), facts) {
        (Some(chosen @ Attr::Known(_)), _) if same => chosen.clone(),
        (before, Some(facts)) if !facts.addon_versions.is_empty() => {
            // One that AWS names no default for stays as it is.
            let mut all = before.and_then(Attr::known).cloned().unwrap_or_default();
            all.extend(facts.addon_versions.iter().map(|(name, version)| (name.clone(), Attr::Known(version.clone()))));
            Attr::Known(all)
        }
        _ => Attr::Unknown,
    };
    let before = prior.and_then(|prior| prior.effective_node_groups.known());
    model.effective_node_groups = groups::effective(&model.node_groups, before, facts, preset);
    // What runs changes only where it is behind.
    let live = prior.and_then(|prior| prior.version.as_str());
    let there = live.and_then(minor).zip(model.kubernetes_version.as_str().and_then(minor)).is_some_and(|(live, wanted)| live >= wanted);
    model.version = live.filter(|_| there).map_or(Attr::Unknown, |live| Attr::Known(live.to_owned()));
}

/// Outputs that the configuration decides, known at plan.
pub(crate) fn foretell(model: &Cluster, links: &Links, place: &Place) -> Told {
    let text = |text: Option<String>| text.map_or(Value::Unknown, Value::from);
    let arn = links.name.as_str().map(|name| place.regional("eks", &format!("cluster/{name}")));
    vec![
        ("arn", text(arn)),
        ("version", if model.version.is_null() { Value::Unknown } else { model.version.to_value() }),
        ("autoscaler_role_arn", text(roles::autoscaler_arn(links, place))),
        ("effective_node_groups", model.effective_node_groups.to_value()),
        ("addon_versions", model.addon_versions.to_value()),
    ]
}

/// What a change does to those who use the cluster.
pub(crate) fn warnings(planned: &Cluster, prior: Option<&Cluster>, facts: Option<&Facts>, at: &Path) -> Diagnostics {
    let mut said = Diagnostics::new();
    said.extend(unreachable_api(planned, prior, at));
    said.extend(upgrade(planned, prior, at));
    said.extend(facts.and_then(|facts| support_ends(planned, facts, at)));
    said
}

fn none_of(cidrs: &Attr<tf_provider::Set<String>>) -> bool {
    match cidrs {
        Attr::Null => true,
        Attr::Unknown => false,
        Attr::Known(cidrs) => cidrs.is_empty(),
    }
}

fn unreachable_api(planned: &Cluster, prior: Option<&Cluster>, at: &Path) -> Option<Diagnostic> {
    let private = |cluster: &Cluster| none_of(&cluster.public_access_cidrs) && none_of(&cluster.private_access_cidrs);
    (private(planned) && !prior.is_some_and(private)).then(|| {
        Diagnostic::warning(
            at.attribute("public_access_cidrs"),
            "Nothing outside the VPC reaches the cluster's API",
            "The API is private, and only the nodes are let in. kubectl and Helm work from within the VPC, e.g. over a VPN or Systems Manager. Name the ranges that \
             shall reach it: `private_access_cidrs` through the VPC, `public_access_cidrs` through the internet.",
        )
    })
}

/// From the version that the control plane has to the planned one. What it has counts, not what was asked for: AWS raises versions by
/// itself, and an upgrade may have failed.
pub(super) fn step(planned: &Cluster, prior: Option<&Cluster>) -> Option<(String, String)> {
    let asked = prior?.kubernetes_version.as_str()?;
    let live = live(prior)?;
    let after = planned.kubernetes_version.as_str()?;
    let raised = minor(asked)? == minor(after)? && minor(live)? > minor(after)?;
    (!raised && minor(live)? != minor(after)?).then(|| (live.to_owned(), after.to_owned()))
}

/// The control plane's version.
fn live(prior: Option<&Cluster>) -> Option<&str> {
    prior?.version.as_str().or(prior?.kubernetes_version.as_str())
}

fn upgrade(planned: &Cluster, prior: Option<&Cluster>, at: &Path) -> Option<Diagnostic> {
    const NODES: &str = "every node is replaced, one after the other within each group; pods are evicted by their disruption budgets";
    let path = at.attribute("kubernetes_version");
    let Some((before, after)) = step(planned, prior) else {
        // AWS has raised the control plane, and the configuration follows.
        let (asked, after) = (prior?.kubernetes_version.as_str()?, planned.kubernetes_version.as_str()?);
        let detail = format!("The control plane is at {} already. The add-ons follow, and {NODES}.", live(prior)?);
        return (minor(asked)? < minor(after)?).then(|| Diagnostic::warning(path, "All nodes are replaced", detail));
    };
    let detail = format!(
        "From {before} to {after}: first the control plane, then the add-ons, then {NODES}. There is no way back. Look \
         through what runs in the cluster for interfaces that {after} no longer has."
    );
    (minor(&before)? < minor(&after)?).then(|| Diagnostic::warning(path, "Kubernetes is upgraded, and all nodes are replaced", detail))
}

/// A launch template that changes, or nodes of an earlier version of it (somebody's hand, or a roll that failed), replace the nodes of a group,
/// one after the other: AWS changes none that runs.
pub(crate) fn rolled(change: &Change, at: &Path) -> Option<Diagnostic> {
    const VERSION: &str = "launch_template_version";
    let of_group = |(component, settings): (&ComponentId, &BTreeSet<String>)| {
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        match component.0.split_once('/')? {
            ("launch_template", name) => {
                let stays = change.stays(&format!("node_group/{name}").as_str().into());
                stays.then(|| (name.to_owned(), settings.join(", ")))
            }
            ("node_group", name) if settings.contains(&VERSION) && change.stays(component) => Some((name.to_owned(), VERSION.to_owned())),
            _ => None,
        }
    };
    // Of one that has both, the template's own settings say more, and come first.
    let mut rolled: BTreeMap<String, String> = BTreeMap::new();
    for (name, settings) in change.changed().iter().filter_map(of_group) {
        rolled.entry(name).or_insert(settings);
    }
    let stands = |name: &&str| !change.gone().contains(&format!("node_group/{name}").as_str().into());
    for name in change.gone().iter().filter_map(|component| component.0.strip_prefix("launch_template/")).filter(stands) {
        rolled.entry(name.to_owned()).or_insert_with(|| "its launch template is gone: a new group is made first".to_owned());
    }
    let groups: Vec<String> = rolled.into_iter().map(|(name, settings)| format!("- {name} ({settings})")).collect();
    (!groups.is_empty()).then(|| {
        let detail = format!(
            "Disks, tags and the rest of the launch template reach instances when they start. The nodes of these groups are replaced one after the other, and \
             pods are evicted by their disruption budgets:\n{}",
            groups.join("\n")
        );
        Diagnostic::warning(at.attribute("node_groups"), "Nodes are replaced", detail)
    })
}

fn support_ends(planned: &Cluster, facts: &Facts, at: &Path) -> Option<Diagnostic> {
    let wanted = planned.kubernetes_version.as_str()?;
    let one = facts.versions.iter().find(|one| one.version == wanted)?;
    let days = (one.standard_support_ends_s? - facts.now_s).div_euclid(DAY_S);
    let then = match planned.support_type.as_str() {
        Some("EXTENDED") => "from then on every hour of the cluster costs six times as much",
        _ => "AWS then raises the cluster's version by itself, at a time of its own",
    };
    let path = at.attribute("kubernetes_version");
    if days < 0 {
        let detail = format!("Standard support of Kubernetes {wanted} on EKS has ended. Go on to the next minor version.");
        return Some(Diagnostic::warning(path, "The Kubernetes version is out of standard support", detail));
    }
    (days <= SUPPORT_NOTICE_DAYS).then(|| {
        let detail =
            format!("Standard support of Kubernetes {wanted} on EKS ends in {days} days; {then}. Raise `kubernetes_version` before.");
        Diagnostic::warning(path, "Standard support of the Kubernetes version ends soon", detail)
    })
}
