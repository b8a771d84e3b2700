//! Why a way could not be gone. Each message says the cause and what to do; none holds a key, a passphrase or a token.

use std::{fmt, io, time::Duration};

/// A failure of a way, before any byte of the database was seen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ViaError {
    /// No address belongs to the name.
    #[error(
        "the name {host} can't be resolved ({cause}). Check the spelling, and whether the name is only known inside the private network: then a bastion or a node has to be the way in"
    )]
    Unresolved {
        /// The name that was asked for.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// A machine answers, but nothing listens there.
    #[error("{at} refused the connection: nothing listens on that port, or a firewall rejects it. Check host and port, and that it runs")]
    Refused {
        /// `host:port`.
        at: String,
    },
    /// Nobody answered.
    #[error("{at} did not answer within {} s. A security group, a network ACL or a missing route drops the packets: admit this machine, or take another way in", after.as_secs_f32())]
    TimedOut {
        /// `host:port`, or what was awaited.
        at: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// Any other failure of the network.
    #[error("{at} can't be reached: {cause}")]
    Network {
        /// `host:port`.
        at: String,
        /// What the operating system said.
        cause: String,
    },

    /// Nothing says which key the bastion has to have.
    #[error(
        "nothing says which key the bastion {at} must have, and an unknown one is never trusted. Set `known_hosts` to the text of a known_hosts file, \
         or `host_key` to the bastion's public key (a line of `ssh-keyscan`, compared with what the bastion's console shows)"
    )]
    NoHostKey {
        /// `host:port` of the bastion.
        at: String,
    },
    /// The bastion's key is not among those given for it.
    #[error(
        "the bastion {at} presents the key {presented}, which is not known: {known}. Nothing was sent to it. Compare the fingerprint with the one that the \
         bastion's console shows, and only then add the key to `known_hosts` or `host_key`"
    )]
    HostKeyUnknown {
        /// `host:port` of the bastion.
        at: String,
        /// Kind and fingerprint.
        presented: String,
        /// What is known instead.
        known: String,
    },
    /// The bastion's key is another than the one given for it.
    #[error(
        "the key of the bastion {at} has changed: it presents {presented}, expected is {expected}. Nothing was sent to it. Either the bastion was made \
         anew, or somebody stands in between: ask whoever runs it before you replace the key in `known_hosts` or `host_key`"
    )]
    HostKeyChanged {
        /// `host:port` of the bastion.
        at: String,
        /// Kind and fingerprint.
        presented: String,
        /// Kind and fingerprint.
        expected: String,
    },
    /// The bastion's key is marked `@revoked`.
    #[error(
        "the bastion {at} presents the key {presented}, which `known_hosts` revokes in line {line}. Nothing was sent to it: ask whoever runs the bastion"
    )]
    HostKeyRevoked {
        /// `host:port` of the bastion.
        at: String,
        /// Kind and fingerprint.
        presented: String,
        /// Line of the file, from 1.
        line: usize,
    },
    /// `known_hosts` or `host_key` can't be read.
    #[error("`{attribute}` can't be read: {cause}")]
    HostKeySetting {
        /// Its name.
        attribute: &'static str,
        /// Where, why and what instead.
        cause: String,
    },

    /// Neither a key nor an agent is given.
    #[error(
        "nothing is given to log in to the bastion {at} with: set `private_key_wo`, or `agent = true` for the keys of a running ssh-agent"
    )]
    NoIdentity {
        /// `host:port` of the bastion.
        at: String,
    },
    /// The private key is no key.
    #[error(
        "`private_key_wo` can't be read: {cause}. It takes the key's text, e.g. file(\"~/.ssh/id_ed25519\"), in OpenSSH's or PEM's format (ed25519, ecdsa, rsa)"
    )]
    KeyUnreadable {
        /// Which part of it, never its text.
        cause: String,
    },
    /// The private key has a passphrase that isn't given.
    #[error("`private_key_wo` is encrypted: set `private_key_passphrase_wo`, or load the key into an ssh-agent and set `agent = true`")]
    KeyEncrypted,
    /// The passphrase opens nothing.
    #[error("`private_key_passphrase_wo` does not open `private_key_wo`: check which key it belongs to")]
    PassphraseWrong,
    /// No agent answers.
    #[error(
        "no ssh-agent answers ({cause}): start one, load the key with `ssh-add` and run Terraform where SSH_AUTH_SOCK points to it, or set `private_key_wo`"
    )]
    AgentMissing {
        /// Why.
        cause: String,
    },
    /// The agent has no keys.
    #[error("the ssh-agent holds no key: load one with `ssh-add`, or set `private_key_wo`")]
    AgentEmpty,
    /// The bastion takes none of the keys.
    #[error(
        "the bastion {at} does not admit the user {user} with {tried}. {offered}. Check the user's name, and that the public key stands in that user's \
         authorized_keys"
    )]
    AuthenticationRefused {
        /// `host:port` of the bastion.
        at: String,
        /// Who wanted to log in.
        user: String,
        /// The kinds and fingerprints of the keys.
        tried: String,
        /// What the bastion would take.
        offered: String,
    },
    /// The bastion's policy is against forwarding.
    #[error(
        "the bastion {at} does not forward to {target} (administratively prohibited): its sshd needs `AllowTcpForwarding yes` (or `local`) and, if PermitOpen or a key's options limit it, this address"
    )]
    ForwardingForbidden {
        /// `host:port` of the bastion.
        at: String,
        /// `host:port` of the database.
        target: String,
    },
    /// The bastion, or the node, can't reach the database.
    #[error(
        "{way}, {target} can't be reached: its name does not resolve there, nothing listens on that port, or the database's security group does not admit it"
    )]
    TargetUnreachable {
        /// The way, as `describe` says it.
        way: String,
        /// `host:port` of the database.
        target: String,
    },
    /// The plugin is not installed.
    #[error(
        "`session-manager-plugin` is not on the PATH: it speaks to Session Manager. Install it (AWS Systems Manager user guide, \"Install the Session \
         Manager plugin\"), or take `via.ssh`"
    )]
    PluginMissing,
    /// The plugin is older than what it has to do.
    #[error("`session-manager-plugin` is version {found}, too old to forward ports: install {oldest} or later, best the latest")]
    PluginTooOld {
        /// Its version.
        found: String,
        /// The version that would do.
        oldest: String,
    },
    /// The plugin can't be run.
    #[error("`session-manager-plugin` can't be run: {cause}. Check that the one on the PATH is AWS's")]
    PluginUnusable {
        /// Why.
        cause: String,
    },
    /// The plugin ended before it opened its port.
    #[error("`session-manager-plugin` ended ({status}) before the way through {node} was open. It said: {said}")]
    PluginEnded {
        /// The instance.
        node: String,
        /// Its exit status.
        status: String,
        /// Its last words, without the token.
        said: String,
    },
    /// The plugin opened no port in time.
    #[error(
        "`session-manager-plugin` opened no way through {node} within {} s. It reaches ssmmessages.REGION.amazonaws.com by HTTPS: check proxies and \
         firewalls. It said: {said}", after.as_secs_f32()
    )]
    PluginSilent {
        /// The instance.
        node: String,
        /// How long it was waited for.
        after: Duration,
        /// Its last words, without the token.
        said: String,
    },
    /// A cluster without a node that Session Manager reaches.
    #[error("no node of the cluster {cluster} can be reached by Session Manager: {cause}")]
    NoNode {
        /// Its name.
        cluster: String,
        /// What is missing, and what to do.
        cause: String,
    },
    /// AWS does not start a session.
    #[error("Session Manager does not start a session {way}: {cause}{advice}")]
    SessionRefused {
        /// The way, as `describe` says it.
        way: String,
        /// What AWS says.
        cause: Box<dyn std::error::Error + Send + Sync>,
        /// What to do, beginning with the end of the sentence before; or nothing.
        advice: String,
        /// Whether the node is away, rather than a right missing.
        away: bool,
    },
    /// The tunnel ended by itself.
    #[error("the connection through {way} broke: {cause}")]
    Lost {
        /// What it went through.
        way: String,
        /// Why, if it is known.
        cause: String,
    },
    /// The bastion speaks SSH in another way than expected.
    #[error("the SSH connection to the bastion {at} failed: {cause}")]
    Protocol {
        /// `host:port` of the bastion.
        at: String,
        /// What the library said.
        cause: String,
    },
}

impl ViaError {
    /// Whether nobody was reached, so that waiting, the network or a firewall may mend it; else an identity, a right or a setting is wrong.
    pub(crate) fn is_unreachable(&self) -> bool {
        match self {
            Self::Unresolved { .. } | Self::Refused { .. } | Self::TimedOut { .. } | Self::Network { .. } | Self::Lost { .. } => true,
            Self::SessionRefused { away, .. } => *away,
            other => {
                matches!(other, Self::TargetUnreachable { .. } | Self::PluginEnded { .. } | Self::PluginSilent { .. } | Self::NoNode { .. })
            }
        }
    }

    /// What a failed connection to `at` means.
    pub(super) fn connecting(at: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { at: at.to_owned() },
            _ => Self::Network { at: at.to_owned(), cause: error.to_string() },
        }
    }
}

/// A host and a port as people write them; IPv6 addresses in brackets.
pub(super) fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Things in a sentence: `a, b or c`.
pub(super) fn list<T: fmt::Display>(things: &[T], last: &str) -> String {
    match things {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., end] => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            format!("{} {last} {end}", first.join(", "))
        }
    }
}
