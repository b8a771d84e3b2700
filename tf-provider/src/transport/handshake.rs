//! go-plugin's handshake: what the client put into the environment, and the one line that answers it.

use std::{fmt::Write as _, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// Says "I am a Terraform CLI, not a person". Public and the same for all providers: it protects from accidents only.
const COOKIE: (&str, &str) = ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// go-plugin's own version, and the plugin protocol's.
const CORE_PROTOCOL: u32 = 1;
/// The one that this crate speaks.
pub(crate) const PLUGIN_PROTOCOL: u32 = 6;

/// What the client wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// The only certificate that may connect, PEM. None: no TLS (reattach only).
    pub(crate) client_certificate: Option<String>,
    /// Where a unix socket goes; None: a private folder in the temporary one.
    pub(crate) socket_directory: Option<PathBuf>,
    /// TCP ports to choose from, inclusive; None: any.
    pub(crate) ports: Option<(u16, u16)>,
    /// The client looks for a seventh field in the answer.
    pub(crate) multiplex: bool,
}

/// Why this process can't serve its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A person started it.
    Person,
    /// The client speaks other protocols; they are listed.
    Protocols(String),
    /// The client turned TLS off.
    Plaintext,
}

impl Invitation {
    /// Where to listen for `--debug`: no client to ask, no certificate.
    pub(crate) fn reattach(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self { client_certificate: None, multiplex: false, ..Self::read(variable) }
    }

