//! What is running: the stop token, and the applies that must not be cut off.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::stop::{Stop, StopSource};

/// Shared by the RPCs, which start applies, and the transport, which waits for them before the process ends.
#[derive(Debug)]
pub(crate) struct Operations {
    stop: Mutex<StopSource>,
    applies: watch::Sender<usize>,
}

/// An apply that is running; dropped when it has returned.
#[derive(Debug)]
pub(crate) struct Running(watch::Sender<usize>);

impl Default for Operations {
    fn default() -> Self {
        Self { stop: Mutex::default(), applies: watch::Sender::new(0) }
    }
}

impl Operations {
    /// The token that a request takes along.
    pub(crate) fn token(&self) -> Stop {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).token()
    }

    /// Asks whatever runs, and whatever comes after it, to stop.
    pub(crate) fn stop(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).stop();
    }

    /// A new run of Terraform begins. A started provider lives for one run, in which a stop is final; one that Terraform
    /// attached to (`--debug`) outlives an interrupted run and must serve the next one.
    pub(crate) fn renew(&self) {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        if stop.token().is_set() {
            *stop = StopSource::default();
        }
    }

    /// Counts an apply until the answer is dropped.
    pub(crate) fn begin(&self) -> Running {
        self.applies.send_modify(|count| *count += 1);
        Running(self.applies.clone())
    }

    /// Returns when no apply is running.
    pub(crate) async fn idle(&self) {
        // An error would mean that the sender is gone; `self` holds it.
        let _ = self.applies.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_stop_reaches_tokens_taken_before_and_after_it() {
        let operations = Operations::default();
        let before = operations.token();
        operations.stop();
        assert!(before.is_set());
        assert!(operations.token().is_set());
        operations.renew();
        assert!(before.is_set(), "a stopped operation stays stopped");
        assert!(!operations.token().is_set());
    }

    #[test]
    fn idle_waits_for_every_apply() {
        let operations = Operations::default();
        assert!(operations.idle().now_or_never().is_some());
        let (first, second) = (operations.begin(), operations.begin());
        drop(first);
        assert!(operations.idle().now_or_never().is_none());
        drop(second);
        assert!(operations.idle().now_or_never().is_some());
    }
}
