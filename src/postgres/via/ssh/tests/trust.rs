//! Which bastions are spoken to.

use super::*;

#[tokio::test]
async fn a_known_bastion_is_known_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "key", &["-t", "ed25519"]);
    let sshd = Sshd::start(&[&key], &[]).await;
    let line = sshd.known_hosts();
    let bare = line.split_once(' ').unwrap().1.to_owned();
    let hashed = sshd::hashed(folder.path(), &line);
    assert!(hashed.starts_with("|1|"), "{hashed}");
    for (known_hosts, host_key) in [
        (Some(line), None),
        (Some(hashed), None),
        (Some(format!("127.0.0.1 {bare}")), None),
        (Some(String::new()), Some(bare.clone())),
        (None, Some(bare)),
    ] {
        let shown = format!("{known_hosts:?} {host_key:?}");
        let way = Ssh::new(SshSettings { known_hosts, host_key, ..sshd.settings(Some(&key)) });
        let echo = echo().await;
        let opened = way.open("127.0.0.1", echo.port()).await.err();
        assert!(opened.is_none(), "{shown}: {opened:?}");
    }
}

#[tokio::test]
async fn an_unknown_bastion_is_refused_before_anything_is_said_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (key, other) = (keygen(folder.path(), "key", &["-t", "ed25519"]), keygen(folder.path(), "other", &["-t", "ed25519"]));
    let sshd = Sshd::start(&[&key], &[]).await;
    let changed = format!("[127.0.0.1]:{} {}", sshd.port, sshd::public(&other));
    let revoked = format!("{}@revoked * {}", sshd.known_hosts(), sshd.known_hosts().split_once(' ').unwrap().1);
    let mut seen = Vec::new();
    for known_hosts in [String::new(), "other.example.com ".to_owned() + &sshd::public(&other), changed, revoked] {
        let way = Ssh::new(SshSettings { known_hosts: Some(known_hosts), ..sshd.settings(Some(&key)) });
        let error = fails(&way).await;
        assert!(!error.is_unreachable() && error.to_string().contains("Nothing was sent to it"), "{error}");
        seen.push(error);
        // The server noticed that we went, so its log is complete.
        sshd.logs_times("[preauth]\ndebug1: do_cleanup", seen.len()).await;
    }
    assert!(matches!(
        &seen[..],
        [
            ViaError::HostKeyUnknown { .. },
            ViaError::HostKeyUnknown { .. },
            ViaError::HostKeyChanged { .. },
            ViaError::HostKeyRevoked { .. }
        ]
    ));
    let ViaError::HostKeyChanged { presented, expected, .. } = &seen[2] else { panic!("{seen:?}") };
    assert!(presented.starts_with("ssh-ed25519 SHA256:") && expected.starts_with("ssh-ed25519 SHA256:") && presented != expected);
    assert!(!sshd.log().contains("userauth-request"), "{}", sshd.log());
}

#[tokio::test]
async fn without_a_known_key_not_even_a_connection_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "key", &["-t", "ed25519"]);
    let sshd = Sshd::start(&[&key], &[]).await;
    let error = fails(&Ssh::new(SshSettings { known_hosts: None, host_key: None, ..sshd.settings(Some(&key)) })).await;
    assert!(matches!(error, ViaError::NoHostKey { .. }) && !error.is_unreachable(), "{error}");
    assert!(!sshd.log().contains("Connection from"), "{}", sshd.log());
}
