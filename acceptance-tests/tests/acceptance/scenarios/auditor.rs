//! An independent auditor looks at what the production preset made: 0 findings that are not waived with a reason.

use std::{collections::BTreeMap, fs, process::Command, time::Duration};

use acceptance_tests::{Failure, Prerequisites, World, run_bounded};
use serde_json::Value;

use super::{
    environments::{Lines, made},
    stage::{Stage, stage, text},
};

/// Eleven seconds on an idle machine, most of it Prowler's own start.
const AUDIT_MAX: Duration = Duration::from_secs(600);
/// Fewer checks on our objects mean that Prowler didn't see them.
const CHECKS_MIN: usize = 30;
const ENVIRONMENT_CHECKS_MIN: usize = 150;

/// One verdict on one object.
struct Finding {
    check: String,
    status: String,
    object: String,
    detail: String,
}

fn audit(world: &World, services: &[&str]) -> Result<Vec<Finding>, Failure> {
    let prerequisites = Prerequisites::find()?;
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(prerequisites.prowler()?);
    command.args(["aws", "--service"]).args(services).args(["--region", world.region()]);
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

/// Check → `objects` that it is waived on, the `reason`, and `only = "environment"` where only an environment has such objects.
type Waivers = BTreeMap<String, BTreeMap<String, String>>;

fn waivers(prerequisites: &Prerequisites) -> Waivers {
    let file = prerequisites.folders.root.join("acceptance-tests").join("prowler-waived.toml");
    let waivers: Waivers = toml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert!(waivers.values().all(|waiver| !waiver["objects"].is_empty() && waiver["reason"].len() > 30), "{waivers:?}");
    waivers
}

fn covers(check: &str, waiver: &BTreeMap<String, String>, finding: &Finding) -> bool {
    finding.check == check && finding.object.contains(&waiver["objects"])
}

#[test]
fn the_production_preset_passes_but_for_what_is_waived() -> Result<(), Failure> {
    let prerequisites = Prerequisites::find()?;
    let Stage { world, mut terraform } = stage()?;
    terraform.set("TF_VAR_name", format!("audit-{}", world.account()));
    terraform.copy(&prerequisites.folders.root.join("examples").join("quickstart"))?;
    terraform.apply::<&str>(&[])?.success()?;

    let waivers = waivers(&prerequisites);
    let general = waivers.into_iter().filter(|(_, waiver)| !waiver.contains_key("only")).collect();
    passes(&world, &["kms", "s3", "iam", "secretsmanager"], CHECKS_MIN, &general, |_| true)
}

/// Nothing fails on what we made but what is waived; what is waived is still found, where `used` asks for that.
fn passes(world: &World, services: &[&str], least: usize, waivers: &Waivers, used: impl Fn(&str) -> bool) -> Result<(), Failure> {
    // What AWS's services make by themselves, and keep as they like, is theirs.
    let objects: Vec<Value> = world.objects()?.into_iter().filter(|object| object["managed"] != true).collect();
    let ours = |finding: &Finding| objects.iter().any(|object| !text(object, "arn").is_empty() && text(object, "arn") == finding.object);
    let findings: Vec<Finding> = audit(world, services)?.into_iter().filter(ours).collect();
    assert!(findings.len() >= least, "Prowler looked at {} things only", findings.len());

    let failed: Vec<&Finding> = findings.iter().filter(|finding| finding.status == "FAIL").collect();
    let open: Vec<String> = failed
        .iter()
        .filter(|finding| !waivers.iter().any(|(check, waiver)| covers(check, waiver, finding)))
        .map(|finding| format!("{} on {}: {}", finding.check, finding.object, finding.detail))
        .collect();
    assert!(open.is_empty(), "findings that are neither mended nor waived:\n{}", open.join("\n"));
    let idle: Vec<&String> = waivers
        .iter()
        .filter(|(check, waiver)| used(check) && !failed.iter().any(|finding| covers(check, waiver, finding)))
        .map(|(check, _)| check)
        .collect();
    assert!(idle.is_empty(), "waived, and not found any more: {idle:?}");
    Ok(())
}

#[test]
fn the_production_environment_passes_but_for_what_is_waived() -> Result<(), Failure> {
    let stage = stage()?;
    let mut lines = Lines::production(&stage.world);
    for guard in ["cluster.deletion_protection", "database.deletion_protection", "database.final_snapshot"] {
        lines.set(guard, "");
    }
    made(&stage, &lines)?;
    let waivers = waivers(&Prerequisites::find()?);
    let only = |check: &str| waivers[check].contains_key("only");
    let services =
        ["autoscaling", "cloudwatch", "ec2", "eks", "eventbridge", "iam", "kms", "rds", "s3", "secretsmanager", "sns", "ssm", "vpc"];
    passes(&stage.world, &services, ENVIRONMENT_CHECKS_MIN, &waivers, only)
}
