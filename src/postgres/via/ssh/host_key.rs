//! Which key the bastion has to have: `known_hosts` in OpenSSH's format (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") and `host_key`.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{Algorithm, HashAlg, PublicKey};
use sha1::Sha1;

use super::super::{ViaError, error::list};

/// Port that names in `known_hosts` stand for when they name none.
const DEFAULT_PORT: u16 = 22;

/// Host key algorithms, best first. SHA-1 signatures of RSA are not among them.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// The keys that are given for one bastion.
#[derive(Debug, Default)]
pub(super) struct HostKeys {
    /// Keys that it may present.
    trusted: Vec<PublicKey>,
    /// Keys that it must not present, with their lines.
    revoked: Vec<(usize, PublicKey)>,
    /// A certificate authority is named for it.
    authority: bool,
}

/// One line of a `known_hosts` file.
struct Line<'a> {
    number: usize,
    marker: Option<&'a str>,
    hosts: &'a str,
    key: PublicKey,
}

impl HostKeys {
    /// What the settings say about `host`:`port`.
    ///
    /// # Errors
    /// Neither setting is given, or one is no text of its kind.
    pub(super) fn given(at: &str, host: &str, port: u16, known_hosts: Option<&str>, host_key: Option<&str>) -> Result<Self, ViaError> {
        if known_hosts.is_none() && host_key.is_none() {
            return Err(ViaError::NoHostKey { at: at.to_owned() });
        }
        let mut keys = match known_hosts {
            Some(text) => Self::of_lines(&lines(text)?, host, port),
            None => Self::default(),
        };
        if let Some(text) = host_key {
            keys.trusted.extend(pinned(text)?);
        }
        Ok(keys)
    }

    fn of_lines(lines: &[Line<'_>], host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        let exact = if port == DEFAULT_PORT { host.clone() } else { format!("[{host}]:{port}") };
        let mut keys = Self::naming(lines, &exact);
        // As OpenSSH: a name without a port counts for every port that no line names.
        if keys.trusted.is_empty() && !keys.authority && exact != host {
            let revoked = keys.revoked;
            keys = Self::naming(lines, &host);
            keys.revoked.extend(revoked);
        }
        keys
    }

    fn naming(lines: &[Line<'_>], name: &str) -> Self {
        let mut keys = Self::default();
        for line in lines.iter().filter(|line| names(line.hosts, name)) {
            match line.marker {
                None => keys.trusted.push(line.key.clone()),
                Some("@revoked") => keys.revoked.push((line.number, line.key.clone())),
                Some(_) => keys.authority = true,
            }
        }
        keys
    }

    /// The algorithms to ask for, those of known keys first: a server with several keys then presents a known one.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let known = |algorithm: &Algorithm| self.trusted.iter().any(|key| same_kind(&key.algorithm(), algorithm));
        let (first, rest): (Vec<_>, Vec<_>) = ALGORITHMS.into_iter().partition(known);
        first.into_iter().chain(rest).collect()
    }

    /// Whether the bastion at `at` is who it should be.
    ///
    /// # Errors
    /// Its key is revoked, another than the known one of the same kind, or unknown.
    pub(super) fn judge(&self, at: &str, presented: &PublicKey) -> Result<(), ViaError> {
        let same = |key: &PublicKey| key.key_data() == presented.key_data();
        let (at, shown) = (at.to_owned(), shown(presented));
        if let Some((line, _)) = self.revoked.iter().find(|(_, key)| same(key)) {
            return Err(ViaError::HostKeyRevoked { at, presented: shown, line: *line });
        }
        if self.trusted.iter().any(same) {
            return Ok(());
        }
        let expected: Vec<String> =
            self.trusted.iter().filter(|key| same_kind(&key.algorithm(), &presented.algorithm())).map(self::shown).collect();
        if !expected.is_empty() {
            return Err(ViaError::HostKeyChanged { at, presented: shown, expected: list(&expected, "or") });
        }
        let known = match &self.trusted[..] {
            [] if self.authority => {
                "`known_hosts` names only a certificate authority for it (@cert-authority), which is not supported here".to_owned()
            }
            [] => "`known_hosts` names no key for it".to_owned(),
            keys => format!("known for it is {}", list(&keys.iter().map(self::shown).collect::<Vec<_>>(), "and")),
        };
        Err(ViaError::HostKeyUnknown { at, presented: shown, known })
    }
}

/// A key for people: kind and fingerprint, as `ssh-keygen -l` shows them.
pub(super) fn shown(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm().as_str(), key.fingerprint(HashAlg::Sha256))
}

/// RSA signs with several hashes; the key is the same.
fn same_kind(one: &Algorithm, other: &Algorithm) -> bool {
    one == other || matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

/// The lines of a `known_hosts` text. Like OpenSSH, those that can't be read are passed over; a text of nothing else is refused.
fn lines(text: &str) -> Result<Vec<Line<'_>>, ViaError> {
    let said: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let read: Vec<Line<'_>> = said.iter().filter_map(|(number, line)| read(*number, line)).collect();
    match said.first() {
        Some((number, _)) if read.is_empty() => Err(ViaError::HostKeySetting {
            attribute: "known_hosts",
            cause: format!(
                "line {number} is no line of a known_hosts file (`name ssh-ed25519 AAAA…`). It takes the file's text, e.g. file(\"~/.ssh/known_hosts\")"
            ),
        }),
        _ => Ok(read),
    }
}

