//! What no single attribute shows to be wrong.

use std::collections::{BTreeMap, BTreeSet};

use tf_provider::{Attr, Diagnostic, Diagnostics, Path};

use super::{
    Cluster, EffectiveNodeGroup,
    plan::{Facts, step},
};
use crate::components::{Capacity, minor};

/// What Deeploy needs over all nodes (Deeploy, cloud resources on AWS).
const VCPU_MIN: i64 = 3;
/// 6 GB, in MiB.
const MEMORY_MIB_MIN: i64 = 5_723;
/// The earliest Kubernetes version that Deeploy supports.
const KUBERNETES_MIN: (u32, u32) = (1, 23);
/// Everybody.
const ANYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Anything may be unknown.
pub(crate) fn check(model: &Cluster, at: &Path) -> Diagnostics {
    let mut problems = Diagnostics::new();
    problems.extend(administrators(model, at));
    problems.extend(entries_once(model, at));
    problems.extend(anywhere(model, at));
    problems.extend(too_old(model, at));
    problems.extend(sizes(model, at));
    problems
}

fn administrators(model: &Cluster, at: &Path) -> Option<Diagnostic> {
    let none = model.admin_principal_arns.known().is_some_and(tf_provider::Set::is_empty);
    none.then(|| {
        let detail = "Nobody could look into the cluster, and nobody administers it by having made it. Name at least one role or user.";
        Diagnostic::error(at.attribute("admin_principal_arns"), "A cluster without an administrator", detail)
    })
}

/// EKS takes one entry a principal.
fn entries_once(model: &Cluster, at: &Path) -> Diagnostics {
    let admins: BTreeSet<&String> = model.admin_principal_arns.known().into_iter().flat_map(tf_provider::Set::known).collect();
    let mut seen: BTreeMap<&String, &str> = admins.into_iter().map(|arn| (arn, "admin_principal_arns")).collect();
    let mut problems = Diagnostics::new();
    for (name, entry) in model.access_entries.known().into_iter().flatten() {
        let Attr::Known(arn) = &entry.principal_arn else { continue };
        if let Some(other) = seen.insert(arn, name) {
            let path = at.attribute("access_entries").key(name).attribute("principal_arn");
            problems.push(Diagnostic::error(
                path,
                "A principal stands twice",
                format!("{arn} stands in {other} too: EKS takes one access entry a principal."),
            ));
        }
    }
    problems
}

fn anywhere(model: &Cluster, at: &Path) -> Option<Diagnostic> {
    let cidrs = model.public_access_cidrs.known()?;
    let open = cidrs.known().any(|cidr| ANYWHERE.contains(&cidr.as_str()));
    (open && model.allow_public_access_from_anywhere.known() != Some(&true) && !model.allow_public_access_from_anywhere.is_unknown()).then(
        || {
            let detail = "The whole internet would reach the cluster's API. Name your own ranges; if everybody shall reach it, say so with \
                      `allow_public_access_from_anywhere = true` (Security Hub EKS.1).";
            Diagnostic::error(at.attribute("public_access_cidrs"), "The API would be open to everybody", detail)
        },
    )
}

fn too_old(model: &Cluster, at: &Path) -> Option<Diagnostic> {
    let version = model.kubernetes_version.as_str()?;
    (minor(version)? < KUBERNETES_MIN).then(|| {
        let detail = format!("Deeploy needs Kubernetes 1.23 or later; {version} is older.");
        Diagnostic::error(at.attribute("kubernetes_version"), "A Kubernetes version that is too old", detail)
    })
}

