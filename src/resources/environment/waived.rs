//! Controls of AWS's standards that an environment doesn't meet, and why.

use std::collections::BTreeMap;

use tf_provider::{Attr, Value};

use super::{Environment, preset};
use crate::presets::Preset;

/// The waived controls with their reasons; `None` while what decides them is unknown.
pub(super) fn controls(model: &Environment) -> Option<BTreeMap<&'static str, &'static str>> {
    let preset = preset(model)?;
    let mut all = BTreeMap::from([
        ("RDS.23", "Deeploy's chart has the port 5432 written into it."),
        ("EKS.2", "EKS takes the version's support from `cluster.support_type`; a version is raised by you, one minor an apply."),
    ]);
    if preset == Preset::Development {
        all.extend([
            ("S3.9", "Nobody audits a development environment's reads, and each is paid for."),
            ("EC2.6", "A development environment records rejected traffic only."),
        ]);
    }
    let database = model.database.known();
    let off = |flag: Option<&Attr<bool>>| flag.is_some_and(|flag| flag.known() == Some(&false));
    if off(database.map(|database| &database.multi_az)) {
        all.insert("RDS.5", "`database.multi_az` is off: the database stands in one zone.");
    }
    if off(database.map(|database| &database.deletion_protection)) {
        all.insert("RDS.8", "`database.deletion_protection` is off.");
    }
    if model.storage.known().is_some_and(|storage| storage.access.as_str() == Some("documented")) {
        all.insert("IAM.21", "`storage.access = \"documented\"` gives `s3:*` on the bucket's objects.");
    }
    if model.identity.known().is_some_and(|identity| identity.mode.as_str() == Some("user")) {
        all.insert("IAM.3", "`identity.mode = \"user\"` needs an access key; rotate it.");
    }
    if model.cluster.known().is_some_and(|cluster| cluster.public_access_cidrs.known().is_some_and(|cidrs| !cidrs.is_empty())) {
        all.insert("EKS.1", "`cluster.public_access_cidrs` opens the cluster's API to these ranges.");
    }
    Some(all)
}

/// As a value of `waived_controls`.
pub(super) fn to_value(controls: &BTreeMap<&str, &str>) -> Value {
    Value::Map(controls.iter().map(|(control, reason)| ((*control).to_owned(), Value::from(*reason))).collect())
}
