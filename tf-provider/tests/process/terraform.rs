//! The probe provider under the `terraform` of this machine: its own handshake, its own certificate, its own rules.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{fs::symlink, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value as Json;

use crate::started::{binary, wait_until};

/// A folder with a configuration, and a Terraform that finds the probe provider.
struct Workspace {
    folder: tempfile::TempDir,
    terraform: PathBuf,
}

const PROVIDER: &str = "terraform {\n  required_providers {\n    probe = { source = \"example/probe\" }\n  }\n}\n";

impl Workspace {
    /// None, with a printed reason, where there is no Terraform.
    fn new(test: &str) -> Option<Self> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let Some(terraform) = std::env::split_paths(&paths).map(|folder| folder.join("terraform")).find(|path| path.is_file()) else {
            // Straight to stderr: the test harness swallows what a passing test prints.
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: there is no `terraform` on PATH");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        symlink(binary(), plugins.join("terraform-provider-probe")).unwrap();
        let overrides =
            format!("provider_installation {{\n  dev_overrides {{\n    \"example/probe\" = {plugins:?}\n  }}\n  direct {{}}\n}}\n");
        fs::write(folder.path().join("cli.tfrc"), overrides).unwrap();
        Some(Self { folder, terraform })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, body: &str) {
        fs::write(self.path("main.tf"), format!("{PROVIDER}{body}")).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.terraform);
        command.current_dir(self.folder.path()).args(arguments);
        command.env("TF_CLI_CONFIG_FILE", self.path("cli.tfrc")).env("CHECKPOINT_DISABLE", "1").env("TF_LOG", "TRACE");
        command.env("TF_LOG_PATH", self.path("log")).env("TF_IN_AUTOMATION", "1").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "terraform {arguments:?}:\n{out}\n{err}");
        out.into_owned()
    }

    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "terraform {arguments:?} should have failed");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn state(&self) -> Json {
        serde_json::from_slice(&fs::read(self.path("terraform.tfstate")).unwrap()).unwrap()
    }

    fn instance(&self) -> Json {
        let state = self.state();
        let managed = state["resources"].as_array().unwrap().iter().find(|resource| resource["mode"] == "managed");
        managed.unwrap()["instances"][0].clone()
    }

    /// Nothing that Terraform or the provider wrote holds this text; it did write logs.
    fn never_wrote(&self, canary: &str) {
        for name in ["log", "terraform.tfstate"] {
            let text = fs::read_to_string(self.path(name)).unwrap();
            assert!(!text.is_empty() && !text.contains(canary), "{name} holds {canary}");
        }
    }

    /// An apply of a thing that waits to be stopped, in a process group of its own; and the provider's pid.
    fn apply_that_waits(&self) -> (Child, u32) {
        let folder = self.folder.path().display();
        self.configure(&format!("resource \"probe_thing\" \"it\" {{\n  name = \"n\"\n  behaviour = \"mark {folder}\"\n}}\n"));
        let mut command = self.command(&["apply", "-auto-approve", "-no-color"]);
        let child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = self.path("began");
        wait_until("the apply begins", || fs::read_to_string(&began).is_ok_and(|pid| !pid.is_empty()));
        (child, fs::read_to_string(&began).unwrap().parse().unwrap())
    }
}

const EVERYTHING: &str = r#"
provider "probe" {
  secret = "terraform-canary-provider"
}
resource "probe_thing" "it" {
  name     = "n"
  text     = "t"
  flag     = true
  number   = 123456789012345678901234567890.5
  anything = { x = [1, "a"], y = null }
  list     = ["b", "a"]
  set      = ["z", "y"]
  map      = { one = 1, big = 1e30 }
  tuple    = ["x", true]
  object   = { a = "q", b = [1, 2] }
  single   = { tier = "gold" }
  parts    = [{ tier = "p1", size = 3 }, { tier = "p2" }]
  members  = [{ tier = "m1" }, { tier = "m2", size = 1 }]
  peers    = { k = { tier = "k1" } }
  password = "terraform-canary-password"
  password_version = 1
}
data "probe_echo" "it" {
  input = probe_thing.it.anything
}
output "joined" {
  value = provider::probe::join("-", "a", data.probe_echo.it.output.x[1])
}
"#;

