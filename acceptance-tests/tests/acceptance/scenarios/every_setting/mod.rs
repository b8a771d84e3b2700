//! Every setting of an environment that AWS tells, changed by hand: each is seen under its name, nothing else is, and one apply sets them back.
//! The list of settings is the environment's own (`src/resources/environment/settings.txt`, kept by a unit test there): one without a case fails.

use std::collections::{BTreeMap, BTreeSet};

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::{
    environments::{ENVIRONMENT, Lines, components, made, stable},
    stage::{Stage, change, mutations_of, stage},
};

mod account;
mod cluster;
mod database;
mod network;

/// What the environment's blueprint decides: component, kind, setting, what a change takes, and whether an attribute tells it.
const LIST: &str = include_str!("../../../../../src/resources/environment/settings.txt");

/// Somebody with every right in the account of an environment.
struct Hand<'a> {
    world: &'a World,
    state: &'a Value,
    ids: &'a BTreeMap<String, String>,
}

impl Hand<'_> {
    /// A component's id.
    fn id(&self, component: &str) -> &str {
        self.ids.get(component).map(String::as_str).unwrap_or_default()
    }

    /// The last part of a component's id: EKS's begin with the cluster's name.
    fn tail(&self, component: &str) -> &str {
        self.id(component).rsplit(':').next().unwrap_or_default()
    }
}

/// Changes some settings of a component.
type By = fn(&Hand<'_>, &str) -> Result<(), Failure>;

/// What becomes of some settings of one kind.
struct Case {
    kind: &'static str,
    settings: &'static [&'static str],
    way: Way,
    /// The component that it isn't so of, and why.
    except: Option<(&'static str, &'static str)>,
    /// What differs with it: settings of components.
    with: &'static [(&'static str, &'static str)],
}

impl Case {
    const fn except(self, component: &'static str, why: &'static str) -> Self {
        Self { except: Some((component, why)), ..self }
    }

    const fn with(self, with: &'static [(&'static str, &'static str)]) -> Self {
        Self { with, ..self }
    }
}

enum Way {
    /// Changed in this round: what excludes each other is in different ones.
    By(usize, By),
    /// Nobody can change it, or a change is no drift; why.
    Never(&'static str),
}

const fn by(round: usize, kind: &'static str, settings: &'static [&'static str], how: By) -> Case {
    Case { kind, settings, way: Way::By(round, how), except: None, with: &[] }
}

const fn never(kind: &'static str, settings: &'static [&'static str], why: &'static str) -> Case {
    Case { kind, settings, way: Way::Never(why), except: None, with: &[] }
}

const ROUNDS: usize = 4;
/// Names, places and types that AWS gives an object once.
const NO_CALL: &str = "AWS has no call that changes it";

fn cases() -> impl Iterator<Item = &'static Case> {
    [account::CASES, cluster::CASES, database::CASES, network::CASES].into_iter().flatten()
}

/// One line of the list.
#[derive(Clone, Copy, Debug)]
struct Line {
    component: &'static str,
    kind: &'static str,
    setting: &'static str,
}

fn list() -> Vec<Line> {
    let line = |text: &'static str| {
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            [component, kind, setting, ..] => Line { component, kind, setting },
            _ => panic!("no line of a list of settings: {text}"),
        }
    };
    LIST.lines().map(line).collect()
}

fn case_of(line: &Line) -> Vec<&'static Case> {
    cases().filter(|case| case.kind == line.kind && case.settings.contains(&line.setting)).collect()
}

