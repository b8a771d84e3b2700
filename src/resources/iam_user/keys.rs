//! The access keys of a user: which are its own, when another is made, when the one before goes.

use std::collections::BTreeMap;

use serde_json::json;
use tf_provider::{Attr, Diagnostic, Diagnostics, Path};

use super::super::setting::{fixed, input, live, settings};
use crate::graph::{Input, Settings};

/// The component.
pub(crate) const ACCESS_KEY: &str = "access_key";
/// The setting that says whether the previous key goes.
const RETIRE: &str = "retire_previous";

/// What configuration and state tell of a user's keys.
pub(crate) struct Keys<'a> {
    pub(crate) rotation: &'a Attr<String>,
    pub(crate) retire: &'a Attr<bool>,
    pub(crate) current: &'a Attr<String>,
    pub(crate) previous: &'a Attr<String>,
    pub(crate) previous_last_used: &'a Attr<String>,
}

impl Keys<'_> {
    /// The ids of the user's keys that are the resource's, as far as state knows them.
    pub(super) fn own(&self) -> Input {
        Input::Known([self.current, self.previous].iter().filter_map(|key| key.known()).map(|key| json!(key)).collect())
    }

    /// Whether the previous key goes. An apply that makes a key never retires the one that it takes the place of: it is what everybody
    /// uses. Only the next plan shows its retirement, and the next apply carries it out.
    fn retires(&self) -> Input {
        if self.current.is_unknown() { Input::Known(json!(false)) } else { input(self.retire) }
    }

    /// The settings of [`ACCESS_KEY`]; `user` and `secret` are other components.
    pub(super) fn settings(&self, user: &str, secret: &str) -> Settings {
        settings([
            ("user", live(Input::Output(user.into(), "name".to_owned()))),
            ("secret_arn", fixed(Input::Output(secret.into(), "arn".to_owned()))),
            ("rotation", live(input(self.rotation))),
            (RETIRE, live(self.retires())),
        ])
    }

    /// Whether another key is made than the one before. Without a value the key stays as it is.
    fn rotates(&self, prior: &Keys<'_>) -> bool {
        !self.rotation.is_null() && self.rotation != prior.rotation
    }

    /// Outputs that going on from `prior` may change, by the names that every resource has for them.
    pub(crate) fn moved(&self, prior: &Keys<'_>, drift: &Attr<BTreeMap<String, Attr<Vec<Attr<String>>>>>) -> &'static [&'static str] {
        // A key that is to be retired is no reason for another one.
        let other = |setting: &Attr<String>| setting.known().is_none_or(|setting| setting != RETIRE);
        let differs = drift.known().and_then(|drift| drift.get(ACCESS_KEY)?.known()).is_some_and(|all| all.iter().any(other));
        let retires = self.retire.known() == Some(&true) && !prior.previous.is_null();
        match (self.rotates(prior) || differs, retires) {
            (true, _) => &["access_key_id", "secret_version_id", "previous_access_key_id", "previous_access_key_last_used"],
            (false, true) => &["previous_access_key_id", "previous_access_key_last_used"],
            (false, false) => &[],
        }
    }

    /// Keys that go, with this apply or the next. `at`: what holds the attributes.
    pub(crate) fn warnings(&self, prior: &Keys<'_>, at: &Path) -> Diagnostics {
        let rotates = self.rotates(prior);
        let retire = self.retire.known() == Some(&true);
        let mut warnings = Vec::new();
        if let (true, Attr::Known(previous)) = (rotates || retire, prior.previous) {
            let used = prior.previous_last_used.known().map_or("never, as far as AWS knows", String::as_str);
            let (attribute, why) = match rotates {
                true => ("access_key_rotation", "AWS gives a user two keys, so a rotation ends the previous one"),
                false => ("retire_previous_access_key", "`retire_previous_access_key` is true"),
            };
            let summary = format!("The access key {previous} will be deleted");
            warnings.push(Diagnostic::warning(at.attribute(attribute), summary, format!("{why}. It was last used: {used}.")));
        }
        if let (true, true, Attr::Known(current)) = (rotates, retire, prior.current) {
            let detail = "This apply makes the key that takes its place, and leaves it active. As `retire_previous_access_key` is true, the \
                          plan after this one will delete it: make sure first that nobody uses it any more.";
            let summary = format!("The access key {current} will be deleted by the next apply");
            warnings.push(Diagnostic::warning(at.attribute("retire_previous_access_key"), summary, detail));
        }
        warnings
    }
}
