//! What the scenarios of drift have alike: something is changed by hand, the plan names it, apply repairs it and nothing else.

use acceptance_tests::{Failure, World, check};
use serde_json::{Value, json};

use super::stage::{Stage, change, mutations_of};

/// A call that somebody makes.
pub(crate) enum Call {
    /// Operation and parameters.
    Kms(&'static str, Value),
    /// Method, path and body.
    S3(&'static str, String, String),
    /// CloudWatch's operation and parameters.
    Cloudwatch(&'static str, Value),
    /// EventBridge's operation and parameters.
    Events(&'static str, Value),
    /// A Query service's name, version, operation and parameters.
    Query([&'static str; 3], Vec<(String, String)>),
}

/// One change by hand.
pub(crate) struct Drift<'a> {
    pub(crate) what: &'a str,
    pub(crate) by_hand: Vec<Call>,
    /// The attributes that the plan shows as changed, `drift` aside.
    pub(crate) attributes: &'a [&'a str],
    /// What `drift` says.
    pub(crate) drift: Value,
    /// The mutating calls of the repair.
    pub(crate) repair: &'a [&'a str],
}

impl Call {
    pub(crate) fn query(service: &'static str, version: &'static str, operation: &'static str, parameters: &[(&str, &str)]) -> Self {
        let owned = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Query([service, version, operation], owned.collect())
    }

    pub(crate) fn make(&self, world: &World) -> Result<(), Failure> {
        match self {
            Self::Kms(operation, parameters) => world.kms(operation, parameters).map(|_| ()),
            Self::S3(method, path, body) => world.s3(method, path, body).map(|_| ()),
            Self::Cloudwatch(operation, parameters) => world.cloudwatch(operation, parameters).map(|_| ()),
            Self::Events(operation, parameters) => world.events(operation, parameters).map(|_| ()),
            Self::Query([service, version, operation], parameters) => {
                let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                world.query(service, version, operation, &parameters).map(|_| ())
            }
        }
    }
}

/// Each drift is found, named and repaired in place; that the next plan names only the next one proves the repair.
pub(crate) fn each_is_repaired(stage: &Stage, address: &str, drifts: &[Drift<'_>]) -> Result<(), Failure> {
    let Stage { world, terraform } = stage;
    let mut wrong = Vec::new();
    for drift in drifts {
        let what = drift.what;
        let ((), by_hand) = mutations_of(world, || drift.by_hand.iter().try_for_each(|call| call.make(world)))?;
        assert!(!by_hand.is_empty(), "{what}: nothing was done by hand");
        let (plan, planning) = mutations_of(world, || terraform.plan(&["-detailed-exitcode"]))?;
        assert_eq!(planning, Vec::<String>::new(), "{what}: a plan changed something");
        if plan.code != Some(2) {
            wrong.push(format!("{what}: not found:\n{}", plan.output()));
            continue;
        }
        let planned = change(terraform, address)?;
        let attributes: Vec<&str> = planned.attributes.iter().map(String::as_str).filter(|name| *name != "drift").collect();
        let (applied, repair) = mutations_of(world, || terraform.apply_plan())?;
        let seen = (planned.actions.as_slice(), attributes.as_slice(), &planned.before["drift"], repair.as_slice());
        let repair: Vec<String> = drift.repair.iter().map(|call| (*call).to_owned()).collect();
        if applied.code != Some(0) {
            wrong.push(format!("{what}: not repaired:\n{}", applied.output()));
        } else if seen != (&["update".to_owned()], drift.attributes, &drift.drift, &repair) {
            wrong.push(format!("{what}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    check::empty_plan(terraform)?;
    assert_eq!(terraform.attributes(address)?["drift"], json!({}));
    check::no_unsupported_call(world)
}