/// Where the attribute that shows a setting stands in the state; all others show in `drift`.
fn pointer(component: &str, setting: &str) -> Option<&'static str> {
    Some(match (component, setting) {
        ("bucket", "logging") => "/storage/access_logging/enabled",
        ("cluster", "deletion_protection") => "/cluster/deletion_protection",
        ("cluster", "log_types") => "/cluster/enabled_cluster_log_types",
        ("cluster", "support_type") => "/cluster/support_type",
        ("cluster", "zonal_shift") => "/cluster/zonal_shift",
        ("cluster_log_group", "retention_in_days") => "/cluster/log_retention_in_days",
        ("database_log_group/postgresql", "retention_in_days") => "/database/log_retention_in_days",
        ("flow_logs_group", "retention_in_days") => "/network/flow_logs/retention_in_days",
        ("data_key", "rotation_period_in_days") => "/encryption/rotation_period_in_days",
        ("database", "backup_retention_period") => "/database/backup_retention_period",
        ("database", "backup_window") => "/database/backup_window",
        ("database", "deletion_protection") => "/database/deletion_protection",
        ("database", "enabled_cloudwatch_logs_exports") => "/database/enabled_cloudwatch_logs_exports",
        ("database", "instance_class") => "/database/instance_class",
        ("database", "maintenance_window") => "/database/maintenance_window",
        ("database", "max_allocated_storage") => "/database/max_allocated_storage",
        ("database", "multi_az") => "/database/multi_az",
        _ => return None,
    })
}

#[test]
fn each_has_one_case_and_each_case_a_setting() {
    let without: Vec<String> =
        list().iter().filter(|line| case_of(line).len() != 1).map(|line| format!("{line:?}: {}", case_of(line).len())).collect();
    assert_eq!(without, Vec::<String>::new());
    let listed = list();
    let is_listed = |kind: &str, setting: &str| listed.iter().any(|line| line.kind == kind && line.setting == setting);
    let idle: Vec<String> = cases()
        .flat_map(|case| case.settings.iter().map(|setting| (case.kind, *setting)))
        .filter(|(kind, setting)| !is_listed(kind, setting))
        .map(|(kind, setting)| format!("{kind} {setting}"))
        .collect();
    assert_eq!(idle, Vec::<String>::new());
    let unexplained = |case: &&Case| matches!(case.way, Way::Never("")) || matches!(case.except, Some((_, "")));
    assert_eq!(cases().filter(unexplained).count(), 0);
}

/// Names of settings by component.
type Drift = BTreeMap<String, BTreeSet<&'static str>>;

/// What of a round is made, and what it must show: settings by component, and attributes.
fn change_by_hand(hand: &Hand<'_>, round: usize) -> Result<(Drift, BTreeSet<&'static str>), Failure> {
    let (mut drift, mut shown) = (Drift::new(), BTreeSet::new());
    let mut refused = Vec::new();
    for case in cases() {
        let Way::By(_, how) = case.way else { continue };
        if !matches!(case.way, Way::By(at, _) if at == round) {
            continue;
        }
        for (component, setting) in case.with {
            drift.entry((*component).to_owned()).or_default().insert(setting);
        }
        let lines: Vec<Line> = list().into_iter().filter(|line| line.kind == case.kind && case.settings.contains(&line.setting)).collect();
        let bases: BTreeSet<&str> = lines.iter().map(|line| line.component).collect();
        for base in bases {
            let all: Vec<&String> = hand.ids.keys().filter(|component| component.split('/').next() == Some(base)).collect();
            if all.is_empty() {
                return Err(Failure::new(format!("the environment has no {base}")));
            }
            for component in all.into_iter().filter(|component| case.except.is_none_or(|(other, _)| other != *component)) {
                if let Err(failure) = how(hand, component) {
                    refused.push(format!("{component} {:?}: {failure}", case.settings));
                }
                for line in lines.iter().filter(|line| line.component == base) {
                    match pointer(component, line.setting) {
                        Some(pointer) => drop(shown.insert(pointer)),
                        None => drop(drift.entry(stable(component).to_owned()).or_default().insert(line.setting)),
                    }
                }
            }
        }
    }
    if refused.is_empty() { Ok((drift, shown)) } else { Err(Failure::new(refused.join("\n"))) }
}

