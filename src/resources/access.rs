//! What Deeploy's role and user have alike: the access that they give.

use serde_json::Value as Json;
use tf_provider::{Attr, Diagnostic, Diagnostics, Path, Set};

use crate::{
    aws::Arn,
    graph::Input,
    policies::{Access, AccessTo, Place, access_policy, read_access},
};

/// Name of the inline policy.
pub(super) const POLICY_NAME: &str = "deeploy";

/// The attributes that decide the policy.
#[derive(Clone, Debug, Default)]
pub(super) struct AccessInputs {
    pub(super) bucket_arn: Attr<String>,
    pub(super) bucket_kms_key_arn: Attr<String>,
    pub(super) tokens_key_arn: Attr<String>,
    pub(super) access: Attr<String>,
}

pub(super) fn check(inputs: &AccessInputs) -> Diagnostics {
    if inputs.bucket_arn.is_null() && inputs.bucket_kms_key_arn.known().is_some() {
        let detail = "`bucket_kms_key_arn` is used through the bucket only: give `bucket_arn` too, or `tokens_key_arn` if that is the key that you mean.";
        return vec![Diagnostic::error(Path::of("bucket_kms_key_arn"), "A bucket's key without the bucket", detail)];
    }
    Vec::new()
}

/// ARNs of another partition never work, whatever the policy says.
pub(super) fn check_in(inputs: &AccessInputs, place: &Place) -> Diagnostics {
    [("bucket_arn", &inputs.bucket_arn), ("bucket_kms_key_arn", &inputs.bucket_kms_key_arn), ("tokens_key_arn", &inputs.tokens_key_arn)]
        .into_iter()
        .filter_map(|(name, arn)| super::checks::of_partition(Path::of(name), arn.known()?, place))
        .collect()
}

/// The identity policy; `Known(Null)` where it would give access to nothing.
pub(super) fn policy(inputs: &AccessInputs, place: &Place) -> Input {
    let given = |arn: &Attr<String>| match arn {
        Attr::Unknown => None,
        Attr::Null => Some(None),
        Attr::Known(arn) => Some(Some(arn.clone())),
    };
    let (Some(bucket_arn), Some(bucket_kms_key_arn), Some(tokens_key_arn), false) =
        (given(&inputs.bucket_arn), given(&inputs.bucket_kms_key_arn), given(&inputs.tokens_key_arn), inputs.access.is_unknown())
    else {
        return Input::Unknown;
    };
    let access =
        if inputs.access.known().is_some_and(|access| access == "documented") { Access::Documented } else { Access::LeastPrivilege };
    let to =
        AccessTo { bucket_arn, bucket_kms_key_arn, tokens_key_arn, dns_suffix: place.dns_suffix.clone(), region: place.region.clone() };
    Input::Known(access_policy(access, &to).unwrap_or(Json::Null))
}

/// The attributes that a live policy of ours stands for.
pub(super) fn read(policy: &Json) -> AccessInputs {
    let (access, to) = read_access(policy);
    let name = match access {
        Access::LeastPrivilege => "least_privilege",
        Access::Documented => "documented",
    };
    AccessInputs {
        bucket_arn: to.bucket_arn.into(),
        bucket_kms_key_arn: to.bucket_kms_key_arn.into(),
        tokens_key_arn: to.tokens_key_arn.into(),
        access: Attr::Known(name.to_owned()),
    }
}

/// The last part of an ARN's resource, or the text itself.
pub(super) fn name_of(id: &str, arn: Option<&Arn>, resource: &str) -> String {
    match arn {
        Some(arn) if arn.resource.starts_with(resource) => arn.resource.rsplit('/').next().unwrap_or(id).to_owned(),
        _ => id.to_owned(),
    }
}

/// The elements of a set; `None` where any of them is unknown.
pub(super) fn names(set: &Attr<Set<String>>) -> Option<Vec<String>> {
    match set {
        Attr::Null => Some(Vec::new()),
        Attr::Unknown => None,
        Attr::Known(set) => set.iter().map(|name| name.known().cloned()).collect(),
    }
}
