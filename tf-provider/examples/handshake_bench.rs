//! How long a provider takes from start to handshake line, and what it weighs when idle.
//!
//! `cargo run --release -p tf-provider --example handshake_bench -- PATH_OF_A_PROVIDER [RUNS]`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool that prints its result")]

use std::{
    error::Error,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// Starts that are measured, unless told otherwise.
const RUNS: usize = 50;
/// Starts before, which fill the system's file cache.
const WARM_UP: usize = 3;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(provider) = arguments.next() else {
        eprintln!("usage: handshake_bench PATH_OF_A_PROVIDER [RUNS]");
        return ExitCode::FAILURE;
    };
    let runs = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(RUNS).max(1);
    match measure(Path::new(&provider), runs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{provider}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(provider: &Path, runs: usize) -> Result<(), Box<dyn Error>> {
    let certificate = terraforms_certificate()?;
    let folder = std::env::temp_dir();
    for _ in 0..WARM_UP {
        start(provider, &certificate, &folder)?;
    }
    let mut times = Vec::with_capacity(runs);
    let mut memory = None;
    for _ in 0..runs {
        let (time, rss_kib) = start(provider, &certificate, &folder)?;
        times.push(time);
        memory = memory.max(rss_kib);
    }
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() - 1) * percent / 100).copied().unwrap_or_default().as_secs_f64() * 1_000.0;
    println!(
        "start to handshake line with mTLS, {runs} runs: median {:.1} ms, best {:.1} ms, 95th percentile {:.1} ms",
        at(50),
        at(0),
        at(95)
    );
    match memory {
        Some(kib) => {
            let kilobytes = kib * 1_024 / 1_000;
            println!("resident when idle, largest: {}.{} MB", kilobytes / 1_000, kilobytes % 1_000 / 100);
        }
        None => println!("resident when idle: unknown here (no /proc)"),
    }
    Ok(())
}

/// Starts the provider once: time to its line, and its resident memory in KiB after it.
fn start(provider: &Path, certificate: &str, folder: &Path) -> Result<(Duration, Option<u64>), Box<dyn Error>> {
    let mut command = Command::new(provider);
    command
        .env("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_CLIENT_CERT", certificate)
        .env("PLUGIN_UNIX_SOCKET_DIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let mut line = String::new();
    let heard = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line)).transpose();
    let time = began.elapsed();
    let memory = rss_kib(&child);
    child.kill()?;
    child.wait()?;
    heard?;
    // A killed provider can't unlink its socket.
    let socket = line.split('|').nth(3).filter(|_| line.starts_with("1|6|unix|"));
    let socket = socket.ok_or("it answered with no handshake on a unix socket")?;
    let _ = fs::remove_file(socket);
    Ok((time, memory))
}

fn rss_kib(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

fn terraforms_certificate() -> Result<String, rcgen::Error> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)?;
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    Ok(parameters.self_signed(&key)?.pem())
}
