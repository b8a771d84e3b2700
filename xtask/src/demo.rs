//! `cargo xtask demo`: a whole production environment, with real Terraform and nothing of the user's.

use std::process::ExitCode;

use acceptance_tests::{Environment, Failure, Folders, Prerequisites, Release, Sandbox, Terraform, World, check, on_path};
use serde_json::Value;

use crate::{arguments::Arguments, cargo, prepare, screen};

pub(crate) fn run(folders: &Folders, arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.end()?;
    let python = prepare::environment_of(folders, Environment::SANDBOX)?.python();
    if on_path("terraform").is_none() {
        screen::step("there is no `terraform` on PATH: Terraform 1.15 from PyPI serves");
        prepare::environment_of(folders, Release::V1_15.environment())?;
    }
    screen::step("building the provider");
    let provider = cargo::build_provider(folders, false)?;
    screen::step("starting the sandbox: an AWS of our own on this machine");
    let sandbox = Sandbox::start(folders, &python, 0)?;
    let world = World::new(&sandbox);
    let prerequisites = Prerequisites { folders: folders.clone(), provider: provider.clone(), sandbox_python: python };
    let mut terraform = Terraform::new(prerequisites.terraform(None)?, &provider, &world)?;
    production(&mut terraform, &world, &folders.root)?;

    screen::step("terraform plan");
    let plan = terraform.plan::<&str>(&[])?.success()?;
    println!("{}", indented(&plan.stdout));
    screen::step("terraform apply");
    println!("{}", indented(&terraform.apply_plan()?.success()?.stdout));
    show_outputs(&terraform)?;
    show_objects("what exists in AWS now", &world.objects()?);
    check::empty_plan(&terraform)?;
    screen::step("a second plan is empty: \"No changes. Your infrastructure matches the configuration.\"");
    screen::step("production guards itself: `terraform destroy` is refused");
    println!("{}", indented(&terraform.destroy::<&str>(&[])?.output()));
    screen::step("terraform apply -var protected=false, and terraform destroy");
    terraform.set("TF_VAR_protected", "false");
    terraform.apply::<&str>(&[])?.success()?;
    let destroyed = terraform.destroy::<&str>(&[])?.success()?;
    let (_, end) = destroyed.stdout.split_once("Destroying...").unwrap_or(("", &destroyed.stdout));
    println!("{}", indented(end));
    world.iam("DeleteRole", &[("RoleName", ADMINISTRATOR)])?;
    let pending = check::only_pending_objects(&world)?;
    if pending.is_empty() {
        screen::step("nothing is left");
    } else {
        show_objects("nothing is left but what AWS keeps until its waiting period ends", &pending);
    }
    println!("\nThe demo went through. Next: examples/, `cargo xtask sandbox`, `cargo xtask test`.");
    Ok(ExitCode::SUCCESS)
}

/// Who administers the demo's cluster: the one thing that must exist before.
const ADMINISTRATOR: &str = "platform-admin";

/// The production example in Terraform's folder, with its variables.
pub(crate) fn production(terraform: &mut Terraform, world: &World, root: &std::path::Path) -> Result<(), Failure> {
    terraform.copy(&root.join("examples").join("environments").join("production"))?;
    terraform.set("TF_VAR_admin_principal_arns", format!("[{:?}]", administrator(world)?));
    terraform.set("TF_VAR_alarm_emails", "[\"ops@example.com\"]");
    Ok(())
}

fn administrator(world: &World) -> Result<String, Failure> {
    let account = world.account();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    world.iam("CreateRole", &[("RoleName", ADMINISTRATOR), ("AssumeRolePolicyDocument", &trust)])?;
    Ok(format!("arn:aws:iam::{account}:role/{ADMINISTRATOR}"))
}

fn show_outputs(terraform: &Terraform) -> Result<(), Failure> {
    screen::step("outputs");
    for (name, value) in terraform.outputs()? {
        println!("    {name} = {value}");
    }
    Ok(())
}

fn show_objects(title: &str, objects: &[Value]) {
    screen::step(format!("{title}:"));
    let text = |object: &Value, key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    for object in objects {
        println!("    {:<28} {} {}", text(object, "type"), text(object, "id"), text(object, "state"));
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
