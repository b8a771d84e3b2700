//! The connections of one operation to one server: made when first needed, one a database, kept until the operation ends.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{Mutex, MutexGuard},
    time::{Instant, sleep, timeout},
};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, error::SqlState};
use tokio_postgres_rustls_improved::MakeRustlsConnect;
use zeroize::Zeroizing;

use super::{
    Absence, PgError,
    tls::{self, Roots},
    via::{BoxedStream, Way},
};

/// Where roles are looked at and changed; every server of RDS has it.
pub(crate) const MAINTENANCE: &str = "postgres";

/// The advisory lock that role, membership and ACL statements hold, in the maintenance database: `deeploy` in ASCII. Two of them at once end
/// with "tuple concurrently updated".
const LOCK: i64 = 0x64_6565_706c_6f79;

/// How long a lock is waited for: other applies take seconds. Longer ends with 55P03, which is tried again.
const LOCK_TIMEOUT_S: u64 = 60;

/// Between two tries of a connection.
const RETRY: Duration = Duration::from_millis(500);

/// What the role of the one who logs in may have set otherwise, and what would break long statements.
const OPTIONS: &str =
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c client_min_messages=warning -c standard_conforming_strings=on";

/// A user with a password or a token.
#[derive(Clone)]
pub(crate) struct Login {
    /// The role's name.
    pub(crate) user: String,
    /// Its password, or an IAM token.
    pub(crate) password: Zeroizing<String>,
}

/// Who logs in, and what is known about a server that doesn't answer.
#[async_trait]
pub(crate) trait Logins: Send + Sync {
    /// The administrator's credentials; `again`: read anew, since those given before were refused.
    async fn admin(&self, again: bool) -> Result<Login, PgError>;

    /// The attribute that tells them.
    fn attribute(&self) -> &'static str;

    /// What is known about the server otherwise.
    async fn absence(&self) -> Absence;
}

/// A server, and how long a connection to it may take.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// A name or an address.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// The name in its certificate; by default `host`.
    pub(crate) server_name: String,
    /// Who may have signed the certificate.
    pub(crate) roots: Roots,
    /// How long a connection may take in all, with every try.
    pub(crate) timeout: Duration,
}

/// The connections to one server. Holds credentials: it has no `Debug`.
pub(crate) struct Server {
    target: Target,
    way: Arc<dyn Way>,
    logins: Arc<dyn Logins>,
    connections: Mutex<HashMap<String, Arc<Client>>>,
    /// Whether the administrator's credentials were read anew once.
    renewed: Mutex<bool>,
    exclusive: Mutex<()>,
    unreachable: Mutex<Option<(bool, String)>>,
}

/// The advisory lock, as long as it is held. Dropped without its end (a run that was cut off), it ends with the connection.
pub(crate) struct Exclusive<'a> {
    /// The connection that holds it, to the maintenance database.
    pub(crate) client: Arc<Client>,
    _within: MutexGuard<'a, ()>,
}

impl Exclusive<'_> {
    /// Lets others go on, whatever came of the work.
    pub(crate) async fn end<T>(self, done: Result<T, PgError>) -> Result<T, PgError> {
        // A connection that broke has lost the lock already.
        let _ = self.client.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).await;
        done
    }
}

impl Server {
    /// Connects to nothing yet.
    pub(crate) fn new(target: Target, way: Arc<dyn Way>, logins: Arc<dyn Logins>) -> Self {
        Self {
            target,
            way,
            logins,
            connections: Mutex::default(),
            renewed: Mutex::default(),
            exclusive: Mutex::default(),
            unreachable: Mutex::default(),
        }
    }

    /// The administrator's connection to a database, made when there is none.
    ///
    /// # Errors
    /// [`PgError::Gone`] where the server is proven not to exist any more.
    pub(crate) async fn database(&self, name: &str) -> Result<Arc<Client>, PgError> {
        let mut all = self.connections.lock().await;
        if let Some(client) = all.get(name).filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.admin(name).await?);
        all.insert(name.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// The administrator's connection to the maintenance database.
    pub(crate) async fn maintenance(&self) -> Result<Arc<Client>, PgError> {
        self.database(MAINTENANCE).await
    }

    /// Whether the server was looked for and is proven not to exist any more.
    pub(crate) async fn is_gone(&self) -> bool {
        self.unreachable.lock().await.as_ref().is_some_and(|(gone, _)| *gone)
    }

    /// Ends the connection to a database, which would keep it from being dropped.
    pub(crate) async fn leave(&self, name: &str) {
        self.connections.lock().await.remove(name);
    }

    /// Ends every connection and the way.
    pub(crate) async fn close(&self) {
        self.connections.lock().await.clear();
        self.way.close().await;
    }

    /// Waits until nobody else changes roles, memberships or ACLs of this server, and keeps others from it until [`Exclusive::end`].
    pub(crate) async fn exclusive(&self) -> Result<Exclusive<'_>, PgError> {
        let within = self.exclusive.lock().await;
        let client = self.maintenance().await?;
        client.batch_execute(&format!("SET lock_timeout = '{LOCK_TIMEOUT_S}s'; SELECT pg_advisory_lock({LOCK})")).await?;
        Ok(Exclusive { client, _within: within })
    }

