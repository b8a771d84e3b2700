//! When the process ends. It must neither outlive its Terraform nor cut off a running apply, whose objects would be lost.

use std::{process::ExitCode, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Clients, FAREWELL, TransportError};
use crate::{log, operations::Operations, provider::ORPHANED_APPLY_MAX};

/// How long the first connection may take: go-plugin's client dials right after it has read the handshake line.
const FIRST_CLIENT_MAX: Duration = Duration::from_secs(60);
/// How long after the last connection is lost a client may come back, before it counts as gone.
const RECONNECT_MAX: Duration = Duration::from_secs(1);

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client asked for it.
    Shutdown,
    /// A signal asked for it.
    Terminated,
    /// Ctrl-C in `--debug`.
    Interrupted,
    /// The client is gone without having asked: Terraform was killed.
    ClientGone,
    /// No client ever came.
    NoClient,
}

impl End {
    /// What the process exits with.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Shutdown | Self::Interrupted | Self::ClientGone => ExitCode::SUCCESS,
            Self::NoClient => ExitCode::FAILURE,
            // As a shell reports SIGTERM.
            Self::Terminated => ExitCode::from(143),
        }
    }
}

/// Watches for all that ends the process.
pub(crate) struct Lifetime {
    /// Who is connected.
    pub(crate) clients: Clients,
    /// Set by GRPCController.Shutdown.
    pub(crate) shutdown: watch::Receiver<bool>,
    /// `--debug`: a person ends the process, and clients come and go.
    pub(crate) attached: bool,
}

impl Lifetime {
    /// Returns when the process is to end, all its applies have returned and the last answer is out.
    pub(crate) async fn ends(self, operations: &Operations, mut signals: Signals) -> End {
        let end = self.end(&mut signals).await;
        log::debug("the provider ends", &[("reason", &format_args!("{end:?}"))]);
        operations.stop();
        let spent = if end == End::ClientGone { RECONNECT_MAX } else { Duration::ZERO };
        if timeout(ORPHANED_APPLY_MAX.saturating_sub(spent + FAREWELL), operations.idle()).await.is_err() {
            log::error("an apply didn't return in time; what it was making may be missing in the state", &[]);
        }
        sleep(FAREWELL).await;
        end
    }

    async fn end(mut self, signals: &mut Signals) -> End {
        if self.attached {
            return signals.next(true).await;
        }
        tokio::select! {
            Ok(_) = self.shutdown.wait_for(|asked| *asked) => End::Shutdown,
            end = signals.next(false) => end,
            end = client_gone(&self.clients) => end,
        }
    }
}

async fn client_gone(clients: &Clients) -> End {
    if timeout(FIRST_CLIENT_MAX, clients.came()).await.is_err() {
        return End::NoClient;
    }
    loop {
        clients.absent().await;
        if timeout(RECONNECT_MAX, clients.present()).await.is_err() {
            return End::ClientGone;
        }
    }
}

/// The signals that this process looks at. Taking them over is what keeps Ctrl-C from killing it: the terminal sends SIGINT to
/// the whole process group, but it is Terraform that decides, by StopProvider.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlClose,
    #[cfg(windows)]
    hangup: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    /// Takes the signals over.
    #[cfg(unix)]
    pub(crate) fn watch() -> Result<Self, TransportError> {
        use tokio::signal::unix::{SignalKind, signal};
        let watch = |kind| signal(kind).map_err(TransportError::Signals);
        Ok(Self {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
            hangup: watch(SignalKind::hangup())?,
        })
    }

    /// Takes the signals over.
    #[cfg(windows)]
    pub(crate) fn watch() -> Result<Self, TransportError> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self {
            interrupt: ctrl_c().map_err(TransportError::Signals)?,
            terminate: ctrl_close().map_err(TransportError::Signals)?,
            hangup: ctrl_shutdown().map_err(TransportError::Signals)?,
        })
    }

    /// The next signal that ends the process; an interrupt does so only for a process that a person `attached` to.
    async fn next(&mut self, attached: bool) -> End {
        loop {
            let end = tokio::select! {
                _ = self.interrupt.recv() => End::Interrupted,
                _ = self.terminate.recv() => End::Terminated,
                _ = self.hangup.recv() => End::Terminated,
            };
            if attached || end != End::Interrupted {
                return end;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    struct Watched {
        clients: Clients,
        shutdown: watch::Sender<bool>,
        operations: Arc<Operations>,
        end: tokio::task::JoinHandle<(End, Duration)>,
    }

    fn watched() -> Watched {
        let (clients, operations) = (Clients::default(), Arc::new(Operations::default()));
        let (shutdown, asked) = watch::channel(false);
        let lifetime = Lifetime { clients: clients.clone(), shutdown: asked, attached: false };
        let (watching, signals, began) = (operations.clone(), Signals::watch().unwrap(), Instant::now());
        let end = tokio::spawn(async move { (lifetime.ends(&watching, signals).await, began.elapsed()) });
        Watched { clients, shutdown, operations, end }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_comes() {
        let (end, after) = watched().end.await.unwrap();
        assert_eq!(end, End::NoClient);
        assert!(after >= FIRST_CLIENT_MAX && after < FIRST_CLIENT_MAX + RECONNECT_MAX, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_is_answered_before_the_end() {
        let provider = watched();
        let _client = provider.clients.arrived();
        provider.shutdown.send_replace(true);
        let (end, after) = provider.end.await.unwrap();
        assert_eq!(end, End::Shutdown);
        assert!(after >= FAREWELL && after < RECONNECT_MAX, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_comes_back_in_time_is_not_gone() {
        let provider = watched();
        drop(provider.clients.arrived());
        sleep(RECONNECT_MAX / 2).await;
        let client = provider.clients.arrived();
        sleep(FIRST_CLIENT_MAX * 2).await;
        assert!(!provider.end.is_finished());
        drop(client);
        assert_eq!(provider.end.await.unwrap().0, End::ClientGone);
    }

    #[tokio::test(start_paused = true)]
    async fn an_orphaned_apply_is_stopped_and_finishes_its_call() {
        let provider = watched();
        let (client, apply) = (provider.clients.arrived(), provider.operations.begin());
        let mut stop = provider.operations.token();
        tokio::spawn(async move {
            stop.wait().await;
            sleep(Duration::from_secs(20)).await;
            drop(apply);
        });
        drop(client);
        let (end, after) = provider.end.await.unwrap();
        assert_eq!(end, End::ClientGone);
        assert!(after > Duration::from_secs(20) && after < Duration::from_secs(25), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_orphaned_apply_that_never_returns_is_left_after_a_minute() {
        let provider = watched();
        let _apply = provider.operations.begin();
        drop(provider.clients.arrived());
        let (end, after) = provider.end.await.unwrap();
        assert_eq!(end, End::ClientGone);
        assert!(after > ORPHANED_APPLY_MAX / 2 && after <= ORPHANED_APPLY_MAX, "{after:?}");
    }
}
