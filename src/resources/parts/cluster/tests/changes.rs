//! What a change of a cluster is refused for, and what is said of it.

use super::*;

#[test]
fn versions_go_up_one_minor_an_apply_and_never_down() {
    let at = Path::root();
    let version = |version: &str, most: i64| Cluster {
        kubernetes_version: Attr::Known(version.to_owned()),
        max_minor_steps: Attr::Known(most),
        ..planned(Preset::Production)
    };
    let prior = version("1.32", 1);
    let change = |model: &Cluster, facts: &Facts| told(&check_change(model, Some(&prior), Some(facts), &at));
    assert_eq!(change(&version("1.33", 1), &facts()), Vec::<String>::new());
    assert_eq!(change(&version("1.34", 2), &facts()), Vec::<String>::new());
    assert_eq!(change(&version("1.34", 1), &facts()), ["kubernetes_version: Too many Kubernetes versions at once"]);
    assert_eq!(change(&version("1.31", 1), &facts()), ["kubernetes_version: A Kubernetes version can't be lowered"]);
    let blocked = Facts { blockers: vec!["Deprecated APIs: removed in 1.33".to_owned()], ..facts() };
    assert_eq!(change(&version("1.33", 1), &blocked), ["kubernetes_version: The cluster isn't ready for the upgrade"]);
    // An upgrade takes the add-ons' versions of the new minor along; nothing else does.
    let mut next = version("1.33", 1);
    let newer = Facts { addon_versions: [("coredns".to_owned(), "v2".to_owned())].into(), ..facts() };
    derive(&mut next, Some(&prior), Some(&newer), Some(Preset::Production));
    let versions = next.addon_versions.known().unwrap();
    assert_eq!((versions["coredns"].as_str(), versions["vpc-cni"].as_str()), (Some("v2"), Some("v1.0.0-eksbuild.1")));
}

/// What the control plane has counts, not what was asked for.
#[test]
fn steps_go_from_the_version_that_runs() {
    let at = Path::root();
    let version = |asked: &str, live: &str| Cluster {
        kubernetes_version: Attr::Known(asked.to_owned()),
        max_minor_steps: Attr::Known(1),
        version: Attr::Known(live.to_owned()),
        ..planned(Preset::Production)
    };
    let told = |asked: &str, prior: &Cluster| {
        let model = version(asked, "");
        let mut said = told(&check_change(&model, Some(prior), Some(&facts()), &at));
        said.extend(told(&warnings(&model, Some(prior), Some(&facts()), &at)));
        said.retain(|said| !said.ends_with("ends soon"));
        said
    };
    let upgraded = "kubernetes_version: Kubernetes is upgraded, and all nodes are replaced";
    // AWS raised it.
    let raised = version("1.32", "1.33");
    assert_eq!(told("1.32", &raised), Vec::<String>::new());
    assert_eq!(told("1.33", &raised), ["kubernetes_version: All nodes are replaced"]);
    assert_eq!(told("1.34", &raised), [upgraded]);
    // The last upgrade failed.
    let failed = version("1.33", "1.32");
    assert_eq!(told("1.33", &failed), [upgraded]);
    assert_eq!(told("1.34", &failed), ["kubernetes_version: Too many Kubernetes versions at once", upgraded]);
    assert_eq!(told("1.32", &failed), Vec::<String>::new());
}

#[test]
fn what_a_change_does_to_others_is_said() {
    let at = Path::root();
    let base = planned(Preset::Production);
    assert_eq!(
        told(&warnings(&base, None, Some(&facts()), &at)),
        ["public_access_cidrs: Nothing outside the VPC reaches the cluster's API"]
    );
    assert_eq!(told(&warnings(&base, Some(&base), Some(&facts()), &at)), Vec::<String>::new());
    let next = Cluster { kubernetes_version: Attr::Known("1.34".into()), ..base.clone() };
    assert_eq!(
        told(&warnings(&next, Some(&base), Some(&facts()), &at)),
        ["kubernetes_version: Kubernetes is upgraded, and all nodes are replaced"]
    );
    let old = |version: &str| Cluster { kubernetes_version: Attr::Known(version.to_owned()), ..base.clone() };
    let later = Facts { now_s: 30 * DAY_S, ..facts() };
    assert_eq!(
        told(&warnings(&old("1.31"), Some(&old("1.31")), Some(&facts()), &at)),
        ["kubernetes_version: Standard support of the Kubernetes version ends soon"]
    );
    assert_eq!(
        told(&warnings(&old("1.31"), Some(&old("1.31")), Some(&later), &at)),
        ["kubernetes_version: The Kubernetes version is out of standard support"]
    );
}

#[test]
fn nodes_that_roll_are_named_with_what_rolls_them() {
    let base = planned(Preset::Production);
    let sized = |size: i64, types: &[&str]| {
        let mut model = base.clone();
        if let Attr::Known(groups) = &mut model.effective_node_groups {
            let group = groups.get_mut("default").unwrap();
            group.disk_size = Attr::Known(size);
            if !types.is_empty() {
                group.instance_types = Attr::Known(types.iter().map(|one| Attr::Known((*one).to_owned())).collect());
            }
        }
        blueprint(&model, &links())
    };
    let change = |after: &Blueprint| Change::between(&sized(100, &[]), after, &Known::new());
    let said = rolled(&change(&sized(200, &[])), &Path::root()).unwrap();
    assert!(said.summary == "Nodes are replaced" && said.detail.ends_with("- default (disk_size)"), "{said:?}");
    let mut tagged = sized(100, &[]);
    crate::resources::tags::spread(&mut tagged.nodes, &BTreeMap::from([("team".to_owned(), "ml".to_owned())]));
    assert!(rolled(&change(&tagged), &Path::root()).unwrap().detail.ends_with("- default (instance_tags)"));
    // A group that is replaced as a whole is told as such.
    assert_eq!(rolled(&change(&sized(200, &["m7i.2xlarge"])), &Path::root()), None);
    assert_eq!(rolled(&change(&sized(100, &[])), &Path::root()), None);
    // So is one whose template somebody deleted: EKS takes no other one for a group that stands.
    let now = sized(100, &[]);
    let drifted = |of: &str, what: &str, whole: bool| {
        let known: Known = now.nodes.iter().map(|node| (node.id.clone(), node.id.0.clone())).collect();
        let prior = Value::object([("drift", Value::object([(of, Value::List(vec![what.into()]))]))]);
        rolled(&Change::between(&now, &now, &known).with_drift(&now, &known, &prior, whole), &Path::root())
    };
    assert!(drifted("launch_template/default", "absent", true).unwrap().detail.ends_with("a new group is made first)"));
    assert_eq!(drifted("node_group/default", "absent", true), None, "no node is left that could be replaced");
    assert_eq!(drifted("cluster", "unready", true), None, "nothing says that another cluster comes");
    assert_eq!(drifted("node_role", "tags", false), None);
}