#[test]
fn each_is_seen_alone_and_set_back() -> Result<(), Failure> {
    let stage = stage()?;
    let mut lines = Lines::production(&stage.world);
    lines.set("network.interface_endpoints", "[\"sts\"]");
    let state = made(&stage, &lines)?;
    let Stage { world, terraform } = &stage;
    for round in 0..ROUNDS {
        let ids = components(&stage)?;
        let (expected, shown) = change_by_hand(&Hand { world, state: &state, ids: &ids }, round)?;
        assert!(!expected.is_empty(), "round {round}");
        let (plan, planning) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        plan.success()?;
        let planned = change(terraform, ENVIRONMENT)?;
        assert_eq!((planning, planned.actions), (Vec::new(), vec!["update".to_owned()]), "round {round}");
        let drift: BTreeMap<String, BTreeSet<&str>> = (planned.before["drift"].as_object().into_iter().flatten())
            .map(|(component, names)| {
                (stable(component).to_owned(), names.as_array().into_iter().flatten().filter_map(Value::as_str).collect())
            })
            .collect();
        let unlike: Vec<String> = (drift.keys().chain(expected.keys()).collect::<BTreeSet<_>>().into_iter())
            .filter(|component| drift.get(*component) != expected.get(*component))
            .map(|component| format!("{component}: {:?}, and not {:?}", drift.get(component), expected.get(component)))
            .collect();
        assert_eq!(unlike, Vec::<String>::new(), "round {round}");
        let differs = |pointer: &str| planned.before.pointer(pointer) != state.pointer(pointer);
        let hidden: Vec<&&str> = shown.iter().filter(|pointer| !differs(pointer)).collect();
        assert_eq!(hidden, Vec::<&&str>::new(), "round {round}");
        terraform.apply_plan()?.success()?;
        check::empty_plan(terraform)?;
        let after = terraform.attributes(ENVIRONMENT)?;
        assert_eq!((&after["status"], &after["drift"]), (&json!("ready"), &json!({})), "round {round}");
        for part in ["network", "cluster", "storage", "encryption", "identity", "monitoring"] {
            assert_eq!(after[part], state[part], "round {round}, {part}");
        }
    }
    check::no_unsupported_call(world)
}

/// An attribute that several components follow shows one of them: what somebody did to that one is said of no other, and the other way round.
#[test]
fn what_several_share_is_told_of_the_one_that_differs() -> Result<(), Failure> {
    let stage = stage()?;
    let state = made(&stage, &Lines::production(&stage.world))?;
    let Stage { world, terraform } = &stage;
    let ids = components(&stage)?;
    let hand = Hand { world, state: &state, ids: &ids };
    let shown = [("cluster_log_group", 0), ("database_log_group/postgresql", 0), ("data_key", 1)];
    let others = [("insights_log_group/host", 0), ("database_log_group/upgrade", 0), ("tokens_key", 1)];
    let by_hand = [
        (|hand: &Hand<'_>, group: &str| {
            hand.world.logs("PutRetentionPolicy", &json!({ "logGroupName": hand.id(group), "retentionInDays": 1 })).map(drop)
        }) as By,
        |hand, key| hand.world.kms("EnableKeyRotation", &json!({ "KeyId": hand.id(key), "RotationPeriodInDays": 200 })).map(drop),
    ];
    let calls = ["kms:EnableKeyRotation", "logs:PutRetentionPolicy", "logs:PutRetentionPolicy"];
    let named = json!({
        "insights_log_group/host": ["retention_in_days"],
        "database_log_group/upgrade": ["retention_in_days"],
        "tokens_key": ["rotation_period_in_days"],
    });
    for (of, drift) in [(shown, json!({})), (others, named)] {
        for (component, how) in of {
            by_hand[how](&hand, component)?;
        }
        terraform.plan::<&str>(&[])?.success()?;
        let planned = change(terraform, ENVIRONMENT)?;
        assert_eq!((&planned.before["drift"], planned.actions), (&drift, vec!["update".to_owned()]));
        let (done, mut made) = mutations_of(world, || terraform.apply_plan())?;
        done.success()?;
        made.retain(|call| call != "ssm:PutParameter");
        made.sort();
        assert_eq!(made, calls);
        check::empty_plan(terraform)?;
    }
    check::no_unsupported_call(world)
}
