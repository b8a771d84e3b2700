//! Every component of an environment that somebody removes by hand: the plan names exactly it and what AWS takes along, apply makes anew exactly that.

use std::collections::{BTreeMap, BTreeSet};

use acceptance_tests::{Failure, check};
use serde_json::{Value, json};

use super::{
    environments::{ENVIRONMENT, Lines, components, made},
    removals::{self as by, Made, Removal, base_of, rest_of},
    stage::{Stage, change, mutations_of, stage, text},
};

/// What happens when a component is removed by hand.
enum Way {
    /// In this wave it is gone, and the plan says `absent`; and what AWS takes along: a component (`*` stands for what follows the base's `/`, and for
    /// all where nothing does) and what `drift` says of it.
    Gone(u8, Removal, &'static [(&'static str, &'static [&'static str])]),
    /// In this wave these settings of it are others: it is a part of another object.
    Emptied(u8, Removal, &'static [&'static str]),
    /// AWS refuses with this code: it is in use.
    Refused(Removal, &'static str),
    /// It holds data or identity: the plan refuses until `recreate` names it.
    Stateful(Removal),
}
use Way::{Emptied, Gone, Refused, Stateful};

const ABSENT: &[&str] = &["absent"];
const ILL: &[&str] = &["health"];

/// What nodes take along: the tags of their group, and the add-ons that run on them.
const NODES: &[(&str, &[&str])] = &[
    ("autoscaling_tags/*", ABSENT),
    ("addon/amazon-cloudwatch-observability", ILL),
    ("addon/aws-ebs-csi-driver", ILL),
    ("addon/coredns", ILL),
    ("addon/metrics-server", ILL),
];