fn read(number: usize, line: &str) -> Option<Line<'_>> {
    let marker = line.split_whitespace().next().filter(|word| word.starts_with('@'));
    let mut words = line.split_whitespace().skip(usize::from(marker.is_some()));
    let (hosts, kind, data) = (words.next()?, words.next()?, words.next()?);
    let key = PublicKey::from_openssh(&format!("{kind} {data}")).ok()?;
    Some(Line { number, marker, hosts, key })
}

/// The keys of `host_key`: a public key a line, with or without the name that `ssh-keyscan` puts before it.
fn pinned(text: &str) -> Result<Vec<PublicKey>, ViaError> {
    let wrong = |cause: String| ViaError::HostKeySetting { attribute: "host_key", cause };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if lines.is_empty() {
        return Err(wrong("it is empty; it takes a public key, e.g. `ssh-ed25519 AAAA…`".to_owned()));
    }
    lines
        .iter()
        .map(|line| {
            if line.starts_with("SHA256:") {
                return Err(wrong("it is a fingerprint; it takes the public key itself, e.g. `ssh-ed25519 AAAA…`".to_owned()));
            }
            let words: Vec<&str> = line.split_whitespace().take(3).collect();
            let key = words.windows(2).find_map(|pair| PublicKey::from_openssh(&pair.join(" ")).ok());
            key.ok_or_else(|| {
                wrong("it is no public key of a kind that is supported (ed25519, ecdsa, rsa), e.g. `ssh-ed25519 AAAA…`".to_owned())
            })
        })
        .collect()
}

/// Whether a line's field of hosts names `name`: patterns with `*` and `?`, `!` against, or one hashed name.
fn names(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return is_hash_of(hashed, name).unwrap_or(false);
    }
    let mut named = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if fits(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => named |= fits(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes()),
        }
    }
    named
}

/// `salt|hash`, both base64: HMAC-SHA1 of the name under the salt.
fn is_hash_of(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let salt = BASE64_STANDARD.decode(salt).ok()?;
    let hash = BASE64_STANDARD.decode(hash).ok()?;
    let mac = Hmac::<Sha1>::new_from_slice(&salt).ok()?;
    Some(mac.chain_update(name).verify_slice(&hash).is_ok())
}

