//! The value of a secret, as Secrets Manager has it now.

use std::fmt;

use aws_types::region::Region;

use super::{Absent as _, Arn, Aws};
use crate::graph::Failure;

/// One version of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue {
    /// Its text; `None`: it is binary.
    pub text: Option<String>,
    /// The version that this is.
    pub version_id: String,
}

impl fmt::Debug for SecretValue {
    /// Without the text.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretValue").field("version_id", &self.version_id).finish_non_exhaustive()
    }
}

impl Aws {
    /// The version of a secret that a stage, e.g. `AWSCURRENT`, stands at. `secret` is its ARN, in whichever region, or its name in this one.
    /// `None`: there is no such secret, or no such version.
    ///
    /// # Errors
    /// Of `secretsmanager:GetSecretValue`; for a customer's key the caller also needs `kms:Decrypt`.
    pub async fn secret_value(&self, secret: &str, stage: &str) -> Result<Option<SecretValue>, Failure> {
        let call = self.secrets.get_secret_value().secret_id(secret).version_stage(stage);
        let elsewhere = Arn::parse(secret).ok().map(|arn| arn.region).filter(|region| !region.is_empty() && *region != self.region);
        let sent = match elsewhere {
            Some(region) => {
                let there = aws_sdk_secretsmanager::config::Config::builder().region(Region::new(region));
                call.customize().config_override(there).send().await
            }
            None => call.send().await,
        };
        let found = sent.absent("secretsmanager:GetSecretValue")?;
        Ok(found.map(|found| SecretValue { text: found.secret_string, version_id: found.version_id.unwrap_or_default() }))
    }
}