#[test]
fn one_of_everything_is_made_changed_replaced_and_destroyed() {
    let Some(workspace) = Workspace::new("one_of_everything_is_made_changed_replaced_and_destroyed") else { return };
    workspace.configure(EVERYTHING);
    workspace.succeed(&["apply", "-auto-approve", "-no-color"]);
    let instance = workspace.instance();
    assert_eq!(instance["attributes"]["id"], "id-n");
    assert_eq!(instance["attributes"]["number"].to_string(), "123456789012345678901234567890.5");
    assert_eq!(instance["attributes"]["password"], Json::Null);
    assert_eq!(workspace.state()["outputs"]["joined"]["value"], "a-a");
    workspace.succeed(&["plan", "-detailed-exitcode", "-no-color"]);
    workspace.never_wrote("terraform-canary");

    workspace.configure(&EVERYTHING.replace("password_version = 1", "password_version = 2"));
    assert!(workspace.succeed(&["apply", "-auto-approve", "-no-color"]).contains("0 added, 1 changed, 0 destroyed"));
    workspace.configure(&EVERYTHING.replace("\"n\"", "\"m\""));
    assert!(workspace.succeed(&["apply", "-auto-approve", "-no-color"]).contains("1 added, 0 changed, 1 destroyed"));
    assert!(workspace.succeed(&["destroy", "-auto-approve", "-no-color"]).contains("1 destroyed"));
    assert_eq!(workspace.state()["resources"].as_array().map(Vec::len), Some(0));
}

#[test]
fn five_megabytes_survive() {
    let Some(workspace) = Workspace::new("five_megabytes_survive") else { return };
    const BYTES: usize = 5 << 20;
    workspace.configure("resource \"probe_thing\" \"it\" {\n  name = \"n\"\n  text = file(\"big\")\n}\n");
    fs::write(workspace.path("big"), "x".repeat(BYTES)).unwrap();
    // At TRACE Terraform itself would write the value out.
    let apply = workspace.command(&["apply", "-auto-approve", "-no-color"]).env_remove("TF_LOG").output().unwrap();
    assert!(apply.status.success(), "{}", String::from_utf8_lossy(&apply.stderr));
    assert_eq!(workspace.instance()["attributes"]["text"].as_str().map(str::len), Some(BYTES));
}

#[test]
fn imports_and_generates_a_configuration_that_is_usable_unedited() {
    let Some(workspace) = Workspace::new("imports_and_generates_a_configuration_that_is_usable_unedited") else { return };
    workspace.configure("import {\n  to = probe_thing.it\n  id = \"n\"\n}\n");
    workspace.succeed(&["plan", "-generate-config-out=generated.tf", "-no-color"]);
    assert!(workspace.succeed(&["apply", "-auto-approve", "-no-color"]).contains("1 imported"));
    workspace.succeed(&["plan", "-detailed-exitcode", "-no-color"]);
    assert_eq!(workspace.instance()["attributes"]["id"], "id-n");
}

#[test]
fn a_panic_keeps_the_object_and_the_secret() {
    let Some(workspace) = Workspace::new("a_panic_keeps_the_object_and_the_secret") else { return };
    let body = "resource \"probe_thing\" \"it\" {\n  name = \"n\"\n  behaviour = \"panic\"\n  password = \"panic-canary-password\"\n}\n";
    workspace.configure(body);
    let said = workspace.fail(&["apply", "-auto-approve", "-no-color"]);
    assert!(said.contains("The provider panicked") && said.contains("probe/mod.rs"), "{said}");
    assert!(!said.contains("panic-canary"));
    workspace.never_wrote("panic-canary");
    let instance = workspace.instance();
    assert_eq!((instance["status"].as_str(), instance["attributes"]["name"].as_str()), (Some("tainted"), Some("n")));
}

#[test]
fn a_broken_configuration_is_refused_at_its_attribute() {
    let Some(workspace) = Workspace::new("a_broken_configuration_is_refused_at_its_attribute") else { return };
    workspace.configure("resource \"probe_thing\" \"it\" {\n  name = \"n\"\n  text = \"forbidden\"\n}\n");
    let said = workspace.fail(&["validate", "-no-color"]);
    assert!(said.contains("Forbidden text") && said.contains("text = \"forbidden\""), "{said}");
}

