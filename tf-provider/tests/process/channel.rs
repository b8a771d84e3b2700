//! Who may talk to the provider, and what a person is told.

use std::{io::Read as _, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use crate::started::{Identity, Started, binary, invitation};

#[test]
fn the_handshake_is_one_line_and_the_socket_private() {
    let mut provider = Started::new();
    let fields = provider.fields();
    assert_eq!(fields.len(), 6, "{fields:?}");
    assert_eq!((fields[0], fields[1], fields[2], fields[4]), ("1", "6", "unix", "grpc"));
    assert!(!fields[5].contains('='), "base64 without padding");
    assert!(STANDARD_NO_PAD.decode(fields[5]).is_ok());
    assert!(provider.socket().starts_with(provider.folder.path()));
    assert_eq!(provider.socket_mode(), 0o600);
    provider.signal("-TERM");
    provider.end();
    let mut rest = String::new();
    provider.out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing but the handshake is ever written to stdout");
}

#[test]
fn only_terraforms_certificate_is_let_in() {
    let provider = Started::new();
    assert!(provider.connect(Some(&Identity::new())).is_err(), "a stranger's certificate");
    assert!(provider.connect(None).is_err(), "no certificate");
    // Somebody who says nothing holds up nobody.
    let _silent = std::os::unix::net::UnixStream::connect(provider.socket()).unwrap();
    let mut refused = Vec::new();
    let mut plain = std::os::unix::net::UnixStream::connect(provider.socket()).unwrap();
    std::io::Write::write_all(&mut plain, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let _ = plain.read_to_end(&mut refused);
    assert!(!refused.starts_with(b"\0\0"), "HTTP/2 without TLS was answered");
    assert!(provider.connect(Some(&provider.client)).is_ok(), "the client's own, after all these");
}

#[test]
fn a_person_is_told_what_this_is() {
    let output = Command::new(binary()).env_remove("TF_PLUGIN_MAGIC_COOKIE").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    for part in ["terraform-provider-probe", "terraform init", "example/probe"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn an_old_client_and_one_without_tls_are_refused_with_a_reason() {
    let (client, folder) = (Identity::new(), tempfile::tempdir().unwrap());
    let old = invitation(&client, folder.path()).env("PLUGIN_PROTOCOL_VERSIONS", "4,5").output().unwrap();
    let plain = invitation(&client, folder.path()).env_remove("PLUGIN_CLIENT_CERT").output().unwrap();
    let broken = invitation(&client, folder.path()).env("PLUGIN_CLIENT_CERT", "nonsense").output().unwrap();
    for (output, part) in [(old, "Upgrade"), (plain, "TF_DISABLE_PLUGIN_TLS"), (broken, "PLUGIN_CLIENT_CERT")] {
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{text}");
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "no socket is left");
}
