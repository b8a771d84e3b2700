//! Logging as Terraform wants it: one hclog JSON object a line on stderr. Every text is masked (see [`mask`]) before it leaves.
//!
//! Only what is said through this module is logged. There is no `tracing` subscriber, on purpose: the AWS SDK's events hold
//! request and response bodies at their finest level, secrets included, and no filter on them can be proven complete.

mod panic;
mod secrets;

use std::{
    env,
    fmt::Display,
    io::{self, Write as _},
    sync::OnceLock,
};

use serde_json::{Map, Value as Json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use secrets::{mask, masked};

pub(crate) use panic::{install_hook, take_location};
pub(crate) use secrets::mask_value;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For the provider's authors.
    Debug,
    /// What happened.
    Info,
    /// What may be wrong.
    Warn,
    /// What went wrong.
    Error,
}

/// What a message carries besides its text. Values are masked like texts.
pub type Fields<'a> = &'a [(&'a str, &'a dyn Display)];

struct Settings {
    module: String,
    least: Level,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Reads the level once: `TF_LOG_PROVIDER_NAME` wins over `TF_LOG_PROVIDER`, and that over `TF_LOG`. Without any, errors only.
pub(crate) fn start(provider_name: &str) {
    let least = level(provider_name, |name| env::var(name).ok());
    // Set already: a process serves one provider.
    let _ = SETTINGS.set(Settings { module: format!("provider.{provider_name}"), least });
}

fn level(provider_name: &str, variable: impl Fn(&str) -> Option<String>) -> Level {
    let own = format!("TF_LOG_PROVIDER_{}", provider_name.to_uppercase().replace('-', "_"));
    let wanted = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"].into_iter().find_map(|name| variable(name).filter(|text| !text.is_empty()));
    match wanted.unwrap_or_default().to_uppercase().as_str() {
        // As the CLI does: TF_LOG=JSON means everything.
        "TRACE" | "JSON" => Level::Trace,
        "DEBUG" => Level::Debug,
        "INFO" => Level::Info,
        "WARN" => Level::Warn,
        _ => Level::Error,
    }
}

/// Whether a message of this level would be written: ask before making an expensive one.
#[must_use]
pub fn enabled(level: Level) -> bool {
    level >= SETTINGS.get().map_or(Level::Error, |settings| settings.least)
}

/// Writes a message, if its level is wanted.
pub fn event(level: Level, message: &str, fields: Fields<'_>) {
    if !enabled(level) {
        return;
    }
    let module = SETTINGS.get().map_or("provider", |settings| settings.module.as_str());
    let mut text = line(level, module, message, fields, OffsetDateTime::now_utc());
    text.push('\n');
    // Whoever closed stderr doesn't read logs.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Every step.
pub fn trace(message: &str, fields: Fields<'_>) {
    event(Level::Trace, message, fields);
}

/// For the provider's authors.
pub fn debug(message: &str, fields: Fields<'_>) {
    event(Level::Debug, message, fields);
}

/// What happened.
pub fn info(message: &str, fields: Fields<'_>) {
    event(Level::Info, message, fields);
}

/// What may be wrong.
pub fn warn(message: &str, fields: Fields<'_>) {
    event(Level::Warn, message, fields);
}

/// What went wrong.
pub fn error(message: &str, fields: Fields<'_>) {
    event(Level::Error, message, fields);
}

fn line(level: Level, module: &str, message: &str, fields: Fields<'_>, now: OffsetDateTime) -> String {
    let name = match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    let mut object = Map::new();
    for (key, value) in fields {
        object.insert((*key).to_owned(), Json::String(masked(&value.to_string())));
    }
    // After the fields: none of them can take the place of these.
    object.insert("@level".to_owned(), name.into());
    object.insert("@message".to_owned(), masked(message).into());
    object.insert("@module".to_owned(), module.into());
    object.insert("@timestamp".to_owned(), now.format(&Rfc3339).unwrap_or_default().into());
    Json::Object(object).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_hclog_object() {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let text = line(Level::Warn, "provider.probe", "two\nlines", &[("call", &"s3:PutObject"), ("@level", &"fake")], now);
        assert!(!text.contains('\n'));
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "@level": "warn", "@message": "two\nlines", "@module": "provider.probe", "@timestamp": "2023-11-14T22:13:20Z",
                "call": "s3:PutObject",
            })
        );
    }

    #[test]
    fn messages_and_fields_are_masked() {
        mask("log-canary-1");
        let text = line(Level::Info, "m", "has log-canary-1", &[("field", &"and log-canary-1 too")], OffsetDateTime::UNIX_EPOCH);
        assert!(!text.contains("log-canary-1"), "{text}");
    }

    #[test]
    fn the_most_specific_level_wins() {
        let cases: [(&[(&str, &str)], Level); 6] = [
            (&[], Level::Error),
            (&[("TF_LOG", "info")], Level::Info),
            (&[("TF_LOG", "JSON")], Level::Trace),
            (&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "WARN")], Level::Warn),
            (&[("TF_LOG_PROVIDER", "WARN"), ("TF_LOG_PROVIDER_MY_CLOUD", "DEBUG")], Level::Debug),
            (&[("TF_LOG", "off")], Level::Error),
        ];
        for (pairs, expected) in cases {
            let variable = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(level("my-cloud", variable), expected, "{pairs:?}");
        }
    }
}