/// The way of every component, by what stands before the first `/` of its name; those of a wave go in this order.
const WAYS: &[(&str, Way)] = &[
    // What hangs on others, and nothing on it.
    ("access_entry", Gone(1, by::access_entry, &[])),
    ("addon", Gone(1, by::addon, &[])),
    ("alarm", Gone(1, by::alarm, &[])),
    ("autoscaler_policy", Gone(1, by::role_policy, &[])),
    ("autoscaling_tags", Gone(1, by::autoscaling_tags, &[])),
    // EKS writes on, and makes it anew without what we gave it.
    ("cluster_log_group", Emptied(1, by::log_group, &["kms_key_arn", "tags:component", "tags:owner"])),
    ("cluster_security_group_rules", Emptied(1, by::rules, &["ingress"])),
    ("control_plane_association", Gone(1, by::association, &[])),
    ("data_key_alias", Gone(1, by::key_alias, &[])),
    ("database_association", Gone(1, by::association, &[])),
    ("database_events", Gone(1, by::event_subscription, &[])),
    ("database_log_group", Gone(1, by::log_group, &[])),
    ("database_security_group_rules", Emptied(1, by::rules, &["ingress"])),
    ("default_security_group", Emptied(1, by::opened, &["egress", "ingress"])),
    ("ebs_csi_policy", Gone(1, by::role_policy, &[])),
    ("endpoint", Gone(1, by::endpoint, &[])),
    ("endpoints_security_group_rules", Emptied(1, by::rules, &["ingress"])),
    ("flow_logs", Gone(1, by::flow_logs, &[])),
    ("flow_logs_group", Gone(1, by::log_group, &[])),
    ("flow_logs_policy", Gone(1, by::role_policy, &[])),
    ("health_target", Gone(1, by::event_target, &[])),
    // Gone with the agent, which writes on like EKS.
    ("insights_log_group", Gone(1, by::log_group, &[])),
    ("node_security_group_rules", Emptied(1, by::rules, &["egress", "ingress"])),
    ("private_association", Gone(1, by::association, &[])),
    ("private_route", Gone(1, by::route, &[])),
    ("public_association", Gone(1, by::association, &[])),
    ("public_route", Gone(1, by::route, &[])),
    ("record", Gone(1, by::parameter, &[])),
    ("role_policy", Gone(1, by::role_policy, &[])),
    ("s3_endpoint", Gone(1, by::endpoint, &[])),
    ("subscription", Gone(1, by::subscription, &[])),
    ("tokens_key_alias", Gone(1, by::key_alias, &[])),
    // What others hang on.
    ("autoscaler_role", Gone(2, by::role, &[("autoscaler_policy", ABSENT)])),
    ("cloudwatch_role", Gone(2, by::role, &[])),
    ("cluster_role", Gone(2, by::role, &[])),
    ("control_plane_route_table", Gone(2, by::route_table, &[("control_plane_association/*", ABSENT)])),
    ("database_monitoring_role", Gone(2, by::role, &[])),
    ("database_route_table", Gone(2, by::route_table, &[("database_association/*", ABSENT)])),
    ("ebs_csi_role", Gone(2, by::role, &[("ebs_csi_policy", ABSENT), ("addon/aws-ebs-csi-driver", ILL)])),
    ("flow_logs_role", Gone(2, by::role, &[("flow_logs_policy", ABSENT)])),
    ("health_rule", Gone(2, by::event_rule, &[("health_target", ABSENT)])),
    ("oidc_provider", Gone(2, by::oidc_provider, &[])),
    ("pod_identity", Gone(2, by::pod_identity, &[("addon/aws-ebs-csi-driver", ILL)])),
    ("private_route_table", Gone(2, by::route_table, &[("private_route/*", ABSENT), ("private_association/*", ABSENT)])),
    ("public_route_table", Gone(2, by::route_table, &[("public_route", ABSENT), ("public_association/*", ABSENT)])),
    ("role", Gone(2, by::role, &[("role_policy", ABSENT)])),
    ("topic", Gone(2, by::topic, &[("subscription/ops@example.com", ABSENT)])),
    ("vpc_cni_role", Gone(2, by::role, &[])),
    // Nodes, and the way out. The template alone: see below.
    ("node_group", Gone(3, by::node_group, NODES)),
    ("launch_template", Gone(3, by::launch_template, &[])),
    ("node_role", Gone(3, by::role, &[])),
    ("auto_scaling_service_role", Gone(3, by::service_role, &[])),
    ("nat_gateway", Gone(3, by::nat_gateway, &[])),
    ("eip", Gone(3, by::address, &[])),
    ("internet_gateway", Gone(3, by::internet_gateway, &[])),
    ("database_parameter_group", Refused(by::parameter_group, "InvalidDBParameterGroupState")),
    ("database_security_group", Refused(by::security_group, "DependencyViolation")),
    ("database_subnet_group", Refused(by::subnet_group, "InvalidDBSubnetGroupStateFault")),
    ("endpoints_security_group", Refused(by::security_group, "DependencyViolation")),
    ("node_security_group", Refused(by::security_group, "DependencyViolation")),
    ("private_subnet", Refused(by::subnet, "DependencyViolation")),
    ("public_subnet", Refused(by::subnet, "DependencyViolation")),
    ("vpc", Refused(by::vpc, "DependencyViolation")),
    ("control_plane_subnet", Stateful(by::subnet)),
    ("database_subnet", Stateful(by::subnet)),
    ("bucket", Stateful(by::bucket)),
    ("log_bucket", Stateful(by::bucket)),
    ("database", Stateful(by::database)),
    ("cluster", Stateful(by::cluster)),
    ("data_key", Stateful(by::key)),
    ("tokens_key", Stateful(by::key)),
];

type Drift = BTreeMap<String, BTreeSet<String>>;

fn words(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Removes the components of a wave; what the plan must say.
fn removed(made: &Made<'_>, wave: u8) -> Result<Drift, Failure> {
    let mut gone = Drift::new();
    let mut along = Drift::new();
    for (base, way) in WAYS {
        let (removal, says, others) = match way {
            Gone(at, removal, others) if *at == wave => (removal, ABSENT, *others),
            Emptied(at, removal, settings) if *at == wave => (removal, *settings, [].as_slice()),
            _ => continue,
        };
        for component in made.of(base) {
            removal(made, component).map_err(|error| error.context(component))?;
            gone.insert(component.to_owned(), words(says));
            for (other, says) in others {
                let all = rest_of(component).is_empty() && other.ends_with('*');
                let named = if all {
                    made.of(base_of(other)).into_iter().map(str::to_owned).collect()
                } else {
                    vec![other.replace('*', rest_of(component))]
                };
                along.extend(named.into_iter().map(|other| (other, words(says))));
            }
        }
    }
    along.extend(gone);
    Ok(along)
}

/// What there is, by kind and id.
fn objects(stage: &Stage) -> Result<BTreeMap<(String, String), Value>, Failure> {
    let all = stage.world.objects()?.into_iter().map(|mut object| {
        if let Some(fields) = object.as_object_mut() {
            // An access log grows with every look at the bucket, and EKS stays the one who made its log group.
            fields.retain(|name, _| !["objects", "made_by"].contains(&name.as_str()));
        }
        ((text(&object, "type").to_owned(), text(&object, "id").to_owned()), object)
    });
    Ok(all.collect())
}

/// How many there are of each kind.
fn counted(objects: &BTreeMap<(String, String), Value>) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for (kind, _) in objects.keys() {
        *counts.entry(kind.as_str()).or_default() += 1;
    }
    counts
}

