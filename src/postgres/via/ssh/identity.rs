//! Who logs in to the bastion: a private key, an agent's keys, or both one after the other.

use std::{ffi::OsStr, sync::Arc};

use russh::{
    MethodKind,
    client::{AuthResult, Handle},
    keys::{
        self, HashAlg, PrivateKey, PrivateKeyWithHashAlg,
        agent::{
            AgentIdentity,
            client::{AgentClient, AgentStream},
        },
    },
};
use zeroize::Zeroizing;

use super::{
    super::{Secret, ViaError, error::list},
    host_key::shown,
    watch::Watch,
};

/// Most keys of an agent that are shown to a bastion; sshd's own limit (MaxAuthTries) is 6.
const AGENT_KEYS_MAX: usize = 6;

/// Where Windows's own agent listens.
#[cfg(windows)]
const AGENT_PIPE: &str = r"\\.\pipe\openssh-ssh-agent";

/// An agent behind whatever carries its messages.
type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// One attempt's keys.
pub(super) struct Identities {
    key: Option<Arc<PrivateKey>>,
    agent: Option<(Agent, Vec<AgentIdentity>)>,
}

impl Identities {
    /// Reads the key and asks the agent, before the bastion is spoken to.
    ///
    /// # Errors
    /// The key can't be read or opened, no agent answers, it has no keys, or neither is given.
    pub(super) async fn gather(
        at: &str,
        key: Option<&Secret>,
        passphrase: Option<&Secret>,
        agent: Option<&OsStr>,
    ) -> Result<Self, ViaError> {
        if key.is_none() && agent.is_none() {
            return Err(ViaError::NoIdentity { at: at.to_owned() });
        }
        let key = key.map(|key| read(key, passphrase)).transpose()?.map(Arc::new);
        let agent = match agent {
            Some(socket) => Some(ask(socket).await?),
            None => None,
        };
        if key.is_none() && agent.as_ref().is_some_and(|(_, keys)| keys.is_empty()) {
            return Err(ViaError::AgentEmpty);
        }
        Ok(Self { key, agent })
    }

    /// Logs `user` in with the first key that the bastion takes.
    ///
    /// # Errors
    /// It takes none; what it would take is told.
    pub(super) async fn log_in(self, at: &str, user: &str, handle: &mut Handle<Watch>) -> Result<(), ViaError> {
        let mut tried = Vec::new();
        let lost = |error: &dyn std::fmt::Display| ViaError::Protocol { at: at.to_owned(), cause: error.to_string() };
        let mut last = None;
        if let Some(key) = self.key {
            let hash = if key.algorithm().is_rsa() { Some(rsa_hash(handle).await) } else { None };
            tried.push(format!("the key {} of `private_key_wo`", shown(key.public_key())));
            match handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await.map_err(|error| lost(&error))? {
                AuthResult::Success => return Ok(()),
                refused => last = Some(refused),
            }
        }
        if let Some((mut agent, keys)) = self.agent {
            for identity in keys.into_iter().take(AGENT_KEYS_MAX) {
                if handle.is_closed() {
                    break;
                }
                let public = identity.public_key().into_owned();
                tried.push(format!("the agent's key {}", shown(&public)));
                let hash = if public.algorithm().is_rsa() { Some(rsa_hash(handle).await) } else { None };
                let answer = match identity {
                    AgentIdentity::PublicKey { key, .. } => handle.authenticate_publickey_with(user, key, hash, &mut agent).await,
                    AgentIdentity::Certificate { certificate, .. } => {
                        handle.authenticate_certificate_with(user, certificate, hash, &mut agent).await
                    }
                };
                match answer {
                    Ok(AuthResult::Success) => return Ok(()),
                    Ok(refused) => last = Some(refused),
                    // An agent may refuse one key (it asks its owner first, say) and sign with the next.
                    Err(error) => tried.push(format!("(which the agent did not sign with: {error})")),
                }
            }
        }
        let offered = offered(last.as_ref(), handle.is_closed());
        Err(ViaError::AuthenticationRefused { at: at.to_owned(), user: user.to_owned(), tried: list(&tried, "or"), offered })
    }
}

/// What the bastion would take instead, as a sentence without its full stop.
fn offered(last: Option<&AuthResult>, closed: bool) -> String {
    let Some(AuthResult::Failure { remaining_methods, partial_success }) = last else {
        return "It was not asked".to_owned();
    };
    let names: Vec<&str> = remaining_methods.iter().map(Into::into).collect();
    if *partial_success {
        return format!("It takes the key, and asks for more: {} (only keys are supported here)", list(&names, "or"));
    }
    if closed || names.is_empty() {
        return "It closed the connection: perhaps too many keys were shown (MaxAuthTries)".to_owned();
    }
    let only_others = !remaining_methods.contains(&MethodKind::PublicKey);
    format!("It offers {}{}", list(&names, "or"), if only_others { " (only keys are supported here)" } else { "" })
}

/// The hash that the bastion signs RSA with; never SHA-1, which OpenSSH refuses since 8.8.
async fn rsa_hash(handle: &Handle<Watch>) -> HashAlg {
    handle.best_supported_rsa_hash().await.ok().flatten().flatten().unwrap_or(HashAlg::Sha512)
}

/// Reads a private key.
fn read(key: &Secret, passphrase: Option<&Secret>) -> Result<PrivateKey, ViaError> {
    // Indentation of a heredoc would hide the armour's lines.
    let text = Zeroizing::new(key.expose().lines().map(str::trim).collect::<Vec<_>>().join("\n"));
    let unreadable = |cause: &str| ViaError::KeyUnreadable { cause: cause.to_owned() };
    if !text.contains("-----BEGIN ") {
        return Err(unreadable("it holds no line `-----BEGIN … PRIVATE KEY-----`"));
    }
    if text.contains("DEK-Info:") && !text.contains("DEK-Info: AES-128-CBC") {
        return Err(unreadable("it is encrypted in an old way; `ssh-keygen -p -f KEY` writes it anew"));
    }
    let marked = text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED");
    match keys::decode_secret_key(&text, None) {
        Ok(key) => Ok(key),
        Err(error) if !marked && !matches!(error, keys::Error::KeyIsEncrypted) => Err(unreadable(&error.to_string())),
        Err(_) => match passphrase {
            None => Err(ViaError::KeyEncrypted),
            Some(passphrase) => keys::decode_secret_key(&text, Some(passphrase.expose())).map_err(|_| ViaError::PassphraseWrong),
        },
    }
}

/// The agent's keys.
async fn ask(socket: &OsStr) -> Result<(Agent, Vec<AgentIdentity>), ViaError> {
    let missing = |error: &dyn std::fmt::Display| ViaError::AgentMissing { cause: error.to_string() };
    if socket.is_empty() {
        return Err(missing(&"SSH_AUTH_SOCK is not set"));
    }
    #[cfg(unix)]
    let agent = AgentClient::connect_uds(socket).await;
    #[cfg(windows)]
    let agent = AgentClient::connect_named_pipe(socket).await;
    let mut agent = agent.map_err(|error| missing(&format!("{}: {error}", socket.to_string_lossy())))?.dynamic();
    let keys = agent.request_identities().await.map_err(|error| missing(&error))?;
    Ok((agent, keys))
}

/// Where this machine's agent listens; empty where nothing says so.
pub(super) fn agent_socket() -> std::ffi::OsString {
    let named = std::env::var_os("SSH_AUTH_SOCK");
    #[cfg(windows)]
    let named = named.or_else(|| Some(AGENT_PIPE.into()));
    named.unwrap_or_default()
}
