//! How fast the cloud's minutes go.

use std::{env, ffi::OsString};

use tf_provider::{Diagnostic, Diagnostics, Path};

/// How long the engine rests between two looks, in parts of what AWS takes; for a cloud with shorter minutes (the sandbox).
const PACE: &str = "TF_DEEPLOY_PACE";

/// The scale of the engine's rests, 0 to 1; 1 where the environment says nothing.
///
/// # Errors
/// When the environment says something that is no such number: at another pace than the one asked for, waits would end too early or take ages.
pub(super) fn scale() -> Result<f64, Diagnostics> {
    read(env::var_os(PACE))
}

fn read(variable: Option<OsString>) -> Result<f64, Diagnostics> {
    let Some(text) = variable.filter(|text| !text.is_empty()) else { return Ok(1.0) };
    let scale = text.to_str().and_then(|text| text.parse::<f64>().ok()).filter(|scale| (0.0..=1.0).contains(scale));
    scale.ok_or_else(|| {
        let detail = format!(
            "The environment variable holds {text:?}. It is the part of AWS's time that the provider rests between two looks, a number from 0 to 1 such as \
             0.05, and only for a test cloud. Unset it to work with AWS."
        );
        vec![Diagnostic::error(Path::root(), format!("{PACE} is not a number from 0 to 1"), detail)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_read_or_refused_and_never_guessed() {
        let at = |text: &str| read(Some(text.into()));
        assert_eq!((read(None), at(""), at("0.05"), at("0"), at("1")), (Ok(1.0), Ok(1.0), Ok(0.05), Ok(0.0), Ok(1.0)));
        for wrong in ["fast", "0,05", "-1", "2", "NaN", "inf", "0.05 "] {
            let refused = at(wrong);
            assert!(
                refused.as_ref().is_err_and(|said| said.len() == 1 && said.iter().all(|one| one.detail.contains(wrong))),
                "{refused:?}"
            );
        }
    }
}