/// Somebody removes what a wave names: the plan says exactly that, and apply makes exactly that anew.
fn wave(stage: &Stage, wave: u8) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    let made = Made { world, ids: components(stage)? };
    let whole = objects(stage)?;
    let expected = removed(&made, wave)?;
    let rest = objects(stage)?;
    let (plan, planning) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
    plan.success()?;
    assert_eq!(planning, Vec::<String>::new());
    let planned = change(terraform, ENVIRONMENT)?;
    let found: Drift = serde_json::from_value(planned.before["drift"].clone()).map_err(Failure::new)?;
    let unlike: Vec<_> = found.keys().chain(expected.keys()).filter(|name| found.get(*name) != expected.get(*name)).collect();
    let unlike: BTreeMap<_, _> = unlike.into_iter().map(|name| (name, (found.get(name), expected.get(name)))).collect();
    assert!(unlike.is_empty(), "wave {wave}: seen and expected: {unlike:#?}");
    assert_eq!(planned.actions, ["update"]);

    let (done, calls) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    assert!(!calls.iter().any(|call| call.contains(":Delete")), "wave {wave}: {calls:?}");
    check::empty_plan(terraform)?;
    let state = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&state["status"], &state["drift"]), (&json!("ready"), &json!({})));
    let after = components(stage)?;
    let stays = |component: &&String| expected.get(*component).is_none_or(|says| !says.contains("absent"));
    let moved: Vec<_> = made.ids.keys().filter(stays).filter(|component| made.ids.get(*component) != after.get(*component)).collect();
    assert!(moved.is_empty() && after.keys().eq(made.ids.keys()), "wave {wave}: {moved:?} of {after:?}");
    let now = objects(stage)?;
    // As it was left, or as it was before.
    let touched: Vec<_> = rest
        .iter()
        .filter(|(at, left)| now.get(*at).is_none_or(|is| is != *left && Some(is) != whole.get(*at)))
        .map(|(at, left)| (left, now.get(at)))
        .collect();
    assert!(touched.is_empty(), "wave {wave}: {touched:#?}");
    assert_eq!(counted(&now), counted(&whole), "wave {wave}");
    Ok(())
}

/// AWS keeps what is in use.
fn kept(made: &Made<'_>) -> Result<(), Failure> {
    for (base, way) in WAYS {
        let Refused(removal, code) = way else { continue };
        for component in made.of(base) {
            let refusal = removal(made, component).err().ok_or_else(|| Failure::new(format!("{component} was removed")))?;
            assert!(refusal.to_string().contains(&format!("<Code>{code}</Code>")), "{component}: {refusal}");
        }
    }
    // IAM begins this one, and ends without it while Auto Scaling has a group.
    by::service_role(made, "auto_scaling_service_role")
}

/// What holds data or identity goes, one kind after the other: each plan refuses, and names all that is gone.
fn lost(made: &Made<'_>, stage: &Stage) -> Result<BTreeSet<String>, Failure> {
    let Stage { world, terraform } = stage;
    let mut gone = BTreeSet::new();
    for (base, way) in WAYS {
        let Stateful(removal) = way else { continue };
        let before = gone.len();
        for component in made.of(base) {
            match removal(made, component) {
                Ok(()) => drop(gone.insert(component.to_owned())),
                // A subnet that nothing stands in goes, and no other.
                Err(refusal) if refusal.to_string().contains("<Code>DependencyViolation</Code>") => {}
                Err(error) => return Err(error.context(component)),
            }
        }
        assert!(gone.len() > before, "no {base} could be removed");
        let (plan, calls) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        let plan = plan.failure()?;
        for component in &gone {
            check::says(&plan, &format!("`{component}` {} is gone", made.id(component)))?;
            check::says(&plan, &format!("recreate = [\"{component}\"]"))?;
        }
        assert_eq!((calls, plan.stderr.matches("Error: ").count()), (Vec::<String>::new(), gone.len()), "{}", plan.output());
    }
    Ok(gone)
}

