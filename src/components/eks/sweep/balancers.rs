//! Load balancers and target groups of a cluster.

use super::{Going, Proof, TAGS_AT_ONCE};
use crate::{
    aws::{Absent, Aws, failure},
    graph::Failure,
};

const DESCRIBE: &str = "elasticloadbalancing:DescribeLoadBalancers";
const DELETE: &str = "elasticloadbalancing:DeleteLoadBalancer";
const TAGS: &str = "elasticloadbalancing:DescribeTags";

/// Classic ones, which the cloud provider inside Kubernetes makes.
pub(super) async fn classic(aws: &Aws, proof: &Proof, vpc: &str, going: &mut Going) -> Result<(), Failure> {
    let call = aws.elb.describe_load_balancers();
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let all = all.map_err(|error| failure(DESCRIBE, error))?;
    let here = all.iter().filter(|one| one.vpc_id() == Some(vpc));
    let names: Vec<String> = here.filter_map(|one| one.load_balancer_name().map(str::to_owned)).collect();
    for names in names.chunks(TAGS_AT_ONCE) {
        let reply = aws.elb.describe_tags().set_load_balancer_names(Some(names.to_vec())).send().await.absent(TAGS)?;
        for told in reply.iter().flat_map(aws_sdk_elasticloadbalancing::operation::describe_tags::DescribeTagsOutput::tag_descriptions) {
            let Some(name) = told.load_balancer_name() else { continue };
            if told.tags().iter().any(|tag| proof.holds(Some(tag.key()), tag.value())) {
                let deleted = aws.elb.delete_load_balancer().load_balancer_name(name).send().await;
                going.note(name, deleted.absent(DELETE).map(drop))?;
            }
        }
    }
    Ok(())
}

/// Which of these ARNs carry the proof.
async fn proven(aws: &Aws, proof: &Proof, arns: &[String]) -> Result<Vec<String>, Failure> {
    let mut proven = Vec::new();
    for arns in arns.chunks(TAGS_AT_ONCE) {
        let reply = aws.elbv2.describe_tags().set_resource_arns(Some(arns.to_vec())).send().await.absent(TAGS)?;
        let told = reply.iter().flat_map(aws_sdk_elasticloadbalancingv2::operation::describe_tags::DescribeTagsOutput::tag_descriptions);
        let ours = told.filter(|told| told.tags().iter().any(|tag| proof.holds(tag.key(), tag.value())));
        proven.extend(ours.filter_map(|told| told.resource_arn().map(str::to_owned)));
    }
    Ok(proven)
}

/// Network and application ones.
pub(super) async fn modern(aws: &Aws, proof: &Proof, vpc: &str, going: &mut Going) -> Result<(), Failure> {
    let call = aws.elbv2.describe_load_balancers();
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let all = all.map_err(|error| failure(DESCRIBE, error))?;
    let here = all.iter().filter(|one| one.vpc_id() == Some(vpc));
    let arns: Vec<String> = here.filter_map(|one| one.load_balancer_arn().map(str::to_owned)).collect();
    for arn in proven(aws, proof, &arns).await? {
        let deleted = aws.elbv2.delete_load_balancer().load_balancer_arn(&arn).send().await;
        going.note(&arn, deleted.absent(DELETE).map(drop))?;
    }
    Ok(())
}

/// Target groups, once nothing listens for them.
pub(super) async fn target_groups(aws: &Aws, proof: &Proof, vpc: &str, going: &mut Going) -> Result<(), Failure> {
    let call = aws.elbv2.describe_target_groups();
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let all = all.map_err(|error| failure("elasticloadbalancing:DescribeTargetGroups", error))?;
    let here = all.iter().filter(|one| one.vpc_id() == Some(vpc));
    let arns: Vec<String> = here.filter_map(|one| one.target_group_arn().map(str::to_owned)).collect();
    for arn in proven(aws, proof, &arns).await? {
        let deleted = aws.elbv2.delete_target_group().target_group_arn(&arn).send().await;
        going.note(&arn, deleted.absent("elasticloadbalancing:DeleteTargetGroup").map(drop))?;
    }
    Ok(())
}
