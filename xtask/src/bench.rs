//! `cargo xtask bench`: the figures of the release build (`--debug`: the command itself, tried without one).

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use acceptance_tests::{Environment, Failure, Folders, Prerequisites, Sandbox, Terraform, World, check};
use serde_json::Value;

#[cfg(unix)]
use crate::bench_rds_user;
use crate::{arguments::Arguments, bench_environment, package, prepare, screen};

/// Enough for a median that doesn't move.
const STARTS: usize = 41;
/// A plan takes some tenths of a second.
const PLANS: usize = 9;

pub(crate) fn run(folders: &Folders, mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let release = !arguments.flag("--debug");
    arguments.end()?;
    screen::step(if release { "building the release" } else { "building the debug build: its figures are no promise" });
    let archive = package::make(folders, release)?;
    let provider = folders.provider(release);
    let kilobytes = |file: &Path| fs::metadata(file).map_or(0, |about| about.len() / 1_000);
    println!("  binary                              {} kB, archive {} kB", kilobytes(&provider), kilobytes(&archive));

    let mut starts = Vec::new();
    let mut resident = None;
    for _ in 0..STARTS {
        let (took, child) = Handshake::start(&provider)?;
        starts.push(took);
        resident = resident.or(child.resident_kb());
    }
    println!(
        "  start to handshake line with mTLS   {} median of {STARTS}, {} worst",
        milliseconds(median(&mut starts)),
        milliseconds(worst(&starts))
    );
    match resident {
        Some(kb) => println!("  resident memory after the handshake {kb} kB"),
        None => println!("  resident memory after the handshake can't be read on this system"),
    }
    plans(folders, &provider)?;
    #[cfg(unix)]
    bench_rds_user::figures(folders, &provider)?;
    bench_environment::figures(folders, &provider)?;
    Ok(ExitCode::SUCCESS)
}

fn plans(folders: &Folders, provider: &Path) -> Result<(), Failure> {
    let python = prepare::environment_of(folders, Environment::SANDBOX)?.python();
    let sandbox = Sandbox::start(folders, &python, 0)?;
    let world = World::new(&sandbox);
    let prerequisites = Prerequisites { folders: folders.clone(), provider: provider.to_path_buf(), sandbox_python: python };
    let terraform = Terraform::new(prerequisites.terraform(None)?, provider, &world)?;
    terraform.copy(&folders.root.join("examples").join("quickstart"))?;
    let mut creating = (0..PLANS).map(|_| Ok(terraform.plan::<&str>(&[])?.success()?.wall)).collect::<Result<Vec<Duration>, Failure>>()?;
    println!("  plan of the quickstart, nothing made {} median of {PLANS}", milliseconds(median(&mut creating)));
    terraform.apply::<&str>(&[])?.success()?;
    let mut empty = (0..PLANS).map(|_| Ok(terraform.plan::<&str>(&[])?.success()?.wall)).collect::<Result<Vec<Duration>, Failure>>()?;
    println!("  plan of the quickstart, all made     {} median of {PLANS}", milliseconds(median(&mut empty)));
    let before = world.calls()?.len();
    check::empty_plan(&terraform)?;
    calls_of_a_plan(&world.calls()?, before);
    terraform.destroy::<&str>(&[])?.success().map(|_| ())
}

/// The table of calls: how often each API was called, on how many objects.
fn calls_of_a_plan(calls: &[Value], before: usize) {
    let text = |call: &Value, key: &str| call.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut table: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    let mut mutations = 0;
    for call in calls.iter().skip(before) {
        mutations += usize::from(call.get("mutating").and_then(Value::as_bool).unwrap_or(true));
        let api = format!("{}:{}", text(call, "service"), text(call, "operation"));
        *table.entry(api).or_default().entry(text(call, "resource")).or_default() += 1;
    }
    println!("  calls of an empty plan: {} in all, {mutations} mutating", calls.len().saturating_sub(before));
    for (api, objects) in &table {
        let most = objects.values().max().copied().unwrap_or_default();
        println!("    {api:<44} {} objects, at most {most} times each", objects.len());
    }
}

/// A provider that has said its handshake line; dropping it ends it.
struct Handshake {
    child: Child,
}

impl Handshake {
    fn start(provider: &Path) -> Result<(Duration, Self), Failure> {
        let mut command = Command::new(provider);
        command.env("TF_PLUGIN_MAGIC_COOKIE", MAGIC_COOKIE).env("PLUGIN_PROTOCOL_VERSIONS", "6");
        command.env("PLUGIN_CLIENT_CERT", include_str!("bench-client.pem"));
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.map_err(|error| Failure::io("starting the provider", &error))?;
        let mut line = String::new();
        let read = child.stdout.take().map_or(Ok(0), |stdout| BufReader::new(stdout).read_line(&mut line));
        let took = begun.elapsed();
        let handshake = Self { child };
        read.map_err(|error| Failure::io("reading the handshake line", &error))?;
        // core protocol | version | network | address | grpc | certificate
        if line.starts_with("1|6|") && line.trim().split('|').count() >= 6 {
            Ok((took, handshake))
        } else {
            Err(Failure::new(format!("the provider said {line:?} in place of a handshake with a certificate")))
        }
    }

    fn resident_kb(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Terraform sets so that a plugin knows who starts it: public, and no secret.
const MAGIC_COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn worst(sorted: &[Duration]) -> Duration {
    sorted.last().copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let mut times = [9, 1, 5].map(Duration::from_millis);
        assert_eq!(milliseconds(median(&mut times)), "5.0 ms");
        assert_eq!(milliseconds(worst(&times)), "9.0 ms");
    }
}
