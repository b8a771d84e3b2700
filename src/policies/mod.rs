//! The policy documents that the components carry: pure builders, shared by resources, functions and docs.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::aws::Aws;

mod access;
mod bucket;
mod key;
mod statements;
mod topic;
mod trust;

pub use access::{Access, AccessTo, access_policy, read_access};
pub use bucket::{bucket_policy, log_bucket_policy};
pub use key::{KeyUsers, SEED_KEY_ACTIONS, is_root, key_policy, locks_out, principal_of, users_of};
pub use statements::{foreign_statements, parse_statements, parse_trust_statements};
pub use topic::topic_policy;
pub use trust::{Irsa, PodIdentity, read_trust, trust_policy};

/// Where the objects live; everything that an ARN needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub partition: String,
    /// E.g. `eu-central-1`.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// `amazonaws.com` or the partition's own.
    pub dns_suffix: String,
    /// The ARNs of roles of this account whose sessions were named, by the roles' names: a session's own ARN lacks the role's path.
    pub roles: BTreeMap<String, String>,
}

impl Place {
    /// Where a connection leads.
    #[must_use]
    pub fn of(aws: &Aws) -> Self {
        Self {
            partition: aws.partition.clone(),
            region: aws.region.clone(),
            account_id: aws.account_id.clone(),
            dns_suffix: aws.dns_suffix.clone(),
            roles: BTreeMap::new(),
        }
    }

    /// The account's root, which in a key policy stands for the account's IAM policies.
    #[must_use]
    pub fn root(&self) -> String {
        self.iam("root")
    }

    /// An ARN of IAM, e.g. of `role/deeploy/pods`.
    #[must_use]
    pub fn iam(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account_id)
    }

    /// A bucket's ARN.
    #[must_use]
    pub fn bucket(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.partition)
    }

    /// An ARN of this region.
    #[must_use]
    pub fn regional(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account_id)
    }
}

/// A whole document of these statements.
#[must_use]
pub fn document(statements: &[Json]) -> Json {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

#[cfg(test)]
pub(crate) fn frankfurt() -> Place {
    Place {
        partition: "aws".to_owned(),
        region: "eu-central-1".to_owned(),
        account_id: "123456789012".to_owned(),
        dns_suffix: "amazonaws.com".to_owned(),
        roles: BTreeMap::new(),
    }
}
