//! Where a panic happened. Its message stays unsaid: it may hold the value that caused it, and that may be a secret.

use std::{cell::RefCell, panic};

thread_local! {
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces Rust's own report of panics.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        super::error("the provider panicked; this is a bug in it", &[("location", &location)]);
        LOCATION.set(Some(location));
    }));
}

/// Where the last panic of this thread happened.
pub(crate) fn take_location() -> Option<String> {
    LOCATION.take()
}