/// What `recreate` names comes back, with what hangs on it, and all else stays.
fn recreated(made: &Made<'_>, stage: &Stage, lines: &mut Lines, gone: &BTreeSet<String>) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    let rest = objects(stage)?;
    lines.set("recreate", &json!(gone).to_string());
    terraform.configure(&lines.text())?;
    let (done, calls) = mutations_of(world, || terraform.apply::<&str>(&[]))?;
    done.success()?;
    // The issuer of the cluster that is gone signs nothing any more.
    let deletes: Vec<&String> = calls.iter().filter(|call| call.contains(":Delete")).collect();
    assert_eq!(deletes, ["iam:DeleteOpenIDConnectProvider"]);
    check::empty_plan(terraform)?;
    lines.set("recreate", "");
    terraform.configure(&lines.text())?;
    terraform.apply::<&str>(&[])?.success()?;
    check::empty_plan(terraform)?;
    let state = terraform.attributes(ENVIRONMENT)?;
    assert_eq!((&state["status"], &state["drift"]), (&json!("ready"), &json!({})));

    // Names are ids, and a key that waits for its end is taken back: all of these stay, but for subnets and what AWS numbers on a cluster.
    let subnets = gone.iter().filter(|component| component.contains("_subnet/"));
    let mut expected: BTreeSet<String> = subnets.flat_map(|subnet| [subnet.clone(), subnet.replace("_subnet/", "_association/")]).collect();
    for base in ["autoscaling_tags", "cluster_security_group_rules", "node_group", "oidc_provider", "pod_identity"] {
        expected.extend(made.of(base).into_iter().map(str::to_owned));
    }
    let after = components(stage)?;
    let moved: BTreeSet<String> = made.ids.keys().filter(|component| made.ids.get(*component) != after.get(*component)).cloned().collect();
    assert_eq!(moved, expected);
    let now = objects(stage)?;
    let missing: Vec<_> = rest.keys().filter(|(kind, _)| kind != "iam:oidc_provider").filter(|at| !now.contains_key(*at)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    Ok(())
}

#[test]
fn every_component_that_somebody_removes_is_told_and_made_anew_alone() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    let mut lines = Lines::production(world);
    lines.set("network.interface_endpoints", "[\"sts\"]");
    made(&stage, &lines)?;
    let environment = Made { world, ids: components(&stage)? };
    let bases: BTreeSet<&str> = environment.ids.keys().map(|component| base_of(component)).collect();
    assert_eq!(bases, WAYS.iter().map(|(base, _)| *base).collect(), "components, and their ways");

    kept(&environment)?;
    check::empty_plan(terraform)?;
    let waves: BTreeSet<u8> =
        WAYS.iter().filter_map(|(_, way)| if let Gone(wave, ..) | Emptied(wave, ..) = way { Some(*wave) } else { None }).collect();
    for number in waves {
        wave(&stage, number)?;
    }
    let environment = Made { world, ids: components(&stage)? };
    let gone = lost(&environment, &stage)?;
    recreated(&environment, &stage, &mut lines, &gone)?;
    check::no_unsupported_call(world)
}

#[test]
fn nodes_whose_launch_template_somebody_deleted_move_to_a_new_group() -> Result<(), Failure> {
    let stage = stage()?;
    let Stage { world, terraform } = &stage;
    made(&stage, &Lines::development(world))?;
    let before = Made { world, ids: components(&stage)? };
    by::launch_template(&before, "launch_template/default")?;
    check::says(&terraform.plan::<&str>(&[])?.success()?, "- default (its launch template is gone: a new group is made first)")?;
    assert_eq!(change(terraform, ENVIRONMENT)?.before["drift"], json!({ "launch_template/default": ["absent"] }));
    let (done, calls) = mutations_of(world, || terraform.apply_plan())?;
    done.success()?;
    // EKS takes no other template for a group that stands, and the new group stands before the old one goes.
    let calls: Vec<&str> = calls.iter().map(String::as_str).filter(|call| !call.starts_with("autoscaling:")).collect();
    assert_eq!(calls, ["ec2:CreateLaunchTemplate", "eks:CreateNodegroup", "eks:DeleteNodegroup"]);
    check::empty_plan(terraform)?;
    let after = components(&stage)?;
    let moved: Vec<&String> = before.ids.keys().filter(|component| before.ids.get(*component) != after.get(*component)).collect();
    assert_eq!(moved, ["autoscaling_tags/default", "launch_template/default", "node_group/default"]);
    check::no_unsupported_call(world)
}