    /// What a CLI asks for in the environment.
    pub(crate) fn from_client(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Refusal> {
        let (cookie, value) = COOKIE;
        if variable(cookie).as_deref() != Some(value) {
            return Err(Refusal::Person);
        }
        if let Some(offered) = variable("PLUGIN_PROTOCOL_VERSIONS").filter(|list| !list.is_empty())
            && !offered.split(',').any(|version| version.trim().parse() == Ok(PLUGIN_PROTOCOL))
        {
            return Err(Refusal::Protocols(offered));
        }
        let invitation = Self::read(variable);
        if invitation.client_certificate.is_none() { Err(Refusal::Plaintext) } else { Ok(invitation) }
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|text| !text.is_empty());
        let port = |name: &str| set(name).and_then(|text| text.parse::<u16>().ok()).filter(|port| *port > 0);
        Self {
            client_certificate: set("PLUGIN_CLIENT_CERT"),
            socket_directory: set("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            ports: port("PLUGIN_MIN_PORT").map(|low| (low, port("PLUGIN_MAX_PORT").unwrap_or(u16::MAX).max(low))),
            multiplex: variable("PLUGIN_MULTIPLEX_GRPC").is_some(),
        }
    }
}

impl Refusal {
    /// What the caller reads.
    pub(crate) fn text(&self, name: &str, version: &str, source: &str) -> String {
        match self {
            Self::Person => format!(
                "This is {name} {version}, a provider for Terraform and OpenTofu. Their CLI starts it; it does nothing by hand.\n\n\
                 To use it, write this into a configuration and run `terraform init`:\n\n\
                 terraform {{\n  required_providers {{\n    {short} = {{\n      source  = \"{source}\"\n      version = \"{version}\"\n    }}\n  }}\n}}\n\n\
                 To run it under a debugger, start it with --debug and export the line that it prints.",
                short = source.rsplit('/').next().unwrap_or(name),
            ),
            Self::Protocols(offered) => format!(
                "{name} {version} speaks plugin protocol {PLUGIN_PROTOCOL}, but this CLI offers only {offered}. Upgrade to Terraform 1.8 or OpenTofu 1.7, or newer."
            ),
            Self::Plaintext => format!(
                "{name} {version} talks to its CLI over TLS only, but the CLI sent no certificate (PLUGIN_CLIENT_CERT). Unset TF_DISABLE_PLUGIN_TLS."
            ),
        }
    }
}

/// The line on stdout: `1|6|unix|PATH|grpc|CERTIFICATE`, the certificate as base64 of its DER **without padding**.
pub(crate) fn handshake_line(network: &str, address: &str, certificate: Option<&[u8]>, multiplex: bool) -> String {
    let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
    let mut line = format!("{CORE_PROTOCOL}|{PLUGIN_PROTOCOL}|{network}|{address}|grpc|{certificate}");
    if multiplex {
        // A client that doesn't ask for this field would read it as an error; one that asks wants to know that we don't multiplex.
        line.push_str("|false");
    }
    line
}

/// What a person exports to make Terraform attach to a running process.
pub(crate) fn reattach_line(source: &str, network: &str, address: &str, pid: u32) -> String {
    let source = match source.matches('/').count() {
        0 | 1 => format!("registry.terraform.io/{source}"),
        _ => source.to_owned(),
    };
    let providers = serde_json::json!({ source: {
        "Protocol": "grpc",
        "ProtocolVersion": PLUGIN_PROTOCOL,
        "Pid": pid,
        "Test": true,
        "Addr": { "Network": network, "String": address },
    }});
    let mut line = String::from("TF_REATTACH_PROVIDERS=");
    // POSIX shells end a quoted word at a single quote; a path may hold one.
    let _ = write!(line, "'{}'", providers.to_string().replace('\'', r"'\''"));
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn a_person_is_told_what_this_is_and_how_to_install_it() {
        assert_eq!(Invitation::from_client(environment(&[])), Err(Refusal::Person));
        assert_eq!(Invitation::from_client(environment(&[(COOKIE.0, "something else")])), Err(Refusal::Person));
        let text = Refusal::Person.text("terraform-provider-probe", "1.2.3", "example/probe");
        for part in ["terraform-provider-probe 1.2.3", "source  = \"example/probe\"", "probe = {", "terraform init", "--debug"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn the_protocol_list_must_hold_ours() {
        for (list, accepted) in [("5,6", true), ("6", true), ("5, 6,7", true), ("5", false), ("16,60", false), ("", true)] {
            let pairs = [COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", list), ("PLUGIN_CLIENT_CERT", "pem")];
            let answer = Invitation::from_client(environment(&pairs));
            assert_eq!(answer.is_ok(), accepted, "{list}");
            if let Err(refusal) = answer {
                let text = refusal.text("probe", "1", "example/probe");
                assert!(text.contains(list) && text.contains("Upgrade"), "{text}");
            }
        }
    }

    #[test]
    fn a_client_without_a_certificate_is_refused() {
        assert_eq!(Invitation::from_client(environment(&[COOKIE])), Err(Refusal::Plaintext));
        assert_eq!(Invitation::from_client(environment(&[COOKIE, ("PLUGIN_CLIENT_CERT", "")])), Err(Refusal::Plaintext));
        assert!(Invitation::reattach(environment(&[("PLUGIN_CLIENT_CERT", "pem")])).client_certificate.is_none());
    }

    #[test]
    fn what_the_client_asks_for_is_read() {
        let pairs = [
            COOKIE,
            ("PLUGIN_CLIENT_CERT", "pem"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/x"),
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "25000"),
            ("PLUGIN_MULTIPLEX_GRPC", "true"),
        ];
        assert_eq!(
            Invitation::from_client(environment(&pairs)).unwrap(),
            Invitation {
                client_certificate: Some("pem".into()),
                socket_directory: Some("/run/x".into()),
                ports: Some((10000, 25000)),
                multiplex: true
            }
        );
    }

    #[test]
    fn the_line_has_seven_fields_only_when_asked() {
        // One byte: standard base64 would pad it to `/w==`.
        assert_eq!(handshake_line("unix", "/s", Some(&[255]), false), "1|6|unix|/s|grpc|/w");
        assert_eq!(handshake_line("tcp", "127.0.0.1:9", None, true), "1|6|tcp|127.0.0.1:9|grpc||false");
    }

    #[test]
    fn reattach_names_the_full_source_and_survives_a_shell() {
        let line = reattach_line("example/probe", "unix", "/tmp/it's", 7);
        let json = line.strip_prefix("TF_REATTACH_PROVIDERS='").unwrap().strip_suffix('\'').unwrap().replace(r"'\''", "'");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let entry = value.get("registry.terraform.io/example/probe").unwrap();
        assert_eq!(entry.pointer("/Addr/String").unwrap(), "/tmp/it's");
        assert_eq!(entry.get("Test").unwrap(), true);
        assert_eq!(entry.get("ProtocolVersion").unwrap(), 6);
    }
}
