//! One file an AWS object: how it is made, found, changed and deleted, and the IAM actions that takes.
//!
//! Errors are classified in `aws/error.rs` alone; retries are the engine's.

use std::sync::Arc;

use crate::{aws::Aws, graph::Component};

mod kms_alias;
mod kms_key;
mod s3_bucket;
mod settings;

#[cfg(test)]
mod replay;

/// Every kind of object that blueprints may name.
#[must_use]
pub fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    vec![
        Arc::new(kms_alias::KmsAlias::new(Arc::clone(aws))),
        Arc::new(kms_key::KmsKey::new(Arc::clone(aws))),
        Arc::new(s3_bucket::S3Bucket::new(Arc::clone(aws))),
    ]
}
