//! `cargo xtask sandbox`: the emulated AWS for a person.

use std::{process::ExitCode, thread, time::Duration};

use acceptance_tests::{Environment, Failure, Folders, Sandbox, World, write_overrides};

use crate::{arguments::Arguments, cargo, prepare, screen};

/// The account that the printed environment names.
const ACCOUNT: &str = "111122223333";

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let port = arguments.number("--port")?.unwrap_or(0);
    let port = u16::try_from(port).map_err(|_| Failure::new(format!("{port} is no port")))?;
    arguments.end()?;
    let python = prepare::environment_of(folders, Environment::SANDBOX)?.python();
    let provider = cargo::build_provider(folders, false)?;
    let sandbox = Sandbox::start(folders, &python, port)?;
    let overrides = write_overrides(&folders.target.join("deeploy-sandbox.terraform.rc"), &provider)?;
    let mut environment = World::of(&sandbox, ACCOUNT).environment();
    environment.insert("TF_CLI_CONFIG_FILE".to_owned(), overrides);

    screen::step(format!("the sandbox serves {}; in another terminal:\n", sandbox.endpoint()));
    for (name, value) in &environment {
        println!("export {name}={value}");
    }
    println!("\nThen, e.g.:  cd examples/quickstart && terraform plan     (no `terraform init`: the provider is overridden)");
    println!("What exists: {}/sandbox/world     What was called: {}/sandbox/calls", sandbox.endpoint(), sandbox.endpoint());
    println!("Each AWS_ACCESS_KEY_ID=AKIADEEPLOY + 12 digits is an account of its own. Ctrl-C ends the sandbox; nothing is kept.");
    // Ctrl-C ends this process, its end closes the sandbox's stdin, and that ends the sandbox.
    while sandbox.is_running() {
        thread::sleep(Duration::from_millis(200));
    }
    Err(Failure::new("the sandbox has ended").remedy(format!("its log is in {}", folders.logs().display())))
}
