//! What users see: one file a Terraform resource, and the one implementation of plan, apply, read and import behind them.

use std::sync::Arc;

use tf_provider::Resource;

use crate::provider::Session;

mod access;
mod apply;
mod bound;
mod change;
pub(crate) mod checks;
mod close;
mod composite;
mod eks_cluster;
mod environment;
mod iam_role;
mod iam_user;
mod import;
mod kms_key;
mod marks;
mod monitoring;
mod network;
mod outputs;
mod pace;
mod parts;
mod plan;
mod rds_instance;
mod rds_user;
mod read;
mod report;
mod s3_bucket;
mod seen;
mod setting;
mod shared;
mod state;
mod tags;

use composite::Adapter;

/// Every managed resource.
#[must_use]
pub(crate) fn all(session: &Arc<Session>) -> Vec<Arc<dyn Resource>> {
    vec![
        Adapter::<environment::Kind>::resource(Arc::clone(session)),
        Adapter::<kms_key::Kind>::resource(Arc::clone(session)),
        Adapter::<s3_bucket::Kind>::resource(Arc::clone(session)),
        Adapter::<iam_role::Kind>::resource(Arc::clone(session)),
        Adapter::<iam_user::Kind>::resource(Arc::clone(session)),
        Adapter::<rds_instance::Kind>::resource(Arc::clone(session)),
        Adapter::<eks_cluster::Kind>::resource(Arc::clone(session)),
        Adapter::<rds_user::Kind>::resource(Arc::clone(session)),
        Adapter::<network::Kind>::resource(Arc::clone(session)),
        Adapter::<monitoring::Kind>::resource(Arc::clone(session)),
    ]
}