/// What is written, or everything with its defaults, where that is known.
fn sizes(model: &Cluster, at: &Path) -> Diagnostics {
    let written = model
        .node_groups
        .known()
        .into_iter()
        .flatten()
        .map(|(name, group)| (name, (&group.min_size, &group.desired_size, &group.max_size)));
    let effective = model.effective_node_groups.known();
    let effective = effective.into_iter().flatten().map(|(name, group)| (name, (&group.min_size, &group.desired_size, &group.max_size)));
    let mut problems = Diagnostics::new();
    for (name, (min, desired, max)) in written.chain(effective) {
        let wrong = |low: &Attr<i64>, high: &Attr<i64>| low.known().zip(high.known()).is_some_and(|(low, high)| low > high);
        if wrong(min, max) || wrong(min, desired) || wrong(desired, max) {
            let path = at.attribute("node_groups").key(name);
            let told = |size: &Attr<i64>| size.known().map_or_else(|| "unset".to_owned(), ToString::to_string);
            let detail = format!(
                "min_size {} ≤ desired_size {} ≤ max_size {} doesn't hold for the group {name:?}.",
                told(min),
                told(desired),
                told(max)
            );
            let problem = Diagnostic::error(path, "Sizes that exclude each other", detail);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    problems
}

/// What was looked up, or stood before, shows to be wrong.
pub(crate) fn check_change(model: &Cluster, prior: Option<&Cluster>, facts: Option<&Facts>, at: &Path) -> Diagnostics {
    let mut problems = steps(model, prior, at);
    let Some(facts) = facts else { return problems };
    problems.extend(supported(model, prior, facts, at));
    problems.extend(blocked(facts, at));
    problems.extend(offered(model, facts, at));
    problems.extend(enough(model, facts, at));
    problems
}

fn steps(model: &Cluster, prior: Option<&Cluster>, at: &Path) -> Diagnostics {
    let Some((before, after)) = step(model, prior) else { return Vec::new() };
    let path = at.attribute("kubernetes_version");
    let (Some((_, from)), Some((_, to))) = (minor(&before), minor(&after)) else { return Vec::new() };
    if to < from {
        let detail = format!("The cluster is at {before}, and Kubernetes never goes back: set it to {before} or later.");
        return vec![Diagnostic::error(path, "A Kubernetes version can't be lowered", detail)];
    }
    let most = model.max_minor_steps.known().copied().unwrap_or(1);
    if i64::from(to - from) > most {
        let next = format!("1.{}", i64::from(from) + most);
        let detail = format!(
            "From {before} to {after} are {} minor versions, and one apply goes up {most} (`max_minor_steps`). Set {next} first, look at what runs in the \
             cluster, and go on.",
            to - from
        );
        return vec![Diagnostic::error(path, "Too many Kubernetes versions at once", detail)];
    }
    Vec::new()
}

/// A new version must be offered; one that is there and no longer offered is told by a warning only.
fn supported(model: &Cluster, prior: Option<&Cluster>, facts: &Facts, at: &Path) -> Option<Diagnostic> {
    let version = model.kubernetes_version.as_str()?;
    let before = prior.and_then(|prior| prior.kubernetes_version.as_str());
    if before == Some(version) || facts.versions.is_empty() || facts.versions.iter().any(|one| one.version == version) {
        return None;
    }
    let all: Vec<&str> = facts.versions.iter().map(|one| one.version.as_str()).collect();
    let detail = format!("EKS doesn't offer Kubernetes {version} (any more). It offers {}.", all.join(", "));
    Some(Diagnostic::error(at.attribute("kubernetes_version"), "A Kubernetes version that EKS doesn't offer", detail))
}

fn blocked(facts: &Facts, at: &Path) -> Option<Diagnostic> {
    (!facts.blockers.is_empty()).then(|| {
        let detail = format!(
            "EKS's upgrade insights say what would break:\n- {}\nMend that first; EKS looks again once a day.",
            facts.blockers.join("\n- ")
        );
        Diagnostic::error(at.attribute("kubernetes_version"), "The cluster isn't ready for the upgrade", detail)
    })
}

fn offered(model: &Cluster, facts: &Facts, at: &Path) -> Diagnostics {
    let mut problems = Diagnostics::new();
    for (name, group) in model.effective_node_groups.known().into_iter().flatten() {
        let path = at.attribute("node_groups").key(name);
        for one in types(group) {
            match facts.capacities.get(one) {
                None if facts.asked.contains(one) => {
                    let detail = format!("EC2 offers no instance type {one:?} in this region.");
                    problems.push(Diagnostic::error(path.attribute("instance_types"), "An instance type that isn't offered", detail));
                }
                Some(capacity) if wrong_image(group, *capacity) => {
                    let image = group.ami_type.as_str().unwrap_or_default();
                    let kind = if capacity.arm { "ARM (Graviton)" } else { "x86" };
                    let detail = format!("{one} is {kind}, and the image {image} is for the other architecture.");
                    problems.push(Diagnostic::error(path.attribute("ami_type"), "An image of another architecture", detail));
                }
                _ => {}
            }
        }
    }
    problems
}

fn types(group: &EffectiveNodeGroup) -> impl Iterator<Item = &String> {
    group.instance_types.known().into_iter().flatten().filter_map(Attr::known)
}

fn wrong_image(group: &EffectiveNodeGroup, capacity: Capacity) -> bool {
    group.ami_type.as_str().is_some_and(|image| image.contains("ARM_64") != capacity.arm && image != "CUSTOM")
}

/// Over the smallest sizes of all groups, each with the smallest of its types.
fn enough(model: &Cluster, facts: &Facts, at: &Path) -> Option<Diagnostic> {
    let (mut vcpu, mut memory_mib) = (0_i64, 0_i64);
    for group in model.effective_node_groups.known()?.values() {
        let count = *group.min_size.known()?;
        let all: Vec<&Capacity> = types(group).map(|one| facts.capacities.get(one)).collect::<Option<_>>()?;
        vcpu = vcpu.saturating_add(count.saturating_mul(all.iter().map(|one| one.vcpu).min()?));
        memory_mib = memory_mib.saturating_add(count.saturating_mul(all.iter().map(|one| one.memory_mib).min()?));
    }
    (vcpu < VCPU_MIN || memory_mib < MEMORY_MIB_MIN).then(|| {
        let detail = format!(
            "Deeploy needs at least {VCPU_MIN} vCPU and 6 GB of memory; the smallest sizes of all groups give {vcpu} vCPU and {memory_mib} MiB. Raise `min_size`, or choose larger \
             instances."
        );
        Diagnostic::error(at.attribute("node_groups"), "Too few or too small nodes for Deeploy", detail)
    })
}
