//! How long a user with two databases takes on a real server on loopback, as Terraform itself tells the time of the apply.

use std::path::Path;

use acceptance_tests::{Environment, Failure, Folders, POSTGRES_VERSIONS, Postgres, Prerequisites, Sandbox, Terraform, World};
use serde_json::{Value, json};

use crate::prepare;

/// Enough for a median: a user each.
const USERS: usize = 11;

/// Prints them.
pub(crate) fn figures(folders: &Folders, provider: &Path) -> Result<(), Failure> {
    prepare::postgres(folders)?;
    let python = prepare::environment_of(folders, Environment::SANDBOX)?.python();
    let sandbox = Sandbox::start(folders, &python, 0)?;
    let prerequisites = Prerequisites { folders: folders.clone(), provider: provider.to_path_buf(), sandbox_python: python };
    for version in POSTGRES_VERSIONS {
        let world = World::new(&sandbox);
        let server = Postgres::start(folders, version)?;
        let value = json!({ "username": server.admin(), "password": server.admin_password() }).to_string();
        let made = world.secrets_manager("CreateSecret", &json!({ "Name": "admin", "SecretString": value }))?;
        let mut times = Vec::new();
        for at in 0..USERS {
            let terraform = Terraform::new(prerequisites.terraform(None)?, provider, &world)?;
            terraform.configure(&format!(
                "resource \"deeploy_rds_user\" \"this\" {{\n  host = {:?}\n  port = {}\n  admin_secret_arn = {}\n  ca_certificate = file({:?})\n  \
                 username = \"user{at}\"\n  databases = [\"first{at}\", \"second{at}\"]\n}}\n",
                server.host(),
                server.port(),
                made.get("ARN").unwrap_or(&Value::Null),
                server.ca_file()
            ))?;
            let done = terraform.run(&["apply", "-json", "-auto-approve"])?.success()?;
            times.push(seconds(&done.stdout)?);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "  user and two databases, PostgreSQL {version:?} {:.2} s median of {USERS}, {:.2} s worst",
            times.get(USERS / 2).copied().unwrap_or_default(),
            times.last().copied().unwrap_or_default()
        );
    }
    Ok(())
}

/// From `apply_start` to `apply_complete` of Terraform's own log, to the microsecond.
fn seconds(log: &str) -> Result<f64, Failure> {
    let mut stamps = [None, None];
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let at = ["apply_start", "apply_complete"].iter().position(|kind| text("type") == *kind);
        if let Some(stamp) = at.and_then(|at| stamps.get_mut(at)) {
            *stamp = of_day(&text("@timestamp"));
        }
    }
    match stamps {
        [Some(start), Some(end)] => Ok((end - start).rem_euclid(24.0 * 3600.0)),
        _ => Err(Failure::new(format!("no start and end of an apply in {log}"))),
    }
}

/// `2026-11-28T01:02:03.456789Z` → seconds of the day.
fn of_day(stamp: &str) -> Option<f64> {
    let time = stamp.split_once('T')?.1.get(..15)?;
    let mut parts = time.split(':').map(str::parse::<f64>);
    Some(parts.next()?.ok()? * 3600.0 + parts.next()?.ok()? * 60.0 + parts.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_applys_time_is_that_of_terraforms_log() {
        let log = r#"{"type":"apply_start","@timestamp":"2026-11-28T23:59:59.750000Z"}
not json
{"type":"apply_complete","@timestamp":"2026-11-29T00:00:00.125000Z"}"#;
        assert!((seconds(log).unwrap_or_default() - 0.375).abs() < 1e-6);
        assert!(seconds("").is_err());
    }
}
