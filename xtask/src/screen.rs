//! What a person sees of long work.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    time::Duration,
};

/// A line of progress.
pub(crate) fn step(what: impl Display) {
    println!("• {what}");
    // A closed stdout is the reader's choice.
    let _ = std::io::stdout().flush();
}

/// How often a silent, running suite says that it still runs.
pub(crate) fn heartbeat() -> Duration {
    Duration::from_secs(if std::io::stdout().is_terminal() { 5 } else { 30 })
}

/// `1 m 5 s`, `3.2 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 { format!("{:.1} s", duration.as_secs_f64()) } else { format!("{} m {} s", whole / 60, whole % 60) }
}
