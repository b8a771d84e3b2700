//! What the scenarios of `deeploy_environment` begin with: a configuration whose lines are changed one by one.

use std::collections::{BTreeMap, BTreeSet};

use acceptance_tests::{Failure, World, check};
use serde_json::Value;

use super::stage::{Stage, change, mutations_of, text};

pub(super) const ENVIRONMENT: &str = "deeploy_environment.this";
/// The environment's name, and so its cluster's and its database's.
pub(super) const NAME: &str = "prod";

/// The lines of one environment, by their dotted names: `cluster.kubernetes_version`.
#[derive(Clone)]
pub(super) struct Lines(BTreeMap<String, String>);

impl Lines {
    /// Production as far as a name and whom to tell, with nothing that forbids a destroy.
    pub(super) fn production(world: &World) -> Self {
        let mut lines = Self::development(world);
        lines.set("preset", "\"production\"");
        lines.set("monitoring.alarm_emails", "[\"ops@example.com\"]");
        for guard in ["cluster.deletion_protection", "database.deletion_protection", "database.final_snapshot"] {
            lines.set(guard, "false");
        }
        lines.set("database.delete_automated_backups", "true");
        lines
    }

    /// Development: fewer zones, one NAT gateway, nothing guarded.
    pub(super) fn development(world: &World) -> Self {
        let mut lines = Self(BTreeMap::new());
        lines.set("name", &format!("\"{NAME}\""));
        lines.set("preset", "\"development\"");
        lines.set("network.cidr", "\"10.20.0.0/16\"");
        lines.set("cluster.admin_principal_arns", &format!("[\"arn:aws:iam::{}:role/admin\"]", world.account()));
        lines.set("storage.bucket", &format!("\"prod-{}\"", world.account()));
        lines
    }

    /// Sets a line; an empty value takes it away.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The resource.
    pub(super) fn text(&self) -> String {
        let mut parts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut written = String::new();
        for (name, value) in &self.0 {
            match name.split_once('.') {
                Some((part, attribute)) => parts.entry(part).or_default().push(format!("    {attribute} = {value}\n")),
                None => written.push_str(&format!("  {name} = {value}\n")),
            }
        }
        for (part, lines) in parts {
            written.push_str(&format!("  {part} = {{\n{}  }}\n", lines.concat()));
        }
        format!("resource \"deeploy_environment\" \"this\" {{\n{written}}}\n")
    }
}

/// The roles that configurations name: EKS refuses access entries of those that aren't there.
pub(super) fn people(world: &World) -> Result<(), Failure> {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"sts:AssumeRole"}}]}}"#,
        world.account()
    );
    for name in ["admin", "other", "viewer"] {
        world.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", trust.as_str())])?;
    }
    Ok(())
}

/// Makes the environment.
pub(super) fn made(stage: &Stage, lines: &Lines) -> Result<Value, Failure> {
    people(&stage.world)?;
    stage.terraform.configure(&lines.text())?;
    stage.terraform.apply::<&str>(&[])?.success()?;
    stage.terraform.attributes(ENVIRONMENT)
}

/// Component → id.
pub(super) fn components(stage: &Stage) -> Result<BTreeMap<String, String>, Failure> {
    let state = stage.terraform.attributes(ENVIRONMENT)?;
    let all = state["components"].as_object().cloned().unwrap_or_default();
    Ok(all.into_iter().map(|(component, id)| (component, id.as_str().unwrap_or_default().to_owned())).collect())
}

/// What one update must do, and nothing else.
pub(super) struct Step<'a> {
    pub(super) lines: &'a [(&'a str, &'a str)],
    /// The mutating calls beside that of the record, in any order.
    pub(super) calls: &'a [&'a str],
    /// Some of these calls in the order that they must have.
    pub(super) order: &'a [&'a str],
    /// Components that come, go or get another id.
    pub(super) moved: &'a [&'a str],
    /// What the plan warns of.
    pub(super) says: &'a [&'a str],
}

impl Step<'_> {
    /// One update: planned in place, made, and the next plan is empty.
    pub(super) fn run(&self, stage: &Stage, lines: &mut Lines) -> Result<(), Failure> {
        let Stage { world, terraform } = stage;
        let before = components(stage)?;
        for (name, value) in self.lines {
            lines.set(name, &value.replace("ACCOUNT", world.account()));
        }
        terraform.configure(&lines.text())?;
        let (plan, planning) = mutations_of(world, || terraform.plan::<&str>(&[]))?;
        let plan = plan.success()?;
        for warning in self.says {
            check::says(&plan, warning)?;
        }
        assert_eq!((planning, change(terraform, ENVIRONMENT)?.actions), (Vec::new(), vec!["update".to_owned()]), "{:?}", self.lines);
        let (done, mut calls) = mutations_of(world, || terraform.apply_plan())?;
        done.success()?;
        let mut rest = calls.iter();
        let in_order = self.order.iter().all(|call| rest.any(|made| made == call));
        assert!(in_order, "{:?}: {:?} is not the order of {calls:?}", self.lines, self.order);
        calls.retain(|call| call != "ssm:PutParameter");
        calls.sort();
        let mut expected: Vec<&str> = self.calls.to_vec();
        expected.sort_unstable();
        assert_eq!(calls, expected, "{:?}", self.lines);
        let after = components(stage)?;
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let moved: Vec<&str> = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(|name| stable(name)).collect();
        assert_eq!(moved, self.moved, "{:?}", self.lines);
        check::empty_plan(terraform)
    }
}

/// A component's name without the hash of an ARN in the scenario's account.
pub(super) fn stable(component: &str) -> &str {
    if component.starts_with("access_entry/") { component.rsplit_once('-').map_or(component, |(name, _)| name) } else { component }
}

/// Nothing is left but what AWS keeps for a while and the roles of [`people`].
pub(super) fn nothing_left(world: &World) -> Result<(), Failure> {
    let ours = |object: &Value| {
        let person = text(object, "type") == "iam:role" && ["admin", "other", "viewer"].contains(&text(object, "id"));
        object["managed"] != true && object["state"] != "PendingDeletion" && !person && object["made_by"].is_null()
    };
    let left: Vec<String> = world
        .objects()?
        .iter()
        .filter(|object| ours(object))
        .map(|object| format!("{} {}", text(object, "type"), text(object, "id")))
        .collect();
    if left.is_empty() { Ok(()) } else { Err(Failure::new(format!("objects are left: {left:?}"))) }
}
