//! Parts of an environment, each with its attributes and its components. A part is a resource of its own (its attributes at the root, by
//! `#[tf(flatten)]`) and a nested attribute of `deeploy_environment`: the same code makes both.
//!
//! A part's file holds its model and pure functions over it. `at` is where its attributes stand: [`tf_provider::Path::root`] or, e.g.,
//! `Path::of("network")`. What depends on other parts comes in as `Links`: `graph::Input`s.
//!
//! | | |
//! |---|---|
//! | `OUTPUTS` | computed attributes (names within the part) and the component that decides each; `eip/*` stands for several |
//! | `check(model, at)` | what no single attribute shows to be wrong; anything may be unknown |
//! | `Facts`, `look_up` | what the plan asks of AWS, by functions of `components/` |
//! | `check_change(model, prior, facts, at)` | what facts or the prior state show to be wrong: a fixed attribute that changed is told at its path, with what to do instead |
//! | `derive(model, written, prior, facts)` | what is chosen at create and then kept |
//! | `nodes(model, links, place)` | the components |
//! | `leftover(component, model, links, place)` | the node of a component that stands in state and in no blueprint any more (a node group, a subscription that was taken out), with what finding and deleting it take; the composite marks it absent. What is one of a bounded number (a NAT gateway of a zone) is rather always in `nodes`, with `absent_if` |
//! | `foretell(model, links, place)` | outputs that the configuration decides, known at plan; also the computed twins (`effective_parameters`) |
//! | `outputs(model, seen)`, `refresh(model, seen)` | computed attributes, and inputs that AWS tells |
//! | `warnings(planned, prior, facts, at)` | what a change does to those who use the part. Parts that are replaced or deleted are named by the composite |

use tf_provider::{Diagnostic, Diagnostics, Model, Path, Value};

use crate::presets::{Preset, fill};

pub(crate) mod cluster;
pub(crate) mod database;
pub(crate) mod encryption;
mod iam_name;
pub(crate) mod identity;
pub(crate) mod monitoring;
pub(crate) mod network;
pub(crate) mod record;
pub(crate) mod renamed;
pub(crate) mod storage;

/// What a granular resource's model holds by its preset alone, for a part that is made of that resource.
fn defaults<M: Model>(preset: Option<Preset>) -> Result<M, Diagnostics> {
    let attributes = Value::Map(fill(&M::attributes(), &Value::Null, &Value::Null, preset));
    M::from_value(&attributes, &Path::root()).map_err(|problems| {
        let told: Vec<String> =
            problems.iter().map(|problem| format!("{}: {} {}", problem.path, problem.summary, problem.detail)).collect();
        let detail = format!("{}\n\nNothing was changed. This is a bug of the provider: report it with this message.", told.join("\n"));
        vec![Diagnostic::error(Path::root(), "A preset's default doesn't fit its attribute", detail)]
    })
}

#[cfg(test)]
mod tests {
    use tf_provider::Attr;

    use super::*;

    /// A thing whose preset holds what its attribute can't.
    #[derive(Clone, Debug, Model)]
    struct Thing {
        /// A number, where the preset has a text.
        #[tf(optional, computed, note(preset = "iam_role.path"))]
        path: Attr<i64>,
    }

    #[test]
    fn a_default_that_does_not_fit_is_an_error_and_no_absence() {
        let refused = defaults::<Thing>(Some(Preset::Production)).map(|thing| thing.path);
        assert!(refused.as_ref().is_err_and(|said| said.len() == 1 && said[0].detail.contains("path: ")), "{refused:?}");
        assert!(defaults::<Thing>(None).is_ok_and(|thing| thing.path == Attr::Unknown));
    }
}
