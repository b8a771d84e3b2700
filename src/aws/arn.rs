//! Amazon Resource Names.

use std::{fmt, str::FromStr};

use super::Partition;

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// E.g. `aws-cn`; always one that exists.
    pub partition: String,
    /// E.g. `kms`.
    pub service: String,
    /// Empty for global services.
    pub region: String,
    /// Twelve digits, `aws` for AWS's own policies, empty for buckets.
    pub account: String,
    /// The rest, e.g. `role/path/name`; may hold colons.
    pub resource: String,
}

/// Why a text is no ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// Not six parts between colons, or one of them is empty that must not be.
    #[error("\"{0}\" is no ARN; an ARN looks like arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE")]
    Shape(String),
    /// No such partition.
    #[error("\"{1}\" names the partition \"{0}\", which doesn't exist; most accounts are in \"aws\", others in aws-cn or aws-us-gov")]
    Partition(String, String),
    /// The account is not twelve digits.
    #[error("\"{1}\" names the account \"{0}\"; an account id has twelve digits")]
    Account(String, String),
}

/// Digits of an account id.
pub(crate) const ACCOUNT_DIGITS: usize = 12;

/// Whether this is an account id.
#[must_use]
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let shape = || ArnError::Shape(text.to_owned());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(shape);
        let (prefix, partition, service, region, account, resource) = (next()?, next()?, next()?, next()?, next()?, next()?);
        let blank = |text: &str| text.chars().any(|c| c.is_whitespace() || c.is_control());
        if prefix != "arn" || service.is_empty() || resource.is_empty() || blank(text) {
            return Err(shape());
        }
        if Partition::of_id(partition).is_none() {
            return Err(ArnError::Partition(partition.to_owned(), text.to_owned()));
        }
        if !(account.is_empty() || account == "aws" || is_account_id(account)) {
            return Err(ArnError::Account(account.to_owned(), text.to_owned()));
        }
        Ok(Self {
            partition: partition.into(),
            service: service.into(),
            region: region.into(),
            account: account.into(),
            resource: resource.into(),
        })
    }
}

impl Arn {
    /// Parses an ARN.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, ArnError> {
        text.parse()
    }

    /// What kind of thing it is within its service, e.g. `role` or `key`; for buckets and topics the whole resource.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        self.resource.split(['/', ':']).next().unwrap_or(&self.resource)
    }

    /// Role and session name, if this is a role's session.
    #[must_use]
    pub fn session(&self) -> Option<(&str, &str)> {
        (self.service == "sts").then(|| self.resource.strip_prefix("assumed-role/")).flatten()?.split_once('/')
    }

    /// What a policy names: a role's session becomes its role, all else stays. Policies that name a session stop
    /// working when it ends. A session's ARN doesn't hold the role's path: for a role with one, ask `iam:GetRole`.
    /// The one known path is that of IAM Identity Center's roles, which lies under a region that the session doesn't
    /// tell either.
    #[must_use]
    pub fn to_principal(&self) -> Self {
        self.session().map_or_else(
            || self.clone(),
            |(role, _)| Self { service: "iam".into(), region: String::new(), resource: format!("role/{role}"), ..self.clone() },
        )
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(out, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_arn_comes_back_unchanged() {
        for text in [
            "arn:aws:iam::123456789012:role/deeploy/x",
            "arn:aws-cn:s3:::bucket",
            "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:name-AbCdEf",
            "arn:aws-iso-b:sts::123456789012:assumed-role/R/S",
        ] {
            assert_eq!(Arn::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, part) in [
            ("", "is no ARN"),
            ("role/x", "is no ARN"),
            ("arn:aws:iam::123456789012", "is no ARN"),
            ("arn:aws:iam::123456789012:", "is no ARN"),
            ("arn:aws:iam::123456789012:role/x y", "is no ARN"),
            ("nra:aws:iam::123456789012:role/x", "is no ARN"),
            ("arn:aws-mars:iam::123456789012:role/x", "\"aws-mars\""),
            ("arn:aws:iam::12345678901:role/x", "twelve digits"),
            ("arn:aws:iam::12345678901a:role/x", "twelve digits"),
        ] {
            let error = Arn::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn sessions_become_roles() {
        for (text, principal) in [
            ("arn:aws:sts::123456789012:assumed-role/Admin/me", "arn:aws:iam::123456789012:role/Admin"),
            ("arn:aws-cn:sts::123456789012:assumed-role/R/a@b.c", "arn:aws-cn:iam::123456789012:role/R"),
            ("arn:aws:iam::123456789012:user/deeploy/x", "arn:aws:iam::123456789012:user/deeploy/x"),
            ("arn:aws:sts::123456789012:federated-user/x", "arn:aws:sts::123456789012:federated-user/x"),
            ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"),
        ] {
            assert_eq!(Arn::parse(text).unwrap().to_principal().to_string(), principal);
        }
    }

    #[test]
    fn resources_have_a_type() {
        for (text, kind) in [
            ("arn:aws:iam::123456789012:role/deeploy/x", "role"),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:n", "secret"),
            ("arn:aws:s3:::bucket", "bucket"),
        ] {
            assert_eq!(Arn::parse(text).unwrap().resource_type(), kind);
        }
    }
}