/// Wildcards over bytes. Backtracks to the last star only, so it takes at most pattern × text steps.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(expected) if expected == byte || *expected == b'?' => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    // Public halves of keys that nobody has; made with `ssh-keygen`.
    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbf1CoDsF/6/OOY8lenDqn21MVhr2gNXDeQlPIL5n2N";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDKM4cwlrdlnm8mgGzd7mMKokEjn9wZJzorcASofN7Ex";
    const EC: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOVmrvRw/YBxaLOrQi+GjCtRTStaM5HA7ADqMWbAY2M7xaki2Eogmwwdzm3E1FYugVzBHdTj+1fdZLpZASJ6lDQ=";
    // `ssh-keygen -H` over `bastion.example.com` and `[bastion.example.com]:2222`.
    const HASHED: &str = "|1|0WbzvOklmPKNSmUcY8BMnCKUgKI=|S1aWLURVCIa2S66fs/8nMGwfKaw=";
    const HASHED_PORT: &str = "|1|PxkSdUHpifv/e4MeGbQfzUDc2gw=|Mt9GYHS1YYVTezjpfYufJvMyJic=";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    fn judged(known_hosts: &str, host: &str, port: u16, presented: &str) -> Result<(), ViaError> {
        HostKeys::given("b:22", host, port, Some(known_hosts), None).unwrap().judge("b:22", &key(presented))
    }

    #[test]
    fn a_key_is_known_under_every_spelling_of_openssh() {
        for (hosts, host, port, known) in [
            ("bastion.example.com", "bastion.example.com", 22, true),
            ("Bastion.example.COM", "bastion.example.com", 22, true),
            ("bastion.example.com", "BASTION.example.com", 22, true),
            ("other,bastion.example.com,10.0.0.1", "10.0.0.1", 22, true),
            ("[bastion.example.com]:2222", "bastion.example.com", 2222, true),
            ("[bastion.example.com]:2222", "bastion.example.com", 2223, false),
            ("[bastion.example.com]:2222", "bastion.example.com", 22, false),
            ("bastion.example.com", "bastion.example.com", 2222, true),
            ("*.example.com", "bastion.example.com", 22, true),
            ("*.example.com,!bastion.example.com", "bastion.example.com", 22, false),
            ("bastion?.example.com", "bastion1.example.com", 22, true),
            ("bastion?.example.com", "bastion.example.com", 22, false),
            ("[2001:db8::1]:2222", "2001:db8::1", 2222, true),
            (HASHED, "bastion.example.com", 22, true),
            (HASHED, "bastion2.example.com", 22, false),
            (HASHED_PORT, "bastion.example.com", 2222, true),
            (HASHED_PORT, "bastion.example.com", 22, false),
            ("|1|broken", "bastion.example.com", 22, false),
        ] {
            let judgement = judged(&format!("# a comment\n\n{hosts} {ONE} a comment\n"), host, port, ONE);
            assert_eq!(judgement.is_ok(), known, "{hosts} for {host}:{port}: {judgement:?}");
        }
    }

    #[test]
    fn another_key_has_changed_and_one_of_another_kind_is_unknown() {
        let changed = judged(&format!("b {ONE}"), "b", 22, TWO).unwrap_err();
        let (one, two) = (key(ONE).fingerprint(HashAlg::Sha256).to_string(), key(TWO).fingerprint(HashAlg::Sha256).to_string());
        assert!(matches!(changed, ViaError::HostKeyChanged { .. }));
        assert!(one.starts_with("SHA256:") && changed.to_string().contains(&one) && changed.to_string().contains(&two), "{changed}");
        let unknown = judged(&format!("b {EC}"), "b", 22, TWO).unwrap_err();
        assert!(
            matches!(unknown, ViaError::HostKeyUnknown { .. }) && unknown.to_string().contains("ecdsa-sha2-nistp256 SHA256:"),
            "{unknown}"
        );
        let empty = judged("", "b", 22, TWO).unwrap_err();
        assert!(matches!(empty, ViaError::HostKeyUnknown { .. }) && empty.to_string().contains("names no key"), "{empty}");
        // One of several is enough: hosts have a key of each kind, and two while they change it.
        assert!(judged(&format!("b {ONE}\nb {TWO}"), "b", 22, TWO).is_ok());
    }

    #[test]
    fn markers_revoke_and_authorities_are_not_taken_for_keys() {
        let revoked = judged(&format!("b {ONE}\n@revoked * {ONE}"), "b", 22, ONE).unwrap_err();
        assert!(matches!(revoked, ViaError::HostKeyRevoked { line: 2, .. }), "{revoked}");
        // Also where another port's line decides.
        let revoked = judged(&format!("@revoked [b]:2222 {ONE}\nb {ONE}"), "b", 2222, ONE).unwrap_err();
        assert!(matches!(revoked, ViaError::HostKeyRevoked { line: 1, .. }), "{revoked}");
        let authority = judged(&format!("@cert-authority * {ONE}"), "b", 22, ONE).unwrap_err();
        assert!(authority.to_string().contains("@cert-authority), which is not supported"), "{authority}");
    }

    #[test]
    fn a_pinned_key_counts_as_keyscan_prints_it_or_as_the_file_has_it() {
        for text in
            [ONE.to_owned(), format!("{ONE} root@bastion"), format!("bastion {ONE}"), format!("# bastion:22 SSH-2.0\nbastion {ONE}\n")]
        {
            let keys = HostKeys::given("b:22", "b", 22, None, Some(&text)).unwrap();
            assert!(keys.judge("b:22", &key(ONE)).is_ok(), "{text}");
            assert!(matches!(keys.judge("b:22", &key(TWO)), Err(ViaError::HostKeyChanged { .. })));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_what_to_give() {
        let given = |known: Option<&str>, pin: Option<&str>| HostKeys::given("b:22", "b", 22, known, pin).unwrap_err().to_string();
        assert!(given(None, None).contains("nothing says which key"));
        assert!(given(Some("/home/me/.ssh/known_hosts"), None).contains("the file's text"));
        assert!(given(None, Some("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")).contains("is a fingerprint"));
        assert!(given(None, Some("")).contains("it is empty"));
        assert!(given(None, Some("ssh-ed25519 nonsense")).contains("no public key"));
    }

    #[test]
    fn known_kinds_are_asked_for_first_and_sha1_never() {
        let keys = HostKeys::given("b:22", "b", 22, Some(&format!("b {EC}")), None).unwrap().algorithms();
        assert_eq!(keys[0].as_str(), "ecdsa-sha2-nistp256");
        assert_eq!(keys.len(), ALGORITHMS.len());
        assert!(!keys.contains(&Algorithm::Rsa { hash: None }));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(known in ".{0,200}", pin in ".{0,200}") {
            let _ = HostKeys::given("b:22", "b", 22, Some(&known), Some(&pin));
        }

        #[test]
        fn wildcards_are_those_of_a_slow_and_plain_matcher(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            fn plain(pattern: &[u8], text: &[u8]) -> bool {
                match pattern {
                    [] => text.is_empty(),
                    [b'*', rest @ ..] => (0..=text.len()).any(|n| plain(rest, &text[n..])),
                    [one, rest @ ..] => text.first().is_some_and(|byte| (one == byte || *one == b'?') && plain(rest, &text[1..])),
                }
            }
            proptest::prop_assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), plain(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
