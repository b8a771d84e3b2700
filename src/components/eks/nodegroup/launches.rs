//! What Auto Scaling says about starting the nodes of a group that is being made: EKS itself tells it only after 20 minutes.

use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode};
use aws_sdk_eks::types::Nodegroup;

use crate::{
    aws::{Absent, Aws},
    graph::{Failure, Readiness},
};

/// How many of the latest activities are looked at: enough for one of each zone and its repetition.
const LATEST: i32 = 10;

/// Failures of a launch that another try may not meet. Everything else (a key that can't be used, a quota, a type that doesn't exist here) stays.
const PASSING: &[&str] = &[
    "InsufficientInstanceCapacity",
    "InsufficientHostCapacity",
    "do not have sufficient",
    "RequestLimitExceeded",
    "Throttling",
    "InternalError",
    "ServiceUnavailable",
    "Spot",
];
/// … but for this, which EC2 gives as its reason where the key of the disks can't be used.
const LASTING: &[&str] = &["Client.InternalError", "Client error on launch", "InvalidKMSKey"];

/// `None`: nothing is known to have failed.
pub(super) async fn readiness(aws: &Aws, group: &Nodegroup) -> Result<Option<Readiness>, Failure> {
    const CALL: &str = "autoscaling:DescribeScalingActivities";
    let asg = group.resources().and_then(|resources| resources.auto_scaling_groups().first()).and_then(|asg| asg.name());
    let Some(asg) = asg else { return Ok(None) };
    let call = aws.autoscaling.describe_scaling_activities().auto_scaling_group_name(asg).max_records(LATEST);
    let reply = call.send().await.absent(CALL)?;
    Ok(reply.and_then(|reply| judged(reply.activities())))
}

fn judged(activities: &[Activity]) -> Option<Readiness> {
    let failed = |activity: &&Activity| activity.status_code() == Some(&ScalingActivityStatusCode::Failed);
    let mut passing = None;
    for activity in activities.iter().filter(failed) {
        let why = activity.status_message().or(activity.description()).unwrap_or("a node could not be started");
        let has = |parts: &[&str]| parts.iter().any(|part| why.contains(part));
        if has(LASTING) || !has(PASSING) {
            return Some(Readiness::Broken(format!("nodes can't be started: {why}")));
        }
        passing.get_or_insert_with(|| Readiness::Pending(format!("creating; a node could not be started yet: {why}")));
    }
    passing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_try_heals_ends_the_wait_in_awss_words() {
        let cases = [
            (
                "Launching a new EC2 instance. Status Reason: You have requested more vCPU capacity than your current vCPU limit of 32 allows (VcpuLimitExceeded).",
                true,
            ),
            ("Client.InternalError: Client error on launch. Launching EC2 instance failed.", true),
            ("Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state", true),
            ("The requested configuration is currently not supported.", true),
            (
                "We currently do not have sufficient m6i.large capacity in the Availability Zone you requested (eu-central-1a). (InsufficientInstanceCapacity)",
                false,
            ),
        ];
        for (why, broken) in cases {
            let activity = Activity::builder().status_code(ScalingActivityStatusCode::Failed).status_message(why).build();
            let readiness = judged(&[activity]);
            assert_eq!(matches!(&readiness, Some(Readiness::Broken(text)) if text.contains(why)), broken, "{why}");
            assert!(readiness.is_some());
        }
        let fine = Activity::builder().status_code(ScalingActivityStatusCode::Successful).build();
        assert_eq!(judged(&[fine]), None);
    }
}
