//! No secret is anywhere but where it belongs: not in state, plan, output or log.

use std::fs;

use acceptance_tests::{Failure, check};
use serde_json::json;

use super::{
    iam_user::{USER, stored, user},
    stage::{Stage, stage, text},
};

/// A value that nothing else looks like, distinct for each place.
fn canary(stage: &Stage, place: &str) -> String {
    format!("Canary{place}/{}+Zz9Qx7Lw5Kv3Jt1", stage.world.account())
}

/// The forms in which a value may leave: as it is, in base64 at each of three alignments, and percent-encoded.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), secret.replace('/', "%2F").replace('+', "%2B"), secret.replace('/', "\\/")];
    for shift in 0..3 {
        // What stands before and after changes the first and last characters only.
        let text: Vec<u8> = std::iter::repeat_n(b'x', shift).chain(secret.bytes()).collect();
        let encoded = base64(&text);
        let (from, to) = (if shift == 0 { 0 } else { 4 }, encoded.len().saturating_sub(4));
        forms.push(encoded[from..to].to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |number: u32, shift: u32| char::from(DIGITS[((number >> shift) & 63) as usize]);
    let group = |part: &[u8]| {
        let number = part.iter().chain([0, 0].iter()).take(3).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        [digit(number, 18), digit(number, 12), digit(number, 6), digit(number, 0)]
    };
    bytes.chunks(3).flat_map(group).collect()
}

/// Everything that Terraform wrote and said, by where it stands.
struct Said(Vec<(String, String)>);

impl Said {
    fn files(&mut self, stage: &Stage) -> Result<(), Failure> {
        for folder in [stage.terraform.path(), stage.terraform.home()] {
            for entry in fs::read_dir(&folder).map_err(|error| Failure::io("reading a folder", &error))?.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if entry.path().is_file() && !name.ends_with(".tf") {
                    let bytes = fs::read(entry.path()).map_err(|error| Failure::io("reading a file", &error))?;
                    self.0.push((name, String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
        }
        Ok(())
    }

    fn hits(&self, secrets: &[String]) -> Vec<String> {
        let mut hits = Vec::new();
        for (place, content) in &self.0 {
            for form in secrets.iter().flat_map(|secret| forms(secret)).filter(|form| content.contains(form.as_str())) {
                let line = content.lines().find(|line| line.contains(&form)).unwrap_or_default();
                hits.push(format!("{place}: {}", line.chars().take(400).collect::<String>()));
            }
        }
        hits
    }
}

#[test]
fn base64_is_what_others_write() {
    assert_eq!(base64(b"Man Ma "), "TWFuIE1hIAAA");
    assert!(forms("abcdefghijkl").contains(&"YWJjZGVmZ2hp".to_owned()));
}

#[test]
fn no_secret_leaves_the_provider() -> Result<(), Failure> {
    let mut stage = stage()?;
    let (secret_key, token) = (canary(&stage, "SecretKey"), canary(&stage, "Token"));
    let (env_key, env_token) = (canary(&stage, "EnvKey"), canary(&stage, "EnvToken"));
    // As long as a secret access key is.
    let echoed = canary(&stage, "Echo0");
    assert_eq!(echoed.len(), 40);
    for (name, value) in [("AWS_SECRET_ACCESS_KEY", &env_key), ("AWS_SESSION_TOKEN", &env_token), ("TF_LOG", &"TRACE".to_owned())] {
        stage.terraform.set(name, value.as_str());
    }
    stage.terraform.set("TF_LOG_PROVIDER", "TRACE");
    let log = stage.terraform.home().join("trace.log");
    stage.terraform.set("TF_LOG_PATH", log.display().to_string());
    let mut said = Said(Vec::new());
    // Once by the environment, once by the provider block.
    let by_block = format!(
        "terraform {{\n  required_providers {{\n    deeploy = {{\n      source = \"deeploy-ml/deeploy\"\n    }}\n  }}\n}}\n\
         variable \"secret_key\" {{\n  sensitive = true\n}}\nvariable \"token\" {{\n  sensitive = true\n}}\n\
         provider \"deeploy\" {{\n  access_key = \"AKIADEEPLOY{}\"\n  secret_key = var.secret_key\n  token = var.token\n}}\n{}",
        stage.world.account(),
        stage.filled(&user(""))
    );
    stage.configure(&user(""))?;
    let run = stage.terraform.apply::<&str>(&[])?.success()?;
    said.0.push(("apply".to_owned(), run.output()));
    let made = text(&stored(&stage)?, "secret_access_key").to_owned();
    assert!(made.len() >= 40);

    stage.terraform.write("main.tf", &by_block)?;
    stage.terraform.set("TF_VAR_secret_key", secret_key.as_str());
    stage.terraform.set("TF_VAR_token", token.as_str());
    let run = stage.terraform.plan::<&str>(&[])?.success()?;
    said.0.push(("plan".to_owned(), run.output()));
    let rotated = by_block.replace("\n  name = \"user", "\n  access_key_rotation = \"two\"\n  name = \"user");
    assert_ne!(rotated, by_block);
    stage.terraform.write("main.tf", &rotated)?;
    // AWS's errors may hold what was sent.
    let message = format!("The value {{\\\"secret_access_key\\\":\\\"{echoed}\\\"}} with key {secret_key} is refused");
    stage.world.order(&json!([{ "on": { "operation": "secretsmanager:PutSecretValue" }, "times": null, "do": "error",
        "code": "InvalidParameterException", "message": message, "status": 400 }]))?;
    let run = stage.terraform.apply::<&str>(&[])?.failure()?;
    stage.world.faults_fired()?;
    check::says(&run, "secretsmanager:PutSecretValue")?;
    said.0.push(("failing apply".to_owned(), run.output()));
    stage.world.order(&json!([]))?;
    let run = stage.terraform.apply::<&str>(&[])?.success()?;
    said.0.push(("apply again".to_owned(), run.output()));
    let second = text(&stored(&stage)?, "secret_access_key").to_owned();
    assert_ne!(second, made);

    for arguments in [vec!["show", "-json", "-no-color"], vec!["show", "-no-color"], vec!["state", "pull"], vec!["state", "show", USER]] {
        said.0.push((arguments.join(" "), stage.terraform.run(&arguments)?.success()?.output()));
    }
    stage.terraform.plan::<&str>(&[])?.success()?;
    let mut plan = stage.terraform.plan_json()?;
    // Terraform's own: the values of variables, sensitive ones too.
    plan.as_object_mut().unwrap().remove("variables");
    said.0.push(("plan JSON".to_owned(), plan.to_string()));
    said.files(&stage)?;
    let logged = said.0.iter().find(|(place, _)| place == "trace.log").map(|(_, content)| content.as_str()).unwrap_or_default();
    assert!(
        logged.contains("[TRACE]") && logged.contains("provider.terraform-provider-deeploy"),
        "nothing was logged: {} bytes",
        logged.len()
    );
    assert!(said.0.iter().any(|(place, _)| place == "terraform.tfstate"));

    let hits = said.hits(&[env_key, env_token, secret_key, token, made, second, echoed]);
    assert!(hits.is_empty(), "{} hits:\n{}", hits.len(), hits.join("\n"));
    check::no_unsupported_call(&stage.world)
}
