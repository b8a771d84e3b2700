//! Terraform's interrupt, as a token that running operations look at.

use tokio::sync::watch;

/// Set once, when Terraform asks the provider to stop (or is gone). Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Sets its [`Stop`]s.
#[derive(Clone, Debug)]
pub struct StopSource(watch::Sender<bool>);

impl Default for StopSource {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl StopSource {
    /// A token of this source.
    #[must_use]
    pub fn token(&self) -> Stop {
        Stop(self.0.subscribe())
    }

    /// Asks all its tokens' holders to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// A token that is never set.
    #[must_use]
    pub fn never() -> Self {
        StopSource::default().token()
    }

    /// Whether stopping was asked for.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when stopping is asked for; never, if its source is gone without having been set.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
