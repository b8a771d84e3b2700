//! Where the client connects to: a unix socket that only this user can open, or a TCP port of the loopback interface.

#[cfg(unix)]
use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use std::{io, net::Ipv4Addr};

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::{TransportError, accept::Duplex, handshake::Invitation};

/// Longest path of a unix socket, in bytes: sun_path is 104 on macOS and 108 on Linux, with its final zero.
#[cfg(unix)]
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// A bound socket. Dropping it removes what it left in the file system.
pub(crate) enum Listener {
    /// A socket file, and the folder that was made for it.
    #[cfg(unix)]
    Unix(UnixListener, SocketFile),
    /// A loopback port.
    Tcp(TcpListener),
}

/// What to unlink at the end.
#[cfg(unix)]
pub(crate) struct SocketFile {
    path: PathBuf,
    folder: Option<PathBuf>,
}

impl Listener {
    /// A socket as the client wants it.
    pub(crate) async fn bind(invitation: &Invitation) -> Result<Self, TransportError> {
        #[cfg(unix)]
        if let Some(listener) = bind_unix(invitation.socket_directory.as_deref())? {
            return Ok(listener);
        }
        bind_tcp(invitation.ports).await
    }

    /// `unix` or `tcp`, as the handshake names it.
    pub(crate) fn network(&self) -> &'static str {
        match self {
            #[cfg(unix)]
            Self::Unix(..) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }

    /// A path, or `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        match self {
            #[cfg(unix)]
            Self::Unix(_, file) => file.path.display().to_string(),
            Self::Tcp(listener) => listener.local_addr().map(|address| address.to_string()).unwrap_or_default(),
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        match self {
            #[cfg(unix)]
            Self::Unix(listener, _) => Ok(Box::new(listener.accept().await?.0)),
            Self::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// None where the path would be too long.
#[cfg(unix)]
fn bind_unix(wanted: Option<&Path>) -> Result<Option<Listener>, TransportError> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
    let name = format!("plugin-{}-{nanos:x}", std::process::id());
    let folder = match wanted {
        Some(_) => None,
        // The temporary folder is everybody's: between bind and chmod another user could connect, were it not for this folder.
        None => Some(std::env::temp_dir().join(&name)),
    };
    let path = wanted.or(folder.as_deref()).map(|folder| folder.join(&name)).unwrap_or_default();
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        return Ok(None);
    }
    let failed = |source| TransportError::Listen { place: path.display().to_string(), source };
    if let Some(folder) = &folder {
        fs::DirBuilder::new().mode(0o700).create(folder).map_err(failed)?;
    }
    let file = SocketFile { path: path.clone(), folder };
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(Some(Listener::Unix(listener, file)))
}

async fn bind_tcp(ports: Option<(u16, u16)>) -> Result<Listener, TransportError> {
    let Some((low, high)) = ports else {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        return listener.map(Listener::Tcp).map_err(|source| TransportError::Listen { place: Ipv4Addr::LOCALHOST.to_string(), source });
    };
    for port in low..=high {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return Ok(Listener::Tcp(listener));
        }
    }
    Err(TransportError::Ports { low, high })
}

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        // Nothing to do about a failure: the process is ending, and the client removes its own folder.
        let _ = fs::remove_file(&self.path);
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tcp_stays_within_the_range_on_loopback() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(matches!(bind_tcp(Some((port, port))).await, Err(TransportError::Ports { low, high }) if low == port && high == port));
        drop(taken);
        let listener = bind_tcp(Some((port, port.saturating_add(20)))).await.unwrap();
        assert_eq!(listener.network(), "tcp");
        assert!(listener.address().starts_with("127.0.0.1:"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_socket_is_private_and_goes_with_its_folder() {
        let listener = Listener::bind(&Invitation::default()).await.unwrap();
        let path = PathBuf::from(listener.address());
        let folder = path.parent().unwrap().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        drop(listener);
        assert!(!path.exists() && !folder.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_clients_folder_is_used_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let invitation = Invitation { socket_directory: Some(folder.path().to_owned()), ..Invitation::default() };
        let listener = Listener::bind(&invitation).await.unwrap();
        let path = PathBuf::from(listener.address());
        assert!(path.starts_with(folder.path()) && path.exists());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(listener);
        assert!(!path.exists() && folder.path().exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_path_too_long_for_a_socket_falls_back_to_tcp() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(SOCKET_PATH_BYTES_MAX));
        fs::create_dir(&deep).unwrap();
        let invitation = Invitation { socket_directory: Some(deep), ..Invitation::default() };
        assert_eq!(Listener::bind(&invitation).await.unwrap().network(), "tcp");
    }
}