/// `--debug`: one process serves several runs.
#[test]
fn terraform_attaches_to_a_provider_in_debug_mode() {
    let Some(workspace) = Workspace::new("terraform_attaches_to_a_provider_in_debug_mode") else { return };
    let mut provider = Command::new(binary()).arg("--debug").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(provider.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("TF_REATTACH_PROVIDERS=")).unwrap();
    let reattach = line.trim().strip_prefix("TF_REATTACH_PROVIDERS='").unwrap().trim_end_matches('\'').to_owned();
    workspace.configure("resource \"probe_thing\" \"it\" {\n  name = \"n\"\n}\n");
    for arguments in [&["apply", "-auto-approve", "-no-color"][..], &["plan", "-detailed-exitcode"], &["destroy", "-auto-approve"]] {
        let output = workspace.command(arguments).env("TF_REATTACH_PROVIDERS", &reattach).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(provider.try_wait().unwrap().is_none(), "the provider ended with the run");
    }
    assert!(Command::new("kill").args(["-INT", &provider.id().to_string()]).status().unwrap().success());
    wait_until("the provider ends", || provider.try_wait().unwrap().is_some());
}

/// Ctrl-C in a shell reaches Terraform and the provider alike.
#[test]
fn one_ctrl_c_ends_an_apply_in_good_order() {
    let Some(workspace) = Workspace::new("one_ctrl_c_ends_an_apply_in_good_order") else { return };
    let (mut terraform, provider) = workspace.apply_that_waits();
    assert!(!workspace.path("ended").exists());
    assert!(Command::new("kill").args(["-INT", "--", &format!("-{}", terraform.id())]).status().unwrap().success());
    wait_until("terraform ends", || terraform.try_wait().unwrap().is_some());
    assert!(workspace.path("ended").exists(), "the call in flight was not finished");
    wait_until("the provider ends", || !is_alive(provider));
    let instance = workspace.instance();
    assert_eq!((instance["attributes"]["id"].as_str(), instance["status"].as_str()), (Some("id-n"), None));
}

#[test]
fn a_killed_terraform_takes_the_provider_with_it_but_not_the_call_in_flight() {
    let Some(workspace) = Workspace::new("a_killed_terraform_takes_the_provider_with_it_but_not_the_call_in_flight") else { return };
    let (mut terraform, provider) = workspace.apply_that_waits();
    assert!(is_alive(provider));
    terraform.kill().unwrap();
    terraform.wait().unwrap();
    wait_until("the provider ends", || !is_alive(provider));
    assert!(workspace.path("ended").exists(), "the call in flight was not finished");
}

fn is_alive(pid: u32) -> bool {
    // A zombie, whose new parent hasn't looked yet, doesn't run any more.
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    match status {
        Ok(text) => !text.contains(") Z "),
        Err(_) => cfg!(not(target_os = "linux")) && Command::new("kill").args(["-0", &pid.to_string()]).status().unwrap().success(),
    }
}

/// A child module's ephemeral output is all that is made of it: nothing of it may stay anywhere.
#[test]
fn an_ephemeral_value_leaves_no_trace() {
    let Some(workspace) = Workspace::new("an_ephemeral_value_leaves_no_trace") else { return };
    fs::create_dir(workspace.path("child")).unwrap();
    let child = "ephemeral \"probe_secret\" \"it\" {\n  name = \"n\"\n  behaviour = \"renew\"\n  file = abspath(\"happened\")\n}\n\
                 output \"secret\" {\n  value = ephemeral.probe_secret.it.secret\n  ephemeral = true\n}\n";
    fs::write(workspace.path("child/main.tf"), format!("{PROVIDER}{child}")).unwrap();
    // `password` is write-only: the one place in a resource that may take it. Its length shows that it came through.
    workspace.configure(
        "module \"child\" {\n  source = \"./child\"\n}\n\
         resource \"probe_thing\" \"it\" {\n  name = \"n\"\n  password = module.child.secret\n  password_version = 1\n}\n",
    );
    workspace.succeed(&["get", "-no-color"]);
    workspace.succeed(&["apply", "-auto-approve", "-no-color"]);
    assert_eq!(workspace.instance()["attributes"]["password_length"], "ephemeral-canary-of-n".len());
    let happened = fs::read_to_string(workspace.path("happened")).unwrap();
    let count = |what: &str| happened.lines().filter(|line| *line == what).count();
    assert!(count("open") >= 2 && count("open") == count("close"), "opened for plan and apply, each time closed: {happened}");
    workspace.succeed(&["plan", "-out=plan", "-detailed-exitcode", "-no-color"]);
    assert!(!workspace.succeed(&["show", "-json", "plan"]).contains("canary"));
    workspace.never_wrote("ephemeral-canary");
    workspace.configure("ephemeral \"probe_secret\" \"it\" {\n  name = \"n\"\n  behaviour = \"panic\"\n}\n");
    assert!(workspace.fail(&["plan", "-no-color"]).contains("The provider panicked"));
}
