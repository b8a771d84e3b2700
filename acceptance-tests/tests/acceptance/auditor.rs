//! An independent auditor looks at what the production preset made: 0 findings that are not waived with a reason.

use std::{collections::BTreeMap, fs, process::Command, time::Duration};

use acceptance_tests::{Failure, Prerequisites, World, run_bounded};
use serde_json::Value;

use crate::stage::{Stage, stage, text};

/// Eleven seconds on an idle machine, most of it Prowler's own start.
const AUDIT_MAX: Duration = Duration::from_secs(600);
/// Fewer checks on our objects mean that Prowler didn't see them.
const CHECKS_MIN: usize = 30;

/// One verdict on one object.
struct Finding {
    check: String,
    status: String,
    object: String,
    detail: String,
}

fn audit(world: &World) -> Result<Vec<Finding>, Failure> {
    let prerequisites = Prerequisites::find()?;
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(prerequisites.prowler()?);
    command.args(["aws", "--service", "kms", "s3", "iam", "secretsmanager", "--region", world.region()]);
    command.args(["--output-formats", "json-ocsf", "--output-filename", "audit", "--output-directory"]).arg(folder.path());
    command.args(["--no-banner", "--no-color", "--ignore-exit-code-3"]);
    command.env("HOME", folder.path()).env_remove("AWS_PROFILE").env("AWS_DEFAULT_REGION", world.region()).envs(world.environment());
    run_bounded(&mut command, AUDIT_MAX)?.success()?;
    let report = fs::read_to_string(folder.path().join("audit.ocsf.json")).unwrap();
    let findings: Vec<Value> = serde_json::from_str(&report).unwrap();
    Ok(findings.iter().map(finding).collect())
}

fn finding(told: &Value) -> Finding {
    let at = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Finding { check: at("/metadata/event_code"), status: at("/status_code"), object: at("/resources/0/uid"), detail: at("/status_detail") }
}

/// Check → why its finding stays.
fn waived(prerequisites: &Prerequisites) -> BTreeMap<String, String> {
    let file = prerequisites.folders.root.join("acceptance-tests").join("prowler-waived.toml");
    toml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn the_production_preset_passes_but_for_what_is_waived() -> Result<(), Failure> {
    let prerequisites = Prerequisites::find()?;
    let Stage { world, mut terraform } = stage()?;
    terraform.set("TF_VAR_name", format!("audit-{}", world.account()));
    terraform.copy(&prerequisites.folders.root.join("examples").join("quickstart"))?;
    terraform.apply::<&str>(&[])?.success()?;

    let objects = world.objects()?;
    let ours = |finding: &Finding| objects.iter().any(|object| !text(object, "arn").is_empty() && text(object, "arn") == finding.object);
    let findings: Vec<Finding> = audit(&world)?.into_iter().filter(ours).collect();
    assert!(findings.len() >= CHECKS_MIN, "Prowler looked at {} things only", findings.len());

    let waived = waived(&prerequisites);
    let failed = findings.iter().filter(|finding| finding.status == "FAIL");
    let open: Vec<String> = failed
        .clone()
        .filter(|finding| !waived.contains_key(&finding.check))
        .map(|finding| format!("{} on {}: {}", finding.check, finding.object, finding.detail))
        .collect();
    assert!(open.is_empty(), "findings that are neither mended nor waived:\n{}", open.join("\n"));
    let idle: Vec<&String> = waived.keys().filter(|check| !failed.clone().any(|finding| finding.check == **check)).collect();
    assert!(idle.is_empty(), "waived, and not found any more: {idle:?}");
    Ok(())
}