    /// Whether a user may log in with this password, whatever else keeps the session from being of use.
    pub(crate) async fn accepts(&self, login: &Login, database: &str) -> Result<bool, PgError> {
        // Once: a user whose sessions are all taken has shown its password, and waiting for one would hold up every plan.
        let tried = timeout(self.target.timeout, self.connect(login, database)).await;
        match tried.unwrap_or_else(|_| Err(PgError::Unreachable(format!("no answer within {} s", self.target.timeout.as_secs())))) {
            Ok(_) => Ok(true),
            Err(PgError::Refused(_)) => Ok(false),
            // Beyond the password: no right to the database, no slot left, no such database.
            Err(error)
                if [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::TOO_MANY_CONNECTIONS, SqlState::INVALID_CATALOG_NAME]
                    .iter()
                    .any(|state| error.is(state)) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn admin(&self, database: &str) -> Result<Client, PgError> {
        if let Some((gone, said)) = self.unreachable.lock().await.clone() {
            // Asked again and again it would take the whole timeout for each component.
            return Err(if gone { PgError::Gone(said) } else { PgError::Unreachable(said) });
        }
        let login = self.logins.admin(false).await?;
        let mut result = self.retrying(&login, database).await;
        if matches!(&result, Err(PgError::Refused(_))) {
            let mut renewed = self.renewed.lock().await;
            // RDS exchanges the password every seven days, maybe since it was read.
            if !*renewed {
                result = self.retrying(&self.logins.admin(true).await?, database).await;
            }
            *renewed = true;
        }
        match result {
            Err(PgError::Unreachable(cause)) => Err(self.lost(cause).await),
            Err(PgError::Refused(said)) => Err(PgError::Credentials {
                message: format!("the server refuses the administrator {:?}: {said}", login.user),
                attribute: self.logins.attribute(),
            }),
            other => other,
        }
    }

    /// What to say of a server that can't be reached.
    async fn lost(&self, cause: String) -> PgError {
        let absence = self.logins.absence().await;
        let Target { host, port, .. } = &self.target;
        let said = format!("{host} port {port} can't be reached {}: {cause}. {}", self.way.describe(), absence.facts).trim_end().to_owned();
        *self.unreachable.lock().await = Some((absence.proven, said.clone()));
        if absence.proven { PgError::Gone(said) } else { PgError::Unreachable(said) }
    }

    async fn retrying(&self, login: &Login, database: &str) -> Result<Client, PgError> {
        let end = Instant::now() + self.target.timeout;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let attempt = timeout(left.max(RETRY), self.connect(login, database)).await;
            let error = match attempt {
                Ok(Ok(client)) => return Ok(client),
                Ok(Err(error)) => error,
                Err(_) => PgError::Unreachable(format!("no answer within {} s", self.target.timeout.as_secs())),
            };
            if !error.passes() || Instant::now() + RETRY >= end {
                return Err(error);
            }
            sleep(RETRY).await;
        }
    }

    async fn connect(&self, login: &Login, database: &str) -> Result<Client, PgError> {
        let Target { host, port, server_name, roots, .. } = &self.target;
        let stream = self.way.open(host, *port).await?;
        let mut config = Config::new();
        config.user(&login.user).password(login.password.as_bytes()).dbname(database).options(OPTIONS);
        config.application_name("terraform-provider-deeploy").ssl_mode(tokio_postgres::config::SslMode::Require);
        handshake(config, stream, tls::connector(roots)?, server_name.clone()).await
    }
}

/// TLS and the login over a stream.
async fn handshake(config: Config, stream: BoxedStream, mut make: MakeRustlsConnect, server_name: String) -> Result<Client, PgError> {
    let tls = <MakeRustlsConnect as MakeTlsConnect<Carried>>::make_tls_connect(&mut make, &server_name)
        .map_err(|error| PgError::Untrusted(format!("{server_name:?} is no name that a certificate can hold: {error}")))?;
    let (client, connection) = config.connect_raw(Carried(stream), tls).await.map_err(|error| PgError::connecting(&error))?;
    // It ends with its client, or when the server ends it: then every statement says so.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

/// A stream as a type with a name: of a boxed trait object the compiler can't see that a future over it may be sent (rust-lang/rust#100013).
struct Carried(BoxedStream);

impl AsyncRead for Carried {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Carried {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The server's version: as a number (`150004`), and as it names itself (`15.4`).
pub(crate) async fn version(client: &Client) -> Result<(i32, String), PgError> {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int, split_part(current_setting('server_version'), ' ', 1)", &[])
        .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
