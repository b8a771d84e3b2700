//! How the process ends, and how it doesn't.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use crate::started::{Started, binary, wait_until};

#[test]
fn sigterm_removes_the_socket() {
    let mut provider = Started::new();
    let socket = provider.socket();
    assert!(socket.exists());
    provider.signal("-TERM");
    assert_eq!(provider.end().code(), Some(143));
    assert!(!socket.exists());
}

#[test]
fn ctrl_c_is_left_to_terraform() {
    let mut provider = Started::new();
    provider.signal("-INT");
    provider.signal("-INT");
    assert!(provider.connect(Some(&provider.client)).is_ok());
    assert!(provider.child.try_wait().unwrap().is_none());
}

#[test]
fn a_client_that_is_gone_takes_the_provider_with_it() {
    let mut provider = Started::new();
    let socket = provider.socket();
    let connection = provider.connect(Some(&provider.client)).unwrap();
    assert!(provider.child.try_wait().unwrap().is_none());
    drop(connection);
    assert!(provider.end().success());
    assert!(!socket.exists());
}

#[test]
fn debug_waits_for_terraform_until_ctrl_c() {
    let mut child = Command::new(binary()).arg("--debug").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("TF_REATTACH_PROVIDERS=")).unwrap();
    let json = line.trim().strip_prefix("TF_REATTACH_PROVIDERS='").unwrap().trim_end_matches('\'');
    let providers: serde_json::Value = serde_json::from_str(json).unwrap();
    let entry = &providers["registry.terraform.io/example/probe"];
    assert_eq!(entry["Pid"], child.id());
    let socket = Path::new(entry["Addr"]["String"].as_str().unwrap()).to_owned();
    assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok());
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut status = None;
    wait_until("the provider ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.unwrap().success());
    assert!(!socket.exists());
}
