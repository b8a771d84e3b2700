//! Against a real sshd. What is asserted about a refusal is what the server saw, too.

mod forwarding;
mod sshd;
mod trust;

use std::{net::SocketAddr, path::Path};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::TcpListener,
};

use super::*;
use sshd::{SshAgent, Sshd, keygen};

/// A server that gives back what it gets; it ends with the test's runtime.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

/// Sends a text to the echo and takes it back.
async fn say(stream: &mut BoxedStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await.unwrap();
    String::from_utf8(back).unwrap()
}

async fn reaches(way: &dyn Way) {
    let echo = echo().await;
    let mut stream = way.open("127.0.0.1", echo.port()).await.unwrap();
    assert_eq!(say(&mut stream, "hello").await, "hello");
}

async fn fails(way: &dyn Way) -> ViaError {
    let echo = echo().await;
    way.open("127.0.0.1", echo.port()).await.err().expect("the way is refused")
}

#[tokio::test]
async fn every_kind_of_key_in_every_format_logs_in() {
    let folder = tempfile::tempdir().unwrap();
    let kinds: [(&str, &[&str]); 11] = [
        ("ed25519", &["-t", "ed25519"]),
        ("ed25519-locked", &["-t", "ed25519", "-N", "correct horse"]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
        ("p256-sec1", &["-t", "ecdsa", "-b", "256", "-m", "PEM"]),
        ("p256-pkcs8-locked", &["-t", "ecdsa", "-b", "256", "-m", "PKCS8", "-N", "correct horse"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa-locked", &["-t", "rsa", "-b", "2048", "-N", "correct horse"]),
        ("rsa-pkcs1", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa-pkcs1-locked", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "correct horse"]),
    ];
    let keys: Vec<_> = kinds.iter().map(|(name, arguments)| keygen(folder.path(), name, arguments)).collect();
    let sshd = Sshd::start(&keys.iter().map(AsRef::as_ref).collect::<Vec<&Path>>(), &[]).await;
    for ((name, _), key) in kinds.iter().zip(&keys) {
        let mut settings = sshd.settings(Some(key));
        // A passphrase that is not needed does no harm.
        settings.private_key_passphrase = Some(Secret::new("correct horse".into()));
        let way = Ssh::new(settings);
        let echo = echo().await;
        let mut stream = way.open("127.0.0.1", echo.port()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(say(&mut stream, name).await, *name);
    }
    // OpenSSH's server takes no SHA-1: that RSA keys are accepted shows that they sign with SHA-2.
    sshd.logs_times("Accepted publickey for", kinds.len()).await;
}

#[tokio::test]
async fn an_agents_key_logs_in_after_one_that_is_not_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let (stranger, rsa) =
        (keygen(folder.path(), "stranger", &["-t", "ed25519"]), keygen(folder.path(), "rsa", &["-t", "rsa", "-b", "2048"]));
    let agent = SshAgent::start(folder.path(), &[&stranger, &rsa]);
    let sshd = Sshd::start(&[&rsa], &[]).await;
    let mut way = Ssh::new(sshd.settings(None));
    way.agent = Some(agent.socket.clone().into());
    reaches(&way).await;
    assert_eq!(sshd.log().matches("Accepted publickey for").count(), 1);
}

#[tokio::test]
async fn an_agent_without_keys_or_no_agent_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let agent = SshAgent::start(folder.path(), &[]);
    let sshd = Sshd::start(&[], &[]).await;
    for (socket, expected) in [
        (agent.socket.clone().into(), "holds no key"),
        (OsString::new(), "SSH_AUTH_SOCK is not set"),
        ("/nowhere/agent".into(), "/nowhere/agent: "),
    ] {
        let mut way = Ssh::new(sshd.settings(None));
        way.agent = Some(socket);
        let error = fails(&way).await;
        assert!(error.to_string().contains(expected) && !error.is_unreachable(), "{error}");
    }
    let error = fails(&Ssh::new(sshd.settings(None))).await;
    assert!(matches!(error, ViaError::NoIdentity { .. }), "{error}");
    assert!(!sshd.log().contains("Connection from"), "nothing of this needs the bastion: {}", sshd.log());
}

#[tokio::test]
async fn a_key_that_is_not_admitted_is_told_with_what_the_bastion_offers() {
    let folder = tempfile::tempdir().unwrap();
    let (known, stranger) = (keygen(folder.path(), "known", &["-t", "ed25519"]), keygen(folder.path(), "stranger", &["-t", "ed25519"]));
    let sshd = Sshd::start(&[&known], &[]).await;
    let error = fails(&sshd.way(&stranger)).await;
    let text = error.to_string();
    assert!(matches!(error, ViaError::AuthenticationRefused { .. }) && !error.is_unreachable(), "{text}");
    assert!(text.contains("It offers publickey.") && text.contains("ssh-ed25519 SHA256:"), "{text}");
    let sshd = Sshd::start(&[&known], &["AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"]).await;
    let text = fails(&sshd.way(&known)).await.to_string();
    assert!(text.contains("asks for more: keyboard-interactive (only keys are supported here)"), "{text}");
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let locked = keygen(folder.path(), "locked", &["-t", "ed25519", "-N", "correct horse"]);
    let sshd = Sshd::start(&[&locked], &[]).await;
    assert!(matches!(fails(&sshd.way(&locked)).await, ViaError::KeyEncrypted));
    let mut settings = sshd.settings(Some(&locked));
    settings.private_key_passphrase = Some(Secret::new("canary battery".into()));
    let error = fails(&Ssh::new(settings)).await;
    assert!(matches!(error, ViaError::PassphraseWrong) && !format!("{error} {error:?}").contains("canary"), "{error}");
    for text in ["/home/me/.ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nY2FuYXJ5\n-----END OPENSSH PRIVATE KEY-----", ""] {
        let mut settings = sshd.settings(None);
        settings.private_key = Some(Secret::new(text.into()));
        let error = fails(&Ssh::new(settings)).await;
        assert!(matches!(error, ViaError::KeyUnreadable { .. }) && !format!("{error} {error:?}").contains("Y2FuYXJ5"), "{error}");
    }
    assert!(!sshd.log().contains("Connection from"), "nothing of this needs the bastion: {}", sshd.log());
}
