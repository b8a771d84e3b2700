//! No RPC panics (I20): a panic would reset the stream, and Terraform would lose the half-made object.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::{Diagnostic, Path, log};

/// Runs the work; a panic in it becomes the message that `Err` holds.
pub(crate) async fn guarded<T>(rpc: &str, work: impl Future<Output = T>) -> Result<T, Diagnostic> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| panicked(rpc))
}

fn panicked(rpc: &str) -> Diagnostic {
    let place = log::take_location().unwrap_or_else(|| "an unknown place".to_owned());
    let detail = format!(
        "{rpc} failed at {place}. This is a bug in the provider, not in your configuration: please report it with this place. \
         What Terraform knew before is kept."
    );
    Diagnostic::error(Path::root(), "The provider panicked", detail)
}
