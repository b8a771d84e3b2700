//! One file an AWS object: how it is made, found, changed and deleted, and the IAM actions that takes.
//!
//! Errors are classified in `aws/error.rs` alone; retries are the engine's.

use std::sync::Arc;

use crate::{aws::Aws, graph::Component};

mod access_key;
mod ec2;
mod eks;
mod iam;
mod iam_group;
mod iam_group_membership;
mod iam_inline_policy;
mod iam_role;
mod iam_user;
mod iam_user_guards;
mod kms_alias;
mod kms_key;
mod monitoring;
pub(crate) mod postgres;
mod rds;
mod s3_bucket;
mod secret;
mod service_linked_role;
mod settings;

#[cfg(test)]
pub(crate) mod replay;

pub use ec2::{AvailabilityZone, ExistingNetwork, ExistingSubnet, availability_zones, endpoint_services, existing_network, is_without_eks};
pub(crate) use eks::{
    facts::{
        Capacity, KubernetesVersion, SubnetPlace, addon_versions, capacities, subnet_places, upgrade_blockers,
        versions as kubernetes_versions,
    },
    version::minor,
};
pub use iam_role::arn_of_role;
pub use kms_alias::alias_of;
pub use kms_key::state_of_key;
pub use monitoring::{InstanceClass, instance_class, record_value};
pub use rds::{Offer, Restorable, Snapshot, Version, newest_snapshot, offers, parameters, snapshot, versions};

/// Every kind of object that blueprints may name.
#[must_use]
pub fn table(aws: &Arc<Aws>) -> Vec<Arc<dyn Component>> {
    let mut all: Vec<Arc<dyn Component>> = vec![
        Arc::new(access_key::AccessKey::new(Arc::clone(aws))),
        Arc::new(iam_group::IamGroup::new(Arc::clone(aws))),
        Arc::new(iam_group_membership::IamGroupMembership::new(Arc::clone(aws))),
        Arc::new(iam_inline_policy::IamInlinePolicy::of_group(Arc::clone(aws))),
        Arc::new(iam_role::IamRole::new(Arc::clone(aws))),
        Arc::new(iam_inline_policy::IamInlinePolicy::of_role(Arc::clone(aws))),
        Arc::new(iam_user::IamUser::new(Arc::clone(aws))),
        Arc::new(kms_alias::KmsAlias::new(Arc::clone(aws))),
        Arc::new(kms_key::KmsKey::new(Arc::clone(aws))),
        Arc::new(s3_bucket::S3Bucket::new(Arc::clone(aws))),
        Arc::new(secret::Secret::new(Arc::clone(aws))),
        Arc::new(service_linked_role::ServiceLinkedRole::new(Arc::clone(aws))),
    ];
    all.extend([ec2::table(aws), eks::table(aws), monitoring::table(aws), rds::table(aws)].into_iter().flatten());
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{replay::Script, table};

    /// What the one who runs Terraform must be allowed; `environment_life` compares it with the calls that are really made.
    #[tokio::test]
    async fn every_action_is_in_the_list() {
        let components = table(&Script::new().aws("eu-west-1"));
        let actions: BTreeSet<&str> = components.iter().flat_map(|component| component.actions()).copied().collect();
        let list: String = actions.iter().map(|action| format!("{action}\n")).collect();
        assert_eq!(list, include_str!("actions.txt"), "src/components/actions.txt is to be as on the left");
    }
}
